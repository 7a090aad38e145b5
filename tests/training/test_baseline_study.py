"""What is measured of adapting, on answers whose bias is known."""

from __future__ import annotations

import numpy as np
import pytest

pytest.importorskip("torch", reason="needs the training extra")

from emolive.baseline import ExpectedMix
from tests.models import tiny_metadata
from training import baseline_study as study
from training.answers import Answers
from training.baseline_study import (
    Outcome,
    Turns,
    _centred,
    curve,
    halves,
    kept_when_angry,
    measured,
    told,
    with_neutral,
    write_tables,
)
from training.cache import CachedClip
from training.labels import INDEX, LABELS

THRESHOLD = 0.4


def turns(n: int = 900, angry_bias: float = 2.0, seed: int = 0) -> Turns:
    """Turns of neutral, happy and angry speech, heard by a model that leans to angry."""
    rng = np.random.default_rng(seed)
    labels = rng.choice([INDEX["neutral"], INDEX["happy"], INDEX["angry"]], n)
    logits = rng.normal(0, 1, (n, len(LABELS)))
    logits[np.arange(n), labels] += 2.5
    logits[:, INDEX["angry"]] += angry_bias
    exponents = np.exp(logits)
    shares = (exponents / exponents.sum(axis=1, keepdims=True)).astype(np.float32)
    return Turns(shares, labels, np.full(n, 0.05))


def test_turns_are_drawn_as_they_are_wanted() -> None:
    rng = np.random.default_rng(1)
    first, second = halves(turns(), rng)
    assert not {row.tobytes() for row in first.probabilities} & {
        row.tobytes() for row in second.probabilities
    }
    drawn = first.mixed(rng, 0.7, 1_000)
    assert np.mean(drawn.labels == INDEX["neutral"]) == pytest.approx(0.7)
    assert np.mean(drawn.labels == INDEX["angry"]) == pytest.approx(0.15)
    some = drawn.first_minutes(rng, 10)
    assert 10 <= some.minutes.sum() < 10.1


def test_an_outcome_counts_what_it_says() -> None:
    shares = np.full((4, len(LABELS)), 0.02, np.float32)
    for row, label in enumerate(("angry", "neutral", "angry", "sad")):
        shares[row, INDEX[label]] = 0.86
    labels = np.array([INDEX["neutral"], INDEX["neutral"], INDEX["angry"], INDEX["neutral"]])
    found = Outcome.of(Turns(shares, labels, np.full(4, 10.0)), THRESHOLD)
    assert found.angry_alarms == pytest.approx(2)  # one in half an hour of neutral speech
    assert found.unpleasant_alarms == pytest.approx(4)
    assert (found.angry_found, found.decided) == (1, 1)
    assert found.uar == pytest.approx((1 / 3 + 1) / 2)


def test_a_known_bias_is_taken_out() -> None:
    corpora = with_neutral({"leaning": turns(), "no neutral": turns()[turns().labels.nonzero()[0]]})
    assert list(corpora) == ["leaning"]
    found = {way: rows["leaning"] for way, rows in measured(corpora, 0.7, THRESHOLD).items()}
    raw = found["the model's own"]
    known = [found[f"{minutes} min known, talk"] for minutes in (10, 30, 120)]
    alarms = [raw.angry_alarms, *(one.angry_alarms for one in known)]
    assert alarms == sorted(alarms, reverse=True)
    assert known[-1].uar > raw.uar
    assert found["files together, talk"].angry_alarms < raw.angry_alarms / 2
    mixes = curve(corpora, THRESHOLD)
    expected = [mixes[ExpectedMix(share)].angry_alarms for share in (0.3, 0.45, 0.6, 0.7, 0.8, 0.9)]
    assert mixes[None].angry_alarms > expected[0]
    assert expected == sorted(expected, reverse=True)
    said = told(mixes, THRESHOLD)
    assert said is not None
    assert said.own[0] == pytest.approx(mixes[None].unpleasant_alarms, abs=0.05)
    alarms, found = said.consequence(ExpectedMix(0.45))
    assert alarms == pytest.approx(
        mixes[ExpectedMix(0.45)].unpleasant_alarms / said.own[0], abs=0.01
    )
    assert found == pytest.approx(
        mixes[ExpectedMix(0.45)].angry_found / mixes[None].angry_found, abs=0.01
    )
    # A model that decides nothing has no false alarms to lose.
    assert told(curve(corpora, 1.1), 1.1) is None
    kept = kept_when_angry(turns(), 0.7, 0.45, THRESHOLD)
    assert kept is not None
    assert kept > 0.8
    assert kept_when_angry(turns(), 0.7, 0.45, 1.1) is None  # of what is never decided


def test_an_embedding_is_centred_through_the_last_layer() -> None:
    rng = np.random.default_rng(2)
    embeddings = rng.normal(size=(60, 6)).astype(np.float32)
    layer, offset = rng.normal(size=(6, len(LABELS))), rng.normal(size=len(LABELS))
    usual = rng.normal(size=6).astype(np.float32)
    groups = np.array(["a", "b"] * 30)
    clip = CachedClip("x", "a", "s", "female", "en", "happy", 0, 1, "")
    answers = Answers(
        (clip,) * 60, np.arange(61), np.empty((60, 8), np.float32),
        (embeddings @ layer + offset).astype(np.float32), embeddings, usual, None,
    )  # fmt: skip
    found = _centred(answers, groups)
    for group in "ab":
        mean = found[groups == group].mean(axis=0)
        assert mean == pytest.approx(usual @ layer + offset, abs=1e-4)


def test_speech_for_measuring_only_stands_apart(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(study, "_TEST_TURNS", 100)
    monkeypatch.setattr(study, "_SEEDS", range(1))

    def tables(*corpora: str) -> list[str]:
        clips, logits = [], []
        for number, corpus in enumerate(corpora):
            own = turns(120, seed=number)
            logits.append(np.log(own.probabilities))
            clips += [
                CachedClip(
                    f"{corpus}{i}", corpus, "s", "female", "en", LABELS[label], 0, 48_000, ""
                )
                for i, label in enumerate(own.labels)
            ]
        all_ = np.concatenate(logits)
        answers = Answers(tuple(clips), np.arange(len(all_) + 1), all_, all_, None, None, None)
        return write_tables(answers, tiny_metadata(labels=LABELS)).split("\n\n")

    with_it, without = tables("emodb", "meld"), tables("emodb")
    # From the first table on to what the program tells.
    end = next(i for i, part in enumerate(without) if part.startswith("For `MEASURED`"))
    assert with_it[2 : end + 1] == without[2 : end + 1]
    assert with_it[end + 1] == "The same of meld, which is for measuring only:"
    assert "UAR meld" in with_it[end + 2]
