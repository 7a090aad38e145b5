"""An alert as the JSON that webhooks get. It holds numbers and words, never audio."""

from __future__ import annotations

import json
from datetime import datetime

from emolive.types import Alert

FORMAT_VERSION = 1


def payload(
    alert: Alert,
    *,
    message_id: str,
    at: datetime,
    rate: int,
    call_id: str,
    call_name: str,
    session_id: str | None,
) -> str:
    """The JSON text for one alert, raised at the time `at`; seconds count from the run's start."""
    return json.dumps(
        {
            "type": "alert",
            "version": FORMAT_VERSION,
            "id": message_id,
            "at": at.isoformat(timespec="milliseconds"),
            "rule": alert.rule,
            "kind": alert.kind,
            "severity": alert.severity.value,
            "message": alert.message,
            "call": {"id": call_id, "name": call_name, "session": session_id},
            "stream": alert.stream,
            "role": alert.role,
            "start_s": round(alert.start_sample / rate, 6),
            "true_s": round(alert.true_sample / rate, 6),
            "fired_s": round(alert.fired_sample / rate, 6),
            "values": {name: round(value, 6) for name, value in alert.values},
        },
        ensure_ascii=False,
    )
