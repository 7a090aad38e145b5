"""What a frozen encoder puts out, pooled over each clip's window, computed once and kept."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt
import torch

from training.cache import AudioCache, CachedClip
from training.models import StatisticsPool
from training.recipe import Recipe
from training.views import Compute, Kept, Views
from training.whisper import BLOCKS, WEIGHTS, WIDTH, WhisperEncoder, pretrained


def load_encoder(cache: AudioCache, recipe: Recipe) -> WhisperEncoder:
    """The pre-trained encoder of a recipe, from the weights kept in the cache's folder.

    Raises:
        FileNotFoundError: they are not there.
    """
    return pretrained(cache.folder / WEIGHTS, recipe.encoder.blocks)


def pooled_by(encoder: WhisperEncoder, device: torch.device) -> Compute:
    """Windows ``(batch, n_samples)`` to ``(batch, blocks + 1, 1024)``."""
    pool = StatisticsPool()

    def pooled(windows: torch.Tensor) -> torch.Tensor:
        with torch.autocast(device.type, torch.bfloat16):
            found: torch.Tensor = pool(encoder(windows))
        return found

    return pooled


class EncoderStatistics:
    """Statistics of every labelled clip and of its disturbed copies (`Views`), in the cache.

    All blocks are computed: recipes with fewer read the same file.
    """

    def __init__(self, cache: AudioCache, recipe: Recipe, device: torch.device) -> None:
        """Computed here if they are not kept yet: 23 ms a window on two processor cores."""
        self._blocks = recipe.encoder.blocks
        views = Views(cache, recipe, device)

        def ready() -> Compute:
            return pooled_by(pretrained(cache.folder / WEIGHTS).to(device).eval(), device)

        path = cache.folder / f"statistics-{views.key}.npy"
        self._kept = Kept(path, views, ready, (BLOCKS + 1, 2 * WIDTH), device, "Encoding")

    def of(
        self, clips: Sequence[CachedClip], copies: npt.NDArray[np.integer] | None = None
    ) -> torch.Tensor:
        """``(len(clips), blocks + 1, 1024)``, on the device; copy 0 where none is told."""
        which = np.zeros(len(clips), np.int64) if copies is None else copies
        return self._kept.of(clips, which)[:, : self._blocks + 1]
