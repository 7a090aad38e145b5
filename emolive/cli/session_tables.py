"""How sessions look in the terminal and in JSON."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Annotated

import typer
from rich.table import Table
from rich.text import Text

from emolive.cli.console import Console, columns
from emolive.cli.conversation_view import conversation_line, conversation_table
from emolive.cli.outcome import tell
from emolive.i18n import day_text, mark, moment_text, tr
from emolive.labels import emotion_name, label_name, swatch
from emolive.session.conversation import session_conversation
from emolive.session.export.json_document import (
    alert_object,
    annotation_object,
    gap_object,
    segment_object,
)
from emolive.session.export.values import stream_fields
from emolive.session.library import Library
from emolive.session.query_text import before, parse_date, parse_query, parse_span, taken_as_text
from emolive.session.records import SessionInfo, SessionState, gap_name
from emolive.session.results import SessionResult, Span, TrendPoint, session_results
from emolive.session.search import SearchHit, SearchQuery
from emolive.session.summary import NO_EMOTION, dominant_of
from emolive.times import seconds_text, table_time
from emolive.wording import percent, stream_name

WhatArgument = Annotated[
    list[str] | None,
    typer.Argument(
        metavar="[WHAT]...",
        help='Such as: angry longer than 10 s last week; or "exact words" from notes.',
    ),
]
MostlyFilter = Annotated[
    str | None, typer.Option("--mostly", metavar="EMOTION", help="With most time in this emotion.")
]


@dataclass(frozen=True, slots=True)
class SessionFilter:
    """Which sessions."""

    tag: Annotated[
        list[str] | None, typer.Option(metavar="TAG", help="With all of these tags.")
    ] = None
    since: Annotated[
        str | None, typer.Option("--from", metavar="DATE", help="Begun on this day or later.")
    ] = None
    until: Annotated[
        str | None, typer.Option("--to", metavar="DATE", help="Begun on this day or before.")
    ] = None
    last: Annotated[
        str | None, typer.Option(metavar="SPAN", help="Begun within 12h, 7d, 2weeks ...")
    ] = None


def asked(opened: Library, what: list[str] | None, only: SessionFilter) -> SearchQuery:
    """What words and options ask for together."""
    now = datetime.now()
    query = parse_query(" ".join(what or ()), opened.labels(), now)
    query = replace(query, tags=(*query.tags, *(only.tag or ())))
    if only.last is not None:
        query = replace(query, since=before(now, parse_span(only.last)))
    if only.since is not None:
        query = replace(query, since=parse_date(only.since, now))
    if only.until is not None:
        query = replace(query, until=parse_date(only.until, now, end=True))
    return query


def results_of(opened: Library, query: SearchQuery, mostly: str | None) -> list[SessionResult]:
    """The sessions that a query finds; `mostly`: only those with most time in this emotion."""
    if (words := taken_as_text(query)) is not None:
        tell(words)
    found = [hit.session for hit in opened.search(query)]
    results = session_results(found, opened.label_samples())
    if mostly is None:
        return results
    return [one for one in results if (one.dominant or "").casefold() == mostly.casefold()]


Json = dict[str, object]


def session_object(info: SessionInfo, times: Mapping[str, int]) -> Json:
    """A session as `sessions list --json` has it; `times` are samples per label."""
    return {
        "id": info.id,
        "title": info.title,
        "started_at": info.started_at.isoformat(),
        "duration_s": round(info.duration_s, 6),
        "state": info.state.value,
        "recovered": info.recovered,
        "streams": [
            {
                "name": stream.name,
                **stream_fields(stream),
                "audio": stream.audio_file is not None,
            }
            for stream in info.streams
        ],
        "model": info.model,
        "source": info.source,
        "tags": list(info.tags),
        "summary": {
            "label": dominant_of(times),
            "seconds": {label: round(n / info.rate, 6) for label, n in times.items()},
        },
    }


def shown_object(library: Library, info: SessionInfo) -> Json:
    """Everything about a session but its windows."""
    rate = info.rate
    summary = library.summary(info.id)
    return session_object(info, library.label_samples(info.id).get(info.id, {})) | {
        "segments": [segment_object(one, rate) for one in library.segments(info.id)],
        "conversation": _conversation(library, info),
        "transitions": [
            {"stream": part.stream, "from": one, "to": other, "count": count}
            for part in summary.streams
            for one, other, count in part.transitions
        ],
        "peaks": [
            {
                "stream": peak.stream,
                "label": peak.label,
                "at_s": peak.at_sample / rate,
                "probability": round(peak.probability, 6),
            }
            for part in summary.streams
            for peak in part.peaks
        ],
        "annotations": [
            {"id": one.id, **annotation_object(one, rate)} for one in library.annotations(info.id)
        ],
        "gaps": [gap_object(one, rate) for one in library.gaps(info.id)],
        "alerts": [alert_object(one, rate) for one in library.alerts(info.id)],
        "notes": [
            {"at_s": None if note.at_sample is None else note.at_sample / rate, "text": note.text}
            for note in library.notes(info.id)
        ],
    }


def sessions_table(
    sessions: Sequence[SessionInfo], times: Mapping[str, Mapping[str, int]]
) -> Table:
    """The list of sessions."""
    table = columns(
        mark("id"), mark("started"), mark("length"), mark("mostly"), mark("title"), mark("tags"), ""
    )
    for info in sessions:
        table.add_row(
            info.id,
            local_time(info),
            table_time(info.duration_s),
            _mostly(times.get(info.id, {})),
            Text(info.title),
            Text(", ".join(info.tags)),
            _marks(info),
        )
    return table


def hits_table(hits: Sequence[SearchHit]) -> Table:
    """What was found: one row per segment, or per session where no segments were asked for."""
    table = columns(
        mark("id"),
        mark("started"),
        mark("at"),
        mark("length"),
        mark("emotion"),
        mark("stream"),
        mark("title"),
    )
    for hit in hits:
        info = hit.session
        begin = (info.id, local_time(info))
        for segment in hit.segments:
            length = (segment.end_sample - segment.start_sample) / info.rate
            table.add_row(
                *begin,
                table_time(segment.start_sample / info.rate),
                seconds_text(length),
                _emotion(segment.label),
                Text(stream_name(segment.stream)),
                Text(info.title),
            )
        if not hit.segments:
            table.add_row(*begin, "", table_time(info.duration_s), "", "", Text(info.title))
    return table


def trend_object(point: TrendPoint) -> Json:
    """A point as `sessions trends --json` has it."""
    return {
        "start": point.start.isoformat(),
        "title": point.title,
        "sessions": point.sessions,
        "decided_s": round(point.decided_s, 6),
        "shares": {label: round(share, 6) for label, share in point.shares.items()},
    }


def trend_table(points: Sequence[TrendPoint], emotions: Sequence[str], by: Span) -> Table:
    """A row for each point, a column for each emotion."""
    table = columns(
        mark("from"), mark("sessions"), mark("time"), *map(emotion_name, emotions), mark("title")
    )
    for point in points:
        when = (moment_text if by is Span.SESSION else day_text)(point.start)
        shares = (percent(point.shares[one]) if one in point.shares else "" for one in emotions)
        table.add_row(
            when,
            str(point.sessions),
            table_time(point.decided_s),
            *shares,
            Text(point.title),
        )
    return table


def show_session(library: Library, info: SessionInfo) -> None:
    """Print one session for people."""
    console = Console.wide()
    say = console.print
    say(Text(f"{info.title or tr('Session')}  {info.id}", style="bold"))
    say(f"{local_time(info)}, {table_time(info.duration_s)}, {_marks(info) or tr('complete')}")
    say(
        Text(
            tr(
                "{source}; {model} on {provider}",
                source=info.source,
                model=info.model,
                provider=info.provider,
            )
        )
    )
    if info.tags:
        say(Text(tr("tags: {names}", names=", ".join(info.tags))))
    for part in library.summary(info.id).streams:
        stream = info.stream(part.stream)
        role = (
            f" ({stream_name(stream.role)})"
            if stream.role and stream.role.value != part.stream
            else ""
        )
        sound = "" if library.audio_path(info.id, part.stream) else f", {tr('no audio')}"
        say()
        say(Text(f"{stream_name(part.stream)}{role}, {stream.native_rate} Hz{sound}", style="bold"))
        table = columns("", mark("time"), mark("share"), mark("peak"), mark("at"))
        peaks = {peak.label: peak for peak in part.peaks}
        total = sum(part.samples.values()) or 1
        for label, samples in part.samples.items():
            peak = peaks.get(label)
            table.add_row(
                _emotion(label),
                table_time(samples / info.rate),
                percent(samples / total),
                percent(peak.probability) if peak else "",
                table_time(peak.at_sample / info.rate) if peak else "",
            )
        say(table)
        if part.transitions:
            changes = (
                f"{label_name(one)} → {label_name(other)} {count}×"
                for one, other, count in part.transitions[:5]
            )
            say(Text(tr("changes: {names}", names=", ".join(changes))))
    if conversation := session_conversation(library, info):
        say()
        say(conversation_table(conversation))
        say(conversation_line(conversation))
    lines = [
        *(
            f"{tr('gap'):<8}{table_time(gap.start_sample / info.rate)} "
            f"{seconds_text((gap.end_sample - gap.start_sample) / info.rate, 2)}, "
            f"{gap_name(gap.kind)}"
            for gap in library.gaps(info.id)
        ),
        *(
            f"{tr('alert'):<8}{table_time(alert.at_sample / info.rate)} {alert.message}"
            for alert in library.alerts(info.id)
        ),
        *(
            f"{tr('mark'):<8}{table_time(one.start_sample / info.rate)} - "
            f"{table_time(one.end_sample / info.rate)} "
            f"{label_name(one.label or '')} {one.comment}".rstrip()
            for one in library.annotations(info.id)
        ),
        *(
            f"{tr('note'):<8}"
            f"{'' if note.at_sample is None else table_time(note.at_sample / info.rate)} "
            f"{note.text}"
            for note in library.notes(info.id)
        ),
    ]
    if lines:
        say()
    for line in lines:
        say(Text(line))


def _conversation(library: Library, info: SessionInfo) -> object:
    metrics = session_conversation(library, info)
    return None if metrics is None else metrics.to_dict()


def local_time(info: SessionInfo) -> str:
    """When it began, in this computer's time zone."""
    return moment_text(info.started_at.astimezone())


def _marks(info: SessionInfo) -> str:
    marks = []
    if info.state is SessionState.RECORDING:
        marks.append(tr("recording"))
    if info.recovered:
        marks.append(tr("recovered"))
    if not info.has_audio:
        marks.append(tr("no audio"))
    return ", ".join(marks)


def _mostly(times: Mapping[str, int]) -> Text:
    label = dominant_of(times)
    return _emotion(label) if label else Text("")


def _emotion(label: str) -> Text:
    if label in NO_EMOTION:
        return Text(label_name(label), style="dim")
    return Text(label_name(label), style=swatch(label).fill(dark=True))
