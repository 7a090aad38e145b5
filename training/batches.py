"""Batches of training examples, whichever way a recipe makes them."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import NamedTuple

import numpy as np
import torch
from torch.utils.data import DataLoader

from training.cache import AudioCache, CachedClip
from training.covada import ConvertedVoices, revealing
from training.dataset import Example, Targets, TrainingSet, draw_epoch
from training.encoder_outputs import EncoderOutputs
from training.image_transforms import shrink_batch
from training.labels import LABELS
from training.recipe import Recipe
from training.splits import Split, noise_clips
from training.teachers import Teacher, taught_of_clips, taught_probabilities
from training.views import Kept, Views
from training.waveforms import Chance, Disturber, LogMel, Waveforms, mask, mix, mix_by_energy


class Batch(NamedTuple):
    """Examples for the network, and what its teachers hear.

    `x` is ``(batch, 1, ...)``, what the network takes; `targets` ``(batch, 8)`` distributions;
    `allowed` bool ``(batch, 8)``; `heard` the same windows undisturbed, as log-mel or as audio
    ``(batch, 1, n_samples)``, or None without teachers. `taught`: their answers where those are
    kept, ``(batch, 8)``. `ready`: mixed and shrunk already.
    """

    x: torch.Tensor
    targets: torch.Tensor
    allowed: torch.Tensor
    heard: torch.Tensor | None = None
    taught: torch.Tensor | None = None
    ready: bool = False


Epoch = Callable[[int], Iterator[Batch]]


def epochs(
    cache: AudioCache,
    recipe: Recipe,
    split: Split,
    device: torch.device,
    teachers: Sequence[Teacher],
    workers: int,
) -> Epoch:
    """What gives the batches of an epoch."""
    if recipe.cached:
        return _KeptOutputs(cache, recipe, split, device)
    if recipe.keeps_images:
        return _KeptImages(cache, recipe, split, device, teachers)
    if recipe.examples == "device":
        return _OnDevice(cache, recipe, split, device)
    return _ByWorkers(cache, recipe, split, device, workers)


class _ByWorkers:
    """Log-mel, made clip by clip in other processes."""

    def __init__(
        self,
        cache: AudioCache,
        recipe: Recipe,
        split: Split,
        device: torch.device,
        workers: int,
    ) -> None:
        self._cache, self._recipe, self._split = cache, recipe, split
        self._noise, self._device, self._workers = noise_clips(cache.clips), device, workers

    def __call__(self, epoch: int) -> Iterator[Batch]:
        recipe, train = self._recipe, self._split.train
        examples = draw_epoch(train, recipe, epoch)
        data = TrainingSet(self._cache, examples, train, self._noise, recipe)
        for batch in DataLoader(data, recipe.batch_size, num_workers=self._workers, drop_last=True):
            x, targets, allowed = (part.to(self._device) for part in batch)
            yield Batch(x[:, :1], targets, allowed, x[:, 1:] if recipe.teachers else None)


def _drawn(recipe: Recipe, clips: tuple[CachedClip, ...], epoch: int) -> Iterator[list[Example]]:
    examples = draw_epoch(clips, recipe, epoch)
    for start in range(0, len(examples) - recipe.batch_size + 1, recipe.batch_size):
        yield examples[start : start + recipe.batch_size]


class BatchTargets:
    """`Targets` of whole batches."""

    def __init__(self, recipe: Recipe, clips: tuple[CachedClip, ...], device: torch.device) -> None:
        self._of, self._device = Targets(recipe, clips), device

    def __call__(self, clips: Sequence[CachedClip]) -> tuple[torch.Tensor, torch.Tensor]:
        """Distributions and allowed classes, ``(batch, 8)`` each."""
        targets, allowed = zip(*(self._of(clip) for clip in clips), strict=True)
        return torch.stack(targets).to(self._device), torch.stack(allowed).to(self._device)


class _KeptOutputs:
    """What a frozen encoder puts out: of the clip, or of one of its copies."""

    def __init__(
        self, cache: AudioCache, recipe: Recipe, split: Split, device: torch.device
    ) -> None:
        self._recipe, self._clips = recipe, split.train
        self._outputs = EncoderOutputs(cache, recipe, device)
        self._voices: ConvertedVoices | None = None
        if recipe.converted:
            clips = revealing(self._outputs.of(split.train), split.train, recipe.converted)
            self._voices = ConvertedVoices(cache, clips, recipe)
        self._targets = BatchTargets(recipe, split.train, device)

    def __call__(self, epoch: int) -> Iterator[Batch]:
        for examples in _drawn(self._recipe, self._clips, epoch):
            clips = [e.clip for e in examples]
            rng = np.random.default_rng(examples[0].seed)
            copies = rng.integers(0, self._recipe.copies + 1, len(clips))
            x = self._outputs.of(clips, copies)
            if self._voices is not None:
                self._voices.put(x, clips, rng)
            targets, allowed = self._targets(clips)
            if self._recipe.augmentation.energy_mixup:
                others, share = self._outputs.mixed(clips, copies)
                other_targets, other_allowed = self._targets(others)
                targets = share * targets + (1 - share) * other_targets
                allowed = allowed | (other_allowed & (share < 1))
            yield Batch(x[:, None], targets, allowed)


class _KeptImages:
    """Shrunk log-mels of the clip or of a disturbed copy, and what the teachers said of either.

    The teachers heard the same windows without rooms, noise and telephone lines, or the clip alone.
    """

    def __init__(
        self,
        cache: AudioCache,
        recipe: Recipe,
        split: Split,
        device: torch.device,
        teachers: Sequence[Teacher],
    ) -> None:
        self._recipe, self._clips, self._device = recipe, split.train, device
        views, log_mel = Views(cache, recipe, device), LogMel(recipe.front_end).to(device)
        factors = recipe.shrink(0)

        def image(windows: torch.Tensor) -> torch.Tensor:
            return shrink_batch(log_mel(windows)[:, None], factors)[:, 0]

        bands, frames = factors
        path = cache.folder / f"log-mel-{bands}-{frames}-{views.key}.npy"
        self._images = Kept(path, views, lambda: image, device, "Log-mel")
        self._targets = BatchTargets(recipe, split.train, device)
        self._taught: torch.Tensor | None = None
        if teachers:
            self._rows = views.rows
            self._taught = torch.zeros(len(views.clips), views.copies, len(LABELS), device=device)
            if recipe.taught == "clips":
                self._taught[:] = taught_of_clips(teachers, views.clips)[:, None]
                return
            for heard, _, rows, copy in views("Teachers", disturbed=False):
                self._taught[rows, copy] = taught_probabilities(teachers, heard[:, None])

    def __call__(self, epoch: int) -> Iterator[Batch]:
        recipe, settings = self._recipe, self._recipe.augmentation
        for examples in _drawn(recipe, self._clips, epoch):
            clips = [e.clip for e in examples]
            rng = np.random.default_rng(examples[0].seed)
            chance = Chance(int(rng.integers(2**31)), self._device)
            copies = rng.integers(0, recipe.copies + 1, len(clips))
            x = self._images.of(clips, copies)
            targets, allowed = self._targets(clips)
            taught = None
            if self._taught is not None:
                taught = self._taught[[self._rows[c.digest] for c in clips], copies]
            if settings.mixup_alpha:
                order = torch.from_numpy(rng.permutation(len(clips))).to(self._device)
                share = float(rng.beta(settings.mixup_alpha, settings.mixup_alpha))
                x = share * x + (1 - share) * x[order]
                targets = share * targets + (1 - share) * targets[order]
                allowed = allowed | allowed[order]
                if taught is not None:
                    taught = share * taught + (1 - share) * taught[order]
            yield Batch(mask(x, settings, chance)[:, None], targets, allowed, None, taught, True)


class _OnDevice:
    """Audio, or log-mel of it, cut and disturbed in whole batches."""

    def __init__(
        self, cache: AudioCache, recipe: Recipe, split: Split, device: torch.device
    ) -> None:
        self._recipe, self._clips, self._device = recipe, split.train, device
        noise = noise_clips(cache.clips)
        self._disturb = Disturber(recipe.augmentation, Waveforms(cache, device), noise)
        self._log_mel = LogMel(recipe.front_end).to(device)
        self._targets = BatchTargets(recipe, split.train, device)

    def __call__(self, epoch: int) -> Iterator[Batch]:
        recipe, settings = self._recipe, self._recipe.augmentation
        for examples in _drawn(recipe, self._clips, epoch):
            clips = [e.clip for e in examples]
            rng = np.random.default_rng(examples[0].seed)
            chance = Chance(int(rng.integers(2**31)), self._device)
            window = self._disturb.cut(clips, recipe.window_samples, chance)
            targets, allowed = self._targets(clips)
            if settings.mixup_alpha or settings.energy_mixup:
                order = torch.from_numpy(rng.permutation(len(clips))).to(self._device)
                if settings.energy_mixup:
                    window, share = mix_by_energy(window, window[order], settings, chance)
                else:
                    even = float(rng.beta(settings.mixup_alpha, settings.mixup_alpha))
                    window = mix(window, order, even)
                    share = torch.full((len(clips), 1), even, device=self._device)
                targets = share * targets + (1 - share) * targets[order]
                allowed = allowed | (allowed[order] & (share < 1))
            x = self._disturb(window, chance)
            if not recipe.takes_waveform:
                x = mask(self._log_mel(x), settings, chance)
            yield Batch(
                x[:, None],
                targets,
                allowed,
                window[:, None] if recipe.teachers else None,
                ready=True,
            )
