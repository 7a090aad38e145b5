"""From a source's native rate to the model's, chunk by chunk."""

from __future__ import annotations

import numpy as np
import soxr

from emolive.types import FloatArray


class StreamResampler:
    """Band-limited resampling whose output does not depend on how the input is cut.

    The output lags the input (soxr works in blocks; tens of milliseconds at usual microphone
    rates) until `finish` delivers the rest. One thread owns it.
    """

    def __init__(self, from_rate: int, to_rate: int) -> None:
        """Rates in Hz."""
        self.from_rate = from_rate
        self.to_rate = to_rate
        self._stream = (
            None
            if from_rate == to_rate
            else soxr.ResampleStream(from_rate, to_rate, 1, dtype="float32", quality="HQ")
        )

    def accept(self, samples: FloatArray) -> FloatArray:
        """Add mono audio, float32 ``(n,)``; return what is ready at the new rate."""
        return self._process(samples, last=False)

    def finish(self) -> FloatArray:
        """Return the rest of the signal; `reset` before using it again."""
        return self._process(np.empty(0, np.float32), last=True)

    def reset(self) -> None:
        """Forget what is pending; the next sample begins a new signal."""
        if self._stream is not None:
            self._stream.clear()

    def _process(self, samples: FloatArray, *, last: bool) -> FloatArray:
        if self._stream is None:
            return samples
        ready: FloatArray = self._stream.resample_chunk(np.ascontiguousarray(samples), last=last)
        return ready
