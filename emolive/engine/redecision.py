"""Answers decided anew from their probabilities, without hearing the audio again."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from emolive.baseline import Baselines
from emolive.engine.config import EngineConfig
from emolive.engine.offline import FileAnalysis
from emolive.inference.decision import Decision
from emolive.inference.segments import Segmenter
from emolive.types import FeatureWindow, ModelOutput, Prediction, Segment, SpeechState

_NO_FEATURES = np.empty(0, np.float32)


def decided_again(
    analysis: FileAnalysis, config: EngineConfig, baselines: Baselines | None = None
) -> FileAnalysis:
    """The same analysis under other settings of the decision, or with other baselines.

    Its windows must have the model's own probabilities, as they have without a baseline.
    """
    metadata = analysis.metadata
    windows: list[Prediction] = []
    segments: list[Segment] = []
    streams = []
    for status in analysis.streams:
        baseline = baselines and baselines.open(
            status.name, status.role, metadata.fingerprint, metadata.labels
        )
        decision = Decision(
            metadata.labels,
            1.0,
            metadata.abstention_threshold,
            config.decision,
            config.hop_s,
            metadata.sampling_rate,
            baseline=baseline or None,
        )
        segmenter = Segmenter(status.name, config.hop_samples(metadata.front_end))
        for before in analysis.windows:
            if before.stream != status.name:
                continue
            window = _decided(decision, before)
            windows.append(window)
            segments += segmenter.accept(window)
        segments += segmenter.finish(status.samples)
        streams.append(replace(status, flips_per_minute=decision.flips_per_minute))
    windows.sort(key=lambda window: window.end_sample)
    return replace(
        analysis, windows=tuple(windows), segments=tuple(segments), streams=tuple(streams)
    )


def _decided(decision: Decision, before: Prediction) -> Prediction:
    window = FeatureWindow(
        before.stream, before.start_sample, before.end_sample, _NO_FEATURES, before.speech_ratio
    )
    output = None
    if before.probabilities is not None:
        with np.errstate(divide="ignore"):
            output = ModelOutput(np.log(before.probabilities)[None])
    found = decision.decide(window, output, before.latency_s)
    if before.state is SpeechState.NOT_INFERRED:
        found = replace(found, state=before.state)
    return replace(found, shift=before.shift)
