"""`emolive sessions export`, `import` and `agreement`: options, and nothing else."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal

import typer

from emolive.cli.options import FORMATS, AudioFormat, JsonReport, LibraryOption


def register(app: typer.Typer) -> None:
    """Add the commands to `emolive sessions`."""
    app.command("export")(export_sessions)
    app.command("import")(import_sessions)
    app.command("agreement")(show_agreement)


def export_sessions(
    sessions: Annotated[
        list[str],
        typer.Argument(
            metavar="ID...",
            help='Sessions\' ids, or their beginnings where that is enough; or "last".',
        ),
    ],
    formats: Annotated[
        str,
        typer.Option(
            "--format",
            metavar="FORMAT[,FORMAT]",
            help=f"Any of {FORMATS}; bundle (everything, to import elsewhere); manifest (what "
            "people marked, to train on).",
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


def show_agreement(
    session: Annotated[
        str, typer.Argument(metavar="ID", help='A session\'s id, or its beginning; or "last".')
    ],
    json: JsonReport = False,
    library: LibraryOption = None,
) -> int:
    """Show how far people who marked a session and the model agree (Cohen's kappa over time)."""
    from emolive.cli.session_file_commands import run_agreement

    return run_agreement(library, session, as_json=json)
