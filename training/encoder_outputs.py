"""What a frozen encoder puts out for each clip's window, computed once and kept.

Pooled over time where the recipe pools without weights, otherwise frame by frame.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt
import torch

from training.cache import AudioCache, CachedClip
from training.models import pooling
from training.recipe import Recipe
from training.views import Compute, Kept, Views
from training.whisper import BLOCKS, WEIGHTS, WhisperEncoder, encoder_key, pretrained

Integers = npt.NDArray[np.integer]


def load_encoder(cache: AudioCache, recipe: Recipe) -> WhisperEncoder:
    """The pre-trained encoder of a recipe, from the weights kept in the cache's folder.

    Raises:
        FileNotFoundError: they are not there.
    """
    return pretrained(cache.folder / WEIGHTS, recipe.encoder.blocks)


class Encoding:
    """How a recipe's encoder is heard: `name` tells outputs of one kind, and of one encoder, apart.

    Pooled outputs are of all blocks: recipes with fewer read the same file. Frames are many times
    as large: only those of the recipe's blocks; or what goes into the first that is tuned.
    """

    def __init__(self, cache: AudioCache, recipe: Recipe, device: torch.device) -> None:
        settings = recipe.encoder
        self._path, self._device = cache.folder / WEIGHTS, device
        self._kept = 0 if recipe.frozen else settings.kept
        self._pool = pooling(settings)
        if self._kept:
            name, self._blocks = f"block-{self._kept}", self._kept
        elif settings.pooling == "statistics":
            name, self._blocks = "statistics", BLOCKS
        else:
            name, self._blocks = f"frames-{settings.blocks}", settings.blocks
        self.name = f"{name}-{encoder_key(self._path)}"

    def __call__(self) -> Compute:
        """Windows ``(batch, n_samples)`` to ``(batch, layers, ...)``; one layer of a kept block."""
        encoder = pretrained(self._path, self._blocks).to(self._device).eval()

        def compute(windows: torch.Tensor) -> torch.Tensor:
            with torch.autocast(self._device.type, torch.bfloat16):
                if self._kept:
                    return encoder.lower(windows)[:, None]
                found: torch.Tensor = self._pool(encoder(windows))
            return found

        return compute


class EncoderOutputs:
    """Of every labelled clip and of its copies (`Views`), in the cache."""

    def __init__(self, cache: AudioCache, recipe: Recipe, device: torch.device) -> None:
        """Computed here if they are not kept yet: 20 ms a window on two processor cores."""
        self._read = recipe.encoder.read
        encoding, views = Encoding(cache, recipe, device), Views(cache, recipe, device)
        path = cache.folder / f"{encoding.name}-{views.key}.npy"
        self._kept = Kept(path, views, encoding, device, "Encoding")

    def of(self, clips: Sequence[CachedClip], copies: Integers | None = None) -> torch.Tensor:
        """``(len(clips), layers, ...)``, on the device; copy 0 where none is told."""
        which = np.zeros(len(clips), np.int64) if copies is None else copies
        return self._kept.of(clips, which)[:, self._read]

    def mixed(
        self, clips: Sequence[CachedClip], copies: Integers
    ) -> tuple[tuple[CachedClip, ...], torch.Tensor]:
        """What `Kept.mixed` tells of these copies."""
        return self._kept.mixed(clips, copies)
