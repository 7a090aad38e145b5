"""Class-disentangled embeddings, aligned with the input (EDRL-MEA, arXiv 2510.09072).

Step one, EDRL: besides a shared block of features each class has a block of its own, which learns
to tell that class from the rest. Step two, MEA: multiblock partial least squares finds the subspace
of all blocks, each of the same weight, that varies most together with the input, and a classifier
is trained there. As both are linear, they are folded into the network's last layer.
"""

from __future__ import annotations

import torch
from torch import nn
from torch.nn.functional import binary_cross_entropy_with_logits

from training.labels import LABELS
from training.losses import soft_cross_entropy
from training.models import ClassBlocks, EmotionNet, EncoderBody
from training.recipe import Loss

_RIDGE = 1e-3
_ITERATIONS = 60


class EdrlNet(EmotionNet):
    """A network whose body ends in `ClassBlocks`."""

    def __init__(
        self, body: nn.Module, n_shared: int, n_own: int, dropout: float, settings: Loss
    ) -> None:
        super().__init__(body, n_shared + n_own * len(LABELS), dropout)
        self.settings, self.n_shared, self.n_own = settings, n_shared, n_own
        self.own = nn.Parameter(torch.randn(len(LABELS), n_own) / n_own**0.5)
        self.bias = nn.Parameter(torch.zeros(len(LABELS)))

    def auxiliary(
        self,
        embeddings: torch.Tensor,
        targets: torch.Tensor,
        allowed: torch.Tensor,
        progress: float,  # noqa: ARG002
    ) -> torch.Tensor:
        """Each class's own block against the rest, where a corpus could have shown the class."""
        blocks = self.dropout(embeddings)[:, self.n_shared :].float()
        blocks = blocks.unflatten(1, (len(LABELS), self.n_own))
        logits = (blocks * self.own).sum(2) + self.bias
        loss = binary_cross_entropy_with_logits(logits, targets, reduction="none")
        return self.settings.one_vs_rest * (loss * allowed).sum() / allowed.sum()


def _scaled(blocks: list[torch.Tensor]) -> tuple[torch.Tensor, torch.Tensor]:
    """Mean and scale of every feature, so that each block has the same variance in all."""
    x = torch.cat(blocks, dim=1)
    scales = [
        (block.var(dim=0).sum().clamp_min(1e-8)).sqrt().expand(block.shape[1]) for block in blocks
    ]
    return x.mean(0), torch.cat(scales)


@torch.enable_grad()
def _softmax_regression(
    x: torch.Tensor, targets: torch.Tensor, allowed: torch.Tensor
) -> tuple[torch.Tensor, torch.Tensor]:
    """Weights ``(8, d)`` and bias ``(8,)`` over the allowed classes, with a ridge."""
    weight = torch.zeros(targets.shape[1], x.shape[1], device=x.device, requires_grad=True)
    bias = torch.zeros(targets.shape[1], device=x.device, requires_grad=True)
    optimiser = torch.optim.LBFGS(
        [weight, bias], max_iter=_ITERATIONS, line_search_fn="strong_wolfe"
    )

    def closure() -> float:
        optimiser.zero_grad()
        logits = x @ weight.T + bias
        loss = soft_cross_entropy(logits, targets, allowed, 0.05).mean()
        loss = loss + _RIDGE * weight.square().sum()
        loss.backward()  # type: ignore[no-untyped-call]
        return float(loss.detach())

    optimiser.step(closure)  # type: ignore[no-untyped-call]
    return weight.detach(), bias.detach()


@torch.no_grad()
def align(
    net: EmotionNet,
    statistics: torch.Tensor,
    targets: torch.Tensor,
    allowed: torch.Tensor,
    components: int,
) -> None:
    """Replace the last layer by one that reads the joint subspace of the blocks.

    Args:
        net: trained, on pooled statistics of a frozen encoder.
        statistics: of the training clips, ``(n, layers, 1024)``.
        targets: their distributions, ``(n, 8)``.
        allowed: bool ``(n, 8)``, the classes that each clip's corpus has.
        components: of the subspace; at most the number of features.
    """
    body = net.body
    assert isinstance(net, EdrlNet)
    assert isinstance(body, EncoderBody)
    assert isinstance(body.hidden, ClassBlocks)
    net.eval()
    heard = body.mix(statistics).float()
    embedded = body.hidden(heard).float()
    blocks = [embedded[:, : net.n_shared], *embedded[:, net.n_shared :].split(net.n_own, dim=1)]
    mean, scale = _scaled(blocks)
    x = (embedded - mean) / scale
    y = (heard - heard.mean(0)) / heard.shape[1] ** 0.5
    directions, _, _ = torch.linalg.svd(x.T @ y, full_matrices=False)
    directions = directions[:, :components]
    scores = x @ directions
    spread = scores.std(dim=0).clamp_min(1e-6)
    weight, bias = _softmax_regression(scores / spread, targets, allowed)
    folded = (weight / spread) @ directions.T / scale
    net.head.weight.copy_(folded)
    net.head.bias.copy_(bias - folded @ mean)
