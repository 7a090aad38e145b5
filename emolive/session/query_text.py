"""Search as people write it: ``angry longer than 10 s last week``.

Words that are labels or roles, lengths and times are understood as such, in any order; all other
words are looked for in titles, notes, tags and comments. The same in short::

    label:angry,sad  longer:10s  p:0.6  role:customer  stream:left  tag:complaint
    from:2025-01-31  to:2025-02-28  last:7d  by:human  "exactly this text"
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import Any

from emolive.errors import SessionError
from emolive.i18n import decimal, tr
from emolive.labels import names_of
from emolive.session.search import SearchQuery
from emolive.types import Role

_NUMBER = r"(\d+(?:[.,]\d+)?)"
_LENGTH_UNITS = {"": 1.0, "s": 1.0, "m": 60.0, "h": 3600.0}
_SPAN_DAYS = {"hour": 1 / 24, "h": 1 / 24, "day": 1, "d": 1, "week": 7, "w": 7, "month": 30}
_LENGTH_UNIT = r"(s|secs?|seconds?|min|mins|minutes?|m|h|hours?)"
_SPAN_UNIT = r"(hours?|h|days?|d|weeks?|w|months?)"
_DATE = r"(\d{4}-\d{1,2}-\d{1,2}(?:[T ]\d{1,2}:\d{2}(?::\d{2})?)?)"
_MOST_WORDS = 100
_FILLERS = frozenset({"and", "or", "with", "in", "the", "was", "for"})


class _Draft:
    """A query while it is being read."""

    def __init__(self, now: datetime) -> None:
        self.now = now
        self.query = SearchQuery()

    def set(self, **facts: Any) -> None:
        self.query = replace(self.query, **facts)

    def add(self, name: str, *found: str) -> None:
        self.set(**{name: (*getattr(self.query, name), *found)})


def parse_query(text: str, labels: Iterable[str], now: datetime) -> SearchQuery:
    """Read a search.

    `labels` are the emotions that may be meant. `now` has the time zone in which dates are meant;
    without one: this computer's, by the rules that it has on each date.

    Raises:
        SessionError: a part of it is understood, but makes no sense.
    """
    draft = _Draft(now)
    rest = re.sub(r'"([^"]*)"', lambda match: _quoted(draft, match[1]), text)
    rest = re.sub(r"(?<!\S)([A-Za-z]+):(\S*)", lambda match: _keyed(draft, *match.groups()), rest)
    for pattern, use in _PHRASES:
        whole = rf"(?<!\S){pattern}(?!\S)"
        rest = re.sub(whole, partial(_used, draft, use), rest, flags=re.IGNORECASE)
    meant = tuple(labels)
    known = {name: label for label in meant for name in names_of(label)}
    known |= {label.casefold(): label for label in meant}  # its own name goes before an alias
    for word in re.split(r"[\s,;]+", rest):
        folded = word.casefold()
        if folded in known:
            draft.add("labels", known[folded])
        elif folded in set(Role):
            draft.add("roles", Role(folded))
        elif word and folded not in _FILLERS:
            draft.add("texts", word)
    query = draft.query
    asked = len(query.labels) + len(query.streams) + len(query.texts) + len(query.tags)
    if asked > _MOST_WORDS:
        raise SessionError(
            "{asked} words are too many to search for: write {most_words} or fewer.",
            asked=asked,
            most_words=_MOST_WORDS,
        )
    return replace(
        query,
        labels=tuple(dict.fromkeys(query.labels)),
        roles=tuple(dict.fromkeys(query.roles)),
    )


def taken_as_text(query: SearchQuery) -> str | None:
    """What is said about words that are no emotion, length or time; None: there are none."""
    if not query.texts:
        return None
    words = ", ".join(f"“{text}”" for text in query.texts)
    return tr("Looked for in titles, notes, tags and comments: {words}.", words=words)


def parse_length(text: str) -> float:
    """``10``, ``10s``, ``1.5 min`` or ``1h`` in seconds.

    Raises:
        SessionError: it is no length.
    """
    match = re.fullmatch(rf"{_NUMBER}\s*{_LENGTH_UNIT}?", text.strip(), re.IGNORECASE)
    if match is None:
        raise SessionError(
            "{text} is no length of time: write it like 10s, 2min or 1h.", text=repr(text)
        )
    return _number(match[1]) * _LENGTH_UNITS[(match[2] or "")[:1].lower()]


def parse_span(text: str) -> timedelta:
    """``7d``, ``2 weeks``, ``12h``, or a number of days.

    Raises:
        SessionError: it is no span.
    """
    match = re.fullmatch(rf"{_NUMBER}\s*{_SPAN_UNIT}?", text.strip(), re.IGNORECASE)
    if match is None:
        raise SessionError(
            "{text} is no span of time: write it like 7d, 2weeks or 12h.", text=repr(text)
        )
    return _span(_number(match[1]), match[2] or "d")


def parse_date(text: str, now: datetime, *, end: bool = False) -> datetime:
    """``2025-01-31``, ``2025-01-31T15:00``, ``today`` or ``yesterday``, in the time zone of `now`.

    Without a time zone `now` and the date are this computer's. With `end`, a day counts to its end.

    Raises:
        SessionError: it is no date.
    """
    today = now.replace(hour=0, minute=0, second=0, microsecond=0, tzinfo=None)
    days = {"today": today, "yesterday": today - timedelta(days=1)}
    if (day := days.get(text.casefold())) is None:
        parts = [int(part) for part in re.split(r"[-T :]", text) if part.isdecimal()]
        try:
            if re.fullmatch(_DATE, text) is None:
                raise ValueError
            moment = datetime(*parts)  # type: ignore[arg-type]
        except ValueError as error:
            raise SessionError(
                "{text} is no date: write it like 2025-01-31.", text=repr(text)
            ) from error
        if len(parts) > 3:
            return _in_zone(moment, now, text)
        day = moment
    try:
        return _in_zone(day + timedelta(days=1) if end else day, now, text)
    except OverflowError as error:
        raise _beyond(text) from error


def before(now: datetime, span: timedelta) -> datetime:
    """The moment that lies `span` before `now`, which is this computer's without a time zone.

    Raises:
        SessionError: that is before the calendar begins.
    """
    try:
        return (now.astimezone(UTC) - span).astimezone(now.tzinfo)
    except OverflowError as error:
        raise SessionError(
            "{days} days ago there were no sessions: search for a shorter time.", days=span.days
        ) from error


def parse_share(text: str) -> float:
    """``0.6`` or ``60%`` as a number from 0 to 1.

    Raises:
        SessionError: it is neither.
    """
    match = re.fullmatch(rf"{_NUMBER}\s*(%?)", text.strip())
    value = _number(match[1]) / (100 if match[2] else 1) if match else -1.0
    if not 0 <= value <= 1:
        raise SessionError("{text} is no probability: write it like 0.6 or 60%.", text=repr(text))
    return value


def _in_zone(moment: datetime, now: datetime, text: str) -> datetime:
    """The moment in the zone of `now`; checked, for sessions are looked for in UTC."""
    try:
        there = moment.astimezone() if now.tzinfo is None else moment.replace(tzinfo=now.tzinfo)
        there.astimezone(UTC)
    except (OverflowError, ValueError, OSError) as error:
        raise _beyond(text) from error
    return there


def _beyond(text: str) -> SessionError:
    return SessionError(
        "{text} is beyond the calendar: write a date such as 2025-01-31.", text=repr(text)
    )


def _quoted(draft: _Draft, text: str) -> str:
    if text.strip():
        draft.add("texts", text.strip())
    return " "


def _used(draft: _Draft, use: Callable[[_Draft, re.Match[str]], None], match: re.Match[str]) -> str:
    use(draft, match)
    return " "


def _keyed(draft: _Draft, key: str, value: str) -> str:
    use = _KEYS.get(key.casefold())
    if use is None and not value:
        return f"{key}:"
    if use is None:
        raise SessionError(
            "{key} is nothing to search by: use {keys}, or put the text in quotes.",
            key=repr(key),
            keys=", ".join(_KEYS),
        )
    if not value:
        raise SessionError(
            "Nothing follows {key}: - write it right behind, without a space.", key=key
        )
    use(draft, value)
    return " "


def _take_roles(draft: _Draft, value: str) -> None:
    for name in value.split(","):
        try:
            draft.add("roles", Role(name.casefold()))
        except ValueError as error:
            raise SessionError(
                "{name} is no role: use agent or customer.", name=repr(name)
            ) from error


def _take_by(draft: _Draft, value: str) -> None:
    if value.casefold() not in ("human", "model"):
        raise SessionError("{value} marks nothing: use by:human or by:model.", value=repr(value))
    draft.set(annotated=value.casefold() == "human")


def _take_list(name: str, draft: _Draft, value: str) -> None:
    draft.add(name, *(part for part in value.split(",") if part))


def _take_dates(draft: _Draft, value: str, **ends: bool) -> None:
    """Set `since` and `until` to a date: to its end where that is True, else to its beginning."""
    draft.set(**{name: parse_date(value, draft.now, end=end) for name, end in ends.items()})


_take_day = partial(_take_dates, since=False, until=True)
_KEYS: dict[str, Callable[[_Draft, str], None]] = {
    "label": partial(_take_list, "labels"),
    "emotion": partial(_take_list, "labels"),
    "longer": lambda draft, value: draft.set(min_duration_s=parse_length(value)),
    "p": lambda draft, value: draft.set(min_confidence=parse_share(value)),
    "role": _take_roles,
    "stream": partial(_take_list, "streams"),
    "tag": partial(_take_list, "tags"),
    "from": partial(_take_dates, since=False),
    "to": partial(_take_dates, until=True),
    "on": _take_day,
    "last": lambda draft, value: draft.set(since=before(draft.now, parse_span(value))),
    "by": _take_by,
}


def _last(draft: _Draft, match: re.Match[str]) -> None:
    draft.set(since=before(draft.now, _span(_number(match[1]) if match[1] else 1.0, match[2])))


def _this_week(draft: _Draft, _: re.Match[str]) -> None:
    monday = draft.now - timedelta(days=draft.now.weekday())
    draft.set(since=parse_date(f"{monday:%Y-%m-%d}", draft.now))


_PHRASES: Sequence[tuple[str, Callable[[_Draft, re.Match[str]], None]]] = (
    (
        rf"(?:(?:for\s+)?(?:longer|more)\s+than|for\s+over|at\s+least|>=?)\s*{_NUMBER}\s*{_LENGTH_UNIT}",
        lambda draft, match: _KEYS["longer"](draft, match[1] + match[2]),
    ),
    (
        rf"(?:above|over|more\s+than|p\s*>=?|>=?)\s*{_NUMBER}\s*(%?)",
        lambda draft, match: _KEYS["p"](draft, match[1] + match[2]),
    ),
    (rf"(?:in\s+)?(?:the\s+)?(?:last|past)\s+(?:{_NUMBER}\s*)?{_SPAN_UNIT}", _last),
    (r"this\s+week", _this_week),
    (r"(today|yesterday)", lambda draft, match: _take_day(draft, match[1])),
    (rf"(?:since|from)\s+{_DATE}", lambda draft, match: _take_dates(draft, match[1], since=False)),
    (rf"after\s+{_DATE}", lambda draft, match: _take_dates(draft, match[1], since=True)),
    (rf"(?:until|to)\s+{_DATE}", lambda draft, match: _take_dates(draft, match[1], until=True)),
    (rf"before\s+{_DATE}", lambda draft, match: _take_dates(draft, match[1], until=False)),
    (rf"(?:on\s+)?{_DATE}", lambda draft, match: _take_day(draft, match[1])),
)


def _number(text: str) -> float:
    return float(text.replace(",", "."))


def _span(number: float, unit: str) -> timedelta:
    folded = unit.lower()
    singular = folded.rstrip("s") if len(folded) > 1 else folded
    try:
        return timedelta(days=number * _SPAN_DAYS[singular])
    except (OverflowError, ValueError) as error:
        raise SessionError(
            "{number} {unit} is longer than there is a calendar: search for a shorter time.",
            number=decimal(number),
            unit=unit,
        ) from error
