"""Readers find the official names, and the cache keeps each recording once."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

import numpy as np
import pytest
import soundfile

pytest.importorskip("torch", reason="needs the training extra")

from emolive.audio.dc import DcBlocker
from training.cache import fingerprint, load_cache, prepare
from training.corpora import NOISE, Clip, read_corpora
from training.labels import LABELS

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
    "ased/audio/a5-01-01-01-07.wav": ("ased", "ased_07", "female", "angry"),
    "emospeech/audio/00000.opus": ("emospeech", "ies_1", "unknown", "calm"),
    "turev/audio/sad__1358_hl_odenek.flac": ("turev", "turev_1358", "male", "sad"),
    "urdu/Angry/SM1_F3_A03.wav": ("urdu", "SM1", "male", "angry"),
    "meld/audio/00014.wav": ("meld", "Joey", "unknown", "surprised"),
    "nonverbal/audio/2AV8_4.wav": ("nonverbal", "coughing", "female", None),
    "noise/rain/1.ogg": (NOISE, "rain", "unknown", None),
}
TABLES = {
    "nemo/data.tsv": "file_id\temotion\tspeaker_id\tgender\n"
    "WR0_surprised_64.wav\tsurprised\t WR0\tmale\n",
    "ased/labels.tsv": "file\tlabel\tspeaker\tgender\tlanguage\tsentence\n"
    "a5-01-01-01-07.opus\tangry\tased_07\tf\tam\ta5_01\n",
    "emospeech/labels.tsv": "file\tlabel\tspeaker\tgender\tlanguage\n"
    "00000.opus\tcalm\ties_1\t\ten-IN/hi\n",
    "turev/labels.tsv": "file\tlabel\tspeaker\tgender\tlanguage\n"
    "sad__1358_hl_odenek.opus\tsad\tturev_1358\tm\ttr\n",
    "meld/labels.csv": "file,emotion,speaker,dialogue,seconds\n"
    "00014.opus,surprise,Joey,1,2.52\n00099.opus,joy,Ross,1,2.0\n",
    "nonverbal/labels.tsv": "file\tlabel\tspeaker\tgender\n2AV8_4.opus\tcoughing\tdnv_2AV8\tf\n",
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
            kind = {"subtype": "OPUS", "format": "OGG"} if path.suffix == ".opus" else {}
            soundfile.write(path, rng.normal(0, 0.1, 16_000), 16_000, **kind)
    for name, text in TABLES.items():
        (tmp_path / name).write_text(text)
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
    assert "savee/DC_sa04.wav: the same audio as savee/DC_sa03.wav" in left_out
    assert any("DC_sa05" in line for line in left_out)
    cache = load_cache(layout / "cache")
    kept = next(c for c in cache.clips if c.name.endswith("DC_sa03.wav"))
    sound, rate = soundfile.read(original, dtype="float32")
    np.testing.assert_allclose(cache.samples(kept), DcBlocker(rate).accept(sound), atol=1 / 32768)


def test_cache_holds_no_constant_offset(tmp_path: Path) -> None:
    sound = np.random.default_rng(0).normal(0.0, 0.05, 32_000).astype(np.float32)
    for name, offset in (("plain", 0.0), ("offset", 0.1)):
        soundfile.write(tmp_path / f"{name}.wav", sound + offset, 16_000, "FLOAT")
    clips = [
        Clip(tmp_path / f"{name}.wav", "own", "one", "male", "en", None)
        for name in ("plain", "offset")
    ]
    prepare(clips, tmp_path, tmp_path / "cache")
    cache = load_cache(tmp_path / "cache")
    heard = DcBlocker(16_000).accept(sound)
    for clip in cache.clips:
        np.testing.assert_allclose(cache.samples(clip), heard, atol=1.5 / 32768)


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


def _cremad(folder: Path, stems: tuple[str, ...]) -> None:
    rng = np.random.default_rng(1)
    for kind in ("AudioMP3", "AudioWAV"):
        for stem in stems:
            path = folder / "cremad" / kind / f"{stem}.{kind[-3:].lower()}"
            path.parent.mkdir(parents=True, exist_ok=True)
            soundfile.write(path, rng.normal(0, 0.1, 16_000), 16_000)


def test_crema_d_votes_are_shares_of_all_classes(tmp_path: Path) -> None:
    _cremad(tmp_path, ("1001_DFA_ANG_XX", "1001_DFA_HAP_XX", "1002_DFA_SAD_XX"))
    (tmp_path / "cremad" / "votes.csv").write_text(
        "file,anger,disgust,fear,happy,neutral,sad,voters\n"
        "1001_DFA_ANG_XX,6,2,0,0,2,0,10\n"
        "1001_DFA_HAP_XX,0,0,0,0,0,0,0\n"
    )
    clips = {c.path.stem: c for c in read_corpora(tmp_path)[0]}
    assert {c.path.suffix for c in clips.values()} == {".wav"}
    votes = dict(zip(LABELS, clips["1001_DFA_ANG_XX"].votes or (), strict=True))
    assert votes == pytest.approx(
        dict.fromkeys(LABELS, 0.0) | {"angry": 0.6, "disgust": 0.2, "neutral": 0.2}
    )
    assert clips["1001_DFA_HAP_XX"].votes is None
    assert clips["1002_DFA_SAD_XX"].votes is None
    prepare(list(clips.values()), tmp_path, tmp_path / "cache")
    kept = {c.name: c.votes for c in load_cache(tmp_path / "cache").clips}
    assert kept["cremad/AudioWAV/1001_DFA_ANG_XX.wav"] == clips["1001_DFA_ANG_XX"].votes


def test_crema_d_official_tables_give_voice_only_votes_and_actors_sex(tmp_path: Path) -> None:
    _cremad(tmp_path, ("1001_DFA_ANG_XX", "1002_DFA_SAD_XX"))
    (tmp_path / "cremad" / "processedResults").mkdir()
    (tmp_path / "cremad" / "processedResults" / "tabulatedVotes.csv").write_text(
        '"","A","D","F","H","N","S","fileName","numResponses"\n'
        '"100062",6,2,0,0,1,1,"1001_DFA_ANG_XX",10\n'
        '"200062",0,0,0,0,10,0,"1001_DFA_ANG_XX",10\n'
        '"300062",10,0,0,0,0,0,"1001_DFA_ANG_XX",10\n'
    )
    (tmp_path / "cremad" / "VideoDemographics.csv").write_text(
        '"ActorID","Age","Sex","Race","Ethnicity"\n1001,51,"Male","Caucasian","Not Hispanic"\n'
    )
    clips = {c.speaker: c for c in read_corpora(tmp_path)[0]}
    assert clips["1001"].gender == "male"
    assert clips["1002"].gender == "unknown"
    votes = dict(zip(LABELS, clips["1001"].votes or (), strict=True))
    assert votes["angry"] == pytest.approx(0.6)
    assert votes["sad"] == pytest.approx(0.1)
    assert sum(votes.values()) == pytest.approx(1.0)


def test_a_corpus_that_is_half_there_is_absent(tmp_path: Path) -> None:
    (tmp_path / "nemo" / "samples").mkdir(parents=True)
    soundfile.write(tmp_path / "nemo" / "samples" / "WR0_sad_1.wav", np.zeros(800), 16_000)
    clips, absent = read_corpora(tmp_path, ("nemo",))
    assert clips == []
    assert absent == ["nemo"]


def test_real_votes_agree_with_the_files(corpora: Path) -> None:
    clips, absent = read_corpora(corpora, ("cremad",))
    if absent:
        pytest.skip("CREMA-D is absent")
    voted = [c for c in clips if c.votes is not None]
    assert len(voted) > len(clips) // 2
    for clip in voted:
        assert sum(clip.votes or ()) == pytest.approx(1.0)
    # Listeners hear what the actor meant more often than any other emotion by chance.
    heard = np.mean([c.votes[LABELS.index(c.emotion)] for c in voted if c.votes and c.emotion])
    assert heard > 1 / 6
