"""A model file's answers to speech that it was never trained on, computed once and kept.

That is the recipe's test speakers, and every labelled corpus that the recipe does not use.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt
from rich.progress import track

from emolive.features import LogMelSpec, log_mel, normalize
from emolive.inference.classifier import OnnxClassifier
from emolive.types import FloatArray
from training.cache import AudioCache, CachedClip
from training.dataset import clip_windows, cut_window, window_features
from training.kept_files import key_of, key_of_clips, key_of_file, made_once
from training.recipe import Recipe
from training.splits import split_clips

_BATCH = 16
_USUAL_FROM = 300  # clips of training speech that say what is usual


@dataclass(frozen=True, slots=True, eq=False)
class Answers:
    """Of one model file.

    `logits` float32 ``(n_windows, n_classes)`` are of all windows of the clips, half a second
    apart; those of clip ``i`` are ``first[i]`` to ``first[i + 1]``. `centre` float32
    ``(n, n_classes)`` is of the centre window of each clip, `embeddings` ``(n, n_features)`` its
    embedding, and `usual_embedding` ``(n_features,)`` the mean of those of training speech (None:
    the model tells none), `same_bands` ``(n, n_classes)`` the same window after
    each band's mean over the speaker's clips was moved to that of training speech (None: the
    model's input is no log-mel).
    """

    clips: tuple[CachedClip, ...]
    first: npt.NDArray[np.int64]
    logits: FloatArray
    centre: FloatArray
    embeddings: FloatArray | None
    usual_embedding: FloatArray | None
    same_bands: FloatArray | None


def unseen_clips(clips: tuple[CachedClip, ...], recipe: Recipe) -> tuple[CachedClip, ...]:
    """The recipe's test speakers, then the labelled clips of corpora that it does not use."""
    others = tuple(c for c in clips if c.emotion is not None and c.corpus not in recipe.corpora)
    return split_clips(clips, recipe).test + others


def gather(classifier: OnnxClassifier, audio: AudioCache, recipe: Recipe) -> Answers:
    """The model's answers, from the cache's folder if they were computed before."""
    clips = unseen_clips(audio.clips, recipe)
    about = [key_of_file(classifier.path), key_of_clips(clips), recipe.window_s]
    name = f"answers-{key_of([*about, key_of_clips(_usual(audio, recipe))])}.npz"

    def make(partial: Path) -> None:
        np.savez(partial, allow_pickle=False, **_computed(classifier, audio, clips, recipe))

    with np.load(made_once(audio.folder / name, make)) as found:
        return Answers(
            clips,
            found["first"],
            found["logits"],
            found["centre"],
            found.get("embeddings"),
            found.get("usual_embedding"),
            found.get("same_bands"),
        )


def _computed(
    classifier: OnnxClassifier,
    audio: AudioCache,
    clips: tuple[CachedClip, ...],
    recipe: Recipe,
) -> dict[str, npt.NDArray[np.generic]]:
    first, rows, centre, embeddings = [0], [], [], []
    for clip in track(clips, description="All windows"):
        windows = clip_windows(audio.samples(clip), recipe)
        rows += [
            classifier.predict(windows[i : i + _BATCH]).logits
            for i in range(0, len(windows), _BATCH)
        ]
        first.append(first[-1] + len(windows))
    spec = classifier.metadata.front_end
    for clip in track(clips, description="Centre windows"):
        cut = cut_window(audio.samples(clip), recipe.window_samples, 0.5)
        answer = classifier.predict(window_features(cut, recipe)[None])
        centre.append(answer.logits)
        if answer.embedding is not None:
            embeddings.append(answer.embedding)
    found: dict[str, npt.NDArray[np.generic]] = {
        "first": np.array(first),
        "logits": np.concatenate(rows),
        "centre": np.concatenate(centre),
    }
    if embeddings:
        found["embeddings"] = np.concatenate(embeddings)
        found["usual_embedding"] = _usual_embedding(classifier, audio, recipe)
    if isinstance(spec, LogMelSpec):
        found["same_bands"] = _same_bands(classifier, audio, clips, recipe, spec)
    return found


def _usual(audio: AudioCache, recipe: Recipe) -> list[CachedClip]:
    """A few hundred clips of the speech that the model was trained on, spread over all of it."""
    train = split_clips(audio.clips, recipe).train
    return list(train[:: max(1, len(train) // _USUAL_FROM)])


def _usual_embedding(classifier: OnnxClassifier, audio: AudioCache, recipe: Recipe) -> FloatArray:
    rows = []
    for clip in track(_usual(audio, recipe), description="Training speech"):
        window = window_features(
            cut_window(audio.samples(clip), recipe.window_samples, 0.5), recipe
        )
        embedding = classifier.predict(window[None]).embedding
        assert embedding is not None
        rows.append(embedding[0])
    mean: FloatArray = np.mean(rows, axis=0, dtype=np.float32)
    return mean


def _same_bands(
    classifier: OnnxClassifier,
    audio: AudioCache,
    clips: tuple[CachedClip, ...],
    recipe: Recipe,
    spec: LogMelSpec,
) -> FloatArray:
    """What the model says when every speaker's mean spectrum is that of training speech."""

    def bands(some: list[CachedClip]) -> FloatArray:
        """The mean of each band above the clip's own mean, ``(n_mels, 1)``."""
        means = [log_mel(audio.samples(clip), spec).mean(axis=1) for clip in some]
        shape: FloatArray = np.mean([one - one.mean() for one in means], axis=0, dtype=np.float32)
        return shape[:, None]

    usual = bands(_usual(audio, recipe))
    by_speaker: dict[tuple[str, str], list[CachedClip]] = {}
    for clip in clips:
        by_speaker.setdefault((clip.corpus, clip.speaker), []).append(clip)
    moved = {speaker: usual - bands(own) for speaker, own in by_speaker.items()}
    rows = []
    for clip in track(clips, description="Same bands"):
        heard = log_mel(cut_window(audio.samples(clip), recipe.window_samples, 0.5), spec)
        shifted = normalize(heard + moved[clip.corpus, clip.speaker], spec)
        rows.append(classifier.predict(shifted[None]).logits)
    return np.concatenate(rows)
