"""Emotional speech corpora: known ones in their official layouts, and a user's own."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from pathlib import Path

from training.corpora.acted import emodb, nemo, ravdess, savee, tess, urdu
from training.corpora.clip import AUDIO_SUFFIXES, Clip, audio_files
from training.corpora.cremad import cremad
from training.corpora.manifest import Manifest, ManifestError, read_manifest
from training.corpora.tabled import ased, emospeech, meld, nonverbal, turev

NOISE = "noise"
# Kept whole out of training, calibration and the choice of thresholds: the nearest to real use.
MEASURED_ONLY = frozenset({"meld"})

__all__ = [
    "AUDIO_SUFFIXES",
    "MEASURED_ONLY",
    "NOISE",
    "READERS",
    "Clip",
    "Manifest",
    "ManifestError",
    "read_corpora",
    "read_manifest",
]


def _noise(folder: Path) -> Iterator[Clip]:
    """Sounds without speech, any layout, used for augmentation only."""
    for path in audio_files(folder):
        yield Clip(path, NOISE, path.parent.name, "unknown", "zxx", None)


READERS: dict[str, Callable[[Path], Iterator[Clip]]] = {
    "ravdess": ravdess,
    "savee": savee,
    "tess": tess,
    "emodb": emodb,
    "nemo": nemo,
    "cremad": cremad,
    "ased": ased,
    "emospeech": emospeech,
    "turev": turev,
    "urdu": urdu,
    "meld": meld,
    "nonverbal": nonverbal,
    NOISE: _noise,
}


def read_corpora(
    folder: Path, names: Iterable[str] = tuple(READERS)
) -> tuple[list[Clip], list[str]]:
    """All clips of the named corpora below `folder` (one sub-folder each, named as in `READERS`).

    Returns:
        The clips, and the names of the corpora that are absent or empty.
    """
    clips: list[Clip] = []
    absent: list[str] = []
    for name in names:
        found = list(READERS[name](folder / name)) if (folder / name).is_dir() else []
        clips += found
        if not found:
            absent.append(name)
    return clips, absent
