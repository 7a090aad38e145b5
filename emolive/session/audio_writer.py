"""The audio of a recording: from the capture ring to one file per stream, without loss."""

from __future__ import annotations

import math
from collections.abc import Sequence
from contextlib import suppress

from emolive.audio.resampling import StreamResampler
from emolive.engine.capture import LiveAudio
from emolive.session.flac import FlacWriter
from emolive.session.flac_repair import repair
from emolive.session.records import Gap, GapKind
from emolive.types import FloatArray

# What waits in memory at most for a disk that takes nothing, all streams together: some minutes.
MAX_WAITING_BYTES = 32_000_000
_READ_S = 1.0


def start_frame(audio: LiveAudio, written: int, rate: int) -> int:
    """The first frame from `written` on that lies exactly on a sample of the model's rate."""
    native = audio.source_format.sampling_rate
    step = native // math.gcd(native, rate)
    return -(-written // step) * step


class AudioWriter:
    """Reads along with a run's rings, with a cursor of its own, and writes one file per stream.

    Time goes on whatever happens: what the ring lost, what the source did not deliver and what the
    disk did not take is silence in the files, and a `Gap`. While more than `MAX_WAITING_BYTES` wait
    for the disk nothing is added to them. A source that comes back at another rate is resampled to
    the first one. One thread owns it.
    """

    def __init__(
        self, audio: LiveAudio, first_frame: int, rate: int, writers: Sequence[FlacWriter]
    ) -> None:
        """Begin at `first_frame` of the ring (see `start_frame`).

        `rate` is the model's; `writers` one for each stream, or none: then only time is kept.
        """
        native = audio.source_format.sampling_rate
        self.native_rate = native
        self.rate = rate
        #: The engine's sample at which the track begins.
        self.origin_sample = audio.start_sample + first_frame * rate // native
        self._writers = tuple(writers)
        self._audio = audio
        self._cursor = first_frame
        # At this frame of the track (`native_rate`) the present ring's frame `_entered` was read.
        self._before = 0
        self._entered = first_frame
        self._held_from: int | None = None  # the frame from which on the disk takes nothing
        self._resamplers: tuple[StreamResampler, ...] = ()

    @property
    def position(self) -> int:
        """Samples at the model's rate since the beginning, gaps included."""
        return self._frames * self.rate // self.native_rate

    @property
    def waiting_bytes(self) -> int:
        """What is encoded but not on the disk."""
        return sum(writer.pending_bytes for writer in self._writers)

    @property
    def bytes_on_disk(self) -> int:
        """The size of all files."""
        return sum(writer.bytes_on_disk for writer in self._writers)

    def follow(self, audio: LiveAudio) -> list[Gap]:
        """Go on with the ring of a source that was opened again, after the rest of the old one."""
        # What begins earlier belongs to another run.
        if audio.start_sample <= self._audio.start_sample:
            return []
        gaps = self.read()
        self._end_resampling()
        target = round((audio.start_sample - self.origin_sample) * self.native_rate / self.rate)
        gone = self._frames
        self._audio = audio
        # Rounding may put its beginning a frame into what is there already.
        overlap = max(0, gone - target)
        self._cursor = self._entered = -(-overlap * self._incoming_rate // self.native_rate)
        self._before = max(gone, target)
        if target > gone:
            gaps.append(self._gap(gone, target, GapKind.SOURCE))
        self._align()
        self._begin_resampling()
        return gaps

    def read(self, until_frame: int | None = None) -> list[Gap]:
        """Take what the ring has, up to `until_frame` (None: all); the gaps that were found."""
        ring = self._audio.ring
        end = ring.written if until_frame is None else min(until_frame, ring.written)
        if not self._writers:
            self._cursor = max(self._cursor, end)
            return []
        gaps: list[Gap] = []
        step = max(1, round(_READ_S * self._incoming_rate))
        while self._cursor < end:
            read = ring.read(self._cursor, min(step, end - self._cursor))
            if read.lost:
                gaps += self._lose(read.lost)
            self._cursor = read.end
            self._take(read.samples)
        return gaps

    def flush(self, *, sync: bool) -> list[Gap]:
        """Bring the audio to the disk; the gap that ended because the disk takes it again.

        Raises:
            OSError: the disk does not take it; it waits.
        """
        for writer in self._writers:
            writer.flush(sync=sync)
        if self._held_from is None:
            return []
        gap = self._gap(self._held_from, self._frames, GapKind.DISK)
        self._held_from = None
        self._align()
        self._begin_resampling()
        return [gap]

    def close(self) -> list[Gap]:
        """Finish the files and release them; the last gaps.

        Raises:
            OSError: not all of it is on the disk; the files are valid up to there.
        """
        self._end_resampling()
        failure: OSError | None = None
        gaps: list[Gap] = []
        try:
            gaps = self.flush(sync=False)
        except OSError as error:
            failure = error
        for writer in self._writers:
            try:
                writer.close()
            except OSError as error:
                failure = failure or error
                with suppress(OSError):
                    repair(writer.path)
        if failure is not None:
            raise failure
        return gaps

    @property
    def _incoming_rate(self) -> int:
        return self._audio.source_format.sampling_rate

    @property
    def _frames(self) -> int:
        """Frames of the track that passed up to the cursor, gaps included."""
        passed = self._cursor - self._entered
        return self._before + passed * self.native_rate // self._incoming_rate

    def _take(self, samples: FloatArray) -> None:
        """Write frames, float32 ``(n, streams)``, that end at the cursor."""
        if self._held_from is None and self.waiting_bytes > MAX_WAITING_BYTES:
            self._end_resampling()
            self._held_from = max(writer.frames for writer in self._writers)
        if self._held_from is not None:
            return
        for channel, writer in enumerate(self._writers):
            block = samples[:, channel]
            writer.write(self._resamplers[channel].accept(block) if self._resamplers else block)

    def _lose(self, frames: int) -> list[Gap]:
        """`frames` of the ring from the cursor on were overwritten before they were read."""
        self._end_resampling()
        gone = self._frames
        self._cursor += frames
        if self._held_from is not None:
            return []  # part of the gap that is open anyway
        self._align()
        self._begin_resampling()
        return [self._gap(gone, self._frames, GapKind.OVERRUN)]

    def _align(self) -> None:
        """Fill the files with silence up to the cursor."""
        if self._held_from is None:
            for writer in self._writers:
                writer.write_silence(self._frames - writer.frames)

    def _begin_resampling(self) -> None:
        if self._incoming_rate != self.native_rate and self._held_from is None:
            self._resamplers = tuple(
                StreamResampler(self._incoming_rate, self.native_rate) for _ in self._writers
            )

    def _end_resampling(self) -> None:
        """Write what resampling holds back."""
        resamplers, self._resamplers = self._resamplers, ()
        for resampler, writer in zip(resamplers, self._writers, strict=False):
            writer.write(resampler.finish())

    def _gap(self, start: int, end: int, kind: GapKind) -> Gap:
        rate, native = self.rate, self.native_rate
        return Gap(start * rate // native, end * rate // native, kind)
