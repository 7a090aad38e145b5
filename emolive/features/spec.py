"""The front ends' settings, as they travel in a model's metadata."""

from __future__ import annotations

from typing import Literal, Self

from pydantic import BaseModel, Field, model_validator

from emolive.i18n import tr

# A model that takes the sound itself has windows on the grid of the usual frames: 10 ms.
_WAVEFORM_GRID_S = 0.01


class LogMelSpec(BaseModel, frozen=True, extra="forbid"):
    """Log-mel frames: lengths in samples, frequencies in Hz.

    A frame is `win_length` samples under a periodic Hann window, zero-padded to `n_fft`. The mel
    filter bank is HTK-scaled without area normalisation (torchaudio's default). `log_floor` is the
    smallest power that reaches the logarithm. `normalization` and `dynamic_range_db` are described
    in `emolive.features.front_end`.
    """

    kind: Literal["log_mel"] = "log_mel"
    sampling_rate: int = Field(default=16_000, gt=0)
    n_fft: int = Field(default=1024, gt=0)
    win_length: int = Field(default=400, gt=0)
    hop_length: int = Field(default=160, gt=0)
    n_mels: int = Field(default=128, gt=0)
    f_min: float = Field(default=50.0, ge=0)
    f_max: float = Field(default=8_000.0, gt=0)
    log_floor: float = Field(default=1e-10, gt=0)
    normalization: Literal["window", "none"] = "window"
    dynamic_range_db: float = Field(default=80.0, gt=0)

    @model_validator(mode="after")
    def _consistent(self) -> Self:
        if self.win_length > self.n_fft:
            raise ValueError(tr("win_length must not exceed n_fft"))
        if not self.f_min < self.f_max <= self.sampling_rate / 2:
            raise ValueError(tr("0 <= f_min < f_max <= sampling_rate / 2 must hold"))
        return self

    @property
    def grid(self) -> int:
        """Windows begin at multiples of this many samples."""
        return self.hop_length

    def n_frames(self, n_samples: int) -> int:
        """Complete frames in `n_samples` samples (no padding at either end)."""
        return max(0, (n_samples - self.win_length) // self.hop_length + 1)

    def n_samples(self, n_frames: int) -> int:
        """Samples that `n_frames` consecutive frames span."""
        return (n_frames - 1) * self.hop_length + self.win_length if n_frames else 0

    def window_shape(self, n_samples: int) -> tuple[int, ...]:
        """Shape of what a window of `n_samples` samples becomes: ``(n_mels, n_frames)``."""
        return (self.n_mels, self.n_frames(n_samples))

    def same_frames(self, other: LogMelSpec) -> bool:
        """Whether both give equal frames, before normalisation."""
        normalised = {"normalization", "dynamic_range_db"}
        return self.model_dump(exclude=normalised) == other.model_dump(exclude=normalised)


class WaveformSpec(BaseModel, frozen=True, extra="forbid"):
    """The sound itself, amplitude 1.0 being full scale: the graph computes what it wants inside."""

    kind: Literal["waveform"] = "waveform"
    sampling_rate: int = Field(default=16_000, gt=0)
    normalization: Literal["none", "window"] = "none"

    @property
    def grid(self) -> int:
        """Windows begin at multiples of this many samples."""
        return round(_WAVEFORM_GRID_S * self.sampling_rate)

    def window_shape(self, n_samples: int) -> tuple[int, ...]:
        """Shape of what a window of `n_samples` samples becomes: ``(n_samples,)``."""
        return (n_samples,)


AnyFrontEndSpec = LogMelSpec | WaveformSpec
