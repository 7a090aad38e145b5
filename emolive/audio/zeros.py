"""Digital silence: what a microphone without permission delivers."""

from __future__ import annotations

import numpy as np

from emolive.types import FloatArray


class ZeroDetector:
    """Tells a muted or forbidden microphone from a quiet room.

    A real microphone always has some noise; macOS hands a program without permission samples that
    are exactly 0.0, and no error.
    """

    def __init__(self, sampling_rate: int, after_s: float = 2.0) -> None:
        """Report after `after_s` seconds of nothing but zeros."""
        self._needed = round(sampling_rate * after_s)
        self._zeros = 0

    @property
    def silent_zeros(self) -> bool:
        """Whether the last `after_s` seconds were all exactly 0.0."""
        return self._zeros >= self._needed

    def accept(self, samples: FloatArray) -> None:
        """Add audio of any shape ``(n,)`` or ``(n, channels)``; a non-zero sample starts anew."""
        sounding = np.nonzero(samples)[0]
        if sounding.size:
            self._zeros = len(samples) - 1 - int(sounding[-1])
        else:
            self._zeros += len(samples)

    def reset(self) -> None:
        """Begin again, after a gap."""
        self._zeros = 0
