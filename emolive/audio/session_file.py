"""The sound of a stored session's stream, one file each."""

from __future__ import annotations

from pathlib import Path

import soundfile as sf

from emolive.errors import AudioFileError
from emolive.types import FloatArray


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
