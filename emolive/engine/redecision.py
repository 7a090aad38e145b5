"""Answers decided anew from their probabilities, without hearing the audio again."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace

import numpy as np

from emolive.baseline import Baselines
from emolive.baseline.evidence import SessionEvidence
from emolive.engine.config import EngineConfig
from emolive.engine.offline import FileAnalysis
from emolive.inference.decision import Decision, heard_samples
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
        mine = [window for window in analysis.windows if window.stream == status.name]
        hop = config.hop_samples(metadata.front_end)
        found, named = redecided(status.name, mine, decision, hop, status.samples)
        windows += found
        segments += named
        streams.append(replace(status, flips_per_minute=decision.flips_per_minute))
    windows.sort(key=lambda window: window.end_sample)
    return replace(
        analysis, windows=tuple(windows), segments=tuple(segments), streams=tuple(streams)
    )


def redecided(
    stream: str, windows: Iterable[Prediction], decision: Decision, hop: int, end: int
) -> tuple[list[Prediction], list[Segment]]:
    """The windows of one stream, in the order of time, with new decisions, and their segments.

    `hop` and `end` are samples at the windows' rate; `decision` has not decided anything yet.
    """
    found: list[Prediction] = []
    segments: list[Segment] = []
    segmenter = Segmenter(stream, hop)
    for before in windows:
        found.append(window := _decided(decision, before))
        segments += segmenter.accept(window)
    return found, segments + list(segmenter.finish(end))


def heard_of(windows: Iterable[Prediction], n_classes: int, rate: int) -> SessionEvidence:
    """What windows in the order of time, with the model's own probabilities, say of their source.

    `rate`: samples per second of their indices.
    """
    heard = SessionEvidence(n_classes)
    ends: dict[str, int] = {}
    for window in windows:
        before = ends.pop(window.stream, None)
        if window.probabilities is None:
            continue
        fresh = before is None or window.start_sample > before
        heard.add(window.probabilities, heard_samples(window, None if fresh else before) / rate)
        ends[window.stream] = window.end_sample
    return heard


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
    # Not what rounding made of it: the model's own stays what it was, however often this is done.
    if found.raw_probabilities is not None:
        found = replace(found, raw_probabilities=before.probabilities)
    elif found.probabilities is not None:
        found = replace(found, probabilities=before.probabilities)
    return replace(found, shift=before.shift)
