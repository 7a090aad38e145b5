"""What `sessions export` and `import` do."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

from emolive.cli.outcome import CANNOT, DONE, SOME_INPUTS_FAILED, say, tell
from emolive.cli.session_commands import open_library, run_delete
from emolive.errors import EmoliveError, SessionError
from emolive.i18n import ntr
from emolive.session.bundle import EXTENSION, export_bundle
from emolive.session.bundle_import import import_bundle
from emolive.session.export import FORMATS, Format, chosen_formats
from emolive.session.export.audio_copy import AudioFormat, copy_audio
from emolive.session.library import Library
from emolive.session.records import SessionInfo
from emolive.session.timeline import StreamAudio, Timeline
from emolive.session.training_manifest import Facts, write_manifest

BUNDLE = "bundle"
MANIFEST = "manifest"
ALL = "all"  # every format but the manifest, which only marked sessions have
_ELAN = "eaf"


@dataclass(frozen=True, slots=True)
class ExportOptions:
    """What `sessions export` was asked for."""

    formats: str
    out: Path
    audio: bool = False
    delete: bool = False
    yes: bool = False
    facts: Facts = field(default_factory=Facts)
    refer: bool = False
    audio_format: AudioFormat | None = None


def run_export(library: Path | None, sessions: Sequence[str], options: ExportOptions) -> int:
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
                    tell(f"No manifest was written. {error}")
                    names = tuple(name for name in names if name != MANIFEST)
                    done = SOME_INPUTS_FAILED
        except OSError as error:
            raise EmoliveError(
                f"Cannot write to {options.out} ({error.strerror or error}): choose another folder "
                "with --out."
            ) from error
        try:
            for info in found:
                opened.audit("exported", {"session": info.id, "formats": list(names)})
        except SessionError as error:  # a disk that is full or read-only gives out what it has
            tell(f"The audit log does not know of this export. {error}")
    if options.delete:
        done = max(
            done,
            run_delete(
                library, [info.id for info in found], ask=not options.yes, with_models=False
            ),
        )
    return done


def run_import(library: Path | None, files: Sequence[Path], *, again: bool) -> int:
    """Import bundles; the new sessions' ids go to standard output.

    A file that cannot be imported is told, and the others are imported all the same.
    """
    failures = 0
    with open_library(library) as opened:
        for file in files:
            try:
                info = import_bundle(opened, file, again=again)
            except SessionError as error:
                failures += 1
                tell(str(error))
                continue
            opened.audit("imported", {"session": info.id, "file": file.name})
            say(info.id)
    if failures == len(files):
        return CANNOT
    return SOME_INPUTS_FAILED if failures else DONE


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
            f"{unknown[0]!r} is not a format that can be written: use "
            f"{', '.join((*FORMATS, BUNDLE, MANIFEST, ALL))}."
        )
    forms = [name for name in names if name in FORMATS]
    return names, chosen_formats(",".join(forms)) if forms else ()


def _export(
    library: Library,
    info: SessionInfo,
    names: Sequence[str],
    forms: Sequence[Format],
    options: ExportOptions,
) -> None:
    timeline = Timeline.of_session(library, info.id)
    if options.audio:
        # ELAN does not offer FLAC.
        kind = options.audio_format or ("wav" if _ELAN in names else "flac")
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


def _manifest(library: Library, found: Sequence[SessionInfo], options: ExportOptions) -> None:
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
