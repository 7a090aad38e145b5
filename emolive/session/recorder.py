"""Recording a live run: on its own thread, without loss, and never in the way of the live view."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Iterable
from dataclasses import replace

from emolive.engine.capture import LiveAudio
from emolive.engine.hub import Mailbox
from emolive.engine.run import LiveRun
from emolive.errors import EmoliveError, SessionError
from emolive.i18n import tr
from emolive.session.audio_writer import AudioWriter, start_frame
from emolive.session.flac import FlacWriter
from emolive.session.library import Library
from emolive.session.recorded_run import new_session
from emolive.session.recorder_status import (
    RecorderState,
    RecorderStatus,
    RecordingRequest,
    disk_problem,
    slow_disk,
)
from emolive.session.records import Gap, SessionInfo
from emolive.session.timeline_writer import TimelineWriter
from emolive.session.writer import SessionWriter
from emolive.types import Alert, AlertEnded, EngineStatus, Event

_log = logging.getLogger(__name__)

__all__ = ["Recorder", "RecorderState", "RecorderStatus", "RecordingRequest"]

_POLL_S = 0.1
_STORE_EVERY_S = 0.4
_SYNC_EVERY_S = 1.0
# A minute of a call's events; overflow policy: the oldest are dropped, which becomes a gap.
_MAILBOX_EVENTS = 5_000
_SLOW_S = 3.0
_LAST_EVENTS_S = 0.5
_LATE_ALERTS_S = 0.2


class Recorder:
    """Records one run from `start` on: before it begins or in the middle of it.

    The session begins with the first sample that arrives after `start`, and ends with `stop` or
    with the run. It reads the capture ring with a cursor of its own, so neither a busy analysis nor
    a slow disk loses audio as long as the ring holds it. Problems of the disk are told by `status`
    and tried again; the run never notices. A recorder records once. All methods may be called from
    any thread.
    """

    def __init__(
        self,
        run: LiveRun,
        library: Library,
        request: RecordingRequest | None = None,
    ) -> None:
        """Prepare; nothing is recorded before `start`."""
        self._run = run
        self._library = library
        self._request = request or RecordingRequest()
        self._wake = threading.Event()
        self._stop_wish = threading.Event()
        self._thread = threading.Thread(target=self._work, name="emolive recorder", daemon=True)
        self._lock = threading.Lock()
        self._status = RecorderStatus(RecorderState.IDLE)
        self._info: SessionInfo | None = None
        self._busy_since: float | None = None
        self._begin: tuple[LiveAudio, int] | None = None
        self._before: LiveAudio | None = None  # what an earlier run left
        self._end: tuple[LiveAudio, int] | None = None
        # The thread's own from here on.
        self._mailbox: Mailbox | None = None
        self._writer: SessionWriter | None = None
        self._track: AudioWriter | None = None
        self._timeline: TimelineWriter | None = None
        self._audio_writers: list[FlacWriter] = []
        self._dropped = 0
        self._stored_at = self._synced_at = time.monotonic()

    @property
    def session(self) -> SessionInfo | None:
        """The session, once it has begun; complete in STOPPED."""
        with self._lock:
            return self._info

    def start(self) -> None:
        """Begin; returns at once. What arrives from now on is recorded.

        Raises:
            RuntimeError: it was started before.
        """
        with self._lock:
            if self._status.state is not RecorderState.IDLE:
                raise RuntimeError("a recorder records once")
            self._status = RecorderStatus(RecorderState.WAITING)
        self._mailbox = self._run.hub.subscribe(_MAILBOX_EVENTS)
        audio = self._run.audio
        if self._run.status().state.at_rest:
            self._before = audio
        elif audio is not None:
            self._begin = audio, start_frame(audio, audio.ring.written, self._run.facts.rate)
        self._thread.start()

    def status(self) -> RecorderStatus:
        """The newest snapshot; never waits."""
        with self._lock:
            status, busy_since = self._status, self._busy_since
        if busy_since is not None and time.monotonic() - busy_since > _SLOW_S and not status.error:
            return replace(
                status,
                state=RecorderState.TROUBLED,
                error=slow_disk(self._library.folder),
            )
        return status

    def ask_to_stop(self) -> None:
        """End the recording here; returns at once."""
        if self._end is None and (audio := self._audio()) is not None:
            self._end = audio, audio.ring.written
        self._stop_wish.set()
        self._wake.set()

    def wait(self, timeout: float | None = None) -> bool:
        """Wait until everything is stored, at most `timeout` seconds; whether it is."""
        if self._thread.ident is not None:
            self._thread.join(timeout)
        return not self._thread.is_alive()

    def stop(self, timeout: float = 30.0) -> SessionInfo | None:
        """End the recording here and wait until it is stored; the session, None: there is none."""
        self.ask_to_stop()
        self.wait(timeout)
        return self.session

    # On the recorder's thread.

    def _work(self) -> None:
        assert self._mailbox is not None
        try:
            self._record(self._mailbox)
        except Exception as error:  # a worker must not die unseen
            _log.exception("Recording failed")
            self._fail(error)
        finally:
            self._run.hub.unsubscribe(self._mailbox)

    def _record(self, mailbox: Mailbox) -> None:
        over = False
        while not over and not self._stop_wish.is_set():
            self._wake.wait(_POLL_S)
            over = self._step(mailbox)
        if self._track is None or self._timeline is None or self._writer is None:
            self._tell(RecorderState.STOPPED)
            return
        if not over and self._end is not None:
            audio, frame = self._end
            self._note(self._track.follow(audio))
            self._note(self._track.read(frame))
            self._timeline.end_at(self._track.position)
        self._hear_the_rest(mailbox, self._timeline, 0 if over else self._track.position)
        self._finish(self._track, self._timeline, self._writer)

    def _step(self, mailbox: Mailbox) -> bool:
        """Take what there is, and store it now and then; whether the run is over."""
        if self._stop_wish.is_set():
            return False
        # In this order: events before the audio they are about, so that after the last event the
        # audio is complete.
        events = mailbox.drain()
        over = any(_is_end(event) for event in events)
        audio = self._audio()
        if self._track is None and audio is not None:
            self._open(audio)
        if self._track is None or self._timeline is None or self._writer is None:
            return over
        if self._end is None:
            if audio is not None:
                self._note(self._track.follow(audio))
            self._note(self._track.read())
        if mailbox.dropped != self._dropped:
            self._dropped = mailbox.dropped
            self._timeline.lose_events()
        ended = False
        for event in events:
            # Behind the end only alerts may still be this run's: they come from another thread.
            if not ended or isinstance(event, Alert | AlertEnded):
                self._timeline.accept(event)
            ended = ended or _is_end(event)
        if time.monotonic() - self._stored_at >= _STORE_EVERY_S:
            self._store(self._track, self._timeline, self._writer)
        else:
            self._tell(self._status.state, self._status.error)
        return over

    def _audio(self) -> LiveAudio | None:
        audio = self._run.audio
        return None if audio is self._before else audio

    def _open(self, audio: LiveAudio) -> None:
        """The run's audio is there: begin the session."""
        begin = self._begin
        first = begin[1] if begin is not None and begin[0] is audio else 0
        facts, native = self._run.facts, audio.source_format.sampling_rate
        written = audio.ring.written
        started = time.time() - max(0, written - first) / native
        new = new_session(facts, audio.source_format, native, self._request, started)
        writer = self._writer = self._library.create(new, audio=self._request.audio)
        try:
            for stream in writer.info.streams:
                if (path := writer.audio_path(stream.name)) is not None:
                    self._audio_writers.append(FlacWriter(path, native))
        except OSError as error:
            raise SessionError(disk_problem(self._library.folder, error)) from error
        self._track = AudioWriter(audio, first, facts.rate, self._audio_writers)
        self._timeline = TimelineWriter(writer, self._track.origin_sample)
        with self._lock:
            self._info = writer.info
        self._tell(RecorderState.RECORDING)

    def _store(self, track: AudioWriter, timeline: TimelineWriter, writer: SessionWriter) -> None:
        """Bring everything to the disk; what does not go waits for the next time."""
        with self._lock:
            self._busy_since = time.monotonic()
        sync = time.monotonic() - self._synced_at >= _SYNC_EVERY_S
        problem: str | None = None
        try:
            self._note(track.flush(sync=sync))
            if sync:
                self._synced_at = time.monotonic()
        except OSError as error:
            problem = disk_problem(self._library.folder, error)
            _log.warning("Sound waits for the disk", exc_info=True)
        try:
            timeline.write_activity()
            writer.commit(track.position)
        except SessionError as error:
            problem = problem or tr(
                "{error} Recording goes on as soon as that is possible.", error=error
            )
        self._stored_at = time.monotonic()
        with self._lock:
            self._busy_since = None
        self._tell(RecorderState.TROUBLED if problem else RecorderState.RECORDING, problem)

    def _hear_the_rest(self, mailbox: Mailbox, timeline: TimelineWriter, end_sample: int) -> None:
        """Wait a moment for what is still to be said about the recorded audio.

        The engine owes answers up to `end_sample`; alerts come from another thread, a little later.
        """
        deadline = time.monotonic() + _LAST_EVENTS_S
        alerts_until: float | None = None
        while True:
            now = time.monotonic()
            if alerts_until is None and (timeline.heard >= end_sample or now >= deadline):
                alerts_until = now + _LATE_ALERTS_S
            if alerts_until is not None and now >= alerts_until:
                return
            event = mailbox.get(max(0.0, min(deadline, alerts_until or deadline) - now))
            if event is not None:
                timeline.accept(event)

    def _finish(self, track: AudioWriter, timeline: TimelineWriter, writer: SessionWriter) -> None:
        end = track.position
        if end == 0:
            self._close_audio()
            writer.discard()
            with self._lock:
                self._info = None
            self._tell(RecorderState.STOPPED)
            return
        timeline.finish(end)
        problem: str | None = None
        try:
            self._note(track.close())
        except OSError as error:
            problem = tr(
                "The end of the audio is missing: {folder}",
                folder=disk_problem(self._library.folder, error),
            )
        try:
            info = writer.finish(end)
        except SessionError as error:
            raise SessionError(
                "{error} What was stored before is put right at the next start.", error=error
            ) from error
        if writer.rows_lost:
            problem = problem or (
                tr(
                    "{rows_lost} entries of the timeline are missing: the disk took nothing "
                    "for too long.",
                    rows_lost=writer.rows_lost,
                )
            )
        with self._lock:
            self._info = info
        self._tell(RecorderState.STOPPED, problem)

    def _close_audio(self) -> None:
        for writer in self._audio_writers:
            try:
                writer.close()
            except OSError:
                continue

    def _fail(self, error: Exception) -> None:
        """End here; what was stored is put right at the next start."""
        try:
            self._close_audio()
        finally:
            if self._writer is not None:
                self._writer.abandon()
        known = isinstance(error, EmoliveError)
        text = (
            str(error)
            if known
            else tr("Recording failed: {kind}: {error}", kind=type(error).__name__, error=error)
        )
        self._tell(RecorderState.FAILED, text)

    def _note(self, gaps: Iterable[Gap]) -> None:
        assert self._writer is not None
        for gap in gaps:
            self._writer.add_gap(gap)
            length_s = (gap.end_sample - gap.start_sample) / self._run.facts.rate
            with self._lock:
                status = self._status
                self._status = replace(
                    status, gaps=status.gaps + 1, lost_s=status.lost_s + length_s
                )

    def _tell(self, state: RecorderState, error: str | None = None) -> None:
        track, writer = self._track, self._writer
        with self._lock:
            status = replace(self._status, state=state, error=error)
            if track is not None and writer is not None:
                status = replace(
                    status,
                    session_id=self._info.id if self._info else None,
                    elapsed_s=track.position / track.rate,
                    audio_bytes=track.bytes_on_disk,
                )
            self._status = status


def _is_end(event: Event) -> bool:
    return isinstance(event, EngineStatus) and event.state.over
