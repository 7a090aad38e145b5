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
from emolive.i18n import decimal, ntr, tr
from emolive.plain_text import plain
from emolive.session.agreement import Agreement, timeline_agreements
from emolive.session.agreement_words import dimension_name
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
from emolive.wording import percent

BUNDLE = "bundle"
MANIFEST = "manifest"
ALL = "all"  # every format but the manifest, which only marked sessions have
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
        raise SessionError(
            tr("Nobody labelled anything in this session: mark stretches in the app.")
        )
    lines = [_model_line(one, rate) for one in model]
    lines += [line for one in people for line in _tier_lines(one, rate)]
    lines += [line for one in traces for line in _trace_lines(one, rate)]
    for line in lines or [
        tr("There is nothing to compare yet: one annotator, and not the emotions.")
    ]:
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
            way = tr("delete it, too, with --with-models")
            if with_models:
                way = tr("it is deleted, too")
            tell(
                tr(
                    "The model {name} was taught with what is deleted here: {way}.",
                    name=name,
                    way=way,
                )
            )
        if ask and sys.stdin.isatty():
            names = ", ".join(info.title or info.id for info in infos)
            typer.confirm(plain(tr("Delete {names} for good?", names=names)), abort=True, err=True)
        for info in infos:
            try:
                library.delete(info.id)
            except EmoliveError as error:
                failed += 1
                tell(str(error))
            else:
                tell(tr("Session {id} is deleted.", id=info.id))
        for name in models if with_models else ():
            shelf.remove(name)
            tell(tr("The model {name} is deleted.", name=name))
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
            tr("--delete would lose what the other formats do not hold: add bundle to --format.")
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
                    tell(tr("No manifest was written. {error}", error=error))
                    names = tuple(name for name in names if name != MANIFEST)
                    done = SOME_INPUTS_FAILED
        except OSError as error:
            raise EmoliveError(
                tr(
                    "Cannot write to {out} ({reason}): choose another folder with --out.",
                    out=options.out,
                    reason=error.strerror or error,
                )
            ) from error
        try:
            for info in found:
                opened.audit("exported", {"session": info.id, "formats": list(names)})
        except SessionError as error:  # a disk that is full or read-only gives out what it has
            tell(tr("The audit log does not know of this export. {error}", error=error))
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
            tr(
                "{value} is not a format that can be written: use {names}.",
                value=repr(unknown[0]),
                names=", ".join((*FORMATS, BUNDLE, MANIFEST, ALL)),
            )
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


def _name(annotator: str) -> str:
    return annotator or tr("annotator")


def _both(one: str, other: str) -> str:
    return tr("{one} and {other}", one=_name(one), other=_name(other))


def _number(value: float | None) -> str:
    return tr("not defined") if value is None else decimal(value, 2)


def _model_line(one: Agreement, rate: int) -> str:
    kappa = tr("no kappa (one label only)")
    if one.kappa is not None:
        kappa = tr("kappa {kappa}", kappa=decimal(one.kappa, 2))
    if one.observed is not None:
        kappa = tr("{kappa}, same label {share}", kappa=kappa, share=percent(one.observed))
    return tr(
        "{who} and the model: {kappa} of {time}; the model decided on {share} of what was labelled",
        who=_name(one.annotator),
        kappa=kappa,
        time=seconds_text(one.compared / rate),
        share=percent(one.coverage),
    )


def _tier_lines(one: TierAgreement, rate: int) -> Iterator[str]:
    about = one.tier or tr("emotion")
    for pair in one.pairs:
        shared = tr("no time in common")
        if pair.compared:
            shared = tr(
                "Cohen's kappa {kappa}, same label {share} of {time}",
                kappa=_number(pair.kappa),
                share=percent(pair.same / pair.compared),
                time=seconds_text(pair.compared / rate),
            )
        yield f"{about}: {_both(pair.one, pair.other)}: {shared}"
    told = tr(
        "{number} annotators: Fleiss' kappa {fleiss} over the {time} that all labelled, "
        "Krippendorff's alpha {alpha} over the {twice} that two or more did",
        number=len(one.annotators),
        fleiss=_number(one.fleiss),
        time=seconds_text(one.shared / rate),
        alpha=_number(one.alpha),
        twice=seconds_text(one.labelled_twice / rate),
    )
    yield f"{about}: {told}"


def _trace_lines(one: TraceAgreement, rate: int) -> Iterator[str]:
    about = dimension_name(one.dimension).lower()
    for first, second, value in one.pairs:
        agreed = tr("concordance {number}", number=_number(value))
        yield f"{about}: {_both(first, second)}: {agreed}"
    told = tr(
        "{number} annotators: Krippendorff's alpha (interval) {alpha} over {time}",
        number=len(one.annotators),
        alpha=_number(one.alpha),
        time=seconds_text(one.shared / rate),
    )
    yield f"{about}: {told}"


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
