"""Loss terms on logits and embeddings; MLL (arXiv 2512.04551) is a sum of them."""

from __future__ import annotations

import torch
from torch import nn
from torch.nn.functional import normalize

from training.labels import LABELS
from training.recipe import Loss

_IMPOSSIBLE = -1e4  # finite, so that a masked class times a zero target stays zero


def soft_cross_entropy(
    logits: torch.Tensor, targets: torch.Tensor, allowed: torch.Tensor, smoothing: float
) -> torch.Tensor:
    """Cross-entropy against distributions, over the allowed classes only.

    Its gradient is that of the KL divergence from the targets.

    Args:
        logits: ``(batch, n_classes)``.
        targets: probabilities ``(batch, n_classes)``, zero outside `allowed`.
        allowed: bool ``(batch, n_classes)``: the classes that the example's corpora have.
        smoothing: label smoothing, spread over the allowed classes.

    Returns:
        One value per example, ``(batch,)``.
    """
    spread = allowed.float() / allowed.sum(1, keepdim=True)
    soft = (1 - smoothing) * targets + smoothing * spread
    log_probabilities = logits.float().masked_fill(~allowed, _IMPOSSIBLE).log_softmax(1)
    return -(soft * log_probabilities).sum(1)


def focal(
    logits: torch.Tensor, targets: torch.Tensor, allowed: torch.Tensor, gamma: float
) -> torch.Tensor:
    """Focal loss (Lin et al. 2017) against distributions, ``(batch,)``."""
    log_probabilities = logits.float().masked_fill(~allowed, _IMPOSSIBLE).log_softmax(1)
    return -(targets * (1 - log_probabilities.exp()) ** gamma * log_probabilities).sum(1)


def supervised_contrastive(
    embeddings: torch.Tensor, labels: torch.Tensor, temperature: float
) -> torch.Tensor:
    """Supervised contrastive loss (Khosla et al. 2020), a scalar; 0 without any pair.

    Args:
        embeddings: ``(batch, n_features)``; normalised here.
        labels: ``(batch,)``, the leading class of each example.
        temperature: of the similarities.
    """
    unit = normalize(embeddings.float(), dim=1)
    itself = torch.eye(len(labels), dtype=torch.bool, device=labels.device)
    similarity = (unit @ unit.T / temperature).masked_fill(itself, _IMPOSSIBLE)
    log_probabilities = similarity.log_softmax(1)
    pairs = (labels[:, None] == labels[None, :]) & ~itself
    counts = pairs.sum(1)
    paired = counts > 0
    if not bool(paired.any()):
        return embeddings.sum() * 0.0
    return -((log_probabilities * pairs).sum(1)[paired] / counts[paired]).mean()


class EmotionLoss(nn.Module):
    """The weighted sum of a recipe's terms; owns the class centres of the centre loss."""

    class_weights: torch.Tensor

    def __init__(self, settings: Loss, n_features: int, class_weights: torch.Tensor) -> None:
        """`class_weights` is ``(n_classes,)``, ones where they are switched off."""
        super().__init__()
        self.settings = settings
        self.register_buffer("class_weights", class_weights)
        # Centre loss (Wen et al. 2016); learned with the network.
        self.centres = nn.Parameter(torch.zeros(len(LABELS), n_features))

    def forward(
        self,
        logits: torch.Tensor,
        embeddings: torch.Tensor,
        targets: torch.Tensor,
        allowed: torch.Tensor,
        taught: torch.Tensor | None = None,
    ) -> torch.Tensor:
        """The mean loss of a batch, a scalar; shapes as in `soft_cross_entropy`.

        An example without a label has a target of zeros, and counts in distillation alone; `taught`
        are the teachers' probabilities, ``(batch, n_classes)``.
        """
        settings = self.settings
        weights = targets @ self.class_weights
        per_example = settings.cross_entropy * soft_cross_entropy(
            logits, targets, allowed, settings.label_smoothing
        )
        if settings.focal:
            per_example = per_example + settings.focal * focal(
                logits, targets, allowed, settings.focal_gamma
            )
        total = (weights * per_example).sum() / weights.sum().clamp_min(1e-6)
        if taught is not None:
            # Cross-entropy has the gradient of the KL divergence from the teachers.
            every = torch.ones_like(allowed)
            total = (
                total
                + settings.distillation * soft_cross_entropy(logits, taught, every, 0.0).mean()
            )
        if settings.centre:
            distance = (embeddings.float() - targets @ self.centres).square().mean(1)
            total = total + settings.centre * distance.mean()
        if settings.contrastive:
            total = total + settings.contrastive * supervised_contrastive(
                embeddings, targets.argmax(1), settings.contrastive_temperature
            )
        return total
