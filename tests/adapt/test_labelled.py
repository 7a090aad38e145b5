"""Where labels come from: marks, manifests, folders; and what of them is heard."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import pytest
import soundfile as sf
from hypothesis import given
from hypothesis import strategies as st

from emolive.adapt.cutting import Span, cut_windows
from emolive.adapt.labelled import (
    from_folder,
    from_library,
    from_manifest,
    relabelled,
    session_fingerprint,
    usable_label,
)
from emolive.engine.config import AgentPermission
from emolive.errors import EmoliveError
from emolive.session.library import Library
from emolive.session.records import Annotation
from emolive.types import Role
from tests.ui.stored_sessions import RATE, Part, store

PERMISSION = AgentPermission(
    granted_by="somebody", granted_at=datetime(2026, 1, 1, tzinfo=UTC), statement="told"
)


def mark(number: int, label: str | None, stream: str | None = None) -> Annotation:
    start = number * RATE
    return Annotation(f"m{number}", start, start + 2 * RATE, label, "", stream)


def test_marks_of_the_library(tmp_path: Path) -> None:
    with Library.open(tmp_path) as library:
        first = store(
            library,
            annotations=[mark(1, "anger"), mark(4, "confident"), mark(7, None), mark(9, "silence")],
        )
        store(library, annotations=[mark(1, "happy")], audio=False)
        found = from_library(library)
    assert found.counts == {"angry": 1, "confident": 1}
    (one, other) = found.stretches
    assert (one.start_s, one.end_s) == (1.0, 3.0)
    assert one.group == other.group == f"{first}/mono"
    assert one.origin.fingerprint == session_fingerprint(first)
    assert first not in one.origin.fingerprint
    assert len(found.left_out) == 2
    assert not found.problems
    assert not found.agents


def test_agents_are_left_out_without_permission(tmp_path: Path) -> None:
    parts = [Part("agent", 1, Role.AGENT), Part("customer", 1, Role.CUSTOMER)]
    with Library.open(tmp_path) as library:
        store(library, parts, annotations=[mark(1, "angry", "agent"), mark(4, "sad", "customer"),
                                           mark(8, "happy")])  # fmt: skip
        without = from_library(library)
        assert without.counts == {"sad": 1, "happy": 1}
        assert all("/customer" in (one.group or "") for one in without.stretches)
        assert any("2 marks of agents" in sentence for sentence in without.left_out)
        assert not without.agents
        allowed = from_library(library, PERMISSION)
        assert allowed.counts == {"happy": 2, "angry": 1, "sad": 1}
        assert allowed.agents


def test_a_manifest(tmp_path: Path) -> None:
    sf.write(tmp_path / "a.wav", np.zeros(16_000), 16_000)
    lines = [
        "\ufeffpath,label,start_s,end_s,speaker,corpus",
        "a.wav,Joy,,,anna,x",
        "a.wav,Joy,,,anna,x",
        'a.wav,"very confident",0.1,0.5,,',
        "a.wav,,,,",
        "b.wav,happy,,,",
        "a.wav,sad,2,1,,",
        "a.wav,sad,one,1,,",
        "a.wav,uncertain,,,",
        "a.wav,'=danger,,,",
    ]
    path = tmp_path / "m.csv"
    path.write_text("\n".join(lines), encoding="utf-8")
    found = from_manifest(path)
    assert [(one.label, one.end_s, one.group) for one in found.stretches] == [
        ("happy", None, "speaker x anna"),
        ("very confident", 0.5, None),
        ("=danger", None, None),
    ]
    assert [problem.split(":")[0] for problem in found.problems] == [
        "m.csv, line 6", "m.csv, line 7", "m.csv, line 8", "m.csv, line 9",
    ]  # fmt: skip
    assert found.left_out == ("1 row of m.csv without a label",)


@pytest.mark.parametrize("content", [b"a,b\n1,2\n", b"\xff\xfe\x00", b""])
def test_what_is_no_manifest(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "m.csv"
    path.write_bytes(content)
    with pytest.raises(EmoliveError, match=r"m\.csv"):
        from_manifest(path)
    with pytest.raises(EmoliveError, match="There is no manifest"):
        from_manifest(tmp_path / "none.csv")
    with pytest.raises(EmoliveError, match="no manifest"):
        from_manifest(tmp_path)


def test_a_manifest_as_a_spreadsheet_saves_it(tmp_path: Path) -> None:
    (tmp_path / "a.wav").write_bytes(b"sound")
    path = tmp_path / "labels.csv"
    path.write_text("\ufeffpath;label;start_s;end_s\r\na.wav;happy;0,5;2,25\r\n", "utf-8")
    found = from_manifest(path)
    (one,) = found.stretches
    assert (one.start_s, one.end_s, one.label, found.problems) == (0.5, 2.25, "happy", ())


def test_a_folder_per_label(tmp_path: Path) -> None:
    for name in ("happy/1.wav", "anna/anger/2.wav", "confident/ben/3.wav", "4.wav", "happy/a.txt"):
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        if path.suffix == ".wav":
            sf.write(path, np.zeros(1_600), 16_000)
        else:
            path.write_text("x", encoding="utf-8")
    found = from_folder(tmp_path)
    assert sorted((one.label, one.group) for one in found.stretches if one.group) == [
        ("angry", "speaker anna"),
        ("confident", "speaker ben"),
    ]
    assert found.counts["happy"] == 1
    assert len(found.left_out) == 1
    with pytest.raises(EmoliveError, match="There is no folder"):
        from_folder(tmp_path / "none")


def test_labels() -> None:
    assert usable_label(" Anger ") == "angry"
    assert usable_label("very  confident") == "very confident"
    for text in ("", " ", "silence", "Uncertain", "not_inferred", "x" * 61):
        assert usable_label(text) is None


def test_own_labels_that_differ_in_case_alone_are_one(tmp_path: Path) -> None:
    sf.write(tmp_path / "a.wav", np.zeros(16_000), 16_000)
    path = tmp_path / "m.csv"
    path.write_text("path,label,start_s\na.wav,Confident,0\na.wav,confident,0.5\n", "utf-8")
    assert relabelled(from_manifest(path)).counts == {"Confident": 2}


@given(
    length=st.integers(1, 40),
    spans=st.lists(
        st.tuples(st.integers(0, 40), st.one_of(st.none(), st.integers(1, 40))), min_size=1,
        max_size=6,
    ),
)  # fmt: skip
def test_windows_hold_what_was_recorded_there(
    tmp_path_factory: pytest.TempPathFactory,
    length: int,
    spans: list[tuple[int, int | None]],
) -> None:
    """At 1 kHz, half seconds: sample i of the recording is i + 1, so that it can be told."""
    rate, window = 4_000, 12_000
    path = tmp_path_factory.mktemp("cut") / "a.wav"
    samples = (np.arange(length * rate // 2) + 1) / 2**20
    sf.write(path, samples, rate, subtype="FLOAT")
    wanted = [Span(s / 2, None if n is None else (s + n) / 2) for s, n in spans]
    found: dict[int, int] = {}
    for cut in cut_windows(path, wanted, rate, window):
        found[cut.span] = found.get(cut.span, 0) + 1
        assert cut.samples.shape == (window,)
        numbers = np.round(cut.samples * 2**20).astype(int)
        inside = numbers[cut.first : cut.last]
        assert (np.diff(inside) == 1).all()
        assert not numbers[: cut.first].any()
        assert not numbers[cut.last :].any()
        span = wanted[cut.span]
        middle = inside[0] - cut.first + window // 2 - 1
        end = len(samples) if span.end_s is None else span.end_s * rate
        assert span.start_s * rate <= middle <= end
        assert inside[0] == 1 or cut.first == 0
        assert inside[-1] == len(samples) or cut.last == window
    for i, span in enumerate(wanted):
        heard = min(len(samples), len(samples) if span.end_s is None else span.end_s * rate)
        seconds = (heard - span.start_s * rate) / rate
        expected = 0 if seconds <= 0 else 1 if seconds <= 3 else min(4, -(-seconds // 3))
        assert found.get(i, 0) == expected
