"""What libsndfile does not read (M4A, WebM, AMR, WMA ...), through FFmpeg's libraries."""

from __future__ import annotations

import importlib.util
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from emolive.audio.containers import Link, Spliced
from emolive.audio.recording import DecoderError
from emolive.extras import way_to_get
from emolive.i18n import tr
from emolive.types import FloatArray

if TYPE_CHECKING:
    import av

# Usual names of sound and of films with sound.
MEDIA_EXTENSIONS = frozenset({
    "3gp", "aac", "ac3", "amr", "ape", "asf", "avi", "awb", "dts", "m4a", "m4b", "m4v", "mka",
    "mkv", "mov", "mp4", "mpeg", "mpg", "ra", "spx", "tta", "webm", "weba", "wma", "wmv", "wv",
})  # fmt: skip
# Containers that hold their length.
_TIMED = {"mov", "matroska", "asf", "avi"}


def can_read_media() -> bool:
    """Whether the `media` extra is installed."""
    return importlib.util.find_spec("av") is not None


def way_out(path: Path) -> str:
    """What to do about a file that cannot be decoded here."""
    return tr(
        'such files take an extra ({way}); or convert it: ffmpeg -i "{name}" "{stem}.wav".',
        way=way_to_get("media"),
        name=path.name,
        stem=path.stem,
    )


class MediaRecording:
    """The first sound track of a recording, decoded by FFmpeg's libraries.

    Buffer: what one packet holds, less than a second.
    """

    unread = 0

    def __init__(self, path: Path, link: Link) -> None:
        """Open one recording of a file; one without parts is the file as it is.

        Raises:
            DecoderError: there is no sound in it that can be decoded.
        """
        import av

        self._failures = (OSError, ValueError, av.FFmpegError)
        self.closed = False
        self._view = Spliced(path, link.parts) if link.parts else None
        try:
            # A playlist may name addresses: nothing but files is ever opened.
            self._container = av.open(
                self._view or str(path),
                "r",
                metadata_errors="replace",
                options={"protocol_whitelist": "file"},
            )
        except self._failures as error:
            self._close_view()
            raise DecoderError(str(error)) from error
        try:
            tracks = self._container.streams.audio
            track = next((track for track in tracks if track.codec_context is not None), None)
            if track is None or not track.rate or not track.channels:
                raise DecoderError(tr("there is no sound in it that can be decoded"))
            self.rate: int = track.rate
            self.channels: int = track.channels
            self.n_frames = _length(self._container, track, self.rate)
            self._blocks = self._decode(track)
        except BaseException:
            self.close()
            raise
        self._held = np.empty((0, self.channels), np.float32)

    def read(self, out: FloatArray) -> int:
        """Fill float32 ``(n, channels)``; fewer frames come at the end only.

        Raises:
            DecoderError: it broke off.
        """
        done = 0
        try:
            while done < len(out):
                if not len(self._held):
                    block = next(self._blocks, None)
                    if block is None:
                        break
                    self._held = block
                n = min(len(out) - done, len(self._held))
                out[done : done + n] = self._held[:n]
                self._held = self._held[n:]
                done += n
        except self._failures as error:
            raise DecoderError(str(error)) from error
        return done

    def close(self) -> None:
        """Release it."""
        self.closed = True
        self._container.close()
        self._close_view()

    def _close_view(self) -> None:
        if self._view is not None:
            self._view.close()

    def _decode(self, track: av.AudioStream) -> Iterator[FloatArray]:
        import av

        resampler = av.AudioResampler("fltp", track.layout, self.rate)
        frames: Any
        for frame in self._container.decode(track):
            frames = resampler.resample(frame)
            yield from (_samples(piece) for piece in frames)
        yield from (_samples(piece) for piece in resampler.resample(None))


def _samples(frame: av.AudioFrame) -> FloatArray:
    return np.ascontiguousarray(frame.to_ndarray().T, np.float32)


def _length(container: Any, track: av.AudioStream, rate: int) -> int | None:
    """Frames that the file says it has; elsewhere the length is an estimate from the bit rate."""
    if container.format.name.partition(",")[0] not in _TIMED:
        return None
    if track.duration is not None and track.time_base is not None:
        return round(float(track.duration * track.time_base) * rate)
    return None if container.duration is None else int(container.duration * rate / 1_000_000)
