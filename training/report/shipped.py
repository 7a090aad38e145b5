"""What can be said of an exported model file here and now: its card's scores, and its speed."""

from __future__ import annotations

import platform
import time
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from emolive.errors import EmoliveError
from emolive.features import AnyFrontEndSpec
from training.exported import open_exported

_REPEATS = 30


@dataclass(frozen=True, slots=True)
class Shipped:
    """An exported model: `ms` is the median of one window, one after another, on `machine`.

    `scores` and `provenance` are those in the file, measured on it when it was exported.
    """

    name: str
    megabytes: float
    scores: dict[str, float]
    provenance: dict[str, str]
    ms: float
    machine: str
    front_end: AnyFrontEndSpec


def inspect(path: Path | None) -> Shipped | str:
    """Load an exported model and time it; a sentence where that cannot be done."""
    if path is None or not path.is_file():
        return "no exported model file was given"
    try:
        classifier = open_exported(path)
    except EmoliveError as error:
        return str(error)
    metadata = classifier.metadata
    shape = (1, *metadata.window_shape)
    window = np.random.default_rng(0).normal(size=shape).astype(np.float32)
    seconds = []
    for _ in range(_REPEATS):
        started = time.perf_counter()
        classifier.predict(window)
        seconds.append(time.perf_counter() - started)
    machine = f"{platform.system()} {platform.machine()}, {classifier.provider}"
    classifier.close()
    return Shipped(
        name=metadata.name,
        megabytes=path.stat().st_size / 1e6,
        scores=dict(metadata.scores),
        provenance=dict(metadata.provenance),
        ms=1000 * float(np.median(seconds)),
        machine=machine,
        front_end=metadata.front_end,
    )
