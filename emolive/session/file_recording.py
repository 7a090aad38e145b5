"""A recording becomes a session at full speed: analysed as live audio is, its sound beside it."""

from __future__ import annotations

import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

import numpy as np

from emolive.audio.decoding import ChannelUse
from emolive.audio.files import FileSource
from emolive.audio.ring import SampleRing
from emolive.audio.source import SourceFormat
from emolive.engine import EngineConfig, FileAnalysis
from emolive.engine.offline import BLOCK_S, Progress, analyze_source
from emolive.engine.run import run_facts
from emolive.errors import SessionError
from emolive.inference.classifier import Classifier
from emolive.session.flac import FlacWriter
from emolive.session.library import Library
from emolive.session.recorded_run import new_session
from emolive.session.recorder_status import RecordingRequest, disk_problem
from emolive.session.records import SessionInfo
from emolive.session.timeline_writer import TimelineWriter
from emolive.session.writer import SessionWriter
from emolive.speech.silero import SileroVad
from emolive.types import Event


def session_of_file(
    path: Path,
    library: Library,
    classifier: Classifier,
    vad: SileroVad,
    config: EngineConfig,
    request: RecordingRequest,
    *,
    channels: ChannelUse = "mix",
    progress: Progress | None = None,
) -> tuple[SessionInfo, FileAnalysis]:
    """Analyse a file and store it as a session; its memory does not grow with its length.

    Without a title the session is called after the file. `progress` is told the seconds done and in
    all (None: not known); what it raises ends the work, and nothing is left of the session.

    Raises:
        AudioFileError: the file cannot be read at all. One that breaks off is stored up to there.
        SessionError: the session cannot be stored.
    """
    titled = RecordingRequest(request.title or path.stem, request.audio, request.tags)
    facts = run_facts(path.name, classifier, config, classifier.provider_note)

    def begin(source_format: SourceFormat) -> SessionWriter:
        rate = source_format.sampling_rate
        return library.create(
            new_session(facts, source_format, rate, titled, time.time()), audio=titled.audio
        )

    copying = _Copying(path, channels, begin)
    try:
        analysis = analyze_source(
            copying, path, classifier, vad, config, copying.told(progress), copying.listen
        )
        return copying.finish(analysis, facts.rate), analysis
    except OSError as error:
        copying.discard()
        raise SessionError(disk_problem(library.folder, error)) from error
    except BaseException:
        copying.discard()
        raise


class _Copying(FileSource):
    """A file that writes what is read of it into a session, too. One thread owns it."""

    def __init__(
        self, path: Path, channels: ChannelUse, begin: Callable[[SourceFormat], SessionWriter]
    ) -> None:
        super().__init__(path, paced=False, block_s=BLOCK_S, channels=channels)
        self._begin = begin
        self._writer: SessionWriter | None = None
        self._timeline: TimelineWriter | None = None
        self._files: list[FlacWriter] = []
        self._cursor = 0

    def open(self) -> SourceFormat:
        """Begin the session."""
        found = super().open()
        writer = self._writer = self._begin(found)
        self._timeline = TimelineWriter(writer, 0)
        for stream in writer.info.streams:
            if (path := writer.audio_path(stream.name)) is not None:
                self._files.append(FlacWriter(path, stream.native_rate))
        return found

    def pump(self, ring: SampleRing) -> bool:
        """Read the next block, and copy it."""
        more = super().pump(ring)
        read = ring.read(self._cursor)
        self._cursor = read.end
        for channel, file in enumerate(self._files):
            file.write(np.ascontiguousarray(read.samples[:, channel]))
        return more

    def listen(self, event: Event) -> None:
        """Enter an event into the timeline."""
        assert self._timeline is not None
        self._timeline.accept(event)

    def told(self, progress: Progress | None) -> Progress:
        """Store what there is whenever progress is told, so that nothing piles up."""

        def tell(done_s: float, total_s: float | None) -> None:
            for file in self._files:
                file.flush()
            assert self._writer is not None
            assert self._timeline is not None
            self._timeline.write_activity()
            self._writer.commit(round(done_s * self._writer.info.rate))
            if progress is not None:
                progress(done_s, total_s)

        return tell

    def finish(self, analysis: FileAnalysis, rate: int) -> SessionInfo:
        """Close the session."""
        assert self._writer is not None
        assert self._timeline is not None
        for file in self._files:
            file.close()
        samples = round(analysis.duration_s * rate)
        self._timeline.finish(samples)
        return self._writer.finish(samples)

    def discard(self) -> None:
        """Leave nothing."""
        for file in self._files:
            with suppress(OSError):
                file.close()
        if self._writer is not None:
            self._writer.discard()
            self._writer = None
