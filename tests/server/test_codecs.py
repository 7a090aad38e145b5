"""Decoded as other programs do: libsndfile's G.711, and the numbers of the recommendation."""

from __future__ import annotations

import io

import numpy as np
import pytest
import soundfile

from emolive.server.taps.tap import Encoding, decode

ALL = bytes(range(256))


@pytest.mark.parametrize(
    ("encoding", "subtype"), [(Encoding.MULAW, "ULAW"), (Encoding.ALAW, "ALAW")]
)
def test_every_code_is_decoded_as_libsndfile_does(encoding: Encoding, subtype: str) -> None:
    raw = io.BytesIO(ALL)
    wanted, _ = soundfile.read(
        raw, dtype="float32", format="RAW", subtype=subtype, samplerate=8_000, channels=1
    )
    np.testing.assert_array_equal(decode(ALL, encoding)[:, 0], wanted)


def test_linear_samples_and_interleaved_channels() -> None:
    values = np.array([[0, -32_768], [16_384, 32_767]], "<i2")
    np.testing.assert_allclose(
        decode(values.tobytes(), Encoding.S16, 2), [[0, -1], [0.5, 0.99996948]], atol=1e-7
    )
    floats = np.array([0.25, np.nan, np.inf, -7.0], "<f4")
    np.testing.assert_array_equal(
        decode(floats.tobytes(), Encoding.F32)[:, 0], np.float32([0.25, 0, 0, -1])
    )


def test_half_a_frame_is_refused() -> None:
    with pytest.raises(ValueError, match="whole number of frames"):
        decode(b"\0\0\0", Encoding.S16)
    with pytest.raises(ValueError, match="whole number of frames"):
        decode(b"\0\0", Encoding.S16, 2)
