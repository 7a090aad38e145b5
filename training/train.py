"""The training loop: one state, one visible loop, a checkpoint after every epoch."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict
from pathlib import Path

import numpy as np
import torch
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn
from torch import nn
from torch.utils.tensorboard import SummaryWriter

from emolive.types import FloatArray
from training.batches import Batch, BatchTargets, epochs
from training.cache import AudioCache, CachedClip
from training.dataset import class_weights, cut_window, draw_epoch, window_features
from training.device import pick_device
from training.edrl import align
from training.encoder_outputs import EncoderOutputs, load_encoder
from training.heard import head_logits
from training.image_transforms import mixup, shrink_batch, transform_images
from training.imagenet import FILE as IMAGENET
from training.labels import INDEX, LABELS
from training.metrics import Scores, score, softmax
from training.models import EmotionNet, EncoderBody, LayerMix, build_model
from training.recipe import Recipe
from training.splits import Split
from training.state import CHECKPOINT, State, new_state
from training.teachers import Teacher, taught_probabilities

HISTORY = "history.jsonl"


def train_epoch(
    state: State,
    batches: Iterable[Batch],
    recipe: Recipe,
    teachers: Sequence[Teacher] = (),
) -> tuple[float, float]:
    """One epoch; returns the mean loss, and the accuracy on the augmented, labelled windows."""
    device = next(state.model.parameters()).device
    state.model.train()
    # Dropout, too, must not know whether the run was interrupted before this epoch.
    torch.manual_seed(np.random.SeedSequence((recipe.seed, state.epoch)).generate_state(1).item())
    settings, factors = recipe.augmentation, recipe.shrink(state.epoch)
    total, right = torch.zeros((), device=device), torch.zeros((), device=device)
    count, labelled = 0, torch.zeros((), device=device)
    for step, (x, targets, allowed, heard, taught, ready) in enumerate(batches):
        rng = np.random.default_rng((recipe.seed, state.epoch, step))
        # Teachers see the same picture, turned and mixed alike; audio is mixed already.
        views = x if heard is None or ready else torch.cat([x, heard], dim=1)
        if not recipe.takes_waveform:
            views = transform_images(views, settings, rng)
        if settings.mixup_alpha and not ready:
            views, targets, allowed = mixup(views, targets, allowed, settings.mixup_alpha, rng)
        x = views[:, :1]
        if heard is not None and not ready:
            heard = views[:, 1:]
        if heard is not None:
            taught = taught_probabilities(teachers, heard)
        if not recipe.takes_waveform:
            x = shrink_batch(x, (1, 1) if recipe.keeps_images else factors)
            x = x.contiguous(memory_format=torch.channels_last)
        with torch.autocast(device.type, torch.bfloat16):
            embeddings = state.model.embed(x)
            logits = state.model.head(state.model.dropout(embeddings))
        loss = state.loss(logits, embeddings, targets, allowed, taught)
        more = state.model.auxiliary(embeddings, targets, allowed, state.progress)
        if more is not None:
            loss = loss + more
        state.optimiser.zero_grad(set_to_none=True)
        loss.backward()
        nn.utils.clip_grad_norm_(state.model.parameters(), 5.0)
        state.optimiser.step()
        state.schedule.step()
        state.ema.update_parameters(state.model)
        total, count = total + loss.detach(), count + 1
        known = targets.sum(1) > 0
        right += ((logits.argmax(1) == targets.argmax(1)) & known).sum()
        labelled += known.sum()
    state.epoch += 1
    return float(total) / max(1, count), float(right) / max(1.0, float(labelled))


@torch.inference_mode()
def predict(model: nn.Module, features: FloatArray, factors: tuple[int, int]) -> FloatArray:
    """Logits ``(n, 8)`` of `n` windows as `window_features` gives them."""
    device = next(model.parameters()).device
    x = torch.from_numpy(features)[:, None].to(device)
    if x.ndim == 4:
        x = shrink_batch(x, factors).contiguous(memory_format=torch.channels_last)
    with torch.autocast(device.type, torch.bfloat16):
        logits = model(x)
    answers: FloatArray = logits.float().cpu().numpy()
    return answers


@torch.no_grad()
def standardise(state: State, outputs: EncoderOutputs, clips: tuple[CachedClip, ...]) -> None:
    """Give a fresh head the mean and deviation of the training clips' encoder statistics.

    Of every so many clips where the statistics are those of a block that is to be tuned.
    """
    body = state.model.body
    assert isinstance(body, EncoderBody)
    statistics = outputs.of(clips if body.encoder is None else clips[:: len(clips) // 512 + 1])
    if body.encoder is not None:
        parts = [body.encoder.upper(some[:, 0], body.kept) for some in torch.split(statistics, 64)]
        statistics = torch.cat([body.pool(part) for part in parts])
    for model in (state.model, state.ema.module):
        mix = model.get_submodule("body.mix")
        assert isinstance(mix, LayerMix)
        mix.standardise(statistics)


def answerer(model: nn.Module, cache: AudioCache, recipe: Recipe) -> nn.Module:
    """The network that answers windows: a head of kept statistics gets its encoder.

    It shares the weights of `model`.
    """
    if not recipe.frozen:
        return model
    assert isinstance(model, EmotionNet)
    device = next(model.parameters()).device
    whole = build_model(recipe, encoder=load_encoder(cache, recipe)).to(device).eval()
    assert isinstance(whole.body, EncoderBody)
    assert isinstance(model.body, EncoderBody)
    whole.body.mix, whole.body.hidden, whole.head = model.body.mix, model.body.hidden, model.head
    return whole


def predict_clips(
    model: nn.Module,
    cache: AudioCache,
    clips: tuple[CachedClip, ...],
    recipe: Recipe,
    factors: tuple[int, int],
) -> FloatArray:
    """Logits of the centre window of each clip, ``(n, n_classes)``; a head hears what is kept."""
    model.eval()
    if recipe.cached and clips:
        device = next(model.parameters()).device
        return head_logits(model, EncoderOutputs(cache, recipe, device).of(clips))
    rows = [np.zeros((0, len(LABELS)), np.float32)]
    for start in range(0, len(clips), 32):
        cuts = [
            cut_window(cache.samples(c), recipe.window_samples, 0.5)
            for c in clips[start : start + 32]
        ]
        rows.append(predict(model, np.stack([window_features(c, recipe) for c in cuts]), factors))
    return np.concatenate(rows)


def score_by_corpus(logits: FloatArray, clips: tuple[CachedClip, ...]) -> dict[str, Scores]:
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
    device = pick_device()
    drawn = draw_epoch(split.train, recipe, 0)
    weights = class_weights(drawn) if recipe.loss.class_weights else torch.ones(len(LABELS))
    steps = len(drawn) // recipe.batch_size
    encoder = load_encoder(cache, recipe) if recipe.takes_waveform and not recipe.frozen else None
    imagenet = cache.folder / IMAGENET if recipe.initial == "imagenet" else None
    state = new_state(recipe, steps, weights, device, initial, encoder, imagenet)
    if recipe.cached and recipe.encoder.pooling == "statistics" and initial is None:
        standardise(state, EncoderOutputs(cache, recipe, device), split.train)
    if (folder / CHECKPOINT).is_file():
        state.load(folder / CHECKPOINT)
        console.print(f"continuing after epoch {state.epoch}")
    if state.epoch >= recipe.epochs:
        return state
    epoch_batches = epochs(cache, recipe, split, device, teachers, workers)
    with _progress(console) as progress, SummaryWriter(folder) as writer:
        done = progress.add_task("epochs", total=recipe.epochs, completed=state.epoch)
        while state.epoch < recipe.epochs:
            factors = recipe.shrink(state.epoch)
            batches = progress.track(
                epoch_batches(state.epoch), steps, description=f"epoch {state.epoch + 1}"
            )
            loss, accuracy = train_epoch(state, batches, recipe, teachers)
            if recipe.encoder.aligned and state.epoch == recipe.epochs:
                statistics = EncoderOutputs(cache, recipe, device).of(split.train)
                targets, allowed = BatchTargets(recipe, split.train, device)(split.train)
                averaged = state.ema.module
                assert isinstance(averaged, EmotionNet)
                align(averaged, statistics, targets, allowed, recipe.encoder.aligned)
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
            progress.update(done, completed=state.epoch)
    return state
