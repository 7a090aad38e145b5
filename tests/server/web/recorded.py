"""A call through the real engine, flat out: what happens in it, and when."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass, replace
from pathlib import Path

import soundfile

from emolive.alerts.engine import AlertEngine
from emolive.alerts.rule_file import example, load_rules
from emolive.alerts.watch import CallFormat
from emolive.audio.ring import SampleRing
from emolive.conversation import ConversationMeter
from emolive.engine import EngineConfig, Monitor
from emolive.inference.bundled import BUNDLED
from emolive.inference.classifier import Classifier, OnnxClassifier
from emolive.inference.decision import DecisionConfig
from emolive.monitoring.call_feed import LevelCell
from emolive.resources import DEMO_AUDIO, asset
from emolive.server.host import CallEvent, ModelFacts
from emolive.speech.silero import SileroVad
from emolive.types import EngineState, EngineStatus, Event, FeatureBlock, FloatArray, Remark
from tests.conversation.calls import CALL, RATE, Said, spoken

BLOCK = RATE // 10
_LENGTH_S = 120.0


@dataclass(frozen=True)
class Recording:
    """Events, each with the second at which it happened, statuses among them."""

    length_s: float
    model: ModelFacts
    told: tuple[tuple[float, CallEvent], ...]


def demo_calls(folder: Path) -> tuple[Recording, ...]:
    """Two calls put together from the demo clip, heard by the bundled model."""
    speech, _ = soundfile.read(asset(DEMO_AUDIO), dtype="float32")
    found = []
    fast = next(model.path for model in BUNDLED if model.name == "fast")
    with closing(OnnxClassifier(fast, "cpu", 1)) as classifier:
        for first, second in (("a", "b"), ("c", "d")):
            said, at = [], 1.0
            while at < _LENGTH_S - 6:
                said += [Said(0, first, at), Said(1, second, at + 2.0), Said(1, "f", at + 4.4)]
                at += 6.3 if len(said) % 4 else 24.0
            found.append(record(spoken(speech, said, _LENGTH_S), classifier, folder))
    return tuple(found)


def record(audio: FloatArray, classifier: Classifier, folder: Path) -> Recording:
    """Hear a call of two parties, float32 ``(n, 2)`` at 16 kHz, with the example's alert rules."""
    rules = folder / "rules.toml"
    rules.write_text(example())
    # By itself no model is often sure of a synthesiser's voice.
    config = EngineConfig(decision=DecisionConfig(threshold=0.4))
    metadata = classifier.metadata
    ring = SampleRing(30 * RATE, 2)
    monitor = Monitor(CALL, ring, classifier, SileroVad(), config, lossless=True)
    meter = ConversationMeter.of_streams(monitor.streams, RATE)
    alerts = AlertEngine(
        load_rules(rules),
        monitor.streams,
        CallFormat(RATE, round(config.hop_s * RATE), metadata.labels, metadata.name),
    )
    status = EngineStatus(EngineState.RUNNING, source="recording", streams=monitor.streams)

    def events(found: list[Event]) -> Iterator[CallEvent]:
        for event in found:
            meter.accept(event)
            if isinstance(event, FeatureBlock):
                yield LevelCell(
                    event.stream, event.start_sample / RATE, event.end_sample / RATE,
                    event.level_dbfs, event.peak_dbfs, event.speech,
                )  # fmt: skip
            elif not isinstance(event, Remark):
                yield event
            yield from alerts.accept(event)
            yield from alerts.take_ended()

    told: list[tuple[float, CallEvent]] = [(0.0, status)]
    for begin in range(0, len(audio), BLOCK):
        ring.write(audio[begin : begin + BLOCK])
        at_s = (begin + BLOCK) / RATE
        told.extend((at_s, event) for event in events(monitor.step()))
        if begin // BLOCK % 10 == 9:
            told.append((at_s, meter.snapshot()))
            told.append((at_s, replace(status, elapsed_s=at_s, streams=monitor.streams)))
    length_s = len(audio) / RATE
    told.extend((length_s, event) for event in events(monitor.finish()))
    facts = ModelFacts(
        metadata.name, "CPU", None, metadata.labels, RATE, config.hop_s, metadata.window_s,
        tuple(metadata.telephone_scores.items()),
    )  # fmt: skip
    return Recording(length_s, facts, tuple(told))
