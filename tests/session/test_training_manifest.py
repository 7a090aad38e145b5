from __future__ import annotations

import csv
from pathlib import Path

import numpy as np
import pytest
import soundfile as sf

from emolive.errors import SessionError
from emolive.session.library import Library
from emolive.session.records import Annotation
from emolive.session.training_manifest import COLUMNS, Facts, write_manifest
from tests.session.filled import RATE, fill

MARKS = (
    Annotation("a", 16_001, 48_003, "happy", "", "customer", "anna"),
    Annotation("b", 80_000, 96_000, "sad", "", None, "anna"),
    Annotation("c", 0, 500, None, "only a comment", "customer", "anna"),
    Annotation("d", 100_000, 200_000, "angry", "", "agent", "anna"),
)


@pytest.fixture
def session(library: Library) -> str:
    """Ten seconds of a call with audio (8 kHz), marked."""
    info = fill(library, seconds=10.0, audio=True)
    library.change_annotations(info.id, put=MARKS)
    return info.id


def rows(path: Path) -> list[dict[str, str]]:
    with path.open(encoding="utf-8", newline="") as file:
        reader = csv.DictReader(file)
        assert tuple(reader.fieldnames or ()) == COLUMNS
        return list(reader)


def test_cuts_are_the_very_samples(library: Library, session: str, tmp_path: Path) -> None:
    facts = Facts(gender="female", language="de", corpus="helpline")
    result = write_manifest(library, [session], tmp_path, facts)
    found = rows(result.path)
    assert [(r["label"], r["speaker"]) for r in found] == [
        ("happy", f"{session}/customer"),
        ("sad", f"{session}/customer"),  # emotion is not inferred on the agent
        ("angry", f"{session}/agent"),
    ]
    assert {(r["gender"], r["language"], r["corpus"]) for r in found} == {
        ("female", "de", "helpline")
    }
    source = library.audio_path(session, "customer")
    assert source is not None
    whole, rate = sf.read(source, dtype="int32")
    piece, piece_rate = sf.read(tmp_path / found[0]["path"], dtype="int32")
    assert rate == piece_rate == 8_000
    # Samples 16 001 to 48 003 at 16 kHz, widened to whole samples at 8 kHz.
    np.testing.assert_array_equal(piece, whole[8_000:24_002])
    assert float(found[0]["end_s"]) == pytest.approx(16_002 / 8_000)
    assert sf.info(tmp_path / found[0]["path"]).subtype == "PCM_24"
    # The last mark goes beyond the audio's end.
    assert sf.info(tmp_path / found[2]["path"]).frames == 80_000 - 50_000


def test_references_are_exact(library: Library, session: str, tmp_path: Path) -> None:
    found = rows(write_manifest(library, [session], tmp_path, cut=False).path)
    assert not (tmp_path / "audio").exists()
    times = [tuple(round(float(r[c]) * RATE, 3) for c in ("start_s", "end_s")) for r in found]
    assert times == [(16_001, 48_003), (80_000, 96_000), (100_000, 200_000)]
    source = library.audio_path(session, "customer")
    assert source is not None
    assert (tmp_path / found[0]["path"]).resolve() == source.resolve()


def test_the_training_package_reads_it(library: Library, session: str, tmp_path: Path) -> None:
    corpora = pytest.importorskip("training.corpora.manifest", reason="needs the training extra")
    for cut in (True, False):
        manifest = corpora.read_manifest(write_manifest(library, [session], tmp_path, cut=cut).path)
        assert manifest.skipped == ()
        assert [clip.emotion for clip in manifest.clips] == ["happy", "sad", "angry"]
        assert all(clip.path.is_file() for clip in manifest.clips)
        assert {clip.corpus for clip in manifest.clips} == {"sessions"}


def test_several_sessions_are_one_manifest(library: Library, session: str, tmp_path: Path) -> None:
    silent = fill(library, seconds=10.0)
    library.change_annotations(silent.id, put=MARKS)
    result = write_manifest(library, [session, silent.id], tmp_path, Facts(speaker="anna"))
    assert result.rows == 3
    assert {row["speaker"] for row in rows(result.path)} == {"anna"}
    assert result.skipped == (
        f"{silent.id}: no audio of customer is kept.",
        f"{silent.id}: no audio of agent is kept.",
    )


def test_without_anything_to_train_on_there_is_no_manifest(
    library: Library, tmp_path: Path
) -> None:
    info = fill(library, seconds=10.0, audio=True)
    with pytest.raises(SessionError, match="mark stretches with an emotion"):
        write_manifest(library, [info.id], tmp_path)
    assert not (tmp_path / "manifest.csv").exists()
