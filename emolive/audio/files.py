"""A file as a source."""

from __future__ import annotations

import os
import time
from collections.abc import Callable
from pathlib import Path

import soundfile as sf

from emolive.audio.decoded import DecodedSource
from emolive.audio.decoding import ChannelUse, FileDecoder
from emolive.errors import AudioFileError
from emolive.types import FloatArray


class FileSource(DecodedSource):
    """Anything libsndfile decodes: WAV, FLAC, Ogg, Opus, MP3, AIFF ..., paced or flat out."""

    def __init__(
        self,
        path: str | os.PathLike[str],
        *,
        paced: bool,
        block_s: float = 0.1,
        loop: bool = False,
        channels: ChannelUse = "mix",
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        """Read `path` in blocks of `block_s` seconds, over and over with `loop`.

        `channels`: "mix" averages all channels into one stream, "split" keeps each as a stream.
        """
        if block_s <= 0:
            raise ValueError(f"block_s must be positive, not {block_s}")
        self.path = Path(path)
        self.folder = self.path.absolute().parent
        super().__init__(
            self.path.name,
            lambda: FileDecoder(self.path, block_s, channels),
            paced=paced,
            loop=loop,
            clock=clock,
        )


def open_session_file(path: Path) -> sf.SoundFile:
    """The open file; to be closed by who asked for it.

    Raises:
        AudioFileError: it cannot be opened.
    """
    try:
        return sf.SoundFile(path)
    except (OSError, sf.LibsndfileError) as error:
        raise _unreadable(path, error) from error


def read_session_file(file: sf.SoundFile, first: int, n_frames: int) -> FloatArray:
    """Frames of a mono file from `first` on, float32 ``(n,)``; fewer at its end.

    Raises:
        AudioFileError: they cannot be read.
    """
    try:
        file.seek(min(file.frames, first))
        samples: FloatArray = file.read(n_frames, dtype="float32", always_2d=True)[:, 0]
    except sf.LibsndfileError as error:
        raise _unreadable(Path(file.name), error) from error
    return samples


def _unreadable(path: Path, error: Exception) -> AudioFileError:
    return AudioFileError(
        "The session's audio {name} cannot be read: {error}", name=path.name, error=error
    )
