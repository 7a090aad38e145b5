"""Whether the why-view's saliency is faithful, and whether cues inside it are what is expected.

Deletion and insertion (Petsiuk et al. 2018, arXiv 1806.07421): patches of the spectrogram are taken
out, or put back into silence, from the most salient on; the probability of the answer should fall
fast, or come back fast. The same is done from the loudest patch on and in random order.

Cues (arXiv 2511.11691, "Beyond saliency") are measured in the shortest stretch of sound that holds
half of what the answer rests on, beside the whole window and a random stretch of the same length,
and compared with the direction that the literature expects of the intended emotion (Scherer 2003;
Juslin and Laukka 2003), against how the speaker usually sounds.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import pairwise
from typing import NamedTuple

import numpy as np
import numpy.typing as npt
from pydantic import BaseModel, ConfigDict
from rich.progress import track

from emolive.acoustics import SPECTROGRAM
from emolive.explain.baseline import RunningBaseline
from emolive.explain.cues import Cue, load_praat, measure
from emolive.explain.occlusion import Occlusion, SoundOcclusion, occlusion
from emolive.explain.saliency import PATCH, Saliency, occlude, salient_stretch
from emolive.features import log_mel, model_input
from emolive.inference.classifier import OnnxClassifier
from emolive.inference.decision import calibrated
from emolive.types import FloatArray
from training.cache import AudioCache, CachedClip
from training.dataset import cut_window
from training.functionals import drawn

Cell = tuple[slice, slice]
STEPS = 10
ORDERS = ("salient", "loudest", "random")

_UP, _DOWN = 1, -1
_LOUD, _PITCH, _RANGE, _RATE, _TILT = (
    Cue.LOUDNESS, Cue.PITCH, Cue.PITCH_RANGE, Cue.RATE, Cue.TILT,
)  # fmt: skip
# "calm" is Juslin and Laukka's tenderness; of disgust the reviews say nothing that agrees.
EXPECTED: dict[str, dict[Cue, int]] = {
    "angry": {_LOUD: _UP, _PITCH: _UP, _RANGE: _UP, _RATE: _UP, _TILT: _UP},
    "fearful": {_PITCH: _UP, _RANGE: _DOWN, _RATE: _UP},
    "happy": {_LOUD: _UP, _PITCH: _UP, _RANGE: _UP, _RATE: _UP, _TILT: _UP},
    "sad": {_LOUD: _DOWN, _PITCH: _DOWN, _RANGE: _DOWN, _RATE: _DOWN, _TILT: _DOWN},
    "calm": {_LOUD: _DOWN, _PITCH: _DOWN, _RANGE: _DOWN, _RATE: _DOWN, _TILT: _DOWN},
    "surprised": {_PITCH: _UP, _RANGE: _UP},
}


class ClipRow(BaseModel):
    """One clip; areas are means of the answer's probability over the curve, 0 to 1.

    `met` and `judged`: of the expected directions, how many were found and how many could be
    measured, in the salient stretch, the whole window and a random stretch.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    corpus: str
    speaker: str
    emotion: str
    answer: str
    probability: float
    deletion: dict[str, float]
    insertion: dict[str, float]
    met: dict[str, int]
    judged: dict[str, int]
    stretch_s: float


class Faithfulness(BaseModel):
    """A model's rows."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    model: str
    clips: tuple[ClipRow, ...]


class _Window(NamedTuple):
    """A clip's window: its sound, what may be taken out of it, and the answer."""

    samples: FloatArray
    parts: Occlusion
    label: int
    probability: float
    saliency: Saliency


def cells(shape: tuple[int, ...]) -> list[Cell]:
    """Patches that cover the spectrogram once."""

    def cuts(length: int, step: int) -> list[slice]:
        return [slice(a, b) for a, b in pairwise([*range(0, length, step), length])]

    return [(b, f) for b in cuts(shape[0], PATCH[0]) for f in cuts(shape[1], PATCH[1])]


def without_first(
    window: Occlusion, samples: FloatArray, order: Sequence[Cell], counts: Sequence[int]
) -> Iterator[FloatArray]:
    """The model's input without the first so many patches of an order; `counts` ascend."""
    done = 0
    if isinstance(window, SoundOcclusion):
        rest = samples.astype(np.float64)
        for count in counts:
            for cell in order[done:count]:
                rest = rest - (samples - window.sound_without(*cell))
            done = count
            yield window.heard(rest.astype(np.float32))
        return
    frames = window.whole().copy()
    for count in counts:
        for cell in order[done:count]:
            frames[cell] = window.without(*cell)[cell]
        done = count
        yield frames.copy()


def _areas(classifier: OnnxClassifier, at: _Window, order: Sequence[Cell]) -> tuple[float, float]:
    """Area under the deletion and under the insertion curve."""
    counts = [round(len(order) * step / STEPS) for step in range(STEPS + 1)]
    temperature = classifier.metadata.temperature

    def mean(some: Sequence[Cell]) -> float:
        inputs = np.stack(list(without_first(at.parts, at.samples, some, counts)))
        p = calibrated(classifier.predict(inputs).logits, temperature)[:, at.label]
        return float(np.trapezoid(p) / STEPS)

    # Putting back the best first is taking out the worst first, read backwards.
    return mean(order), mean(order[::-1])


def _orders(at: _Window, rng: np.random.Generator) -> dict[str, list[Cell]]:
    patches = cells(at.parts.shape)
    loud = log_mel(at.samples, SPECTROGRAM)

    def ranked(values: npt.NDArray[np.floating]) -> list[Cell]:
        means = np.array([values[cell].mean() for cell in patches])
        return [patches[i] for i in np.argsort(-means, kind="stable")]

    return {
        "salient": ranked(at.saliency.worth),
        "loudest": ranked(loud),
        "random": [patches[i] for i in rng.permutation(len(patches))],
    }


def measure_faithfulness(
    classifier: OnnxClassifier,
    cache: AudioCache,
    clips: Sequence[CachedClip],
    *,
    most: int = 160,
    seed: int = 0,
) -> Faithfulness:
    """Deletion, insertion and cues of at most `most` clips, their classes in equal shares.

    Clips should be of speakers whom the model never heard. Needs the extra `cues`.
    """
    rng, praat = np.random.default_rng(seed), load_praat()
    rate = classifier.metadata.sampling_rate
    n = classifier.metadata.window_samples
    some = drawn(clips, most, seed)
    usual: dict[tuple[str, str], RunningBaseline] = {}
    for clip in track(clips, description="How speakers usually sound"):
        baseline = usual.setdefault((clip.corpus, clip.speaker), RunningBaseline(1_000))
        if baseline.windows < 60:
            baseline.add(measure(_heard(cache, clip, n), rate, praat))
    rows = []
    for clip in track(some, description="Deletion and insertion"):
        at = _window(classifier, cut_window(cache.samples(clip), n, 0.5))
        areas = {name: _areas(classifier, at, o) for name, o in _orders(at, rng).items()}
        begin, end = salient_stretch(at.saliency.worth, n)
        start = int(rng.integers(0, n - (end - begin) + 1))
        stretches = {
            "salient": at.samples[begin:end],
            "window": _heard(cache, clip, n),
            "random": at.samples[start : start + end - begin],
        }
        expected = EXPECTED.get(str(clip.emotion), {})
        met, judged = {}, {}
        for name, sound in stretches.items():
            readings = usual[clip.corpus, clip.speaker].compare(measure(sound, rate, praat))
            signs = [
                (r.deviation > 0) == (expected[r.cue] > 0)
                for r in readings
                if r.cue in expected and r.deviation is not None
            ]
            met[name], judged[name] = sum(signs), len(signs)
        rows.append(
            ClipRow(
                corpus=clip.corpus,
                speaker=clip.speaker,
                emotion=str(clip.emotion),
                answer=classifier.metadata.labels[at.label],
                probability=at.probability,
                deletion={name: deleted for name, (deleted, _) in areas.items()},
                insertion={name: inserted for name, (_, inserted) in areas.items()},
                met=met,
                judged=judged,
                stretch_s=(end - begin) / rate,
            )
        )
    return Faithfulness(model=classifier.metadata.name, clips=tuple(rows))


def _heard(cache: AudioCache, clip: CachedClip, n: int) -> FloatArray:
    """The clip's centre without padding: silence around it is no pause of the speaker's."""
    audio = cache.samples(clip)
    start = max(0, (audio.size - n) // 2)
    return audio[start : start + n]


def _window(classifier: OnnxClassifier, samples: FloatArray) -> _Window:
    metadata = classifier.metadata
    parts = occlusion(samples, metadata.front_end)
    heard = model_input(samples, metadata.front_end)
    p = calibrated(classifier.predict(heard[None]).logits, metadata.temperature)[0]
    label = int(p.argmax())
    found = occlude(classifier, parts, label, metadata.temperature, batch=40, budget_s=0.0)
    assert found is not None  # only somebody who waits cancels it
    return _Window(samples, parts, label, float(p[label]), found)
