"""A user's own recordings: CSV manifests and folders per label, and what is skipped is named."""

from __future__ import annotations

import csv
from pathlib import Path

import numpy as np
import pytest
import soundfile

pytest.importorskip("torch", reason="needs the training extra")

from emolive.audio.dc import DcBlocker
from training.cache import load_cache, prepare
from training.corpora import ManifestError, read_manifest
from training.corpora.manifest import emotion_named

RATE = 16_000


def _tone(path: Path, seconds: float, frequency: float = 300.0) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    t = np.arange(round(seconds * RATE)) / RATE
    soundfile.write(path, 0.1 * np.sin(2 * np.pi * frequency * t), RATE, subtype="FLOAT")


@pytest.fixture
def recordings(tmp_path: Path) -> Path:
    _tone(tmp_path / "audio" / "long.wav", 6.0)
    _tone(tmp_path / "audio" / "short.wav", 1.0, 500.0)
    return tmp_path


def _write(folder: Path, text: str) -> Path:
    path = folder / "own.csv"
    path.write_text(text, encoding="utf-8")
    return path


def test_a_manifest_tells_everything_about_its_clips(recordings: Path) -> None:
    path = _write(
        recordings,
        "path,start_s,end_s,label,speaker,gender,language,corpus\n"
        "audio/long.wav,1.5,4,Anger,anna,Female,en,calls\n"
        "audio/short.wav,,,happy,ben,,,\n",
    )
    manifest = read_manifest(path)
    assert manifest.skipped == ()
    first, second = manifest.clips
    assert (first.corpus, first.speaker, first.gender) == ("calls", "anna", "female")
    assert (first.emotion, first.start_s, first.end_s) == ("angry", 1.5, 4.0)
    assert (second.corpus, second.speaker, second.gender) == ("own", "ben", "unknown")
    assert (second.emotion, second.start_s, second.end_s) == ("happy", 0.0, None)


def test_parts_of_a_long_file_are_cut_to_the_sample(recordings: Path) -> None:
    path = _write(
        recordings,
        "path,label,start_s,end_s\n"
        "audio/long.wav,sad,0.5,2.25\n"
        "audio/long.wav,calm,4,99\n"
        "audio/long.wav,calm,7,8\n",
    )
    left_out = prepare(read_manifest(path).clips, recordings, recordings / "cache")
    cache = load_cache(recordings / "cache")
    whole, _ = soundfile.read(recordings / "audio" / "long.wav", dtype="float32")
    cut, rest = cache.clips
    part = DcBlocker(RATE).accept(whole[8_000:36_000])
    np.testing.assert_allclose(cache.samples(cut), part, atol=1 / 32_000)
    assert rest.length == 2 * RATE
    assert [line.partition(":")[0] for line in left_out] == ["audio/long.wav#7-8"]


def test_what_cannot_be_used_is_skipped_and_named(recordings: Path) -> None:
    path = _write(
        recordings,
        "path,label,start_s,end_s\n"
        "audio/short.wav,bored,,\n"
        "audio/gone.wav,happy,,\n"
        "audio/short.wav,happy,2,1\n"
        "audio/short.wav,happy,soon,\n"
        "audio/short.wav,,,\n"
        "audio/short.wav,surprise,,\n",
    )
    manifest = read_manifest(path)
    assert [c.emotion for c in manifest.clips] == ["surprised"]
    lines = "\n".join(manifest.skipped)
    assert len(manifest.skipped) == 5
    for said in ("line 2: 'bored'", "line 3: there is no file audio/gone.wav", "line 4", "line 5"):
        assert said in lines


@pytest.mark.parametrize("text", ["", "file,emotion\na.wav,happy\n", "path\na.wav\n"])
def test_a_manifest_without_its_columns_is_refused(tmp_path: Path, text: str) -> None:
    with pytest.raises(ManifestError, match="label"):
        read_manifest(_write(tmp_path, text))


def test_a_missing_manifest_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ManifestError, match=r"no manifest .*gone\.csv"):
        read_manifest(tmp_path / "gone.csv")


def test_a_folder_per_label_names_speakers_by_the_other_folders(tmp_path: Path) -> None:
    root = tmp_path / "voices"
    for name in ("happy/1.wav", "Sadness/eva/2.wav", "tom/angry/3.wav", "notes/4.wav"):
        _tone(root / name, 0.5, 200 + 50 * len(name))
    manifest = read_manifest(root)
    found = {c.path.name: (c.corpus, c.speaker, c.emotion) for c in manifest.clips}
    assert found == {
        "1.wav": ("voices", "unknown", "happy"),
        "2.wav": ("voices", "eva", "sad"),
        "3.wav": ("voices", "tom", "angry"),
    }
    assert len(manifest.skipped) == 1
    assert "notes" in manifest.skipped[0]


def test_what_was_prepared_is_listed_as_csv(recordings: Path) -> None:
    path = _write(
        recordings, "path,label,speaker,gender,language\naudio/short.wav,happy,ben,male,pl\n"
    )
    prepare(read_manifest(path).clips, recordings, recordings / "cache")
    with (recordings / "cache" / "manifest.csv").open(encoding="utf-8", newline="") as file:
        (row,) = csv.DictReader(file)
    digest = load_cache(recordings / "cache").clips[0].digest
    assert row == {
        "path": "audio/short.wav",
        "corpus": "own",
        "speaker": "ben",
        "gender": "male",
        "language": "pl",
        "label": "happy",
        "duration_s": "1.000",
        "digest": digest,
    }


@pytest.mark.parametrize(
    ("name", "emotion"),
    [("ANGRY", "angry"), (" joy ", "happy"), ("pleasant_surprise", "surprised"), ("bored", None)],
)
def test_labels_have_synonyms(name: str, emotion: str | None) -> None:
    assert emotion_named(name) == emotion
