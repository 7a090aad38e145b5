"""A user's own recordings: a CSV manifest, or a folder per label.

A manifest has a header and at least the columns `path` and `label`; `start_s`, `end_s`, `speaker`,
`gender`, `language` and `corpus` are optional. Paths are relative to the manifest's folder.
Recordings whose speaker is not told count as one speaker, so that they stay on one side of a split.
"""

from __future__ import annotations

import csv
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from emolive.errors import EmoliveError
from emolive.labels import canonical
from emolive.session.export.csv_file import original
from training.corpora.clip import Clip, audio_files
from training.labels import LABELS

_UNKNOWN = "unknown"


class ManifestError(EmoliveError):
    """A manifest that cannot be read at all."""


@dataclass(frozen=True, slots=True)
class Manifest:
    """The clips of a user's own corpus, and one line per entry that was skipped, saying why."""

    clips: tuple[Clip, ...]
    skipped: tuple[str, ...]


def emotion_named(name: str) -> str | None:
    """The class that a label means, or None."""
    found = canonical(name)
    return found if found in LABELS else None


def read_manifest(path: Path) -> Manifest:
    """Read a CSV manifest, or a folder with one sub-folder per label.

    In a folder the corpus is named after it, and the folders that are not the label
    (`happy/anna/1.wav`, `anna/happy/1.wav`) name the speaker.

    Raises:
        ManifestError: no such file, or a column is missing.
    """
    if path.is_dir():
        entries: Iterator[Clip | str] = _folder(path)
    elif path.is_file():
        entries = _table(path)
    else:
        raise ManifestError(f"There is no manifest {path}: give a CSV file or a folder per label.")
    clips: list[Clip] = []
    skipped: list[str] = []
    for entry in entries:
        if isinstance(entry, Clip):
            clips.append(entry)
        else:
            skipped.append(entry)
    return Manifest(tuple(clips), tuple(skipped))


def _table(path: Path) -> Iterator[Clip | str]:
    with path.open(encoding="utf-8-sig", newline="") as file:
        rows = csv.DictReader(file, skipinitialspace=True)
        if missing := {"path", "label"} - set(rows.fieldnames or ()):
            raise ManifestError(
                f"{path} has no column {' or '.join(sorted(missing))}: "
                "a manifest needs a header with at least path and label."
            )
        for row in rows:
            yield _clip(row, path, rows.line_num)


def _clip(row: dict[str, str | None], manifest: Path, line: int) -> Clip | str:
    def value(column: str, default: str) -> str:
        return original((row.get(column) or "").strip()) or default

    where = f"{manifest.name}, line {line}"
    audio = manifest.parent / value("path", "")
    emotion = emotion_named(value("label", ""))
    if emotion is None:
        return f"{where}: {value('label', 'an empty label')!r} is none of {', '.join(LABELS)}"
    if not audio.is_file():
        return f"{where}: there is no file {value('path', 'without a name')}"
    try:
        start, end = float(value("start_s", "0")), float(value("end_s", "inf"))
    except ValueError:
        return f"{where}: start_s and end_s must be seconds"
    if not 0 <= start < end:
        return f"{where}: start_s must be before end_s, and neither negative"
    return Clip(
        audio,
        corpus=value("corpus", manifest.stem),
        speaker=value("speaker", _UNKNOWN),
        gender=value("gender", _UNKNOWN).lower(),
        language=value("language", _UNKNOWN),
        emotion=emotion,
        start_s=start,
        end_s=None if end == float("inf") else end,
    )


def _folder(folder: Path) -> Iterator[Clip | str]:
    unknown: dict[str, int] = {}
    for path in audio_files(folder):
        parts = path.relative_to(folder).parts[:-1]
        label = next((p for p in parts if emotion_named(p)), None)
        if label is None:
            name = "/".join(parts) or "."
            unknown[name] = unknown.get(name, 0) + 1
            continue
        speaker = "/".join(p for p in parts if p != label) or _UNKNOWN
        yield Clip(path, folder.name, speaker, _UNKNOWN, _UNKNOWN, emotion_named(label))
    for name, n in unknown.items():
        yield f"{folder.name}/{name}: {n} files, but no folder named as one of {', '.join(LABELS)}"
