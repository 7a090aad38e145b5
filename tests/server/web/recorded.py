"""A call through the real engine, flat out: what a watcher of it is told, and when."""

from __future__ import annotations

import io
import json
from collections import defaultdict
from dataclasses import dataclass
from typing import Any

from emolive.alerts.engine import AlertEngine, watched_streams
from emolive.alerts.rule_file import example, load_rules
from emolive.alerts.watch import CallFormat
from emolive.audio.ring import SampleRing
from emolive.cli.json_lines import JsonLines
from emolive.conversation import ConversationMeter
from emolive.engine import EngineConfig, Monitor
from emolive.inference.classifier import Classifier
from emolive.speech.silero import SileroVad
from emolive.types import Event, FeatureBlock, FloatArray, Prediction
from tests.conversation.calls import CALL, RATE

Message = dict[str, Any]
BLOCK = RATE // 10
CELL_S = 0.1


@dataclass(frozen=True)
class Recording:
    """Messages without their `call`, each with the second at which it was told."""

    length_s: float
    labels: tuple[str, ...]
    model: str
    told: tuple[tuple[float, Message], ...]


def record(audio: FloatArray, classifier: Classifier, rules_path: Any) -> Recording:
    """Hear a call of two parties, float32 ``(n, 2)`` at 16 kHz, with the example's alert rules."""
    rules_path.write_text(example())
    metadata = classifier.metadata
    ring = SampleRing(30 * RATE, 2)
    config = EngineConfig()
    monitor = Monitor(CALL, ring, classifier, SileroVad(), config, lossless=True)
    meter = ConversationMeter.of_streams(monitor.streams, RATE)
    alerts = AlertEngine(
        load_rules(rules_path),
        watched_streams(monitor.streams),
        CallFormat(RATE, round(config.hop_s * RATE), metadata.labels, metadata.name),
    )
    out = io.StringIO()
    lines = JsonLines(metadata, out)
    told: list[tuple[float, Message]] = []
    cells: dict[str, list[FeatureBlock]] = defaultdict(list)

    def take(event: Event, at_s: float) -> None:
        if isinstance(event, FeatureBlock):
            cells[event.stream].append(event)
        meter.accept(event)
        for one in (event, *alerts.accept(event), *alerts.take_ended()):
            lines.handle(one)
        _drain(out, told, at_s, event)

    for begin in range(0, len(audio), BLOCK):
        ring.write(audio[begin : begin + BLOCK])
        at_s = (begin + BLOCK) / RATE
        for event in monitor.step():
            take(event, at_s)
        if begin // BLOCK % 10 == 9:
            told.append((at_s, {"type": "conversation", **meter.snapshot().to_dict()}))
            told.extend((at_s, _levels(stream, blocks)) for stream, blocks in cells.items())
            cells.clear()
    for event in monitor.finish():
        take(event, len(audio) / RATE)
    return Recording(len(audio) / RATE, metadata.labels, metadata.name, tuple(told))


def _drain(
    out: io.StringIO, told: list[tuple[float, Message]], at_s: float, event: Event
) -> None:
    for line in out.getvalue().splitlines():
        message = json.loads(line)
        if message["type"] == "prediction" and isinstance(event, Prediction):
            message["confidence"] = round(event.confidence, 4)
        told.append((at_s, message))
    out.seek(0)
    out.truncate()


def _levels(stream: str, blocks: list[FeatureBlock]) -> Message:
    first = round(blocks[0].start_sample / RATE / CELL_S)
    last = round(blocks[-1].end_sample / RATE / CELL_S)
    level, peak, speech = ([None] * (last - first) for _ in range(3))
    found: list[list[Any]] = [level, peak, speech]
    for block in blocks:
        cell = min(last - 1, int(block.start_sample / RATE / CELL_S)) - first
        values = (block.level_dbfs, block.peak_dbfs, int(block.speech))
        for column, value in zip(found, values, strict=True):
            column[cell] = value if column[cell] is None else max(column[cell], value)
    return {
        "type": "levels", "stream": stream, "start_s": round(first * CELL_S, 3), "cell_s": CELL_S,
        "level_dbfs": level, "peak_dbfs": peak, "speech": [int(one or 0) for one in speech],
    }  # fmt: skip
