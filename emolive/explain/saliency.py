"""What the network looked at: which sound it would miss most.

Occlusion (M. D. Zeiler, R. Fergus 2014, "Visualizing and understanding convolutional networks"):
a patch of the window's spectrogram is made as quiet as its bands' own background, the window is
classified again, and what the answer loses is what the patch was worth. No gradients are needed,
so any classifier can be asked.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
import numpy.typing as npt

from emolive.acoustics import SPECTROGRAM
from emolive.explain.occlusion import Occlusion
from emolive.inference.classifier import Classifier
from emolive.inference.decision import calibrated
from emolive.types import FloatArray

# Half an octave and more by a fifth of a second: about a formant of a syllable.
PATCH = (16, 20)
BATCH = 8
BUDGET_S = 2.0
_TINY = 1e-6
# By the stretch in which cues are measured: its share of the positive worth, and its least length.
_HELD = 0.5
_STRETCH_S = 0.6


@dataclass(frozen=True, slots=True, eq=False)
class Saliency:
    """What each cell of a window was worth for one class.

    ``worth`` float32 ``(n_mels, n_frames)``: by how much the class's log-odds fall without it
    (natural log; below 0: the class would gain), the mean over the patches that cover the cell.
    ``probability`` is the class's, calibrated, of the whole window; ``least`` what is left of it
    without the one patch ``bands`` x ``frames`` (index ranges) that mattered most. ``passes`` of
    four grids of patches were done in time: fewer are coarser, not wrong.
    """

    worth: FloatArray
    probability: float
    least: float
    bands: tuple[int, int]
    frames: tuple[int, int]
    passes: int


def occlude(
    classifier: Classifier,
    window: Occlusion,
    label: int,
    temperature: float,
    *,
    batch: int = BATCH,
    budget_s: float = BUDGET_S,
    cancelled: Callable[[], bool] = lambda: False,
    clock: Callable[[], float] = time.monotonic,
) -> Saliency | None:
    """Ask what was decisive for one class; None when cancelled.

    Four grids of patches, each shifted by half a patch, are tried one after the other. The first
    one always completes; no batch of a later one begins after `budget_s`, and what an unfinished
    one found is left out, so that no part of the window counts more than another.

    `classifier` must belong to this thread; `label` is the class's index, `temperature` the
    model's. `cancelled` is asked before every batch.
    """
    deadline = clock() + budget_s

    def ask(windows: list[FloatArray]) -> list[float]:
        answers = calibrated(classifier.predict(np.stack(windows)).logits, temperature)
        return [float(answer) for answer in answers[:, label]]

    (whole,) = ask([window.whole()])
    lost = np.zeros(window.shape, np.float64)
    covered = np.zeros(window.shape, np.int32)
    least, best = np.inf, next(_grid(window.shape, 0))
    passes = 0
    for shift in range(4):
        cells = list(_grid(window.shape, shift))
        left: list[float] = []
        for first in range(0, len(cells), batch):
            if cancelled():
                return None
            if shift and clock() >= deadline:
                break
            left += ask([window.without(*cell) for cell in cells[first : first + batch]])
        if len(left) < len(cells):
            break
        for (bands, frames), probability in zip(cells, left, strict=True):
            lost[bands, frames] += _log_odds(whole) - _log_odds(probability)
            covered[bands, frames] += 1
            if probability < least:
                least, best = probability, (bands, frames)
        passes += 1
    worth: FloatArray = (lost / np.maximum(covered, 1)).astype(np.float32)
    bands, frames = best
    return Saliency(
        worth,
        whole,
        float(min(least, whole)),
        (bands.start, bands.stop),
        (frames.start, frames.stop),
        passes,
    )


def _grid(shape: tuple[int, ...], shift: int) -> Iterator[tuple[slice, slice]]:
    """Patches that cover everything once; odd and higher shifts begin half a patch earlier."""
    for bands in _cuts(shape[0], PATCH[0], shift in (1, 2)):
        for frames in _cuts(shape[1], PATCH[1], shift in (1, 3)):
            yield bands, frames


def _cuts(length: int, step: int, half: bool) -> list[slice]:
    edges = [0, *range(step // 2 if half else step, length, step), length]
    return [slice(a, b) for a, b in pairwise(edges)]


def _log_odds(probability: float) -> float:
    bounded = min(1 - _TINY, max(_TINY, probability))
    return float(np.log(bounded / (1 - bounded)))


def decisive(worth: FloatArray) -> npt.NDArray[np.bool_]:
    """The cells worth at least half of the most: what to outline; bool, same shape."""
    most = float(worth.max())
    return worth >= max(0.5 * most, _TINY)


def salient_stretch(worth: FloatArray, n_samples: int) -> tuple[int, int]:
    """The shortest stretch of samples that holds half of what the answer rests on."""
    per_frame = np.maximum(worth, 0).sum(axis=0, dtype=np.float64)
    total = np.concatenate([[0.0], np.cumsum(per_frame)])
    hop, n_frames = SPECTROGRAM.hop_length, worth.shape[1]
    if not total[-1]:
        return 0, n_samples
    least = round(_STRETCH_S * SPECTROGRAM.sampling_rate / hop)
    best = (0, n_frames)
    for start in range(n_frames - least + 1):
        wanted = total[start] + _HELD * total[-1]
        end = max(int(np.searchsorted(total, wanted - 1e-9)), start + least)
        if end <= n_frames and total[end] >= wanted - 1e-9 and end - start < best[1] - best[0]:
            best = (start, end)
    return best[0] * hop, min(n_samples, best[1] * hop + SPECTROGRAM.win_length)
