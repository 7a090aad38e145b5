"""A patch taken out of the sound is gone from its spectrogram, and nothing else is."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import soundfile as sf

from emolive.acoustics import SPECTROGRAM, band_edges
from emolive.explain.occlusion import FrameOcclusion, SoundOcclusion, occlusion
from emolive.explain.saliency import occlude
from emolive.features import LogMelSpec, WaveformSpec, log_mel, model_input
from emolive.inference.classifier import OnnxClassifier
from emolive.types import FloatArray
from tests.conftest import SUPPORT_CALL
from tests.models import FILTERS, tiny_metadata, tiny_model, waveform_metadata

WINDOW = 48_000
DB = 10 / np.log(10)


@pytest.fixture(scope="module")
def window() -> FloatArray:
    samples, rate = sf.read(SUPPORT_CALL, start=96_000, frames=WINDOW, dtype="float32")
    assert rate == SPECTROGRAM.sampling_rate
    return np.asarray(samples, np.float32)


@pytest.mark.parametrize(
    ("bands", "frames"),
    [
        (slice(32, 64), slice(100, 160)),
        (slice(0, 32), slice(0, 60)),
        (slice(96, 128), slice(240, 298)),
        (slice(0, 128), slice(120, 180)),
    ],
)
def test_a_patch_is_as_quiet_as_its_background(
    window: FloatArray, bands: slice, frames: slice
) -> None:
    sound = SoundOcclusion(window, WaveformSpec())
    rest = sound.sound_without(bands, frames)
    assert rest.shape == window.shape
    assert rest.dtype == np.float32
    before, after = (DB * log_mel(samples, SPECTROGRAM) for samples in (window, rest))
    # A few frames and bands of overlap belong to both sides of a border.
    core = (
        slice(bands.start + 6 * (bands.start > 0), bands.stop - 6 * (bands.stop < 128)),
        slice(frames.start + 4, frames.stop - 4),
    )
    background = np.percentile(before, 5, axis=1, keepdims=True)
    loud = before[core] > background[core[0]] + 15
    assert loud.sum() > 20
    left = (after - background)[core][loud]
    taken = (before - after)[core][loud]
    assert np.median(left) < 6
    assert np.median(taken) > 12
    outside = np.ones(before.shape, np.bool_)
    outside[
        max(0, bands.start - 8) : bands.stop + 8, max(0, frames.start - 6) : frames.stop + 6
    ] = False
    # Where it is loud enough that a filter's skirts do not reach.
    audible = outside & (before > before.max() - 50)
    assert np.percentile(np.abs(after - before)[audible], 95) < 1


def test_all_patches_together_are_all_that_is_louder(window: FloatArray) -> None:
    sound = SoundOcclusion(window, WaveformSpec())
    everything = window - sound.sound_without(slice(0, 128), slice(0, 298))
    parts = np.zeros(WINDOW)
    for band in range(0, 128, 16):
        for frame in range(0, 298, 20):
            cell = (slice(band, band + 16), slice(frame, min(298, frame + 20)))
            parts += window - sound.sound_without(*cell)
    np.testing.assert_allclose(parts, everything, atol=1e-4)
    assert np.std(everything) > 0.8 * np.std(window)


def test_silence_has_nothing_to_take_away() -> None:
    sound = SoundOcclusion(np.zeros(WINDOW, np.float32), WaveformSpec())
    assert not sound.sound_without(slice(0, 128), slice(0, 298)).any()


def test_a_model_of_the_spectrograms_frames_is_asked_about_them(window: FloatArray) -> None:
    for spec in (LogMelSpec(), LogMelSpec(normalization="none")):
        found = occlusion(window, spec)
        assert isinstance(found, FrameOcclusion)
        np.testing.assert_array_equal(found.whole(), model_input(window, spec))
    for other in (LogMelSpec(n_mels=80), LogMelSpec(hop_length=200), WaveformSpec()):
        found = occlusion(window, other)
        assert isinstance(found, SoundOcclusion)
        assert found.shape == (128, 298)
        np.testing.assert_array_equal(found.whole(), model_input(window, other))
        assert found.without(slice(0, 16), slice(0, 20)).shape == other.window_shape(WINDOW)


def tone(hertz: float, start_s: float, end_s: float) -> FloatArray:
    """Three seconds of faint noise with a tone in it."""
    at = np.arange(WINDOW) / 16_000
    noise = np.random.default_rng(0).normal(0, 1e-3, WINDOW)
    heard = (at >= start_s) & (at < end_s)
    return (noise + 0.2 * np.sin(2 * np.pi * hertz * at) * heard).astype(np.float32)


def test_a_waveform_model_is_asked_in_the_band_and_time_it_listens_to(tmp_path: Path) -> None:
    """Of a model that hears one filter, at 1.1 kHz or so, about a tone in the middle second."""
    number = FILTERS // 2
    weights = np.zeros((FILTERS, 8), np.float32)
    weights[number, 4] = 3.0
    metadata = tiny_model(tmp_path / "tone.onnx", waveform_metadata(), weights=weights)
    classifier = OnnxClassifier(tmp_path / "tone.onnx", "cpu")
    hertz = 200.0 * 2 ** (number * 5 / (FILTERS - 1))
    window = SoundOcclusion(tone(hertz, 1.0, 2.0), metadata.front_end)
    found = occlude(classifier, window, 4, metadata.temperature, budget_s=60)
    classifier.close()
    assert found is not None
    assert found.worth.shape == (128, 298)
    band, frame = np.unravel_index(found.worth.argmax(), found.worth.shape)
    edges = band_edges(SPECTROGRAM)
    assert edges[max(0, band - 16)] < hertz < edges[min(128, band + 17)]
    assert 95 <= frame <= 200
    low, high = edges[list(found.bands)]
    assert low <= 1.1 * hertz
    assert high >= 0.9 * hertz
    assert 90 <= np.mean(found.frames) <= 205
    assert found.least < found.probability
    away = np.ones(found.worth.shape, np.bool_)
    away[max(0, band - 32) : band + 32] = False
    assert np.abs(found.worth[away]).max() < 0.3 * found.worth.max()


def test_a_model_with_other_frames_is_explained_on_the_same_picture(
    tmp_path: Path, window: FloatArray
) -> None:
    spec = LogMelSpec(n_mels=80, n_fft=512)
    metadata = tiny_model(tmp_path / "80.onnx", tiny_metadata(front_end=spec))
    classifier = OnnxClassifier(tmp_path / "80.onnx", "cpu")
    found = occlude(classifier, occlusion(window, spec), 2, metadata.temperature, budget_s=0)
    classifier.close()
    assert found is not None
    assert found.worth.shape == (128, 298)
    assert np.abs(found.worth).max() > 0
