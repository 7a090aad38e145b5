from __future__ import annotations

import csv
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given

from emolive.plain_text import plain
from emolive.session.export.csv_file import original, write_csv
from emolive.session.export.json_document import write_json
from emolive.session.export.tables import write_parquet
from emolive.session.timeline import Timeline
from tests.models import LABELS
from tests.session.export.reading import sample, written
from tests.session.export.timelines import EMPTY, RATE, full, timelines

Row = Mapping[str, Any]


def read_csv(path: Path) -> list[Row]:
    with path.open(encoding="utf-8", newline="") as file:
        return [
            {name: original(cell) for name, cell in row.items()} for row in csv.DictReader(file)
        ]


def times(row: Row) -> tuple[int, int]:
    return sample(row["start_s"], RATE), sample(row["end_s"], RATE)


def segments(timeline: Timeline) -> list[tuple[object, ...]]:
    return [
        (s.stream, s.start_sample, s.end_sample, s.label, pytest.approx(s.confidence, abs=1e-6))
        for s in timeline.segments
    ]


def annotations(timeline: Timeline) -> list[tuple[object, ...]]:
    return [
        (a.stream, a.start_sample, a.end_sample, a.label, a.comment, a.annotator)
        for a in timeline.annotations
    ]


def printable(rows: list[tuple[object, ...]]) -> list[tuple[object, ...]]:
    """As CSV holds them: without control characters, nothing as empty text."""
    return [
        tuple("" if v is None else plain(v) if isinstance(v, str) else v for v in row)
        for row in rows
    ]


def test_a_session_is_three_tables(tmp_path: Path) -> None:
    write_csv(full(), tmp_path / "call.csv")
    assert sorted(path.name for path in tmp_path.iterdir()) == [
        "call.annotations.csv", "call.csv", "call.segments.csv"
    ]  # fmt: skip
    windows = read_csv(tmp_path / "call.csv")
    assert list(windows[0]) == [
        "file", "stream", "start_s", "end_s", "state", "label", "confidence", "speech_ratio",
        *(f"p_{label}" for label in LABELS),
    ]  # fmt: skip
    assert [(w["stream"], w["label"]) for w in windows] == [
        ("customer", "happy"), ("customer", ""), ("customer", "angry"), ("customer", "angry"),
        ("customer", "sad"),
    ]  # fmt: skip
    assert windows[1]["state"] == "silence"
    assert len(read_csv(tmp_path / "call.segments.csv")) == 7
    comment = read_csv(tmp_path / "call.annotations.csv")[3]
    assert (comment["stream"], comment["label"]) == ("", "")
    assert comment["comment"] == 'she said "no"\nand hung up'


def test_the_json_of_a_session_has_everything(tmp_path: Path) -> None:
    write_json(full(), tmp_path / "a.json")
    found = json.loads((tmp_path / "a.json").read_text(encoding="utf-8"))
    assert found["title"] == 'Call "7" <á & b>'
    assert found["started_at"] == "2025-03-14T09:26:53.589000+00:00"
    assert found["streams"] == [
        {
            "name": "agent", "role": "agent", "emotion": False,
            "native_rate": 0, "band": None,
        },
        {
            "name": "customer", "role": "customer", "emotion": True,
            "native_rate": 0, "band": None,
        },
    ]  # fmt: skip
    assert found["windows"][0]["stream"] == "customer"
    assert (found["windows"][0]["label"], found["windows"][0]["confidence"]) == ("happy", 0.6)
    assert found["gaps"][1] == {
        "stream": "agent", "start_s": 4.6875, "end_s": 4.750063, "kind": "disk"
    }  # fmt: skip
    assert found["notes"][1]["at_s"] == 2.250188
    assert found["alerts"][0]["message"] == "angry for 3 s"
    assert found["tags"] == ["billing", "Ärger"]
    assert found["summary"]["label"] == "angry"


def test_parquet_has_the_same_tables(tmp_path: Path) -> None:
    parquet = pytest.importorskip("pyarrow.parquet", reason="needs the export extra")
    write_parquet(full(), tmp_path / "a.parquet")
    write_csv(full(), tmp_path / "a.csv")
    for part in ("", ".segments", ".annotations"):
        table = parquet.read_table(tmp_path / f"a{part}.parquet")
        rows = read_csv(tmp_path / f"a{part}.csv")
        assert table.column_names == list(rows[0])
        texts = [{k: "" if v is None else str(v) for k, v in r.items()} for r in table.to_pylist()]
        assert texts == rows
    assert table.schema.metadata[b"started_at"] == b"2025-03-14T09:26:53.589000+00:00"


@pytest.mark.parametrize("write", [write_csv, write_json, write_parquet])
def test_an_empty_session_is_written(write: Any, tmp_path: Path) -> None:
    write(EMPTY, tmp_path / "a.out")
    assert (tmp_path / "a.out").stat().st_size > 0


@given(timelines())
def test_json_holds_any_timeline_to_the_sample(timeline: Timeline) -> None:
    with written(write_json, timeline, "a.json") as path:
        found = json.loads(path.read_text(encoding="utf-8"))
    got = [
        (s.get("stream", timeline.streams[0].name), *times(s), s["label"], s["confidence"])
        for s in found["segments"]
    ]
    assert got == segments(timeline)
    if not timeline.plain:
        assert [
            (a["stream"], *times(a), a["label"], a["comment"], a["annotator"])
            for a in found["annotations"]
        ] == annotations(timeline)
        gaps = [(g["stream"], *times(g), g["kind"]) for g in found["gaps"]]
        assert gaps == [
            (g.stream, g.start_sample, g.end_sample, g.kind.value) for g in timeline.gaps
        ]


@given(timelines())
def test_parquet_holds_any_session_to_the_sample(timeline: Timeline) -> None:
    parquet = pytest.importorskip("pyarrow.parquet", reason="needs the export extra")
    if timeline.plain:
        return
    with written(write_parquet, timeline, "a.parquet") as path:
        said = parquet.read_table(path.with_name("a.segments.parquet")).to_pylist()
        marked = parquet.read_table(path.with_name("a.annotations.parquet")).to_pylist()
    assert [(s["stream"], *times(s), s["label"], s["confidence"]) for s in said] == segments(
        timeline
    )
    assert [
        (a["stream"], *times(a), a["label"], a["comment"], a["annotator"]) for a in marked
    ] == annotations(timeline)


@given(timelines())
def test_csv_holds_any_session_to_the_sample(timeline: Timeline) -> None:
    if timeline.plain:
        return
    with written(write_csv, timeline, "a.csv") as path:
        said = read_csv(path.with_name("a.segments.csv"))
        marked = read_csv(path.with_name("a.annotations.csv"))
    assert [
        (s["stream"], *times(s), s["label"], float(s["confidence"])) for s in said
    ] == printable(segments(timeline))
    assert [
        (a["stream"], *times(a), a["label"], a["comment"], a["annotator"]) for a in marked
    ] == printable(annotations(timeline))
