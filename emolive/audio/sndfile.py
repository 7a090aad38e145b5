"""What libsndfile decodes: WAV, FLAC, Ogg, Opus, MP3, AIFF and two dozen more."""

from __future__ import annotations

from contextlib import nullcontext
from pathlib import Path

import numpy as np
import soundfile as sf

from emolive.audio.containers import Link, Spliced
from emolive.audio.decoder_messages import silenced
from emolive.audio.recording import DecoderError
from emolive.i18n import tr
from emolive.types import FloatArray

# Headerless telephone recordings (8 kHz, mono) by the names that sox and Asterisk give them.
RAW_TELEPHONE = {
    ".ul": "ULAW", ".ulaw": "ULAW", ".mulaw": "ULAW", ".pcmu": "ULAW",
    ".al": "ALAW", ".alaw": "ALAW", ".pcma": "ALAW",
}  # fmt: skip
_TELEPHONE_RATE = 8_000
# MIDI sample dumps: libsndfile prints to standard output about damage in them, and takes what is
# missing for silence.
_SAMPLE_DUMP = b"\xf0\x7e"
# libsndfile's "length not known", as in FLAC written to a pipe.
_UNKNOWN = 2**62


# Other usual names of what libsndfile reads; without "raw", which needs to be told what it holds.
_MORE_EXTENSIONS = {
    "16sv", "8svx", "aif", "aifc", "bwf", "fap", "gsm", "iff", "mat", "mp1", "mp2", "mpa",
    "mpc", "mpga", "oga", "opus", "sf", "snd", "sph", "vox", "wave",
}  # fmt: skip


def extensions() -> frozenset[str]:
    """Extensions, without dot and in lower case, of what is read here."""
    known = {name.lower() for name in sf.available_formats()} | _MORE_EXTENSIONS
    known |= {suffix.removeprefix(".") for suffix in RAW_TELEPHONE}
    return frozenset(known - {"raw", "sds"})


class _ForwardOnly(sf.SoundFile):  # type: ignore[misc]
    """Keeps soundfile from seeking to where it is after every read.

    That seek costs time, makes the MP3 decoder complain about the frames it then misses, and fails
    at the end of FLAC files whose header does not know their length.
    """

    def seekable(self) -> bool:
        return False


class SndfileRecording:
    """A recording that libsndfile decodes."""

    def __init__(self, path: Path, link: Link | None) -> None:
        """Open one recording of a file; None: the file as it is, by its name.

        Raises:
            DecoderError: it is none of these, or damaged.
            OSError: it cannot be read.
        """
        with path.open("rb") as file:
            if file.read(2) == _SAMPLE_DUMP:
                raise DecoderError(tr("a MIDI sample dump"))
        self._view = None if link is None else Spliced(path, link.parts)
        subtype = RAW_TELEPHONE.get(path.suffix.lower())
        try:
            with silenced():
                if self._view is not None:
                    self._file = _ForwardOnly(self._view)
                elif subtype:
                    self._file = _ForwardOnly(path, "r", _TELEPHONE_RATE, 1, subtype, format="RAW")
                else:
                    self._file = _ForwardOnly(path)
        # TypeError: headerless formats, which soundfile takes by the name's suffix.
        except (sf.SoundFileError, TypeError, ValueError) as error:
            if self._view is not None:
                self._view.close()
            raise DecoderError(str(error)) from error
        self.rate: int = self._file.samplerate
        self.channels: int = self._file.channels
        # MPEG frames are counted elsewhere; what the decoder knows is an estimate.
        self._mpeg = "MPEG" in self._file.subtype
        known = self._file.frames < _UNKNOWN and not self._mpeg
        self.n_frames: int | None = self._file.frames if known else None

    def read(self, out: FloatArray) -> int:
        """Fill float32 ``(n, channels)``; fewer frames come at the end only.

        Raises:
            DecoderError: it broke off.
        """
        try:
            with silenced() if self._mpeg else nullcontext():
                n = len(self._file.read(out=out))
        except sf.SoundFileError as error:
            raise DecoderError(str(error)) from error
        if n < len(out) and self._view is not None and self._view.failure is not None:
            out[n:] = np.nan
            raise DecoderError(str(self._view.failure)) from self._view.failure
        return n

    @property
    def unread(self) -> int:
        """Bytes behind those that were read."""
        return self._view.size - self._view.furthest if self._view is not None else 0

    @property
    def closed(self) -> bool:
        """Whether `close` was called."""
        return bool(self._file.closed)

    def close(self) -> None:
        """Release it."""
        self._file.close()
        if self._view is not None:
            self._view.close()
