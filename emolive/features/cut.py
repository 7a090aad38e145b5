"""Windows of one sound that overlap, kept as that sound: a GPU cuts them itself."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Self

import numpy as np
import numpy.typing as npt

from emolive.types import FeatureWindow, FloatArray

# Overlaps are only worth looking after where they leave out at least this share.
_WORTH_IT = 0.3


@dataclass(frozen=True, slots=True, eq=False)
class CutWindows:
    """Windows of `n_samples` that begin at `starts` (int32 ``(batch,)``) in `audio`.

    `audio`, float32 ``(n,)``, holds what windows have in common once. As an array it is the windows
    themselves, float32 ``(batch, n_samples)``.
    """

    audio: FloatArray
    starts: npt.NDArray[np.int32]
    n_samples: int

    @classmethod
    def of(cls, windows: Sequence[FeatureWindow]) -> Self | None:
        """Windows of sound, oldest first, of any streams; what neighbours share is kept once.

        Returns:
            None where too little is shared to be worth it.
        """
        if len(windows) < 2:
            return None
        n_samples = len(windows[0].features)
        parts: list[FloatArray] = []
        starts = np.zeros(len(windows), np.int32)
        end = 0
        before: FeatureWindow | None = None
        for index in sorted(range(len(windows)), key=lambda i: windows[i].stream):
            window = windows[index]
            parts.append(window.features[-_new_samples(before, window) :])
            end += len(parts[-1])
            starts[index] = end - n_samples
            before = window
        if end > (1 - _WORTH_IT) * n_samples * len(windows):
            return None
        return cls(np.concatenate(parts), starts, n_samples)

    @classmethod
    def joined(cls, parts: Sequence[CutWindows]) -> Self:
        """One after the other; at least one part, all of one length of window."""
        ends = np.cumsum([0, *(len(part.audio) for part in parts)])
        return cls(
            np.concatenate([part.audio for part in parts]),
            np.concatenate(
                [part.starts + np.int32(end) for part, end in zip(parts, ends, strict=False)]
            ),
            parts[0].n_samples,
        )

    @property
    def shape(self) -> tuple[int, int]:
        """Of the windows, as an array has it."""
        return len(self.starts), self.n_samples

    def __len__(self) -> int:
        return len(self.starts)

    def __getitem__(self, some: slice) -> CutWindows:
        """Some of them, with no more sound than they need; at least one."""
        starts = self.starts[some]
        first, last = int(starts.min()), int(starts.max())
        return CutWindows(
            self.audio[first : last + self.n_samples], starts - np.int32(first), self.n_samples
        )

    def __array__(self, dtype: npt.DTypeLike | None = None, copy: bool | None = None) -> FloatArray:
        views = np.lib.stride_tricks.sliding_window_view(self.audio, self.n_samples)
        windows: FloatArray = views[self.starts]  # an array of indices copies
        return windows if dtype is None else windows.astype(dtype, copy=False)


# What a classifier takes: float32 ``(batch, …)``, or such windows.
Windows = FloatArray | CutWindows


def _new_samples(before: FeatureWindow | None, window: FeatureWindow) -> int:
    """How many of a window's last samples the window before it has not."""
    n = len(window.features)
    shift = n if before is None else window.start_sample - before.start_sample
    # Names of streams are not unique among several runs, so that the sound itself has to agree.
    if (
        before is not None
        and 0 < shift < n
        and np.array_equal(before.features[shift:], window.features[:-shift])
    ):
        return shift
    return n
