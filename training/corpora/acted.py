"""Corpora of acted speech, read in their official file layouts.

Files are found by their stem, so the official WAV files and compressed copies both work. A reader
returns the clips whose emotion is one of the eight classes; others (Emo-DB's boredom) are left out.
"""

from __future__ import annotations

import csv
from collections.abc import Iterator
from pathlib import Path

from training.corpora.clip import Clip, audio_files


def ravdess(folder: Path) -> Iterator[Clip]:
    """RAVDESS speech (Livingstone & Russo 2018): `03-01-EM-IN-ST-RE-ACTOR`."""
    emotions = ("neutral", "calm", "happy", "sad", "angry", "fearful", "disgust", "surprised")
    for path in audio_files(folder):
        parts = path.stem.split("-")
        if len(parts) == 7 and parts[:2] == ["03", "01"]:
            gender = "male" if int(parts[6]) % 2 else "female"
            emotion = emotions[int(parts[2]) - 1]
            yield Clip(path, "ravdess", parts[6], gender, "en", emotion)


def savee(folder: Path) -> Iterator[Clip]:
    """SAVEE (Haq & Jackson 2010): `SPEAKER_EMOTIONnn`, four male speakers."""
    emotions = {
        "a": "angry",
        "d": "disgust",
        "f": "fearful",
        "h": "happy",
        "n": "neutral",
        "sa": "sad",
        "su": "surprised",
    }
    for path in audio_files(folder):
        speaker, _, code = path.stem.partition("_")
        if emotion := emotions.get(code.rstrip("0123456789")):
            yield Clip(path, "savee", speaker, "male", "en", emotion)


def tess(folder: Path) -> Iterator[Clip]:
    """TESS (Pichora-Fuller & Dupuis 2020): `SPEAKER_word_emotion`, two female speakers."""
    emotions = {
        "angry": "angry",
        "disgust": "disgust",
        "fear": "fearful",
        "happy": "happy",
        "neutral": "neutral",
        "ps": "surprised",
        "sad": "sad",
    }
    for path in audio_files(folder):
        speaker, _, rest = path.stem.partition("_")
        if emotion := emotions.get(rest.rpartition("_")[2].lower()):
            # One file of the official release spells the older speaker "OA".
            yield Clip(path, "tess", {"OA": "OAF"}.get(speaker, speaker), "female", "en", emotion)


def emodb(folder: Path) -> Iterator[Clip]:
    """Emo-DB (Burkhardt et al. 2005), German: `SStttEv`, E the emotion; boredom is left out."""
    emotions = {
        "W": "angry",
        "E": "disgust",
        "A": "fearful",
        "F": "happy",
        "T": "sad",
        "N": "neutral",
    }
    male = {"03", "10", "11", "12", "15"}
    for path in audio_files(folder):
        speaker, code = path.stem[:2], path.stem[5:6]
        if emotion := emotions.get(code):
            gender = "male" if speaker in male else "female"
            yield Clip(path, "emodb", speaker, gender, "de", emotion)


def urdu(folder: Path) -> Iterator[Clip]:
    """The URDU corpus of talk shows (Latif et al. 2018): a folder per emotion, `SM1_F1_A01`.

    The stem begins with the speaker: SM a man, SF a woman.
    """
    emotions = {"angry": "angry", "happy": "happy", "neutral": "neutral", "sad": "sad"}
    for path in audio_files(folder):
        speaker = path.stem.partition("_")[0].upper()
        if emotion := emotions.get(path.parent.name.lower()):
            gender = {"SM": "male", "SF": "female"}.get(speaker[:2], "unknown")
            yield Clip(path, "urdu", speaker, gender, "ur", emotion)


def nemo(folder: Path) -> Iterator[Clip]:
    """The Polish nEMO corpus (Christop 2024): labels in `data.tsv`."""
    emotions = {
        "anger": "angry",
        "fear": "fearful",
        "happiness": "happy",
        "neutral": "neutral",
        "sadness": "sad",
        "surprised": "surprised",
    }
    files = {path.stem: path for path in audio_files(folder)}
    if not (folder / "data.tsv").is_file():
        return
    with (folder / "data.tsv").open(encoding="utf-8", newline="") as table:
        for row in csv.DictReader(table, delimiter="\t", quoting=csv.QUOTE_NONE):
            path = files.get(Path(row["file_id"]).stem)
            if path and (emotion := emotions.get(row["emotion"])):
                yield Clip(path, "nemo", row["speaker_id"].strip(), row["gender"], "pl", emotion)
