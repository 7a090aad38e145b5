"""How far speech was from the model's training data: kept, exported, and told in reports."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from zipfile import ZipFile

import pytest

from emolive.session.bundle import DOCUMENT, export_bundle
from emolive.session.bundle_import import import_bundle
from emolive.session.export.json_document import timeline_dict
from emolive.session.export.report import write_html
from emolive.session.library import Library
from emolive.session.records import SessionInfo
from emolive.session.summary import familiarity_shares
from emolive.session.timeline import Timeline
from emolive.types import Familiarity, Prediction, Shift
from tests.session.filled import RATE, new_session, window

STRANGE = Shift(0.995, Familiarity.UNLIKE)
USUAL = Shift(0.25, Familiarity.FAMILIAR)


def windows() -> list[Prediction]:
    shifts = [USUAL, STRANGE, None, STRANGE, Shift(0.9, Familiarity.UNUSUAL)]
    return [
        replace(window("customer", (3 + i) * RATE, "sad" if shift else None), shift=shift)
        for i, shift in enumerate(shifts)
    ]


@pytest.fixture
def session(library: Library) -> SessionInfo:
    writer = library.create(new_session("call"), audio=False)
    writer.add_windows(windows())
    return writer.finish(10 * RATE)


def test_it_is_read_back(library: Library, session: SessionInfo) -> None:
    found = [one.shift for one in library.windows(session.id)]
    assert found == [one.shift for one in windows()]


def test_it_goes_to_another_library(library: Library, session: SessionInfo, tmp_path: Path) -> None:
    path = tmp_path / "call.zip"
    export_bundle(library, session.id, path)
    with Library.open(tmp_path / "other") as other:
        copy = import_bundle(other, path)
        found = [one.shift for one in other.windows(copy.id)]
    assert found == [one.shift for one in windows()]


def test_where_it_is_not_known_a_bundle_is_as_it_was(library: Library, tmp_path: Path) -> None:
    """So that a program that does not know of it reads the bundle."""
    writer = library.create(new_session("call"), audio=False)
    writer.add_windows([replace(one, shift=None) for one in windows()])
    info = writer.finish(10 * RATE)
    export_bundle(library, info.id, tmp_path / "call.zip")
    with ZipFile(tmp_path / "call.zip") as archive:
        document = archive.read(DOCUMENT).decode()
    assert "probabilities" in document
    assert "shift" not in document
    assert "familiarity" not in document


def test_json_has_it_where_it_is_known(library: Library, session: SessionInfo) -> None:
    document = json.loads(json.dumps(timeline_dict(Timeline.of_session(library, session.id))))
    first, second, silent, *_ = document["windows"]
    assert (first["shift"], first["familiarity"]) == (0.25, "familiar")
    assert (second["shift"], second["familiarity"]) == (
        0.995,
        "unlike anything this model was trained on",
    )
    assert "shift" not in silent
    assert document["summary"]["familiarity"] == {
        "familiar": 0.25,
        "unusual": 0.25,
        "unlike anything this model was trained on": 0.5,
    }


def test_a_report_says_it_where_not_all_is_familiar(
    library: Library, session: SessionInfo, tmp_path: Path
) -> None:
    timeline = Timeline.of_session(library, session.id)
    write_html(timeline, tmp_path / "a.html")
    page = " ".join((tmp_path / "a.html").read_text(encoding="utf-8").split())
    words = "25 % unusual, 50 % unlike anything this model was trained on"
    assert f"To this model, the speech was {words}." in page
    streams = tuple(
        replace(one, windows=tuple(w for w in one.windows if w.shift == USUAL))
        for one in timeline.streams
    )
    write_html(replace(timeline, streams=streams), tmp_path / "b.html")
    assert "To this model" not in (tmp_path / "b.html").read_text(encoding="utf-8")


def test_shares_are_of_the_windows_that_have_one() -> None:
    assert familiarity_shares([replace(one, shift=None) for one in windows()]) == {}
    assert sum(familiarity_shares(windows()).values()) == 1.0
