"""What a frozen encoder hears of test clips in each listening condition, computed once and kept.

Rows that differ in their heads alone hear the same: only the first of them waits for the encoder.
"""

from __future__ import annotations

import hashlib
import os
from collections.abc import Sequence

import numpy as np
import torch
from rich.progress import track
from torch import nn

from emolive.types import FloatArray
from training.cache import AudioCache, CachedClip
from training.dataset import clip_windows, cut_window
from training.encoder_statistics import pooled_by
from training.evaluate import Disturb
from training.metrics import softmax
from training.recipe import Recipe
from training.whisper import WEIGHTS, pretrained

_BATCH = 64


class HeardStatistics:
    """Pooled outputs of the encoder for windows of a fold's test clips."""

    def __init__(
        self, cache: AudioCache, recipe: Recipe, clips: Sequence[CachedClip], device: torch.device
    ) -> None:
        self._cache, self._recipe, self._clips, self._device = cache, recipe, clips, device
        # In order: the i-th clip always gets the same noise.
        about = [recipe.window_s, *(clip.digest for clip in clips)]
        self._key = hashlib.sha256("\n".join(map(str, about)).encode()).hexdigest()[:12]

    def _kept(self, name: str, windows: list[FloatArray]) -> torch.Tensor:
        path = self._cache.folder / f"heard-{name.replace(' ', '-')}-{self._key}.npy"
        if not path.is_file():
            encoder = pretrained(self._cache.folder / WEIGHTS).to(self._device).eval()
            compute, rows = pooled_by(encoder, self._device), []
            with torch.inference_mode():
                for start in track(range(0, len(windows), _BATCH), description=name):
                    batch = torch.from_numpy(np.stack(windows[start : start + _BATCH]))
                    rows.append(compute(batch.to(self._device)).half().cpu().numpy())
            partial = path.with_suffix(f".{os.getpid()}.npy")
            np.save(partial, np.concatenate(rows))
            partial.replace(path)
        found = torch.from_numpy(np.load(path))
        return found[:, : self._recipe.encoder.blocks + 1].to(self._device)

    def _disturbed(self, disturb: Disturb) -> list[FloatArray]:
        return [disturb(self._cache.samples(clip), i) for i, clip in enumerate(self._clips)]

    def window_logits(self, head: nn.Module, disturb: Disturb, name: str) -> FloatArray:
        """Of the centre window of each clip, ``(n, 8)``."""
        n = self._recipe.window_samples
        cuts = [cut_window(audio, n, 0.5) for audio in self._disturbed(disturb)]
        return head_logits(head, self._kept(f"centre {name}", cuts))

    def clip_probabilities(self, head: nn.Module, disturb: Disturb, name: str) -> FloatArray:
        """Mean probabilities over all windows of each clip, ``(n, 8)``."""
        windows = [clip_windows(audio, self._recipe) for audio in self._disturbed(disturb)]
        ends = np.cumsum([len(some) for some in windows])[:-1]
        logits = head_logits(head, self._kept(f"all {name}", [w for some in windows for w in some]))
        parts = np.split(softmax(logits), ends)
        return np.stack([part.mean(axis=0) for part in parts]).astype(np.float32)


@torch.inference_mode()
def head_logits(head: nn.Module, statistics: torch.Tensor) -> FloatArray:
    """Logits ``(n, 8)`` of a head trained on kept statistics, ``(n, layers, 1024)``."""
    head.eval()
    parts = [statistics[i : i + 1024] for i in range(0, len(statistics), 1024)]
    rows = [head(part[:, None].float()).float() for part in parts]
    none: FloatArray = np.zeros((0, 8), np.float32)
    return torch.cat(rows).cpu().numpy() if rows else none
