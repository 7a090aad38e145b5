"""`emolive sessions export`, `import`, `delete` and `expire`: what goes out, comes in, and goes."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Annotated

import typer

from emolive.adapt import shelf
from emolive.cli.loading import open_library
from emolive.cli.options import FORMATS as FORMAT_NAMES
from emolive.cli.options import AudioFormat as AudioKind
from emolive.cli.options import LibraryOption, SessionsArgument, YesOption
from emolive.cli.outcome import CANNOT, DONE, SOME_INPUTS_FAILED, confirm, say, tell
from emolive.errors import EmoliveError, SessionError
from emolive.i18n import ntr, tr
from emolive.session.bundle import EXTENSION, export_bundle
from emolive.session.bundle_import import import_bundle
from emolive.session.export import ALL, FORMATS, Format, chosen_formats
from emolive.session.export.audio_copy import AudioFormat, copy_audio
from emolive.session.library import Library
from emolive.session.records import SessionInfo
from emolive.session.timeline import StreamAudio, Timeline
from emolive.session.training_manifest import Facts, write_manifest

BUNDLE = "bundle"
MANIFEST = "manifest"
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
    # To name a format is to ask for the audio.
    options = _Export(
        formats, out, audio or audio_format is not None, delete, yes,
        Facts(speaker, gender, language, corpus), refer, audio_format,
    )  # fmt: skip
    return _export_all(library, sessions, options)


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
    failures = 0
    with open_library(library) as opened:
        told = set(opened.problems)
        for file in files:
            try:
                info = import_bundle(opened, file, again=again)
            except SessionError as error:
                failures += 1
                if str(error) not in told:  # that the disk is full, say
                    told.add(str(error))
                    tell(str(error))
                continue
            opened.audit("imported", {"session": info.id, "file": file.name})
            say(info.id)
    if failures == len(files):
        return CANNOT
    return SOME_INPUTS_FAILED if failures else DONE


def delete(
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
            settings = opened.settings()
            opened.change_settings(settings.model_copy(update={"expire_after_days": after or None}))
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


@dataclass(frozen=True, slots=True)
class _Export:
    """What was asked for."""

    formats: str
    out: Path
    audio: bool = False
    delete: bool = False
    yes: bool = False
    facts: Facts = field(default_factory=Facts)
    refer: bool = False
    audio_format: AudioKind | None = None


def _export_all(library: Path | None, sessions: Sequence[str], options: _Export) -> int:
    """Export `sessions`; the files' paths go to standard output.

    A manifest of sessions in which nothing is marked fails alone, where there are other formats.

    Raises:
        EmoliveError: an unknown session or format, or a folder that cannot be written.
    """
    names, forms = _chosen(options.formats)
    if options.delete and BUNDLE not in names:
        raise EmoliveError(
            "--delete would lose what the other formats do not hold: add bundle to --format."
        )
    with open_library(library) as opened:
        found = list({info.id: info for info in map(opened.get, sessions)}.values())
        try:
            options.out.mkdir(parents=True, exist_ok=True)
            for info in found:
                _export(opened, info, names, forms, options)
            done = DONE
            if MANIFEST in names:
                try:
                    _manifest(opened, found, options)
                except SessionError as error:
                    if len(names) == 1:
                        raise
                    tell("No manifest was written. {error}", error=error)
                    names = tuple(name for name in names if name != MANIFEST)
                    done = SOME_INPUTS_FAILED
        except OSError as error:
            raise EmoliveError(
                "Cannot write to {out} ({reason}): choose another folder with --out.",
                out=options.out,
                reason=error.strerror or error,
            ) from error
        try:
            for info in found:
                opened.audit("exported", {"session": info.id, "formats": list(names)})
        except SessionError as error:  # a disk that is full or read-only gives out what it has
            tell("The audit log does not know of this export. {error}", error=error)
    if options.delete:
        gone = delete([info.id for info in found], options.yes, library=library)
        done = max(done, gone)
    return done


def _chosen(text: str) -> tuple[tuple[str, ...], tuple[Format, ...]]:
    """All names, and the formats among them.

    Raises:
        EmoliveError: one is unknown, or needs something that is not installed.
    """
    asked = dict.fromkeys(name.strip().lower() for name in text.split(","))
    names = tuple(name for one in asked for name in ((*FORMATS, BUNDLE) if one == ALL else (one,)))
    names = tuple(dict.fromkeys(names))
    if unknown := [name for name in names if name not in (*FORMATS, BUNDLE, MANIFEST)]:
        raise EmoliveError(
            "{value} is not a format that can be written: use {names}.",
            value=repr(unknown[0]),
            names=", ".join((*FORMATS, BUNDLE, MANIFEST, ALL)),
        )
    forms = [name for name in names if name in FORMATS]
    return names, chosen_formats(",".join(forms)) if forms else ()


def _export(
    library: Library,
    info: SessionInfo,
    names: Sequence[str],
    forms: Sequence[Format],
    options: _Export,
) -> None:
    timeline = Timeline.of_session(library, info.id)
    if options.audio:
        # ELAN does not offer FLAC.
        kind: AudioFormat = "wav" if _ELAN in names else "flac"
        if options.audio_format is not None:
            kind = options.audio_format.value
        timeline = _with_audio_beside(timeline, info.id, options.out, kind)
    for form in forms:
        path = options.out / f"{info.id}.{form.extension}"
        form.write(timeline, path)
        say(path)
    if BUNDLE in names:
        path = options.out / f"{info.id}.{EXTENSION}"
        export_bundle(library, info.id, path)
        say(path)


def _with_audio_beside(
    timeline: Timeline, session_id: str, out: Path, kind: AudioFormat
) -> Timeline:
    """Copy the streams' audio to the exports, and let the timeline refer to it."""
    streams = []
    for stream in timeline.streams:
        if stream.audio is not None:
            target = out / f"{session_id}.{stream.audio.path.name}"
            target = copy_audio(stream.audio.path, target, kind)
            say(target)
            streams.append(replace(stream, audio=StreamAudio(target)))
        else:
            streams.append(stream)
    return replace(timeline, streams=tuple(streams))


def _manifest(library: Library, found: Sequence[SessionInfo], options: _Export) -> None:
    result = write_manifest(
        library,
        [info.id for info in found],
        options.out,
        options.facts,
        cut=not options.refer,
    )
    for sentence in result.skipped:
        tell(sentence)
    tell(ntr("{count} stretch to train on.", "{count} stretches to train on.", result.rows))
    say(result.path)
