"""One stream's answers: decision, segments and counters."""

from __future__ import annotations

from dataclasses import replace

from emolive.baseline import StreamBaseline
from emolive.engine.config import EngineConfig
from emolive.engine.stream import StreamPipeline
from emolive.inference.decision import Decision
from emolive.inference.metadata import ModelMetadata
from emolive.inference.segments import Segmenter
from emolive.types import FeatureWindow, ModelOutput, Prediction, Segment, SpeechState, StreamStatus


class StreamTrack:
    """What is known about one stream beyond its audio. One thread owns it."""

    def __init__(
        self,
        pipeline: StreamPipeline,
        metadata: ModelMetadata,
        config: EngineConfig,
        baseline: StreamBaseline | None = None,
    ) -> None:
        self.pipeline = pipeline
        self.withheld = False
        self._decision = Decision(
            metadata.labels,
            metadata.temperature,
            metadata.abstention_threshold,
            config.decision,
            config.hop_s,
            metadata.sampling_rate,
            metadata.shift,
            baseline,
        )
        self._segmenter = Segmenter(pipeline.stream, pipeline.hop_samples)
        self._windows = 0

    @property
    def infers_emotion(self) -> bool:
        """Whether emotion is inferred on it: by its role, and not `withheld` for another reason."""
        return self.pipeline.infers_emotion and not self.withheld

    def decide(
        self, window: FeatureWindow, output: ModelOutput | None, latency_s: float, *, speech: bool
    ) -> tuple[Prediction, list[Segment]]:
        """The answer for the next window, and the segments it closed.

        `speech` tells whether it holds enough speech: then it has an output, unless emotion is not
        inferred on this stream.
        """
        self._windows += 1
        prediction = self._decision.decide(window, output, latency_s)
        if speech and output is None:
            prediction = replace(prediction, state=SpeechState.NOT_INFERRED)
        return prediction, self._segmenter.accept(prediction)

    def finish(self) -> list[Segment]:
        """Close the open segment at the end of the audio."""
        return self._segmenter.finish(self.pipeline.position)

    def status(self, *, missing: bool = False, passed_over: int = 0) -> StreamStatus:
        """The counters so far; `missing` tells that the stream's device is away right now.

        `passed_over` windows wait that will not be answered.
        """
        pipeline = self.pipeline
        return StreamStatus(
            name=pipeline.stream,
            samples=pipeline.position,
            windows=self._windows,
            windows_skipped=pipeline.windows_skipped + passed_over,
            samples_lost=pipeline.samples_lost,
            flips_per_minute=self._decision.flips_per_minute,
            role=pipeline.role,
            emotion=self.infers_emotion,
            native_rate=pipeline.first_rate,
            band=pipeline.band,
            missing=missing,
        )
