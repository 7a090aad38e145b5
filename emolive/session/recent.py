"""The last minutes of a run, in memory: kept as a session when somebody wants them after all."""

from __future__ import annotations

import logging
import threading
import time
from collections import deque
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt

from emolive.engine.hub import Mailbox
from emolive.engine.run import LiveRun
from emolive.errors import SessionError
from emolive.i18n import decimal
from emolive.session.flac import FlacWriter
from emolive.session.library import Library
from emolive.session.recorded_run import new_session
from emolive.session.recorder_status import RecordingRequest, disk_problem
from emolive.session.records import Gap, GapKind, SessionInfo
from emolive.session.timeline_writer import TimelineWriter
from emolive.session.writer import SessionWriter
from emolive.types import EngineStatus, Event, FeatureBlock, FloatArray, Prediction

_log = logging.getLogger(__name__)

# Events of a run between two looks; overflow policy: the oldest are dropped, which becomes a gap.
_MAILBOX_EVENTS = 2_048
_WAIT_S = 0.5
_SCALE = np.float32(32_767.0)
_NO_FRAMES = np.empty((0, 0), np.float32)


@dataclass(frozen=True, slots=True, eq=False)
class _Kept:
    """An event without its large arrays, the sample that it ends at, and its audio, if any."""

    event: Event
    end_sample: int
    sound: npt.NDArray[np.int16] | None = None


class RecentRun:
    """Follows a run and holds what came in the last `seconds`, also after the run has ended.

    Size: 16 bits a sample at the model's rate, 1.9 MB a minute and stream, as it comes; overflow
    policy: the oldest goes. Nothing of it is on any disk before `keep`. A thread of its own
    follows; all methods may be called from any.
    """

    def __init__(self, run: LiveRun, seconds: float) -> None:
        """Follow `run`, which has not begun, from `start` on."""
        self.seconds = seconds
        self.rate = run.facts.rate  # of all sample indices, in Hz
        self._run = run
        self._mailbox: Mailbox = run.hub.subscribe(_MAILBOX_EVENTS)
        self._lock = threading.Lock()
        self._kept: deque[_Kept] = deque()
        self._end = 0
        self._ended_at = 0.0
        self._closing = threading.Event()
        self._thread = threading.Thread(target=self._follow, name="emolive recent", daemon=True)

    @property
    def held_s(self) -> float:
        """How much there is to keep, in seconds."""
        with self._lock:
            first = next((one.event for one in self._kept if one.sound is not None), None)
            if not isinstance(first, FeatureBlock):
                return 0.0
            return (self._end - first.start_sample) / self._run.facts.rate

    def start(self) -> None:
        """Begin to follow."""
        self._thread.start()

    def close(self, timeout: float = 1.0) -> bool:
        """Follow no more, and forget; whether the thread ended within `timeout` seconds."""
        self._closing.set()
        if self._thread.ident is not None:
            self._thread.join(timeout)
        with self._lock:
            self._kept.clear()
        return not self._thread.is_alive()

    def windows(self, stream: str) -> list[Prediction]:
        """A stream's answers that are held with all of their sound, oldest first."""
        with self._lock:
            kept = tuple(self._kept)
        starts = (one.end_sample - len(one.sound) for one in kept if one.sound is not None)
        first = min(starts, default=self._end)
        return [
            one.event
            for one in kept
            if isinstance(one.event, Prediction)
            and one.event.stream == stream
            and one.event.start_sample >= first
        ]

    def read(self, stream: str, start_sample: int, n_samples: int) -> FloatArray:
        """A stretch that is held, float32 ``(n_samples,)``; silent before the beginning.

        Raises:
            SessionError: it is not held, or a part of it was lost.
        """
        end_sample = start_sample + n_samples
        found = np.zeros(n_samples, np.float32)
        held = max(0, -start_sample)  # what lies before the beginning
        with self._lock:
            kept = tuple(self._kept)
        for one in kept:
            if one.sound is None or not isinstance(one.event, FeatureBlock):
                continue
            begin = one.end_sample - len(one.sound)
            if one.event.stream != stream or one.end_sample <= start_sample or begin >= end_sample:
                continue
            first, last = max(begin, start_sample), min(one.end_sample, end_sample)
            sound = one.sound[first - begin : last - begin]
            found[first - start_sample : last - start_sample] = _floats(sound)
            held += last - first
        if held < n_samples:
            raise SessionError(
                "The sound of this moment is not kept any more: only the last {minutes} "
                "minutes can be explained.",
                minutes=decimal(self.seconds / 60),
            )
        return found

    def events(self) -> Iterator[Event]:
        """What is held, oldest first, blocks with their audio."""
        with self._lock:
            kept = tuple(self._kept)
        for one in kept:
            if one.sound is None or not isinstance(one.event, FeatureBlock):
                yield one.event
            else:
                yield replace(one.event, samples=_floats(one.sound))

    def keep(self, library: Library, request: RecordingRequest) -> SessionInfo:
        """Make a session of what is held; blocks for as long as that takes to write.

        Raises:
            SessionError: there is nothing to keep, or it cannot be stored; nothing is left then.
        """
        with self._lock:
            kept, end, ended_at = tuple(self._kept), self._end, self._ended_at
        audio = self._run.audio
        starts: dict[str, int] = {}
        for one in kept:
            if one.sound is not None and isinstance(one.event, FeatureBlock):
                starts.setdefault(one.event.stream, one.end_sample - len(one.sound))
        if audio is None or not starts:
            raise SessionError("There is nothing in memory to keep.")
        origin, facts = max(starts.values()), self._run.facts
        started = ended_at - (end - origin) / facts.rate
        new = new_session(facts, audio.source_format, facts.rate, request, started)
        writer = library.create(new, audio=request.audio)
        try:
            self._write(writer, kept, origin, end)
            return writer.finish(end - origin)
        except OSError as error:
            writer.discard()
            raise SessionError(disk_problem(library.folder, error)) from error
        except SessionError:
            writer.discard()
            raise

    def _write(self, writer: SessionWriter, kept: tuple[_Kept, ...], origin: int, end: int) -> None:
        with ExitStack() as stack:
            files: dict[str, FlacWriter] = {}
            for stream in writer.info.streams:
                if (path := writer.audio_path(stream.name)) is not None:
                    file = files[stream.name] = FlacWriter(path, stream.native_rate)
                    stack.callback(file.close)
            self._fill(writer, files, kept, origin, end)

    def _fill(
        self,
        writer: SessionWriter,
        files: dict[str, FlacWriter],
        kept: tuple[_Kept, ...],
        origin: int,
        end: int,
    ) -> None:
        written = dict.fromkeys((stream.name for stream in writer.info.streams), origin)
        timeline = TimelineWriter(writer, origin)
        for one in kept:
            timeline.accept(one.event)
            if one.sound is None or not isinstance(one.event, FeatureBlock):
                continue
            stream, start = one.event.stream, one.end_sample - len(one.sound)
            sound = one.sound[max(0, written[stream] - start) :]
            if start > written[stream]:
                gap = Gap(written[stream] - origin, start - origin, GapKind.SOURCE, stream)
                writer.add_gap(gap)
                if stream in files:
                    files[stream].write_silence(start - written[stream])
            written[stream] = max(written[stream], one.end_sample)
            if stream in files:
                files[stream].write(_floats(sound))
        for stream, file in files.items():
            file.write_silence(end - written[stream])
        timeline.finish(end - origin)

    # On the thread.

    def _follow(self) -> None:
        over = False
        while not over and not self._closing.is_set():
            event = self._mailbox.get(_WAIT_S)
            if event is None:
                continue
            self._take(event)
            over = isinstance(event, EngineStatus) and event.state.over
        self._run.hub.unsubscribe(self._mailbox)

    def _take(self, event: Event) -> None:
        sound = None
        ends = self._end
        if isinstance(event, FeatureBlock):
            ends = event.end_sample
            if event.samples is not None:
                sound = np.round(np.clip(event.samples, -1.0, 1.0) * _SCALE).astype(np.int16)
            event = replace(event, log_mel=_NO_FRAMES, samples=None)
        elif isinstance(event, Prediction):
            event = event.without_embedding()
        with self._lock:
            if isinstance(event, FeatureBlock):
                self._end = max(self._end, event.end_sample)
                self._ended_at = time.time()
            self._kept.append(_Kept(event, ends, sound))
            oldest = self._end - round(self.seconds * self._run.facts.rate)
            while self._kept and self._kept[0].end_sample < oldest:
                self._kept.popleft()


def _floats(sound: npt.NDArray[np.int16]) -> FloatArray:
    return sound.astype(np.float32) / _SCALE
