"""Asking for the calls of all servers."""

from __future__ import annotations

from dataclasses import asdict
from datetime import UTC, datetime
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Query
from starlette.requests import Request

from emolive.central.search import CallQuery
from emolive.i18n import tr
from emolive.server.access import Refused
from emolive.server.services import Administering, CentralHistory, Watching, services

Json = dict[str, Any]
router = APIRouter(prefix="/v1/history", tags=["calls of all servers"])


def _central(request: Request) -> CentralHistory:
    central = services(request).central
    assert central is not None
    return central


Central = Annotated[CentralHistory, Depends(_central)]
Limit = Annotated[int, Query(ge=1, le=500)]
Offset = Annotated[int, Query(ge=0)]


@router.get("/calls")
def calls(
    central: Central,
    _: Watching,
    since: datetime | None = None,
    until: datetime | None = None,
    name: str = "",
    key: str = "",
    label: Annotated[list[str] | None, Query()] = None,
    longer_than_s: Annotated[float, Query(ge=0)] = 0.0,
    confidence: Annotated[float, Query(ge=0, le=1)] = 0.0,
    rule: str = "",
    severity: str = "",
    limit: Limit = 50,
    offset: Offset = 0,
) -> Json:
    """Calls of all servers, newest first, by time, name, emotion and alert.

    Times without a time zone are UTC.
    """
    query = CallQuery(
        _aware(since), _aware(until), name, tuple(label or ()), longer_than_s, confidence, rule,
        severity, key,
    )  # fmt: skip
    found = central.search.find(query, limit, offset)
    return {"calls": list(found.calls), "total": found.total, "limit": limit, "offset": offset}


@router.get("/calls/{call_id}")
def call(call_id: str, central: Central, _: Watching) -> Json:
    """Everything about one call, whichever servers had it, on one time axis."""
    found = central.search.call(call_id)
    if found is None:
        raise Refused(
            404,
            tr("There is no call {call_id} in the history.", call_id=repr(call_id[:70])),
        )
    return found


@router.get("/audit")
def audit(central: Central, _: Administering, limit: Limit = 100, offset: Offset = 0) -> Json:
    """The audit logs of all servers, newest first."""
    return {"entries": list(central.search.audit(limit, offset))}


@router.get("/status")
def status(central: Central, _: Watching) -> Json:
    """Whether this server's calls reach the history: what waits, what was lost, and why."""
    return asdict(central.writer.status)


def _aware(at: datetime | None) -> datetime | None:
    return at.replace(tzinfo=UTC) if at is not None and at.tzinfo is None else at
