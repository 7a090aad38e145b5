"""Answers that are adapted to their source: the model's own are kept beside them, everywhere."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from zipfile import ZipFile

import numpy as np
import pytest

from emolive.session.bundle import DOCUMENT, export_bundle
from emolive.session.bundle_import import import_bundle
from emolive.session.export.json_document import timeline_dict
from emolive.session.export.report import write_html
from emolive.session.export.tables import window_table
from emolive.session.library import Library
from emolive.session.records import SessionInfo
from emolive.session.timeline import Timeline
from emolive.types import Baseline, FloatArray, Prediction
from tests.session.filled import RATE, new_session, window

EARLY = Baseline("Headset", 41.6, 9, 0.48, 0.45)
LATER = Baseline("Headset", 42.3, 9, 0.485, None)


def raw_of(one: Prediction) -> FloatArray:
    assert one.probabilities is not None
    found: FloatArray = one.probabilities[::-1].copy()
    return found


def windows() -> list[Prediction]:
    found = [window("customer", (3 + i) * RATE, None if i == 2 else "sad") for i in range(6)]
    return [
        replace(
            one,
            raw_probabilities=None if one.probabilities is None else raw_of(one),
            baseline=EARLY if i < 3 else LATER,
        )
        for i, one in enumerate(found)
    ]


@pytest.fixture
def session(library: Library) -> SessionInfo:
    writer = library.create(new_session("call"), audio=False)
    writer.add_windows(windows())
    return writer.finish(10 * RATE)


def check(found: list[Prediction]) -> None:
    assert [one.baseline for one in found] == [one.baseline for one in windows()]
    for one, before in zip(found, windows(), strict=True):
        if before.raw_probabilities is None:
            assert one.raw_probabilities is None
        else:
            assert np.array_equal(one.raw_probabilities, before.raw_probabilities)
            assert np.array_equal(one.probabilities, before.probabilities)


def test_they_are_read_back(library: Library, session: SessionInfo) -> None:
    check(library.windows(session.id))


def test_they_go_to_another_library(library: Library, session: SessionInfo, tmp_path: Path) -> None:
    export_bundle(library, session.id, tmp_path / "call.zip")
    with Library.open(tmp_path / "other") as other:
        check(other.windows(import_bundle(other, tmp_path / "call.zip").id))


def test_deleting_a_session_deletes_them(library: Library, session: SessionInfo) -> None:
    library.delete(session.id)
    with library.database.reading() as connection:
        assert connection.execute("SELECT count(*) FROM baselines").fetchone() == (0,)


def test_an_answer_that_is_not_adapted_is_as_it_was(library: Library, tmp_path: Path) -> None:
    writer = library.create(new_session("call"), audio=False)
    writer.add_windows([replace(one, raw_probabilities=None, baseline=None) for one in windows()])
    info = writer.finish(10 * RATE)
    export_bundle(library, info.id, tmp_path / "call.zip")
    with ZipFile(tmp_path / "call.zip") as archive:
        document = archive.read(DOCUMENT).decode()
    assert "baseline" not in document
    assert "raw_probabilities" not in document
    timeline = Timeline.of_session(library, info.id)
    assert timeline.raw_probabilities is None
    assert not any(name.startswith("raw_") for name in window_table(timeline).columns)
    assert "raw_probabilities" not in json.dumps(timeline_dict(timeline))


def test_exports_have_both(library: Library, session: SessionInfo, tmp_path: Path) -> None:
    timeline = Timeline.of_session(library, session.id)
    document = json.loads(json.dumps(timeline_dict(timeline)))
    first, _, silent, *_ = document["windows"]
    before = windows()[0]
    assert list(first["probabilities"].values()) == pytest.approx(before.probabilities, abs=1e-6)
    assert list(first["raw_probabilities"].values()) == pytest.approx(raw_of(before), abs=1e-6)
    assert first["baseline"] == {
        "source": "Headset", "minutes": 41.6, "sessions": 9, "strength": 0.48,
        "expected_neutral": 0.45,
    }  # fmt: skip
    assert silent["baseline"] == first["baseline"]
    assert "raw_probabilities" not in silent
    spoken = [raw_of(one) for one in windows() if one.probabilities is not None]
    assert list(document["summary"]["raw_probabilities"].values()) == pytest.approx(
        np.mean(spoken, axis=0), abs=1e-5
    )
    table = window_table(timeline)
    row = next(iter(table.rows))
    assert row[f"raw_{timeline.labels[0]}"] == pytest.approx(raw_of(before)[0], abs=1e-6)
    assert f"raw_{timeline.labels[-1]}" in table.columns
    write_html(timeline, tmp_path / "report.html")
    assert "adapted to this source: 42 min" in (tmp_path / "report.html").read_text("utf-8")
