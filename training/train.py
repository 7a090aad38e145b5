"""The training loop: one state, one visible loop, a checkpoint after every epoch."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict
from pathlib import Path

import numpy as np
import torch
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn
from torch import nn
from torch.utils.data import DataLoader
from torch.utils.tensorboard import SummaryWriter

from training.cache import AudioCache, CachedClip
from training.dataset import TrainingSet, class_weights, cut_window, draw_epoch, window_features
from training.image_transforms import mixup, shrink_batch, transform_images
from training.labels import INDEX, LABELS
from training.metrics import Scores, score, softmax
from training.recipe import Recipe
from training.splits import Split, noise_clips
from training.state import CHECKPOINT, State, new_state
from training.teachers import Teacher, taught_probabilities

HISTORY = "history.jsonl"


def train_epoch(
    state: State,
    batches: Iterator[list[torch.Tensor]],
    recipe: Recipe,
    teachers: Sequence[Teacher] = (),
) -> tuple[float, float]:
    """One epoch; returns the mean loss, and the accuracy on the augmented, labelled windows."""
    device = next(state.model.parameters()).device
    state.model.train()
    # Dropout, too, must not know whether the run was interrupted before this epoch.
    torch.manual_seed(np.random.SeedSequence((recipe.seed, state.epoch)).generate_state(1).item())
    settings, factors = recipe.augmentation, recipe.shrink(state.epoch)
    total, count, right, labelled = 0.0, 0, 0, 0
    for step, (x, targets, allowed) in enumerate(batches):
        rng = np.random.default_rng((recipe.seed, state.epoch, step))
        x, targets, allowed = x.to(device), targets.to(device), allowed.to(device)
        x = transform_images(x, settings, rng)
        if settings.mixup_alpha:
            x, targets, allowed = mixup(x, targets, allowed, settings.mixup_alpha, rng)
        taught = taught_probabilities(teachers, x[:, 1:]) if teachers else None
        x = shrink_batch(x[:, :1], factors).contiguous(memory_format=torch.channels_last)
        with torch.autocast(device.type, torch.bfloat16):
            embeddings = state.model.embed(x)
            logits = state.model.head(state.model.dropout(embeddings))
        loss = state.loss(logits, embeddings, targets, allowed, taught)
        state.optimiser.zero_grad(set_to_none=True)
        loss.backward()
        nn.utils.clip_grad_norm_(state.model.parameters(), 5.0)
        state.optimiser.step()
        state.schedule.step()
        state.ema.update_parameters(state.model)
        total, count = total + float(loss.detach()), count + 1
        known = targets.sum(1) > 0
        right += int(((logits.argmax(1) == targets.argmax(1)) & known).sum())
        labelled += int(known.sum())
    state.epoch += 1
    return total / max(1, count), right / max(1, labelled)


@torch.inference_mode()
def predict(model: nn.Module, features: np.ndarray, factors: tuple[int, int]) -> np.ndarray:
    """Logits ``(n, 8)`` of normalised log-mel windows ``(n, n_mels, n_frames)``."""
    device = next(model.parameters()).device
    x = shrink_batch(torch.from_numpy(features)[:, None].to(device), factors)
    with torch.autocast(device.type, torch.bfloat16):
        logits = model(x.contiguous(memory_format=torch.channels_last))
    return logits.float().cpu().numpy()


def predict_clips(
    model: nn.Module,
    cache: AudioCache,
    clips: tuple[CachedClip, ...],
    recipe: Recipe,
    factors: tuple[int, int],
) -> np.ndarray:
    """Logits of the centre window of each clip, ``(n, n_classes)``."""
    model.eval()
    rows = [np.zeros((0, len(LABELS)), np.float32)]
    for start in range(0, len(clips), 32):
        cuts = [
            cut_window(cache.samples(c), recipe.window_samples, 0.5)
            for c in clips[start : start + 32]
        ]
        rows.append(predict(model, np.stack([window_features(c, recipe) for c in cuts]), factors))
    return np.concatenate(rows)


def score_by_corpus(logits: np.ndarray, clips: tuple[CachedClip, ...]) -> dict[str, Scores]:
    """Scores per corpus of one row of logits per clip."""
    labels = np.array([INDEX[c.emotion] for c in clips if c.emotion is not None])
    probabilities = softmax(logits)
    corpora = np.array([c.corpus for c in clips])
    return {
        name: score(probabilities[corpora == name], labels[corpora == name])
        for name in dict.fromkeys(c.corpus for c in clips)
    }


@contextmanager
def _progress(console: Console) -> Iterator[Progress]:
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn())
    with Progress(*columns, TimeRemainingColumn(), console=console) as progress:
        yield progress


def train(
    cache: AudioCache,
    recipe: Recipe,
    split: Split,
    folder: Path,
    *,
    initial: Path | None = None,
    teachers: Sequence[Teacher] = (),
    workers: int = 1,
) -> State:
    """Train to the end of the recipe, continuing from `folder`'s checkpoint if there is one.

    Writes `checkpoint.pt`, TensorBoard events and `history.jsonl` (one line an epoch).
    """
    console = Console(stderr=True)
    folder.mkdir(parents=True, exist_ok=True)
    noise = noise_clips(cache.clips)
    device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
    drawn = draw_epoch(split.train, recipe, 0)
    weights = class_weights(drawn) if recipe.loss.class_weights else torch.ones(len(LABELS))
    steps = len(drawn) // recipe.batch_size
    state = new_state(recipe, steps, weights, device, initial)
    if (folder / CHECKPOINT).is_file():
        state.load(folder / CHECKPOINT)
        console.print(f"continuing after epoch {state.epoch}")
    with _progress(console) as progress, SummaryWriter(folder) as writer:
        epochs = progress.add_task("epochs", total=recipe.epochs, completed=state.epoch)
        while state.epoch < recipe.epochs:
            factors = recipe.shrink(state.epoch)
            examples = draw_epoch(split.train, recipe, state.epoch)
            data = TrainingSet(cache, examples, split.train, noise, recipe)
            loader = DataLoader(data, recipe.batch_size, num_workers=workers, drop_last=True)
            batches = progress.track(loader, description=f"epoch {state.epoch + 1}")
            loss, accuracy = train_epoch(state, iter(batches), recipe, teachers)
            state.save(folder / CHECKPOINT)
            scores: dict[str, Scores] = {}
            if state.epoch % recipe.validate_every == 0 or state.epoch == recipe.epochs:
                logits = predict_clips(state.ema.module, cache, split.validation, recipe, factors)
                scores = score_by_corpus(logits, split.validation)
            row = {
                "epoch": state.epoch,
                "loss": loss,
                "train_accuracy": accuracy,
                "shrink": factors,
                "validation": {name: asdict(values) for name, values in scores.items()},
            }
            with (folder / HISTORY).open("a", encoding="utf-8") as history:
                history.write(json.dumps(row) + "\n")
            writer.add_scalar("train/loss", loss, state.epoch)
            writer.add_scalar("train/accuracy", accuracy, state.epoch)
            for name, values in scores.items():
                writer.add_scalar(f"validation/{name}/uar", values.uar, state.epoch)
            summary = ", ".join(f"{name} UAR {s.uar:.3f}" for name, s in scores.items())
            console.print(
                f"epoch {state.epoch}: loss {loss:.3f}, accuracy {accuracy:.3f}; "
                f"validation {summary or 'not due'}"
            )
            progress.update(epochs, completed=state.epoch)
    return state
