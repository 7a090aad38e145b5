"""Real training steps on generated audio: loss, resume, export, and the file that comes out."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

pytest.importorskip("torch", reason="needs the training extra")

import torch

from emolive.inference.classifier import OnnxClassifier
from training.cache import AudioCache
from training.dataset import cut_window
from training.labels import LABELS
from training.models import masked_cross_entropy
from training.publish import publish
from training.recipe import Recipe
from training.train import train

pytestmark = [
    pytest.mark.training,
    pytest.mark.timeout(300),
    # torch's own exporter and quantiser use what newer Pythons deprecate.
    pytest.mark.filterwarnings("ignore::DeprecationWarning"),
    pytest.mark.filterwarnings("ignore::FutureWarning"),
    pytest.mark.filterwarnings("ignore:.*_check_is_size.*"),
]


def test_masked_loss_ignores_what_a_corpus_cannot_say() -> None:
    logits = torch.zeros(1, 8)
    targets = torch.eye(8)[[0]]
    allowed = torch.tensor([[True, True] + [False] * 6])
    loss = masked_cross_entropy(logits, targets, allowed, smoothing=0.0)
    assert float(loss) == pytest.approx(np.log(2), rel=1e-5)
    logits[0, 7] = 50.0
    same = masked_cross_entropy(logits, targets, allowed, smoothing=0.0)
    assert float(same) == pytest.approx(np.log(2), rel=1e-5)


def test_short_clips_are_centred_in_zeros() -> None:
    window = cut_window(np.ones(100, np.float32), 300, 0.5)
    assert window.size == 300
    assert window[:100].sum() == 0
    assert window[100:200].sum() == 100


def test_a_killed_run_continues_to_the_same_weights(
    cache: AudioCache, recipe: Recipe, tmp_path: Path
) -> None:
    whole = train(cache, recipe, tmp_path / "whole", workers=0)
    history = [
        json.loads(x) for x in (tmp_path / "whole" / "history.jsonl").read_text().split("\n") if x
    ]
    assert [row["epoch"] for row in history] == [1, 2]
    assert all(np.isfinite(row["loss"]) for row in history)

    class KilledError(Exception):
        pass

    class DyingCache(AudioCache):
        """Dies in the second epoch, after the first checkpoint."""

        def samples(self, clip: object) -> np.ndarray:  # type: ignore[override]
            if (tmp_path / "parts" / "checkpoint.pt").exists():
                raise KilledError
            return cache.samples(clip)  # type: ignore[arg-type]

    with pytest.raises(KilledError):
        train(DyingCache(cache.clips, cache.audio), recipe, tmp_path / "parts", workers=0)
    resumed = train(cache, recipe, tmp_path / "parts", workers=0)
    assert resumed.epoch == 2
    for a, b in zip(whole.model.parameters(), resumed.model.parameters(), strict=True):
        torch.testing.assert_close(a, b)


def test_export_gives_a_file_that_the_program_accepts(
    cache: AudioCache, recipe: Recipe, tmp_path: Path
) -> None:
    train(cache, recipe, tmp_path / "run", workers=0)
    target = tmp_path / "model.onnx"
    measurement = publish(cache, recipe, tmp_path / "run", target, name="tiny")
    classifier = OnnxClassifier(target)
    metadata = classifier.metadata
    assert metadata.labels == LABELS
    assert metadata.temperature > 0
    assert 0 < metadata.abstention_threshold < 1
    assert metadata.provenance["recipe"] == "tiny"
    assert metadata.scores["clean ravdess window uar"] == pytest.approx(
        measurement.windows["clean"]["ravdess"].uar, abs=1e-4
    )
    shape = (3, metadata.front_end.n_mels, metadata.n_frames)
    logits = classifier.predict(np.zeros(shape, np.float32))
    assert logits.shape == (3, len(LABELS))
    classifier.close()
    assert target.stat().st_size < 25_000_000
    assert str(Path(__file__).parents[2]).encode() not in target.read_bytes()
    card = target.with_suffix(".md").read_text(encoding="utf-8")
    assert "Speaker-independent" in card
