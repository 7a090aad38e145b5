"""The calls that rules are tried on: sessions, results of `analyze`, recordings."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Annotated

import typer

from emolive.alerts.past_calls import PastCall, analysed_call, recorded_call, stored_call
from emolive.archive.inputs import find_inputs
from emolive.audio.call import call_recording
from emolive.audio.files import FileSource
from emolive.audio.source import RecordedSource
from emolive.cli.loading import load_model, open_library
from emolive.cli.options import Channel, LibraryOption, ModelOptions
from emolive.cli.outcome import tell
from emolive.errors import EmoliveError, SessionError
from emolive.session.query_text import before, parse_date, parse_span
from emolive.session.search import SearchQuery
from emolive.speech.silero import SileroVad


@dataclass(frozen=True, slots=True)
class PastOptions:
    """Which calls, and what the recordings among them are."""

    library: LibraryOption = None
    since: Annotated[
        str | None,
        typer.Option(metavar="WHEN", help="Sessions from a day (2025-01-31) or span (7d) on."),
    ] = None
    agent_channel: Annotated[
        Channel | None,
        typer.Option(help="Stereo recordings are calls; the agent is on this channel."),
    ] = None
    pair: Annotated[
        bool,
        typer.Option("--pair", help="The two files named are one call: the agent's comes first."),
    ] = False


def past_calls(
    paths: tuple[Path, ...],
    options: PastOptions,
    using: ModelOptions,
    failed: Callable[[str], None],
) -> Iterator[PastCall]:
    """The calls, one by one, of the library where no `paths` are named.

    `failed` is told of those that cannot be read.

    Raises:
        EmoliveError: the library or the model cannot be used, or an option makes no sense.
    """
    if not paths:
        yield from _sessions(options)
        return
    if options.since is not None:
        raise EmoliveError(
            "--since is for recorded sessions: leave it out, or leave out the files."
        )
    if options.pair:
        yield from _recordings([paths], options, using, failed)
        return
    results, recordings = _sorted(paths, failed)
    for path in results:
        try:
            yield analysed_call(path)
        except EmoliveError as error:
            failed(str(error))
    if recordings:
        yield from _recordings([(path,) for path in recordings], options, using, failed)


def _sessions(options: PastOptions) -> Iterator[PastCall]:
    since = None if options.since is None else _moment(options.since)
    with open_library(options.library) as library:
        # Oldest first, as they happened.
        for hit in reversed(library.search(SearchQuery(since=since))):
            yield stored_call(library, hit.session)


def _recordings(
    calls: Sequence[tuple[Path, ...]],
    options: PastOptions,
    using: ModelOptions,
    failed: Callable[[str], None],
) -> Iterator[PastCall]:
    sources = [_source(files, options) for files in calls]
    classifier, config = load_model(using)
    vad = SileroVad()
    for files, source in zip(calls, sources, strict=True):
        try:
            name = " + ".join(map(str, files))
            yield recorded_call(source, name, classifier, vad, config)
        except EmoliveError as error:
            failed(str(error))
    classifier.close()


def _source(files: tuple[Path, ...], options: PastOptions) -> RecordedSource:
    if options.pair:
        if len(files) != 2:
            raise EmoliveError("--pair needs two files: the agent's, then the customer's.")
        return call_recording(files, paced=False)
    if options.agent_channel is None:
        return FileSource(files[0], paced=False, channels="split")
    return call_recording(files, options.agent_channel.value, paced=False)


def _sorted(paths: Sequence[Path], failed: Callable[[str], None]) -> tuple[list[Path], list[Path]]:
    """JSON results and recordings; folders are searched for both."""
    results: list[Path] = []
    others: list[Path] = []
    for path in paths:
        if path.is_dir():
            results += sorted(path.rglob("*.json"))
            others.append(path)
        elif path.suffix.lower() == ".json":
            results.append(path)
        else:
            others.append(path)
    found = find_inputs(others)
    for problem in found.problems:
        # A folder of results holds no audio, which is no problem here.
        if not results:
            failed(problem)
    if not results:
        for sentence in found.left_out:
            tell(sentence)
    return results, [item.path for item in found.files]


def _moment(text: str) -> datetime:
    now = datetime.now()
    try:
        span = parse_span(text)
    except SessionError:
        return parse_date(text, now)
    return before(now, span)
