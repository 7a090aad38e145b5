"""Corpora whose labels stand in a table beside the audio.

A table is `labels.tsv` or `labels.csv` with a header: at least the columns `file` and `label` (or
`emotion`), and `speaker`, `gender`, `language` where known. Files are found by their stem, so
another audio format than the table's does as well.
"""

from __future__ import annotations

import csv
from collections.abc import Iterator, Mapping
from pathlib import Path

from training.corpora.clip import Clip, audio_files

_GENDERS = {"f": "female", "m": "male"}
_MELD = {
    "anger": "angry",
    "disgust": "disgust",
    "fear": "fearful",
    "joy": "happy",
    "neutral": "neutral",
    "sadness": "sad",
    "surprise": "surprised",
}


def _rows(folder: Path) -> Iterator[tuple[Path, dict[str, str]]]:
    """The table's rows whose file is there."""
    files = {path.stem: path for path in audio_files(folder)}
    for name, delimiter in (("labels.tsv", "\t"), ("labels.csv", ",")):
        if (folder / name).is_file():
            with (folder / name).open(encoding="utf-8-sig", newline="") as table:
                for row in csv.DictReader(table, delimiter=delimiter, quoting=csv.QUOTE_MINIMAL):
                    if path := files.get(Path(row["file"]).stem):
                        yield path, row
            return


def _clips(
    folder: Path, corpus: str, language: str, names: Mapping[str, str] | None = None
) -> Iterator[Clip]:
    for path, row in _rows(folder):
        label = row.get("label") or row["emotion"]
        emotion = names.get(label) if names else label
        if emotion:
            gender = _GENDERS.get(row.get("gender", ""), "unknown")
            yield Clip(path, corpus, row["speaker"], gender, language, emotion)


def ased(folder: Path) -> Iterator[Clip]:
    """ASED (Retta et al. 2023), Amharic, 65 speakers, kept by at least five of eight judges."""
    return _clips(folder, "ased", "am")


def emospeech(folder: Path) -> Iterator[Clip]:
    """Indian EmoSpeech commands: single words, recorded by the crowd."""
    return _clips(folder, "emospeech", "en-IN")


def turev(folder: Path) -> Iterator[Clip]:
    """TurEV-DB (Canpolat et al. 2020), Turkish, single words of six speakers."""
    return _clips(folder, "turev", "tr")


def meld(folder: Path) -> Iterator[Clip]:
    """Turns of television dialogue (MELD, Poria et al. 2019): for measuring only."""
    return _clips(folder, "meld", "en", _MELD)


def nonverbal(folder: Path) -> Iterator[Clip]:
    """Vocal sounds that are not speech (laughing, coughing, sighing ...): no emotion is learned."""
    for path, row in _rows(folder):
        gender = _GENDERS.get(row.get("gender", ""), "unknown")
        yield Clip(path, "nonverbal", row["label"], gender, "zxx", None)
