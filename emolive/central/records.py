"""What servers say about calls; small, frozen, and the same however often it is said.

A *stretch* is one connection that brought a call: a call whose server died goes on as another
stretch, of the same call. Times within are in seconds from the stretch's beginning. `said` is what
their sentences say, by field, as `i18n.parts_of` has it: readers are told in their own language.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from emolive.session.export.values import JsonValue

Details = dict[str, JsonValue]


@dataclass(frozen=True, slots=True)
class StretchBegan:
    """A connection brings a call; `key` is what the telephone system calls the call.

    `streams`: name and role of each, as in a server's `Call`; `by`: whose token.
    """

    stretch: str
    key: str
    name: str
    tap: str
    server: str
    model: str
    at: datetime
    streams: tuple[Details, ...] = ()
    consent: bool | None = None
    by: str = ""


@dataclass(frozen=True, slots=True)
class StretchRecorded:
    """Its server records it into this session."""

    stretch: str
    session: str


@dataclass(frozen=True, slots=True)
class StretchEnded:
    """It is over; `session`: where its server recorded it.

    `lost`: others say so of a server that died; what that has said itself stands, and what it heard
    last is kept.
    """

    stretch: str
    at: datetime
    reason: str | None = None
    session: str | None = None
    lost: bool = False
    said: Details | None = None


@dataclass(frozen=True, slots=True)
class ServerBegan:
    """A server begins: what another of its name had begun is over."""

    server: str
    at: datetime


@dataclass(frozen=True, slots=True)
class SegmentHeard:
    """Equal answers in a row; `open`: the last one so far, which will still change."""

    stretch: str
    stream: str
    start_s: float
    end_s: float
    label: str
    confidence: float
    open: bool = False


@dataclass(frozen=True, slots=True)
class AlertRaised:
    """A rule's condition came true; `number` counts the stretch's alerts."""

    stretch: str
    number: int
    rule: str
    kind: str
    severity: str
    stream: str | None
    start_s: float
    fired_s: float
    message: str
    at: datetime
    said: Details | None = None


@dataclass(frozen=True, slots=True)
class AlertOver:
    """What it was about is over."""

    stretch: str
    number: int
    end_s: float


@dataclass(frozen=True, slots=True)
class Audited:
    """An entry of a server's audit log, by its number there."""

    server: str
    number: int
    at: datetime
    action: str
    actor: str
    details: Details


Record = (
    ServerBegan
    | StretchBegan
    | StretchRecorded
    | StretchEnded
    | SegmentHeard
    | AlertRaised
    | AlertOver
    | Audited
)
