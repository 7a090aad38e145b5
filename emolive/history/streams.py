"""What the panels need to know of a stream, whether it is live or stored."""

from __future__ import annotations

from typing import Protocol

import numpy as np
import numpy.typing as npt

from emolive.features import LogMelSpec
from emolive.history.rings import ByteArray, DecisionRing
from emolive.types import FloatArray


class LevelSource(Protocol):
    """Level, peak and speech in cells of equal length."""

    @property
    def cell_s(self) -> float:
        """Length of a cell in seconds."""

    def cells(self, first: int, last: int) -> tuple[FloatArray, FloatArray, npt.NDArray[np.bool_]]:
        """Level and peak in dBFS (NaN where nothing is held) and speech, each ``(n,)``."""


class SpectrogramSource(Protocol):
    """Log-mel frames as bytes."""

    @property
    def oldest(self) -> int:
        """The first frame of which there is a picture."""

    @property
    def end(self) -> int:
        """Index after the newest frame."""

    def columns(self, edges: npt.NDArray[np.int64]) -> ByteArray:
        """The loudest of frames ``[edges[i], edges[i + 1])`` for each i, uint8 ``(n_mels, n)``."""

    def decibels(self, level: int) -> float:
        """What a byte stands for: 10 log10 of the mel power."""


class Named(Protocol):
    """A stream of this name."""

    @property
    def name(self) -> str:
        """Its name."""


class WithDecisions(Named, Protocol):
    """A stream with the model's answers."""

    @property
    def hop_s(self) -> float:
        """Seconds from one answer to the next."""

    @property
    def decisions(self) -> DecisionRing:
        """The answers."""


class WithLevels(Named, Protocol):
    """A stream with its level."""

    @property
    def levels(self) -> LevelSource:
        """The level."""

    @property
    def end_s(self) -> float:
        """Time of the newest audio."""


class WithSpectrogram(Named, Protocol):
    """A stream with its spectrogram."""

    @property
    def spectrogram_spec(self) -> LogMelSpec:
        """How its frames were made."""

    @property
    def spectrogram(self) -> SpectrogramSource:
        """The frames."""
