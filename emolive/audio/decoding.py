"""Audio files, decoded block by block with constant memory."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Literal

import numpy as np
import soundfile as sf

from emolive.audio.source import SourceFormat, stream_names
from emolive.errors import AudioFileError
from emolive.types import FloatArray

ChannelUse = Literal["mix", "split"]

_RATES = range(4_000, 768_001)
# Far louder than any scale audio is stored in (integers kept as floats reach 2**31).
_LARGEST = np.float32(2.0**32)
# Headerless telephone recordings (8 kHz, mono) by the names that sox and Asterisk give them.
RAW_TELEPHONE = {
    ".ul": "ULAW", ".ulaw": "ULAW", ".mulaw": "ULAW", ".pcmu": "ULAW",
    ".al": "ALAW", ".alaw": "ALAW", ".pcma": "ALAW",
}  # fmt: skip
_TELEPHONE_RATE = 8_000
# libsndfile's "length not known", as in FLAC written to a pipe.
_UNKNOWN = 2**62


class _ForwardOnly(sf.SoundFile):  # type: ignore[misc]
    """Keeps soundfile from seeking to where it is after every read.

    That seek costs time, makes the MP3 decoder complain on standard error about the frames it then
    misses, and fails at the end of FLAC files whose header does not know their length.
    """

    def seekable(self) -> bool:
        return False


class FileDecoder:
    """Reads one file from its beginning, in blocks of about `block_s` seconds.

    Samples that are no numbers (NaN, infinite, absurd) become 0 and are counted in `replaced`.
    A file that breaks off keeps what was decoded; `error` then says where it stopped.
    """

    def __init__(self, path: Path, block_s: float, channels: ChannelUse) -> None:
        """Open and check the file.

        Raises:
            AudioFileError: it is missing, unreadable, empty, or no audio.
        """
        self.path = path
        self.error: str | None = None
        self.replaced = 0
        self._frames_read = 0
        self._done = False
        self._file = _open(path)
        try:
            rate, n_channels = self._file.samplerate, self._file.channels
            if rate not in _RATES:
                raise AudioFileError(
                    f"{path.name} says it has {rate} samples a second, which cannot hold speech: "
                    "the file is damaged or not audio."
                )
            self._split = channels == "split" and n_channels > 1
            names = stream_names(n_channels if self._split else 1)
            self.format = SourceFormat(rate, names, recorded=True)
            self._buffer = np.empty((max(1, round(rate * block_s)), n_channels), np.float32)
            # Damage right at the start, or nothing in it, is better said now than later.
            self._pending = self._next()
            if self._pending is None:
                raise AudioFileError(
                    f"{path.name} holds no audio that can be decoded: it is empty or damaged."
                )
            self._pending = self._pending.copy()
        except BaseException:
            self._file.close()
            raise

    @property
    def duration_s(self) -> float | None:
        """Length by the header: an estimate for some MP3s, None where it is not known."""
        n_frames = self._file.frames
        return n_frames / self.format.sampling_rate if n_frames < _UNKNOWN else None

    @property
    def note(self) -> str | None:
        """How many samples were no numbers, as a sentence."""
        if not self.replaced:
            return None
        return (
            f"{self.path.name}: {self.replaced} samples were not finite numbers and were taken as "
            "silence."
        )

    @property
    def closed(self) -> bool:
        """Whether `close` was called."""
        return bool(self._file.closed)

    def read(self) -> FloatArray | None:
        """The next block, float32 ``(n, streams)``, or None at the end; valid until the next."""
        if self._pending is not None:
            block, self._pending = self._pending, None
            return block
        return self._next()

    def rewind(self) -> None:
        """Begin again.

        Raises:
            AudioFileError: the file is not what it was.
        """
        self._file.close()
        self._file = _open(self.path)
        self._pending = None
        self._frames_read = 0
        self._done = False

    def close(self) -> None:
        """Release the file."""
        self._file.close()

    def _next(self) -> FloatArray | None:
        if self._done:
            return None
        n = self._decode()
        self._frames_read += n
        if n < len(self._buffer):
            self._done = True
            self._check_complete()
        if n == 0:
            return None
        block = self._buffer[:n]
        bad = ~(np.abs(block) <= _LARGEST)  # true for NaN as well
        if bad.any():
            self.replaced += int(np.count_nonzero(bad))
            block[bad] = 0.0
        return block if self._split else block.mean(axis=1, keepdims=True)

    def _decode(self) -> int:
        """Fill the buffer; return how many frames came, fewer only at the end."""
        self._buffer.fill(np.nan)
        try:
            return len(self._file.read(out=self._buffer))
        except sf.SoundFileError:
            # The decoder does not say how far it came, but what it did not write is still NaN.
            n = int(np.argmax(np.append(np.isnan(self._buffer[:, 0]), True)))
            self.error = self._stopped_at(self._frames_read + n)
            self._done = True
            return n

    def _check_complete(self) -> None:
        # The length of an MP3 is an estimate unless its encoder left one.
        if self.error or self._file.format == "MP3" or self._file.frames >= _UNKNOWN:
            return
        if self._frames_read < self._file.frames:
            self.error = self._stopped_at(self._frames_read)

    def _stopped_at(self, frame: int) -> str:
        duration_s = self.duration_s
        of = f" of {duration_s:.1f} s" if duration_s is not None else ""
        return (
            f"{self.path.name} is damaged or cut short: decoding stopped at "
            f"{frame / self.format.sampling_rate:.1f} s{of}."
        )


def _open(path: Path) -> _ForwardOnly:
    # os.path, because the methods of Path raise where a folder may not be entered.
    if os.path.isdir(path):
        raise AudioFileError(f"{path} is a folder: name a file inside it.")
    if os.path.exists(path) and not os.path.isfile(path):
        raise AudioFileError(f"{path} is not a regular file: copy the audio into a file first.")
    try:
        with path.open("rb") as file:
            empty = not file.read(1)
    except (FileNotFoundError, NotADirectoryError):
        raise AudioFileError(f"{path} does not exist: check the folder and the name.") from None
    except PermissionError:
        raise AudioFileError(f"{path} may not be read: check its permissions.") from None
    except (OSError, ValueError) as error:
        raise AudioFileError(f"{path} cannot be read: {error}.") from error
    if empty:
        raise AudioFileError(f"{path.name} is empty (0 bytes).")
    try:
        if subtype := RAW_TELEPHONE.get(path.suffix.lower()):
            return _ForwardOnly(path, "r", _TELEPHONE_RATE, 1, subtype, format="RAW")
        return _ForwardOnly(path)
    # TypeError: headerless formats, which soundfile takes by the name's suffix.
    except (sf.SoundFileError, TypeError, ValueError) as error:
        raise AudioFileError(
            f"{path.name} is not audio that can be decoded here (WAV, FLAC, Ogg, Opus, MP3, AIFF "
            "and the like can), or it is damaged: convert it to WAV first."
        ) from error
