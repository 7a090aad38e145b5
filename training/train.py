"""The training loop: one State, one visible loop, a checkpoint after every epoch."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np
import torch
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn
from torch import nn
from torch.optim.lr_scheduler import OneCycleLR
from torch.optim.swa_utils import AveragedModel, get_ema_multi_avg_fn
from torch.utils.data import DataLoader
from torch.utils.tensorboard import SummaryWriter

from training.cache import AudioCache, CachedClip
from training.dataset import TrainingSet, class_weights, cut_window, draw_epoch, window_features
from training.image_transforms import mixup, shrink_batch, transform_images
from training.labels import INDEX, LABELS
from training.losses import EmotionLoss
from training.metrics import Scores, score, softmax
from training.models import EmotionNet, build_model
from training.recipe import Recipe
from training.splits import Split, noise_clips

CHECKPOINT = "checkpoint.pt"
HISTORY = "history.jsonl"


@dataclass(slots=True)
class State:
    """Everything that a resumed run needs."""

    model: EmotionNet
    loss: EmotionLoss
    ema: AveragedModel
    optimiser: torch.optim.Optimizer
    schedule: OneCycleLR
    epoch: int = 0

    def save(self, path: Path) -> None:
        """Write atomically: a killed run keeps its last checkpoint."""
        temporary = path.with_suffix(".tmp")
        torch.save(
            {
                "model": self.model.state_dict(),
                "loss": self.loss.state_dict(),
                "ema": self.ema.state_dict(),
                "optimiser": self.optimiser.state_dict(),
                "step": self.schedule.last_epoch,
                "epoch": self.epoch,
            },
            temporary,
        )
        temporary.replace(path)

    def load(self, path: Path) -> None:
        """Continue from a checkpoint."""
        saved = torch.load(path, weights_only=True)
        self.model.load_state_dict(saved["model"])
        self.loss.load_state_dict(saved["loss"])
        self.ema.load_state_dict(saved["ema"])
        self.optimiser.load_state_dict(saved["optimiser"])
        # The position only: a recipe whose epochs were changed gets its own curve.
        self.schedule.last_epoch = saved["step"]
        self.epoch = saved["epoch"]


def averaged_weights(run: Path) -> dict[str, torch.Tensor]:
    """The averaged (EMA) weights in a run's checkpoint.

    Raises:
        FileNotFoundError: the run has no checkpoint.
    """
    saved = torch.load(run / CHECKPOINT, weights_only=True, map_location="cpu")["ema"]
    prefix = "module."
    return {k.removeprefix(prefix): v for k, v in saved.items() if k.startswith(prefix)}


def new_state(
    recipe: Recipe,
    steps_per_epoch: int,
    weights: torch.Tensor,
    device: torch.device,
    initial: Path | None = None,
) -> State:
    """A state at the start of a recipe, under its seed.

    Args:
        recipe: what to build.
        steps_per_epoch: of the one-cycle schedule.
        weights: class weights of the loss, ``(8,)``.
        device: where to train.
        initial: the run whose averaged weights to start from, or None for the recipe's fresh ones.
            Parts that it does not have (an attention layer, say) keep their fresh weights.
    """
    torch.manual_seed(recipe.seed)
    model = build_model(
        recipe.model,
        recipe.dropout,
        recipe.front_end.n_mels,
        imagenet=recipe.initial == "imagenet",
    )
    if initial is not None:
        unexpected = model.load_state_dict(averaged_weights(initial), strict=False).unexpected_keys
        if unexpected:
            raise ValueError(f"{initial} holds another kind of network: {unexpected[0]}")
    model = model.to(device, memory_format=torch.channels_last)
    loss = EmotionLoss(recipe.loss, model.head.in_features, weights).to(device)
    parameters = [*model.parameters(), *loss.parameters()]
    # Never a last step of zero length: OneCycleLR needs two.
    optimiser = torch.optim.AdamW(
        parameters, lr=recipe.learning_rate, weight_decay=recipe.weight_decay, fused=True
    )
    schedule = OneCycleLR(
        optimiser,
        recipe.learning_rate,
        total_steps=max(2, steps_per_epoch * recipe.epochs),
        pct_start=recipe.warmup,
    )
    averaging = get_ema_multi_avg_fn(recipe.ema_decay)
    ema = AveragedModel(model, multi_avg_fn=averaging, use_buffers=True)
    return State(model, loss, ema, optimiser, schedule)


def train_epoch(
    state: State, batches: Iterator[list[torch.Tensor]], recipe: Recipe
) -> tuple[float, float]:
    """One epoch; returns the mean loss, and the accuracy on the augmented training windows."""
    device = next(state.model.parameters()).device
    state.model.train()
    # Dropout, too, must not know whether the run was interrupted before this epoch.
    torch.manual_seed(np.random.SeedSequence((recipe.seed, state.epoch)).generate_state(1).item())
    settings, factors = recipe.augmentation, recipe.shrink(state.epoch)
    total, right, count = 0.0, 0.0, 0
    for step, (x, targets, allowed) in enumerate(batches):
        rng = np.random.default_rng((recipe.seed, state.epoch, step))
        x, targets, allowed = (
            shrink_batch(x.to(device), factors),
            targets.to(device),
            allowed.to(device),
        )
        x = transform_images(x, settings, rng)
        if settings.mixup_alpha:
            x, targets, allowed = mixup(x, targets, allowed, settings.mixup_alpha, rng)
        x = x.contiguous(memory_format=torch.channels_last)
        with torch.autocast(device.type, torch.bfloat16):
            embeddings = state.model.embed(x)
            logits = state.model.head(state.model.dropout(embeddings))
        loss = state.loss(logits, embeddings, targets, allowed)
        state.optimiser.zero_grad(set_to_none=True)
        loss.backward()
        nn.utils.clip_grad_norm_(state.model.parameters(), 5.0)
        state.optimiser.step()
        state.schedule.step()
        state.ema.update_parameters(state.model)
        total, count = total + float(loss.detach()), count + 1
        right += float((logits.argmax(1) == targets.argmax(1)).float().mean())
    state.epoch += 1
    return total / max(1, count), right / max(1, count)


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
            loss, accuracy = train_epoch(state, iter(batches), recipe)
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
