"""From logits to what is shown: calibrated, smoothed, and silent when it does not know."""

from __future__ import annotations

import math

import numpy as np
from pydantic import BaseModel, Field

from emolive.baseline import StreamBaseline
from emolive.inference.shift import RunningShift, ShiftReference
from emolive.types import FeatureWindow, FloatArray, ModelOutput, Prediction, Shift, SpeechState


class DecisionConfig(BaseModel, frozen=True, extra="forbid"):
    """How much evidence a change of the answer needs.

    `smoothing_s` is the time constant of the exponential mean over windows (0: none). Another label
    must lead the shown one by `margin`, and an answer that is shown stays for `min_dwell_s` unless
    silence ends it. Below `threshold` (None: the model's own) the answer is uncertain; an emotion
    that is shown is given up only `threshold_band` below it.
    """

    smoothing_s: float = Field(default=1.0, ge=0, allow_inf_nan=False)
    margin: float = Field(default=0.10, ge=0, le=1)
    min_dwell_s: float = Field(default=1.0, ge=0, allow_inf_nan=False)
    threshold: float | None = Field(default=None, ge=0, le=1)
    threshold_band: float = Field(default=0.05, ge=0, le=1)


def calibrated(logits: FloatArray, temperature: float) -> FloatArray:
    """``softmax(logits / temperature)`` over the last axis, float32."""
    scaled = np.asarray(logits, np.float64) / temperature
    scaled -= scaled.max(axis=-1, keepdims=True)
    exponents = np.exp(scaled)
    probabilities: FloatArray = exponents / exponents.sum(axis=-1, keepdims=True)
    return probabilities.astype(np.float32)


def heard_samples(window: FeatureWindow | Prediction, before: int | None) -> int:
    """Samples of speech in a window that the one before, which ended there, did not hear.

    `before` None: there was none, or silence between.
    """
    if before is None:
        return round(window.speech_ratio * (window.end_sample - window.start_sample))
    return window.end_sample - before


class Decision:
    """One stream's running answer. One thread owns it.

    Windows must come in time order; some may be left out (the worker was late): smoothing and dwell
    go by the time between windows, not by their number.
    """

    def __init__(
        self,
        labels: tuple[str, ...],
        temperature: float,
        threshold: float,
        config: DecisionConfig,
        hop_s: float,
        rate: int,
        shift: ShiftReference | None = None,
        baseline: StreamBaseline | None = None,
    ) -> None:
        """Decide between `labels`.

        `labels` are in the order of the logits; `temperature`, `threshold` (used unless `config`
        sets one) and `shift` are the model's. `hop_s`: seconds between windows when none is left
        out; `rate`: samples per second of their indices. `baseline`: where answers are adapted to
        their source.
        """
        self.labels = labels
        self.config = config
        self.threshold = threshold if config.threshold is None else config.threshold
        self._temperature = temperature
        self._rate = rate
        self._hop = round(hop_s * rate)
        self._dwell = round(config.min_dwell_s * rate)
        self._baseline = baseline
        self._shift = RunningShift(shift, config.smoothing_s * rate) if shift else None
        self.reset()

    def reset(self) -> None:
        """Forget everything, the count of flips included."""
        if self._shift is not None:
            self._shift.reset()
        self._smoothed: FloatArray | None = None  # None: no speech right before
        self._shown: int | None = None  # None: uncertain
        self._since = 0
        self._end = 0
        self._last_emotion: int | None = None
        self._flips = 0
        self._speech = 0

    @property
    def flips_per_minute(self) -> float:
        """Changes from one emotion to another per minute of speech, uncertain between or not."""
        minutes = self._speech / self._rate / 60
        return self._flips / minutes if minutes else 0.0

    def decide(
        self, window: FeatureWindow, output: ModelOutput | None, latency_s: float = 0.0
    ) -> Prediction:
        """The answer for one window.

        The features of `window` are not read; `output` is the model's, of this one window (None: it
        holds too little speech); `latency_s` from its last sample being available to now.
        """
        embedding: FloatArray | None = None
        shift: Shift | None = None
        raw: FloatArray | None = None
        if output is None:
            self._smoothed = None
            self._last_emotion = None
            probabilities, state, label, confidence = None, SpeechState.SILENCE, None, 0.0
        else:
            probabilities = calibrated(output.logits[0], self._temperature)
            if output.embedding is not None:
                embedding = output.embedding[0]
                shift = self._shifted(embedding, window)
            if self._baseline is not None:
                raw = probabilities
                heard = heard_samples(window, None if self._fresh(window) else self._end)
                probabilities = self._baseline.adjust(raw, heard / self._rate)
            smoothed = self._smooth(probabilities, window)
            if self._shown is None:
                state, label = SpeechState.UNCERTAIN, None
                confidence = float(smoothed.max())
            else:
                state, label = SpeechState.SPEECH, self.labels[self._shown]
                confidence = float(smoothed[self._shown])
        return Prediction(
            stream=window.stream,
            start_sample=window.start_sample,
            end_sample=window.end_sample,
            probabilities=probabilities,
            state=state,
            label=label,
            confidence=confidence,
            speech_ratio=window.speech_ratio,
            latency_s=latency_s,
            embedding=embedding,
            shift=shift,
            raw_probabilities=raw,
            baseline=None if self._baseline is None else self._baseline.told,
        )

    def _fresh(self, window: FeatureWindow) -> bool:
        """Whether nothing old is left: after silence, or a stretch that no window heard."""
        return self._smoothed is None or window.start_sample > self._end

    def _elapsed(self, window: FeatureWindow) -> int:
        """Samples of speech that this window adds."""
        return self._hop if self._fresh(window) else window.end_sample - self._end

    def _shifted(self, embedding: FloatArray, window: FeatureWindow) -> Shift | None:
        if self._shift is None:
            return None
        if self._fresh(window):
            self._shift.reset()
        return self._shift.accept(embedding, window.end_sample - self._end)

    def _smooth(self, probabilities: FloatArray, window: FeatureWindow) -> FloatArray:
        """Update the mean and what is shown; return the mean."""
        end = window.end_sample
        elapsed = self._elapsed(window)
        self._speech += elapsed
        if self._smoothed is None or self._fresh(window):
            self._smoothed = probabilities
            self._show(self._candidate(fresh=True), end)
        else:
            tau = self.config.smoothing_s * self._rate
            weight = 1.0 - math.exp(-elapsed / tau) if tau else 1.0
            self._smoothed = self._smoothed + np.float32(weight) * (probabilities - self._smoothed)
            candidate = self._candidate(fresh=False)
            if candidate != self._shown and end - self._since >= self._dwell:
                self._show(candidate, end)
        self._end = end
        return self._smoothed

    def _candidate(self, *, fresh: bool) -> int | None:
        """What the mean alone would show, given what is shown now; None is uncertain."""
        assert self._smoothed is not None
        leader = int(self._smoothed.argmax())
        shown = None if fresh else self._shown
        needed = self.threshold - (self.config.threshold_band if shown is not None else 0.0)
        if self._smoothed[leader] < needed:
            return None
        if (
            shown is not None
            and self._smoothed[leader] - self._smoothed[shown] < self.config.margin
        ):
            return shown
        return leader

    def _show(self, candidate: int | None, end: int) -> None:
        self._shown = candidate
        self._since = end
        if candidate is not None:
            if self._last_emotion not in (None, candidate):
                self._flips += 1
            self._last_emotion = candidate
