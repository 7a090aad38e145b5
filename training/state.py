"""Everything that a training run needs to go on where it stopped."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import torch
from torch.optim.lr_scheduler import OneCycleLR
from torch.optim.swa_utils import AveragedModel, get_ema_multi_avg_fn

from training.losses import EmotionLoss
from training.models import EmotionNet, build_model
from training.recipe import Recipe

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
