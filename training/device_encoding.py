"""The speech encoder as a GPU computes it fastest: the same sums, arranged for export.

Nothing is transposed, convolutions are matrix products, residual sums and layer norms are one
kernel, statistics over time are products with a row of equal weights, and the maximum of a long row
is one of shorter rows: as reductions, these took more than a third of the time.
"""

from __future__ import annotations

from typing import cast

import torch
from torch import nn
from torch.nn.functional import layer_norm, pad

from training.models import EmotionNet, EncoderBody, LayerMix, StatisticsPool
from training.whisper import HOP, N_FFT, POSITIONS, WIDTH, Block, WhisperLogMel, attend, gelu

_FRAMES = 2 * POSITIONS
_EPSILON = 1e-5  # of every layer norm
_SMALLEST = 0.01  # scale of a norm whose square half precision still tells


def can_arrange(net: EmotionNet) -> bool:
    """Whether the network is one of those that `DeviceEncoding` knows: pooled without weights."""
    body = net.body
    return (
        isinstance(body, EncoderBody)
        and isinstance(body.pool, StatisticsPool)
        and isinstance(body.mix, LayerMix)
    )


class DeviceLogMel(nn.Module):
    """`WhisperLogMel` of windows of 3 s, frame by frame."""

    kernels: torch.Tensor
    bank: torch.Tensor

    def __init__(self) -> None:
        super().__init__()
        plain = WhisperLogMel()
        self.register_buffer("kernels", plain.kernels)
        # The squares of real and imaginary parts are summed by the bank.
        self.register_buffer("bank", torch.cat([plain.bank, plain.bank]))

    def forward(self, waveform: torch.Tensor) -> torch.Tensor:
        """``(batch, 48,000)`` to ``(batch, 300, 80)``."""
        peak = waveform.abs().reshape(-1, _FRAMES, HOP).amax(2).amax(1, keepdim=True)
        x = waveform / peak.clamp_min(1e-6)
        # What the last frame needs, no more.
        x = pad(x, (N_FFT // 2, 2 * HOP - N_FFT // 2), "reflect").reshape(-1, _FRAMES + 2, HOP)
        rest = N_FFT - 2 * HOP
        framed = torch.cat([x[:, :-2], x[:, 1:-1], x[:, 2:, :rest]], dim=2)
        spectrum = framed @ self.kernels
        log = ((spectrum * spectrum) @ self.bank).clamp_min(1e-10).log10()
        log = log - log.amax(2).amax(1, keepdim=True)[:, :, None]
        return (log.clamp_min(-8.0) + 4.0) / 4.0


class DeviceEncoding(nn.Module):
    """``(batch, 300, 80)`` of log-mel to logits ``(batch, 8)`` and an embedding."""

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
        # Kernels of three frames as matrices.
        self.first = nn.Parameter(_matrix(encoder.conv1.weight))
        second = _matrix(encoder.conv2.weight)
        self.second = nn.Parameter(second[: 2 * WIDTH].clone())
        self.third = nn.Parameter(second[2 * WIDTH :].clone())
        self.positions = nn.Parameter(encoder.embed_positions.weight.detach().clone())
        self.blocks = encoder.layers
        last = nn.LayerNorm(WIDTH)
        self.norms = nn.ModuleList([block.self_attn_layer_norm for block in self._blocks] + [last])
        # The values' bias passes through attention, whose weights sum to one.
        self.out_biases = nn.ParameterList(
            a.out_proj.bias.detach() + a.out_proj.weight.detach() @ a.v_proj.bias.detach()
            for a in (block.self_attn for block in self._blocks)
        )
        # The head reads only what goes into the blocks above these, and what those put out.
        self.kept = body.kept
        # Each layer's output is seen through the norm of the block behind it, where that mutes none
        # of it. Its usual mean is taken away, so that the square of what remains is small enough
        # for half precision.
        read = self._norms[self.kept :]
        self.seen = [bool(norm.weight.abs().min() > _SMALLEST) for norm in read]
        unit = torch.ones(WIDTH)
        scales = torch.stack(
            [n.weight.detach() if seen else unit for n, seen in zip(read, self.seen, strict=True)]
        )
        biases = torch.stack(
            [n.bias.detach() if seen else 0 * unit for n, seen in zip(read, self.seen, strict=True)]
        )
        self.unit = nn.Parameter(unit)
        means, deviations = body.mix.mean.chunk(2, dim=1)
        mean_scale, deviation_scale = body.mix.deviation.chunk(2, dim=1)
        weights = body.mix.weights.detach().softmax(0)[:, None]
        self.usual = nn.ParameterList(list(biases + scales * means))
        self.mean_weights = nn.Parameter((weights / (mean_scale * scales)).flatten())
        self.scale = nn.Parameter(1 / scales.abs().flatten())
        self.usual_deviation = nn.Parameter(deviations.flatten().clone())
        self.deviation_weights = nn.Parameter((weights / deviation_scale).flatten())
        self.register_buffer("average", torch.full((1, POSITIONS), 1 / POSITIONS))
        self.hidden, self.head = body.hidden, net.head

    @property
    def _blocks(self) -> list[Block]:
        return cast(list[Block], list(self.blocks))

    @property
    def _norms(self) -> list[nn.LayerNorm]:
        return cast(list[nn.LayerNorm], list(self.norms))

    def forward(self, log_mel: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        """See the class."""
        norms = self._norms
        x = pad(log_mel, (0, 0, 1, 1))
        x = torch.cat([x[:, :-2], x[:, 1:-1], x[:, 2:]], dim=2) @ self.first
        x = pad(gelu(x + self.first_bias), (0, 0, 1, 1))
        pairs = x[:, :-2].reshape(-1, POSITIONS, 2 * WIDTH) @ self.second
        x = gelu(pairs + x[:, 2::2] @ self.third + self.second_bias) + self.positions
        normal = layer_norm(x, (WIDTH,), norms[0].weight, norms[0].bias, _EPSILON)
        layers = [(x, normal)]
        for number, block in enumerate(self._blocks):
            own = block.self_attn
            values = normal @ own.v_proj.weight.T
            mixed = attend(own.q_proj(normal), own.k_proj(normal), values)
            mixed = mixed @ own.out_proj.weight.T
            normal, x = _add_and_norm(mixed, x, block.final_layer_norm, self.out_biases[number])
            wide = gelu(block.fc1(normal)) @ block.fc2.weight.T
            normal, x = _add_and_norm(wide, x, norms[number + 1], block.fc2.bias)
            layers.append((x, normal))
        statistics = [self._statistics(*one, i) for i, one in enumerate(layers[self.kept :])]
        mean = torch.cat([mean for mean, _ in statistics], dim=1)
        square = torch.cat([square for _, square in statistics], dim=1)
        deviation = (square - mean * mean).clamp_min(1e-6).sqrt() * self.scale
        deviation = (deviation - self.usual_deviation) * self.deviation_weights
        shape = (-1, len(self.seen), WIDTH)
        parts = [(mean * self.mean_weights).reshape(shape).sum(1)]
        parts.append(deviation.reshape(shape).sum(1))
        embedding = self.hidden(torch.cat(parts, dim=1))
        return self.head(embedding), embedding

    def _statistics(
        self, x: torch.Tensor, normal: torch.Tensor, number: int
    ) -> tuple[torch.Tensor, torch.Tensor]:
        """Mean and mean square over time of what lies beside the usual mean of a read layer."""
        usual = self.usual[number]
        if self.seen[number]:
            unusual = normal - usual
        else:
            unusual = layer_norm(x, (WIDTH,), self.unit, -usual, _EPSILON)
        return (self.average @ unusual).squeeze(1), (self.average @ (unusual * unusual)).squeeze(1)


def _add_and_norm(
    x: torch.Tensor, residual: torch.Tensor, norm: nn.LayerNorm, bias: torch.Tensor
) -> tuple[torch.Tensor, torch.Tensor]:
    """The sum of all, normalised; and the sum."""
    if torch.compiler.is_exporting():
        frame = [*x.shape[:2], 1]
        normal, _, _, total = torch.onnx.ops.symbolic_multi_out(
            "com.microsoft::SkipLayerNormalization",
            (x, residual, norm.weight, norm.bias, bias),
            {"epsilon": _EPSILON},
            dtypes=(x.dtype,) * 4,
            shapes=(x.shape, frame, frame, x.shape),
            version=1,
        )
        return normal, total
    total = x + residual + bias
    return layer_norm(total, (WIDTH,), norm.weight, norm.bias, _EPSILON), total


def _matrix(kernel: torch.Tensor) -> torch.Tensor:
    """A convolution's ``(out, in, frames)`` as ``(frames * in, out)``."""
    out: torch.Tensor = kernel.detach().permute(2, 1, 0).flatten(0, 1).contiguous()
    return out
