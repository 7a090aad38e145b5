"""Windows of every labelled clip that are always the same, and what is computed from them once."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

import numpy as np
import numpy.typing as npt
import torch
from rich.progress import track

from training.cache import AudioCache, CachedClip, fingerprint
from training.recipe import Recipe
from training.splits import noise_clips
from training.waveforms import Chance, Disturber, Waveforms

_BATCH = 64

Compute = Callable[[torch.Tensor], torch.Tensor]
# Undisturbed and disturbed windows, ``(batch, n_samples)`` each; rows of `values`, and the copy.
View = tuple[torch.Tensor, torch.Tensor, slice, int]


class Views:
    """Windows of clips: copy 0 is the centre, the others are random and disturbed.

    Which they are depends on the recipe's seed and the clips alone, so that they can be made again.
    """

    def __init__(self, cache: AudioCache, recipe: Recipe, device: torch.device) -> None:
        self.clips = tuple(c for c in cache.clips if c.emotion is not None)
        self.rows = {clip.digest: i for i, clip in enumerate(self.clips)}
        self.copies = recipe.copies + 1
        self._cache, self._recipe, self._device = cache, recipe, device

    @property
    def key(self) -> str:
        """What the windows depend on."""
        recipe = self._recipe
        disturbed = recipe.augmentation.model_dump(mode="json") if recipe.copies else None
        about = [fingerprint(self.clips), recipe.copies, disturbed, recipe.window_s, recipe.seed]
        return hashlib.sha256(json.dumps(about).encode()).hexdigest()[:12]

    def __call__(self, description: str, *, disturbed: bool = True) -> Iterator[View]:
        """All of them, batch by batch; without `disturbed` the second is the first again."""
        recipe = self._recipe
        # Only here: whoever finds what was kept needs no audio on the device.
        waveforms = Waveforms(self._cache, self._device)
        disturb = Disturber(recipe.augmentation, waveforms, noise_clips(self._cache.clips))
        for start in track(range(0, len(self.clips), _BATCH), description=description):
            some = self.clips[start : start + _BATCH]
            for copy in range(self.copies):
                if not copy:
                    x = waveforms.cut(some, np.full(len(some), 0.5), recipe.window_samples)
                    yield x, x, slice(start, start + len(some)), copy
                    continue
                seed = np.random.SeedSequence((recipe.seed, start, copy)).generate_state(1).item()
                chance = Chance(seed, self._device)
                x = disturb.cut(some, recipe.window_samples, chance)
                heard = disturb(x, chance) if disturbed else x
                yield x, heard, slice(start, start + len(some)), copy


class Kept:
    """A tensor per clip and copy, computed once and kept as a file in half precision."""

    def __init__(
        self,
        path: Path,
        views: Views,
        ready: Callable[[], Compute],
        shape: tuple[int, ...],
        device: torch.device,
        description: str,
    ) -> None:
        """Read `path`, or write it: what `ready` gives turns windows into ``(batch, *shape)``."""
        self._rows = views.rows
        if not path.is_file():
            partial = path.with_suffix(".partial")
            whole = (len(views.clips), views.copies, *shape)
            values = np.lib.format.open_memmap(partial, "w+", np.float16, whole)
            with torch.inference_mode():
                compute = ready()
                for _, heard, rows, copy in views(description):
                    values[rows, copy] = compute(heard).half().cpu().numpy()
            values.flush()
            del values
            partial.replace(path)
        kept = torch.from_numpy(np.load(path, mmap_mode="c"))
        # A graphics card has room for all of it.
        self._values = kept.to(device) if device.type == "cuda" else kept
        self._device = device

    def of(
        self, clips: Sequence[CachedClip], copies: Sequence[int] | npt.NDArray[np.integer]
    ) -> torch.Tensor:
        """``(len(clips), *shape)``, on the device."""
        rows = [self._rows[clip.digest] for clip in clips]
        return self._values[rows, copies].to(self._device).float()
