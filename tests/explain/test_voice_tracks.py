"""The tracks against signals whose values are known, and against Praat on the demo's speech."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import soundfile as sf

from emolive import resources
from emolive.errors import AudioFileError, EmoliveError
from emolive.explain.voice_tracks import CHUNK_S, MARGIN_S, STEP_S, Track, VoiceReader, voice_tracks

praat = pytest.importorskip("parselmouth", reason="needs the extra cues")
RATE = 16_000


def vowel(pitch: float, formants: tuple[float, ...], seconds: float) -> np.ndarray:
    """Pulses of a pitch through resonances, as a source and filter make a vowel."""
    n = round(seconds * RATE)
    sound = np.zeros(n)
    sound[np.round(np.arange(0, n - 1, RATE / pitch)).astype(int)] = 1.0
    for formant in formants:
        r = np.exp(-np.pi * 80 / RATE)
        a1, a2 = -2 * r * np.cos(2 * np.pi * formant / RATE), r * r
        out = np.zeros(n)
        for i in range(n):
            out[i] = sound[i] - a1 * out[i - 1] - a2 * out[i - 2]
        sound = out
    return (0.3 * sound / np.abs(sound).max()).astype(np.float32)


@pytest.mark.parametrize("pitch", [110.0, 210.0])
def test_a_vowel_has_the_pitch_and_formants_that_made_it(pitch: float) -> None:
    tracks = voice_tracks(vowel(pitch, (650.0, 1200.0, 2500.0, 3500.0, 4500.0), 1.5), RATE, praat)
    assert tracks.shape == (len(Track), 150)
    inner = tracks[:, 30:120]
    assert np.nanmedian(inner[Track.PITCH]) == pytest.approx(pitch, rel=0.01)
    for track, hertz in ((Track.F1, 650.0), (Track.F2, 1200.0), (Track.F3, 2500.0)):
        assert np.nanmedian(inner[track]) == pytest.approx(hertz, rel=0.1)


def test_intensity_is_in_decibels_of_full_scale() -> None:
    at = np.arange(2 * RATE) / RATE
    sine = (0.1 * np.sin(2 * np.pi * 200 * at)).astype(np.float32)
    found = voice_tracks(sine, RATE, praat)[Track.INTENSITY]
    assert np.nanmedian(found) == pytest.approx(20 * np.log10(0.1 / np.sqrt(2)), abs=0.3)


def test_the_rate_counts_syllables_per_second() -> None:
    one = vowel(150.0, (600.0, 1300.0, 2500.0), 0.18)
    word = np.concatenate([one * np.hanning(one.size), np.zeros(round(0.07 * RATE))])
    found = voice_tracks(np.tile(word, 24).astype(np.float32), RATE, praat)[Track.RATE]
    # Four a second, over the time with sound, some of the gaps between them left out.
    assert 3.5 <= np.nanmedian(found[150:450]) <= 5.5


def test_silence_has_no_values() -> None:
    assert np.isnan(voice_tracks(np.zeros(RATE, np.float32), RATE, praat)).all()
    assert np.isnan(voice_tracks(np.zeros(10, np.float32), RATE, praat)).all()


def test_pieces_are_the_whole(tmp_path: Path) -> None:
    samples, rate = sf.read(resources.asset(resources.DEMO_AUDIO), dtype="float32")
    path = tmp_path / "a.flac"
    sf.write(path, np.concatenate([samples, samples]), rate)
    whole = voice_tracks(sf.read(path, dtype="float32")[0], rate, praat)
    reader = VoiceReader(path)
    n = round(CHUNK_S / STEP_S)
    two = np.concatenate([reader.tile(0), reader.tile(1)], axis=1)
    late = reader.tile(1_000)
    reader.close()
    assert np.isnan(late).all()
    seam = slice(n - 50, n + 50)
    both = ~np.isnan(two[Track.INTENSITY, seam]) & ~np.isnan(whole[Track.INTENSITY, seam])
    assert both.mean() > 0.9
    apart = np.abs(two[Track.INTENSITY, seam] - whole[Track.INTENSITY, seam])[both]
    assert np.percentile(apart, 95) < 0.5
    # Inside a piece it is what that piece, and what surrounds it, sounds like.
    around = slice(round((CHUNK_S - MARGIN_S) * rate), round((2 * CHUNK_S + MARGIN_S) * rate))
    wanted = voice_tracks(sf.read(path, dtype="float32")[0][around], rate, praat)
    skip = round(MARGIN_S / STEP_S)
    np.testing.assert_allclose(two[:, n:], wanted[:, skip : skip + n])


def test_what_cannot_be_read_is_one_sentence(tmp_path: Path) -> None:
    with pytest.raises(AudioFileError, match="cannot be read"):
        VoiceReader(tmp_path / "none.flac")


def test_without_praat_it_says_what_to_install(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(__import__("sys").modules, "parselmouth", None)
    with pytest.raises(EmoliveError, match=r"emolive\[cues\]"):
        VoiceReader(tmp_path / "none.flac")
