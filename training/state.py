"""Everything that a training run needs to go on where it stopped."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from torch import nn
from torch.optim.lr_scheduler import OneCycleLR
from torch.optim.swa_utils import AveragedModel, get_ema_multi_avg_fn

from training.losses import EmotionLoss
from training.models import EmotionNet, build_model
from training.recipe import Recipe
from training.whisper import WhisperEncoder

CHECKPOINT = "checkpoint.pt"


@dataclass(slots=True)
class State:
    """Everything that a resumed run needs."""

    model: EmotionNet
    loss: EmotionLoss
    ema: AveragedModel
    optimiser: torch.optim.Optimizer
    schedule: OneCycleLR
    epoch: int = 0

    @property
    def progress(self) -> float:
        """How far the schedule is, 0 to 1."""
        return min(1.0, self.schedule.last_epoch / self.schedule.total_steps)

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


def _groups(model: EmotionNet, loss: EmotionLoss, recipe: Recipe) -> list[dict[str, Any]]:
    """What is trained, each part with its learning rate: lower blocks of an encoder learn less."""
    groups: dict[float, list[nn.Parameter]] = {}
    for name, parameter in model.named_parameters():
        if parameter.requires_grad:
            groups.setdefault(_learning_rate(name, recipe), []).append(parameter)
    groups.setdefault(recipe.learning_rate, []).extend(loss.parameters())
    return [{"params": parameters, "lr": rate} for rate, parameters in groups.items()]


def _learning_rate(name: str, recipe: Recipe) -> float:
    settings = recipe.encoder
    if not name.startswith("body.encoder."):
        return recipe.learning_rate
    block = re.match(r"body\.encoder\.layers\.(\d+)\.", name)
    depth = settings.blocks - 1 - int(block[1]) if block else settings.blocks
    return settings.learning_rate * settings.layer_decay**depth


def new_state(
    recipe: Recipe,
    steps_per_epoch: int,
    weights: torch.Tensor,
    device: torch.device,
    initial: Path | None = None,
    encoder: WhisperEncoder | None = None,
    imagenet: Path | None = None,
) -> State:
    """A state at the start of a recipe, under its seed.

    Args:
        recipe: what to build.
        steps_per_epoch: of the one-cycle schedule.
        weights: class weights of the loss, ``(8,)``.
        device: where to train.
        initial: the run whose averaged weights to start from, or None for the recipe's fresh ones.
            Parts that it does not have (an attention layer, say) keep their fresh weights.
        encoder: the pre-trained encoder of a recipe that tunes one.
        imagenet: the file of ImageNet's weights, for a recipe that starts from them.
    """
    torch.manual_seed(recipe.seed)
    model = build_model(recipe, imagenet=imagenet, encoder=encoder)
    if initial is not None:
        unexpected = model.load_state_dict(averaged_weights(initial), strict=False).unexpected_keys
        if unexpected:
            raise ValueError(f"{initial} holds another kind of network: {unexpected[0]}")
    model = model.to(device, memory_format=torch.channels_last)  # type: ignore[call-overload]
    loss = EmotionLoss(recipe.loss, model.head.in_features, weights).to(device)
    groups = _groups(model, loss, recipe)
    optimiser = torch.optim.AdamW(groups, weight_decay=recipe.weight_decay, fused=True)
    # Never a last step of zero length: OneCycleLR needs two.
    schedule = OneCycleLR(
        optimiser,
        [group["lr"] for group in groups],
        total_steps=max(2, steps_per_epoch * recipe.epochs),
        pct_start=recipe.warmup,
    )
    averaging = get_ema_multi_avg_fn(recipe.ema_decay)  # type: ignore[no-untyped-call]
    ema = AveragedModel(model, multi_avg_fn=averaging, use_buffers=True)
    # Read at every step: on a graphics card that would wait for it.
    ema.n_averaged = ema.n_averaged.cpu()
    return State(model, loss, ema, optimiser, schedule)
