"""Real voices that the bundled model never heard: some teach it, others test it."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from emolive.adapt.examples import Examples, Heard, Listener
from emolive.adapt.head import base_head, fit_head
from emolive.adapt.labelled import Labelled, Origin, Stretch
from emolive.adapt.teaching import usual_base
from emolive.inference.loading import open_model
from emolive.labels import canonical

pytestmark = pytest.mark.corpora

# Test speakers of both bundled models' cards.
TEACHES, TESTS = "WR0", "MK0"


@pytest.fixture(scope="module")
def heard(corpora: Path) -> tuple[list[Heard], tuple[str, ...]]:
    """Twelve clips of each emotion of two Polish speakers."""
    folder = corpora / "nemo" / "samples"
    if not folder.is_dir():
        pytest.skip(f"no nEMO in {corpora}")
    origin = Origin("folder", "0" * 32)
    stretches = []
    for speaker in (TEACHES, TESTS):
        for label in ("neutral", "happiness", "sadness", "anger", "fear"):
            found = sorted(folder.glob(f"{speaker}_{label}*"))[:12]
            stretches += [Stretch(path, label, 0.0, None, speaker, origin) for path in found]
    named = [replace(one, label=canonical(one.label)) for one in stretches]
    assert len(named) > 100
    classifier = open_model(usual_base(), "cpu")
    try:
        there, told = Listener(classifier).hear(Labelled(tuple(named)))
        assert not told.problems
        return there, classifier.metadata.labels
    finally:
        classifier.close()


@pytest.mark.parametrize("noise", [0.0, 0.2])
def test_other_speakers_are_heard_no_worse(
    heard: tuple[list[Heard], tuple[str, ...]], noise: float
) -> None:
    there, labels = heard
    taught = Examples.of([one for one in there if one.stretch.group == TEACHES], labels)
    asked = Examples.of([one for one in there if one.stretch.group == TESTS], labels)
    assert taught.labels == asked.labels
    base = base_head(taught)
    assert base is not None
    before = (base.probabilities(asked).argmax(1) == asked.target).mean()
    gains = []
    for seed in range(4):
        random = np.random.default_rng(seed)
        wrong = random.random(len(taught)) < noise
        n = len(taught.labels)
        others = (taught.target + random.integers(1, n, len(taught))) % n
        target = np.where(wrong, others, taught.target)
        found = fit_head(replace(taught, target=target), seed=seed).probabilities(asked)
        gains.append((found.argmax(1) == asked.target).mean() - before)
    assert np.mean(gains) > -0.01
