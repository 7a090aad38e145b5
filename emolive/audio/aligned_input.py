"""One device of several on a common timeline: its audio, laid where it belongs in time."""

from __future__ import annotations

import math
from collections import deque

import numpy as np
import soxr

from emolive.audio.device_clock import DeviceClock
from emolive.audio.ring import SampleRing
from emolive.types import FloatArray

_CORRECT_WITHIN_S = 10.0
# A change of speed that nobody hears: 0.05 %, a hundredth of a semitone.
_LARGEST_CORRECTION = 5e-4
_SLIP_S = 0.04
_PAUSE_S = 0.5
_FADE_S = 0.005
# More than any device differs from what it claims.
_RATE_MARGIN = 1.01


class AlignedInput:
    """Resamples a device's frames to the common rate so that frame ``n`` is time ``n / rate``.

    The resampling ratio follows the measured rate of the device and slowly removes what is left
    (at most 0.05 %, inaudible). What resampling cannot mend is mended at once, by silence or by
    leaving out frames, with short fades, and counted: after lost blocks, a pause, or a device that
    came back. soxr's variable-rate mode changes the ratio without a seam; it costs less than its
    fixed-rate mode and keeps the band up to 95 % of the Nyquist frequency.

    Buffers: the device's ring (overflow: the oldest frames are lost and counted), and finished
    frames until `take` fetches them. One thread owns it, but for the ring's writer.
    """

    def __init__(
        self,
        ring: SampleRing,
        native_rate: int,
        rate: int,
        begin: float,
        *,
        pauses: bool = False,
    ) -> None:
        """Frames of `ring`, mixed, become mono at `rate`; frame 0 is time `begin`.

        `pauses`: its device delivers nothing while there is nothing to hear.
        """
        self.pauses = pauses
        self.lost_s = 0.0
        self._rate = rate
        self._begin = begin
        self._ready: deque[FloatArray] = deque()
        self.held = 0  # frames that `take` may fetch
        self.made = 0  # frames on the common timeline, fetched or not
        self.plug(ring, native_rate, begin)

    def plug(self, ring: SampleRing, native_rate: int, now: float) -> None:
        """A device begins to write into `ring`; its clock is not known yet."""
        self._ring = ring
        self.native_rate = native_rate
        self.clock = DeviceClock(native_rate)
        self._resampler = soxr.ResampleStream(
            native_rate * _RATE_MARGIN, self._rate, 1, dtype="float32", quality="HQ", vr=True
        )
        self._cursor = 0  # native frames that were read
        self._position = 0.0  # native frame that the next frame on the timeline shows
        self._seen = 0
        self._heard_at = now
        self._aligned = False
        self._fade_in = True

    def paused(self, now: float) -> bool:
        """Whether the device has not delivered for a while."""
        return now - self._heard_at > _PAUSE_S

    def work(self, now: float) -> None:
        """Take in what the device has delivered by `now`."""
        written = self._ring.written
        if written != self._seen:
            if self.paused(now):
                self._flush()
                self.clock.restart()
            self._seen, self._heard_at = written, now
            if self.clock.observe(now, written):
                self._flush()
        elif self._aligned and self.paused(now):
            self._flush()
        if self.clock.ready and self._cursor < written:
            self._resample()

    def unplug(self) -> None:
        """The device is gone: what it delivered last comes out."""
        self._flush()

    def pad(self, end: int, *, lost: bool) -> None:
        """Put silence where nothing came, up to frame `end`; `lost`: something should have."""
        if end > self.made:
            self._flush()
            if lost:
                self.lost_s += (end - self.made) / self._rate
            self._put(np.zeros(end - self.made, np.float32))

    def take(self, n: int) -> FloatArray:
        """The next `n` frames, float32 ``(n,)``; there must be as many."""
        out = np.empty(n, np.float32)
        filled = 0
        while filled < n:
            part = self._ready.popleft()
            used = part[: n - filled]
            out[filled : filled + len(used)] = used
            filled += len(used)
            if len(used) < len(part):
                self._ready.appendleft(part[len(used) :])
        self.held -= n
        return out

    def _wanted(self) -> float:
        """The native frame that belongs where the timeline goes on."""
        return self.clock.frames_at(self._begin + self.made / self._rate)

    def _resample(self) -> None:
        read = self._ring.read(self._cursor)
        if read.lost:
            self._flush()
        samples = np.ascontiguousarray(read.samples.mean(axis=1))
        start, self._cursor = read.start, read.end
        rate = self.clock.rate
        if self._aligned and abs(self._wanted() - self._position) > _SLIP_S * rate:
            self._flush()
        if not self._aligned:
            samples = self._align(start, samples)
            if not self._aligned:
                return
        behind_s = (self._wanted() - self._position) / rate
        correction = np.clip(
            behind_s / _CORRECT_WITHIN_S, -_LARGEST_CORRECTION, _LARGEST_CORRECTION
        )
        ratio = rate / self._rate * (1.0 + correction)
        self._resampler.set_io_ratio(ratio * self._rate, self._rate, 0)
        made = self._resampler.resample_chunk(samples)
        self._position += ratio * len(made)
        self._put(made)

    def _align(self, start: int, samples: FloatArray) -> FloatArray:
        """Begin anew with native frame `start` where it belongs; return what is left of it."""
        ahead = start - self._wanted()
        if ahead >= 0:
            missing = round(ahead / self.clock.rate * self._rate)
            if self.made and not self.pauses:
                self.lost_s += missing / self._rate
            self._put(np.zeros(missing, np.float32))
            self._position = float(start)
        else:
            late = math.ceil(-ahead)
            if late >= len(samples):
                return samples[:0]
            samples = samples[late:]
            self._position = float(start + late)
        self._aligned = True
        return samples

    def _flush(self) -> None:
        """Hand out what resampling holds back; the next frames are aligned anew."""
        if not self._aligned:
            return
        self._aligned = False
        rest = self._resampler.resample_chunk(np.empty(0, np.float32), last=True)
        self._resampler.clear()
        self._put(rest * np.linspace(1.0, 0.0, len(rest), dtype=np.float32))
        self._fade_in = True

    def _put(self, frames: FloatArray) -> None:
        if not len(frames):
            return
        if self._aligned and self._fade_in:
            n = min(len(frames), round(_FADE_S * self._rate))
            frames[:n] *= np.linspace(0.0, 1.0, n, dtype=np.float32)
            self._fade_in = False
        self._ready.append(frames)
        self.held += len(frames)
        self.made += len(frames)
