"""Files through exactly the live pipeline, as fast as the machine allows."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from emolive.audio.decoding import ChannelUse
from emolive.audio.files import FileSource
from emolive.audio.ring import SampleRing
from emolive.audio.source import RecordedSource
from emolive.baseline import Baselines
from emolive.engine.config import EngineConfig
from emolive.engine.hints import one_sound_hint, unheard_hint
from emolive.engine.monitor import Monitor
from emolive.inference.classifier import Classifier
from emolive.inference.metadata import ModelMetadata
from emolive.speech.silero import SileroVad
from emolive.types import Event, FloatArray, Prediction, Segment, StreamStatus

# How much a recorded source hands over at once.
BLOCK_S = 0.5

Progress = Callable[[float, float | None], None]


@dataclass(frozen=True, slots=True, eq=False)
class FileAnalysis:
    """What was found in one file.

    `duration_s` is what was decoded, `sample_rate` the file's own. Sample indices of `windows` and
    `segments` are at the rate of `metadata.front_end`. `problem` is one sentence when the file
    broke off (what came before is here), `note` one on samples that had to be replaced. `streams`
    says what each stream is: its role, whether emotion was inferred, native rate and band.
    """

    file: Path
    duration_s: float
    sample_rate: int
    metadata: ModelMetadata
    windows: tuple[Prediction, ...]
    segments: tuple[Segment, ...]
    problem: str | None = None
    note: str | None = None
    streams: tuple[StreamStatus, ...] = ()

    @property
    def model(self) -> str:
        """The model's name."""
        return self.metadata.name

    @property
    def labels(self) -> tuple[str, ...]:
        """The emotions, in the order of the probabilities."""
        return self.metadata.labels

    @property
    def probabilities(self) -> FloatArray | None:
        """The file-level answer: the mean over all windows with speech, float32 ``(n_classes,)``.

        None when there is no speech. All streams are pooled.
        """
        return pooled(window.probabilities for window in self.windows)

    @property
    def label(self) -> str | None:
        """The leading emotion of `probabilities`, or None when there is no speech."""
        shares = self.probabilities
        return None if shares is None else self.labels[int(shares.argmax())]


def pooled(probabilities: Iterable[FloatArray | None]) -> FloatArray | None:
    """The mean of windows' probabilities, float32 ``(n_classes,)``; None without any."""
    spoken = [shares for shares in probabilities if shares is not None]
    if not spoken:
        return None
    mean: FloatArray = np.stack(spoken).mean(axis=0, dtype=np.float64).astype(np.float32)
    return mean


def analyze_file(
    path: str | os.PathLike[str],
    classifier: Classifier,
    vad: SileroVad,
    config: EngineConfig,
    progress: Progress | None = None,
    channels: ChannelUse = "mix",
    baselines: Baselines | None = None,
) -> FileAnalysis:
    """Analyse a whole file; memory for its audio does not grow with its length.

    `config` is as live. `progress` is told now and then the seconds done and the seconds in all
    (None: not known); what it raises ends the analysis. `channels`: "mix" averages all into one
    stream, "split" keeps each as one. `baselines` adapt answers to their source (None: they stay as
    they are).

    Raises:
        AudioFileError: the file cannot be read at all. A file that breaks off is no exception:
            see `FileAnalysis.problem`.
    """
    source = FileSource(path, paced=False, block_s=BLOCK_S, channels=channels)
    return analyze_source(source, path, classifier, vad, config, progress, baselines=baselines)


def analyze_source(
    source: RecordedSource,
    path: str | os.PathLike[str],
    classifier: Classifier,
    vad: SileroVad,
    config: EngineConfig,
    progress: Progress | None = None,
    listen: Callable[[Event], None] | None = None,
    baselines: Baselines | None = None,
) -> FileAnalysis:
    """Analyse a recording flat out, in blocks of `BLOCK_S` seconds, as `analyze_file` does.

    `source` is not opened yet; it is closed in the end. The result is about `path`. `listen` is
    told every event in order, feature blocks included; what it raises ends the analysis.

    Raises:
        AudioFileError: as `analyze_file`.
    """
    try:
        source_format = source.open()
        rate = source_format.sampling_rate
        # Enough for full batches, in a ring that nothing is lost from.
        batch_s = config.batch_on(classifier.provider) * config.hop_s
        stride = round(rate * max(BLOCK_S, batch_s))
        ring = SampleRing(stride + 2 * round(rate * BLOCK_S), len(source_format.streams))
        monitor = Monitor(
            source_format, ring, classifier, vad, config,
            lossless=True, listened=listen is not None, baselines=baselines,
        )  # fmt: skip
        source.start(ring)
        windows: list[Prediction] = []
        segments: list[Segment] = []

        def keep(events: list[Event]) -> None:
            for event in events:
                if isinstance(event, Prediction):
                    windows.append(event.without_embedding())
                elif isinstance(event, Segment):
                    segments.append(event)
                if listen is not None:
                    listen(event)

        stepped = 0
        while source.pump(ring):
            if ring.written - stepped >= stride:
                stepped = ring.written
                keep(monitor.step())
                if progress is not None:
                    progress(stepped / rate, source.duration_s)
        keep(monitor.finish())
        if progress is not None:
            progress(ring.written / rate, source.duration_s)
        message, hint = source.status().message, None
        if monitor.one_sound:
            hint = one_sound_hint(source.name, monitor.one_sound, call=monitor.is_call)
        elif monitor.is_call and not source.failed:
            hint = unheard_hint(source.name, source_format.streams, windows)
        message = " ".join(filter(None, (message, hint))) or None
        return FileAnalysis(
            file=Path(path),
            duration_s=ring.written / rate,
            sample_rate=rate,
            metadata=classifier.metadata,
            windows=tuple(windows),
            segments=tuple(segments),
            problem=message if source.failed else None,
            note=None if source.failed else message,
            streams=monitor.streams,
        )
    finally:
        source.close()
