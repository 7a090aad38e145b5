"""A stand-in for the engine: the window's interfaces, real dataclasses, no threads, no waiting."""

from __future__ import annotations

import math
import threading
from collections.abc import Iterator, Mapping, Sequence
from typing import ClassVar

import numpy as np

from emolive import resources
from emolive.acoustics import SPECTROGRAM
from emolive.audio.level_probe import LevelProbe, MakeSource, ProbeStatus
from emolive.audio.output import SilentOutput
from emolive.audio.source import AudioSource
from emolive.engine.hub import Mailbox
from emolive.explain.explainer import Explainer
from emolive.features import log_mel
from emolive.monitoring import RunSettings
from emolive.monitoring.sources import SourceChoice
from emolive.session.playback import Track
from emolive.session.player import Player
from emolive.settings import Settings, ThemeChoice
from emolive.types import (
    EngineState,
    EngineStatus,
    Event,
    FeatureBlock,
    FloatArray,
    Prediction,
    RunFacts,
    SpeechState,
    StreamStatus,
)
from emolive.ui.preferences import Preferences
from emolive.ui.runs import Run, Runs

LABELS = ("neutral", "calm", "happy", "sad", "angry", "fearful", "disgust", "surprised")
SPEC = SPECTROGRAM
RATE = SPEC.sampling_rate
WINDOW = 3 * RATE
BLOCK = 640  # 40 ms


def run_facts(hop_s: float = 0.5, labels: tuple[str, ...] = LABELS) -> RunFacts:
    """What a run of the fake says about itself."""
    return RunFacts(
        source="feed",
        model="tiny",
        provider="CPU",
        labels=labels,
        rate=RATE,
        window_samples=WINDOW,
        hop_samples=round(hop_s * RATE),
    )


def status(
    state: EngineState, streams: Sequence[str] = ("mono",), **fields: object
) -> EngineStatus:
    """A status with plausible values; `fields` replace them."""
    values: dict[str, object] = {
        "source": "feed",
        "provider": "CPU",
        "model": "tiny",
        "latency_ms": 14.0,
        "streams": tuple(StreamStatus(name) for name in streams),
    }
    return EngineStatus(state, **(values | fields))  # type: ignore[arg-type]


def block(start: int, n: int = BLOCK, stream: str = "mono", **fields: object) -> FeatureBlock:
    """Features of `n` samples of noise from `start` on."""
    rng = np.random.default_rng(start)
    frames = n // SPEC.hop_length
    values: dict[str, object] = {
        "log_mel": rng.normal(-4, 2, (SPEC.n_mels, frames)).astype(np.float32),
        "level_dbfs": -24.0,
        "peak_dbfs": -12.0,
        "speech": True,
    }
    return FeatureBlock(stream, start, start + n, **(values | fields))  # type: ignore[arg-type]


def prediction(
    end: int,
    state: SpeechState = SpeechState.SPEECH,
    label: str = "angry",
    share: float = 0.7,
    stream: str = "mono",
    labels: tuple[str, ...] = LABELS,
) -> Prediction:
    """A window that ends at sample `end`; `label` gets `share`, the others the rest."""
    silent = state in (SpeechState.SILENCE, SpeechState.NOT_INFERRED)
    probabilities = np.full(len(labels), (1 - share) / (len(labels) - 1), np.float32)
    probabilities[labels.index(label)] = share
    return Prediction(
        stream,
        end - WINDOW,
        end,
        None if silent else probabilities,
        state,
        label if state is SpeechState.SPEECH else None,
        0.0 if silent else share,
        0.0 if silent else 0.9,
        0.014,
    )


def preferences(theme: ThemeChoice = "light", **values: Mapping[str, object]) -> Preferences:
    """Settings that nobody saves; `values` by part."""
    settings = Settings().with_values("look", theme=theme).with_values("window", guide_done=True)
    settings = settings.with_values("sound", muted=True)
    settings = settings.with_values("privacy", level_before=False)
    for part, chosen in values.items():
        settings = settings.with_values(part, **chosen)
    return Preferences(settings)


class Inbox(Mailbox):
    """A mailbox in which all that is told waits."""

    def __init__(self) -> None:
        super().__init__(1_000_000, "drop_oldest")

    def put(self, *events: Event) -> None:
        for event in events:
            super().put(event)


class FakeProbe(LevelProbe):
    """An input that hears somebody speak, and remembers that it was let go."""

    made: ClassVar[list[FakeProbe]] = []

    def __init__(self, make: MakeSource) -> None:
        self._make = make
        self.now = ProbeStatus(-22.0)
        self.open = False
        self.made.append(self)

    @property
    def source(self) -> AudioSource:
        """What it would listen to."""
        return self._make()

    def start(self) -> None:
        self.open = True

    def status(self) -> ProbeStatus:
        return self.now

    def close(self, timeout: float = 1.0) -> bool:
        assert timeout >= 0
        self.open = False
        return True


class FakePlayer(Player):
    """A player on an output without sound."""

    def __init__(self, output: str | None = None) -> None:
        self.wanted = output
        path = resources.asset(resources.DEMO_AUDIO)
        super().__init__([Track("demo", path)], RATE, 10 * RATE, SilentOutput())


class FakeRun(Run):
    """A run that says what the test tells it to say."""

    inbox: Inbox

    def __init__(self, facts: RunFacts, explainer: Explainer | None = None) -> None:
        super().__init__(facts, Inbox())
        self.explainer = explainer
        self.started = threading.Event()
        self.stopped = threading.Event()

    @property
    def alive(self) -> bool:
        return self.started.is_set() and not self.stopped.is_set()

    def start(self) -> None:
        self.started.set()
        self.inbox.put(status(EngineState.STARTING, ()))

    def stop(self, timeout: float) -> None:
        assert timeout > 0
        if not self.stopped.is_set():
            self.stopped.set()
            self.inbox.put(status(EngineState.STOPPED))


class FakeRuns(Runs):
    """Prepares fake runs; `gate` holds preparation back until it is set, `error` breaks it."""

    def __init__(self, facts: RunFacts | None = None) -> None:
        super().__init__(RunSettings())
        self.facts = facts or run_facts()
        self.gate = threading.Event()
        self.gate.set()
        self.error: Exception | None = None
        self.made: list[tuple[SourceChoice, bool, FakeRun]] = []
        self.closed = False
        self.settings: RunSettings | None = None
        self.explainer: Explainer | None = None

    def use(self, settings: RunSettings) -> None:
        super().use(settings)
        self.settings = settings

    @property
    def run(self) -> FakeRun:
        return self.made[-1][2]

    def prepare(self, choice: SourceChoice, *, split: bool) -> FakeRun:
        assert self.gate.wait(60)
        if self.error is not None:
            raise self.error
        run = FakeRun(self.facts, self.explainer)
        self.made.append((choice, split, run))
        return run

    def close(self) -> None:
        self.closed = True


def audio_events(
    samples: FloatArray, stream: str = "mono", start: int = 0, *, heard: bool = False
) -> Iterator[Event]:
    """Feature blocks of real audio at the model rate, `start` samples into the stream.

    `heard`: with the audio itself, as the engine passes it on.
    """
    frames = log_mel(samples, SPEC)
    per_block = BLOCK // SPEC.hop_length
    for first in range(0, frames.shape[1] - per_block + 1, per_block):
        at = first * SPEC.hop_length
        piece = samples[at : at + BLOCK]
        level = 10 * math.log10(max(1e-12, float(np.mean(piece**2))))
        peak = 20 * math.log10(max(1e-6, float(np.abs(piece).max())))
        yield FeatureBlock(
            stream,
            start + at,
            start + at + BLOCK,
            frames[:, first : first + per_block],
            level,
            peak,
            level > -45,
            samples=piece if heard else None,
        )


def mood_events(
    seconds: float, stream: str = "mono", hop_s: float = 0.5, seed: int = 0, start_s: float = 0.0
) -> Iterator[Prediction]:
    """Decisions that wander between emotions, with silences and doubts, like a conversation."""
    rng = np.random.default_rng(seed)
    logits = rng.normal(0, 1, len(LABELS))
    hop = round(hop_s * RATE)
    shown: str | None = None
    silent_until = doubtful_until = -1.0
    for end in range(WINDOW, round(seconds * RATE) + 1, hop):
        at = end / RATE
        logits = logits * 0.93 + rng.normal(0, 0.62, len(LABELS))
        shares = np.exp(1.25 * logits - (1.25 * logits).max())
        shares = (shares / shares.sum()).astype(np.float32)
        if rng.random() < 0.03 * hop_s / 0.5:
            silent_until = at + rng.uniform(2, 5)
        if rng.random() < 0.03 * hop_s / 0.5:
            doubtful_until = at + rng.uniform(2, 5)
        best = int(shares.argmax())
        if shown is None or shares[best] > shares[LABELS.index(shown)] + 0.1:
            shown = LABELS[best]
        window_end = end + round(start_s * RATE)
        about = (stream, window_end - WINDOW, window_end)
        if at < silent_until:
            yield Prediction(*about, None, SpeechState.SILENCE, None, 0.0, 0.02, 0.014)
        elif at < doubtful_until:
            flat = (0.5 * shares + 0.5 / len(LABELS)).astype(np.float32)
            top = float(flat.max())
            yield Prediction(*about, flat, SpeechState.UNCERTAIN, None, top, 0.7, 0.014)
        else:
            top = float(shares[LABELS.index(shown)])
            yield Prediction(*about, shares, SpeechState.SPEECH, shown, top, 0.9, 0.014)
