"""A file as a source, paced like a microphone or as fast as its driver asks."""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Callable
from pathlib import Path

from emolive.audio.decoding import ChannelUse, FileDecoder
from emolive.audio.ring import SampleRing
from emolive.audio.source import SourceFormat, SourceState, SourceStatus
from emolive.types import FloatArray


class FileSource:
    """Anything libsndfile decodes: WAV, FLAC, Ogg, Opus, MP3, AIFF ...

    Paced, a thread of its own writes each block when its last sample would have been spoken; late
    blocks follow at once, so the stream never drifts. Flat out, there is no thread: the driver
    calls `pump` for each block. Memory does not grow with the file.
    """

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
        self.paced = paced
        self._block_s = block_s
        self._loop = loop
        self._channels: ChannelUse = channels
        self._clock = clock
        self._decoder: FileDecoder | None = None
        self._thread: threading.Thread | None = None
        self._stop = threading.Event()
        self._state = SourceState.CLOSED
        self._crash: str | None = None

    @property
    def name(self) -> str:
        """The file's name."""
        return self.path.name

    @property
    def failed(self) -> bool:
        """Whether decoding broke off before the end; `status` says where."""
        return self._error is not None

    @property
    def duration_s(self) -> float | None:
        """Length by the file's header; None before `open` or where the header does not know."""
        return self._decoder.duration_s if self._decoder else None

    def open(self) -> SourceFormat:
        """Check the file and start at its beginning.

        Raises:
            AudioFileError: it is missing, unreadable, empty, or no audio.
        """
        self.close()
        self._crash = None
        self._decoder = FileDecoder(self.path, self._block_s, self._channels)
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
        """Flat out: write the next block; False when the file is through.

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
        """The message names damage, or how many samples were no numbers."""
        message = self._error
        if message is None and self._decoder and self._decoder.replaced:
            message = (
                f"{self.name}: {self._decoder.replaced} samples were not finite numbers "
                "and were taken as silence."
            )
        return SourceStatus(self._state, message)

    def close(self) -> None:
        """Stop the thread and release the file; `failed` and `status` keep what they know."""
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

    def _opened(self) -> FileDecoder:
        if self._decoder is None or self._decoder.closed:
            raise RuntimeError(f"{self.name} is not open")
        return self._decoder

    def _read(self, decoder: FileDecoder) -> FloatArray | None:
        block = decoder.read()
        if block is None and self._loop and decoder.error is None:
            decoder.rewind()
            block = decoder.read()
        return block

    def _play(self, decoder: FileDecoder, ring: SampleRing) -> None:
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
