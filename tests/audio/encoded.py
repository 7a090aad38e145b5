"""Sound as files of every kind, healthy and not, made from the demo's speech."""

from __future__ import annotations

import io
import struct
import tempfile
from functools import cache
from pathlib import Path
from typing import Any

import av
import numpy as np
import soundfile as sf

from emolive.resources import DEMO_AUDIO, asset
from emolive.types import FloatArray

RATE = 16_000


@cache
def speech(seconds: float = 10.0, rate: int = RATE) -> FloatArray:
    """Speech, float32 ``(n,)``; at 8 kHz every other sample of it."""
    samples, found = sf.read(asset(DEMO_AUDIO), dtype="float32")
    assert found == RATE
    samples = samples[:: RATE // rate]
    return np.resize(samples, round(seconds * rate)).astype(np.float32)


def sndfile(samples: FloatArray, rate: int = RATE, **how: Any) -> bytes:
    """Encoded by libsndfile; `how` as `soundfile.write` takes it."""
    buffer = io.BytesIO()
    sf.write(buffer, samples, rate, **how)
    return buffer.getvalue()


def ffmpeg(
    samples: FloatArray,
    container: str,
    codec: str,
    rate: int = RATE,
    codec_options: dict[str, str] | None = None,
    **options: str,
) -> bytes:
    """Encoded by FFmpeg's libraries; `options` are the container's."""
    channels = 1 if samples.ndim == 1 else samples.shape[1]
    folder = tempfile.TemporaryDirectory()
    path = Path(folder.name, "sound")
    with folder, av.open(str(path), "w", format=container, options=options) as out:
        layout = "mono" if channels == 1 else "stereo"
        stream = out.add_stream(codec, rate=rate, layout=layout, options=codec_options or {})
        assert isinstance(stream, av.AudioStream)
        pcm = np.round(np.clip(samples, -1, 1) * 32767).astype(np.int16)
        for begin in range(0, len(pcm), 1024):
            piece = np.ascontiguousarray(pcm[begin : begin + 1024].reshape(1, -1))
            frame = av.AudioFrame.from_ndarray(piece, format="s16", layout=layout)
            frame.sample_rate = rate
            frame.pts = begin
            out.mux(stream.encode(frame))
        out.mux(stream.encode(None))
        out.close()
        return path.read_bytes()


def mp3(
    samples: FloatArray, rate: int = RATE, *, quality: str | None = None, header: bool = True
) -> bytes:
    """MP3 of variable rate where `quality` is given, with or without the frame that counts."""
    chosen = {"global_quality": str(118 * int(quality))} if quality else {"b": "32k"}
    options = {**chosen, "flags": "+qscale"} if quality else chosen
    return ffmpeg(samples, "mp3", "libmp3lame", rate, options, write_xing="1" if header else "0")


def with_vbri(content: bytes, frames: int) -> bytes:
    """An MP3 without a header frame after one as Fraunhofer's encoder writes it."""
    begin = content.index(b"\xff", 0)
    head = content[begin : begin + 4]
    length = 144 * 32_000 // RATE // 2  # what such a frame of 32 kbit/s is long
    frame = bytearray(head[:2] + bytes([0x48, head[3]]))
    frame += bytes(32) + b"VBRI" + struct.pack(">HHHII", 1, 0, 50, len(content), frames)
    frame += bytes(length - len(frame))
    return content[:begin] + bytes(frame) + content[begin:]
