"""Recorded calls: the analysis and the conversation, in one pass."""

from __future__ import annotations

import os
from dataclasses import dataclass

from emolive.audio.source import RecordedSource
from emolive.baseline import Baselines
from emolive.conversation.meter import ConversationMeter, Party
from emolive.conversation.metrics import ConversationMetrics
from emolive.engine import EngineConfig, FileAnalysis
from emolive.engine.offline import analyze_source
from emolive.inference.classifier import Classifier
from emolive.speech.silero import SileroVad


@dataclass(frozen=True, slots=True, eq=False)
class CallAnalysis:
    """What was found in a recorded call."""

    analysis: FileAnalysis
    conversation: ConversationMetrics


def analyze_call(
    source: RecordedSource,
    path: str | os.PathLike[str],
    classifier: Classifier,
    vad: SileroVad,
    config: EngineConfig,
    baselines: Baselines | None = None,
) -> CallAnalysis:
    """Analyse a call flat out; its streams are the parties.

    Args:
        source: one or two streams; it is closed in the end.
        path: what the result is about.
        classifier: the model.
        vad: the voice activity detector.
        config: the same settings as live.
        baselines: where answers are adapted to their source; None: nowhere.

    Raises:
        AudioFileError: the recording cannot be read at all.
        ValueError: it has more than two streams.
    """
    found = source.open()
    parties = [Party(name, found.role(channel)) for channel, name in enumerate(found.streams)]
    meter = ConversationMeter(parties, classifier.metadata.sampling_rate)
    analysis = analyze_source(source, path, classifier, vad, config, None, meter.accept, baselines)
    return CallAnalysis(analysis, meter.finish())
