"""Recipes: everything that decides a training run, as TOML, checked when it is read."""

from __future__ import annotations

import tomllib
from pathlib import Path

from pydantic import BaseModel, ConfigDict, Field

from emolive.features import FrontEndSpec


class _Strict(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class CorpusRecipe(_Strict):
    """How one corpus is used: `clips_per_epoch` drawn class-balanced, and who is kept out."""

    clips_per_epoch: int = Field(ge=0)
    validation_speakers: tuple[str, ...] = ()
    test_speakers: tuple[str, ...] = ()
    # Classes too rare to learn from this corpus; they would tie the class to the corpus.
    ignored_classes: tuple[str, ...] = ()


class Stage(_Strict):
    """Progressive resizing (DeepEmoNet): `epochs` at the log-mel shrunk by `shrink`."""

    epochs: int = Field(gt=0)
    shrink: int = Field(default=1, ge=1)


class Augmentation(_Strict):
    """Probabilities and ranges; what is 0 is off. Audio first, then log-mel, then the batch."""

    speed: float = 0.0
    speed_range: tuple[float, float] = (0.9, 1.1)
    room: float = 0.0
    noise: float = 0.0
    snr_db: tuple[float, float] = (0.0, 30.0)
    overdrive: float = 0.0
    telephone: float = 0.0
    microphone_db: float = 0.0
    mel_shift: int = 0
    frequency_masks: int = 0
    frequency_mask_bands: int = 16
    time_masks: int = 0
    time_mask_frames: int = 40
    mixup_alpha: float = 0.0


class Recipe(_Strict):
    """A whole run."""

    name: str
    seed: int = 0
    front_end: FrontEndSpec = FrontEndSpec()
    window_s: float = 3.0
    corpora: dict[str, CorpusRecipe]
    stages: tuple[Stage, ...]
    validate_every: int = Field(default=1, gt=0)
    batch_size: int = 32
    learning_rate: float = 1e-3
    # Share of all steps in which the one-cycle schedule rises to the learning rate.
    warmup: float = Field(default=0.15, gt=0, lt=1)
    weight_decay: float = 0.05
    label_smoothing: float = 0.1
    dropout: float = 0.3
    ema_decay: float = 0.999
    # Share of validation windows that the abstention threshold lets through.
    coverage: float = 0.8
    augmentation: Augmentation = Augmentation()

    @property
    def window_samples(self) -> int:
        """Samples of one analysis window."""
        return round(self.window_s * self.front_end.sampling_rate)

    @property
    def n_frames(self) -> int:
        """Log-mel frames of one analysis window."""
        return self.front_end.n_frames(self.window_samples)

    @property
    def epochs(self) -> int:
        """Epochs over all stages."""
        return sum(stage.epochs for stage in self.stages)

    def shrink(self, epoch: int) -> int:
        """The input shrink factor of an epoch."""
        for stage in self.stages:
            if epoch < stage.epochs:
                return stage.shrink
            epoch -= stage.epochs
        raise IndexError("epoch beyond the last stage")


def load_recipe(path: Path) -> Recipe:
    """Read a recipe; its name is the file's.

    Raises:
        pydantic.ValidationError: unknown or wrong settings.
    """
    with path.open("rb") as file:
        return Recipe(name=path.stem, **tomllib.load(file))
