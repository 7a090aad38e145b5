"""Windows of every labelled clip that are always the same, and what is computed from them once."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any, cast

import numpy as np
import numpy.typing as npt
import torch
from rich.progress import track

from training.cache import AudioCache, CachedClip
from training.kept_files import key_of, key_of_clips, made_once
from training.protocols import TESTED
from training.recipe import Recipe
from training.splits import noise_clips
from training.waveforms import Chance, Disturber, Waveforms, mix_by_energy

_BATCH = 64

Compute = Callable[[torch.Tensor], torch.Tensor]
# Undisturbed and disturbed windows, ``(batch, n_samples)`` each; rows of `values`, and the copy.
View = tuple[torch.Tensor, torch.Tensor, slice, int]


class Views:
    """Windows of the clips of a recipe's corpora, and of those that every protocol tests.

    Copy 0 is the centre, the others are random and disturbed, or mixed with another clip of the
    same speaker (so that no copy is of two parts of a split): `partners` and `shares` tell with
    which, and how much is the clip's own, ``(clips, copies)``, once the copy was made. Which they
    are depends on the recipe's seed and the clips alone, so that they can be made again.
    """

    def __init__(self, cache: AudioCache, recipe: Recipe, device: torch.device) -> None:
        wanted = {*recipe.corpora, *TESTED}
        self.clips = tuple(c for c in cache.clips if c.emotion is not None and c.corpus in wanted)
        self.rows = {clip.digest: i for i, clip in enumerate(self.clips)}
        self.copies = recipe.copies + 1
        self.partners = np.arange(len(self.clips))[:, None].repeat(self.copies, 1)
        self.shares = np.ones(self.partners.shape, np.float32)
        self._cache, self._recipe, self._device = cache, recipe, device
        self._of_speaker: dict[tuple[str, str], list[int]] = {}
        for i, clip in enumerate(self.clips):
            self._of_speaker.setdefault((clip.corpus, clip.speaker), []).append(i)

    @property
    def key(self) -> str:
        """What the windows depend on, row by row: a clip's copies also on its place."""
        recipe = self._recipe
        about: list[object] = [key_of_clips(self.clips), recipe.window_s]
        if recipe.copies:
            settings = json.dumps(recipe.augmentation.model_dump(mode="json"))
            # The device draws what is random, and each kind draws otherwise.
            about += [recipe.copies, settings, recipe.seed, self._device.type]
            about.append(key_of_clips(noise_clips(self._cache.clips)))
        return key_of(about)

    def __call__(self, description: str, *, disturbed: bool = True) -> Iterator[View]:
        """All of them, batch by batch; without `disturbed` the second is the first again."""
        recipe = self._recipe
        n, settings = recipe.window_samples, recipe.augmentation
        # Only here: whoever finds what was kept needs no audio on the device.
        waveforms = Waveforms(self._cache, self._device)
        disturb = Disturber(settings, waveforms, noise_clips(self._cache.clips))
        for start in track(range(0, len(self.clips), _BATCH), description=description):
            some = self.clips[start : start + _BATCH]
            rows = slice(start, start + len(some))
            for copy in range(self.copies):
                if not copy:
                    x = waveforms.cut(some, np.full(len(some), 0.5), n)
                    yield x, x, rows, copy
                    continue
                seed = np.random.SeedSequence((recipe.seed, start, copy)).generate_state(1).item()
                chance = Chance(seed, self._device)
                x = disturb.cut(some, n, chance)
                if settings.energy_mixup:
                    partners = [self._partner(clip, chance) for clip in some]
                    other = disturb.cut([self.clips[i] for i in partners], n, chance)
                    x, share = mix_by_energy(x, other, settings, chance)
                    self.partners[rows, copy] = partners
                    self.shares[rows, copy] = share[:, 0].numpy(force=True)
                heard = disturb(x, chance) if disturbed else x
                yield x, heard, rows, copy

    def _partner(self, clip: CachedClip, chance: Chance) -> int:
        """The row of any clip of the same speaker."""
        return int(chance.host.choice(self._of_speaker[clip.corpus, clip.speaker]))


class Kept:
    """A tensor per clip and copy, computed once and kept as a file in half precision."""

    def __init__(
        self,
        path: Path,
        views: Views,
        ready: Callable[[], Compute],
        device: torch.device,
        description: str,
    ) -> None:
        """Read `path`, or write it: what `ready` gives turns windows into ``(batch, ...)``."""
        self._rows, self._clips = views.rows, views.clips
        mixed = path.with_suffix(".mixed.npz")

        def make(partial: Path) -> None:
            values: np.memmap[Any, np.dtype[np.float16]] | None = None
            with torch.inference_mode():
                compute = ready()
                for _, heard, rows, copy in views(description):
                    found = compute(heard).half().cpu().numpy()
                    if values is None:
                        shape = (len(views.clips), views.copies, *found.shape[1:])
                        values = cast(
                            "np.memmap[Any, np.dtype[np.float16]]",
                            np.lib.format.open_memmap(partial, "w+", np.float16, shape),
                        )
                    values[rows, copy] = found
            assert values is not None
            values.flush()
            if (views.shares < 1).any():
                np.savez(mixed, partners=views.partners, shares=views.shares)

        made_once(path, make)
        kept = torch.from_numpy(np.load(path, mmap_mode="c"))
        # A graphics card has room for all of it.
        self._values = kept.to(device) if device.type == "cuda" else kept
        self._device = device
        self._partners, self._shares = views.partners, views.shares
        if mixed.is_file():
            with np.load(mixed) as told:
                self._partners, self._shares = told["partners"], told["shares"]

    def of(
        self, clips: Sequence[CachedClip], copies: Sequence[int] | npt.NDArray[np.integer]
    ) -> torch.Tensor:
        """``(len(clips), ...)``, on the device."""
        rows = [self._rows[clip.digest] for clip in clips]
        return self._values[rows, copies].to(self._device).float()

    def mixed(
        self, clips: Sequence[CachedClip], copies: npt.NDArray[np.integer]
    ) -> tuple[tuple[CachedClip, ...], torch.Tensor]:
        """With which clips these copies were mixed, and how much is their own, ``(n, 1)``."""
        rows = [self._rows[clip.digest] for clip in clips]
        partners = tuple(self._clips[i] for i in self._partners[rows, copies].tolist())
        return partners, torch.from_numpy(self._shares[rows, copies])[:, None].to(self._device)
