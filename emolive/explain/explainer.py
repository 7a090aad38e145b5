"""Explanations of live moments, made on one thread of their own."""

from __future__ import annotations

import logging
import threading
from collections import deque
from collections.abc import Callable
from types import ModuleType
from typing import Protocol

import numpy as np

from emolive.errors import EmoliveError
from emolive.explain.baseline import RunningBaseline
from emolive.explain.cues import load_praat
from emolive.explain.moment import Explanation, Moment, MomentExplainer
from emolive.explain.saliency import BUDGET_S
from emolive.i18n import decimal, tr
from emolive.inference.classifier import Classifier
from emolive.inference.metadata import ModelMetadata
from emolive.types import Event, FeatureBlock, FloatArray, Prediction

_MAX_GAPS = 256


class AudioMemory:
    """The last `seconds` of one stream, addressed by absolute sample index.

    Size: float32, 3.8 MB a minute at 16 kHz, allocated at once. Overflow policy: the oldest is
    overwritten. Gaps are remembered, so that nothing is ever read across one. One thread owns it.
    """

    def __init__(self, rate: int, seconds: float) -> None:
        """Empty; `rate` in Hz."""
        self.rate = rate
        self.capacity = round(rate * seconds)
        self._samples = np.zeros(self.capacity, np.float32)
        self._first = 0  # nothing before it is held, whatever the ring's size
        self.end = 0  # the sample that comes next
        self._gaps: deque[tuple[int, int]] = deque()

    @property
    def start(self) -> int:
        """The oldest sample that is held."""
        return max(self._first, self.end - self.capacity)

    def add(self, end_sample: int, samples: FloatArray) -> None:
        """Enter float32 ``(n,)`` that ends just before `end_sample`; what is held already stays."""
        start = end_sample - len(samples)
        if start < self.end:
            samples = samples[self.end - start :]
            start = self.end
        if not len(samples):
            return
        if start > self.end:
            self._enter_gap(self.end, start)
        kept = samples[-self.capacity :]
        slots = np.arange(end_sample - len(kept), end_sample) % self.capacity
        self._samples[slots] = kept
        self.end = end_sample

    def read(self, start: int, end: int) -> FloatArray | None:
        """A copy of ``[start, end)``; None when a part of it is not held or lies in a gap."""
        if not self.start <= start < end <= self.end:
            return None
        if any(first < end and start < last for first, last in self._gaps):
            return None
        return self._samples[np.arange(start, end) % self.capacity]

    def _enter_gap(self, start: int, end: int) -> None:
        if start == 0:
            self._first = end  # before the first sample there is no gap, only nothing
            return
        while self._gaps and self._gaps[0][1] <= self.start:
            self._gaps.popleft()
        if len(self._gaps) == _MAX_GAPS:
            self._first = self._gaps.popleft()[1]
        self._gaps.append((start, end))


_log = logging.getLogger(__name__)

MEMORY_S = 300.0
# Windows that are at least half speech tell how a speaker usually sounds.
_SPOKEN = 0.5
_WAIT_S = 0.1


class Inbox(Protocol):
    """Events to follow, the interface of the hub's mailboxes."""

    def get(self, timeout: float | None = None) -> Event | None:
        """The oldest event, waiting at most `timeout` seconds for one."""


class StreamKnowledge:
    """What is kept of one stream: its last minutes of audio, and how its speaker usually sounds."""

    def __init__(self, rate: int, memory_s: float) -> None:
        self.memory = AudioMemory(rate, memory_s)
        self.baseline = RunningBaseline()
        self.measured_to = 0

    def note(self, prediction: Prediction, moments: MomentExplainer) -> None:
        """Measure a window that adds to the baseline: spoken, and not measured in part before."""
        new = prediction.start_sample >= self.measured_to
        if moments.praat is None or not new or prediction.speech_ratio < _SPOKEN:
            return
        samples = self.memory.read(max(0, prediction.start_sample), prediction.end_sample)
        if samples is not None:
            self.measured_to = prediction.end_sample
            moments.learn(self.baseline, samples, self.memory.rate)


class Explainer:
    """Follows a run's events and answers questions about its last `memory_s` seconds.

    Size: `memory_s` of float32 audio per stream (19 MB for five minutes at 16 kHz). One question is
    worked on at a time; a newer one replaces one that waits and cancels one that is worked on, so
    the newest click is answered. The network is asked on a classifier of its own, opened with the
    first question, because the run's must not wait.
    """

    def __init__(
        self,
        inbox: Inbox,
        metadata: ModelMetadata,
        open_classifier: Callable[[], Classifier],
        *,
        memory_s: float = MEMORY_S,
        budget_s: float = BUDGET_S,
        praat: Callable[[], ModuleType] = load_praat,
    ) -> None:
        """Prepare; `open_classifier` is called on the explainer's thread."""
        self._inbox = inbox
        self._metadata = metadata
        self._open_classifier = open_classifier
        self._memory_s = memory_s
        self._budget_s = budget_s
        self._load_praat = praat
        self._moments: MomentExplainer | None = None
        self._streams: dict[str, StreamKnowledge] = {}
        self._lock = threading.Lock()
        self._wanted: tuple[Moment, Callable[[Explanation], None]] | None = None
        self._closing = threading.Event()
        self._thread = threading.Thread(target=self._run, name="emolive explain", daemon=True)

    def start(self) -> None:
        """Begin to follow."""
        self._thread.start()

    def ask(self, moment: Moment, answer: Callable[[Explanation], None]) -> None:
        """Explain `moment`; `answer` is called once, on the explainer's thread, unless replaced."""
        with self._lock:
            self._wanted = (moment, answer)

    def close(self, timeout: float = 1.0) -> bool:
        """Stop following and answering; whether the thread ended within `timeout` seconds."""
        self._closing.set()
        if self._thread.ident is not None:
            self._thread.join(timeout)
        return not self._thread.is_alive()

    # On the explainer's thread.

    def _run(self) -> None:
        self._moments = MomentExplainer(
            self._open_classifier, budget_s=self._budget_s, load_praat=self._load_praat
        )
        while not self._closing.is_set():
            # What has happened comes first: a question is about it.
            event = self._inbox.get(timeout=0.0 if self._wanted else _WAIT_S)
            if event is not None:
                self._follow(event)
                continue
            with self._lock:
                wanted, self._wanted = self._wanted, None
            if wanted is not None:
                self._answer(*wanted)
        self._moments.close()

    def _follow(self, event: Event) -> None:
        if isinstance(event, FeatureBlock) and event.samples is not None:
            self._stream(event.stream).memory.add(event.end_sample, event.samples)
        elif isinstance(event, Prediction):
            assert self._moments is not None
            self._stream(event.stream).note(event, self._moments)

    def _stream(self, name: str) -> StreamKnowledge:
        if name not in self._streams:
            rate = self._metadata.sampling_rate
            self._streams[name] = StreamKnowledge(rate, self._memory_s)
        return self._streams[name]

    def _answer(self, moment: Moment, answer: Callable[[Explanation], None]) -> None:
        try:
            explanation = self._explain(moment)
        except EmoliveError as error:
            _log.info("A moment could not be explained", exc_info=True)
            explanation = Explanation(moment, problem=str(error))
        except Exception as error:  # a worker must not die unseen
            _log.exception("A moment could not be explained")
            text = tr("Internal error: {kind}: {error}", kind=type(error).__name__, error=error)
            explanation = Explanation(moment, problem=text)
        if explanation is not None and not self._outdated():
            answer(explanation)

    def _outdated(self) -> bool:
        return self._closing.is_set() or self._wanted is not None

    def _explain(self, moment: Moment) -> Explanation | None:
        stream = self._stream(moment.stream)
        samples = stream.memory.read(max(0, moment.start_sample), moment.end_sample)
        window = self._metadata.window_samples
        if samples is None or samples.size != window:
            minutes = decimal(self._memory_s / 60)
            text = tr(
                "The sound of this moment is not kept any more: only the last {minutes} minutes "
                "can be explained.",
                minutes=minutes,
            )
            return Explanation(moment, problem=text)
        assert self._moments is not None
        return self._moments.explain(moment, samples, stream.baseline, self._outdated)
