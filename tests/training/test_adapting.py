"""What labels are worth, measured on voices whose truth is known, and how the report tells it."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

import numpy as np
import pytest

pytest.importorskip("torch", reason="needs the training extra")

from emolive.adapt.examples import Heard
from emolive.adapt.labelled import Origin, Stretch
from tests.adapt.taught import clouds
from training.adapting import KEPT, Adapting, Row, _divided, measure_adapting
from training.report.document import Table
from training.report.sections.adapting import adapting


def heard(distance: float, n: int = 60) -> tuple[list[Heard], tuple[str, ...]]:
    """Clips of eight speakers, as a base model hears them."""
    examples = clouds(n, distance=distance)
    origin = Origin("folder", "0" * 32)
    clips = [
        Heard(
            Stretch(Path(f"{i}.wav"), examples.labels[target], 0.0, None, str(group), origin),
            features[None],
        )
        for i, (target, group, features) in enumerate(
            zip(examples.target, examples.group, examples.features, strict=True)
        )
    ]
    return clips, examples.base_labels


@pytest.mark.parametrize("shared", [False, True])
def test_more_labels_gain_more_and_wrong_ones_less(shared: bool) -> None:
    clips, labels = heard(0.7)
    few, many = measure_adapting("made up", clips, labels, (3, 20), draws=2, shared=shared)
    assert (few.classes, few.speakers, few.draws) == (3, 8, 2)
    assert few.gain < many.gain
    assert many.low <= many.gain <= many.high
    assert many.gain == pytest.approx(many.adapted_uar - many.base_uar, abs=0.11)
    assert many.better == 1.0
    assert many.gain_if_better == many.gain
    (wrong,) = measure_adapting("made up", clips, labels, (20,), draws=2, noise=0.4, shared=shared)
    assert wrong.gain < many.gain


def test_a_corpus_with_too_few_clips_has_no_row() -> None:
    clips, labels = heard(0.7)
    rows = measure_adapting("made up", clips, labels, (3, 59), draws=2)
    assert [row.labels_per_class for row in rows] == [3]


@pytest.mark.parametrize("shared", [False, True])
def test_who_teaches_and_who_tests(shared: bool) -> None:
    clips, _ = heard(0.7)
    speakers = [] if shared else sorted({one.stretch.group or "" for one in clips})
    taught, tested = _divided(clips, speakers, 10, np.random.default_rng(0))
    assert Counter(one.stretch.label for one in taught) == dict.fromkeys("abc", 10)
    assert not {one.stretch.path for one in taught} & {one.stretch.path for one in tested}
    both = {one.stretch.group for one in taught} & {one.stretch.group for one in tested}
    assert bool(both) == shared
    assert len(tested) == (150 if shared else sum(
        one.stretch.group not in {one.stretch.group for one in taught} for one in clips
    ))  # fmt: skip


def test_the_report_has_a_line_for_each_corpus_and_kind_of_test(tmp_path: Path) -> None:
    assert adapting(tmp_path) is None
    common = {
        "classes": 5, "speakers": 63, "draws": 20, "base_uar": 50.0, "adapted_uar": 55.0,
        "gain": 5.0, "low": -1.0, "high": 9.5, "better": 0.4, "worse": 0.0,
    }  # fmt: skip
    rows = [
        Row(
            corpus=corpus, tested_on=tested, labels_per_class=n, noise=noise,
            gain_if_better=None if n == 3 else 6.0, **common,
        )
        for corpus in ("one", "two")
        for tested in ("the same speakers", "other speakers")
        for noise in (0.0, 0.2)
        for n in (3, 10)
        if (corpus, n) != ("two", 10)
    ]  # fmt: skip
    kept = Adapting(base="tiny", rows=tuple(rows))
    (tmp_path / KEPT).write_text(kept.model_dump_json(), encoding="utf-8")
    section = adapting(tmp_path)
    assert section is not None
    overview, one, two = (block for block in section.blocks if isinstance(block, Table))
    assert overview.header[1:] == (
        "3 labels", "10 labels", "3 labels, 20% wrong", "10 labels, 20% wrong",
    )  # fmt: skip
    gain = "+5.0 [−1.0, +9.5]"
    assert overview.rows == (
        ("one, the same speakers", gain, gain, gain, gain),
        ("one, other speakers", gain, gain, gain, gain),
        ("two, the same speakers", gain, "–", gain, "–"),
        ("two, other speakers", gain, "–", gain, "–"),
    )
    assert one.caption == "one: 5 classes, 63 speakers"
    assert one.rows[0] == ("the same speakers", "3", "0%", "50.0", "55.0", gain, "40%", "–")
    assert one.rows[1][-1] == "+6.0"
    assert len(two.rows) == 4
