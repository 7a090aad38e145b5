"""Train and measure every row of a study that has no result yet.

Several of these may run side by side on one machine: each fold is claimed by a file with the
process's number, and a claim whose process is gone is taken over, continuing from its checkpoint.
"""

from __future__ import annotations

import json
import os
import time
import tomllib
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import psutil
import torch
from pydantic import BaseModel, ConfigDict
from torch import nn
from torch.utils.flop_counter import FlopCounterMode

from emolive.types import FloatArray
from training.cache import AudioCache, CachedClip, fingerprint
from training.emosphere import SphereNet
from training.encoder_outputs import EncoderOutputs
from training.evaluate import (
    clip_probabilities,
    conditions,
    labels_of,
    votes_of,
    window_logits,
)
from training.heard import HeardOutputs
from training.image_transforms import shrink_batch
from training.imagenet import WeightsUnavailableError
from training.labels import LABELS
from training.protocols import Fold, Protocol, folds
from training.recipe import SAME_FOLD, Recipe, load_recipe, starting_recipe
from training.results import (
    NOT_RUN,
    FoldResult,
    is_finished,
    load_result,
    own_folder,
    result_folder,
)
from training.splits import Split, noise_clips, split_clips
from training.teachers import Teacher, average, load_teacher
from training.train import HISTORY, answerer, predict, predict_clips, train

_CLAIM = "claimed-by"
# Clip-level answers are several windows each: these conditions are what the tables compare.
CLIP_CONDITIONS = ("clean", "telephone")
# What rows for a computer without a graphics card answer, centre windows alone; where the table is
# not about noise, clean ones.
QUICK_CONDITIONS = ("clean", "telephone", "noise 20 dB", "noise 10 dB", "noise 0 dB")


class Row(BaseModel):
    """One line of the study: a recipe, and which folds of which protocols it is measured on.

    `folds` limits a protocol to its first folds (all where absent). `group` and `base` place the
    row in the report: an ablation is compared with `base` on the folds that both have.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    recipe: str
    group: str = "models"
    base: str | None = None
    folds: dict[Protocol, int]
    # Centre windows alone are answered: what two processor cores do quickly.
    quick: bool = False


@dataclass(frozen=True, slots=True)
class Study:
    """The rows, in the order in which they are to be run."""

    rows: tuple[Row, ...]
    recipes: Path

    def recipe(self, name: str) -> Recipe:
        """A recipe of the study's folder."""
        return load_recipe(self.recipes / f"{name}.toml")


def load_study(path: Path) -> Study:
    """Read a study: `[[row]]` tables; recipes are in `recipes` beside it."""
    with path.open("rb") as file:
        rows = tomllib.load(file)["row"]
    return Study(tuple(Row.model_validate(row) for row in rows), path.parent / "recipes")


@contextmanager
def _claim(folder: Path) -> Iterator[bool]:
    """Whether this process may work in `folder`; nobody else does meanwhile."""
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / _CLAIM
    if path.exists():
        owner = path.read_text(encoding="utf-8").strip()
        if owner.isdigit() and psutil.pid_exists(int(owner)):
            yield False
            return
        path.unlink(missing_ok=True)
    try:
        with path.open("x", encoding="utf-8") as file:
            file.write(str(os.getpid()))
    except FileExistsError:
        yield False
        return
    try:
        yield True
    finally:
        path.unlink(missing_ok=True)


def train_own(
    cache: AudioCache, recipe: Recipe, recipes: Path, runs: Path, *, workers: int = 1
) -> Path:
    """Train a recipe on its own split, and before it whatever it builds on; its run's folder.

    An ensemble is trained when its members are: its folder stays empty.
    """
    initial = _initial(cache, recipe, recipes, runs, workers)
    taught = [load_recipe(recipes / f"{name}.toml") for name in recipe.teachers]
    trained = [train_own(cache, t, recipes, runs, workers=workers) for t in taught]
    folder, split = own_folder(runs, recipe.name), split_clips(cache.clips, recipe)
    if recipe.model == "ensemble":
        return folder
    teachers = [load_teacher(run, t, cache, recipe) for run, t in zip(trained, taught, strict=True)]
    train(cache, recipe, split, folder, initial=initial, teachers=teachers, workers=workers)
    return folder


def _initial(
    cache: AudioCache, recipe: Recipe, recipes: Path, runs: Path, workers: int
) -> Path | None:
    """The run whose weights a recipe starts from, trained if it must be."""
    start = starting_recipe(recipe, recipes)
    return train_own(cache, start, recipes, runs, workers=workers) if start else None


def _cost(model: nn.Module, recipe: Recipe) -> dict[str, Any]:
    """Parameters, and floating-point operations of one window."""
    if recipe.takes_waveform:
        x, model = torch.zeros(1, 1, recipe.window_samples), model.cpu()
    else:
        # Double precision, for which there is no fused LSTM: the counter cannot look into that.
        x = torch.zeros(1, 1, recipe.front_end.n_mels, recipe.n_frames, dtype=torch.float64)
        x, model = shrink_batch(x, recipe.stages[-1].shrink), model.cpu().double()
    with FlopCounterMode(display=False) as counter, torch.inference_mode():
        model.eval()(x)
    return {
        "parameters": sum(p.numel() for p in model.parameters()),
        "flops": counter.get_total_flops(),
    }


def answer_fold(
    cache: AudioCache,
    recipe: Recipe,
    fold: Fold,
    folder: Path,
    initial: Path | None,
    teachers: Sequence[Teacher],
    workers: int,
    *,
    only: Sequence[str] = (),
) -> FoldResult:
    """Train a network on a fold, and let it answer the test clips in every condition.

    `only`: centre windows alone, in these conditions.
    """
    started = time.perf_counter()
    state = train(
        cache, recipe, fold.split, folder, initial=initial, teachers=teachers, workers=workers
    )
    seconds = time.perf_counter() - started
    net = state.ema.module.eval()
    factors, test = recipe.stages[-1].shrink, fold.split.test
    device = next(net.parameters()).device

    def ask(features: FloatArray) -> FloatArray:
        return predict(net, features, factors)

    disturbances = conditions(noise_clips(cache.clips), cache, recipe.front_end.sampling_rate)
    whole = () if only else CLIP_CONDITIONS
    if only:
        disturbances = {name: d for name, d in disturbances.items() if name in only}
    if recipe.cached:
        heard = HeardOutputs(cache, recipe, test, device)
        windows = {k: heard.window_logits(net, d, k) for k, d in disturbances.items()}
        clips = {k: heard.clip_probabilities(net, disturbances[k], k) for k in whole}
    else:
        windows = {
            name: window_logits(ask, cache, test, recipe, disturb, name)
            for name, disturb in disturbances.items()
        }
        clips = {
            name: clip_probabilities(
                ask, cache, test, recipe, 1.0, disturbances[name], name
            ).astype(np.float32)
            for name in whole
        }
    validation = predict_clips(net, cache, fold.split.validation, recipe, factors)
    history = (folder / HISTORY).read_text(encoding="utf-8")
    about = _cost(answerer(net, cache, recipe), recipe) | {
        "seconds": round(seconds, 1),
        "device": device.type,
        "history": [json.loads(line) for line in history.splitlines()],
    }
    return FoldResult(
        about,
        names=tuple(c.name for c in test),
        labels=labels_of(test),
        corpora=tuple(c.corpus for c in test),
        speakers=tuple(c.speaker for c in test),
        genders=tuple(c.gender for c in test),
        window_logits=windows,
        clip_probabilities=clips,
        validation_logits=validation,
        validation_labels=labels_of(fold.split.validation),
        votes=votes_of(test),
        dimensions=_places(net, cache, test, recipe) if isinstance(net, SphereNet) else None,
    )


def _places(
    net: SphereNet, cache: AudioCache, clips: tuple[CachedClip, ...], recipe: Recipe
) -> FloatArray:
    """Valence, arousal and dominance of each clip's centre window, ``(n, 3)``."""
    device = next(net.parameters()).device
    if recipe.cached:
        with torch.inference_mode():
            return net.place(EncoderOutputs(cache, recipe, device).of(clips)[:, None]).numpy(
                force=True
            )

    def ask(features: FloatArray) -> FloatArray:
        with torch.inference_mode(), torch.autocast(device.type, torch.bfloat16):
            found = net.place(torch.from_numpy(features)[:, None].to(device))
            return found.float().numpy(force=True)

    return window_logits(ask, cache, clips, recipe, description="Dimensions")


def describe(recipe: Recipe, fold: Fold) -> dict[str, Any]:
    """What identifies a result."""
    split: Split = fold.split
    return {
        "recipe": recipe.name,
        "title": recipe.title or recipe.name,
        "settings": recipe.model_dump(mode="json"),
        "labels": list(LABELS),
        "fold": fold.name,
        "n_train": len(split.train),
        "train_fingerprint": fingerprint(split.train),
        "test_fingerprint": fingerprint(split.test),
    }


@dataclass(frozen=True, slots=True)
class _Job:
    """One fold of one row."""

    cache: AudioCache
    study: Study
    recipe: Recipe
    protocol: Protocol
    fold: Fold
    runs: Path
    workers: int
    quick: bool = False

    def __str__(self) -> str:
        return f"{self.recipe.name}, {self.protocol}, {self.fold.name}"

    @property
    def folder(self) -> Path:
        return result_folder(self.runs, self.recipe.name, self.protocol, self.fold.name)

    @property
    def only(self) -> tuple[str, ...]:
        """The conditions that a quick row answers; none: all, and whole clips."""
        noisy = self.protocol == "speaker-independent"
        return (QUICK_CONDITIONS if noisy else ("clean",)) if self.quick else ()

    @property
    def members(self) -> dict[str, Path]:
        """The runs of the recipe's teachers on this fold."""
        return {
            name: result_folder(self.runs, name, self.protocol, self.fold.name)
            for name in self.recipe.teachers
        }

    @property
    def sources(self) -> dict[str, Path]:
        """The runs on this fold that it needs: its teachers', and what it starts from."""
        start = self.recipe.initial
        if not start.startswith(SAME_FOLD):
            return self.members
        name = start.removeprefix(SAME_FOLD)
        run = result_folder(self.runs, name, self.protocol, self.fold.name)
        return self.members | {name: run}

    def answer(self) -> FoldResult:
        """The fold's answers, by whichever means the recipe's kind of model has."""
        recipe, recipes = self.recipe, self.study.recipes
        if recipe.model == "ensemble":
            members = [load_result(run) for run in self.members.values()]
            return average(members, by_certainty=recipe.weighting == "certainty")
        if recipe.model.startswith("svm"):
            from training import baselines

            return baselines.answer_fold(self.cache, recipe, self.fold, self.folder)
        # What learned from this very fold has heard none of its test speakers.
        initial = self.sources.get(recipe.initial.removeprefix(SAME_FOLD)) or _initial(
            self.cache, recipe, recipes, self.runs, self.workers
        )
        teachers = [
            load_teacher(run, self.study.recipe(name), self.cache, recipe)
            for name, run in self.members.items()
        ]
        return answer_fold(
            self.cache, recipe, self.fold, self.folder, initial, teachers, self.workers,
            only=self.only,
        )  # fmt: skip


def _jobs(cache: AudioCache, study: Study, runs: Path, workers: int) -> Iterator[_Job]:
    for row in study.rows:
        recipe = study.recipe(row.recipe)
        for protocol, wanted in row.folds.items():
            for fold in folds(protocol, cache.clips, recipe)[:wanted]:
                yield _Job(cache, study, recipe, protocol, fold, runs, workers, row.quick)


def run_study(
    cache: AudioCache,
    study: Study,
    runs: Path,
    *,
    workers: int = 1,
    say: Callable[[str], None] = print,
) -> None:
    """Train and measure all that is missing, in the order of the rows.

    What cannot be had (ImageNet weights that nobody fetched) is said and left out, and so is a
    student whose teachers another process still trains: the next call trains it.
    """
    for job in _jobs(cache, study, runs, workers):
        with _claim(job.folder) as mine:
            if not mine or is_finished(job.folder):
                continue
            if late := [name for name, run in job.sources.items() if not is_finished(run)]:
                say(f"{job}: waits for {', '.join(late)}")
                continue
            say(str(job))
            try:
                result = job.answer()
            except WeightsUnavailableError as error:
                say(f"not run: {error}")
                (job.folder / NOT_RUN).write_text(str(error), encoding="utf-8")
                continue
            result.about.update(describe(job.recipe, job.fold), protocol=job.protocol)
            result.save(job.folder)
            (job.folder / NOT_RUN).unlink(missing_ok=True)
