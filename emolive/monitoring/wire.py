"""Events as JSON: the contract with programs that read standard output, or listen to a server."""

from __future__ import annotations

import json
from typing import TextIO

from emolive.inference.metadata import ModelMetadata
from emolive.session.export.values import (
    JsonValue,
    baseline_object,
    mixed_fields,
    named,
    raw_fields,
    seconds,
    shift_fields,
    stream_fields,
)
from emolive.types import (
    Alert,
    AlertEnded,
    EngineStatus,
    Event,
    FeatureBlock,
    Prediction,
    Remark,
    Segment,
)


class JsonLines:
    """Writes one object per line, at once: predictions, segments, alerts and statuses."""

    def __init__(self, metadata: ModelMetadata, out: TextIO, call: str | None = None) -> None:
        """Write events of a run with this model to `out`; `call`: also say which call it is."""
        self._call: dict[str, JsonValue] = {} if call is None else {"call": call}
        self._labels = metadata.labels
        self._rate = metadata.front_end.sampling_rate
        self._out = out

    def handle(self, event: Event) -> None:
        """Write an event; log-mel frames are left out."""
        if not isinstance(event, FeatureBlock | Remark):
            fields = event_fields(event, self._labels, self._rate) | self._call
            self._out.write(json.dumps(fields) + "\n")
            self._out.flush()

    def tick(self) -> None:
        """Nothing to refresh."""

    def close(self) -> None:
        """Nothing to end."""


def event_fields(
    event: Prediction | Segment | EngineStatus | Alert | AlertEnded,
    labels: tuple[str, ...],
    rate: int,
) -> dict[str, JsonValue]:
    """An event as a JSON object; `labels` and `rate` (Hz) are those of its run's `RunFacts`.

    In silence `label` is null and `probabilities` is empty. `mixed_with` is there where the answer
    holds a second emotion close to `label`. `shift` and `familiarity` are there
    where the model tells how far sound is from what it was trained on. `baseline` is null where
    answers are not adapted to their source; where they are, `raw_probabilities` are the model's
    own.
    """
    if isinstance(event, Prediction):
        return {
            "type": "prediction",
            "stream": event.stream,
            "start_s": seconds(event.start_sample, rate),
            "end_s": seconds(event.end_sample, rate),
            "state": event.state.value,
            "label": event.label,
            **mixed_fields(event, labels),
            "probabilities": named(event.probabilities, labels),
            "speech_ratio": round(event.speech_ratio, 6),
            "latency_ms": round(1000 * event.latency_s, 2),
            **shift_fields(event.shift),
            **raw_fields(event, labels),
            "baseline": baseline_object(event.baseline),
        }
    if isinstance(event, Segment):
        return {
            "type": "segment",
            "stream": event.stream,
            "start_s": seconds(event.start_sample, rate),
            "end_s": seconds(event.end_sample, rate),
            "label": event.label,
            "confidence": round(event.confidence, 6),
        }
    if isinstance(event, Alert):
        return {
            "type": "alert",
            "rule": event.rule,
            "kind": event.kind,
            "severity": event.severity.value,
            "stream": event.stream,
            "role": event.role and event.role.value,
            "start_s": seconds(event.start_sample, rate),
            "true_s": seconds(event.true_sample, rate),
            "fired_s": seconds(event.fired_sample, rate),
            "message": event.message,
            "values": {name: round(value, 6) for name, value in event.values},
        }
    if isinstance(event, AlertEnded):
        return {
            "type": "alert_ended",
            "rule": event.rule,
            "stream": event.stream,
            "fired_s": seconds(event.fired_sample, rate),
            "end_s": seconds(event.end_sample, rate),
        }
    return _status_fields(event, rate)


def _status_fields(status: EngineStatus, rate: int) -> dict[str, JsonValue]:
    return {
        "type": "status",
        "state": status.state.value,
        "reason": status.reason,
        "hint": status.hint,
        "source": status.source,
        "provider": status.provider,
        "provider_note": status.provider_note,
        "model": status.model,
        "elapsed_s": round(status.elapsed_s, 3),
        "overflows": status.overflows,
        "windows_skipped": status.windows_skipped,
        "events_dropped": status.events_dropped,
        "reconnects": status.reconnects,
        "lag_ms": round(1000 * status.lag_s, 2),
        "latency_ms": round(status.latency_ms, 2),
        "streams": [
            {
                "stream": stream.name,
                "elapsed_s": seconds(stream.samples, rate),
                "windows": stream.windows,
                "windows_skipped": stream.windows_skipped,
                "lost_s": seconds(stream.samples_lost, rate),
                "flips_per_minute": round(stream.flips_per_minute, 3),
                **stream_fields(stream),
                "missing": stream.missing,
            }
            for stream in status.streams
        ],
    }
