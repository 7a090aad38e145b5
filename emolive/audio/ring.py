"""The buffer between an audio callback and its readers."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from emolive.types import FloatArray


@dataclass(frozen=True, slots=True, eq=False)
class RingRead:
    """What a read returned: frames ``[start, start + len(samples))``, a copy.

    ``samples`` is float32, shape ``(n, channels)``; ``lost`` counts the frames between the start
    that was asked for and the first one that was still held.
    """

    start: int
    samples: FloatArray
    lost: int

    @property
    def end(self) -> int:
        """The frame to ask for next."""
        return self.start + len(self.samples)


class SampleRing:
    """Holds the last `capacity` frames of a stream, addressed by absolute frame index.

    One writer, any number of readers, each with its own cursor. Overflow policy: the oldest frames
    are overwritten; a reader that comes too late is told how many it lost. Neither side ever waits
    for the other, so an audio callback may write.
    """

    def __init__(self, capacity: int, channels: int) -> None:
        """Allocate room for `capacity` frames of `channels` samples."""
        if capacity < 1 or channels < 1:
            raise ValueError(f"a ring needs room: capacity {capacity}, channels {channels}")
        self.capacity = capacity
        self.channels = channels
        self._frames = np.zeros((capacity, channels), np.float32)
        self._reserved = 0  # frames the writer may be overwriting right now
        self.written = 0  # frames that are safely in

    def write(self, block: FloatArray) -> None:
        """Append frames, float32 ``(n, channels)``, from the writer's only thread.

        Raises:
            ValueError: the block has another shape.
        """
        if block.ndim != 2 or block.shape[1] != self.channels:
            raise ValueError(f"block of shape {block.shape} for a ring of {self.channels} channels")
        end = self.written + len(block)
        # Copying large blocks releases the interpreter lock, so readers must know beforehand which
        # frames are about to go, and afterwards that the new ones are complete.
        self._reserved = end
        kept = block[-self.capacity :]
        slot = (end - len(kept)) % self.capacity
        head = min(len(kept), self.capacity - slot)
        self._frames[slot : slot + head] = kept[:head]
        self._frames[: len(kept) - head] = kept[head:]
        self.written = end

    def read(self, start: int, max_frames: int | None = None) -> RingRead:
        """Copy the frames from index `start` on, at most `max_frames`.

        Frames overwritten before or during the copy are left out and counted as lost; continue at
        the result's `end`.

        Raises:
            ValueError: `start` lies before 0 or beyond what was written.
        """
        end = self.written
        if not 0 <= start <= end:
            raise ValueError(f"frame {start} is outside the stream of {end} frames")
        first = max(start, self._reserved - self.capacity)
        if max_frames is not None:
            end = min(end, first + max_frames)
        n = max(0, end - first)
        samples = np.empty((n, self.channels), np.float32)
        slot = first % self.capacity
        head = min(n, self.capacity - slot)
        samples[:head] = self._frames[slot : slot + head]
        samples[head:] = self._frames[: n - head]
        # What the writer began to overwrite meanwhile may be torn.
        torn = min(n, max(0, self._reserved - self.capacity - first))
        first += torn
        return RingRead(first, samples[torn:], first - start)
