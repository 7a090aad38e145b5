"""`emolive sessions export`, `import` and `agreement`: what goes out, comes in, and is compared."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Annotated

import typer

from emolive.adapt import shelf
from emolive.cli.loading import open_library
from emolive.cli.options import FORMATS as FORMAT_NAMES
from emolive.cli.options import AudioFormat as AudioKind
from emolive.cli.options import JsonReport, LibraryOption, SessionsArgument
from emolive.cli.outcome import CANNOT, DONE, SOME_INPUTS_FAILED, say, tell
from emolive.errors import EmoliveError, SessionError
from emolive.i18n import ntr
from emolive.plain_text import plain
from emolive.session.agreement import Agreement, timeline_agreements
from emolive.session.annotator_agreement import (
    TierAgreement,
    TraceAgreement,
    annotator_agreements,
    trace_agreements,
)
from emolive.session.bundle import EXTENSION, export_bundle
from emolive.session.bundle_import import import_bundle
from emolive.session.export import FORMATS, Format, chosen_formats
from emolive.session.export.audio_copy import AudioFormat, copy_audio
from emolive.session.library import Library
from emolive.session.records import SessionInfo
from emolive.session.timeline import StreamAudio, Timeline
from emolive.session.training_manifest import Facts, write_manifest
from emolive.times import seconds_text

BUNDLE = "bundle"
MANIFEST = "manifest"
ALL = "all"  # every format but the manifest, which only marked sessions have
NOBODY = "annotator"  # one without a name
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
        typer.Option(
            "--out", metavar="DIR", help="Folder for the files; existing ones are replaced."
        ),
    ] = Path("emolive-export"),
    audio: Annotated[
        bool, typer.Option("--audio", help="Put the audio beside the files, which refer to it.")
    ] = False,
    audio_format: Annotated[
        AudioKind | None,
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
    return delete_sessions(library, sessions, ask=not yes, with_models=with_models)


def show_agreement(
    session: Annotated[
        str, typer.Argument(metavar="ID", help='A session\'s id, or its beginning; or "last".')
    ],
    as_json: JsonReport = False,
    library: LibraryOption = None,
) -> int:
    """Show how far people who marked a session agree, with the model and with each other.

    Cohen's kappa of each with the model and of each pair, Fleiss' kappa and Krippendorff's alpha of
    all; concordance (Lin) and alpha of what they rated continuously.
    """
    with open_library(library) as opened:
        timeline = Timeline.of_session(opened, session)
    model = timeline_agreements(timeline)
    streams = [stream.name for stream in timeline.streams]
    people = annotator_agreements(streams, timeline.annotations)
    traces = trace_agreements(timeline.traces)
    rate = timeline.rate
    if as_json:
        document = {
            "with_model": [_model_object(one, rate) for one in model],
            "between_annotators": [_tier_object(one, rate) for one in people],
            "continuous": [_trace_object(one, rate) for one in traces],
        }
        say(json.dumps(document, indent=1))
        return DONE
    if not (any(mark.label for mark in timeline.annotations) or timeline.traces):
        raise SessionError("Nobody labelled anything in this session: mark stretches in the app.")
    lines = [_model_line(one, rate) for one in model]
    lines += [line for one in people for line in _tier_lines(one, rate)]
    lines += [line for one in traces for line in _trace_lines(one, rate)]
    for line in lines or ["There is nothing to compare yet: one annotator, and not the emotions."]:
        say(line)
    return DONE


def delete_sessions(
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
            delete_sessions(
                library, [info.id for info in found], ask=not options.yes, with_models=False
            ),
        )
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


def _number(value: float | None) -> str:
    return "not defined" if value is None else f"{value:.2f}"


def _model_line(one: Agreement, rate: int) -> str:
    kappa = "no kappa (one label only)" if one.kappa is None else f"kappa {one.kappa:.2f}"
    same = "" if one.observed is None else f", same label {one.observed:.0%}"
    return (
        f"{one.annotator or NOBODY} and the model: {kappa}{same} of "
        f"{one.compared / rate:.1f} s; the model decided on {one.coverage:.0%} of "
        "what was labelled"
    )


def _tier_lines(one: TierAgreement, rate: int) -> Iterator[str]:
    for pair in one.pairs:
        shared = (
            f"Cohen's kappa {_number(pair.kappa)}, same label "
            f"{pair.same / pair.compared:.0%} of {seconds_text(pair.compared / rate)}"
            if pair.compared
            else "no time in common"
        )
        yield f"{one.tier or 'emotion'}: {pair.one or NOBODY} and {pair.other or NOBODY}: {shared}"
    yield (
        f"{one.tier or 'emotion'}: {len(one.annotators)} annotators: Fleiss' kappa "
        f"{_number(one.fleiss)} over the {seconds_text(one.shared / rate)} that all labelled, "
        f"Krippendorff's alpha {_number(one.alpha)} over the "
        f"{seconds_text(one.labelled_twice / rate)} that two or more did"
    )


def _trace_lines(one: TraceAgreement, rate: int) -> Iterator[str]:
    for first, second, value in one.pairs:
        names = f"{first or NOBODY} and {second or NOBODY}"
        yield f"{one.dimension}: {names}: concordance {_number(value)}"
    yield (
        f"{one.dimension}: {len(one.annotators)} annotators: Krippendorff's alpha (interval) "
        f"{_number(one.alpha)} over {seconds_text(one.shared / rate)}"
    )


def _model_object(one: Agreement, rate: int) -> dict[str, object]:
    return {
        "annotator": one.annotator,
        "kappa": one.kappa,
        "observed": one.observed,
        "coverage": one.coverage,
        "compared_s": one.compared / rate,
        "undecided_s": one.undecided / rate,
        "contradictory_s": one.contradictory / rate,
        "confusion": [
            {"human": human, "model": model, "seconds": samples / rate}
            for (human, model), samples in sorted(one.confusion.items())
        ],
    }


def _tier_object(one: TierAgreement, rate: int) -> dict[str, object]:
    return {
        "tier": one.tier,
        "annotators": list(one.annotators),
        "pairs": [
            {
                "annotators": [pair.one, pair.other],
                "cohen_kappa": pair.kappa,
                "observed": pair.same / pair.compared if pair.compared else None,
                "compared_s": pair.compared / rate,
            }
            for pair in one.pairs
        ],
        "fleiss_kappa": one.fleiss,
        "fleiss_s": one.shared / rate,
        "krippendorff_alpha": one.alpha,
        "krippendorff_s": one.labelled_twice / rate,
        "contradictory_s": one.contradictory / rate,
    }


def _trace_object(one: TraceAgreement, rate: int) -> dict[str, object]:
    return {
        "dimension": one.dimension.value,
        "annotators": list(one.annotators),
        "pairs": [
            {"annotators": [first, second], "concordance": value}
            for first, second, value in one.pairs
        ],
        "krippendorff_alpha": one.alpha,
        "krippendorff_s": one.shared / rate,
    }
