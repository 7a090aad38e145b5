"""A recording's sound inside a web page."""

from __future__ import annotations

import base64
import io
import os
from collections.abc import Iterator
from contextlib import ExitStack, closing
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import soundfile as sf

from emolive.audio.decoding import FileDecoder
from emolive.audio.resampling import StreamResampler
from emolive.errors import AudioFileError
from emolive.i18n import tr
from emolive.session.timeline import StreamAudio, Timeline
from emolive.types import FloatArray

# Speech needs no more (Hz).
_RATES = (8_000, 16_000, 24_000)
_BLOCK_S = 0.5
# Up to this long sound is kept without loss; longer, as Vorbis at about 30 kbit/s a channel (Opus
# would sound a little better, and takes twenty times as long to encode).
_LOSSLESS_S = 600.0
_VORBIS_COMPRESSION = 0.8
# What browsers open without trouble; beyond it the page links to the file instead.
MAX_BYTES = 64 * 1024 * 1024


@dataclass(frozen=True, slots=True)
class Sound:
    """Sound for a page: `base64` of a `mime` file inside it, or a `link` to a file, or neither."""

    mime: str = ""
    base64: str = ""
    link: str = ""
    note: str = ""


def embed_sound(timeline: Timeline, folder: Path, max_bytes: int = MAX_BYTES) -> Sound:
    """The timeline's sound for a page in `folder`: embedded where it is not too large.

    One stream is mono; two are left and right; more are mixed. All of it is decoded and encoded
    block by block.
    """
    parts = [stream.audio for stream in timeline.streams if stream.audio is not None]
    if not parts:
        return Sound(note=tr("No sound was kept."))
    try:
        mime, content = _encode(parts, timeline.duration_s, max_bytes)
    except (OSError, AudioFileError, sf.LibsndfileError) as error:
        return Sound(
            note=tr("The sound could not be read ({error}).", error=str(error).rstrip("."))
        )
    if content is not None:
        return Sound(mime, base64.b64encode(content).decode())
    return Sound(
        link=_link(parts[0].path, folder),
        note=tr(
            "The sound is too long to be in this page; it plays while its file stays in place."
        ),
    )


def _encode(
    parts: list[StreamAudio], duration_s: float, max_bytes: int
) -> tuple[str, bytes | None]:
    """The sound as a FLAC or Ogg Vorbis file; None: larger than `max_bytes`."""
    lossless = duration_s <= _LOSSLESS_S
    channels = len(parts) if len(parts) <= 2 else 1
    target = io.BytesIO()
    options = (
        {"format": "FLAC", "subtype": "PCM_16"}
        if lossless
        else {"format": "OGG", "subtype": "VORBIS", "compression_level": _VORBIS_COMPRESSION}
    )
    with ExitStack() as stack:
        decoders = [stack.enter_context(closing(_open(part))) for part in parts]
        # The lowest rate that keeps what speech there is.
        highest = max(decoder.format.sampling_rate for decoder in decoders)
        rate = next((rate for rate in _RATES if rate >= highest), _RATES[-1])
        readers = [_read(*pair, rate) for pair in zip(decoders, parts, strict=True)]
        file = stack.enter_context(sf.SoundFile(target, "w", rate, channels, **options))
        for block in _side_by_side(readers):
            file.write(block if channels == block.shape[1] else block.mean(axis=1))
            if target.tell() > max_bytes:
                return "", None
    content = target.getvalue()
    if len(content) > max_bytes:
        return "", None
    return ("audio/flac" if lossless else "audio/ogg; codecs=vorbis"), content


def _side_by_side(readers: list[Iterator[FloatArray]]) -> Iterator[FloatArray]:
    """Blocks of all parts side by side, float32 ``(n, parts)``; shorter parts end in silence."""
    waiting: list[FloatArray] = [np.zeros(0, np.float32) for _ in readers]
    open_ = [True] * len(readers)
    while any(open_):
        for index, reader in enumerate(readers):
            block = next(reader, None)
            if block is None:
                open_[index] = False
            else:
                waiting[index] = np.concatenate((waiting[index], block))
        lengths = [len(held) for held, more in zip(waiting, open_, strict=True) if more]
        ready = min(lengths) if lengths else max(map(len, waiting))
        out: FloatArray = np.zeros((ready, len(readers)), np.float32)
        for index, held in enumerate(waiting):
            taken = held[:ready]
            out[: len(taken), index] = taken
            waiting[index] = held[ready:]
        if ready:
            yield out


def _open(part: StreamAudio) -> FileDecoder:
    return FileDecoder(part.path, _BLOCK_S, "mix" if part.channel is None else "split")


def _read(decoder: FileDecoder, part: StreamAudio, rate: int) -> Iterator[FloatArray]:
    """One part's blocks as mono at `rate`."""
    resampler = StreamResampler(decoder.format.sampling_rate, rate)
    while (block := decoder.read()) is not None:
        # A copy, because the decoder fills the same block again.
        yield resampler.accept(block[:, part.channel or 0].copy())
    yield resampler.finish()


def _link(path: Path, folder: Path) -> str:
    """A URI of the file: relative where it is beside the page or below."""
    uri = Path(os.path.abspath(path)).as_uri()
    return uri.removeprefix(Path(os.path.abspath(folder)).as_uri() + "/")
