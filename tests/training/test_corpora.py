"""Readers find the official names, and the cache keeps each recording once."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

import numpy as np
import pytest
import soundfile

pytest.importorskip("torch", reason="needs the training extra")

from training.cache import fingerprint, load_cache, prepare
from training.corpora import NOISE, read_corpora

NAMES = {
    "ravdess/Actor_07/03-01-05-02-01-01-07.wav": ("ravdess", "07", "male", "angry"),
    "ravdess/Actor_08/03-01-02-01-01-01-08.flac": ("ravdess", "08", "female", "calm"),
    "savee/DC_sa03.wav": ("savee", "DC", "male", "sad"),
    "savee/KL_su15.wav": ("savee", "KL", "male", "surprised"),
    "savee/JE_a01.wav": ("savee", "JE", "male", "angry"),
    "tess/YAF_back_ps.wav": ("tess", "YAF", "female", "surprised"),
    "tess/OA_bite_neutral.wav": ("tess", "OAF", "female", "neutral"),
    "emodb/wav/03a01Wa.wav": ("emodb", "03", "male", "angry"),
    "emodb/wav/16b10Tb.wav": ("emodb", "16", "female", "sad"),
    "cremad/AudioWAV/1001_DFA_DIS_XX.wav": ("cremad", "1001", "unknown", "disgust"),
    "nemo/samples/WR0_surprised_64.wav": ("nemo", "WR0", "male", "surprised"),
    "noise/rain/1.ogg": (NOISE, "rain", "unknown", None),
}
IGNORED = (
    "ravdess/Actor_07/03-02-05-02-01-01-07.wav",  # song
    "emodb/wav/03a01La.wav",  # boredom
    "savee/notes.txt",
)


@pytest.fixture
def layout(tmp_path: Path) -> Path:
    rng = np.random.default_rng(0)
    for name in (*NAMES, *IGNORED):
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        if path.suffix == ".txt":
            path.write_text("not audio")
        else:
            soundfile.write(path, rng.normal(0, 0.1, 16_000), 16_000)
    table = "file_id\temotion\tspeaker_id\tgender\nWR0_surprised_64.wav\tsurprised\t WR0\tmale\n"
    (tmp_path / "nemo" / "data.tsv").write_text(table)
    return tmp_path


def test_official_names_are_understood(layout: Path) -> None:
    clips, absent = read_corpora(layout)
    found = {
        c.path.relative_to(layout).as_posix(): (c.corpus, c.speaker, c.gender, c.emotion)
        for c in clips
    }
    assert found == NAMES
    assert absent == []


def test_absent_corpora_are_named(tmp_path: Path) -> None:
    clips, absent = read_corpora(tmp_path)
    assert clips == []
    assert "ravdess" in absent
    assert NOISE in absent


def test_cache_keeps_one_of_two_copies_and_skips_what_cannot_be_read(layout: Path) -> None:
    original = layout / "savee" / "DC_sa03.wav"
    (layout / "savee" / "DC_sa04.wav").write_bytes(original.read_bytes())
    (layout / "savee" / "DC_sa05.wav").write_text("this is no audio")
    clips, _ = read_corpora(layout)
    left_out = prepare(clips, layout, layout / "cache")
    assert len(left_out) == 2
    assert any("DC_sa04" in line for line in left_out)
    assert any("DC_sa05" in line for line in left_out)
    cache = load_cache(layout / "cache")
    kept = next(c for c in cache.clips if c.name.endswith("DC_sa03.wav"))
    expected, _ = soundfile.read(original, dtype="float32")
    np.testing.assert_allclose(cache.samples(kept), expected, atol=1 / 32768)


def test_fingerprint_depends_on_content_not_on_order(layout: Path) -> None:
    clips, _ = read_corpora(layout)
    prepare(clips, layout, layout / "cache")
    cached = load_cache(layout / "cache").clips
    assert fingerprint(cached) == fingerprint(cached[::-1])
    assert fingerprint(cached) != fingerprint(cached[1:])


def test_real_corpora_have_the_published_sizes(corpora: Path) -> None:
    clips, absent = read_corpora(corpora)
    sizes = Counter(c.corpus for c in clips)
    if "ravdess" in absent or "savee" in absent:
        pytest.skip("RAVDESS or SAVEE is absent")
    assert sizes["ravdess"] == 1440
    assert sizes["savee"] == 480
    per_class = Counter(c.emotion for c in clips if c.corpus == "ravdess")
    assert per_class["neutral"] == 96
    assert set(per_class.values()) == {96, 192}
    assert len({c.speaker for c in clips if c.corpus == "ravdess"}) == 24
