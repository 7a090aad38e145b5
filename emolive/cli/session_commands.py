"""What the `sessions` commands do."""

from __future__ import annotations

import json
import sys
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from pathlib import Path

import typer
from pydantic import ValidationError

from emolive.adapt import shelf
from emolive.cli.outcome import DONE, SOME_INPUTS_FAILED, tell
from emolive.cli.session_tables import (
    hits_table,
    print_table,
    session_object,
    sessions_table,
    show_session,
    shown_object,
)
from emolive.errors import EmoliveError, SessionError
from emolive.plain_text import plain
from emolive.session.library import Library
from emolive.session.query_text import (
    before,
    parse_date,
    parse_length,
    parse_query,
    parse_share,
    parse_span,
    taken_as_text,
)
from emolive.session.search import SearchQuery
from emolive.types import Role


@dataclass(frozen=True, slots=True)
class SearchOptions:
    """What `sessions search` was asked for, as it was written."""

    words: tuple[str, ...] = ()
    labels: tuple[str, ...] = ()
    longer: str | None = None
    probability: str | None = None
    roles: tuple[str, ...] = ()
    streams: tuple[str, ...] = ()
    tags: tuple[str, ...] = ()
    since: str | None = None
    until: str | None = None
    last: str | None = None
    marked: bool = False

    def query(self, labels: Sequence[str], now: datetime) -> SearchQuery:
        """The query, where words may name these `labels`.

        Raises:
            SessionError: an option or a word makes no sense.
        """
        query = parse_query(" ".join(self.words), labels, now)
        roles = []
        for name in self.roles:
            if name.casefold() not in set(Role):
                raise SessionError(f"{name!r} is no role: use agent or customer.")
            roles.append(Role(name.casefold()))
        query = replace(
            query,
            labels=(*query.labels, *self.labels),
            roles=(*query.roles, *roles),
            streams=(*query.streams, *self.streams),
            tags=(*query.tags, *self.tags),
            annotated=query.annotated or self.marked,
        )
        if self.longer is not None:
            query = replace(query, min_duration_s=parse_length(self.longer))
        if self.probability is not None:
            query = replace(query, min_confidence=parse_share(self.probability))
        if self.last is not None:
            query = replace(query, since=before(now, parse_span(self.last)))
        if self.since is not None:
            query = replace(query, since=parse_date(self.since, now))
        if self.until is not None:
            query = replace(query, until=parse_date(self.until, now, end=True))
        return query


def open_library(folder: Path | None) -> Library:
    """The library; what had to be put right, or could not be, is told.

    Raises:
        SessionError: it cannot be opened.
    """
    library = Library.open(folder)
    for session_id in library.recovered:
        tell(f"Session {session_id} was cut off and is recovered.")
    for problem in library.problems:
        tell(problem)
    return library


def run_list(folder: Path | None, *, as_json: bool) -> int:
    """Print all sessions."""
    with open_library(folder) as library:
        sessions, times = library.sessions(), library.label_samples()
        if as_json:
            found = [session_object(info, times.get(info.id, {})) for info in sessions]
            print_json(found)
        elif sessions:
            print_table(sessions_table(sessions, times))
        else:
            tell(f"There are no sessions in {library.folder} yet: `emolive live --record`.")
    return DONE


def run_show(folder: Path | None, session: str, *, as_json: bool) -> int:
    """Print one session."""
    with open_library(folder) as library:
        info = library.get(session)
        if as_json:
            print_json(shown_object(library, info))
        else:
            show_session(library, info)
    return DONE


def run_search(folder: Path | None, options: SearchOptions, *, as_json: bool) -> int:
    """Print what was found."""
    with open_library(folder) as library:
        query = options.query(library.labels(), datetime.now())
        hits = library.search(query)
        if (words := taken_as_text(query)) is not None:
            tell(plain(words))
        if as_json:
            times = library.label_samples()
            print_json(
                [
                    session_object(hit.session, times.get(hit.session.id, {}))
                    | {
                        "segments": [
                            {
                                "stream": segment.stream,
                                "start_s": segment.start_sample / hit.session.rate,
                                "end_s": segment.end_sample / hit.session.rate,
                                "label": segment.label,
                                "confidence": round(segment.confidence, 6),
                            }
                            for segment in hit.segments
                        ]
                    }
                    for hit in hits
                ]
            )
        elif hits:
            print_table(hits_table(hits))
        else:
            tell("Nothing was found.")
    return DONE


def run_delete(
    folder: Path | None, sessions: Sequence[str], *, ask: bool, with_models: bool
) -> int:
    """Delete sessions; those that cannot be deleted are reported.

    Models that were taught with them are named, and deleted `with_models`.
    """
    failed = 0
    with open_library(folder) as library:
        infos = list(dict.fromkeys(library.get(session) for session in sessions))
        models = shelf.taught_with(info.id for info in infos)
        for name in models:
            way = "it is deleted, too" if with_models else "delete it, too, with --with-models"
            tell(f"The model {name} was taught with what is deleted here: {way}.")
        if ask and sys.stdin.isatty():
            names = ", ".join(info.title or info.id for info in infos)
            typer.confirm(plain(f"Delete {names} for good?"), abort=True, err=True)
        for info in infos:
            try:
                library.delete(info.id)
            except EmoliveError as error:
                failed += 1
                tell(str(error))
            else:
                tell(f"Session {info.id} is deleted.")
        for name in models if with_models else ():
            shelf.remove(name)
            tell(f"The model {name} is deleted.")
    return SOME_INPUTS_FAILED if failed else DONE


def run_expire(folder: Path | None, days: int | None, after: int | None) -> int:
    """Delete old sessions, or set when they are deleted."""
    with open_library(folder) as library:
        if after is not None:
            settings = library.settings()
            library.change_settings(
                settings.model_copy(update={"expire_after_days": after or None})
            )
        expired = library.expire(days) if days is not None or after else []
        for session_id in expired:
            tell(f"Session {session_id} is deleted.")
        for name in shelf.taught_with(expired):
            tell(
                f"The model {name} was taught with them: `emolive adapt remove {name}` forgets it."
            )
        limit = library.settings().expire_after_days
        if limit is None:
            tell("Sessions are kept until they are deleted.")
        else:
            tell(f"Sessions are deleted by themselves after {limit} days.")
    return DONE


def run_rename(folder: Path | None, session: str, title: str) -> int:
    """Give a session a title."""
    with open_library(folder) as library:
        library.rename(library.get(session).id, title.strip())
    return DONE


def run_tag(folder: Path | None, session: str, tags: Sequence[str], *, remove: bool) -> int:
    """Add or remove tags."""
    with open_library(folder) as library:
        session_id = library.get(session).id
        for tag in tags:
            if remove:
                library.remove_tag(session_id, tag)
            else:
                library.add_tag(session_id, tag)
    return DONE


def run_note(folder: Path | None, session: str, text: str, at_s: float | None) -> int:
    """Add a note."""
    with open_library(folder) as library:
        info = library.get(session)
        at = None if at_s is None else round(at_s * info.rate)
        if at is not None and at > info.duration_samples:
            raise SessionError(
                f"Session {info.id} is {info.duration_s:.1f} s long: choose a moment in it."
            )
        library.add_note(info.id, text, at)
    return DONE


def run_consent(folder: Path | None, text: str | None) -> int:
    """Show or set the consent reminder."""
    with open_library(folder) as library:
        settings = library.settings()
        if text is not None:
            try:
                changed = type(settings).model_validate(
                    settings.model_dump() | {"consent_text": text}
                )
            except ValidationError as error:
                raise SessionError(f"The text is too long ({len(text)} letters).") from error
            library.change_settings(changed)
        shown = library.settings().consent_text
        tell(shown or "There is no reminder before recording.")
    return DONE


def print_json(document: object) -> None:
    """One JSON document on standard output."""
    json.dump(document, sys.stdout, indent=1)
    sys.stdout.write("\n")
