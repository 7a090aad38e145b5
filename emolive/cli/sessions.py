"""`emolive sessions`: commands and options, and nothing else; the work is in `session_commands`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal

import typer

from emolive.cli.options import (
    FORMATS,
    AudioFormat,
    Commands,
    JsonReport,
    LibraryOption,
    Provider,
    ProviderOption,
)

app = typer.Typer(
    cls=Commands,
    help="Recorded sessions: list, show, replay, search, tag, export, import, delete.",
    no_args_is_help=True,
    context_settings={"help_option_names": ["-h", "--help"]},
)

SessionArgument = Annotated[
    str,
    typer.Argument(
        metavar="ID", help='A session\'s id, or its beginning where that is enough; or "last".'
    ),
]
SessionsArgument = Annotated[
    list[str],
    typer.Argument(
        metavar="ID...", help='Sessions\' ids, or their beginnings where that is enough; or "last".'
    ),
]


@app.command("list")
def list_sessions(json: JsonReport = False, library: LibraryOption = None) -> int:
    """List all sessions, newest first."""
    from emolive.cli.session_commands import run_list

    return run_list(library, as_json=json)


@app.command()
def show(
    session: SessionArgument,
    json: JsonReport = False,
    library: LibraryOption = None,
) -> int:
    """Show one session: time per emotion, changes, peaks, gaps, alerts, notes and tags."""
    from emolive.cli.session_commands import run_show

    return run_show(library, session, as_json=json)


@app.command()
def replay(
    session: SessionArgument,
    start: Annotated[
        float,
        typer.Option("--from", metavar="SECONDS", min=0.0, max=1e9, help="Begin at this moment."),
    ] = 0.0,
    speed: Annotated[
        float,
        typer.Option(
            "--speed", metavar="X", min=0.5, max=2.0, help="0.5 to 2, with the pitch kept."
        ),
    ] = 1.0,
    model: Annotated[
        str | None,
        typer.Option(
            "--model",
            metavar="FILE|bundled",
            help="Analyse the audio again with this model and compare, instead of playing.",
        ),
    ] = None,
    no_audio: Annotated[
        bool, typer.Option("--no-audio", help="The timeline alone, in silence.")
    ] = False,
    provider: ProviderOption = Provider.AUTO,
    library: LibraryOption = None,
) -> int:
    """Play a session in time with its timeline, or compare another model on it.

    Ctrl-C ends it.
    """
    from emolive.cli.session_replay import ReplayOptions, run_replay

    return run_replay(
        session,
        ReplayOptions(library, start, speed, not no_audio, model, provider.value),
    )


@app.command()
def search(
    query: Annotated[
        list[str] | None,
        typer.Argument(
            metavar="[WHAT]...",
            help='Such as: angry longer than 10 s last week; or "exact words" from notes.',
        ),
    ] = None,
    label: Annotated[
        list[str] | None, typer.Option("--label", metavar="EMOTION", help="One of these emotions.")
    ] = None,
    longer: Annotated[
        str | None,
        typer.Option("--longer", metavar="LENGTH", help="At least this long, such as 10s, 2min."),
    ] = None,
    probability: Annotated[
        str | None,
        typer.Option("--min-probability", metavar="P", help="At least this sure: 0.6 or 60%."),
    ] = None,
    role: Annotated[
        list[str] | None, typer.Option("--role", help="agent or customer.", metavar="ROLE")
    ] = None,
    stream: Annotated[
        list[str] | None, typer.Option("--stream", metavar="NAME", help="On this stream.")
    ] = None,
    tag: Annotated[
        list[str] | None, typer.Option("--tag", metavar="TAG", help="With all of these tags.")
    ] = None,
    since: Annotated[
        str | None, typer.Option("--from", metavar="DATE", help="Begun on this day or later.")
    ] = None,
    until: Annotated[
        str | None, typer.Option("--to", metavar="DATE", help="Begun on this day or before.")
    ] = None,
    last: Annotated[
        str | None, typer.Option("--last", metavar="SPAN", help="Begun within 12h, 7d, 2weeks ...")
    ] = None,
    marked: Annotated[
        bool, typer.Option("--marked", help="Look in what people marked, not in the model's.")
    ] = False,
    json: JsonReport = False,
    library: LibraryOption = None,
) -> int:
    """Find sessions, and the stretches in them that match.

    What is asked for must all be there. Options and words can be mixed.
    """
    from emolive.cli.session_commands import SearchOptions, run_search

    options = SearchOptions(
        words=tuple(query or ()),
        labels=tuple(label or ()),
        longer=longer,
        probability=probability,
        roles=tuple(role or ()),
        streams=tuple(stream or ()),
        tags=tuple(tag or ()),
        since=since,
        until=until,
        last=last,
        marked=marked,
    )
    return run_search(library, options, as_json=json)


@app.command()
def delete(
    sessions: SessionsArgument,
    yes: Annotated[bool, typer.Option("--yes", "-y", help="Do not ask.")] = False,
    with_models: Annotated[
        bool, typer.Option("--with-models", help="Also the models that were taught with them.")
    ] = False,
    library: LibraryOption = None,
) -> int:
    """Delete sessions for good: audio, timeline, notes, and their traces in the database.

    On a terminal it asks first. Models that were taught with them are named.
    """
    from emolive.cli.session_commands import run_delete

    return run_delete(library, sessions, ask=not yes, with_models=with_models)


@app.command()
def expire(
    days: Annotated[
        int | None,
        typer.Option(
            "--days", metavar="N", min=1, max=36_500, help="Delete what is older than this, once."
        ),
    ] = None,
    after: Annotated[
        int | None,
        typer.Option(
            "--after",
            metavar="N",
            min=0,
            max=36_500,
            help="From now on delete sessions after N days by themselves; 0: never (the default).",
        ),
    ] = None,
    library: LibraryOption = None,
) -> int:
    """Delete old sessions, now or from now on; without options, say what is set."""
    from emolive.cli.session_commands import run_expire

    return run_expire(library, days, after)


@app.command()
def rename(
    session: SessionArgument,
    title: Annotated[str, typer.Argument(metavar="TITLE", help="The new title.")],
    library: LibraryOption = None,
) -> int:
    """Give a session a title."""
    from emolive.cli.session_commands import run_rename

    return run_rename(library, session, title)


@app.command()
def tag(
    session: SessionArgument,
    tags: Annotated[list[str], typer.Argument(metavar="TAG...", help="One word or more each.")],
    remove: Annotated[bool, typer.Option("--remove", help="Take them off instead.")] = False,
    library: LibraryOption = None,
) -> int:
    """Tag a session."""
    from emolive.cli.session_commands import run_tag

    return run_tag(library, session, tags, remove=remove)


@app.command()
def note(
    session: SessionArgument,
    text: Annotated[str, typer.Argument(metavar="TEXT", help="What to note.")],
    at: Annotated[
        float | None,
        typer.Option(
            "--at", metavar="SECONDS", min=0.0, max=1e9, help="About this moment of the session."
        ),
    ] = None,
    library: LibraryOption = None,
) -> int:
    """Add a note to a session, or to a moment of it."""
    from emolive.cli.session_commands import run_note

    return run_note(library, session, text, at)


@app.command()
def consent(
    text: Annotated[
        str | None,
        typer.Argument(metavar="[TEXT]", help="A text of your own; empty: no reminder."),
    ] = None,
    library: LibraryOption = None,
) -> int:
    """Show or set the reminder that comes before the first recording."""
    from emolive.cli.session_commands import run_consent

    return run_consent(library, text)


@app.command("export")
def export_sessions(
    sessions: SessionsArgument,
    formats: Annotated[
        str,
        typer.Option(
            "--format",
            metavar="FORMAT[,FORMAT]",
            help=f"Any of {FORMATS}; bundle (everything, to import elsewhere); manifest (what "
            "people marked, to train on); all: every one but the manifest.",
        ),
    ] = "html",
    out: Annotated[
        Path,
        typer.Option(
            "--out", metavar="DIR", help="Folder for the files; existing ones are replaced."
        ),
    ] = Path("emolive-export"),
    audio: Annotated[
        bool, typer.Option("--audio", help="Put the audio beside the files, which refer to it.")
    ] = False,
    audio_format: Annotated[
        AudioFormat | None,
        typer.Option(
            "--audio-format", help="Of that audio; otherwise WAV with eaf, for ELAN, else FLAC."
        ),
    ] = None,
    delete: Annotated[
        bool,
        typer.Option("--delete", help="Then delete the sessions for good; needs the bundle."),
    ] = False,
    yes: Annotated[bool, typer.Option("--yes", "-y", help="Do not ask before deleting.")] = False,
    speaker: Annotated[
        str, typer.Option("--speaker", metavar="NAME", help="Manifest: who speaks in all of them.")
    ] = "",
    gender: Annotated[
        str, typer.Option("--gender", metavar="TEXT", help="Manifest: the speakers' gender.")
    ] = "",
    language: Annotated[
        str, typer.Option("--language", metavar="TEXT", help="Manifest: the language spoken.")
    ] = "",
    corpus: Annotated[
        str, typer.Option("--corpus", metavar="NAME", help="Manifest: name of the collection.")
    ] = "sessions",
    refer: Annotated[
        bool,
        typer.Option("--refer", help="Manifest: refer to the library's audio instead of cuts."),
    ] = False,
    library: LibraryOption = None,
) -> int:
    """Export sessions for other programs, other machines, or training.

    Each file is named after its session; the manifest is one for all of them.
    """
    from emolive.cli.session_file_commands import ExportOptions, run_export
    from emolive.session.training_manifest import Facts

    facts = Facts(speaker, gender, language, corpus)
    kind: Literal["flac", "wav"] | None = None
    if audio_format is not None:
        kind = "wav" if audio_format is AudioFormat.WAV else "flac"
    # To name a format is to ask for the audio.
    with_audio = audio or kind is not None
    options = ExportOptions(formats, out, with_audio, delete, yes, facts, refer, kind)
    return run_export(library, sessions, options)


@app.command("import")
def import_sessions(
    files: Annotated[
        list[Path],
        typer.Argument(
            metavar="FILE...", help="Bundles made by `sessions export --format bundle`."
        ),
    ],
    again: Annotated[
        bool, typer.Option("--again", help="Import even what the library has already.")
    ] = False,
    library: LibraryOption = None,
) -> int:
    """Import sessions that were exported as bundles, here or on another machine."""
    from emolive.cli.session_file_commands import run_import

    return run_import(library, files, again=again)


@app.command("agreement")
def show_agreement(
    session: Annotated[
        str, typer.Argument(metavar="ID", help='A session\'s id, or its beginning; or "last".')
    ],
    json: JsonReport = False,
    library: LibraryOption = None,
) -> int:
    """Show how far people who marked a session agree, with the model and with each other.

    Cohen's kappa of each with the model and of each pair, Fleiss' kappa and Krippendorff's alpha of
    all; concordance (Lin) and alpha of what they rated continuously.
    """
    from emolive.cli.session_agreement import run_agreement

    return run_agreement(library, session, as_json=json)


@app.command("tiers")
def show_tiers(
    name: Annotated[
        str | None, typer.Argument(metavar="[NAME]", help="A tier to add, change or remove.")
    ] = None,
    labels: Annotated[
        str | None,
        typer.Option("--labels", metavar="LABEL[,LABEL]", help="The labels it offers, in order."),
    ] = None,
    remove: Annotated[
        bool, typer.Option("--remove", help="Offer it no more; what was marked in it stays.")
    ] = False,
    json: JsonReport = False,
    library: LibraryOption = None,
) -> int:
    """Show, add or remove tiers: what can be marked beside the emotions, with labels of your own.

    They hold for the whole library.
    """
    from emolive.cli.session_tiers import run_tiers

    return run_tiers(library, name, labels, remove=remove, as_json=json)
