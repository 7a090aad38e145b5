"""Several annotators, own tiers, continuous ratings: kept, compared, exported, imported."""

from __future__ import annotations

import csv
from pathlib import Path
from typing import Any

import numpy as np
import pympi
import pytest
from praatio import textgrid

from emolive.errors import EmoliveError
from emolive.session.agreement import annotator_agreements, trace_agreements
from emolive.session.bundle import export_bundle
from emolive.session.bundle_import import import_bundle
from emolive.session.export import FORMATS
from emolive.session.library import Library
from emolive.session.library_settings import (
    LibrarySettings,
    TierSettings,
    tier_of,
    with_tier,
    without_tier,
)
from emolive.session.records import Annotation, Dimension, SessionInfo, Trace
from emolive.session.timeline import Timeline
from emolive.session.training_manifest import labelled_marks
from tests.session.filled import RATE, fill, segment

# audformat itself uses what pandas is about to drop.
pytestmark = pytest.mark.filterwarnings("ignore::DeprecationWarning")
STEP = RATE // 25
SAID = {"anna": "hhss", "ben": "hsss", "cem": "hhs-"}  # a letter per second
NAMES = {"h": "happy", "s": "sad"}


def marks() -> list[Annotation]:
    found = [
        Annotation(f"{who}{at}", at * RATE, (at + 1) * RATE, NAMES[one], "", "customer", who)
        for who, said in SAID.items()
        for at, one in enumerate(said)
        if one != "-"
    ]
    found.append(Annotation("t1", 0, 2 * RATE, "low", "", "customer", "anna", "engagement"))
    found.append(Annotation("t2", RATE, 3 * RATE, "high", "", "customer", "anna", "engagement"))
    found.append(Annotation("t3", 0, 2 * RATE, "low", "", None, "ben", "engagement"))
    return found


def traces() -> list[Trace]:
    rising = np.linspace(-1, 1, 100).astype(np.float32)
    part = rising.copy()
    part[:50] = np.nan
    return [
        Trace("anna", Dimension.VALENCE, STEP, rising),
        Trace("ben", Dimension.VALENCE, STEP, part[:80]),
        Trace("anna", Dimension.AROUSAL, STEP, -rising),
    ]


@pytest.fixture
def info(library: Library) -> SessionInfo:
    made = fill(library, "Rated", [segment("customer", 0, 4, "happy")], seconds=4.0, audio=True)
    library.change_annotations(made.id, put=marks())
    library.put_traces(made.id, traces())
    return made


def test_annotators_are_compared_tier_by_tier(library: Library, info: SessionInfo) -> None:
    emotion, engagement = annotator_agreements(("customer",), library.annotations(info.id))
    assert (emotion.tier, emotion.annotators) == ("", ("anna", "ben", "cem"))
    found = {(pair.one, pair.other): pair for pair in emotion.pairs}
    # anna hhss, ben hsss: 3 of 4 alike, by chance (2*1 + 2*3) / 16.
    assert found["anna", "ben"].kappa == pytest.approx(0.5)
    assert found["anna", "cem"].kappa == pytest.approx(1.0)
    assert found["anna", "cem"].compared == 3 * RATE
    # Of the three seconds that all labelled, one differs: (2/3 * 1 + ...) as Fleiss (1971) counts.
    assert emotion.shared == 3 * RATE
    observed = (1 + 1 / 3 + 1) / 3
    chance = (5 / 9) ** 2 + (4 / 9) ** 2
    assert emotion.fleiss == pytest.approx((observed - chance) / (1 - chance))
    # Krippendorff: of 11 labels 5 are happy and 6 sad; the second with two happy and a sad differs.
    assert emotion.alpha == pytest.approx(1 - 11 * 2 / (2 * 5 * 6), abs=1e-3)
    # In the second second anna says two things about engagement.
    assert engagement.tier == "engagement"
    assert engagement.contradictory == RATE
    assert engagement.pairs[0].compared == RATE


def test_ratings_are_compared(library: Library, info: SessionInfo) -> None:
    (valence,) = trace_agreements(library.traces(info.id))
    assert valence.dimension is Dimension.VALENCE
    assert valence.pairs == (("anna", "ben", pytest.approx(1.0)),)
    assert valence.alpha == pytest.approx(1.0)
    assert valence.shared == 30 * STEP


def test_a_rating_of_nothing_goes(library: Library, info: SessionInfo) -> None:
    library.put_traces(
        info.id, [Trace("anna", Dimension.AROUSAL, STEP, np.full(3, np.nan, np.float32))]
    )
    assert [(t.annotator, t.dimension) for t in library.traces(info.id)] == [
        ("anna", Dimension.VALENCE), ("ben", Dimension.VALENCE)
    ]  # fmt: skip
    assert library.annotators() == ["anna", "ben", "cem"]


def test_bundles_carry_tiers_and_ratings(
    library: Library, info: SessionInfo, tmp_path: Path
) -> None:
    export_bundle(library, info.id, tmp_path / "one.emolive.zip")
    with Library.open(tmp_path / "other") as other:
        copy = import_bundle(other, tmp_path / "one.emolive.zip")
        said = [(a.annotator, a.tier, a.label, a.start_sample) for a in other.annotations(copy.id)]
        assert sorted(said) == sorted(
            (a.annotator, a.tier, a.label, a.start_sample) for a in marks()
        )
        for one, before in zip(other.traces(copy.id), library.traces(info.id), strict=True):
            assert (one.annotator, one.dimension, one.step_samples) == (
                before.annotator, before.dimension, before.step_samples
            )  # fmt: skip
            np.testing.assert_array_equal(one.values, before.values)


def test_only_emotions_teach_and_are_compared_with_the_model(
    library: Library, info: SessionInfo
) -> None:
    assert {mark.tier for _, mark in labelled_marks(library, info)} == {""}


def test_exports_have_a_tier_for_each(library: Library, info: SessionInfo, tmp_path: Path) -> None:
    timeline = Timeline.of_session(library, info.id)
    for name in ("eaf", "textgrid", "csv", "audformat"):
        FORMATS[name].write(timeline, tmp_path / f"x.{FORMATS[name].extension}")
    wanted = {"customer human (anna)", "customer human (ben)", "customer human (cem)",
              "customer engagement (anna)", "customer engagement (anna) 2",
              "engagement (ben)"}  # fmt: skip
    elan = pympi.Elan.Eaf(str(tmp_path / "x.eaf"))
    assert wanted <= set(elan.get_tier_names())
    assert elan.get_parameters_for_tier("customer engagement (anna)")["ANNOTATOR"] == "anna"
    praat = textgrid.openTextgrid(str(tmp_path / "x.TextGrid"), includeEmptyIntervals=False)
    assert wanted <= set(praat.tierNames)
    with (tmp_path / "x.annotations.csv").open(encoding="utf-8", newline="") as file:
        assert {(row["annotator"], row["tier"]) for row in csv.DictReader(file)} == {
            ("anna", ""), ("ben", ""), ("cem", ""), ("anna", "engagement"), ("ben", "engagement"),
        }  # fmt: skip
    with (tmp_path / "x.traces.csv").open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    assert len(rows) == 130
    assert rows[0] == {
        "file": "line 1", "start_s": "0.0", "end_s": "0.04", "annotator": "anna",
        "valence": "-1.0", "arousal": "1.0",
    }  # fmt: skip
    _check_audformat(tmp_path / "x.audformat")


def _check_audformat(folder: Path) -> None:
    audformat = pytest.importorskip("audformat")
    database: Any = audformat.Database.load(str(folder))
    told = {table.description: table for table in database.tables.values()}
    assert "customer human (ben)" in told
    traced = next(t for name, t in database.tables.items() if name == "traces")
    assert len(traced.df) == 100
    assert traced.df["valence"].iloc[-1] == pytest.approx(1.0)
    assert traced.df["arousal"].iloc[-1] == pytest.approx(-1.0)


def test_tiers_are_set_for_a_library(library: Library) -> None:
    settings = with_tier(library.settings(), tier_of(" turn  taking", "yields, holds,, yields"))
    assert settings.tiers == (TierSettings(name="turn taking", labels=("yields", "holds")),)
    library.change_settings(tiers=settings.tiers)
    changed = with_tier(library.settings(), tier_of("turn taking", "takes"))
    assert [tier.labels for tier in changed.tiers] == [("takes",)]
    assert without_tier(changed, "turn taking") == LibrarySettings.model_validate(
        library.settings().model_dump() | {"tiers": ()}
    )
    for name, labels in (("", "a"), ("x", " , "), ("x", "y" * 101)):
        with pytest.raises(EmoliveError, match="hundred letters"):
            tier_of(name, labels)
    with pytest.raises(EmoliveError, match="no tier 'y'"):
        without_tier(changed, "y")
