"""The networks; all share one shape contract.

Input is a log-mel image ``(batch, 1, n_mels, n_frames)``, any size of at least 32 x 32, or for a
speech encoder audio ``(batch, 1, n_samples)``; `embed` gives ``(batch, n_features)``, `forward`
logits ``(batch, 8)``.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from itertools import pairwise
from pathlib import Path
from typing import cast

import torch
from torch import nn
from torchvision.models import resnet34

from training.imagenet import imagenet_weights
from training.labels import LABELS
from training.recipe import Encoder, Recipe
from training.self_attention import ATTENDED, SelfAttentionPool
from training.whisper import WIDTH, WhisperEncoder, add_adapters

_TOGETHER = 5  # frames of 20 ms


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

    def auxiliary(
        self,
        embeddings: torch.Tensor,  # noqa: ARG002
        targets: torch.Tensor,  # noqa: ARG002
        allowed: torch.Tensor,  # noqa: ARG002
        progress: float,  # noqa: ARG002
    ) -> torch.Tensor | None:
        """What else a kind of network learns, a loss; `progress` through the training, 0 to 1."""
        return None


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
        mean: torch.Tensor = (weights * frames).sum(dim=1)
        return mean[:, :, None, None]


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


class StatisticsPool(nn.Module):
    """Mean and standard deviation over time of each layer's output, ``(batch, layers, 2 * 512)``.

    Without weights, so that it can be computed once and kept.
    """

    def forward(self, outputs: list[torch.Tensor]) -> torch.Tensor:
        """`outputs`: a ``(batch, frames, 512)`` per layer."""
        x = torch.stack(outputs, dim=1)
        mean = x.mean(dim=2)
        deviation = (x - mean[:, :, None]).square().mean(dim=2).clamp_min(1e-6).sqrt()
        return torch.cat([mean, deviation], dim=2)


class CoarseFrames(nn.Module):
    """Each layer's frames, averaged over 100 ms: ``(batch, layers, frames // 5, 512)``.

    Without weights, so that they can be computed once and kept.
    """

    def forward(self, outputs: list[torch.Tensor]) -> torch.Tensor:
        """`outputs`: a ``(batch, frames, 512)`` per layer."""
        x = torch.stack(outputs, dim=1)
        n = x.shape[2] // _TOGETHER
        coarse: torch.Tensor = (
            x[:, :, : n * _TOGETHER].reshape(*x.shape[:2], n, _TOGETHER, -1).mean(dim=3)
        )
        return coarse


def pooling(settings: Encoder) -> nn.Module:
    """What is made of an encoder's outputs before anything learned."""
    return StatisticsPool() if settings.pooling == "statistics" else CoarseFrames()


class LayerMix(nn.Module):
    """Standardised statistics of the layers, averaged with learned weights."""

    def __init__(self, n_layers: int, n_statistics: int) -> None:
        super().__init__()
        self.weights = nn.Parameter(torch.zeros(n_layers))
        self.register_buffer("mean", torch.zeros(n_layers, n_statistics))
        self.register_buffer("deviation", torch.ones(n_layers, n_statistics))

    def standardise(self, statistics: torch.Tensor) -> None:
        """Take mean and deviation from the training clips' ``(n, layers, n_statistics)``."""
        self.mean = statistics.mean(0)
        self.deviation = statistics.std(0).clamp_min(1e-3)

    def forward(self, statistics: torch.Tensor) -> torch.Tensor:
        """``(batch, layers, n_statistics)`` to ``(batch, n_statistics)``."""
        x = (statistics.float() - self.mean) / self.deviation
        return (self.weights.softmax(0)[:, None] * x).sum(dim=1)


class AttentiveStatistics(nn.Module):
    """Mean and deviation over time, frames weighted by attention (Okabe et al. 2018).

    Layers are averaged with learned weights first.
    """

    def __init__(self, n_layers: int, width: int) -> None:
        super().__init__()
        self.weights = nn.Parameter(torch.zeros(n_layers))
        self.score = nn.Sequential(nn.Linear(width, 128), nn.Tanh(), nn.Linear(128, 1))

    def forward(self, outputs: torch.Tensor) -> torch.Tensor:
        """``(batch, layers, frames, width)`` to ``(batch, 2 * width)``."""
        x = torch.einsum("l,blfw->bfw", self.weights.softmax(0), outputs)
        attention = self.score(x).float().softmax(dim=1)
        mean = (attention * x).sum(dim=1)
        variance = (attention * (x - mean[:, None]).square()).sum(dim=1)
        return torch.cat([mean, variance.clamp_min(1e-6).sqrt()], dim=1)


class ClassBlocks(nn.Module):
    """Shared features, then as many for each class alone: ``(batch, n_shared + 8 * n_own)``."""

    def __init__(self, n_inputs: int, n_shared: int, n_own: int, dropout: float) -> None:
        super().__init__()
        width = n_shared + n_own * len(LABELS)
        # Every feature has weights of its own, so one layer is all blocks side by side.
        self.blocks = nn.Sequential(nn.Dropout(dropout), nn.Linear(n_inputs, width), nn.ReLU())

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """``(batch, n_inputs)``; the shared block comes first."""
        embedded: torch.Tensor = self.blocks(x)
        return embedded


class EncoderBody(nn.Module):
    """A speech encoder, pooled, and one hidden layer; its output is the embedding.

    Without `encoder` it takes what `pool`, which has no weights, made of the encoder's outputs.
    """

    def __init__(self, settings: Encoder, dropout: float, encoder: WhisperEncoder | None) -> None:
        super().__init__()
        self.encoder = encoder
        self.kept, n_layers = settings.kept, settings.layers
        self.pool, n_pooled = pooling(settings), 2 * WIDTH
        self.mix: nn.Module = LayerMix(n_layers, n_pooled)
        if settings.pooling == "attentive":
            attentive = AttentiveStatistics(n_layers, WIDTH)
            self.mix = nn.Sequential(attentive, nn.LayerNorm(n_pooled))
        if settings.pooling == "self-attention":
            n_pooled = 2 * ATTENDED
            attention = SelfAttentionPool(n_layers, WIDTH, dropout)
            self.mix = nn.Sequential(attention, nn.LayerNorm(n_pooled))
        self.n_features = settings.hidden or n_pooled
        self.hidden: nn.Module = nn.Identity()
        if settings.own:
            self.n_features += settings.own * len(LABELS)
            self.hidden = ClassBlocks(n_pooled, settings.hidden, settings.own, dropout)
        elif settings.hidden:
            self.hidden = nn.Sequential(
                nn.Dropout(dropout), nn.Linear(n_pooled, settings.hidden), nn.ReLU()
            )

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Audio ``(batch, 1, n_samples)``, or kept outputs ``(batch, 1, layers, ...)``."""
        pooled = x[:, 0]
        if self.encoder is not None:
            heard = pooled.ndim == 2
            outputs = (
                self.encoder(pooled)[self.kept :]
                if heard
                else self.encoder.upper(pooled[:, 0], self.kept)
            )
            pooled = self.pool(outputs)
        embedded: torch.Tensor = self.hidden(self.mix(pooled))
        return embedded


class Trained(nn.Module):
    """A finished network behind the pooling that shrinks its log-mel, ready to answer."""

    def __init__(self, net: EmotionNet, shrink: tuple[int, int] = (1, 1)) -> None:
        super().__init__()
        self.shrink = nn.Identity() if shrink == (1, 1) else nn.AvgPool2d(shrink)
        self.net = net

    def answer(self, x: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        """Logits ``(batch, 8)`` and embedding ``(batch, n_features)``."""
        embedding = self.net.embed(self.shrink(x))
        return self.net.head(embedding), embedding

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Logits, ``(batch, 8)``."""
        return self.answer(x)[0]


class Ensemble(nn.Module):
    """Networks that answer together; "logits" are the logarithm of their mean probabilities."""

    def __init__(self, members: Sequence[Trained]) -> None:
        super().__init__()
        self.members = nn.ModuleList(members)

    def answer(self, x: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        """Log-probabilities ``(batch, 8)`` and the first member's embedding."""
        members = cast("Iterable[Trained]", self.members)
        answers = [member.answer(x) for member in members]
        return mean_answer([logits for logits, _ in answers]), answers[0][1]

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Log-probabilities, ``(batch, 8)``."""
        return self.answer(x)[0]


def mean_answer(logits: Sequence[torch.Tensor]) -> torch.Tensor:
    """The logarithm of the mean probabilities of some ``(batch, 8)``."""
    probabilities = torch.stack([one.softmax(1) for one in logits]).mean(0)
    return probabilities.clamp_min(1e-9).log()


def _resnet34_body(imagenet: Path | None) -> nn.Module:
    """Torchvision's ResNet34 for one input channel, without its classifier."""
    weights = None if imagenet is None else imagenet_weights(imagenet)
    body = resnet34(weights=None)
    body.conv1 = nn.Conv2d(1, 64, kernel_size=7, stride=2, padding=3, bias=False)
    nn.init.kaiming_normal_(body.conv1.weight, mode="fan_out", nonlinearity="relu")
    body.fc = nn.Identity()
    if weights is not None:
        # Three equal colour channels of a grey image: their filters add up.
        weights["conv1.weight"] = weights["conv1.weight"].sum(dim=1, keepdim=True)
        body.load_state_dict(weights)
    network: nn.Module = body
    return network


def build_model(
    recipe: Recipe, *, imagenet: Path | None = None, encoder: WhisperEncoder | None = None
) -> EmotionNet:
    """A recipe's network with fresh weights, or with those of the file `imagenet` (ResNets only).

    `encoder` is for `whisper-encoder`: with its pre-trained weights, adapters added here; None
    where its pooled outputs are given instead.

    Raises:
        WeightsUnavailableError: the file is not there, or holds other weights.
        ValueError: the recipe's model is not a network, or has no ImageNet weights.
    """
    kind, dropout, n_mels = recipe.model, recipe.dropout, recipe.front_end.n_mels
    if imagenet is not None and not kind.startswith("resnet34"):
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
    if kind == "whisper-encoder":
        settings = recipe.encoder
        if encoder is not None and settings.tune != "full":
            encoder.requires_grad_(False)
        if encoder is not None and settings.tune == "adapters":
            add_adapters(encoder, settings.rank, settings.kept)
        elif encoder is not None and settings.kept:
            encoder.requires_grad_(False)
            nn.ModuleList(list(encoder.layers)[settings.kept :]).requires_grad_(True)
        return _encoder_net(EncoderBody(settings, dropout, encoder), recipe)
    raise ValueError(f"{kind} is not a network")


def _encoder_net(body: EncoderBody, recipe: Recipe) -> EmotionNet:
    """The network around an encoder's body, with whatever else it is to learn."""
    # These are networks, too, and import this module.
    from training.edrl import EdrlNet
    from training.emosphere import SphereNet

    settings = recipe.encoder
    if settings.own:
        return EdrlNet(body, settings.hidden, settings.own, recipe.dropout, recipe.loss)
    if recipe.loss.dimensions:
        return SphereNet(body, body.n_features, recipe.dropout, recipe.loss)
    return EmotionNet(body, body.n_features, recipe.dropout)
