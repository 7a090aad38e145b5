"""The front end is torchaudio's MelSpectrogram, without torchaudio."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import numpy.typing as npt
import pytest
import soundfile

from emolive.features import LogMelSpec, log_mel, normalize
from emolive.types import FloatArray

pytestmark = pytest.mark.training
SPEC = LogMelSpec()
Power = npt.NDArray[np.floating]


def by_torchaudio(signal: FloatArray, *, double: bool = False) -> Power:
    """Mel power, float32 or float64, ``(n_mels, n_frames)``."""
    torch = pytest.importorskip("torch")
    transforms = pytest.importorskip("torchaudio.transforms")
    transform = transforms.MelSpectrogram(
        sample_rate=SPEC.sampling_rate,
        n_fft=SPEC.n_fft,
        win_length=SPEC.win_length,
        hop_length=SPEC.hop_length,
        f_min=SPEC.f_min,
        f_max=SPEC.f_max,
        n_mels=SPEC.n_mels,
        # torch centres the short window within n_fft: this much comes before it.
        pad=(SPEC.n_fft - SPEC.win_length) // 2,
        center=False,
        power=2.0,
    )
    samples = torch.from_numpy(signal)
    if double:
        transform, samples = transform.double(), samples.double()
    power: Power = transform(samples).numpy()
    return power


def log(power: Power) -> Power:
    return np.log(np.maximum(power, SPEC.log_floor))


def speech(corpora: Path) -> list[FloatArray]:
    clips = [
        *sorted(corpora.glob("ravdess/Actor_0[12]/*.flac"))[::12],
        *sorted(corpora.glob("savee/*"))[::60],
    ]
    assert len(clips) >= 8, "the corpora lack RAVDESS or SAVEE"
    return [soundfile.read(clip, dtype="float32")[0] for clip in clips]


def test_noise() -> None:
    signal = np.random.default_rng(0).standard_normal(48_000).astype(np.float32) * np.float32(0.1)
    expected = log(by_torchaudio(signal))
    found = log_mel(signal, SPEC)
    assert found.shape == expected.shape == (128, 298)
    np.testing.assert_allclose(found, expected, rtol=0, atol=1e-4)


@pytest.mark.corpora
def test_real_speech(corpora: Path) -> None:
    """To 1e-4 wherever float32 holds it.

    Bands far below the loudest one of their frame are rounding noise of the FFT, in torchaudio as
    here: there the measure is the frame's own scale, and what the classifier is given.
    """
    for signal in speech(corpora):
        expected = by_torchaudio(signal)
        found = log_mel(signal, SPEC)
        peak = expected.max(axis=0)
        difference = np.abs(np.exp(found) - np.maximum(expected, SPEC.log_floor))
        assert (difference <= 1e-4 * np.maximum(peak, SPEC.log_floor)).all()
        loud = expected > 1e-4 * peak  # within 40 dB
        np.testing.assert_allclose(found[loud], log(expected)[loud], rtol=0, atol=1e-4)
        given = normalize(log(expected).astype(np.float32), SPEC)
        np.testing.assert_allclose(normalize(found, SPEC), given, rtol=0, atol=1e-3)


@pytest.mark.corpora
def test_it_is_as_exact_as_torchaudio(corpora: Path) -> None:
    """Measured against torchaudio in float64, in the logarithm of every band, quiet ones too."""
    ours, theirs = [], []
    for signal in speech(corpora):
        exact = log(by_torchaudio(signal, double=True))
        ours.append(np.abs(log_mel(signal, SPEC) - exact).mean())
        theirs.append(np.abs(log(by_torchaudio(signal)) - exact).mean())
    assert np.mean(ours) < 1e-5
    assert np.mean(ours) < 2 * np.mean(theirs)
