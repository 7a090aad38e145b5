"""Finished model files: opened as what they are, and for the recipe that made them."""

from __future__ import annotations

from pathlib import Path

from emolive.errors import EmoliveError
from emolive.inference.classifier import OnnxClassifier
from emolive.inference.model_files import GPU_SUFFIX, ModelFiles, read_metadata
from training.recipe import Recipe


def open_exported(path: Path) -> OnnxClassifier:
    """This very file, not its twin: on the CPU, or on CUDA where there is one if it is for GPUs.

    Raises:
        EmoliveError: it cannot be used, or without CUDA its twin would run.
    """
    for_gpus = path.name.endswith(GPU_SUFFIX)
    classifier = OnnxClassifier(path, "auto" if for_gpus else "cpu")
    if classifier.file == path:
        return classifier
    classifier.close()
    raise EmoliveError(
        f"{path.name} cannot be measured without CUDA: {ModelFiles.of(path).cpu.name} beside it "
        "would run; copy it elsewhere to measure it on the CPU."
    )


def check_recipe(path: Path, recipe: Recipe) -> None:
    """See that a file is not of another recipe: other speakers would be held out.

    Raises:
        EmoliveError: it is, or says nothing of itself.
    """
    made_of = read_metadata(path).provenance.get("recipe", recipe.name)
    if made_of != recipe.name:
        raise EmoliveError(
            f"{path.name} was made of the recipe {made_of}, not of {recipe.name}: name "
            f"{made_of}.toml, or the file that {recipe.name} was exported to."
        )


def check_place(path: Path) -> None:
    """See that a file for GPUs would not stand beside another network's file.

    Raises:
        EmoliveError: it would.
    """
    files = ModelFiles.of(path)
    if files.cuda == path and files.cpu != path:
        raise EmoliveError(
            f"{files.cpu.name} is beside {path.name}, whose file for GPUs this would be: export "
            "both with --gpu-twin, or give another --out."
        )
