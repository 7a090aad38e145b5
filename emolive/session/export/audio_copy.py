"""A stream's audio beside the files that refer to it."""

from __future__ import annotations

import shutil
import wave
from pathlib import Path
from typing import Literal

import soundfile as sf

from emolive.errors import SessionError
from emolive.session.export.atomic import replacing

_BLOCK = 1 << 16
_SAMPLE_BYTES = 2
_MOST_WAV_BYTES = 2**32 - 100


# ELAN, for one, does not offer FLAC; WAV has 16 bits of the 24 that are kept.
AudioFormat = Literal["flac", "wav"]


def copy_audio(source: Path, target: Path, form: AudioFormat) -> Path:
    """Copy a stream's FLAC file to `target`, whose extension becomes the format's; returns it.

    Raises:
        SessionError: the audio is damaged, or too long for WAV.
        OSError: it cannot be read or written.
    """
    target = target.with_suffix(f".{form}")
    with replacing(target) as partial:
        if form == "flac":
            shutil.copyfile(source, partial)
        else:
            _write_wav(source, partial)
    return target


def _write_wav(source: Path, target: Path) -> None:
    with source.open("rb") as flac, _opened(source, flac) as sound:
        if sound.frames * sound.channels * _SAMPLE_BYTES > _MOST_WAV_BYTES:
            raise SessionError(
                "{name} is longer than a WAV file can be: use `--audio-format flac`.",
                name=source.name,
            )
        with target.open("wb") as file, wave.open(file, "wb") as copy:
            copy.setnchannels(sound.channels)
            copy.setsampwidth(_SAMPLE_BYTES)
            copy.setframerate(sound.samplerate)
            left = sound.frames
            while left > 0:
                try:
                    block = sound.read(min(_BLOCK, left), dtype="int16")
                except sf.LibsndfileError as error:
                    raise _damaged(source) from error
                if not len(block):
                    raise _damaged(source)
                left -= len(block)
                copy.writeframes(block.astype("<i2").tobytes())


def _opened(source: Path, flac: object) -> sf.SoundFile:
    try:
        return sf.SoundFile(flac)
    except sf.LibsndfileError as error:
        raise _damaged(source) from error


def _damaged(source: Path) -> SessionError:
    return SessionError(
        "The audio {source} is damaged: export without `--audio`, or with `--audio-format flac`.",
        source=source,
    )
