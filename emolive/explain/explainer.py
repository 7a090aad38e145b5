"""Explanations of live moments, made on one thread of their own."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable
from dataclasses import dataclass
from types import ModuleType
from typing import Protocol

from emolive.acoustics import SPECTROGRAM
from emolive.errors import EmoliveError
from emolive.explain.baseline import CueReading, RunningBaseline
from emolive.explain.cues import load_praat, measure
from emolive.explain.memory import AudioMemory
from emolive.explain.occlusion import Occlusion, occlusion
from emolive.explain.saliency import BUDGET_S, Saliency, occlude
from emolive.explain.wording import sentence
from emolive.features import log_mel
from emolive.i18n import decimal, tr
from emolive.inference.classifier import Classifier
from emolive.inference.metadata import ModelMetadata
from emolive.types import Event, FeatureBlock, FloatArray, Prediction

_log = logging.getLogger(__name__)

MEMORY_S = 300.0
# Windows that are at least half speech tell how a speaker usually sounds.
_SPOKEN = 0.5
_WAIT_S = 0.1


@dataclass(frozen=True, slots=True)
class Moment:
    """A window to be explained, and the class that is asked about."""

    stream: str
    start_sample: int
    end_sample: int
    label: str


@dataclass(frozen=True, slots=True, eq=False)
class Explanation:
    """What is known about a moment.

    ``log_mel`` float32 ``(n_mels, n_frames)`` is the window's spectrogram, natural log.
    ``saliency`` and ``log_mel`` are None, and ``cues`` empty, where ``problem`` (one sentence)
    says why.
    ``baseline_windows`` of the speaker were compared with; ``words`` sum the cues up.
    """

    moment: Moment
    log_mel: FloatArray | None = None
    saliency: Saliency | None = None
    cues: tuple[CueReading, ...] = ()
    baseline_windows: int = 0
    words: str = ""
    problem: str | None = None


class Inbox(Protocol):
    """Events to follow, the interface of the hub's mailboxes."""

    def get(self, timeout: float | None = None) -> Event | None:
        """The oldest event, waiting at most `timeout` seconds for one."""


class StreamKnowledge:
    """What is kept of one stream: its last minutes of audio, and how its speaker usually sounds."""

    def __init__(self, rate: int, memory_s: float) -> None:
        """Nothing yet."""
        self.memory = AudioMemory(rate, memory_s)
        self.baseline = RunningBaseline()
        self.measured_to = 0

    def note(self, prediction: Prediction, praat: ModuleType | None) -> None:
        """Measure a window that adds to the baseline: spoken, and not measured in part before."""
        new = prediction.start_sample >= self.measured_to
        if praat is None or not new or prediction.speech_ratio < _SPOKEN:
            return
        samples = self.memory.read(max(0, prediction.start_sample), prediction.end_sample)
        if samples is not None:
            self.measured_to = prediction.end_sample
            self.baseline.add(measure(samples, self.memory.rate, praat))


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
        self._praat: ModuleType | None = None
        self._praat_problem: str | None = None
        self._classifier: Classifier | None = None
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
        try:
            self._praat = self._load_praat()
        except EmoliveError as error:
            self._praat_problem = str(error)
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
        if self._classifier is not None:
            self._classifier.close()

    def _follow(self, event: Event) -> None:
        if isinstance(event, FeatureBlock) and event.samples is not None:
            self._stream(event.stream).memory.add(event.end_sample, event.samples)
        elif isinstance(event, Prediction):
            self._stream(event.stream).note(event, self._praat)

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
        readings: tuple[CueReading, ...] = ()
        words = ""
        if self._praat is not None:
            cues = measure(samples, stream.memory.rate, self._praat)
            readings = stream.baseline.compare(cues)
            words = sentence(readings, stream.baseline.windows, stream.baseline.least)
        saliency = self._saliency(occlusion(samples, self._metadata.front_end), moment.label)
        if saliency is None:
            return None
        return Explanation(
            moment,
            log_mel(samples, SPECTROGRAM),
            saliency,
            readings,
            stream.baseline.windows,
            words,
            self._praat_problem,
        )

    def _saliency(self, window: Occlusion, label: str) -> Saliency | None:
        if self._classifier is None:
            self._classifier = self._open_classifier()
        return occlude(
            self._classifier,
            window,
            self._metadata.labels.index(label),
            self._metadata.temperature,
            budget_s=self._budget_s,
            cancelled=self._outdated,
        )
