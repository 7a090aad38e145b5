"""`emolive sessions`: list, show, search and change what is recorded."""

from __future__ import annotations

from dataclasses import replace
from typing import Annotated

import typer
from pydantic import ValidationError

from emolive.cli import session_adapting, session_agreement, session_files
from emolive.cli.commands import GROUPS, group
from emolive.cli.console import print_table
from emolive.cli.loading import open_library
from emolive.cli.options import JsonReport, LibraryOption, ReplayOptions, SessionArgument
from emolive.cli.outcome import DONE, print_json, say, tell, tell_lines
from emolive.cli.session_tables import (
    MostlyFilter,
    SessionFilter,
    WhatArgument,
    asked,
    hits_table,
    results_of,
    session_object,
    sessions_table,
    show_session,
    shown_object,
    trend_object,
    trend_table,
)
from emolive.errors import EmoliveError, SessionError
from emolive.i18n import decimal, tr
from emolive.session.export.json_document import segment_object
from emolive.session.library_settings import tier_of, with_tier, without_tier
from emolive.session.query_text import parse_length, parse_share, taken_as_text
from emolive.session.results import Span, emotions_of, trend
from emolive.types import Role

app = group(help=GROUPS["sessions"])


@app.command("list")
def list_sessions(
    what: WhatArgument = None,
    *,
    only: SessionFilter,
    mostly: MostlyFilter = None,
    as_json: JsonReport = False,
    library: LibraryOption = None,
) -> int:
    """List sessions, newest first: all, or those that match."""
    with open_library(library) as opened:
        query = asked(opened, what, only)
        sessions = [one.session for one in results_of(opened, query, mostly)]
        times = opened.label_samples()
        if as_json:
            found = [session_object(info, times.get(info.id, {})) for info in sessions]
            print_json(found)
        elif sessions:
            print_table(sessions_table(sessions, times))
        elif opened.sessions():
            tell("Nothing was found.")
        else:
            tell(
                "There are no sessions in {folder} yet: `emolive live --record`.",
                folder=opened.folder,
            )
    return DONE


@app.command()
def trends(
    what: WhatArgument = None,
    by: Annotated[
        Span, typer.Option(metavar="SPAN", help="session, day, week or month.")
    ] = Span.DAY,
    *,
    only: SessionFilter,
    mostly: MostlyFilter = None,
    as_json: JsonReport = False,
    library: LibraryOption = None,
) -> int:
    """Show how the shares of emotions change over sessions, days, weeks or months.

    Shares are of the time with an emotion, each session weighted by it.
    """
    with open_library(library) as opened:
        query = asked(opened, what, only)
        results = results_of(opened, query, mostly)
    points = trend(results, by)
    if as_json:
        print_json([trend_object(point) for point in points])
    elif points:
        print_table(trend_table(points, emotions_of(results), by))
    else:
        tell("Nothing was found.")
    return DONE


@app.command()
def show(
    session: SessionArgument,
    as_json: JsonReport = False,
    library: LibraryOption = None,
) -> int:
    """Show one session: time per emotion, changes, peaks, gaps, alerts, notes and tags."""
    with open_library(library) as opened:
        info = opened.get(session)
        if as_json:
            print_json(shown_object(opened, info))
        else:
            show_session(opened, info)
    return DONE


app.command()(session_adapting.adapt)


@app.command()
def replay(
    session: SessionArgument,
    options: ReplayOptions,
) -> int:
    """Play a session in time with its timeline, or compare another model on it.

    Ctrl-C ends it.
    """
    from emolive.cli.session_replay import run_replay

    return run_replay(session, options)


@app.command()
def search(
    what: WhatArgument = None,
    label: Annotated[
        list[str] | None, typer.Option(metavar="EMOTION", help="One of these emotions.")
    ] = None,
    longer: Annotated[
        str | None,
        typer.Option(metavar="LENGTH", help="At least this long, such as 10s, 2min."),
    ] = None,
    probability: Annotated[
        str | None,
        typer.Option("--min-probability", metavar="P", help="At least this sure: 0.6 or 60%."),
    ] = None,
    role: Annotated[
        list[str] | None, typer.Option(help="agent or customer.", metavar="ROLE")
    ] = None,
    stream: Annotated[
        list[str] | None, typer.Option(metavar="NAME", help="On this stream.")
    ] = None,
    *,
    only: SessionFilter,
    marked: Annotated[
        bool, typer.Option("--marked", help="Look in what people marked, not in the model's.")
    ] = False,
    as_json: JsonReport = False,
    library: LibraryOption = None,
) -> int:
    """Find sessions, and the stretches in them that match.

    What is asked for must all be there. Options and words can be mixed.
    """
    with open_library(library) as opened:
        query = asked(opened, what, only)
        parties = []
        for name in role or ():
            if name.casefold() not in set(Role):
                raise SessionError("{name} is no role: use agent or customer.", name=repr(name))
            parties.append(Role(name.casefold()))
        query = replace(
            query,
            labels=(*query.labels, *(label or ())),
            roles=(*query.roles, *parties),
            streams=(*query.streams, *(stream or ())),
            annotated=query.annotated or marked,
        )
        if longer is not None:
            query = replace(query, min_duration_s=parse_length(longer))
        if probability is not None:
            query = replace(query, min_confidence=parse_share(probability))
        hits = opened.search(query)
        if (words := taken_as_text(query)) is not None:
            tell(words)
        if as_json:
            times = opened.label_samples()
            print_json(
                [
                    session_object(hit.session, times.get(hit.session.id, {}))
                    | {"segments": [segment_object(one, hit.session.rate) for one in hit.segments]}
                    for hit in hits
                ]
            )
        elif hits:
            print_table(hits_table(hits))
        else:
            tell("Nothing was found.")
    return DONE


app.command("delete")(session_files.delete_sessions)


app.command()(session_files.expire)


@app.command()
def rename(
    session: SessionArgument,
    title: Annotated[str, typer.Argument(metavar="TITLE", help="The new title.")],
    library: LibraryOption = None,
) -> int:
    """Give a session a title."""
    with open_library(library) as opened:
        opened.rename(opened.get(session).id, title.strip())
    return DONE


@app.command()
def tag(
    session: SessionArgument,
    tags: Annotated[list[str], typer.Argument(metavar="TAG...", help="One word or more each.")],
    remove: Annotated[bool, typer.Option("--remove", help="Take them off instead.")] = False,
    library: LibraryOption = None,
) -> int:
    """Tag a session."""
    with open_library(library) as opened:
        session_id = opened.get(session).id
        for one in tags:
            if remove:
                opened.remove_tag(session_id, one)
            else:
                opened.add_tag(session_id, one)
    return DONE


@app.command()
def note(
    session: SessionArgument,
    text: Annotated[str, typer.Argument(metavar="TEXT", help="What to note.")],
    at: Annotated[
        float | None,
        typer.Option(metavar="SECONDS", min=0.0, max=1e9, help="About this moment of the session."),
    ] = None,
    library: LibraryOption = None,
) -> int:
    """Add a note to a session, or to a moment of it."""
    with open_library(library) as opened:
        info = opened.get(session)
        sample = None if at is None else round(at * info.rate)
        if sample is not None and sample > info.duration_samples:
            raise SessionError(
                "Session {id} is {duration} s long: choose a moment in it.",
                id=info.id,
                duration=decimal(info.duration_s, 1),
            )
        opened.add_note(info.id, text, sample)
    return DONE


@app.command()
def consent(
    text: Annotated[
        str | None,
        typer.Argument(metavar="[TEXT]", help="A text of your own; empty: no reminder."),
    ] = None,
    library: LibraryOption = None,
) -> int:
    """Show or set the reminder that comes before the first recording."""
    with open_library(library) as opened:
        if text is not None:
            try:
                opened.change_settings(consent_text=text)
            except ValidationError as error:
                raise SessionError(
                    "The text is too long ({number} letters).", number=len(text)
                ) from error
        shown = tr(opened.settings().consent_text)
        tell_lines(shown or tr("There is no reminder before recording."))
    return DONE


app.command("export")(session_files.export_sessions)
app.command("import")(session_files.import_sessions)
app.command("agreement")(session_agreement.show_agreement)


@app.command("tiers")
def show_tiers(
    name: Annotated[
        str | None, typer.Argument(metavar="[NAME]", help="A tier to add, change or remove.")
    ] = None,
    labels: Annotated[
        str | None,
        typer.Option(metavar="LABEL[,LABEL]", help="The labels it offers, in order."),
    ] = None,
    remove: Annotated[
        bool, typer.Option("--remove", help="Offer it no more; what was marked in it stays.")
    ] = False,
    as_json: JsonReport = False,
    library: LibraryOption = None,
) -> int:
    """Show, add or remove tiers: what can be marked beside the emotions, with labels of your own.

    They hold for the whole library.
    """
    if remove and labels is not None:
        raise EmoliveError("--remove and --labels contradict each other: give one of them.")
    if name is None and (remove or labels is not None):
        raise EmoliveError("Name the tier: such as `emolive sessions tiers engagement --labels …`.")
    with open_library(library) as opened:
        settings = opened.settings()
        if name is not None and remove:
            settings = without_tier(settings, name)
        elif name is not None and labels is not None:
            settings = with_tier(settings, tier_of(name, labels))
        elif name is not None:
            raise EmoliveError(
                "What is labelled in {name}? Add --labels, such as --labels a,b.", name=repr(name)
            )
        if settings != opened.settings():
            opened.change_settings(tiers=settings.tiers)
    if as_json:
        print_json([tier.model_dump() for tier in settings.tiers])
    elif settings.tiers:
        for tier in settings.tiers:
            say(f"{tier.name}: {', '.join(tier.labels)}")
    else:
        say("Only the emotions can be marked: add a tier with `sessions tiers NAME --labels a,b`.")
    return DONE
