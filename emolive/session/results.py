"""Sessions side by side: how much of each was what, and how that changes over time."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from pathlib import Path

from emolive.session.export.csv_file import write_rows
from emolive.session.records import SessionInfo
from emolive.session.summary import NO_EMOTION, dominant_of
from emolive.types import SpeechState


@dataclass(frozen=True, slots=True)
class SessionResult:
    """One session in numbers; `seconds` per label over all streams with emotion, states too."""

    session: SessionInfo
    seconds: Mapping[str, float]

    @property
    def decided_s(self) -> float:
        """Seconds with an emotion."""
        return sum(n for label, n in self.seconds.items() if label not in NO_EMOTION)

    @property
    def decided(self) -> float | None:
        """The share of what was no silence that has an emotion; None where all was silent."""
        heard = self.decided_s + self.seconds.get(SpeechState.UNCERTAIN, 0.0)
        return self.decided_s / heard if heard else None

    @property
    def dominant(self) -> str | None:
        """The emotion with the most time."""
        return dominant_of({label: round(n * 1_000) for label, n in self.seconds.items()})

    def share(self, label: str) -> float | None:
        """An emotion's share of the time with one; None without any."""
        decided = self.decided_s
        return self.seconds.get(label, 0.0) / decided if decided else None


class Span(StrEnum):
    """What one point of a trend stands for."""

    SESSION = "session"
    DAY = "day"
    WEEK = "week"
    MONTH = "month"


@dataclass(frozen=True, slots=True)
class TrendPoint:
    """Sessions that began in one span, weighted by their time with an emotion.

    `start` is in this computer's time zone: the session's own, or the span's first day.
    """

    start: datetime
    title: str
    sessions: int
    decided_s: float
    shares: Mapping[str, float]


def session_results(
    sessions: Iterable[SessionInfo], samples: Mapping[str, Mapping[str, int]]
) -> list[SessionResult]:
    """Results of these; `samples` are those of `LibraryReader.label_samples`."""
    return [
        SessionResult(info, {label: n / info.rate for label, n in samples.get(info.id, {}).items()})
        for info in sessions
    ]


def emotions_of(results: Iterable[SessionResult]) -> list[str]:
    """The emotions that any of them has, in the order of their models' labels, others behind."""
    results = list(results)
    known = dict.fromkeys(label for one in results for label in one.session.labels)
    found = {label for one in results for label in one.seconds} - NO_EMOTION
    return [label for label in known if label in found] + sorted(found - known.keys())


def trend(results: Iterable[SessionResult], span: Span) -> list[TrendPoint]:
    """How the shares change, oldest first."""
    groups: dict[datetime, list[SessionResult]] = {}
    singly: list[tuple[datetime, list[SessionResult]]] = []
    for one in sorted(results, key=lambda one: one.session.started_at):
        start = _start(one.session.started_at.astimezone(), span)
        if span is Span.SESSION:
            singly.append((start, [one]))
        else:
            groups.setdefault(start, []).append(one)
    return [_point(start, members) for start, members in singly or groups.items()]


def _point(start: datetime, members: Sequence[SessionResult]) -> TrendPoint:
    total: Counter[str] = Counter()
    for one in members:
        for label, seconds in one.seconds.items():
            if label not in NO_EMOTION:
                total[label] += seconds  # type: ignore[assignment]
    decided = float(sum(total.values()))
    shares = {label: n / decided for label, n in total.items()} if decided else {}
    title = members[0].session.title if len(members) == 1 else ""
    return TrendPoint(start, title, len(members), decided, shares)


def _start(at: datetime, span: Span) -> datetime:
    if span is Span.SESSION:
        return at
    day = at.replace(hour=0, minute=0, second=0, microsecond=0)
    if span is Span.WEEK:
        return day - timedelta(days=day.weekday())
    return day.replace(day=1) if span is Span.MONTH else day


def result_rows(
    results: Sequence[SessionResult],
) -> tuple[list[str], Iterator[dict[str, object]]]:
    """A table: columns, and a row for each session; shares are ``p_<label>``."""
    emotions = emotions_of(results)
    columns = ["id", "title", "started_at", "duration_s", "source", "model", "tags", "dominant",
               "decided", *(f"p_{label}" for label in emotions)]  # fmt: skip

    def rows() -> Iterator[dict[str, object]]:
        for one in results:
            info = one.session
            yield {
                "id": info.id,
                "title": info.title,
                "started_at": info.started_at.isoformat(),
                "duration_s": round(info.duration_s, 6),
                "source": info.source,
                "model": info.model,
                "tags": " ".join(info.tags),
                "dominant": one.dominant,
                "decided": _rounded(one.decided),
                **{f"p_{label}": _rounded(one.share(label)) for label in emotions},
            }

    return columns, rows()


def write_results(results: Sequence[SessionResult], path: Path) -> None:
    """Write the table as CSV, whole or not at all.

    Raises:
        OSError: it cannot be written.
    """
    columns, rows = result_rows(results)
    write_rows(path, columns, rows)


def _rounded(share: float | None) -> float | None:
    return None if share is None else round(share, 6)
