"""The sound of a stored session's stream, one file each."""

from __future__ import annotations

from pathlib import Path

import soundfile as sf

from emolive.errors import AudioFileError
from emolive.i18n import tr


def open_stored(path: Path) -> sf.SoundFile:
    """The open file; to be closed by who asked for it.

    Raises:
        AudioFileError: it cannot be opened.
    """
    try:
        return sf.SoundFile(path)
    except (OSError, sf.LibsndfileError) as error:
        raise AudioFileError(
            tr("The session's audio {name} cannot be read: {error}", name=path.name, error=error)
        ) from error
