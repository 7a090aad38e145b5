from __future__ import annotations

import sys
from collections import Counter
from pathlib import Path

import pytest
from hypothesis import given, settings

from emolive.errors import EmoliveError
from emolive.session.export import chosen_formats
from emolive.session.export.audformat_tables import write_audformat
from emolive.session.export.tiers import TierKind, tiers
from emolive.session.export.values import plain_text
from emolive.session.timeline import Timeline
from tests.models import LABELS
from tests.session.export.reading import written
from tests.session.export.timelines import EMPTY, RATE, full, recording, timelines

audformat = pytest.importorskip("audformat", reason="needs the export extra")

# audformat itself uses what pandas is about to drop.
pytestmark = pytest.mark.filterwarnings("ignore::DeprecationWarning")


def rows(table: object, column: str) -> list[tuple[str, int, int, object]]:
    """File, start and end in samples (which the times must mean exactly), and a column."""
    found = []
    for (file, start, end), value in table.df[column].items():  # type: ignore[attr-defined]
        samples = [time.value * RATE / 1e9 for time in (start, end)]
        assert all(abs(exact - round(exact)) < 1e-3 for exact in samples)
        found.append((file, round(samples[0]), round(samples[1]), value))
    return found


def test_a_table_per_stream_and_source(tmp_path: Path) -> None:
    write_audformat(full(tmp_path), tmp_path / "call.audformat")
    database = audformat.Database.load(tmp_path / "call.audformat")
    whose = {name: table.description for name, table in database.tables.items()}
    assert whose == {
        "segments": "agent model",
        "segments-2": "customer model",
        "labels": "customer human (anna)",
        "labels-2": "customer human (anna) 2",
        "labels-3": "customer human (ben)",
        "comments": "customer comments (anna)",
        "comments-2": "comments",
        "gaps": "agent gaps",
        "gaps-2": "gaps",
        "windows": "agent",
        "windows-2": "customer",
    }
    assert database.description == 'Call "7" <á & b>'
    assert database.meta["started_at"] == "2025-03-14T09:26:53.589000+00:00"
    assert rows(database["segments-2"], "label")[:2] == [
        ("2-customer.flac", 0, 27_997, "happy"),
        ("2-customer.flac", 27_997, 36_003, "silence"),
    ]
    assert rows(database["labels-2"], "label") == [
        ("2-customer.flac", 15_000, 33_333, "very happy")
    ]
    assert rows(database["comments-2"], "text")[0][3] == 'she said "no"\nand hung up'
    windows = database["windows-2"].df
    assert list(windows.columns) == [
        "label", "confidence", "speech_ratio", *(f"p_{label}" for label in LABELS)
    ]  # fmt: skip
    assert windows["p_happy"].iloc[0] == pytest.approx(0.6)
    assert windows["p_happy"].isna().tolist() == [False, True, False, False, False]
    assert "very happy" in database.schemes["label"].labels


def test_an_older_one_is_replaced_whole(tmp_path: Path) -> None:
    target = tmp_path / "a.audformat"
    write_audformat(full(), target)
    write_audformat(recording(tmp_path / "a.wav", ((0, 32_000, "sad"),)), target)
    database = audformat.Database.load(target)
    assert set(database.tables) == {"segments", "windows"}
    assert rows(database["segments"], "label") == [("a.wav", 0, 32_000, "sad")]
    assert sorted(path.name for path in target.iterdir()) == [
        "db.segments.parquet", "db.windows.parquet", "db.yaml"
    ]  # fmt: skip
    assert [path.name for path in tmp_path.iterdir()] == ["a.audformat"]


def test_an_empty_session_keeps_its_tables(tmp_path: Path) -> None:
    write_audformat(EMPTY, tmp_path / "a.audformat")
    database = audformat.Database.load(tmp_path / "a.audformat")
    assert {name: len(table) for name, table in database.tables.items()} == {
        "segments": 0, "windows": 0
    }  # fmt: skip


def test_without_audformat_the_extra_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "audformat", None)
    with pytest.raises(EmoliveError, match=r"emolive\[export\]"):
        chosen_formats("csv,audformat")


@settings(max_examples=20)
@given(timelines())
def test_any_timeline_comes_back_to_the_sample(timeline: Timeline) -> None:
    with written(write_audformat, timeline, "a.audformat") as path:
        database = audformat.Database.load(path)
        names = {
            TierKind.MODEL: ("segments", "label"),
            TierKind.HUMAN: ("labels", "label"),
            TierKind.COMMENTS: ("comments", "text"),
            TierKind.GAPS: ("gaps", "text"),
        }
        for kind, (name, column) in names.items():
            found = Counter(
                row[1:]
                for table_id, table in database.tables.items()
                if table_id.split("-")[0] == name
                for row in rows(table, column)
            )
            wanted = Counter(
                (span.start_sample, span.end_sample, plain_text(span.text))
                for tier in tiers(timeline)
                if tier.kind is kind
                for span in tier.spans
            )
            assert found == wanted
