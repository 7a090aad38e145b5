"""Rules about emotions: a level that is held, and a rise."""

from __future__ import annotations

import math
from collections import deque

import numpy as np

from emolive.alerts.latch import Raised
from emolive.alerts.rules import EmotionRule, TrendRule
from emolive.alerts.watch import Values, Watch, WatchedStream
from emolive.types import Prediction

_DIGITS = 6


class _Evidence:
    """The probability of a set of emotions, window by window, steadied if wanted."""

    def __init__(
        self, rule: EmotionRule | TrendRule, labels: tuple[str, ...], rate: int, hop_samples: int
    ) -> None:
        self._indices = [labels.index(emotion) for emotion in rule.emotions]
        self._tau = rule.smoothing_s * rate
        self._hop = hop_samples
        self._mean: float | None = None
        self._end = 0
        self.emotions = " or ".join(rule.emotions)

    def forget(self) -> None:
        """What comes next has no past."""
        self._mean = None

    def pause(self, end: int) -> int:
        """Samples without an answer between the newest answer and a window that ends at `end`."""
        return 0 if self._mean is None else max(0, end - self._end - self._hop)

    def accept(self, prediction: Prediction) -> float | None:
        """The value up to this window; None where it holds no speech."""
        if prediction.probabilities is None:
            return None
        # With the digits that exports have: a float32 0.4 is a little more than 0.4.
        value = round(float(prediction.probabilities[self._indices].sum(dtype=np.float64)), _DIGITS)
        if self._mean is None or not self._tau:
            self._mean = value
        else:
            weight = 1.0 - math.exp(-(prediction.end_sample - self._end) / self._tau)
            self._mean += weight * (value - self._mean)
        self._end = prediction.end_sample
        return self._mean


class EmotionWatch(Watch):
    """An `EmotionRule` on one stream; a window counts at its end."""

    def __init__(
        self,
        rule: EmotionRule,
        stream: WatchedStream,
        rate: int,
        hop_samples: int,
        labels: tuple[str, ...],
    ) -> None:
        """Watch `stream`, whose windows come every `hop_samples`."""
        super().__init__(rule, stream, rate, rule.for_s)
        self._level, self._release = rule.probability, rule.release_level
        self._bridge = self.samples(rule.bridge_s)
        self._evidence = _Evidence(rule, labels, rate, hop_samples)
        self._value = 0.0
        self._party = stream.party

    def accept(self, prediction: Prediction) -> None:
        """Take the stream's next window."""
        end = prediction.end_sample
        if self._evidence.pause(end) > self._bridge:
            self._evidence.forget()
            self.keep(self.latch.off(end))
        value = self._evidence.accept(prediction)
        if value is None:
            return
        self._value = value
        if value >= self._level:
            self.keep(self.latch.on(end))
        elif value <= self._release:
            self.keep(self.latch.off(end))
        self.keep(self.latch.advance(end, known_from=end))

    def describe(self, raised: Raised) -> tuple[str, Values]:
        """Which emotions, how likely, for how long."""
        held = (raised.fired - raised.start) / self.rate
        text = f"{self._evidence.emotions} at {self._value:.0%} for {held:.1f} s ({self._party})."
        return text, (("probability", self._value), ("held_s", held))


class TrendWatch(Watch):
    """A `TrendRule` on one stream.

    Buffer: the answers of the rule's window, at most one per hop; older ones fall out.
    """

    def __init__(
        self,
        rule: TrendRule,
        stream: WatchedStream,
        rate: int,
        hop_samples: int,
        labels: tuple[str, ...],
    ) -> None:
        """Watch `stream`, whose windows come every `hop_samples`."""
        super().__init__(rule, stream, rate, 0.0)
        self._level, self._release = rule.rise_per_minute, rule.release_level
        self._lowest_end = rule.probability
        self._window = self.samples(rule.window_s)
        self._evidence = _Evidence(rule, labels, rate, hop_samples)
        expected = self._window // hop_samples
        self._needed = max(3, math.ceil(rule.speech_share * expected))
        self._points: deque[tuple[int, float]] = deque(maxlen=max(3, expected) + 1)
        self._slope = 0.0
        self._value = 0.0
        self._party = stream.party

    def accept(self, prediction: Prediction) -> None:
        """Take the stream's next window."""
        end = prediction.end_sample
        if self._evidence.pause(end) > self._window:
            self._evidence.forget()
        value = self._evidence.accept(prediction)
        if value is not None:
            self._points.append((end, value))
        while self._points and self._points[0][0] <= end - self._window:
            self._points.popleft()
        if len(self._points) < self._needed:
            self.keep(self.latch.off(end))
            return
        if value is None:
            return
        self._slope, self._value = self._line(end)
        if self._slope >= self._level and self._value >= self._lowest_end:
            self.keep(self.latch.on(end))
        elif self._slope <= self._release:
            self.keep(self.latch.off(end))
        self.keep(self.latch.advance(end, known_from=end))

    def describe(self, raised: Raised) -> tuple[str, Values]:  # noqa: ARG002
        """How steep, up to where."""
        text = (
            f"{self._evidence.emotions} rising by {self._slope:.0%} per minute, now at "
            f"{self._value:.0%} ({self._party})."
        )
        return text, (("rise_per_minute", self._slope), ("probability", self._value))

    def _line(self, end: int) -> tuple[float, float]:
        """The least-squares line's slope per minute, and where it is at `end` (0 to 1)."""
        samples, values = zip(*self._points, strict=True)
        minutes = (np.asarray(samples, np.int64) - end) / (60.0 * self.rate)
        y = np.asarray(values, np.float64)
        t = minutes - minutes.mean()
        slope = float((t * (y - y.mean())).sum() / np.square(t).sum())
        return slope, min(1.0, max(0.0, float(y.mean() - slope * minutes.mean())))
