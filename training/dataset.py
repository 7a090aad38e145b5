"""From cached clips to training examples and evaluation windows."""

from __future__ import annotations

from copy import deepcopy
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import torch
from torch.utils.data import Dataset

from emolive.features import log_mel, normalize
from training.augmentation import (
    augment_audio,
    change_speed,
    colour_log_mel,
    mix_by_energy,
    spec_augment,
    stretch_frames,
)
from training.cache import AudioCache, CachedClip
from training.labels import INDEX, LABELS
from training.recipe import Recipe
from training.splits import corpus_classes

FloatArray = npt.NDArray[np.float32]


def cut_window(audio: FloatArray, n: int, position: float) -> FloatArray:
    """`n` samples of a clip; `position` in [0, 1] moves the cut, or the clip inside the padding.

    A clip shorter than the window is padded with zeros on both sides; 0.5 centres, as the running
    program does.
    """
    spare = audio.size - n
    if spare >= 0:
        start = round(spare * position)
        return audio[start : start + n]
    before = round(-spare * position)
    return np.pad(audio, (before, -spare - before))


def window_features(audio: FloatArray, recipe: Recipe) -> FloatArray:
    """A network's input for one window: normalised log-mel ``(n_mels, n_frames)``, or the audio."""
    if recipe.takes_waveform:
        return audio
    return normalize(log_mel(audio, recipe.front_end), recipe.front_end)


def clip_windows(audio: FloatArray, recipe: Recipe) -> FloatArray:
    """All windows of a clip, as the running program sees them: `n` of `window_features`."""
    n = recipe.window_samples
    hop = round(0.5 * recipe.front_end.sampling_rate)
    starts = range(0, max(1, audio.size - n + 1), hop)
    cuts = [audio[s : s + n] for s in starts] if audio.size >= n else [cut_window(audio, n, 0.5)]
    return np.stack([window_features(cut, recipe) for cut in cuts])


@dataclass(frozen=True, slots=True)
class Example:
    """One draw: which clip, and the seed of everything random about it."""

    clip: CachedClip
    seed: tuple[int, int, int]


def draw_epoch(clips: tuple[CachedClip, ...], recipe: Recipe, epoch: int) -> list[Example]:
    """The epoch's clips: per corpus the recipe's number, classes in equal shares, shuffled."""
    rng = np.random.default_rng((recipe.seed, epoch))
    drawn: list[CachedClip] = []
    for name, corpus in recipe.corpora.items():
        by_class: dict[str | None, list[CachedClip]] = {}
        for clip in clips:
            if clip.corpus == name:
                by_class.setdefault(clip.emotion, []).append(clip)
        for members in by_class.values():
            wanted = round(corpus.clips_per_epoch / len(by_class))
            repeats = -(-wanted // len(members))
            order = np.concatenate([rng.permutation(len(members)) for _ in range(max(1, repeats))])
            drawn += [members[i] for i in order[:wanted]]
    order = rng.permutation(len(drawn))
    return [Example(drawn[j], (recipe.seed, epoch, i)) for i, j in enumerate(order)]


def class_weights(examples: list[Example]) -> torch.Tensor:
    """Inverse class frequencies among the drawn clips, mean 1 over them, ``(8,)``."""
    labels = [INDEX[e.clip.emotion] for e in examples if e.clip.emotion is not None]
    counts = np.bincount(labels, minlength=len(LABELS)).astype(np.float32)
    weights = np.where(counts > 0, counts.sum() / np.maximum(counts, 1), 0.0)
    return torch.from_numpy(weights / (counts > 0).sum()).float()


class Targets:
    """What a clip teaches: a distribution ``(8,)`` and bool ``(8,)``, the classes it may be.

    The distribution is all zeros where the corpus counts as unlabelled.
    """

    def __init__(self, recipe: Recipe, clips: tuple[CachedClip, ...]) -> None:
        """`clips` is the whole training part: it says which classes a corpus has."""
        self._recipe = recipe
        everything = frozenset(range(len(LABELS)))
        self._allowed = {
            corpus: torch.tensor(
                [
                    i in (classes if recipe.loss.restrict_softmax else everything)
                    or label in recipe.loss.never_excluded
                    for i, label in enumerate(LABELS)
                ]
            )
            for corpus, classes in corpus_classes(clips).items()
        }

    def __call__(self, clip: CachedClip) -> tuple[torch.Tensor, torch.Tensor]:
        """Of one clip."""
        assert clip.emotion is not None
        allowed = self._allowed[clip.corpus]
        target = torch.zeros(len(LABELS))
        if not self._recipe.corpora[clip.corpus].labelled:
            return target, allowed
        if self._recipe.loss.votes and clip.votes is not None:
            target = torch.tensor(clip.votes)
            return target, allowed | (target > 0)
        target[INDEX[clip.emotion]] = 1.0
        return target, allowed


class TrainingSet(Dataset[tuple[torch.Tensor, torch.Tensor, torch.Tensor]]):
    """One epoch of augmented windows.

    An item is the log-mel ``(1, n_mels, n_frames)``, its target distribution ``(8,)`` (zeros where
    the corpus counts as unlabelled), and bool ``(8,)`` allowed classes. A recipe with teachers gets
    a second channel for them: the same window before rooms, noise and telephone lines.
    """

    def __init__(
        self,
        cache: AudioCache,
        examples: list[Example],
        clips: tuple[CachedClip, ...],
        noise: tuple[CachedClip, ...],
        recipe: Recipe,
    ) -> None:
        """`clips` is the whole training part: it says which classes a corpus has."""
        self._cache, self._examples, self._noise, self._recipe = cache, examples, noise, recipe
        self._target = Targets(recipe, clips)

    def __len__(self) -> int:
        return len(self._examples)

    def __getitem__(self, i: int) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
        example, recipe = self._examples[i], self._recipe
        settings, rate = recipe.augmentation, recipe.front_end.sampling_rate
        rng = np.random.default_rng(example.seed)
        audio = self._cache.samples(example.clip)
        if rng.random() < settings.speed:
            audio = change_speed(audio, rng.uniform(*settings.speed_range), rate)
        tempo = 1.0
        if rng.random() < settings.pitch:
            # Faster and higher; stretched back below, so that only pitch and formants move.
            semitones = rng.uniform(-settings.pitch_semitones, settings.pitch_semitones)
            tempo = 2 ** (semitones / 12)
            audio = change_speed(audio, tempo, rate)
        window = cut_window(audio, round(recipe.window_samples / tempo), rng.random())
        target, allowed = self._target(example.clip)
        if rng.random() < settings.energy_mixup:
            other = self._examples[int(rng.integers(len(self._examples)))].clip
            partner = cut_window(self._cache.samples(other), window.size, rng.random())
            window, share = mix_by_energy(window, partner, rng.uniform(*settings.energy_mixup_db))
            other_target, other_allowed = self._target(other)
            target = share * target + (1 - share) * other_target
            allowed = allowed | other_allowed
        disturbed = augment_audio(window, self._draw_noise(rng), settings, rng, rate)
        # Student and teachers get the same microphone, shift and masks.
        heard = [self._features(disturbed, tempo, deepcopy(rng))]
        if recipe.teachers:
            as_is = disturbed is window
            heard.append(heard[0] if as_is else self._features(window, tempo, rng))
        return torch.from_numpy(np.stack(heard)), target, allowed

    def _features(self, window: FloatArray, tempo: float, rng: np.random.Generator) -> FloatArray:
        settings, spec = self._recipe.augmentation, self._recipe.front_end
        features = log_mel(window, spec)
        if tempo != 1.0:
            features = stretch_frames(features, self._recipe.n_frames)
        features = normalize(colour_log_mel(features, settings, rng), spec)
        return spec_augment(features, settings, rng)

    def _draw_noise(self, rng: np.random.Generator) -> FloatArray | None:
        if not self._noise:
            return None
        clip = self._noise[int(rng.integers(len(self._noise)))]
        audio = self._cache.samples(clip)
        return np.roll(audio, int(rng.integers(audio.size)))[: self._recipe.window_samples]
