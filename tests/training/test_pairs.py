"""Self- against cross-corpus scores on made-up functionals, and openSMILE's own on real audio."""

from __future__ import annotations

import numpy as np
import pytest

pytest.importorskip("torch", reason="needs the training extra")
pytest.importorskip("opensmile", reason="needs the training extra")

from training.cache import AudioCache
from training.functionals import FEATURE_SETS, drawn, extractor, kept_functionals
from training.pairs import CLASSIFIERS, OTHERS, Heard, measure_pairs, speaker_interval, within


def _corpus(name: str, shift: float) -> Heard:
    """Four speakers, three classes; a corpus's own shift moves everything."""
    rng = np.random.default_rng(len(name))
    labels = np.tile(np.arange(3), 40)
    speakers = np.repeat([f"{name} {i}" for i in range(4)], 30)
    x = rng.normal(0, 1, (120, 6)) + shift
    x[np.arange(120), labels] += 3
    return Heard(x.astype(np.float32), labels, speakers)


@pytest.mark.parametrize("kind", CLASSIFIERS)
def test_within_a_corpus_every_clip_is_tested_by_who_never_heard_its_speaker(kind: str) -> None:
    heard = _corpus("one", 0.0)
    assert within(heard, kind).mean() > 0.8  # type: ignore[arg-type]
    # What marks the speaker and nothing else is of no use to others.
    who = np.unique(heard.speakers, return_inverse=True)[1]
    lone = np.zeros((120, 12), np.float32)
    lone[np.arange(120), who * 3 + heard.labels] = 1
    told = Heard(lone, heard.labels, heard.speakers)
    assert within(told, kind).mean() < 0.6  # type: ignore[arg-type]


def test_an_interval_is_of_speakers() -> None:
    heard = _corpus("one", 0.0)
    right = np.isin(heard.speakers, ["one 0", "one 1"])
    uar, low, high = speaker_interval(right, heard)
    assert uar == pytest.approx(0.5)
    assert low < 0.2
    assert high > 0.8
    assert speaker_interval(np.ones(120, np.bool_), heard) == (1.0, 1.0, 1.0)


def test_functionals_are_kept_and_belong_to_their_clips(cache: AudioCache) -> None:
    clips = drawn([c for c in cache.clips if c.corpus == "ravdess"], 10)
    assert len({c.emotion for c in clips}) == 8
    for features, width in zip(FEATURE_SETS, (88, 6373), strict=True):
        x = kept_functionals(cache, clips, features)
        assert x.shape == (10, width)
        again = kept_functionals(cache, clips[::-1], features)
        np.testing.assert_array_equal(x, again[::-1])
        audio = cache.samples(clips[3])
        start = max(0, round((audio.size - 48_000) / 2))
        np.testing.assert_array_equal(
            x[3], np.nan_to_num(extractor(features)(audio[start : start + 48_000]))
        )


def test_pairs_of_one_corpus(cache: AudioCache) -> None:
    found = list(measure_pairs(cache, ["ravdess"], 24))
    assert {(p.features, p.classifier) for p in found} == {
        (f, k) for f in FEATURE_SETS for k in CLASSIFIERS
    }
    for pair in found:
        assert (pair.trained, pair.tested) == ("ravdess", "ravdess")
        assert pair.trained != OTHERS
        # The pitch of a generated voice is its class.
        assert pair.low <= pair.uar <= pair.high
        assert pair.uar > 0.3
    # A run that was ended goes on with what is missing.
    assert list(measure_pairs(cache, ["ravdess"], 24, found[1:])) == found[:1]
