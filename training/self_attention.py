"""Frames that look at each other before they are pooled.

What MLL calls frame-level attention (arXiv 2512.04551: multi-head attention with context
broadcasting, Hyeon-Woo et al. 2022) and EmoSphere-SER style pooling (arXiv 2505.19693: multi-head
self-attention before statistics over time).
"""

from __future__ import annotations

import torch
from torch import nn

HEADS = 4
ATTENDED = 128  # width of the frames that look at each other


class SelfAttentionPool(nn.Module):
    """Layers averaged with learned weights, narrowed, one attention block, then statistics."""

    def __init__(self, n_layers: int, width: int, dropout: float) -> None:
        super().__init__()
        self.weights = nn.Parameter(torch.zeros(n_layers))
        self.narrow = nn.Linear(width, ATTENDED)
        self.attention = nn.MultiheadAttention(ATTENDED, HEADS, dropout=dropout, batch_first=True)
        self.norm = nn.LayerNorm(ATTENDED)

    def forward(self, outputs: torch.Tensor) -> torch.Tensor:
        """``(batch, layers, frames, width)`` to ``(batch, 2 * ATTENDED)``."""
        x = self.narrow(torch.einsum("l,blfw->bfw", self.weights.softmax(0), outputs))
        found, _ = self.attention(x, x, x, need_weights=False)
        y = self.norm(x + found)
        # Context broadcasting: half of every frame is what all of them say.
        y = 0.5 * (y + y.mean(dim=1, keepdim=True))
        mean = y.mean(dim=1)
        variance = (y - mean[:, None]).square().mean(dim=1)
        return torch.cat([mean, variance.clamp_min(1e-6).sqrt()], dim=1)
