"""Filling a session: rows wait in memory and are committed together."""

from __future__ import annotations

import sqlite3
from collections import deque
from collections.abc import Callable, Iterable, Mapping
from dataclasses import replace
from functools import partial
from pathlib import Path

from emolive.session import rows, timeline_rows
from emolive.session.database import Database
from emolive.session.deletion import delete_session, purge
from emolive.session.folders import RecordingLock, session_folder
from emolive.session.records import (
    AlertRecord,
    Annotation,
    Gap,
    Note,
    SessionInfo,
    SessionState,
    Trace,
)
from emolive.types import Band, Baseline, Prediction, Segment, SpeechActivity

# Hours of a two-channel timeline: what a disk that is full for a while makes wait.
MAX_PENDING = 100_000

_Write = Callable[[sqlite3.Connection], object]


class SessionWriter:
    """Adds to one session until it is finished. One thread owns it.

    What is added waits for `commit`; a commit that fails keeps everything for the next. At most
    `MAX_PENDING` rows wait; overflow policy: the oldest are dropped and counted in `rows_lost`.
    All samples count from the session's start at its `rate`.
    """

    def __init__(
        self,
        database: Database,
        library: Path,
        info: SessionInfo,
        stream_ids: dict[str, int],
        lock: RecordingLock,
    ) -> None:
        """Made by `Library.create`; `database` is this writer's own to close."""
        self.rows_lost = 0
        self._database = database
        self._library = library
        self._info = info
        self._stream_ids = stream_ids
        self._lock = lock
        self._pending: deque[_Write] = deque()
        self._baselines: dict[str, Baseline] = {}
        self._open = True

    @property
    def info(self) -> SessionInfo:
        """The session as it was last committed."""
        return self._info

    @property
    def pending(self) -> int:
        """Rows that wait for a commit."""
        return len(self._pending)

    @property
    def folder(self) -> Path:
        """Where the session's files belong."""
        return session_folder(self._library, self._info.id)

    def audio_path(self, stream: str) -> Path | None:
        """Where the stream's audio belongs (FLAC, mono, its native rate); None: nowhere.

        Raises:
            KeyError: there is no such stream.
        """
        name = self._info.stream(stream).audio_file
        return None if name is None else self.folder / name

    def add_windows(self, windows: Iterable[Prediction]) -> None:
        """Add the model's answers."""
        for window in windows:
            row = timeline_rows.window_row(self._stream_ids[window.stream], window)
            self._add(partial(timeline_rows.insert_windows, rows=[row]))
            baseline = window.baseline
            if baseline is not None and self._baselines.get(window.stream) != baseline:
                self._baselines[window.stream] = baseline
                self._add(
                    partial(
                        timeline_rows.insert_baseline,
                        stream_id=self._stream_ids[window.stream],
                        end_sample=window.end_sample,
                        baseline=baseline,
                    )
                )

    def add_segments(self, segments: Iterable[Segment]) -> None:
        """Add the model's segments."""
        for segment in segments:
            ids = self._stream_ids
            self._add(partial(timeline_rows.insert_segments, stream_ids=ids, segments=[segment]))

    def add_activity(self, stream: str, activity: SpeechActivity) -> None:
        """Add voice activity of a stream."""
        row = timeline_rows.activity_row(self._stream_ids[stream], activity)
        self._add(partial(timeline_rows.insert_activity, rows=[row]))

    def add_gap(self, gap: Gap) -> None:
        """Add a stretch of which nothing was kept."""
        self._add(partial(timeline_rows.insert_gap, session_id=self._info.id, gap=gap))

    def add_alert(self, alert: AlertRecord) -> None:
        """Add an alert."""
        self._add(partial(rows.insert_alert, session_id=self._info.id, alert=alert))

    def end_alert(self, rule: str, stream: str | None, at_sample: int, end_sample: int) -> None:
        """What the alert of this rule and stream at `at_sample` was about is over."""
        key = (end_sample, self._info.id, rule, stream, at_sample)
        self._add(partial(rows.end_alert, key=key))

    def add_note(self, note: Note) -> None:
        """Add a note."""
        self._add(partial(rows.insert_note, session_id=self._info.id, note=note))

    def add_traces(self, traces: Iterable[Trace]) -> None:
        """Add what people rated continuously."""
        for trace in traces:
            self._add(partial(rows.put_trace, session_id=self._info.id, trace=trace))

    def add_annotations(self, annotations: Iterable[Annotation]) -> None:
        """Add what people said (for imports)."""
        for annotation in annotations:
            self._add(partial(rows.put_annotation, session_id=self._info.id, annotation=annotation))

    def set_bands(self, bands: Mapping[str, Band]) -> None:
        """Note how far up the sound of streams reached."""
        ids = {self._stream_ids[stream]: band for stream, band in bands.items()}
        self._add(partial(rows.update_bands, bands=ids))

    def commit(self, duration_samples: int) -> None:
        """Store what waits; the session is `duration_samples` long by now.

        Raises:
            SessionError: it could not be stored; it still waits.
        """
        self._store(replace(self._info, duration_samples=duration_samples))

    def finish(self, duration_samples: int) -> SessionInfo:
        """Store what waits, close the session and release everything.

        Raises:
            SessionError: it could not be stored: try again, or `abandon`.
        """
        done = replace(self._info, duration_samples=duration_samples, state=SessionState.COMPLETE)
        self._store(done)
        self._release()
        return done

    def abandon(self) -> None:
        """Release everything without closing the session: the next start recovers it."""
        self._release()

    def discard(self) -> None:
        """Release everything and leave nothing of the session, as if it had never begun.

        Raises:
            SessionError: not everything could be removed; the next start goes on with that.
        """
        if not self._open:
            raise RuntimeError(f"session {self._info.id} is finished")
        try:
            self._lock.release()
            delete_session(self._database, self._library, self._info.id, "discarded")
            purge(self._database)
        finally:
            self._release()

    def _add(self, write: _Write) -> None:
        if not self._open:
            raise RuntimeError(f"session {self._info.id} is finished")
        if len(self._pending) >= MAX_PENDING:
            self._pending.popleft()
            self.rows_lost += 1
        self._pending.append(write)

    def _store(self, info: SessionInfo) -> None:
        if not self._open:
            raise RuntimeError(f"session {self._info.id} is finished")
        with self._database.writing() as connection:
            for write in self._pending:
                write(connection)
            connection.execute(
                "UPDATE sessions SET duration_samples = ?, state = ? WHERE id = ?",
                (info.duration_samples, info.state.value, info.id),
            )
        self._pending.clear()
        self._info = info

    def _release(self) -> None:
        if self._open:
            self._open = False
            self._pending.clear()
            self._database.close()
            self._lock.release()
