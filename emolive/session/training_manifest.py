"""What people marked, as a manifest that a model can be trained on.

A CSV file with the columns `path`, `start_s`, `end_s`, `label`, `speaker`, `gender`, `language` and
`corpus`, one row per labelled stretch of a stream. Paths are relative to the manifest's folder
where the audio is below it, otherwise absolute. A speaker is a stream of a session unless told
otherwise: recordings of one session never get onto both sides of a split.
"""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import soundfile as sf

from emolive.errors import SessionError
from emolive.i18n import tr
from emolive.session.export.atomic import replacing
from emolive.session.export.csv_file import write_rows
from emolive.session.export.values import decimal_seconds
from emolive.session.library_reader import LibraryReader
from emolive.session.records import Annotation, SessionInfo

COLUMNS = ("path", "start_s", "end_s", "label", "speaker", "gender", "language", "corpus")
FILE_NAME = "manifest.csv"
_CHUNK_FRAMES = 1 << 16


@dataclass(frozen=True, slots=True)
class Facts:
    """What the library does not know about who speaks; empty: not told."""

    speaker: str = ""
    gender: str = ""
    language: str = ""
    corpus: str = "sessions"


@dataclass(frozen=True, slots=True)
class ManifestResult:
    """What was written: the manifest, how many rows, and a sentence for each stretch left out.

    `pieces` are the files of the stretches that were cut.
    """

    path: Path
    rows: int
    skipped: tuple[str, ...]
    pieces: tuple[Path, ...]


def write_manifest(
    library: LibraryReader,
    sessions: Sequence[str],
    folder: Path,
    facts: Facts = Facts(),
    *,
    cut: bool = True,
) -> ManifestResult:
    """Write `manifest.csv` for what people marked in `sessions`, into a folder that is there.

    With `cut` each stretch becomes a FLAC file of its own below `audio`, bit for bit, so that the
    folder can be moved; without, rows refer to the library's audio. Marks about all streams count
    for every stream on which emotion is inferred. Comments without a label are no rows.

    Raises:
        SessionError: there is no such session, or nothing labelled in any.
        OSError: something cannot be read or written.
    """
    skipped: list[str] = []
    rows: list[dict[str, str]] = []
    for session in sessions:
        info = library.get(session)
        for number, (stream, mark) in enumerate(labelled_marks(library, info), 1):
            source = library.audio_path(info.id, stream)
            if source is None:
                skipped.append(tr("{id}: no audio of {stream} is kept.", id=info.id, stream=stream))
                continue
            speaker = facts.speaker or f"{info.id}/{stream}"
            about = {
                "label": mark.label or "",
                "speaker": speaker,
                "gender": facts.gender,
                "language": facts.language,
                "corpus": facts.corpus,
            }
            if cut:
                target = folder / "audio" / f"{info.id}-{number:04d}.flac"
                length = _cut(source, target, mark, info.rate)
                if length is None:
                    skipped.append(
                        tr(
                            "{id}: the audio of {stream} ends before a mark begins.",
                            id=info.id,
                            stream=stream,
                        )
                    )
                    continue
                times = {"start_s": "0", "end_s": f"{length:.7f}"}
                where = target.relative_to(folder).as_posix()
            else:
                times = {
                    "start_s": decimal_seconds(mark.start_sample, info.rate),
                    "end_s": decimal_seconds(mark.end_sample, info.rate),
                }
                where = _path(source, folder)
            rows.append({"path": where, **times, **about})
    if not rows:
        raise SessionError(
            "Nothing that could be trained on is marked there: mark stretches with an "
            "emotion in sessions whose audio is kept."
        )
    path = folder / FILE_NAME
    write_rows(path, COLUMNS, rows)
    pieces = tuple(folder / row["path"] for row in rows) if cut else ()
    return ManifestResult(path, len(rows), tuple(dict.fromkeys(skipped)), pieces)


def labelled_marks(library: LibraryReader, info: SessionInfo) -> Iterator[tuple[str, Annotation]]:
    """Marks of emotions with the stream each is about, in the order of time."""
    heard = [stream.name for stream in info.streams if stream.emotion]
    names = [stream.name for stream in info.streams]
    for mark in library.annotations(info.id):
        if not mark.label or mark.tier:
            continue
        if mark.stream is None:
            yield from ((name, mark) for name in heard)
        elif mark.stream in names:
            yield mark.stream, mark


def _cut(source: Path, target: Path, mark: Annotation, rate: int) -> float | None:
    """Copy the marked stretch of a FLAC file; its length in seconds, None if nothing is there."""
    target.parent.mkdir(exist_ok=True)
    with sf.SoundFile(source) as audio:
        start = mark.start_sample * audio.samplerate // rate
        end = min(audio.frames, -(-mark.end_sample * audio.samplerate // rate))
        if start >= end:
            return None
        audio.seek(start)
        left = end - start
        # int32 holds 16 and 24 bits exactly.
        with (
            replacing(target) as partial,
            sf.SoundFile(
                partial, "w", audio.samplerate, audio.channels, audio.subtype, format="FLAC"
            ) as piece,
        ):
            while left > 0:
                block = audio.read(min(left, _CHUNK_FRAMES), dtype="int32")
                if not len(block):
                    break
                piece.write(block)
                left -= len(block)
        length: float = (end - start) / audio.samplerate
        return length


def _path(source: Path, folder: Path) -> str:
    whole = Path(os.path.abspath(source))
    base = Path(os.path.abspath(folder))
    return (whole.relative_to(base) if whole.is_relative_to(base) else whole).as_posix()
