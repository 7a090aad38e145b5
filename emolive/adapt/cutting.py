"""Windows of labelled stretches, cut out of recordings that are decoded once, from their start."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from emolive.audio.decoding import FileDecoder
from emolive.audio.resampling import StreamResampler
from emolive.types import FloatArray

_BLOCK_S = 1.0
# What is looked at of a longer stretch, and into how many windows that goes at most.
_LONGEST_S = 120.0
_MOST_WINDOWS = 4


@dataclass(frozen=True, slots=True)
class Span:
    """Seconds of a recording; `end_s` None: to its end."""

    start_s: float
    end_s: float | None


@dataclass(frozen=True, slots=True, eq=False)
class Cut:
    """A window of a span: float32 ``(window_samples,)``; ``[first, last)`` of it is recorded.

    What lies before the recording's start or behind its end is silence.
    """

    span: int
    samples: FloatArray
    first: int
    last: int


def cut_windows(path: Path, spans: Sequence[Span], rate: int, window_samples: int) -> Iterator[Cut]:
    """The windows of each span, at `rate`, spans in the order of their starts.

    A span that is shorter than a window gets one, in its middle, with what was heard around it, as
    when it is heard live; a longer one up to four that are spread over it. A span that begins
    behind the recording's end gets none. At most two minutes of sound are held.

    Raises:
        AudioFileError: it cannot be read at all.
    """
    decoder = FileDecoder(path, _BLOCK_S, "mix")
    try:
        sound = _Sound(decoder, rate)
        for index in sorted(range(len(spans)), key=lambda i: spans[i].start_s):
            start = round(spans[index].start_s * rate)
            sound.forget(start - window_samples)
            longest = start + round(_LONGEST_S * rate)
            end_s = spans[index].end_s
            end = longest if end_s is None else min(longest, round(end_s * rate))
            sound.reach(end + window_samples // 2)
            end = min(end, sound.end)
            for begin in _begins(start, end, window_samples):
                yield Cut(index, *sound.window(begin, window_samples))
    finally:
        decoder.close()


def _begins(start: int, end: int, window: int) -> list[int]:
    length = end - start
    if length <= 0:
        return []
    if length <= window:
        return [(start + end - window) // 2]
    n = min(_MOST_WINDOWS, -(-length // window))
    return [round(start + i * (length - window) / (n - 1)) for i in range(n)]


class _Sound:
    """A recording at another rate, read as far as needed and forgotten when asked."""

    def __init__(self, decoder: FileDecoder, rate: int) -> None:
        self._decoder = decoder
        self._resampler = StreamResampler(decoder.format.sampling_rate, rate)
        self._start = 0
        self._held = np.empty(0, np.float32)
        self._parts: list[FloatArray] = []
        self.end = 0
        self._over = False

    def reach(self, sample: int) -> None:
        while self.end < sample and not self._over:
            block = self._decoder.read()
            self._over = block is None
            ready = (
                self._resampler.finish()
                if block is None
                else self._resampler.accept(block[:, 0].copy())
            )
            self._parts.append(ready)
            self.end += len(ready)

    def forget(self, sample: int) -> None:
        """Let go of what lies before `sample`, reading on without keeping where it is far ahead."""
        while self.end < sample and not self._over:
            self.reach(self.end + 1)
            self._join()
            self._drop(self.end)
        self._join()
        self._drop(min(sample, self.end))

    def window(self, begin: int, length: int) -> tuple[FloatArray, int, int]:
        self._join()
        samples = np.zeros(length, np.float32)
        first = max(0, self._start - begin)
        last = min(length, self.end - begin)
        samples[first:last] = self._held[begin + first - self._start : begin + last - self._start]
        return samples, first, last

    def _join(self) -> None:
        if self._parts:
            self._held = np.concatenate((self._held, *self._parts))
            self._parts.clear()

    def _drop(self, sample: int) -> None:
        if sample > self._start:
            self._held = self._held[sample - self._start :].copy()
            self._start = sample
