"""What passes between the stages: frozen, slotted, sample-indexed.

Time is an absolute integer sample index at the model's sampling rate everywhere inside;
seconds appear only at the edges (command line, JSON, plots).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from enum import StrEnum

import numpy as np
import numpy.typing as npt

FloatArray = npt.NDArray[np.float32]
BoolArray = npt.NDArray[np.bool_]


class SpeechState(StrEnum):
    """What a window holds, as far as the decision can honestly say.

    NOT_INFERRED: somebody speaks, but emotion is not inferred on this stream (an agent's).
    """

    SPEECH = "speech"
    SILENCE = "silence"
    UNCERTAIN = "uncertain"
    NOT_INFERRED = "not_inferred"


class Familiarity(StrEnum):
    """How sound compares with what a model was trained on, in words that are shown."""

    FAMILIAR = "familiar"
    UNUSUAL = "unusual"
    UNLIKE = "unlike anything this model was trained on"


class Role(StrEnum):
    """Who speaks on a stream of a call."""

    AGENT = "agent"
    CUSTOMER = "customer"


class Band(StrEnum):
    """How far up a stream's sound reaches: telephone speech ends at 4 kHz."""

    NARROW = "narrow"
    WIDE = "wide"


class EngineState(StrEnum):
    """Lifecycle of an engine."""

    IDLE = "idle"
    STARTING = "starting"
    RUNNING = "running"
    RECONNECTING = "reconnecting"
    STOPPING = "stopping"
    STOPPED = "stopped"
    FAILED = "failed"

    @property
    def over(self) -> bool:
        """Whether it has ended, well or not."""
        return self in (EngineState.STOPPED, EngineState.FAILED)

    @property
    def at_rest(self) -> bool:
        """Whether it has ended, or has not begun."""
        return self is EngineState.IDLE or self.over


@dataclass(frozen=True, slots=True, eq=False)
class SpeechActivity:
    """Consecutive chunks of one stream, as voice activity detection judged them.

    Chunk ``i`` covers `chunk_samples` samples from ``start_sample + i * chunk_samples`` on.
    ``speech`` are the gate's flags, bool ``(n,)``: causal, with a hang-over behind each word.
    ``probability`` is the detector's own, ``level_dbfs`` the RMS level (not below -120), both
    float32 ``(n,)``.
    """

    start_sample: int
    chunk_samples: int
    speech: BoolArray
    probability: FloatArray
    level_dbfs: FloatArray

    @property
    def end_sample(self) -> int:
        """Where the last chunk ends."""
        return self.start_sample + self.chunk_samples * len(self.speech)

    @classmethod
    def joined(cls, parts: Sequence[SpeechActivity]) -> SpeechActivity:
        """Parts that follow one another, as one."""
        return cls(
            parts[0].start_sample,
            parts[0].chunk_samples,
            np.concatenate([part.speech for part in parts]),
            np.concatenate([part.probability for part in parts]),
            np.concatenate([part.level_dbfs for part in parts]),
        )


@dataclass(frozen=True, slots=True, eq=False)
class FeatureBlock:
    """New frames of one stream's spectrogram, as they become ready, whatever model runs.

    ``log_mel`` is float32, shape ``(n_mels, n_frames)``, natural log, not normalised; frame ``i``
    covers what starts at ``start_sample + i * hop_length`` (see `emolive.acoustics`).
    ``level_dbfs`` and ``peak_dbfs`` describe the audio that these frames added; ``speech`` is the
    voice activity state at its end, ``activity`` the chunks that this audio completed (None: none).
    ``samples`` is this audio itself at the model rate, float32 ``(n,)``, its last sample just
    before `end_sample` (None: not passed on).
    """

    stream: str
    start_sample: int
    end_sample: int
    log_mel: FloatArray
    level_dbfs: float
    peak_dbfs: float
    speech: bool
    activity: SpeechActivity | None = None
    samples: FloatArray | None = None


@dataclass(frozen=True, slots=True, eq=False)
class FeatureWindow:
    """One analysis window, as the model's front end makes it.

    ``features`` is float32 ``(n_mels, n_frames)`` or ``(n_samples,)``, not normalised; nothing
    where emotion is not inferred on the stream.
    """

    stream: str
    start_sample: int
    end_sample: int
    features: FloatArray
    speech_ratio: float


@dataclass(frozen=True, slots=True, eq=False)
class ModelOutput:
    """What a model's graph says of `n` windows.

    ``logits`` float32 ``(n, n_classes)``; ``embedding`` float32 ``(n, n_features)``, None where
    the graph has no such output.
    """

    logits: FloatArray
    embedding: FloatArray | None = None

    @property
    def arrays(self) -> tuple[FloatArray, ...]:
        """Those that are there."""
        return (self.logits,) if self.embedding is None else (self.logits, self.embedding)

    def __len__(self) -> int:
        return len(self.logits)

    def __getitem__(self, some: slice) -> ModelOutput:
        return ModelOutput(*(array[some] for array in self.arrays))

    @classmethod
    def joined(cls, parts: Sequence[ModelOutput]) -> ModelOutput:
        """One after the other; at least one part, all of one model."""
        columns = zip(*(part.arrays for part in parts), strict=True)
        return cls(*(np.concatenate(column) for column in columns))


@dataclass(frozen=True, slots=True)
class Shift:
    """How far sound is from a model's training data: 0 to 1, and the word for it.

    ``value`` is the share of speech from corpora unknown to the model that is nearer.
    """

    value: float
    word: Familiarity


@dataclass(frozen=True, slots=True)
class Baseline:
    """How far answers are adapted to their source (see `emolive.baseline`).

    ``minutes`` of speech from ``sessions`` earlier sessions and this one are known of ``source``;
    ``strength``, 0 to 1, is how much of what they say is used, ``expected_neutral`` the share of
    speech that is expected to be neutral (None: all classes alike).
    """

    source: str
    minutes: float
    sessions: int
    strength: float
    expected_neutral: float | None


@dataclass(frozen=True, slots=True, eq=False)
class Prediction:
    """The answer for one window.

    ``probabilities`` are calibrated, of this window alone, float32 ``(n_classes,)``, or None when
    the window holds too little speech or emotion is not inferred on this stream. ``state`` and
    ``label`` come from the decision (smoothing, abstention, hysteresis); ``label`` is None unless
    ``state`` is ``speech``. ``confidence`` is the smoothed probability of that label, of the
    leading class while uncertain, otherwise 0.0.
    ``latency_s`` is the time from the window's last sample being available to this answer.
    ``embedding`` float32 ``(n_features,)`` is what the model's last layer sees, where its graph
    tells it and the window was classified; it is passed on, and not kept. ``shift``, smoothed like
    the confidence, is None where the model has no reference for it or the window has no embedding.
    With a ``baseline``, ``raw_probabilities`` are the model's own calibrated ones, before they were
    adapted to the source; None where ``probabilities`` are.
    """

    stream: str
    start_sample: int
    end_sample: int
    probabilities: FloatArray | None
    state: SpeechState
    label: str | None
    confidence: float
    speech_ratio: float
    latency_s: float
    embedding: FloatArray | None = None
    shift: Shift | None = None
    raw_probabilities: FloatArray | None = None
    baseline: Baseline | None = None

    @property
    def centre_sample(self) -> int:
        """The sample this answer speaks for: the middle of its window."""
        return (self.start_sample + self.end_sample) // 2

    def without_embedding(self) -> Prediction:
        """For whoever keeps answers: an embedding is a hundred times as large as they are."""
        return self if self.embedding is None else replace(self, embedding=None)


@dataclass(frozen=True, slots=True)
class Segment:
    """Consecutive equal decisions merged.

    ``label`` is an emotion, ``silence``, ``uncertain`` or ``not_inferred``; ``confidence`` is the
    mean smoothed probability of the label over the segment's windows (0.0 for silence and where
    emotion is not inferred).
    """

    stream: str
    start_sample: int
    end_sample: int
    label: str
    confidence: float


@dataclass(frozen=True, slots=True)
class Stream:
    """One channel of a source, and what is known of it.

    ``native_rate`` is the rate (Hz) its audio had before any resampling (0: not known), ``emotion``
    tells whether emotion is inferred on it, ``band`` how far up its sound reaches (None: not known,
    or not yet).
    """

    name: str
    native_rate: int = 0
    role: Role | None = None
    emotion: bool = True
    band: Band | None = None


@dataclass(frozen=True, slots=True)
class StreamStatus(Stream):
    """A stream of a run with its counters, cumulative since the start.

    ``missing`` tells that its device is away right now while the other streams go on.
    """

    samples: int = 0
    windows: int = 0
    windows_skipped: int = 0
    samples_lost: int = 0
    flips_per_minute: float = 0.0
    missing: bool = False


@dataclass(frozen=True, slots=True)
class EngineStatus:
    """Snapshot of an engine, taken under one lock.

    ``overflows`` counts blocks lost by the audio driver or the ring, ``windows_skipped`` windows
    jumped over because the worker was late, ``events_dropped`` events a slow consumer lost.
    ``provider_note`` says why the model runs on `provider`, or None when nothing is to be said.
    ``lag_s`` is how far the newest prediction is behind the newest sample that could have been
    predicted. ``hint`` is one sentence for a person, or None. ``one_sound`` tells that two channels
    carry the same sound, so that nobody can talk over anybody.
    """

    state: EngineState
    reason: str | None = None
    source: str = ""
    provider: str = ""
    model: str = ""
    elapsed_s: float = 0.0
    overflows: int = 0
    windows_skipped: int = 0
    events_dropped: int = 0
    reconnects: int = 0
    lag_s: float = 0.0
    latency_ms: float = 0.0
    hint: str | None = None
    streams: tuple[StreamStatus, ...] = ()
    provider_note: str | None = None
    one_sound: bool = False

    @property
    def samples_lost(self) -> int:
        """Samples that never came of the stream that lost most, at the model's rate."""
        return max((stream.samples_lost for stream in self.streams), default=0)


class Severity(StrEnum):
    """How much an alert matters."""

    INFO = "info"
    WARNING = "warning"
    CRITICAL = "critical"


@dataclass(frozen=True, slots=True)
class Alert:
    """A rule's condition came true.

    ``stream`` is None where the rule watches the conversation as a whole. What the rule looks for
    held from ``start_sample`` on, it had held long enough (cool-down over) at ``true_sample``, and
    the audio up to ``fired_sample`` showed that. ``message`` is one sentence for a person,
    ``values`` what was measured; ``sound`` tells whether the alert should be heard, too.
    """

    rule: str
    kind: str
    severity: Severity
    stream: str | None
    role: Role | None
    start_sample: int
    true_sample: int
    fired_sample: int
    message: str
    values: tuple[tuple[str, float], ...] = ()
    sound: bool = False


@dataclass(frozen=True, slots=True)
class AlertEnded:
    """What an alert (the one of this rule, stream and ``fired_sample``) was about is over."""

    rule: str
    stream: str | None
    fired_sample: int
    end_sample: int


@dataclass(frozen=True, slots=True)
class Remark:
    """What a person noted about a run while it went on, at a sample of it."""

    text: str
    at_sample: int


Event = FeatureBlock | Prediction | Segment | EngineStatus | Alert | AlertEnded | Remark


@dataclass(frozen=True, slots=True, kw_only=True)
class AnalysisFacts:
    """What answers were made of and with, and what their numbers mean.

    ``rate`` (Hz) is that of all sample indices, ``labels`` are in the order of the probabilities.
    """

    source: str = ""
    model: str
    provider: str = ""
    labels: tuple[str, ...]
    rate: int
    hop_samples: int
    window_samples: int

    @property
    def hop_s(self) -> float:
        """Seconds from one answer to the next."""
        return self.hop_samples / self.rate

    @property
    def window_s(self) -> float:
        """Seconds that one answer hears."""
        return self.window_samples / self.rate


@dataclass(frozen=True, slots=True, kw_only=True)
class RunFacts(AnalysisFacts):
    """What a run is, from start to stop.

    `infers_agents` tells whether emotion is inferred on streams with the agent's role, too;
    `provider_note` is what there was to say of the processor when the model was loaded; anything
    else in a status is news.
    """

    infers_agents: bool = False
    provider_note: str | None = None
