"""CO-VADA (arXiv 2506.06071): voices of clips that reveal a speaker shortcut are converted.

A clip reveals one where a classifier is much surer of its class when it has heard the speaker than
when it has not. WORLD (Morise et al. 2016) gives such a clip another voice: another pitch and
formants, a little breathier or clearer; how it is spoken, and its level, stay.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial

import numpy as np
import numpy.typing as npt
import torch
from rich.progress import track
from scipy.ndimage import map_coordinates
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import GroupKFold, cross_val_predict
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from threadpoolctl import threadpool_limits

from emolive.errors import EmoliveError
from emolive.types import FloatArray
from training.cache import SAMPLING_RATE, AudioCache, CachedClip
from training.dataset import cut_window
from training.encoder_outputs import Encoding
from training.evaluate import labels_of
from training.kept_files import made_once
from training.recipe import Recipe

PITCH_SEMITONES = (3.0, 7.0)  # up or down
FORMANTS = (1.08, 1.22)  # or their inverse, in the same direction as pitch
_BREATH = 0.15  # of aperiodicity, more or less
_GROUPS = 3
_BATCH = 16


def convert(audio: FloatArray, rng: np.random.Generator) -> FloatArray:
    """Speech in another voice, as long and as loud.

    Raises:
        EmoliveError: WORLD (pyworld) is not installed.
    """
    try:
        import pyworld
    except ImportError as error:
        raise EmoliveError(
            "WORLD is missing: install the extra voices, pip install 'emolive[voices]'."
        ) from error
    x = audio.astype(np.float64)
    f0, times = pyworld.dio(x, SAMPLING_RATE)
    f0 = pyworld.stonemask(x, f0, times, SAMPLING_RATE)
    envelope = pyworld.cheaptrick(x, f0, times, SAMPLING_RATE)
    noise = pyworld.d4c(x, f0, times, SAMPLING_RATE)
    up = rng.random() < 0.5
    ratio = 2 ** (rng.uniform(*PITCH_SEMITONES) / 12)
    formants = rng.uniform(*FORMANTS)
    if not up:
        ratio, formants = 1 / ratio, 1 / formants
    bins = np.minimum(np.arange(envelope.shape[1]) / formants, envelope.shape[1] - 1)
    frames = np.arange(len(envelope))
    at = np.stack(np.broadcast_arrays(frames[:, None], bins[None, :]))
    warped = map_coordinates(np.log(envelope), at, order=1, mode="nearest")
    breath = np.clip(noise + rng.uniform(-_BREATH, _BREATH), 1e-3, 1.0)
    y = pyworld.synthesize(f0 * ratio, np.exp(warped), breath, SAMPLING_RATE)
    y = np.pad(y, (0, max(0, len(x) - len(y))))[: len(x)]
    loud, was = np.sqrt(np.mean(y**2)), np.sqrt(np.mean(x**2))
    found: FloatArray = (y * (was / loud) if loud > 0 else x).astype(np.float32)
    return found


def revealing(
    statistics: torch.Tensor, clips: Sequence[CachedClip], share: float
) -> tuple[CachedClip, ...]:
    """The clips whose confidence owes most to having heard the speaker, the most first.

    Args:
        statistics: pooled outputs of the encoder, ``(n, layers, 1024)``.
        clips: what they are of.
        share: of the clips.
    """
    x = statistics.mean(dim=1).float().cpu().numpy()
    labels, rows = labels_of(tuple(clips)), np.arange(len(clips))
    speakers = np.array([f"{c.corpus} {c.speaker}" for c in clips])
    machine = make_pipeline(StandardScaler(), LogisticRegression(C=0.003, max_iter=200))
    groups = GroupKFold(min(_GROUPS, len(np.unique(speakers))))
    columns = np.searchsorted(np.unique(labels), labels)
    with threadpool_limits(1):
        apart = cross_val_predict(
            machine, x, labels, cv=groups, groups=speakers, method="predict_proba"
        )
        heard = machine.fit(x, labels).predict_proba(x)
    gap: npt.NDArray[np.float64] = (heard - apart)[rows, columns]
    order = np.argsort(-gap, kind="stable")[: round(share * len(clips))]
    return tuple(clips[i] for i in order)


class ConvertedVoices:
    """Pooled outputs of the encoder for clips in another voice, in the cache, one file a clip."""

    def __init__(self, cache: AudioCache, clips: Sequence[CachedClip], recipe: Recipe) -> None:
        """Convert and encode what is not kept yet; a third of a second a clip."""
        encoding = Encoding(cache, recipe, torch.device("cpu"))
        folder = cache.folder / f"converted-voices-{encoding.name}"
        folder.mkdir(exist_ok=True)
        missing = [clip for clip in clips if not (folder / f"{clip.digest}.npy").is_file()]
        if missing:
            compute = encoding()
        for start in track(range(0, len(missing), _BATCH), description="Voices"):
            some = missing[start : start + _BATCH]
            cuts = []
            for clip in some:
                rng = np.random.default_rng(int(clip.digest[:8], 16))
                other = convert(cache.samples(clip), rng)
                cuts.append(cut_window(other, recipe.window_samples, 0.5))
            with torch.inference_mode():
                pooled = compute(torch.from_numpy(np.stack(cuts))).half().numpy()
            for clip, values in zip(some, pooled, strict=True):
                made_once(folder / f"{clip.digest}.npy", partial(np.save, arr=values))
        read = recipe.encoder.read
        self._of = {
            clip.digest: torch.from_numpy(np.load(folder / f"{clip.digest}.npy"))[read]
            for clip in clips
        }

    def put(self, x: torch.Tensor, clips: Sequence[CachedClip], rng: np.random.Generator) -> None:
        """Give every other clip of a batch ``(batch, layers, 1024)`` its other voice, if it has."""
        for row, clip in enumerate(clips):
            other = self._of.get(clip.digest)
            if other is not None and rng.random() < 0.5:
                x[row] = other.to(x)
