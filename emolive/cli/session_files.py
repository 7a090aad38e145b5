"""`emolive sessions export`, `import`, `delete` and `expire`: what goes out, comes in, and goes."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from emolive.adapt import shelf
from emolive.cli.loading import open_library
from emolive.cli.options import FORMATS as FORMAT_NAMES
from emolive.cli.options import AudioFormat as AudioKind
from emolive.cli.options import LibraryOption, SessionsArgument, YesOption
from emolive.cli.outcome import CANNOT, DONE, SOME_INPUTS_FAILED, confirm, say, tell
from emolive.errors import EmoliveError
from emolive.i18n import ntr, tr
from emolive.session import export_folder
from emolive.session.export import FORMATS, chosen_names
from emolive.session.export.audio_copy import AudioFormat
from emolive.session.export_choices import BUNDLE, MANIFEST
from emolive.session.export_folder import ExportRequest, import_bundles
from emolive.session.training_manifest import Facts

_ELAN = "eaf"


def export_sessions(
    sessions: SessionsArgument,
    formats: Annotated[
        str,
        typer.Option(
            "--format",
            metavar="FORMAT[,FORMAT]",
            help=f"Any of {FORMAT_NAMES}; bundle (everything, to import elsewhere); manifest (what "
            "people marked, to train on); all: every one but the manifest.",
        ),
    ] = "html",
    out: Annotated[
        Path,
        typer.Option(metavar="DIR", help="Folder for the files; existing ones are replaced."),
    ] = Path("emolive-export"),
    audio: Annotated[
        bool, typer.Option("--audio", help="Put the audio beside the files, which refer to it.")
    ] = False,
    audio_format: Annotated[
        AudioKind | None,
        typer.Option(help="Of that audio; otherwise WAV with eaf, for ELAN, else FLAC."),
    ] = None,
    delete: Annotated[
        bool,
        typer.Option("--delete", help="Then delete the sessions for good; needs the bundle."),
    ] = False,
    yes: YesOption = False,
    speaker: Annotated[
        str, typer.Option(metavar="NAME", help="Manifest: who speaks in all of them.")
    ] = "",
    gender: Annotated[
        str, typer.Option(metavar="TEXT", help="Manifest: the speakers' gender.")
    ] = "",
    language: Annotated[
        str, typer.Option(metavar="TEXT", help="Manifest: the language spoken.")
    ] = "",
    corpus: Annotated[
        str, typer.Option(metavar="NAME", help="Manifest: name of the collection.")
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
    names = chosen_names(formats, (*FORMATS, BUNDLE), (MANIFEST,))
    if delete and BUNDLE not in names:
        raise EmoliveError(
            "--delete would lose what the other formats do not hold: add bundle to --format."
        )
    kind: AudioFormat | None = None if audio_format is None else audio_format.value
    if audio and kind is None:
        kind = "wav" if _ELAN in names else "flac"  # ELAN does not offer FLAC
    request = ExportRequest(
        names,
        out,
        kind,
        Facts(speaker, gender, language, corpus),
        cut=not refer,
        manifest_folder="",
        stem=lambda info: info.id,
    )
    with open_library(library) as opened:
        found = list({info.id: info for info in map(opened.get, sessions)}.values())
        result = export_folder.export_sessions(opened, found, request, written=say)
    for sentence in (*result.notes, *result.problems):
        tell(sentence)
    if result.stretches:
        count = result.stretches
        tell(ntr("{count} stretch to train on.", "{count} stretches to train on.", count))
    done = DONE
    if result.problems:
        done = SOME_INPUTS_FAILED if result.written else CANNOT
    if delete:
        for session in result.incomplete:
            tell("Session {id} is not deleted: not all of it could be written.", id=session)
        if whole := [info.id for info in found if info.id not in result.incomplete]:
            done = max(done, delete_sessions(whole, yes, library=library))
    return done


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
    with open_library(library) as opened:
        ids, problems = import_bundles(opened, files, again=again, imported=say)
        for sentence in problems:
            if sentence not in opened.problems:  # which are told
                tell(sentence)
    if problems:
        return SOME_INPUTS_FAILED if ids else CANNOT
    return DONE


def delete_sessions(
    sessions: SessionsArgument,
    yes: YesOption = False,
    with_models: Annotated[
        bool, typer.Option("--with-models", help="Also the models that were taught with them.")
    ] = False,
    library: LibraryOption = None,
) -> int:
    """Delete sessions for good: audio, timeline, notes, and their traces in the database.

    It asks first, without --yes. Models that were taught with them are named.
    """
    failed = 0
    with open_library(library) as opened:
        infos = list(dict.fromkeys(opened.get(session) for session in sessions))
        models = shelf.taught_with(info.id for info in infos)
        for name in models:
            way = tr("delete it, too, with --with-models")
            if with_models:
                way = tr("it is deleted, too")
            tell(
                "The model {name} was taught with what is deleted here: {way}.",
                name=name,
                way=way,
            )
        names = ", ".join(info.title or info.id for info in infos)
        confirm(tr("Delete {names} for good?", names=names), yes=yes)
        for info in infos:
            try:
                opened.delete(info.id)
            except EmoliveError as error:
                failed += 1
                tell(str(error))
            else:
                tell("Session {id} is deleted.", id=info.id)
        for name in models if with_models else ():
            shelf.remove(name)
            tell("The model {name} is deleted.", name=name)
    return SOME_INPUTS_FAILED if failed else DONE


def expire(
    days: Annotated[
        int | None,
        typer.Option(metavar="N", min=1, max=36_500, help="Delete what is older than this, once."),
    ] = None,
    after: Annotated[
        int | None,
        typer.Option(
            metavar="N",
            min=0,
            max=36_500,
            help="From now on delete sessions after N days by themselves; 0: never (the default).",
        ),
    ] = None,
    yes: YesOption = False,
    library: LibraryOption = None,
) -> int:
    """Delete old sessions, now or from now on; without options, say what is set.

    It asks first where there are such sessions, without --yes.
    """
    with open_library(library) as opened:
        older = days if days is not None else after or None
        if older is not None and (old := opened.older_than(older)):
            names = ", ".join(info.title or info.id for info in old)
            confirm(tr("Delete {names} for good?", names=names), yes=yes)
        if after is not None:
            opened.change_settings(expire_after_days=after or None)
        expired = opened.expire(days) if days is not None or after else []
        for session_id in expired:
            tell("Session {session_id} is deleted.", session_id=session_id)
        for name in shelf.taught_with(expired):
            tell(
                "The model {name} was taught with them: `emolive adapt remove {name}` forgets it.",
                name=name,
            )
        limit = opened.settings().expire_after_days
        if limit is None:
            tell("Sessions are kept until they are deleted.")
        else:
            tell("Sessions are deleted by themselves after {limit} days.", limit=limit)
    return DONE
