from __future__ import annotations

from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest
import soundfile as sf
import soxr

from emolive.acoustics import SPECTROGRAM, BandDetector
from emolive.acoustics.band import NARROW_AFTER_S, WIDE_AFTER_S
from emolive.features import log_mel
from emolive.resources import DEMO_AUDIO, asset
from emolive.types import Band, FloatArray

RATE = SPECTROGRAM.sampling_rate
WINDOW, HOP = 3 * RATE, RATE // 2


def speech() -> FloatArray:
    return sf.read(asset(DEMO_AUDIO), dtype="float32")[0]


def through_telephone(samples: FloatArray) -> FloatArray:
    """As a softphone hands it on: 8 kHz and back, 16 bits."""
    narrow = soxr.resample(soxr.resample(samples, RATE, 8_000), 8_000, RATE)
    return (np.round(narrow * 32767) / 32767).astype(np.float32)


def judged(samples: FloatArray, native_rate: int = 48_000) -> list[Band | None]:
    """The band after each window of half a second of new speech."""
    detector = BandDetector(native_rate)
    bands = []
    for end in range(WINDOW, len(samples), HOP):
        detector.accept(log_mel(samples[end - WINDOW : end], SPECTROGRAM), HOP / RATE)
        bands.append(detector.band)
    return bands


def test_wide_speech_is_wide_soon() -> None:
    bands = judged(speech())
    assert bands[0] is None
    assert bands.index(Band.WIDE) <= 2 * WIDE_AFTER_S / (HOP / RATE)
    assert set(bands[bands.index(Band.WIDE) :]) == {Band.WIDE}


def test_telephone_speech_at_a_high_rate_is_narrow_after_a_while() -> None:
    bands = judged(through_telephone(speech()))
    first = bands.index(Band.NARROW)
    assert first == pytest.approx(NARROW_AFTER_S / (HOP / RATE) - 1)
    assert set(bands[:first]) == {None}
    assert set(bands[first:]) == {Band.NARROW}


def test_the_level_does_not_matter() -> None:
    quiet = speech() * np.float32(0.05)
    assert judged(quiet)[-1] is Band.WIDE
    assert judged(through_telephone(quiet))[-1] is Band.NARROW


@pytest.mark.parametrize("rate", [6_000, 8_000])
def test_a_low_rate_is_narrow_at_once(rate: int) -> None:
    assert BandDetector(rate).band is Band.NARROW
    assert set(judged(speech(), rate)) == {Band.NARROW}


def test_a_call_that_changes_its_codec_changes_its_band() -> None:
    wide = speech()[: 20 * RATE]
    bands = judged(np.concatenate((wide, through_telephone(wide), wide)))
    changes = [band for before, band in pairwise(bands) if band is not before]
    assert changes == [Band.WIDE, Band.NARROW, Band.WIDE]


def test_a_click_is_not_a_wide_band() -> None:
    clicking = through_telephone(speech())
    clicking[:: 4 * RATE] = 0.9
    assert judged(clicking)[-1] is Band.NARROW


def test_without_speech_nothing_is_said() -> None:
    detector = BandDetector(48_000)
    for _ in range(100):
        detector.accept(np.full((SPECTROGRAM.n_mels, 298), -20, np.float32), 0.0)
    assert detector.band is None


@pytest.mark.corpora
@pytest.mark.parametrize("corpus", ["ravdess", "savee"])
def test_people_are_wide_and_through_the_telephone_narrow(corpora: Path, corpus: str) -> None:
    clips = sorted((corpora / corpus).rglob("*.flac"))[::40][:20]
    if not clips:
        pytest.skip(f"no {corpus} in the corpora")
    parts = []
    for clip in clips:
        samples, rate = sf.read(clip, dtype="float32", always_2d=True)
        parts.append(soxr.resample(samples.mean(axis=1), rate, RATE))
    joined = np.concatenate(parts)
    assert judged(joined)[-1] is Band.WIDE
    assert judged(through_telephone(joined))[-1] is Band.NARROW


@pytest.mark.corpora
@pytest.mark.parametrize("party", ["agent", "caller"])
def test_a_real_call_is_narrow_whatever_its_rate(corpora: Path, party: str) -> None:
    path = corpora / "calls" / f"auto_repairs_40_{party}.flac"
    if not path.is_file():
        pytest.skip("no calls in the corpora")
    samples, rate = sf.read(path, dtype="float32")
    assert rate == 8_000
    wider = soxr.resample(samples, rate, RATE)[: 60 * RATE]
    detector = BandDetector(RATE)
    for end in range(WINDOW, len(wider), HOP):
        mel = log_mel(wider[end - WINDOW : end], SPECTROGRAM)
        # Stands in for voice activity detection: a pause holds nothing but line noise.
        detector.accept(mel, HOP / RATE if np.percentile(mel, 99) > -4 else 0.0)
        assert detector.band is not Band.WIDE
    assert detector.band is Band.NARROW
