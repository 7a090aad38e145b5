"""CREMA-D (Cao et al. 2014), with its listeners' votes on the sound alone.

Votes are read from whichever of these is there: `votes.csv` (`file, anger, disgust, fear, happy,
neutral, sad, voters`), or `processedResults/tabulatedVotes.csv` of the official repository. Actors'
sex comes from the official `VideoDemographics.csv`.
"""

from __future__ import annotations

import csv
from collections.abc import Iterator
from pathlib import Path

from training.corpora.clip import Clip, audio_files
from training.labels import LABELS

Votes = tuple[float, ...]

_EMOTIONS = {
    "ANG": "angry",
    "DIS": "disgust",
    "FEA": "fearful",
    "HAP": "happy",
    "NEU": "neutral",
    "SAD": "sad",
}
_VOTES_CSV = {
    "anger": "angry",
    "disgust": "disgust",
    "fear": "fearful",
    "happy": "happy",
    "neutral": "neutral",
    "sad": "sad",
}
_TABULATED = {
    "A": "angry",
    "D": "disgust",
    "F": "fearful",
    "H": "happy",
    "N": "neutral",
    "S": "sad",
}
# The official table has every clip three times; its first column is 100000 * the kind of stimulus
# + the clip's number: 1 voice only, 2 face only, 3 both.
_VOICE_ONLY = 1


def _rows(path: Path) -> Iterator[dict[str, str]]:
    with path.open(encoding="utf-8-sig", newline="") as file:
        yield from csv.DictReader(file)


def _shares(row: dict[str, str], columns: dict[str, str]) -> Votes | None:
    counts = {label: float(row[column] or 0) for column, label in columns.items()}
    total = sum(counts.values())
    return tuple(counts.get(label, 0.0) / total for label in LABELS) if total else None


def read_votes(folder: Path) -> dict[str, Votes]:
    """Votes per file stem, as shares of the eight classes; empty where there is no table."""
    found: dict[str, Votes | None] = {}
    if (folder / "votes.csv").is_file():
        found = {row["file"]: _shares(row, _VOTES_CSV) for row in _rows(folder / "votes.csv")}
    elif (table := folder / "processedResults" / "tabulatedVotes.csv").is_file():
        found = {
            row["fileName"]: _shares(row, _TABULATED)
            for row in _rows(table)
            if int(row[""]) // 100_000 == _VOICE_ONLY
        }
    return {stem: votes for stem, votes in found.items() if votes is not None}


def _genders(folder: Path) -> dict[str, str]:
    table = folder / "VideoDemographics.csv"
    return (
        {row["ActorID"]: row["Sex"].strip().lower() for row in _rows(table)}
        if table.is_file()
        else {}
    )


def cremad(folder: Path) -> Iterator[Clip]:
    """CREMA-D: `SPEAKER_SENTENCE_EMOTION_LEVEL`; the emotion is the one the actor intended."""
    votes, genders = read_votes(folder), _genders(folder)
    # The official repository has MP3 copies beside the WAV files: the later folder wins.
    files = {path.stem: path for path in audio_files(folder)}
    for stem, path in files.items():
        parts = stem.split("_")
        if len(parts) == 4 and (emotion := _EMOTIONS.get(parts[2])):
            gender = genders.get(parts[0], "unknown")
            yield Clip(path, "cremad", parts[0], gender, "en", emotion, votes.get(stem))
