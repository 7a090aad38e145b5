from __future__ import annotations

import csv
import json
import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from emolive.engine import FileAnalysis
from emolive.errors import EmoliveError
from emolive.session.export.csv_file import write_csv
from emolive.session.export.json_document import write_json
from emolive.session.export.tables import write_parquet
from emolive.session.timeline import Timeline
from emolive.types import Prediction, Segment, SpeechState
from tests.models import LABELS, tiny_metadata

Writer = Callable[[Timeline, Path], None]

P_HAPPY = np.array([0.1, 0.05, 0.6, 0.05, 0.05, 0.05, 0.05, 0.05], np.float32)
P_SAD = np.array([0.1, 0.1, 0.0, 0.5, 0.1, 0.1, 0.1, 0.0], np.float32)


def prediction(index: int, state: SpeechState, probabilities: np.ndarray | None) -> Prediction:
    return Prediction(
        stream="mono",
        start_sample=index * 8_000,
        end_sample=index * 8_000 + 48_000,
        probabilities=probabilities,
        state=state,
        label="happy" if state is SpeechState.SPEECH else None,
        confidence=0.0 if probabilities is None else 0.6,
        speech_ratio=0.0 if probabilities is None else 0.75,
        latency_s=0.01,
    )


def analysis(*windows: Prediction) -> Timeline:
    found = FileAnalysis(
        file=Path("talks/ünï [1].flac"),
        duration_s=4.00003,
        sample_rate=44_100,
        metadata=tiny_metadata(),
        windows=windows,
        segments=(
            Segment("mono", 0, 28_000, "happy", 0.6),
            Segment("mono", 28_000, 64_000, "silence", 0.0),
        ),
    )
    return Timeline.of_analysis(found)


FULL = analysis(
    prediction(0, SpeechState.SPEECH, P_HAPPY),
    prediction(1, SpeechState.UNCERTAIN, P_SAD),
    prediction(2, SpeechState.SILENCE, None),
)
SILENT = analysis(prediction(0, SpeechState.SILENCE, None))


def read(path: Path) -> dict[str, object]:
    found = json.loads(path.read_text(encoding="utf-8"))
    assert isinstance(found, dict)
    return found


def test_json_has_exactly_the_promised_shape(tmp_path: Path) -> None:
    write_json(FULL, tmp_path / "a.json")
    happy = dict(zip(LABELS, [0.1, 0.05, 0.6, 0.05, 0.05, 0.05, 0.05, 0.05], strict=True))
    sad = dict(zip(LABELS, [0.1, 0.1, 0.0, 0.5, 0.1, 0.1, 0.1, 0.0], strict=True))
    mean = {label: (happy[label] + sad[label]) / 2 for label in LABELS}
    found = read(tmp_path / "a.json")
    summary = found.pop("summary")
    assert found == {
        "file": str(Path("talks/ünï [1].flac")),
        "duration_s": 4.00003,
        "sample_rate": 44_100,
        "model": "tiny",
        "labels": list(LABELS),
        "windows": [
            {
                "start_s": 0.0,
                "end_s": 3.0,
                "state": "speech",
                "speech_ratio": 0.75,
                "probabilities": happy,
            },
            {
                "start_s": 0.5,
                "end_s": 3.5,
                "state": "uncertain",
                "speech_ratio": 0.75,
                "probabilities": sad,
            },
            {
                "start_s": 1.0,
                "end_s": 4.0,
                "state": "silence",
                "speech_ratio": 0.0,
                "probabilities": {},
            },
        ],
        "segments": [
            {"start_s": 0.0, "end_s": 1.75, "label": "happy", "confidence": 0.6},
            {"start_s": 1.75, "end_s": 4.0, "label": "silence", "confidence": 0.0},
        ],
    }
    assert isinstance(summary, dict)
    assert set(summary) == {"probabilities", "label"}
    assert summary["label"] == "happy"
    assert summary["probabilities"] == pytest.approx(mean)


def test_without_speech_the_summary_is_empty(tmp_path: Path) -> None:
    write_json(SILENT, tmp_path / "a.json")
    assert read(tmp_path / "a.json")["summary"] == {"probabilities": {}, "label": None}


def test_csv_has_one_row_per_window(tmp_path: Path) -> None:
    write_csv(FULL, tmp_path / "a.csv")
    with (tmp_path / "a.csv").open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    assert list(rows[0]) == [
        "file", "start_s", "end_s", "state", "label", "confidence", "speech_ratio",
        *(f"p_{label}" for label in LABELS),
    ]  # fmt: skip
    assert [row["state"] for row in rows] == ["speech", "uncertain", "silence"]
    assert [row["label"] for row in rows] == ["happy", "", ""]
    assert rows[0]["file"] == FULL.source
    assert (rows[1]["start_s"], rows[1]["end_s"]) == ("0.5", "3.5")
    assert float(rows[0]["p_happy"]) == pytest.approx(0.6)
    assert rows[2]["p_happy"] == ""


def test_parquet_is_the_same_table_with_types(tmp_path: Path) -> None:
    parquet = pytest.importorskip("pyarrow.parquet", reason="needs the export extra")
    write_csv(FULL, tmp_path / "a.csv")
    write_parquet(FULL, tmp_path / "a.parquet")
    table = parquet.read_table(tmp_path / "a.parquet")
    with (tmp_path / "a.csv").open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    assert table.column_names == list(rows[0])
    found = table.to_pylist()
    assert [{k: "" if v is None else str(v) for k, v in row.items()} for row in found] == rows
    assert found[0]["p_happy"] == pytest.approx(0.6)
    assert found[2]["label"] is None
    assert table.schema.metadata[b"model"] == b"tiny"


def test_parquet_of_a_file_without_windows_keeps_its_columns(tmp_path: Path) -> None:
    parquet = pytest.importorskip("pyarrow.parquet", reason="needs the export extra")
    write_parquet(analysis(), tmp_path / "a.parquet")
    table = parquet.read_table(tmp_path / "a.parquet")
    assert table.num_rows == 0
    assert str(table.schema.field("p_happy").type) == "double"


def test_without_pyarrow_the_extra_is_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "pyarrow", None)
    with pytest.raises(EmoliveError, match=r"emolive\[export\]"):
        write_parquet(FULL, tmp_path / "a.parquet")
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("write", [write_json, write_csv])
def test_a_failed_write_leaves_the_old_file_and_nothing_else(write: Writer, tmp_path: Path) -> None:
    target = tmp_path / "a.out"
    target.write_text("old")
    broken = analysis(prediction(0, SpeechState.SPEECH, P_HAPPY[:3]))  # too few for the labels
    with pytest.raises(ValueError, match="zip"):
        write(broken, target)
    assert target.read_text() == "old"
    assert list(tmp_path.iterdir()) == [target]


@pytest.mark.parametrize("write", [write_json, write_csv])
def test_a_name_that_is_not_valid_text_is_written_all_the_same(
    write: Writer, tmp_path: Path
) -> None:
    odd = FileAnalysis(
        file=Path("odd\udcff.wav"),
        duration_s=3.0,
        sample_rate=16_000,
        metadata=tiny_metadata(),
        windows=SILENT.windows,
        segments=SILENT.segments,
    )
    write(Timeline.of_analysis(odd), tmp_path / "a.out")
    assert "odd" in (tmp_path / "a.out").read_text(encoding="utf-8")


def test_the_folder_must_be_there(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError):
        write_json(FULL, tmp_path / "none" / "a.json")
