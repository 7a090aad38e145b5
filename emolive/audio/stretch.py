"""Speech faster or slower with its pitch kept."""

from __future__ import annotations

import numpy as np

from emolive.types import FloatArray

SLOWEST = 0.5
FASTEST = 2.0

_FRAME_S = 0.032
# To either side: together more than a period of the deepest voices (about 70 Hz).
_SEARCH_S = 0.01


class TimeStretcher:
    """Waveform-similarity overlap-add (Verhelst and Roelands, ICASSP 1993), chunk by chunk.

    Frames of 32 ms are laid down every 16 ms; each is taken from where the input should be by now,
    give or take 10 ms: from where it goes on most like the frame before. So output sample ``i``
    speaks for input sample ``i * speed``, within 20 ms, and never drifts. Audio in is audio out at
    speed 1. One thread owns it; it holds less than 0.1 s of audio.
    """

    def __init__(self, rate: int, speed: float) -> None:
        """Mono audio at `rate` Hz, `speed` times as fast (0.5 to 2.0).

        Raises:
            ValueError: another speed.
        """
        if not SLOWEST <= speed <= FASTEST:
            raise ValueError(f"speed must be between {SLOWEST} and {FASTEST}, not {speed}")
        self.speed = speed
        self._hop = round(rate * _FRAME_S / 2)
        self._search = round(rate * _SEARCH_S)
        phase = np.arange(2 * self._hop) / (2 * self._hop)
        window = (0.5 - 0.5 * np.cos(2 * np.pi * phase)).astype(np.float32)
        self._rise, self._fall = window[: self._hop], window[self._hop :]
        self._input = np.empty(0, np.float32)
        self._base = 0  # input index of the first sample that is kept
        self._n_in = 0
        self._n_out = 0
        self._frames = 0
        self._follow = 0  # where the last frame would go on
        self._tail = np.empty(0, np.float32)  # its second half, fading out

    def accept(self, samples: FloatArray) -> FloatArray:
        """Add audio, float32 ``(n,)``; return what is ready."""
        if self.speed == 1.0:
            return samples
        self._input = np.concatenate((self._input, samples))
        self._n_in += len(samples)
        return self._run()

    def finish(self) -> FloatArray:
        """The rest, so that ``n / speed`` samples came out for the ``n`` that went in."""
        if self.speed == 1.0:
            return np.empty(0, np.float32)
        wanted = round(self._n_in / self.speed)
        missing = wanted - self._n_out
        # Enough silence for every frame that is still to come.
        room = np.zeros(round(missing * self.speed) + 4 * self._hop + 2 * self._search, np.float32)
        self._input = np.concatenate((self._input, room))
        rest = self._run()[:missing]
        self._n_out = wanted
        return rest

    def _run(self) -> FloatArray:
        ready = [np.empty(0, np.float32)]
        while True:
            nominal = self._nominal()
            needed = max(nominal + self._search, self._follow) + 2 * self._hop
            if needed > self._base + len(self._input):
                break
            start = self._best(nominal) if self._frames else 0
            frame = self._take(start, start + 2 * self._hop)
            head, tail = frame[: self._hop], frame[self._hop :]
            # Nothing came before the first frame: it does not fade in.
            ready.append(self._tail + head * self._rise if self._frames else head)
            self._tail = tail * self._fall
            self._follow = start + self._hop
            self._frames += 1
        done = np.concatenate(ready)
        self._n_out += len(done)
        self._forget()
        return done

    def _nominal(self) -> int:
        """Where the next frame should begin for its middle to be in its place."""
        return max(0, round((self._frames + 1) * self._hop * self.speed) - self._hop)

    def _best(self, nominal: int) -> int:
        """Where near `nominal` the input is most like what would follow the last frame."""
        first = max(self._base, nominal - self._search)
        template = self._take(self._follow, self._follow + self._hop)
        candidates = self._take(first, nominal + self._search + self._hop)
        likeness = np.correlate(candidates, template, "valid")
        sums = np.concatenate(([0.0], np.cumsum(np.square(candidates, dtype=np.float64))))
        energy = sums[self._hop :] - sums[: -self._hop]
        score = likeness / np.sqrt(np.maximum(energy, 1e-9))
        return first + int(score.argmax())

    def _take(self, start: int, end: int) -> FloatArray:
        return self._input[start - self._base : end - self._base]

    def _forget(self) -> None:
        """Drop what no later frame looks at."""
        keep = min(self._nominal() - self._search, self._follow)
        if (superfluous := keep - self._base) > 0:
            self._input = self._input[superfluous:].copy()
            self._base = keep
