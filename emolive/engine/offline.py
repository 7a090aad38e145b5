"""Files through exactly the live pipeline, as fast as the machine allows."""

from __future__ import annotations

import os
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from emolive.audio.decoding import ChannelUse
from emolive.audio.files import FileSource
from emolive.audio.ring import SampleRing
from emolive.engine.config import EngineConfig
from emolive.engine.monitor import Monitor
from emolive.inference.classifier import Classifier
from emolive.inference.metadata import ModelMetadata
from emolive.speech.silero import SileroVad
from emolive.types import Event, FloatArray, Prediction, Segment

_BLOCK_S = 0.5

Progress = Callable[[float, float | None], None]


@dataclass(frozen=True, slots=True, eq=False)
class FileAnalysis:
    """What was found in one file.

    `duration_s` is what was decoded, `sample_rate` the file's own. Sample indices of `windows` and
    `segments` are at the rate of `metadata.front_end`. `problem` is one sentence when the file
    broke off (what came before is here), `note` one on samples that had to be replaced.
    """

    file: Path
    duration_s: float
    sample_rate: int
    metadata: ModelMetadata
    windows: tuple[Prediction, ...]
    segments: tuple[Segment, ...]
    problem: str | None = None
    note: str | None = None

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
        speech = [w.probabilities for w in self.windows if w.probabilities is not None]
        if not speech:
            return None
        pooled: FloatArray = np.stack(speech).mean(axis=0, dtype=np.float64).astype(np.float32)
        return pooled

    @property
    def label(self) -> str | None:
        """The leading emotion of `probabilities`, or None when there is no speech."""
        pooled = self.probabilities
        return None if pooled is None else self.labels[int(pooled.argmax())]


def analyze_file(
    path: str | os.PathLike[str],
    classifier: Classifier,
    vad: SileroVad,
    config: EngineConfig,
    progress: Progress | None = None,
    channels: ChannelUse = "mix",
) -> FileAnalysis:
    """Analyse a whole file; memory for its audio does not grow with its length.

    Args:
        path: anything that `FileSource` decodes.
        classifier: the model.
        vad: the voice activity detector.
        config: the same settings as live.
        progress: told now and then the seconds done and the seconds in all (None: not known);
            what it raises ends the analysis.
        channels: "mix" averages all channels into one stream, "split" keeps each as a stream.

    Raises:
        AudioFileError: the file cannot be read at all. A file that breaks off is no exception:
            see `FileAnalysis.problem`.
    """
    source = FileSource(path, paced=False, block_s=_BLOCK_S, channels=channels)
    try:
        source_format = source.open()
        rate = source_format.sampling_rate
        # Enough for full batches, in a ring that nothing is lost from.
        stride = round(rate * max(_BLOCK_S, config.max_batch * config.hop_s))
        ring = SampleRing(stride + 2 * round(rate * _BLOCK_S), len(source_format.streams))
        monitor = Monitor(source_format, ring, classifier, vad, config, lossless=True)
        source.start(ring)
        windows: list[Prediction] = []
        segments: list[Segment] = []
        stepped = 0
        while source.pump(ring):
            if ring.written - stepped >= stride:
                stepped = ring.written
                _keep(monitor.step(), windows, segments)
                if progress is not None:
                    progress(stepped / rate, source.duration_s)
        _keep(monitor.finish(), windows, segments)
        if progress is not None:
            progress(ring.written / rate, source.duration_s)
        message = source.status().message
        return FileAnalysis(
            file=Path(path),
            duration_s=ring.written / rate,
            sample_rate=rate,
            metadata=classifier.metadata,
            windows=tuple(windows),
            segments=tuple(segments),
            problem=message if source.failed else None,
            note=None if source.failed else message,
        )
    finally:
        source.close()


def _keep(events: list[Event], windows: list[Prediction], segments: list[Segment]) -> None:
    for event in events:
        if isinstance(event, Prediction):
            windows.append(event)
        elif isinstance(event, Segment):
            segments.append(event)
