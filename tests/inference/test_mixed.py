"""When two emotions are named as one, and whether listeners hear the second, too."""

from __future__ import annotations

import csv
from pathlib import Path

import numpy as np
import pytest
import soundfile
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from emolive.features import model_input
from emolive.inference.doubt import CLOSE, pair_name, second_emotion
from emolive.inference.loading import open_model

LABELS = ("neutral", "calm", "happy", "sad", "angry", "fearful", "disgust", "surprised")


def _shares(**known: float) -> np.ndarray:
    rest = (1 - sum(known.values())) / (len(LABELS) - len(known))
    return np.array([known.get(label, rest) for label in LABELS], np.float32)


def test_two_that_are_close_are_a_pair() -> None:
    close = _shares(sad=0.5, fearful=0.3)
    assert second_emotion(close, "sad", LABELS) == "fearful"
    # What is decided lags behind a window whose lead has just changed hands.
    assert second_emotion(close, "fearful", LABELS) == "sad"
    assert second_emotion(close, "angry", LABELS) is None
    assert second_emotion(_shares(sad=0.7, fearful=0.2), "sad", LABELS) is None
    assert second_emotion(close, None, LABELS) is None, "uncertain"
    assert second_emotion(None, "sad", LABELS) is None, "silence"
    assert second_emotion(close, "own label", LABELS) is None
    assert pair_name("sad", "fearful") == "sad + fearful"
    assert pair_name("sad", None) == "sad"


@given(
    arrays(np.float32, len(LABELS), elements=st.floats(0.015625, 1, width=32)), st.integers(0, 7)
)
def test_a_second_is_never_the_first_and_never_far(shares: np.ndarray, first: int) -> None:
    p = shares / shares.sum()
    second = second_emotion(p, LABELS[first], LABELS)
    if second is not None:
        other = LABELS.index(second)
        assert other != first
        assert min(p[other], p[first]) >= CLOSE * max(p[other], p[first]) - 1e-6
        assert sum(p > min(p[other], p[first])) <= 1


@pytest.mark.corpora
def test_listeners_hear_the_second_of_a_pair_more_than_any_other(corpora: Path) -> None:
    folder = corpora / "cremad"
    if not (folder / "votes.csv").is_file():
        pytest.skip("needs CREMA-D's votes")
    names = {"anger": "angry", "fear": "fearful"}
    with (folder / "votes.csv").open(encoding="utf-8") as table:
        votes = {
            row["file"]: {
                names.get(key, key): float(row[key])
                for key in ("anger", "disgust", "fear", "happy", "neutral", "sad")
            }
            for row in csv.DictReader(table)
        }
    model = open_model(None, "cpu")
    labels, n = model.metadata.labels, model.metadata.window_samples
    of_second, of_others = [], []
    for path in sorted((folder / "AudioWAV").iterdir())[::15]:
        heard = votes.get(path.stem)
        if heard is None:
            continue
        audio = soundfile.read(path, dtype="float32")[0]
        spare = max(0, audio.size - n) // 2
        window = np.zeros(n, np.float32)
        cut = audio[spare : spare + n]
        window[(n - cut.size) // 2 :][: cut.size] = cut
        logits = model.predict(model_input(window, model.metadata.front_end)[None]).logits[0]
        p = np.exp(logits / model.metadata.temperature)
        p /= p.sum()
        label = labels[int(p.argmax())]
        second = second_emotion(p, label, labels)
        if second in heard and label in heard:
            total = sum(heard.values())
            of_second.append(heard[second] / total)
            rest = [v for k, v in heard.items() if k not in (label, second)]
            of_others.append(sum(rest) / len(rest) / total)
    assert len(of_second) >= 10
    assert np.mean(of_second) > 1.3 * np.mean(of_others)
