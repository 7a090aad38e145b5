"""The speech encoder's network as a GPU computes it fastest: the same sums, arranged for export.

Nothing is transposed, convolutions are matrix products, and statistics over time are products with
a row of equal weights instead of reductions.
"""

from __future__ import annotations

import torch
from torch import nn
from torch.nn.functional import layer_norm, pad

from training.models import EmotionNet, EncoderBody, LayerMix, StatisticsPool
from training.whisper import POSITIONS, WIDTH, gelu


def can_arrange(net: EmotionNet) -> bool:
    """Whether the network is one of those that `DeviceEncoding` knows: pooled without weights."""
    body = net.body
    return (
        isinstance(body, EncoderBody)
        and isinstance(body.pool, StatisticsPool)
        and isinstance(body.mix, LayerMix)
    )


class DeviceEncoding(nn.Module):
    """``(batch, n_frames, 80)`` of log-mel to logits ``(batch, 8)`` and an embedding."""

    one: torch.Tensor
    average: torch.Tensor

    def __init__(self, net: EmotionNet) -> None:
        """Arrange `net`, for which `can_arrange` holds."""
        super().__init__()
        body = net.body
        assert isinstance(body, EncoderBody)
        assert body.encoder is not None
        assert isinstance(body.mix, LayerMix)
        encoder = body.encoder
        assert encoder.conv1.bias is not None
        assert encoder.conv2.bias is not None
        self.first_bias, self.second_bias = encoder.conv1.bias, encoder.conv2.bias
        # Kernels of three frames as matrices: the first two frames side by side, then the third.
        self.first = nn.Parameter(_matrix(encoder.conv1.weight))
        self.second = nn.Parameter(_matrix(encoder.conv2.weight))
        self.positions = nn.Parameter(encoder.embed_positions.weight.detach().clone())
        self.blocks = encoder.layers
        mean, deviation = body.mix.mean.chunk(2, dim=1)
        mean_scale, deviation_scale = body.mix.deviation.chunk(2, dim=1)
        weights = body.mix.weights.softmax(0)[:, None]
        # What a layer's mean is on average is taken away where the layer is normalised, so that
        # the square of what remains is small enough for half precision.
        self.unusual = nn.Parameter(-mean.detach())
        self.register_buffer("one", torch.ones(WIDTH))
        self.usual_deviation = nn.Parameter(deviation.detach().clone())
        self.mean_weights = nn.Parameter((weights / mean_scale).detach())
        self.deviation_weights = nn.Parameter((weights / deviation_scale).detach())
        self.register_buffer("average", torch.full((1, POSITIONS), 1 / POSITIONS))
        self.hidden, self.head = body.hidden, net.head

    def forward(self, log_mel: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        """See the class."""
        x = pad(log_mel, (0, 0, 1, 1))
        x = torch.cat([x[:, :-2], x[:, 1:-1], x[:, 2:]], dim=2) @ self.first
        x = pad(gelu(x + self.first_bias), (0, 0, 1, 1))
        pairs = x[:, :-2].reshape(-1, POSITIONS, 2 * WIDTH) @ self.second[: 2 * WIDTH]
        x = pairs + x[:, 2::2] @ self.second[2 * WIDTH :]
        x = gelu(x + self.second_bias) + self.positions
        means, deviations = [], []
        for number in range(len(self.blocks) + 1):
            if number:
                x = self.blocks[number - 1](x)
            normal = layer_norm(x, (WIDTH,), self.one, self.unusual[number])
            mean = (self.average @ normal)[:, 0]
            square = (self.average @ (normal * normal))[:, 0]
            deviation = (square - mean * mean).clamp_min(1e-6).sqrt()
            means.append(mean * self.mean_weights[number])
            deviation = deviation - self.usual_deviation[number]
            deviations.append(deviation * self.deviation_weights[number])
        mixed = torch.cat([torch.stack(means).sum(0), torch.stack(deviations).sum(0)], dim=1)
        embedding = self.hidden(mixed)
        return self.head(embedding), embedding


def _matrix(kernel: torch.Tensor) -> torch.Tensor:
    """A convolution's ``(out, in, frames)`` as ``(frames * in, out)``."""
    out: torch.Tensor = kernel.detach().permute(2, 1, 0).flatten(0, 1).contiguous()
    return out
