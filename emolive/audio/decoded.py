"""A decoder as a source, paced like a microphone or as fast as its driver asks."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable
from typing import Protocol

from emolive.audio.ring import SampleRing
from emolive.audio.source import SourceFormat, SourceState, SourceStatus
from emolive.i18n import decimal, tr
from emolive.types import FloatArray

_log = logging.getLogger(__name__)


class Decoder(Protocol):
    """Something recorded that is read from its beginning, block by block."""

    @property
    def format(self) -> SourceFormat:
        """What comes out."""

    @property
    def duration_s(self) -> float | None:
        """Its length, None where that is not known."""

    @property
    def closed(self) -> bool:
        """Whether `close` was called."""

    @property
    def error(self) -> str | None:
        """One sentence where it broke off before its end."""

    @property
    def note(self) -> str | None:
        """One sentence on what had to be put right."""

    def read(self, frames: int = 0) -> FloatArray | None:
        """The next block, float32 ``(n, streams)``, or None at the end; valid until the next.

        `frames`: as many as there are whole blocks in it may come at once, which costs less.
        """

    def rewind(self) -> None:
        """Begin again.

        Raises:
            AudioFileError: the file is not what it was.
        """

    def close(self) -> None:
        """Release what it holds."""


class DecodedSource:
    """Plays what a decoder reads, into the ring of the driver that asks for it with `pump`.

    Flat out, each call writes a block. Paced, it writes all blocks whose last sample would have
    been spoken by now, so the stream never drifts, and however many files are played, none of them
    takes time that its driver did not give. Memory does not grow with the length.
    """

    def __init__(
        self,
        name: str,
        open_decoder: Callable[[], Decoder],
        *,
        paced: bool,
        loop: bool = False,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        """Read what `open_decoder` opens, over and over with `loop`; `name` is for people."""
        self.name = name
        self.paced = paced
        self._open_decoder = open_decoder
        self._loop = loop
        self._clock = clock
        self._decoder: Decoder | None = None
        self._state = SourceState.CLOSED
        self._crash: str | None = None
        self._began = 0.0
        self._written = 0
        self._next: FloatArray | None = None

    @property
    def failed(self) -> bool:
        """Whether decoding broke off before the end; `status` says where."""
        return self._error is not None

    @property
    def duration_s(self) -> float | None:
        """The length; None before `open` or where it is not known."""
        return self._decoder.duration_s if self._decoder else None

    def open(self) -> SourceFormat:
        """Check it and start at its beginning.

        Raises:
            AudioFileError: it is missing, unreadable, empty, or no audio.
        """
        self.close()
        self._crash = None
        self._decoder = self._open_decoder()
        return self._decoder.format

    def start(self, ring: SampleRing) -> None:
        """Begin; paced, time runs from now on."""
        decoder = self._opened()
        if ring.channels != len(decoder.format.streams):
            raise ValueError(f"{ring.channels} ring channels for {decoder.format.streams}")
        if self._state is SourceState.RUNNING:
            raise RuntimeError(f"{self.name} is already running")
        self._state = SourceState.RUNNING
        self._began, self._written, self._next = self._clock(), 0, None

    def pump(self, ring: SampleRing) -> bool:
        """Write the next block, or all that are due if it is paced; False when all is through.

        A driver that was away for longer than the ring holds gets the rest with the next calls.

        Raises:
            RuntimeError: not open.
        """
        decoder = self._opened()
        if self.paced:
            return self._play(decoder, ring)
        block = self._read(decoder)
        if block is None:
            self._state = SourceState.ENDED
            return False
        self._state = SourceState.RUNNING
        ring.write(block)
        return True

    def status(self) -> SourceStatus:
        """The message names damage, or what had to be put right."""
        message = self._error
        if message is None and self._decoder:
            message = self._decoder.note
        return SourceStatus(self._state, message)

    def close(self) -> None:
        """Release the decoder; `failed` and `status` keep what they know."""
        if self._decoder is not None:
            self._decoder.close()
        self._state = SourceState.CLOSED

    @property
    def _error(self) -> str | None:
        return self._crash or (self._decoder.error if self._decoder else None)

    def _opened(self) -> Decoder:
        if self._decoder is None or self._decoder.closed:
            raise RuntimeError(f"{self.name} is not open")
        return self._decoder

    def _read(self, decoder: Decoder, frames: int = 0) -> FloatArray | None:
        block = decoder.read(frames)
        if block is None and self._loop and decoder.error is None:
            decoder.rewind()
            block = decoder.read(frames)
        return block

    def _play(self, decoder: Decoder, ring: SampleRing) -> bool:
        if self._state is not SourceState.RUNNING:
            return False
        rate = decoder.format.sampling_rate
        due = round((self._clock() - self._began) * rate)
        enough = self._written + ring.capacity // 2
        try:
            while self._written < enough:
                if self._next is None:
                    self._next = self._read(decoder, due - self._written)
                if self._next is None:
                    self._state = SourceState.ENDED
                    return False
                if self._written + len(self._next) > due:
                    return True
                self._written += len(self._next)
                ring.write(self._next)
                self._next = None
            return True
        except Exception as error:  # one file must not disturb whoever plays others beside it
            _log.exception("Playing a file failed")
            self._crash = tr(
                "{name}: playback stopped at {written} s: {error}",
                name=self.name,
                written=decimal(self._written / rate, 1),
                error=error,
            )
            self._state = SourceState.ENDED
            return False
