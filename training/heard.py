"""What a frozen encoder hears of test clips in each listening condition, computed once and kept.

Rows that differ in their heads alone hear the same: only the first of them waits for the encoder.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
import numpy.typing as npt
import torch
from rich.progress import track
from torch import nn

from emolive.types import FloatArray
from training.cache import AudioCache, CachedClip
from training.dataset import clip_windows, cut_window
from training.encoder_outputs import EncoderOutputs, Encoding
from training.evaluate import Disturb
from training.kept_files import key_of, key_of_clips, made_once
from training.metrics import softmax
from training.recipe import Recipe
from training.splits import noise_clips

_BATCH = 64
_AT_ONCE = 128  # outputs that a head reads


class HeardOutputs:
    """Outputs of the encoder for windows of a fold's test clips."""

    def __init__(
        self, cache: AudioCache, recipe: Recipe, clips: Sequence[CachedClip], device: torch.device
    ) -> None:
        self._cache, self._recipe, self._clips, self._device = cache, recipe, clips, device
        # In order: the i-th clip always gets the same noise.
        noise = noise_clips(cache.clips)
        self._key = key_of([recipe.window_s, key_of_clips(clips), key_of_clips(noise)])

    def _kept(
        self, name: str, disturb: Disturb, cut: Callable[[FloatArray], FloatArray]
    ) -> tuple[torch.Tensor, npt.NDArray[np.int64]]:
        """Of all windows ``(n, n_samples)`` that `cut` makes of each clip, and how many it made."""
        encoding = Encoding(self._cache, self._recipe, self._device)
        file = f"heard-{encoding.name}-{name.replace(' ', '-')}-{self._key}.npz"

        def make(partial: Path) -> None:
            cuts = [cut(disturb(self._cache.samples(c), i)) for i, c in enumerate(self._clips)]
            windows, rows = np.concatenate(cuts), []
            compute = encoding()
            with torch.inference_mode():
                for start in track(range(0, len(windows), _BATCH), description=name):
                    batch = torch.from_numpy(windows[start : start + _BATCH])
                    rows.append(compute(batch.to(self._device)).half().cpu().numpy())
            np.savez(partial, heard=np.concatenate(rows), counts=[len(some) for some in cuts])

        path = made_once(self._cache.folder / file, make)
        with np.load(path) as found:
            heard, counts = torch.from_numpy(found["heard"]), found["counts"]
        return heard[:, self._recipe.encoder.read].to(self._device), counts

    def window_logits(self, head: nn.Module, disturb: Disturb, name: str) -> FloatArray:
        """Of the centre window of each clip, ``(n, 8)``."""
        if name == "clean":
            kept = EncoderOutputs(self._cache, self._recipe, self._device)
            return head_logits(head, kept.of(self._clips))
        n = self._recipe.window_samples
        heard, _ = self._kept(f"centre {name}", disturb, lambda x: cut_window(x, n, 0.5)[None])
        return head_logits(head, heard)

    def clip_probabilities(self, head: nn.Module, disturb: Disturb, name: str) -> FloatArray:
        """Mean probabilities over all windows of each clip, ``(n, 8)``."""
        heard, counts = self._kept(f"all {name}", disturb, lambda x: clip_windows(x, self._recipe))
        parts = np.split(softmax(head_logits(head, heard)), np.cumsum(counts)[:-1])
        return np.stack([part.mean(axis=0) for part in parts]).astype(np.float32)


@torch.inference_mode()
def head_logits(head: nn.Module, outputs: torch.Tensor) -> FloatArray:
    """Logits ``(n, 8)`` of a head trained on kept outputs, ``(n, layers, ...)``."""
    head.eval()
    parts = [outputs[i : i + _AT_ONCE] for i in range(0, len(outputs), _AT_ONCE)]
    rows = [head(part[:, None].float()).float() for part in parts]
    none: FloatArray = np.zeros((0, 8), np.float32)
    return torch.cat(rows).cpu().numpy() if rows else none
