"""Made-up answers, as trainings store them, and their scores counted class by class."""

from __future__ import annotations

import json

import numpy as np
import numpy.typing as npt

from training.labels import LABELS
from training.protocols import RAVDESS_FOLDS, SAVEE_SPEAKERS
from training.results import FoldResult

Floats = npt.NDArray[np.float32]
Ints = npt.NDArray[np.int64]

N = len(LABELS)
_CALM = LABELS.index("calm")
PLAIN = {
    "model": "resnet34",
    "initial": "speech-pretraining",
    "seed": 0,
    "corpora": {"ravdess": {}},
    "augmentation": {"noise": 0.0, "rotation_deg": 0.0, "mixup_alpha": 0.0},
}


def made_up(
    fold: str,
    skill: float,
    seed: int,
    *,
    speakers: tuple[tuple[str, str], ...],
    title: str,
    settings: dict[str, object] | None = None,
    boost: float = 3.0,
) -> FoldResult:
    """Answers that are right with probability about `skill`, for four clips of each class."""
    rng = np.random.default_rng((seed, 7))
    who = [
        (c, s, e, n)
        for c, s in speakers
        for e in range(N)
        for n in range(4)
        if (c, e) != ("savee", _CALM)
    ]
    labels = np.array([e for *_, e, _ in who])

    def logits(share: float, of: Ints = labels) -> Floats:
        said = np.where(rng.random(of.size) < share, of, rng.integers(0, N, of.size))
        noise = rng.normal(0, 1, (of.size, N))
        found: Floats = (noise + boost * np.eye(N)[said]).astype(np.float32)
        return found

    def probabilities(share: float) -> Floats:
        x = np.exp(logits(share))
        found: Floats = (x / x.sum(1, keepdims=True)).astype(np.float32)
        return found

    validation = rng.integers(0, N, 64)
    history = [
        json.dumps(
            {
                "epoch": epoch,
                "loss": 1 / epoch,
                "train_accuracy": 0.2 * epoch,
                "validation": {"ravdess": {"n": 10, "wa": 0.1 * epoch}} if epoch % 2 == 0 else {},
            }
        )
        for epoch in (1, 2, 3, 4)
    ]
    return FoldResult(
        {
            "title": title,
            "fold": fold,
            "settings": settings or PLAIN,
            "parameters": 1_234_567,
            "flops": 89_000_000,
            "seconds": 90.0,
            "device": "cpu",
            "history": history,
        },
        names=tuple(f"{c}/{s}-{e}-{n}.wav" for c, s, e, n in who),
        labels=labels,
        corpora=tuple(c for c, *_ in who),
        speakers=tuple(s for _, s, *_ in who),
        genders=tuple("male" if c == "savee" or int(s) % 2 else "female" for c, s, *_ in who),
        window_logits={
            "clean": logits(skill),
            "telephone": logits(skill - 0.1),
            "noise 20 dB": logits(skill - 0.05),
            "noise 10 dB": logits(skill - 0.2),
            "noise 0 dB": logits(skill - 0.3),
        },
        clip_probabilities={
            "clean": probabilities(skill + 0.05),
            "telephone": probabilities(skill - 0.05),
        },
        validation_logits=logits(skill, validation),
        validation_labels=validation,
    )


def fold_speakers(i: int) -> tuple[tuple[str, str], ...]:
    savee = [("savee", s) for s in SAVEE_SPEAKERS[i : i + 1]]
    return tuple([("ravdess", a) for a in RAVDESS_FOLDS[i]] + savee)


def independent(skill: float, seed: int, n_folds: int = 6, **about: object) -> list[FoldResult]:
    return [
        made_up(f"fold-{i + 1}", skill, 100 * seed + i, speakers=fold_speakers(i), **about)  # type: ignore[arg-type]
        for i in range(n_folds)
    ]


def said_of(result: FoldResult, condition: str = "clean", level: str = "window") -> Ints:
    """Answers among the classes of the tested corpus: never calm where it does not occur."""
    stored = result.window_logits if level == "window" else result.clip_probabilities
    values = stored[condition].astype(float).copy()
    values[np.array(result.corpora) == "savee", _CALM] = -np.inf
    said: Ints = values.argmax(1)
    return said


def mean_recall(said: Ints, labels: Ints) -> float:
    return float(np.mean([np.mean(said[labels == c] == c) for c in np.unique(labels)]))


def uar(result: FoldResult, chosen: npt.NDArray[np.bool_]) -> float:
    """Counted class by class."""
    return mean_recall(said_of(result)[chosen], result.labels[chosen])
