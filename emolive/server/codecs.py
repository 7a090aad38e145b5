"""Telephone audio as it comes over the wire, decoded to float32 at full scale 1."""

from __future__ import annotations

from enum import StrEnum

import numpy as np
import numpy.typing as npt

from emolive.types import FloatArray


class Encoding(StrEnum):
    """How samples are written; linear ones are little-endian."""

    MULAW = "mulaw"
    ALAW = "alaw"
    S16 = "s16le"
    F32 = "f32le"


_WIDTH = {Encoding.MULAW: 1, Encoding.ALAW: 1, Encoding.S16: 2, Encoding.F32: 4}
_S16_SCALE = np.float32(1 / 32_768)


def _mulaw_table() -> FloatArray:
    """ITU-T G.711, table 2a: 14-bit values, here as 16-bit ones."""
    code = ~np.arange(256, dtype=np.uint8)
    magnitude = (((code & 0x0F).astype(np.int32) << 3) + 0x84) << ((code >> 4) & 0x07)
    value = magnitude - 0x84
    return (np.where(code & 0x80, -value, value) / 32_768).astype(np.float32)


def _alaw_table() -> FloatArray:
    """ITU-T G.711, table 1a: 13-bit values, here as 16-bit ones."""
    code = np.arange(256, dtype=np.uint8) ^ 0x55
    segment = ((code >> 4) & 0x07).astype(np.int32)
    magnitude = ((code & 0x0F).astype(np.int32) << 4) + 8
    value = np.where(segment, (magnitude + 0x100) << np.maximum(segment - 1, 0), magnitude)
    return (np.where(code & 0x80, value, -value) / 32_768).astype(np.float32)


_TABLES = {Encoding.MULAW: _mulaw_table(), Encoding.ALAW: _alaw_table()}


def decode(data: bytes, encoding: Encoding, channels: int = 1) -> FloatArray:
    """Interleaved samples as float32 ``(n, channels)``.

    Numbers that are none (NaN, infinite) become silence; what exceeds full scale is clipped.

    Raises:
        ValueError: the bytes are no whole number of frames.
    """
    frame = _WIDTH[encoding] * channels
    if len(data) % frame:
        raise ValueError(f"{len(data)} bytes are no whole number of frames of {frame} bytes")
    samples: npt.NDArray[np.float32]
    if encoding is Encoding.S16:
        samples = np.frombuffer(data, "<i2").astype(np.float32)
        samples *= _S16_SCALE
    elif encoding is Encoding.F32:
        samples = np.nan_to_num(np.frombuffer(data, "<f4"), nan=0.0, posinf=0.0, neginf=0.0)
        samples = samples.clip(-1.0, 1.0).astype(np.float32, copy=False)
    else:
        samples = _TABLES[encoding][np.frombuffer(data, np.uint8)]
    return samples.reshape(-1, channels)
