"""The network: ResNet34 on a one-channel log-mel image."""

from __future__ import annotations

import torch
from torch import nn
from torchvision.models import resnet34

from training.labels import LABELS


def build_resnet34(dropout: float) -> nn.Module:
    """The ResNet34 of torchvision with one input channel and dropout before the classifier.

    Input ``(batch, 1, n_mels, n_frames)``, any size of at least 32 x 32; output logits
    ``(batch, 8)``.
    """
    model = resnet34(weights=None)
    model.conv1 = nn.Conv2d(1, 64, kernel_size=7, stride=2, padding=3, bias=False)
    nn.init.kaiming_normal_(model.conv1.weight, mode="fan_out", nonlinearity="relu")
    model.fc = nn.Sequential(nn.Dropout(dropout), nn.Linear(model.fc.in_features, len(LABELS)))
    return model


def masked_cross_entropy(
    logits: torch.Tensor, targets: torch.Tensor, allowed: torch.Tensor, smoothing: float
) -> torch.Tensor:
    """Soft-target cross-entropy over the allowed classes only.

    Args:
        logits: ``(batch, n_classes)``.
        targets: probabilities ``(batch, n_classes)``, zero outside `allowed`.
        allowed: bool ``(batch, n_classes)``: the classes that the example's corpora have.
        smoothing: label smoothing, spread over the allowed classes.

    Returns:
        The mean loss, a scalar.
    """
    spread = allowed.float() / allowed.sum(1, keepdim=True)
    soft = (1 - smoothing) * targets + smoothing * spread
    log_probabilities = logits.float().masked_fill(~allowed, -1e4).log_softmax(1)
    return -(soft * log_probabilities).sum(1).mean()
