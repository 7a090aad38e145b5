"""Which sessions are meant: the words and options that list, search and trends share."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime
from typing import Annotated

import typer

from emolive.cli.outcome import tell
from emolive.session.library import Library
from emolive.session.query_text import before, parse_date, parse_query, parse_span, taken_as_text
from emolive.session.results import SessionResult, session_results
from emolive.session.search import SearchQuery

WhatArgument = Annotated[
    list[str] | None,
    typer.Argument(
        metavar="[WHAT]...",
        help='Such as: angry longer than 10 s last week; or "exact words" from notes.',
    ),
]
TagFilter = Annotated[
    list[str] | None, typer.Option("--tag", metavar="TAG", help="With all of these tags.")
]
SinceFilter = Annotated[
    str | None, typer.Option("--from", metavar="DATE", help="Begun on this day or later.")
]
UntilFilter = Annotated[
    str | None, typer.Option("--to", metavar="DATE", help="Begun on this day or before.")
]
LastFilter = Annotated[
    str | None, typer.Option("--last", metavar="SPAN", help="Begun within 12h, 7d, 2weeks ...")
]
MostlyFilter = Annotated[
    str | None, typer.Option("--mostly", metavar="EMOTION", help="With most time in this emotion.")
]


def asked(
    opened: Library,
    what: list[str] | None,
    tag: list[str] | None,
    since: str | None,
    until: str | None,
    last: str | None,
) -> SearchQuery:
    """What words and options ask for together."""
    now = datetime.now()
    query = parse_query(" ".join(what or ()), opened.labels(), now)
    query = replace(query, tags=(*query.tags, *(tag or ())))
    if last is not None:
        query = replace(query, since=before(now, parse_span(last)))
    if since is not None:
        query = replace(query, since=parse_date(since, now))
    if until is not None:
        query = replace(query, until=parse_date(until, now, end=True))
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
