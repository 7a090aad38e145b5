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
from torch.nn.functional import avg_pool2d, one_hot
from torch.optim.lr_scheduler import OneCycleLR
from torch.optim.swa_utils import AveragedModel, get_ema_multi_avg_fn
from torch.utils.data import DataLoader
from torch.utils.tensorboard import SummaryWriter

from training.cache import AudioCache, CachedClip
from training.dataset import TrainingSet, cut_window, draw_epoch, window_features
from training.labels import INDEX, LABELS
from training.metrics import Scores, score, softmax
from training.models import build_resnet34, masked_cross_entropy
from training.recipe import Recipe
from training.splits import Split, noise_clips, split_clips

CHECKPOINT = "checkpoint.pt"


@dataclass(slots=True)
class State:
    """Everything that a resumed run needs."""

    model: nn.Module
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
        self.ema.load_state_dict(saved["ema"])
        self.optimiser.load_state_dict(saved["optimiser"])
        # The position only: a recipe whose epochs were changed gets its own curve.
        self.schedule.last_epoch = saved["step"]
        self.epoch = saved["epoch"]


def new_state(recipe: Recipe, steps_per_epoch: int, device: torch.device) -> State:
    """Fresh weights under the recipe's seed."""
    torch.manual_seed(recipe.seed)
    model = build_resnet34(recipe.dropout).to(device, memory_format=torch.channels_last)
    optimiser = torch.optim.AdamW(
        model.parameters(), lr=recipe.learning_rate, weight_decay=recipe.weight_decay
    )
    schedule = OneCycleLR(
        optimiser,
        recipe.learning_rate,
        total_steps=steps_per_epoch * recipe.epochs,
        pct_start=recipe.warmup,
    )
    averaging = get_ema_multi_avg_fn(recipe.ema_decay)
    ema = AveragedModel(model, multi_avg_fn=averaging, use_buffers=True)
    return State(model, ema, optimiser, schedule)


def shrink_batch(x: torch.Tensor, factor: int) -> torch.Tensor:
    """Average `factor` x `factor` cells of ``(batch, 1, n_mels, n_frames)``."""
    return avg_pool2d(x, factor) if factor > 1 else x


def mixup(
    x: torch.Tensor,
    targets: torch.Tensor,
    allowed: torch.Tensor,
    alpha: float,
    rng: np.random.Generator,
) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
    """Mixup (Zhang et al. 2018); a mixture may be any class that either corpus has."""
    order = torch.from_numpy(rng.permutation(x.shape[0])).to(x.device)
    share = float(rng.beta(alpha, alpha))
    mixed = share * x + (1 - share) * x[order]
    return mixed, share * targets + (1 - share) * targets[order], allowed | allowed[order]


def train_epoch(state: State, batches: Iterator[list[torch.Tensor]], recipe: Recipe) -> float:
    """One epoch; returns the mean loss."""
    device = next(state.model.parameters()).device
    state.model.train()
    # Dropout, too, must not know whether the run was interrupted before this epoch.
    torch.manual_seed(np.random.SeedSequence((recipe.seed, state.epoch)).generate_state(1).item())
    factor, total, count = recipe.shrink(state.epoch), 0.0, 0
    for step, (x, labels, allowed) in enumerate(batches):
        x = shrink_batch(x.to(device), factor).contiguous(memory_format=torch.channels_last)
        targets = one_hot(labels.to(device), len(LABELS)).float()
        allowed = allowed.to(device)
        if recipe.augmentation.mixup_alpha:
            rng = np.random.default_rng((recipe.seed, state.epoch, step))
            x, targets, allowed = mixup(x, targets, allowed, recipe.augmentation.mixup_alpha, rng)
        with torch.autocast(device.type, torch.bfloat16):
            logits = state.model(x)
        loss = masked_cross_entropy(logits, targets, allowed, recipe.label_smoothing)
        state.optimiser.zero_grad(set_to_none=True)
        loss.backward()
        nn.utils.clip_grad_norm_(state.model.parameters(), 5.0)
        state.optimiser.step()
        state.schedule.step()
        state.ema.update_parameters(state.model)
        total, count = total + float(loss.detach()), count + 1
    state.epoch += 1
    return total / max(1, count)


@torch.inference_mode()
def predict_clips(
    model: nn.Module, cache: AudioCache, clips: tuple[CachedClip, ...], recipe: Recipe, shrink: int
) -> np.ndarray:
    """Logits of the centre window of each clip, ``(n, n_classes)``."""
    device = next(model.parameters()).device
    model.eval()
    rows: list[torch.Tensor] = []
    for start in range(0, len(clips), 32):
        cuts = [
            cut_window(cache.samples(c), recipe.window_samples, 0.5)
            for c in clips[start : start + 32]
        ]
        x = torch.from_numpy(np.stack([window_features(cut, recipe) for cut in cuts]))[:, None]
        x = shrink_batch(x.to(device), shrink).contiguous(memory_format=torch.channels_last)
        with torch.autocast(device.type, torch.bfloat16):
            rows.append(model(x).float().cpu())
    return torch.cat(rows).numpy()


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


def train(cache: AudioCache, recipe: Recipe, folder: Path, *, workers: int = 1) -> State:
    """Train to the end of the recipe, continuing from `folder`'s checkpoint if there is one.

    Writes `checkpoint.pt`, TensorBoard events and `history.jsonl` (one line an epoch).
    """
    console = Console(stderr=True)
    folder.mkdir(parents=True, exist_ok=True)
    split: Split = split_clips(cache.clips, recipe)
    noise = noise_clips(cache.clips)
    device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
    steps = len(draw_epoch(split.train, recipe, 0)) // recipe.batch_size
    state = new_state(recipe, steps, device)
    if (folder / CHECKPOINT).is_file():
        state.load(folder / CHECKPOINT)
        console.print(f"continuing after epoch {state.epoch}")
    with _progress(console) as progress, SummaryWriter(folder) as writer:
        epochs = progress.add_task("epochs", total=recipe.epochs, completed=state.epoch)
        while state.epoch < recipe.epochs:
            shrink = recipe.shrink(state.epoch)
            examples = draw_epoch(split.train, recipe, state.epoch)
            data = TrainingSet(cache, examples, split.train, noise, recipe)
            loader = DataLoader(data, recipe.batch_size, num_workers=workers, drop_last=True)
            batches = progress.track(loader, description=f"epoch {state.epoch + 1}")
            loss = train_epoch(state, iter(batches), recipe)
            state.save(folder / CHECKPOINT)
            scores: dict[str, Scores] = {}
            if state.epoch % recipe.validate_every == 0 or state.epoch == recipe.epochs:
                logits = predict_clips(state.ema.module, cache, split.validation, recipe, shrink)
                scores = score_by_corpus(logits, split.validation)
            row = {"epoch": state.epoch, "loss": loss, "shrink": shrink} | {
                name: asdict(values) for name, values in scores.items()
            }
            with (folder / "history.jsonl").open("a", encoding="utf-8") as history:
                history.write(json.dumps(row) + "\n")
            writer.add_scalar("train/loss", loss, state.epoch)
            for name, values in scores.items():
                writer.add_scalar(f"validation/{name}/uar", values.uar, state.epoch)
            summary = ", ".join(f"{name} UAR {s.uar:.3f}" for name, s in scores.items())
            console.print(
                f"epoch {state.epoch}: loss {loss:.3f}; validation {summary or 'not due'}"
            )
            progress.update(epochs, completed=state.epoch)
    return state
