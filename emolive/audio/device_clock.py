"""How fast a device really counts: its frames against the computer's clock.

Two sound cards at "48 kHz" differ by some tens to hundreds of parts per million, a second or so in
an hour. A device's frame count, seen each time a block arrives, is regressed on the monotonic clock
as it goes (recursive least squares with slow forgetting, written as a Kalman filter of offset and
rate), so that the rate settles within a minute and follows a crystal that warms up.
"""

from __future__ import annotations

import math

# Blocks come in steps, and somewhat late: what one observation is worth, in seconds.
_NOISE_S = 0.012
_FIRST_RATE_ERROR = 3e-4
_FIRST_OFFSET_S = 0.02
_RATE_WANDER = 1e-13  # variance gained per second: 1 ppm in ten seconds
_FAR_OFF_S = 0.06
_FAR_OFF_FOR_S = 1.0
_SETTLE_S = 0.2


class DeviceClock:
    """One device's frames as a function of time in seconds. It holds a few numbers.

    After `restart` it settles for 0.2 s: only the latest blocks' delays can be told apart from the
    device's own. Observations that are far off (the computer was busy) are left out, unless they
    stay away for a second: then frames were lost, and it settles anew, keeping the rate.
    """

    def __init__(self, nominal_rate: int) -> None:
        """A device that claims `nominal_rate` frames a second."""
        self.nominal_rate = nominal_rate
        self._rate_error = 0.0  # relative
        self._rate_variance = _FIRST_RATE_ERROR**2
        self.restart()

    @property
    def ready(self) -> bool:
        """Whether it can say what was counted when."""
        return self._origin is not None

    @property
    def rate(self) -> float:
        """Frames per second of the computer's clock."""
        return self.nominal_rate * (1.0 + self._rate_error)

    def restart(self) -> None:
        """Its count jumped, or begins anew; its rate is what it was."""
        self._origin: float | None = None
        self._settling: list[tuple[float, int]] = []
        self._far_off_since: float | None = None

    def observe(self, now: float, frames: int) -> bool:
        """So many frames have arrived by `now`; whether that is a jump of its count."""
        if self._origin is None:
            self._settle(now, frames)
            return False
        self._predict(now)
        offset = self._offset_at(now, frames)
        innovation = offset - self._offset
        if abs(innovation) > _FAR_OFF_S:
            if self._far_off_since is None:
                self._far_off_since = now
            if now - self._far_off_since < _FAR_OFF_FOR_S:
                return False
            self.restart()
            self._settle(now, frames)
            return True
        self._far_off_since = None
        self._correct(innovation)
        return False

    def frames_at(self, time: float) -> float:
        """How many frames had arrived at `time`.

        Raises:
            RuntimeError: it is not ready.
        """
        if self._origin is None:
            raise RuntimeError("the clock has not settled")
        elapsed = time - self._origin
        offset = self._offset + self._rate_error * (time - self._seen_at)
        return self._first + self.nominal_rate * (elapsed + offset)

    def _settle(self, now: float, frames: int) -> None:
        self._settling.append((now, frames))
        if now - self._settling[0][0] < _SETTLE_S:
            return
        # Blocks may come late but never early: the one that came least late tells most.
        self._origin, self._first = max(
            self._settling, key=lambda seen: seen[1] / self.rate - seen[0]
        )
        self._settling = []
        self._seen_at = self._origin
        self._offset = 0.0
        self._offset_variance = _FIRST_OFFSET_S**2
        self._covariance = 0.0

    def _offset_at(self, now: float, frames: int) -> float:
        """How far ahead of its nominal rate the count is, in seconds."""
        assert self._origin is not None
        return (frames - self._first) / self.nominal_rate - (now - self._origin)

    def _predict(self, now: float) -> None:
        dt = now - self._seen_at
        self._seen_at = now
        self._offset += self._rate_error * dt
        self._offset_variance += dt * (2 * self._covariance + dt * self._rate_variance)
        self._covariance += dt * self._rate_variance
        self._rate_variance += dt * _RATE_WANDER

    def _correct(self, innovation: float) -> None:
        # An innovation of many times the noise is worth less, so that a busy moment does not pull.
        doubt = max(1.0, abs(innovation) / (3 * _NOISE_S))
        total = self._offset_variance + (_NOISE_S * doubt) ** 2
        to_offset, to_rate = self._offset_variance / total, self._covariance / total
        self._offset += to_offset * innovation
        self._rate_error += to_rate * innovation
        self._rate_variance -= to_rate * self._covariance
        self._covariance -= to_rate * self._offset_variance
        self._offset_variance -= to_offset * self._offset_variance
        if not math.isfinite(self._rate_error):
            raise ArithmeticError("the clock's regression broke down")
