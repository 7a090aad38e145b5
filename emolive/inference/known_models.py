"""A model by what it calls itself, without loading it."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from emolive.errors import EmoliveError, ModelError
from emolive.inference.adapted import adapted_metadata
from emolive.inference.adapted_file import adapted_names, is_adapted, read_adapted
from emolive.inference.bundled import BUNDLED, model_path
from emolive.inference.metadata import ModelMetadata
from emolive.inference.model_files import ModelFiles, read_metadata


def described(path: Path) -> ModelMetadata:
    """What a model file says about itself, as it does once it is loaded.

    Raises:
        EmoliveError: it cannot be read, or its base is missing.
    """
    if is_adapted(path):
        model = read_adapted(path)
        return adapted_metadata(described(model_path(Path(model.base.choice))), model)
    files = ModelFiles.of(path)
    return read_metadata(files.cpu).model_copy(update={"weights": files.sha256})


def called(name: str, file: Path | None = None) -> ModelMetadata:
    """The model that calls itself so: `file` (as a model is chosen), a bundled or an adapted one.

    Raises:
        ModelError: there is none.
        EmoliveError: `file` cannot be used.
    """
    if file is not None:
        given = described(model_path(file))
        if given.name != name:
            raise ModelError(
                "{file} is not the model {name}: give that one.", file=file.name, name=name
            )
        return given
    for one in _here():
        if one.name == name:
            return one
    raise ModelError(
        "The model {name} is neither among the bundled ones nor among your own: give its file "
        "with --model.",
        name=name,
    )


def _here() -> Iterator[ModelMetadata]:
    for choice in (*(one.name for one in BUNDLED), *adapted_names()):
        try:
            yield described(model_path(Path(choice)))
        except EmoliveError:  # of one that nobody asked for
            continue
