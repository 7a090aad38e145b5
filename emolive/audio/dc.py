"""Removes a constant offset, which cheap sound cards and long lines add to what they record.

It holds no sound, but counts as level to voice activity and gain, and leaks into the lowest bands.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from emolive.types import FloatArray

# How fast the mean forgets: 0.1 s is a corner of 1.6 Hz, and at 80 Hz takes 0.004 dB.
_TIME_S = 0.1
_CELL_S = 0.25


class DcBlocker:
    """Subtracts the mean of what came before, sample for sample.

    The mean forgets exponentially, and its weights sum to 1 from the first sample on: so a constant
    offset makes no difference to what comes out, ever. It does not depend on the chunking, to the
    last bit. It holds three numbers; one thread owns it.
    """

    def __init__(self, rate: int) -> None:
        n = max(1, round(_CELL_S * rate))
        decay: npt.NDArray[np.float64] = np.exp(-np.arange(1, n + 1) / (_TIME_S * rate))
        self._decay = decay
        self._growth = 1.0 / decay
        # The weights' sum after each sample of a cell, of this cell's samples alone.
        self._weights = np.cumsum(np.concatenate(([1.0], decay[:-1])))
        self.reset()

    def reset(self) -> None:
        """Forget everything."""
        self._place = 0  # within the cell
        self._inside = 0.0  # the cell's samples so far, grown instead of decayed
        self._before = 0.0  # the weighted sum of the cells before
        self._weight = 0.0  # and of its weights

    def accept(self, samples: FloatArray) -> FloatArray:
        """The next samples, float32 ``(n,)``, without the offset."""
        out = np.empty_like(samples)
        for begin in self._pieces(len(samples)):
            piece = samples[begin : begin + len(self._decay) - self._place]
            cell = slice(self._place, self._place + len(piece))
            grown = np.cumsum(np.concatenate(([self._inside], piece * self._growth[cell])))[1:]
            decay = self._decay[cell]
            # A sample's own weight is 1, that of the first before it one step's decay.
            sums = decay * (self._before + grown)
            weights = decay * self._weight + self._weights[cell]
            np.subtract(
                piece, sums / weights, out=out[begin : begin + len(piece)], casting="unsafe"
            )
            self._place, self._inside = cell.stop, float(grown[-1])
            if self._place == len(self._decay):
                self._before, self._weight = float(sums[-1]), float(weights[-1])
                self._place, self._inside = 0, 0.0
        return out

    def _pieces(self, n: int) -> range | list[int]:
        """Where pieces begin that do not cross a cell's end."""
        first = len(self._decay) - self._place
        return [0, *range(first, n, len(self._decay))] if n > first else range(min(1, n))
