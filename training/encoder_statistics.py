"""What a frozen encoder puts out, pooled over each clip's window, computed once and kept."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import numpy.typing as npt
import torch
from rich.progress import track

from training.cache import AudioCache, CachedClip, fingerprint
from training.models import StatisticsPool
from training.recipe import Recipe
from training.splits import noise_clips
from training.waveforms import Chance, Disturber, Waveforms
from training.whisper import BLOCKS, WEIGHTS, WIDTH, WhisperEncoder, pretrained

_BATCH = 64


def load_encoder(cache: AudioCache, recipe: Recipe) -> WhisperEncoder:
    """The pre-trained encoder of a recipe, from the weights kept in the cache's folder.

    Raises:
        FileNotFoundError: they are not there.
    """
    return pretrained(cache.folder / WEIGHTS, recipe.encoder.blocks)


class EncoderStatistics:
    """Statistics of every labelled clip and of its disturbed copies, in the cache's folder.

    Copy 0 is the clip's centre window, the others are random windows under the recipe's
    augmentation. All blocks are computed: recipes with fewer read the same file.
    """

    def __init__(self, cache: AudioCache, recipe: Recipe, device: torch.device) -> None:
        """Computed here if they are not kept yet: 23 ms a window on two processor cores."""
        self._blocks, self._device = recipe.encoder.blocks, device
        clips = tuple(c for c in cache.clips if c.emotion is not None)
        self._rows = {clip.digest: i for i, clip in enumerate(clips)}
        path = cache.folder / f"statistics-{_key(recipe, clips)}.npy"
        if not path.is_file():
            _compute(cache, recipe, clips, device, path)
        values = torch.from_numpy(np.load(path, mmap_mode="c"))
        # A graphics card has room for all of it.
        self._values = values.to(device) if device.type == "cuda" else values

    def of(
        self, clips: Sequence[CachedClip], copies: npt.NDArray[np.integer] | None = None
    ) -> torch.Tensor:
        """``(len(clips), blocks + 1, 1024)``, on the device; copy 0 where none is told."""
        rows = [self._rows[clip.digest] for clip in clips]
        which = np.zeros(len(clips), np.int64) if copies is None else copies
        return self._values[rows, which, : self._blocks + 1].to(self._device).float()


def _key(recipe: Recipe, clips: tuple[CachedClip, ...]) -> str:
    copies = recipe.encoder.copies
    disturbed = recipe.augmentation.model_dump(mode="json") if copies else None
    about = [fingerprint(clips), copies, disturbed, recipe.window_s, recipe.seed]
    return hashlib.sha256(json.dumps(about).encode()).hexdigest()[:12]


@torch.inference_mode()
def _compute(
    cache: AudioCache,
    recipe: Recipe,
    clips: tuple[CachedClip, ...],
    device: torch.device,
    path: Path,
) -> None:
    encoder = pretrained(cache.folder / WEIGHTS).to(device).eval()
    pool, waveforms = StatisticsPool(), Waveforms(cache, device)
    disturb = Disturber(recipe.augmentation, waveforms, noise_clips(cache.clips))
    chance = Chance(recipe.seed, device)
    partial = path.with_suffix(".partial")
    shape = (len(clips), recipe.encoder.copies + 1, BLOCKS + 1, 2 * WIDTH)
    values = np.lib.format.open_memmap(partial, "w+", np.float16, shape)
    for start in track(range(0, len(clips), _BATCH), description="Encoding"):
        some = clips[start : start + _BATCH]
        for copy in range(shape[1]):
            if copy:
                x = disturb(disturb.cut(some, recipe.window_samples, chance), chance)
            else:
                x = waveforms.cut(some, np.full(len(some), 0.5), recipe.window_samples)
            with torch.autocast(device.type, torch.bfloat16):
                pooled = pool(encoder(x))
            values[start : start + len(some), copy] = pooled.half().cpu().numpy()
    values.flush()
    partial.replace(path)
