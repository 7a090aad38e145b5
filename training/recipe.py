"""Recipes: everything that decides a training run, as TOML, checked when it is read."""

from __future__ import annotations

import tomllib
from pathlib import Path
from typing import Annotated, Literal, Self

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, field_validator, model_validator

from emolive.features import LogMelSpec
from training.corpora import MEASURED_ONLY
from training.labels import LABELS


def _known(label: str) -> str:
    if label not in LABELS:
        raise ValueError(f"no such class: {label}; there are {', '.join(LABELS)}")
    return label


Label = Annotated[str, AfterValidator(_known)]


class _Strict(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class CorpusRecipe(_Strict):
    """How one corpus is used: `clips_per_epoch` drawn class-balanced, and who is kept out.

    The speakers named here are those of the recipe's own split (the shipped models'); the
    evaluation protocols hold out their own.
    """

    clips_per_epoch: int = Field(ge=0)
    validation_speakers: tuple[str, ...] = ()
    test_speakers: tuple[str, ...] = ()
    # Whether its labels are used; without them it is for distillation.
    labelled: bool = True
    # Classes too rare to learn from this corpus; they would tie the class to the corpus.
    ignored_classes: tuple[Label, ...] = ()


class Stage(_Strict):
    """Progressive resizing (DeepEmoNet): `epochs` on the log-mel averaged over `shrink` cells.

    `shrink` is (mel bands, frames); one number means both.
    """

    epochs: int = Field(gt=0)
    shrink: tuple[int, int] = (1, 1)

    @field_validator("shrink", mode="before")
    @classmethod
    def _square(cls, value: object) -> object:
        return (value, value) if isinstance(value, int) else value


class Augmentation(_Strict):
    """Probabilities and ranges; what is 0 is off. Audio first, then log-mel, then the batch."""

    # Audio.
    speed: float = 0.0
    speed_range: tuple[float, float] = (0.9, 1.1)
    pitch: float = 0.0
    pitch_semitones: float = 2.0
    room: float = 0.0
    noise: float = 0.0
    snr_db: tuple[float, float] = (0.0, 30.0)
    overdrive: float = 0.0
    telephone: float = 0.0
    packet_loss: float = 0.0
    # Energy-adaptive mixup of two clips' audio at a random SNR (MLL, arXiv 2512.04551).
    energy_mixup: float = 0.0
    energy_mixup_db: tuple[float, float] = (-10.0, 10.0)
    # Log-mel.
    microphone_db: float = 0.0
    mel_shift: int = 0
    frequency_masks: int = 0
    frequency_mask_bands: int = 16
    time_masks: int = 0
    time_mask_frames: int = 40
    # Image transforms of DeepEmoNet, and mixup, on the batch.
    rotation_deg: float = 0.0
    zoom: float = 0.0
    brightness: float = 0.0
    mixup_alpha: float = 0.0


class Loss(_Strict):
    """The terms of the loss; a weight of 0 switches a term off.

    MLL (arXiv 2512.04551) is KL (`cross_entropy` on soft targets has the same gradient) + focal +
    centre + supervised contrastive.
    """

    cross_entropy: float = 1.0
    label_smoothing: float = 0.1
    # Weights inverse to the class frequencies among the drawn clips.
    class_weights: bool = False
    # Listeners' votes as targets where a corpus has them (CREMA-D).
    votes: bool = False
    # Softmax over only the classes that a clip's corpus has.
    restrict_softmax: bool = True
    # Classes that any corpus could have shown: a restricted softmax keeps them, so that they are
    # learned to be absent.
    never_excluded: tuple[Label, ...] = ()
    # KL divergence from the mean probabilities of the recipe's `teachers`.
    distillation: float = 0.0
    focal: float = 0.0
    focal_gamma: float = 2.0
    centre: float = 0.0
    contrastive: float = 0.0
    contrastive_temperature: float = 0.1
    # EmoSphere-SER (arXiv 2505.19693): 1 - CCC of valence, arousal and dominance, and the
    # cross-entropy of the sphere's regions, which fades out over the training.
    dimensions: float = 0.0
    regions: float = 0.0
    # EDRL (arXiv 2510.09072): each class's own block of features against the rest.
    one_vs_rest: float = 0.0


ModelKind = Literal[
    "resnet34",
    "resnet34-attention",
    "lstm",
    "cnn-lstm",
    "whisper-encoder",
    "svm-mfcc",
    "svm-egemaps",
    "ensemble",
]
SAME_FOLD = "fold:"


class Encoder(_Strict):
    """How a pre-trained speech encoder is used (model `whisper-encoder`).

    `frozen`: only the head is trained; its outputs, pooled or frame by frame, are computed once per
    clip and for the recipe's `copies`.
    `adapters`: low-rank additions of `rank` are trained with the head (LoRA). `full`: all of it is;
    `learning_rate` is that of its last block, and `layer_decay` times as much for each block below.
    `kept`: the head reads only what goes into the blocks above so many, and what these put out;
    of the two latter, the blocks below stay as they are: what they put out is computed once.
    `hidden` 0: the head is linear. `own`: features of each class's own block (EDRL), beside
    `hidden` shared ones; 0: none. `aligned`: components of the subspace that these blocks share
    with the input (MEA), on which the last layer is trained anew; 0: it is left as it was.
    """

    blocks: int = Field(default=6, ge=1, le=6)
    tune: Literal["frozen", "adapters", "full"] = "frozen"
    kept: int = Field(default=0, ge=0)
    pooling: Literal["statistics", "attentive", "self-attention"] = "statistics"
    hidden: int = Field(default=256, ge=0)
    own: int = Field(default=0, ge=0)
    aligned: int = Field(default=0, ge=0)
    rank: int = Field(default=8, gt=0)
    learning_rate: float = Field(default=1e-4, gt=0)
    layer_decay: float = Field(default=0.8, gt=0, le=1)

    @model_validator(mode="after")
    def _alignable(self) -> Self:
        if self.kept >= self.blocks:
            raise ValueError("kept blocks lie below others that the head reads")
        if self.own and not self.hidden:
            raise ValueError("blocks of each class stand beside hidden shared features")
        pooled = self.tune == "frozen" and self.pooling == "statistics"
        if self.aligned and not (self.own and pooled):
            raise ValueError("aligned needs own blocks on a frozen encoder's statistics")
        return self

    @property
    def cached(self) -> bool:
        """Whether what is trained reads outputs that can be kept."""
        return self.tune == "frozen" or self.kept > 0

    @property
    def layers(self) -> int:
        """How many outputs the head reads: what goes into the first block, and each block's."""
        return self.blocks - self.kept + 1

    @property
    def read(self) -> slice:
        """Which of the outputs that are kept it reads; of blocks that are tuned, the only one."""
        return slice(self.kept, self.blocks + 1) if self.tune == "frozen" else slice(None)


class Recipe(_Strict):
    """A whole run."""

    name: str
    # What the row says in reports.
    title: str = ""
    seed: int = 0
    model: ModelKind = "resnet34"
    encoder: Encoder = Encoder()
    # How examples are made: by worker processes clip by clip, as whole batches on the device, or
    # once: log-mels of each clip and of `copies` disturbed versions are kept, with the teachers'
    # answers, and only mixed and masked anew (in cells of the kept, shrunk images).
    examples: Literal["workers", "device", "kept"] = "workers"
    copies: int = Field(default=0, ge=0)
    # What the teachers of kept images answer: every copy, as it was before rooms, noise and
    # telephone lines; or the clip alone, of which their frozen encoder's outputs are kept.
    taught: Literal["copies", "clips"] = "copies"
    # Share of the training clips, those that reveal a speaker shortcut, that are also heard in a
    # converted voice (CO-VADA); on a frozen encoder's statistics.
    converted: float = Field(default=0.0, ge=0, le=1)
    # "random", "imagenet" (torchvision's weights), or the name of a recipe to start from: its own
    # run, or its run on the same fold if it is one of the teachers or written "fold:NAME".
    initial: str = "random"
    # Recipes whose runs on the same split an ensemble consists of, or a network is distilled from.
    teachers: tuple[str, ...] = ()
    # What an ensemble's members count: alike, or the surer one is of a window the more.
    weighting: Literal["equal", "certainty"] = "equal"
    front_end: LogMelSpec = LogMelSpec()
    window_s: float = 3.0
    corpora: dict[str, CorpusRecipe]
    stages: tuple[Stage, ...] = (Stage(epochs=1),)
    validate_every: int = Field(default=1, gt=0)
    batch_size: int = 32
    learning_rate: float = 1e-3
    # Share of all steps in which the one-cycle schedule rises to the learning rate.
    warmup: float = Field(default=0.15, gt=0, lt=1)
    weight_decay: float = 0.05
    dropout: float = 0.3
    ema_decay: float = 0.999
    # Share of validation windows that the abstention threshold lets through.
    coverage: float = 0.8
    # Where there are leave-one-corpus-out answers: the share of decided windows that must be right
    # on corpora never heard; they decide temperature and threshold then.
    decided_right: float = Field(default=0.7, gt=0, lt=1)
    loss: Loss = Loss()
    augmentation: Augmentation = Augmentation()

    @model_validator(mode="after")
    def _taught(self) -> Self:
        if (self.model == "ensemble" or self.loss.distillation > 0) != bool(self.teachers):
            raise ValueError("teachers are for an ensemble, or for loss.distillation above 0")
        if self.converted and not self.reads_statistics:
            raise ValueError("converted voices need a frozen encoder's statistics")
        if self.model == "whisper-encoder" and self.examples != "device":
            raise ValueError('whisper-encoder needs examples = "device"')
        if self.keeps_images and len({stage.shrink for stage in self.stages}) > 1:
            raise ValueError('examples = "kept" needs one shrink for all stages')
        if kept := MEASURED_ONLY & set(self.corpora):
            raise ValueError(f"{', '.join(sorted(kept))} is for measuring only, never for training")
        return self

    @property
    def takes_waveform(self) -> bool:
        """Whether the input is audio (also of networks made on the device, together)."""
        together = self.model == "ensemble" and self.examples != "workers"
        return self.model == "whisper-encoder" or together

    @property
    def cached(self) -> bool:
        """Whether training goes over kept outputs of a frozen encoder."""
        return self.model == "whisper-encoder" and self.encoder.cached

    @property
    def frozen(self) -> bool:
        """Whether training changes nothing of an encoder, so that a run holds none."""
        return self.cached and self.encoder.tune == "frozen"

    @property
    def reads_statistics(self) -> bool:
        """Whether training goes over pooled outputs of a frozen encoder."""
        return self.frozen and self.encoder.pooling == "statistics"

    @property
    def keeps_images(self) -> bool:
        """Whether training goes over kept, shrunk log-mels."""
        return self.examples == "kept" and not self.takes_waveform

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

    def shrink(self, epoch: int) -> tuple[int, int]:
        """The input shrink factors (mel bands, frames) of an epoch."""
        for stage in self.stages:
            if epoch < stage.epochs:
                return stage.shrink
            epoch -= stage.epochs
        raise IndexError("epoch beyond the last stage")


def _merge(base: dict[str, object], changes: dict[str, object]) -> dict[str, object]:
    merged = dict(base)
    for key, value in changes.items():
        old = merged.get(key)
        merged[key] = (
            _merge(old, value) if isinstance(old, dict) and isinstance(value, dict) else value
        )
    return merged


def _read(path: Path) -> dict[str, object]:
    with path.open("rb") as file:
        values: dict[str, object] = tomllib.load(file)
    base = values.pop("extends", None)
    if base is None:
        return values
    inherited = _read(path.with_name(f"{base}.toml"))
    inherited.pop("title", None)
    # A recipe that names its corpora means these alone.
    if "corpora" in values:
        inherited.pop("corpora", None)
    return _merge(inherited, values)


def load_recipe(path: Path) -> Recipe:
    """Read a recipe; its name is the file's.

    `extends = "other"` starts from the recipe of that name in the same folder; tables are merged,
    except `corpora`, which replaces the inherited one.

    Raises:
        pydantic.ValidationError: unknown or wrong settings.
    """
    return Recipe.model_validate({"name": path.stem, **_read(path)})


def starting_recipe(recipe: Recipe, folder: Path) -> Recipe | None:
    """The recipe of `folder` whose weights a recipe starts from; None if it is not another's."""
    if recipe.initial in ("random", "imagenet"):
        return None
    return load_recipe(folder / f"{recipe.initial.removeprefix(SAME_FOLD)}.toml")


def sources(recipe: Recipe, folder: Path) -> tuple[Recipe, ...]:
    """All recipes of `folder` that a recipe builds on: pre-training, teachers, and theirs."""
    start = starting_recipe(recipe, folder)
    direct = [start] if start else []
    direct += [load_recipe(folder / f"{name}.toml") for name in recipe.teachers]
    found = {one.name: one for one in direct}
    for one in direct:
        found |= {deeper.name: deeper for deeper in sources(one, folder)}
    return tuple(found.values())
