"""The networks: log-mel image in, logits out; all share one shape contract.

Input ``(batch, 1, n_mels, n_frames)``, any size of at least 32 x 32; `embed` gives
``(batch, n_features)``, `forward` logits ``(batch, 8)``.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise

import torch
from torch import nn
from torchvision.models import ResNet34_Weights, resnet34

from training.labels import LABELS
from training.recipe import ModelKind


class WeightsUnavailableError(RuntimeError):
    """ImageNet weights could not be had."""


class EmotionNet(nn.Module):
    """A body that embeds, and a linear head."""

    def __init__(self, body: nn.Module, n_features: int, dropout: float) -> None:
        super().__init__()
        self.body = body
        self.dropout = nn.Dropout(dropout)
        self.head = nn.Linear(n_features, len(LABELS))

    def embed(self, x: torch.Tensor) -> torch.Tensor:
        """What the head sees, ``(batch, n_features)``."""
        embedded: torch.Tensor = self.body(x)
        return embedded

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Logits, ``(batch, 8)``."""
        logits: torch.Tensor = self.head(self.dropout(self.embed(x)))
        return logits


class AttentionPool(nn.Module):
    """Frame-level attention (MLL, arXiv 2512.04551): a weighted mean over time of the last map."""

    def __init__(self, n_features: int) -> None:
        super().__init__()
        self.score = nn.Sequential(
            nn.Linear(n_features, n_features // 4), nn.Tanh(), nn.Linear(n_features // 4, 1)
        )

    def forward(self, feature_map: torch.Tensor) -> torch.Tensor:
        """``(batch, n_features, bands, frames)`` to ``(batch, n_features, 1, 1)``."""
        frames = feature_map.mean(dim=2).transpose(1, 2)
        weights = self.score(frames).softmax(dim=1)
        return (weights * frames).sum(dim=1)[:, :, None, None]


class LstmBody(nn.Module):
    """Two bidirectional LSTM layers over log-mel frames, averaged over time."""

    def __init__(self, n_mels: int, hidden: int = 128) -> None:
        super().__init__()
        self.n_mels = n_mels
        self.lstm = nn.LSTM(
            n_mels, hidden, num_layers=2, batch_first=True, bidirectional=True, dropout=0.2
        )

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """``(batch, 1, bands, frames)`` to ``(batch, 2 * hidden)``."""
        if x.shape[2] != self.n_mels:  # a shrunk input
            x = nn.functional.interpolate(x, (self.n_mels, x.shape[3]), mode="nearest")
        frames, _ = self.lstm(x.squeeze(1).transpose(1, 2))
        pooled: torch.Tensor = frames.mean(dim=1)
        return pooled


class CnnLstmBody(nn.Module):
    """Four convolution blocks that halve the bands, then an LSTM over what is left of time."""

    def __init__(self, hidden: int = 128) -> None:
        super().__init__()
        widths = (1, 32, 64, 128, 128)
        blocks: list[nn.Module] = []
        for i, (a, b) in enumerate(pairwise(widths)):
            blocks += [
                nn.Conv2d(a, b, 3, padding=1, bias=False),
                nn.BatchNorm2d(b),
                nn.ReLU(inplace=True),
                nn.MaxPool2d((2, 2) if i < 2 else (2, 1)),
            ]
        self.cnn = nn.Sequential(*blocks)
        self.lstm = nn.LSTM(widths[-1], hidden, batch_first=True, bidirectional=True)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """``(batch, 1, bands, frames)`` to ``(batch, 2 * hidden)``."""
        frames, _ = self.lstm(self.cnn(x).mean(dim=2).transpose(1, 2))
        pooled: torch.Tensor = frames.mean(dim=1)
        return pooled


class Ensemble(nn.Module):
    """Networks that answer together; "logits" are the logarithm of their mean probabilities."""

    def __init__(self, members: Sequence[nn.Module]) -> None:
        super().__init__()
        self.members = nn.ModuleList(members)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Log-probabilities, ``(batch, 8)``."""
        probabilities = torch.stack([member(x).softmax(1) for member in self.members]).mean(0)
        return probabilities.clamp_min(1e-9).log()


def _resnet34_body(imagenet: bool) -> nn.Module:
    """Torchvision's ResNet34 for one input channel, without its classifier."""
    weights = None
    if imagenet:
        try:
            weights = ResNet34_Weights.IMAGENET1K_V1.get_state_dict(check_hash=True)
        except OSError as error:  # URLError is one
            raise WeightsUnavailableError(
                f"torchvision could not download its ImageNet weights: {error}"
            ) from error
    body = resnet34(weights=None)
    body.conv1 = nn.Conv2d(1, 64, kernel_size=7, stride=2, padding=3, bias=False)
    nn.init.kaiming_normal_(body.conv1.weight, mode="fan_out", nonlinearity="relu")
    body.fc = nn.Identity()
    if weights is not None:
        weights = {k: v for k, v in weights.items() if not k.startswith("fc.")}
        # Three equal colour channels of a grey image: their filters add up.
        weights["conv1.weight"] = weights["conv1.weight"].sum(dim=1, keepdim=True)
        body.load_state_dict(weights)
    return body


def build_model(
    kind: ModelKind, dropout: float, n_mels: int, *, imagenet: bool = False
) -> EmotionNet:
    """A network with fresh weights, or with ImageNet's where asked (ResNets only).

    Raises:
        WeightsUnavailableError: ImageNet weights cannot be downloaded.
        ValueError: `kind` is not a network, or has no ImageNet weights.
    """
    if imagenet and not kind.startswith("resnet34"):
        raise ValueError(f"there are no ImageNet weights for {kind}")
    if kind in ("resnet34", "resnet34-attention"):
        body = _resnet34_body(imagenet)
        if kind == "resnet34-attention":
            body.avgpool = AttentionPool(512)
        return EmotionNet(body, 512, dropout)
    if kind == "lstm":
        return EmotionNet(LstmBody(n_mels), 256, dropout)
    if kind == "cnn-lstm":
        return EmotionNet(CnnLstmBody(), 256, dropout)
    raise ValueError(f"{kind} is not a network")
