"""Splits as files: who trains, tunes and tests, for others to check and to use."""

from __future__ import annotations

import csv
from collections.abc import Iterator
from pathlib import Path

from emolive.session.export.csv_file import inert
from training.cache import CachedClip
from training.protocols import PROTOCOLS, folds
from training.recipe import Recipe

_PARTS = ("train", "validation", "test")


def write_splits(clips: tuple[CachedClip, ...], recipe: Recipe, out: Path) -> Iterator[Path]:
    """Write `PROTOCOL/FOLD.csv` below `out` for every fold that the recipe's corpora allow.

    A row is one clip: `part` (train, validation or test), `path` below the corpora's folder,
    `corpus`, `speaker`, `gender`, `label` and the SHA-256 `digest` of its decoded audio.

    Yields:
        Each file, when it is written.

    Raises:
        ValueError: neither RAVDESS nor SAVEE is among the clips.
    """
    for protocol in PROTOCOLS:
        for fold in folds(protocol, clips, recipe):
            path = out / protocol / f"{fold.name}.csv"
            path.parent.mkdir(parents=True, exist_ok=True)
            with path.open("w", encoding="utf-8", newline="") as file:
                table = csv.writer(file)
                table.writerow(("part", "path", "corpus", "speaker", "gender", "label", "digest"))
                for part in _PARTS:
                    for c in getattr(fold.split, part):
                        known = (c.corpus, c.speaker, c.gender, c.emotion or "", c.digest)
                        table.writerow(map(inert, (part, c.name, *known)))
            yield path
