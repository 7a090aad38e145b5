"""A decoder as a source, paced like a microphone or as fast as its driver asks."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from typing import Protocol

from emolive.audio.ring import SampleRing
from emolive.audio.source import SourceFormat, SourceState, SourceStatus
from emolive.types import FloatArray


class Decoder(Protocol):
    """Something recorded that is read from its beginning, block by block."""

    @property
    def format(self) -> SourceFormat:
        """What comes out."""
        ...

    @property
    def duration_s(self) -> float | None:
        """Its length, None where that is not known."""
        ...

    @property
    def closed(self) -> bool:
        """Whether `close` was called."""
        ...

    @property
    def error(self) -> str | None:
        """One sentence where it broke off before its end."""
        ...

    @property
    def note(self) -> str | None:
        """One sentence on what had to be put right."""
        ...

    def read(self) -> FloatArray | None:
        """The next block, float32 ``(n, streams)``, or None at the end; valid until the next."""
        ...

    def rewind(self) -> None:
        """Begin again.

        Raises:
            AudioFileError: the file is not what it was.
        """
        ...

    def close(self) -> None:
        """Release what it holds."""
        ...


class DecodedSource:
    """Plays what a decoder reads.

    Paced, a thread of its own writes each block when its last sample would have been spoken; late
    blocks follow at once, so the stream never drifts. Flat out, there is no thread: the driver
    calls `pump` for each block. Memory does not grow with the length.
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
        self._thread: threading.Thread | None = None
        self._stop = threading.Event()
        self._state = SourceState.CLOSED
        self._crash: str | None = None

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
        """Paced: begin to write. Flat out: mark as running, `pump` writes."""
        decoder = self._opened()
        if ring.channels != len(decoder.format.streams):
            raise ValueError(f"{ring.channels} ring channels for {decoder.format.streams}")
        if self._state is SourceState.RUNNING:
            raise RuntimeError(f"{self.name} is already running")
        self._state = SourceState.RUNNING
        if self.paced:
            self._stop.clear()
            self._thread = threading.Thread(
                target=self._play, args=(decoder, ring), name=f"play {self.name}", daemon=True
            )
            self._thread.start()

    def pump(self, ring: SampleRing) -> bool:
        """Flat out: write the next block; False when all is through.

        Raises:
            RuntimeError: not open, or paced.
        """
        if self.paced:
            raise RuntimeError("a paced file writes by itself")
        block = self._read(self._opened())
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
        """Stop the thread and release the decoder; `failed` and `status` keep what they know."""
        self._stop.set()
        if self._thread is not None:
            self._thread.join()
            self._thread = None
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

    def _read(self, decoder: Decoder) -> FloatArray | None:
        block = decoder.read()
        if block is None and self._loop and decoder.error is None:
            decoder.rewind()
            block = decoder.read()
        return block

    def _play(self, decoder: Decoder, ring: SampleRing) -> None:
        rate = decoder.format.sampling_rate
        begin = self._clock()
        written = 0
        try:
            while (block := self._read(decoder)) is not None:
                written += len(block)
                if self._stop.wait(max(0.0, begin + written / rate - self._clock())):
                    return
                ring.write(block)
        except Exception as error:  # a thread must not die unseen
            self._crash = f"{self.name}: playback stopped at {written / rate:.1f} s: {error}"
        self._state = SourceState.ENDED
