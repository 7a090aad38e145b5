"""The encoder of OpenAI's Whisper (Radford et al. 2023, arXiv 2212.04356) as a speech front end.

The encoder is cut to the window: its log-mel, convolutions and positions cover as many frames as
the window has, so a 3-second window costs a tenth of Whisper's own 30 seconds. Weights have Hugging
Face's names (`model.safetensors` of `openai/whisper-base`).
"""

from __future__ import annotations

import hashlib
import math
import shutil
from collections.abc import Mapping
from http.client import HTTPException
from pathlib import Path

import torch
from safetensors import SafetensorError
from safetensors.torch import load_file
from torch import nn
from torch.nn import functional
from torch.nn.functional import layer_norm, pad, scaled_dot_product_attention
from torchaudio.functional import melscale_fbanks

from emolive.errors import EmoliveError
from emolive.session.export.atomic import replacing
from training.corpora.fetch import DownloadError, open_url
from training.kept_files import key_of_file, made_once
from training.waveforms import frames

WIDTH, HEADS, MELS, BLOCKS = 512, 8, 80, 6
POSITIONS = 150  # of Whisper's 1,500: a window of 3 s
RATE, N_FFT, HOP = 16_000, 400, 160
_PREFIX = "model.encoder."
_WAY = "`python -m training prepare CORPORA --pretrained FILE`"
WEIGHTS = "whisper-base.safetensors"  # in the cache's folder
PUBLISHED = "https://huggingface.co/openai/whisper-base/resolve/main/model.safetensors"  # MIT
# SHA-256 over the encoder's tensors as float16, in the order of their names: the content, whatever
# wrote the file.
_CONTENT = "063d1ede86ffd383258859e1c8500a0bac1267d74db1080beb1f00a53801f0f1"


class WeightsError(EmoliveError):
    """A file that does not hold the weights it should."""


class WhisperLogMel(nn.Module):
    """Whisper's log-mel with the level removed; a matrix product instead of an FFT: it exports.

    16 kHz, periodic Hann of 400 samples, hop 160, centred frames with reflection, 80 Slaney bands,
    log10 down to 8 below the window's maximum. The maximum becomes 1: a gain changes nothing.
    """

    kernels: torch.Tensor
    bank: torch.Tensor

    def __init__(self) -> None:
        super().__init__()
        window = torch.hann_window(N_FFT, dtype=torch.float64)
        angle = 2 * math.pi / N_FFT * torch.outer(torch.arange(N_FFT // 2 + 1), torch.arange(N_FFT))
        kernels = torch.cat([angle.cos() * window, -angle.sin() * window])
        bank = melscale_fbanks(
            N_FFT // 2 + 1, 0.0, RATE / 2, MELS, RATE, norm="slaney", mel_scale="slaney"
        )
        self.register_buffer("kernels", kernels.T.float().contiguous(), persistent=False)
        self.register_buffer("bank", bank, persistent=False)

    def forward(self, waveform: torch.Tensor) -> torch.Tensor:
        """``(batch, n_samples)`` to ``(batch, 80, n_samples // 160)``."""
        with torch.autocast(waveform.device.type, enabled=False):
            peak = waveform.float().abs().amax(1, keepdim=True).clamp_min(1e-6)
            x = pad((waveform.float() / peak)[:, None], (N_FFT // 2, N_FFT // 2), "reflect")
            framed = frames(x[:, 0], N_FFT, HOP)[:, :-1]
            real, imaginary = (framed @ self.kernels.float()).chunk(2, dim=2)
            mel = (real * real + imaginary * imaginary) @ self.bank.float()
            log = mel.transpose(1, 2).clamp_min(1e-10).log10()
            log = log - log.amax((1, 2), keepdim=True)
            return (log.clamp_min(-8.0) + 4.0) / 4.0


def _fused(name: str, *inputs: torch.Tensor, **attributes: int) -> torch.Tensor:
    """An operator of ONNX Runtime's own, for export; its output is like its first input."""
    first = inputs[0]
    out: torch.Tensor = torch.onnx.ops.symbolic(
        f"com.microsoft::{name}",
        inputs,
        {**attributes},
        dtype=first.dtype,
        shape=first.shape,
        version=1,
    )
    return out


def gelu(x: torch.Tensor) -> torch.Tensor:
    """The exact GELU."""
    return _fused("Gelu", x) if torch.compiler.is_exporting() else functional.gelu(x)


def attend(q: torch.Tensor, k: torch.Tensor, v: torch.Tensor) -> torch.Tensor:
    """Multi-head attention of ``(batch, frames, 512)`` each, without its projections.

    Exported as ONNX Runtime's own operator: flash attention on GPUs, no shapes worked out on the
    CPU.
    """
    if torch.compiler.is_exporting():
        return _fused("MultiHeadAttention", q, k, v, num_heads=HEADS)

    def heads(y: torch.Tensor) -> torch.Tensor:
        return y.reshape(*y.shape[:2], HEADS, WIDTH // HEADS).transpose(1, 2)

    mixed = scaled_dot_product_attention(heads(q), heads(k), heads(v))
    return mixed.transpose(1, 2).flatten(2)


class Attention(nn.Module):
    """Multi-head attention of frames to each other."""

    def __init__(self) -> None:
        super().__init__()
        self.q_proj = nn.Linear(WIDTH, WIDTH)
        self.k_proj = nn.Linear(WIDTH, WIDTH, bias=False)
        self.v_proj = nn.Linear(WIDTH, WIDTH)
        self.out_proj = nn.Linear(WIDTH, WIDTH)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """``(batch, frames, 512)`` to the same."""
        out: torch.Tensor = self.out_proj(attend(self.q_proj(x), self.k_proj(x), self.v_proj(x)))
        return out


class Block(nn.Module):
    """A transformer block, norms first."""

    def __init__(self) -> None:
        super().__init__()
        self.self_attn_layer_norm = nn.LayerNorm(WIDTH)
        self.self_attn = Attention()
        self.final_layer_norm = nn.LayerNorm(WIDTH)
        self.fc1 = nn.Linear(WIDTH, 4 * WIDTH)
        self.fc2 = nn.Linear(4 * WIDTH, WIDTH)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """``(batch, frames, 512)`` to the same."""
        x = x + self.self_attn(self.self_attn_layer_norm(x))
        out: torch.Tensor = x + self.fc2(gelu(self.fc1(self.final_layer_norm(x))))
        return out


class WhisperEncoder(nn.Module):
    """The first `blocks` blocks; gives what each of them, and the convolutions, put out."""

    def __init__(self, blocks: int = BLOCKS) -> None:
        super().__init__()
        self.log_mel = WhisperLogMel()
        self.conv1 = nn.Conv1d(MELS, WIDTH, 3, padding=1)
        self.conv2 = nn.Conv1d(WIDTH, WIDTH, 3, stride=2, padding=1)
        self.embed_positions = nn.Embedding(POSITIONS, WIDTH)
        self.layers = nn.ModuleList(Block() for _ in range(blocks))

    def forward(self, waveform: torch.Tensor) -> list[torch.Tensor]:
        """``(batch, n_samples)`` to `blocks` + 1 of ``(batch, n_samples // 320, 512)``.

        Each is layer-normed per frame, without weights.
        """
        return self.encode(self.log_mel(waveform))

    def encode(self, log_mel: torch.Tensor) -> list[torch.Tensor]:
        """The same from `log_mel`, ``(batch, 80, n_frames)``."""
        return self.upper(self._embed(log_mel))

    def _embed(self, log_mel: torch.Tensor) -> torch.Tensor:
        x = gelu(self.conv1(log_mel))
        x = gelu(self.conv2(x)).transpose(1, 2)
        return x + self.embed_positions.weight[: x.shape[1]]

    def lower(self, waveform: torch.Tensor) -> torch.Tensor:
        """What the last block puts out, ``(batch, n_samples // 320, 512)``, for `upper`."""
        x = self._embed(self.log_mel(waveform))
        for layer in self.layers:
            x = layer(x)
        return x

    def upper(self, x: torch.Tensor, first: int = 0) -> list[torch.Tensor]:
        """What goes into block `first`, and what it and all above put out, as `forward`."""
        outputs = [x]
        for layer in list(self.layers)[first:]:
            outputs.append(layer(outputs[-1]))
        return [layer_norm(y.float(), (WIDTH,)) for y in outputs]


def pretrained(path: Path, blocks: int = BLOCKS) -> WhisperEncoder:
    """An encoder with the weights of a safetensors file; what lies behind `blocks` is not read.

    Raises:
        FileNotFoundError: there is no such file.
        WeightsError: it holds no Whisper base encoder.
    """
    found = _weights(_there(path))
    encoder = WhisperEncoder(blocks)
    wanted = encoder.state_dict()
    taken: dict[str, torch.Tensor] = {}
    for name, own in wanted.items():
        weight = found.get(_PREFIX + name)
        if weight is None:
            raise _no_encoder(path, f"it has no {_PREFIX}{name}")
        taken[name] = weight[: len(own)].float()
        if taken[name].shape != own.shape:
            raise _no_encoder(path, f"its {_PREFIX}{name} is {tuple(weight.shape)}")
    encoder.load_state_dict(taken)
    return encoder


def encoder_key(path: Path) -> str:
    """What tells the outputs of the encoder in a file from another's.

    Raises:
        FileNotFoundError: there is no such file.
    """
    return key_of_file(_there(path))


def _there(path: Path) -> Path:
    if not path.is_file():
        raise FileNotFoundError(
            f"There is no file {path}: give Whisper base's weights (model.safetensors of "
            f"openai/whisper-base) to {_WAY}."
        )
    return path


def _weights(path: Path) -> Mapping[str, torch.Tensor]:
    try:
        found: Mapping[str, torch.Tensor] = load_file(path)
    except (SafetensorError, OSError) as error:
        raise _no_encoder(path, f"it cannot be read: {error}") from error
    return found


def _no_encoder(path: Path, reason: str) -> WeightsError:
    return WeightsError(
        f"{path} is no Whisper base encoder ({reason}): give model.safetensors of "
        f"openai/whisper-base to {_WAY}, or remove it and let --download fetch it."
    )


def keep(cache: Path, file: Path | None = None) -> Path:
    """The encoder's weights in the cache's folder: from `file`, or downloaded if not there yet.

    Raises:
        DownloadError: they cannot be had, or are not what was published.
        FileNotFoundError: there is no such file.
        WeightsError: it holds no Whisper base encoder.
    """
    target = cache / WEIGHTS
    cache.mkdir(parents=True, exist_ok=True)
    if file is None:
        return made_once(target, _download)
    pretrained(file)
    if not (target.is_file() and file.samefile(target)):
        with replacing(target) as partial:
            shutil.copyfile(file, partial)
    return target


def _download(target: Path) -> None:
    try:
        with open_url(PUBLISHED) as response, target.open("wb") as out:
            shutil.copyfileobj(response, out)
        whole = content_digest(target) == _CONTENT
    except (OSError, HTTPException) as error:
        target.unlink(missing_ok=True)
        raise DownloadError(
            f"{PUBLISHED} cannot be had ({error}): give its file with --pretrained FILE."
        ) from error
    except WeightsError:  # a page instead of the file, or a part of it
        whole = False
    if not whole:
        target.unlink()
        raise DownloadError(
            f"{PUBLISHED} is not what was published: it was deleted, try again, or give its file "
            "with --pretrained FILE."
        )


def content_digest(path: Path) -> str:
    """SHA-256 over the encoder's weights in a file, as float16, in the order of their names.

    Raises:
        WeightsError: it holds no weights.
    """
    digest = hashlib.sha256()
    for name, tensor in sorted(_weights(path).items()):
        if name.startswith(_PREFIX):
            digest.update(tensor.half().numpy().tobytes())
    return digest.hexdigest()


class Adapter(nn.Module):
    """A linear layer with a low-rank addition (LoRA, Hu et al. 2022, arXiv 2106.09685)."""

    def __init__(self, base: nn.Linear, rank: int) -> None:
        super().__init__()
        self.base = base
        self.down = nn.Parameter(torch.randn(rank, base.in_features) / math.sqrt(base.in_features))
        self.up = nn.Parameter(torch.zeros(base.out_features, rank))

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """As the layer."""
        out: torch.Tensor = self.base(x) + (x @ self.down.T) @ self.up.T
        return out

    def merged(self) -> nn.Linear:
        """One layer that does the same."""
        with torch.no_grad():
            self.base.weight += self.up @ self.down
        return self.base


_ADAPTED = ("q_proj", "k_proj", "v_proj", "out_proj", "fc1", "fc2")


def add_adapters(encoder: WhisperEncoder, rank: int, first: int = 0) -> None:
    """Freeze the encoder, and give each linear layer of its blocks from `first` on an adapter."""
    encoder.requires_grad_(False)
    for block in list(encoder.layers)[first:]:
        for owner in list(block.modules()):
            for name, layer in list(owner.named_children()):
                if name in _ADAPTED and isinstance(layer, nn.Linear):
                    setattr(owner, name, Adapter(layer, rank))


def merge_adapters(module: nn.Module) -> None:
    """Replace every adapter below `module` by the layer that does the same."""
    for name, child in list(module.named_children()):
        if isinstance(child, Adapter):
            setattr(module, name, child.merged())
        else:
            merge_adapters(child)
