"""The models that come with the program, and the one way from a choice to a model's file."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from emolive.baseline.measured import MEASURED, Measured
from emolive.errors import ModelError
from emolive.i18n import mark
from emolive.inference.adapted_file import SUFFIX, Base, adapted_path, lacks_ending
from emolive.inference.model_files import ModelFiles, read_metadata
from emolive.resources import asset


@dataclass(frozen=True, slots=True)
class BundledModel:
    """One of them: how it is called, its file and card, and what it is for, in a sentence."""

    name: str
    file: str
    about: str

    @property
    def path(self) -> Path:
        """Its file.

        Raises:
            EmoliveError: it is missing.
        """
        return asset(self.file)

    @property
    def measured(self) -> Measured | None:
        """What adapting to a source led to with it; None: there is nothing to tell."""
        return MEASURED.get(Path(self.file).stem)

    @property
    def card(self) -> Path:
        """Its model card.

        Raises:
            EmoliveError: it is missing.
        """
        return asset(str(Path(self.file).with_suffix(".md")))


# The first one is used where none is chosen: it is right more often on the average corpus that was
# left out of training, decides far more of them, and two live channels take a twentieth of two
# cores.
BUNDLED = (
    BundledModel(
        "accurate",
        "emolive-whisper.onnx",
        mark("Whisper's encoder, adapted; right more often, six to seven times the work."),
    ),
    BundledModel(
        "fast",
        "emolive-resnet34.onnx",
        mark(
            "A ResNet34 that learned from it, on log-mel; the least work, for many calls at once; "
            "shows probabilities and decides nothing unless you set a threshold of your own."
        ),
    ),
)


def base_title(base: Base) -> str:
    """How people know the model underneath an adapted one: as it is chosen, or by its name."""
    return base.choice if base.choice in {one.name for one in BUNDLED} else base.name


def bundled_model(choice: Path | None) -> BundledModel | None:
    """The bundled model that is meant: by its name, by None the usual one; otherwise None."""
    if choice is None:
        return BUNDLED[0]
    return next((one for one in BUNDLED if str(choice) == one.name), None)


def bundled_by_fingerprint(fingerprint: str) -> BundledModel | None:
    """The bundled model whose content has this fingerprint (of a loaded model's metadata)."""
    for one in BUNDLED:
        told = read_metadata(one.path)
        loaded = told.model_copy(update={"weights": ModelFiles.of(one.path).sha256})
        if loaded.fingerprint == fingerprint:
            return one
    return None


def model_path(choice: Path | None) -> Path:
    """The file of a choice: a bundled or an adapted model's name, a file, or None for the usual.

    Raises:
        EmoliveError: a bundled model's file is missing, there is no model of that name, or an
            adapted model's file has lost its ending.
    """
    bundled = bundled_model(choice)
    if bundled is not None:
        return bundled.path
    assert choice is not None
    adapted = adapted_path(str(choice))
    if adapted is not None and adapted.is_file():
        return adapted
    if not choice.suffix and choice.name == str(choice) and not choice.exists():
        raise ModelError(
            "There is no model {choice}: `emolive models` lists those there are; an ONNX "
            "file is named with its ending.",
            choice=choice,
        )
    if lacks_ending(choice):
        name = choice.name.removesuffix(choice.suffix).removesuffix(SUFFIX)
        raise ModelError(
            "{file} holds a model that was taught, whose name has to end in {ending}: rename "
            "it to {renamed}.",
            file=choice.name,
            ending=SUFFIX,
            renamed=name + SUFFIX,
        )
    return choice
