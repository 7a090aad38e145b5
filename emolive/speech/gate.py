"""From chunk probabilities to speech flags, and on to whether a window is worth classifying."""

from __future__ import annotations

from typing import Self

import numpy as np
from pydantic import BaseModel, Field, model_validator

from emolive.speech.silero import CHUNK
from emolive.types import BoolArray, FloatArray


class GateConfig(BaseModel, frozen=True, extra="forbid"):
    """Thresholds of the gate.

    A chunk probability of at least `on` starts speech; it ends when more than `hang_over_s` of
    chunks in a row stayed below `off` (pauses inside words are shorter). A window is let through
    when speech fills at least `enter_ratio` of it; from then on until it falls below `leave_ratio`.
    """

    on: float = Field(default=0.5, gt=0, lt=1)
    off: float = Field(default=0.35, gt=0, lt=1)
    hang_over_s: float = Field(default=0.1, ge=0, le=2)
    enter_ratio: float = Field(default=0.20, gt=0, le=1)
    leave_ratio: float = Field(default=0.12, ge=0, le=1)

    @model_validator(mode="after")
    def _ordered(self) -> Self:
        if self.off > self.on:
            raise ValueError("off must not exceed on")
        if self.leave_ratio > self.enter_ratio:
            raise ValueError("leave_ratio must not exceed enter_ratio")
        return self


class SpeechGate:
    """One stream's speech flags and window gate.

    Flags are causal: a chunk's flag never changes later, so a window's ratio does not depend on how
    the audio arrived. Size and overflow: the last `capacity` chunks, the oldest are overwritten.
    One thread owns it.
    """

    def __init__(
        self, config: GateConfig | None = None, *, rate: int = 16_000, capacity: int = 1024
    ) -> None:
        """Keep `capacity` chunk flags (the default is 32 s), at least one window's."""
        self.config = config or GateConfig()
        self.capacity = capacity
        self._flags = np.zeros(capacity, np.bool_)
        self._hang_over = round(self.config.hang_over_s * rate / CHUNK)
        self.reset()

    def reset(self) -> None:
        """Forget everything; the next chunk starts at sample 0 again."""
        self.n_chunks = 0  # chunks judged since the start, including those no longer kept
        self._quiet = 0
        self.speaking = False  # whether the newest chunk is speech
        self._open = False

    def accept(self, probabilities: FloatArray) -> BoolArray:
        """Add the speech probabilities of the next chunks, ``(n,)``; return their flags."""
        flags = np.zeros(len(probabilities), np.bool_)
        for index, probability in enumerate(probabilities.tolist()):
            if probability >= self.config.on:
                self.speaking = True
                self._quiet = 0
            elif probability >= self.config.off:
                self._quiet = 0
            else:
                self._quiet += 1
                if self._quiet > self._hang_over:
                    self.speaking = False
            self._flags[self.n_chunks % self.capacity] = flags[index] = self.speaking
            self.n_chunks += 1
        return flags

    def speech_ratio(self, start_sample: int, end_sample: int) -> float:
        """Share of ``[start_sample, end_sample)`` that is speech, 0 to 1.

        Only chunks that end within the range's end count (less than one chunk is left out there),
        so the answer is the same whether or not later audio has arrived. What lies before sample 0
        is not counted either. Without any whole chunk it is 0.

        Raises:
            IndexError: a chunk of the range is not judged yet or no longer kept.
        """
        start = max(0, start_sample)
        last = end_sample // CHUNK  # chunks [first, last)
        first = start // CHUNK
        if last <= first:
            return 0.0
        if last > self.n_chunks or first < self.n_chunks - self.capacity:
            raise IndexError(
                f"chunks [{first}, {last}) are not held: "
                f"{self.n_chunks} judged, the last {self.capacity} kept"
            )
        flags = self._flags[np.arange(first, last) % self.capacity]
        # The first chunk may begin before the range: count only its part inside.
        before = start - first * CHUNK
        spoken = int(flags.sum()) * CHUNK - (before if flags[0] else 0)
        return spoken / ((last - first) * CHUNK - before)

    def admit(self, speech_ratio: float) -> bool:
        """Whether a window with this share of speech is classified; to be asked in window order."""
        limit = self.config.leave_ratio if self._open else self.config.enter_ratio
        self._open = speech_ratio >= limit
        return self._open
