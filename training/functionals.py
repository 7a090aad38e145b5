"""Functionals of openSMILE (eGeMAPS, ComParE): one row of numbers a window, kept in the cache."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Literal

import numpy as np
import numpy.typing as npt
from rich.progress import track

from emolive.errors import EmoliveError
from training.cache import SAMPLING_RATE, AudioCache, CachedClip, fingerprint
from training.kept_files import made_once

Floats = npt.NDArray[np.float32]
Extract = Callable[[Floats], Floats]
FeatureSet = Literal["eGeMAPSv02", "ComParE_2016"]
FEATURE_SETS: tuple[FeatureSet, ...] = ("eGeMAPSv02", "ComParE_2016")


def extractor(feature_set: FeatureSet, rate: int = SAMPLING_RATE) -> Extract:
    """What gives the functionals of a window: 88 of eGeMAPS (Eyben et al. 2016), 6,373 of ComParE.

    Raises:
        EmoliveError: openSMILE is not installed.
    """
    try:
        import opensmile
    except ImportError as error:
        raise EmoliveError(
            "openSMILE is missing: install the training extra, pip install 'emolive[training]'."
        ) from error
    smile = opensmile.Smile(
        feature_set=opensmile.FeatureSet[feature_set],
        feature_level=opensmile.FeatureLevel.Functionals,
    )

    def extract(audio: Floats) -> Floats:
        found: Floats = smile(audio, rate).reshape(-1).astype(np.float32)
        return found

    return extract


def centre(audio: Floats, n: int) -> Floats:
    """The middle `n` samples, or all of a shorter clip."""
    start = max(0, round((audio.size - n) / 2))
    return audio[start : start + n]


def drawn(clips: Sequence[CachedClip], most: int, seed: int = 0) -> tuple[CachedClip, ...]:
    """At most `most` of a corpus's labelled clips, its classes in equal shares as far as it goes.

    Functionals cost a quarter of a second a clip, so large corpora are sampled.
    """
    rng = np.random.default_rng(seed)
    labelled = [clip for clip in clips if clip.emotion is not None]
    order = rng.permutation(len(labelled))
    turn: dict[str, int] = {}
    ranked = []
    for i in order:
        emotion = str(labelled[i].emotion)
        turn[emotion] = turn.get(emotion, 0) + 1
        ranked.append((turn[emotion], i))
    kept = sorted(i for _, i in sorted(ranked)[:most])
    return tuple(labelled[i] for i in kept)


def kept_functionals(
    cache: AudioCache,
    clips: Sequence[CachedClip],
    feature_set: FeatureSet,
) -> Floats:
    """Functionals of each clip's 3 s in its middle, ``(n, n_features)``; computed once.

    What is undefined, as in digital silence, is 0.
    """
    # Rows are in the order of the digests, so that any order of the same clips finds them.
    order = np.argsort([clip.digest for clip in clips])

    def make(partial: Path) -> None:
        extract, n = extractor(feature_set), 3 * SAMPLING_RATE
        rows = [
            np.nan_to_num(extract(centre(cache.samples(clips[i]), n)))
            for i in track(order, description=f"{feature_set}, {clips[0].corpus}")
        ]
        np.save(partial, np.stack(rows))

    name = f"functionals-{feature_set}-{fingerprint(list(clips))}.npy"
    path = made_once(cache.folder / name, make)
    values: Floats = np.load(path)
    back = np.empty_like(order)
    back[order] = np.arange(len(order))
    return values[back]
