"""The SVM baselines on generated audio: what they see, how they are fitted, what they answer."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

pytest.importorskip("torch", reason="needs the training extra")

from training.baselines import FeatureStore, Svm, answer_fold, centre, egemaps, mean_mfcc, windows
from training.cache import AudioCache
from training.dataset import clip_windows
from training.labels import LABELS
from training.metrics import score, softmax
from training.protocols import Fold
from training.recipe import Recipe
from training.results import load_result
from training.splits import split_clips

RATE = 16_000


def _recipe(model: str) -> Recipe:
    return Recipe.model_validate(
        {
            "name": model,
            "title": f"a {model}",
            "model": model,
            "corpora": {
                "ravdess": {
                    "clips_per_epoch": 16,
                    "validation_speakers": ("03",),
                    "test_speakers": ("04",),
                }
            },
        }
    )


def test_windows_are_the_networks_windows_without_padding() -> None:
    recipe = _recipe("svm-mfcc")
    for seconds in (1.0, 3.0, 4.2, 5.0):
        audio = np.random.default_rng(0).normal(0, 0.1, round(seconds * RATE)).astype(np.float32)
        cuts = windows(audio, recipe.window_samples, RATE // 2)
        assert len(cuts) == len(clip_windows(audio, recipe))
        assert all(c.size == min(audio.size, recipe.window_samples) for c in cuts)
        middle = centre(audio, recipe.window_samples)
        assert middle.size == min(audio.size, recipe.window_samples)
    ramp = np.arange(5 * RATE, dtype=np.float32)
    assert centre(ramp, 3 * RATE)[0] == RATE


def test_mean_mfcc_tells_spectra_apart_and_not_lengths() -> None:
    extract = mean_mfcc(_recipe("svm-mfcc"))
    t = np.arange(3 * RATE) / RATE
    low, high = (np.sin(2 * np.pi * f * t).astype(np.float32) for f in (200, 2_000))
    assert extract(low).shape == (40,)
    assert np.abs(extract(low) - extract(low[:RATE])).max() < 1.0
    assert np.abs(extract(low) - extract(high)).max() > 10.0


def test_egemaps_measures_pitch() -> None:
    opensmile = pytest.importorskip("opensmile")
    names = opensmile.Smile(
        feature_set=opensmile.FeatureSet.eGeMAPSv02,
        feature_level=opensmile.FeatureLevel.Functionals,
    ).feature_names
    extract = egemaps(_recipe("svm-egemaps"))
    t = np.arange(3 * RATE) / RATE
    buzz = sum(np.sin(2 * np.pi * 220 * k * t) / k for k in range(1, 10))
    features = extract((0.1 * np.asarray(buzz)).astype(np.float32))
    assert features.shape == (88,)
    # Semitones above 27.5 Hz: three octaves.
    pitch = features[names.index("F0semitoneFrom27.5Hz_sma3nz_amean")]
    assert pitch == pytest.approx(36.0, abs=0.2)


def test_features_are_computed_once_and_kept(tmp_path: Path) -> None:
    calls: list[int] = []

    def extract(audio: np.ndarray) -> np.ndarray:
        calls.append(audio.size)
        return np.array([audio.sum(), np.nan], np.float32)

    path = tmp_path / "features" / "features.npz"
    store = FeatureStore(extract, path)
    audio = np.ones(5, np.float32)
    np.testing.assert_array_equal(store.of(audio), [5.0, 0.0])
    store.of(audio.copy())
    store.save()
    again = FeatureStore(extract, path)
    np.testing.assert_array_equal(again.of(audio), [5.0, 0.0])
    assert calls == [5]
    again.of(audio[:3])
    assert calls == [5, 3]
    assert [p.name for p in path.parent.iterdir()] == ["features.npz"]


def _blobs(n: int, rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
    """Three of the eight classes, overlapping clouds."""
    labels = rng.choice([0, 2, 5], n)
    return (labels[:, None] + rng.normal(0, 1.2, (n, 4))).astype(np.float32), labels


def test_the_machine_answers_in_all_classes_and_knows_how_sure_it_is() -> None:
    rng = np.random.default_rng(0)
    x, labels = _blobs(400, rng)
    groups = rng.choice(["a", "b", "c", "d", "e"], 400)
    machine = Svm(x, labels, groups, seed=0)
    new, right = _blobs(400, rng)
    logits = machine.logits(new)
    assert logits.shape == (400, len(LABELS))
    probabilities = softmax(logits)
    scores = score(probabilities, right)
    assert scores.wa > 0.75
    assert scores.ece < 0.08
    assert probabilities[:, [1, 3, 4, 6, 7]].max() < 1e-6
    sure = probabilities.max(1) > np.median(probabilities.max(1))
    correct = probabilities.argmax(1) == right
    assert correct[sure].mean() > correct[~sure].mean() + 0.1
    assert machine.parameters > 4 * 3
    np.testing.assert_array_equal(Svm(x, labels, groups, seed=0).logits(new), logits)


@pytest.mark.training
@pytest.mark.parametrize("model", ["svm-mfcc", "svm-egemaps"])
def test_a_fold_is_answered_in_every_condition(
    model: str, cache: AudioCache, tmp_path: Path
) -> None:
    if model == "svm-egemaps":
        pytest.importorskip("opensmile")
    recipe = _recipe(model)
    split = split_clips(cache.clips, recipe)
    folder = tmp_path / model / "speaker-independent" / "fold-1"
    result = answer_fold(cache, recipe, Fold("fold-1", split), folder)
    n = len(split.test)
    assert list(result.window_logits) == [
        "clean",
        "telephone",
        "noise 20 dB",
        "noise 10 dB",
        "noise 0 dB",
    ]
    assert all(x.shape == (n, len(LABELS)) for x in result.window_logits.values())
    assert list(result.clip_probabilities) == ["clean", "telephone"]
    np.testing.assert_allclose(result.clip_probabilities["clean"].sum(1), 1.0, rtol=1e-5)
    assert result.validation_logits.shape == (len(split.validation), len(LABELS))
    assert result.names == tuple(c.name for c in split.test)
    assert set(result.speakers) == {"04"}
    # The generated classes differ in pitch alone, which both features carry.
    assert score(softmax(result.window_logits["clean"]), result.labels).uar > 0.5
    assert result.about["parameters"] > 0
    assert (tmp_path / model / "features" / "features.npz").is_file()
    result.save(folder)
    again = load_result(folder)
    np.testing.assert_array_equal(again.window_logits["clean"], result.window_logits["clean"])
