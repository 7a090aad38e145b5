"""Channels become one without cancelling each other out."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from emolive.audio.channels import Mixer
from emolive.audio.files import FileSource
from emolive.types import FloatArray
from tests.audio.encoded import RATE, sndfile, speech
from tests.audio.test_files import pump_all


def mixed(channels: FloatArray, block: int = 800) -> tuple[FloatArray, Mixer]:
    mixer = Mixer(channels.shape[1])
    parts = [mixer.accept(channels[i : i + block]) for i in range(0, len(channels), block)]
    return np.concatenate(parts)[:, 0], mixer


@pytest.mark.parametrize("offset", [0.0, 0.1])
@pytest.mark.parametrize("gain", [1.0, 0.5])
def test_channels_in_opposite_phase_are_heard(offset: float, gain: float) -> None:
    said = speech(3.0)
    channels = np.stack([said, -gain * said], axis=1) + np.float32(offset)
    found, mixer = mixed(channels.astype(np.float32))
    assert mixer.turned
    assert np.std(found) == pytest.approx((1 + gain) / 2 * np.std(said), rel=0.05)


def test_other_channels_are_averaged_as_ever() -> None:
    rng = np.random.default_rng(0)
    said, other = speech(3.0), rng.normal(0, 0.05, 3 * RATE).astype(np.float32)
    for channels in (
        np.stack([said, other], axis=1),
        np.stack([said, said], axis=1),
        np.stack([said, 0 * said], axis=1),
        np.stack([said, said + other, 0.2 * other, other], axis=1),
        np.zeros((RATE, 2), np.float32),
    ):
        found, mixer = mixed(channels)
        assert not mixer.turned
        np.testing.assert_array_equal(found, channels.mean(axis=1))


def test_a_file_in_opposite_phase_is_heard_and_says_so(tmp_path: Path) -> None:
    said = speech(3.0)
    path = tmp_path / "a.wav"
    path.write_bytes(sndfile(np.stack([said, -said], axis=1), format="WAV"))
    source = FileSource(path, paced=False)
    _, found = pump_all(source)
    np.testing.assert_allclose(found[:, 0], said, atol=1e-4)
    message = source.status().message
    assert message is not None
    assert "opposite phase" in message
    assert not source.failed
