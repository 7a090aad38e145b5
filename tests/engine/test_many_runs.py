"""Several runs at once, in steps: apart from each other, together at the classifier."""

from __future__ import annotations

import subprocess
import sys
import threading
from collections.abc import Callable
from concurrent.futures import Future
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import pytest
import soundfile as sf

from emolive.audio.call import RecordedCall
from emolive.audio.files import FileSource
from emolive.audio.jobs import InTurn, OnTheSpot
from emolive.audio.ring import SampleRing
from emolive.audio.source import SourceFormat
from emolive.engine import AgentPermission, EngineConfig, Mailbox, Monitor
from emolive.engine.live import LiveEngine
from emolive.engine.run import EngineTotals, LiveRun
from emolive.engine.turns import TURN_S, next_up
from emolive.errors import EmoliveError
from emolive.features import normalize
from emolive.inference.classifier import Classifier, OnnxClassifier
from emolive.inference.providers import CPU_BATCH
from emolive.speech.gate import GateConfig
from emolive.speech.silero import SileroVad
from emolive.types import (
    EngineState,
    EngineStatus,
    Event,
    FloatArray,
    ModelOutput,
    Prediction,
    Role,
    Segment,
    SpeechState,
)
from tests.conftest import REPOSITORY
from tests.engine.fakes import (
    FakeClock,
    FakeSource,
    WatchedClassifier,
    advanced,
    refusal,
    until_state,
)

RATE = 16_000
HOP = 8_000
STREAMS = ("agent", "customer")
CALL = SourceFormat(RATE, STREAMS, (Role.AGENT, Role.CUSTOMER))


class Calls:
    """A pool of fake sources that are fed the same seconds at the same time."""

    def __init__(
        self, classifier: Classifier, vad: SileroVad, *, max_runs: int = 8, **config: object
    ) -> None:
        self.clock = FakeClock()
        self.engine = LiveEngine(
            classifier, vad, EngineConfig(**config), max_runs=max_runs,  # type: ignore[arg-type]
            clock=self.clock, opener=OnTheSpot(),
        )  # fmt: skip
        self.sources: dict[str, FakeSource] = {}
        self.boxes: dict[str, Mailbox] = {}

    def add(self, call_id: str, config: EngineConfig | None = None) -> LiveRun:
        source = FakeSource(RATE, STREAMS, f"source of {call_id}")
        source.format = CALL
        call = self.engine.add(call_id, source, config=config)
        self.sources[call_id] = source
        self.boxes[call_id] = call.hub.subscribe(5_000)
        call.start()
        return call

    def step(self) -> None:
        """As many steps as there is something to do right now."""
        while self.engine.step() == 0:
            pass

    def hear(self, speech: FloatArray, begin_s: float, end_s: float) -> None:
        """Feed every running source, each with a stretch of its own."""
        for at in range(round(begin_s * RATE), round(end_s * RATE), HOP):
            for index, (call_id, source) in enumerate(self.sources.items()):
                if not self.engine.run(call_id).over and source.started.is_set():
                    source.feed(self.said(speech, index)[at : at + HOP])
            self.clock.now += HOP / RATE
            self.step()

    @staticmethod
    def said(speech: FloatArray, index: int) -> FloatArray:
        shifted = np.roll(speech, -index * 5 * RATE)
        return np.stack((shifted, np.roll(shifted, -11 * RATE)), axis=1)

    def answers(self, call_id: str, stream: str = "customer") -> list[Prediction]:
        events = self.boxes[call_id].drain()
        return [e for e in events if isinstance(e, Prediction) and e.stream == stream]


def alone(
    classifier: Classifier, vad: SileroVad, samples: FloatArray, stream: str = "customer"
) -> list[Prediction]:
    ring = SampleRing(30 * RATE, 2)
    monitor = Monitor(CALL, ring, classifier, vad, EngineConfig())
    events: list[Event] = []
    for at in range(0, len(samples), HOP):
        ring.write(samples[at : at + HOP])
        events += monitor.step()
    return [e for e in events if isinstance(e, Prediction) and e.stream == stream]


def test_every_call_is_answered_as_if_alone_and_all_share_batches(
    classifier: OnnxClassifier, vad: SileroVad, speech: FloatArray
) -> None:
    watched = WatchedClassifier(classifier)
    calls = Calls(watched, vad)
    for name in "abc":
        calls.add(name)
    calls.step()
    calls.hear(speech, 0, 12)
    for index, name in enumerate("abc"):
        wanted = alone(classifier, vad, calls.said(speech, index)[: 12 * RATE])
        got = calls.answers(name)
        assert [(p.end_sample, p.state, p.label) for p in got] == [
            (p.end_sample, p.state, p.label) for p in wanted
        ]
        assert {p.state for p in got} >= {SpeechState.SPEECH}
    # One window of each customer, none of an agent.
    assert max(watched.batches) == 3
    status = calls.engine.status()
    assert (status.runs, status.running, status.windows_skipped) == (3, 3, 0)
    assert status.windows == 3 * 2 * 19
    calls.engine.close()
    assert calls.engine.status().running == 0
    assert all(source.closed for source in calls.sources.values())


class WatchedVad(SileroVad):
    """Remembers how many streams it was asked about at once."""

    def __init__(self) -> None:
        super().__init__()
        self.streams: list[int] = []

    def run(
        self, chunks: FloatArray, hidden: FloatArray, cell: FloatArray, lengths: np.ndarray
    ) -> tuple[FloatArray, FloatArray, FloatArray]:
        self.streams.append(chunks.shape[1])
        return super().run(chunks, hidden, cell, lengths)


def test_the_voices_of_all_calls_are_judged_together(
    classifier: OnnxClassifier, speech: FloatArray
) -> None:
    watched = WatchedVad()
    calls = Calls(classifier, watched)
    for name in "abc":
        calls.add(name)
    calls.step()
    calls.hear(speech, 0, 5)
    assert watched.streams.count(3 * len(STREAMS)) == 10
    calls.engine.close()


def test_a_detector_that_breaks_fails_the_calls_and_not_the_engine(
    classifier: OnnxClassifier, speech: FloatArray, monkeypatch: pytest.MonkeyPatch
) -> None:
    vad = SileroVad()
    calls = Calls(classifier, vad)
    calls.add("a")
    calls.step()
    with monkeypatch.context() as broken:
        broken.setattr(vad, "judge", None)
        calls.hear(speech, 0, 1)
    assert calls.engine.run("a").status().state is EngineState.FAILED
    calls.add("b")
    calls.step()
    calls.hear(speech, 1, 5)
    assert calls.answers("b")
    calls.engine.close()


def test_batches_are_no_larger_than_allowed(
    classifier: OnnxClassifier, vad: SileroVad, speech: FloatArray
) -> None:
    watched = WatchedClassifier(classifier)
    calls = Calls(watched, vad, max_batch=2)
    for name in "abcde":
        calls.add(name)
    calls.step()
    calls.hear(speech, 0, 6)
    assert max(watched.batches) == 2
    calls.engine.close()


class Noting:
    """Runs jobs one after the other on a thread, and tells when a second one was submitted."""

    def __init__(self) -> None:
        self._thread = InTurn("test classify")
        self._jobs = 0
        self.second = threading.Event()

    def submit(self, job: Callable[[], object]) -> Future[object]:
        self._jobs += 1
        if self._jobs == 2:
            self.second.set()
        return self._thread.submit(job)

    def close(self) -> None:
        self._thread.close()


def test_on_a_card_a_batch_grows_while_another_is_answered(
    classifier: OnnxClassifier,
    vad: SileroVad,
    speech: FloatArray,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Nobody waits for a batch to fill: a classifier that is free begins with a few windows."""
    runner = Noting()
    watched = WatchedClassifier(classifier, lambda: runner.second.wait(60) and None)
    watched.provider = "CUDA"
    calls = Calls(watched, vad, max_runs=20, gate={"enter_ratio": 1e-9, "leave_ratio": 0})
    monkeypatch.setattr(calls.engine, "_runner", runner)
    for number in range(20):
        calls.add(str(number))
    calls.step()
    for index, source in enumerate(calls.sources.values()):
        source.feed(calls.said(speech, index)[: 3 * RATE])
    calls.clock.now += 3
    calls.step()
    calls.engine.close()
    runner.close()
    assert watched.batches == [CPU_BATCH, 20 - CPU_BATCH]
    for name in calls.sources:
        assert [p.end_sample for p in calls.answers(name)] == [3 * RATE]


def test_a_call_that_cannot_open_fails_alone(
    classifier: OnnxClassifier, vad: SileroVad, speech: FloatArray
) -> None:
    calls = Calls(classifier, vad)
    calls.add("good")
    bad = calls.add("bad")
    calls.sources["bad"].refusals = [refusal()]
    calls.step()
    calls.hear(speech, 0, 4)
    assert bad.status().state is EngineState.FAILED
    assert bad.status().reason == str(refusal())
    assert isinstance(bad.error, EmoliveError)
    assert calls.engine.run("good").status().state is EngineState.RUNNING
    assert calls.answers("good")
    assert calls.engine.status().running == 1
    calls.engine.close()


def test_a_source_that_breaks_in_the_middle_ends_its_call_alone(
    classifier: OnnxClassifier, vad: SileroVad, speech: FloatArray, monkeypatch: pytest.MonkeyPatch
) -> None:
    calls = Calls(classifier, vad)
    bad = calls.add("bad")
    calls.add("good")
    calls.step()
    calls.hear(speech, 0, 4)

    def explode() -> None:
        raise ZeroDivisionError("of all things")

    monkeypatch.setattr(calls.sources["bad"], "status", explode)
    calls.hear(speech, 4, 8)
    assert bad.status().state is EngineState.FAILED
    assert "ZeroDivisionError" in (bad.status().reason or "")
    # What was said before is closed properly.
    events = calls.boxes["bad"].drain()
    assert any(isinstance(event, Segment) for event in events)
    assert isinstance(events[-1], EngineStatus)
    assert len(calls.answers("good")) == 11
    calls.engine.close()


def test_a_window_that_the_model_cannot_take_ends_its_call_alone(
    classifier: OnnxClassifier, vad: SileroVad, speech: FloatArray
) -> None:
    class Picky(WatchedClassifier):
        def predict(self, windows: FloatArray) -> ModelOutput:
            if self.poison is not None and (windows == self.poison).all(axis=(1, 2)).any():
                raise EmoliveError("The model stopped working: start again.")
            return super().predict(windows)

        poison: FloatArray | None = None

    picky = Picky(classifier)
    calls = Calls(picky, vad)
    calls.add("a")
    calls.add("b")
    calls.step()
    calls.hear(speech, 0, 3.5)
    ring = SampleRing(30 * RATE, 2)
    twin = Monitor(CALL, ring, classifier, vad, EngineConfig())
    ring.write(calls.said(speech, 0)[: 4 * RATE])
    picky.poison = normalize(advanced(twin).windows[-1].features, classifier.metadata.front_end)
    calls.hear(speech, 3.5, 6)
    assert calls.engine.run("a").status().state is EngineState.FAILED
    assert calls.engine.run("b").status().state is EngineState.RUNNING
    # The other one missed nothing.
    assert [p.end_sample for p in calls.answers("b")] == list(range(3 * RATE, 6 * RATE + 1, HOP))
    calls.engine.close()


def test_a_slow_model_skips_windows_of_all_calls_and_never_falls_behind(
    classifier: OnnxClassifier, vad: SileroVad, speech: FloatArray
) -> None:
    calls: Calls

    def work() -> None:
        calls.clock.now += 0.2

    calls = Calls(
        WatchedClassifier(classifier, work), vad, max_batch=1,
        gate={"enter_ratio": 1e-9, "leave_ratio": 0},
    )  # fmt: skip
    for name in "abcde":
        calls.add(name)
    calls.step()
    begin, fed = calls.clock.now, 0
    # Five windows every half second take a second: every other one is skipped.
    while fed < 20 * RATE:
        spoken = min(20 * RATE, int((calls.clock.now - begin) * RATE))
        for index, source in enumerate(calls.sources.values()):
            source.feed(calls.said(speech, index)[fed:spoken])
        fed = spoken
        calls.clock.now += 0.02
        calls.step()
    status = calls.engine.status()
    assert status.windows_skipped > 0.3 * status.windows
    assert 200 <= status.latency_p50_ms <= 1_600
    assert status.latency_p99_ms <= 2_100
    assert status.lag_s <= 1.5
    calls.engine.close()


class CostlyVad(SileroVad):
    """Hears speech all the time, and takes its time, as everything before the classifier does."""

    def __init__(self, clock: FakeClock, chunk_s: float) -> None:
        super().__init__()
        self._clock = clock
        self._chunk_s = chunk_s

    def run(
        self, chunks: FloatArray, hidden: FloatArray, cell: FloatArray, lengths: np.ndarray
    ) -> tuple[FloatArray, FloatArray, FloatArray]:
        self._clock.now += self._chunk_s * int(lengths.sum())
        return np.ones(chunks.shape[:2], np.float32), hidden, cell


@dataclass(frozen=True)
class Outcome:
    status: EngineTotals
    answers: list[int]
    spacing_s: float
    lag_s: list[float]


def overloaded(classifier: Classifier, path: Path, n_calls: int, seconds: int) -> Outcome:
    """A machine that takes 50 ms for a window with speech, and as much for 1.6 s of a call.

    `spacing_s` is the longest time between two answers of a call, and before the first.
    """
    clock = FakeClock()
    batches: list[int] = []

    def work() -> None:
        clock.now += 0.05 * batches[-1]

    watched = WatchedClassifier(classifier, work)
    batches = watched.batches
    config = EngineConfig(gate=GateConfig(enter_ratio=1e-9, leave_ratio=0))
    vad = CostlyVad(clock, 0.0005)
    engine = LiveEngine(watched, vad, config, max_runs=n_calls, clock=clock, opener=OnTheSpot())
    boxes = []
    for index in range(n_calls):
        file = FileSource(path, paced=True, channels="split", loop=True, clock=clock)
        run = engine.add(str(index), RecordedCall(file))
        boxes.append(run.hub.subscribe(10_000, "conflate"))
        run.start()
    begin, lag_s = clock.now, []
    while clock.now < begin + seconds:
        pause_s = engine.step()  # the clock goes on in it
        clock.now += pause_s
        lag_s.append(engine.status().lag_s)
    status = engine.status()
    answers, spacing_s = [], 0.0
    for box in boxes:
        events = [e for e in box.drain() if isinstance(e, Prediction) and e.stream == "customer"]
        answers.append(len(events))
        ends = [3.0, *(e.end_sample / RATE for e in events), float(seconds)]
        spacing_s = max(spacing_s, *np.diff(ends).tolist())
    engine.close()
    assert engine.status().running == 0
    return Outcome(status, answers, spacing_s, lag_s)


def test_overload_degrades_and_never_collapses(
    classifier: OnnxClassifier, stereo: Callable[[int], Path]
) -> None:
    """Calls for 0.7 to 5 times what the machine can do, in time that only work lets pass."""
    seconds, path = 33, stereo(0)
    outcomes = {n: overloaded(classifier, path, n, seconds) for n in (5, 8, 16, 40)}
    assert outcomes[5].status.windows_skipped == 0
    assert outcomes[5].answers == [2 * (seconds - 3)] * 5
    peak = max(sum(outcome.answers) for outcome in outcomes.values())
    for n_calls, outcome in outcomes.items():
        status, answered = outcome.status, sum(outcome.answers)
        # Every window of both parties is an answer or counted, up to those due right now.
        possible = 2 * n_calls * 2 * (seconds - 3)
        assert 0.95 * possible <= status.windows + status.windows_skipped <= possible + 2 * n_calls
        # Newest first: however many wait, no answer is older than a hop and two batches.
        assert status.latency_p99_ms <= 1_500
        # Everybody is answered equally often, and nobody waits for long.
        fair = answered / n_calls
        assert 0.5 * fair <= min(outcome.answers) <= max(outcome.answers) <= 1.5 * fair + 2
        assert outcome.spacing_s <= 1.4 * TURN_S * n_calls / 8  # about eight at once
        if n_calls > 8:
            assert answered >= 0.8 * peak
            # As far behind as the longest wait, and no further.
            assert outcome.spacing_s - 1.5 <= max(outcome.lag_s) <= outcome.spacing_s


def test_who_keeps_up_goes_on_for_a_turn_and_then_who_waited_longest_begins() -> None:
    @dataclass
    class Waits:
        overdue_s: float
        turn: int
        turn_ends: float = 20.0

    old, new, through = Waits(0.1, 1), Waits(0.4, 7), Waits(0.2, 3, 9.0)
    late, later, ended = Waits(0.6, 2), Waits(3.0, 3), Waits(np.inf, 1)
    # Those who keep up, the newest turn first; an end is seen to before.
    assert next_up([old, late, new, later], 3, 0.5, 10.0) == [new, old]
    assert next_up([old, late, new, ended], 3, 0.5, 10.0) == [ended, new, old]
    assert next_up([old, late, new], 1, 0.5, 10.0) == [new]
    # A turn ends where others wait, and only there.
    assert next_up([through, old, late], 3, 0.5, 10.0) == [old]
    assert next_up([through, old], 3, 0.5, 10.0) == [through, old]
    # Where nobody's turn it is, one begins.
    assert next_up([through, late, later], 3, 0.5, 10.0) == [later]
    assert next_up([late, ended], 1, 0.5, 10.0) == [ended]
    assert next_up([], 4, 0.5, 10.0) == []


def test_a_permission_is_for_one_call(
    classifier: OnnxClassifier, vad: SileroVad, speech: FloatArray
) -> None:
    permission = AgentPermission(
        granted_by="supervisor", granted_at=datetime.now(UTC), statement="I was told that ..."
    )
    calls = Calls(classifier, vad)
    calls.add("allowed", EngineConfig(agent_permission=permission))
    calls.add("usual")
    calls.step()
    calls.hear(speech, 0, 12)
    agents = {name: calls.answers(name, "agent") for name in ("allowed", "usual")}
    assert any(p.probabilities is not None for p in agents["allowed"])
    assert all(p.probabilities is None for p in agents["usual"])
    assert any(p.state is SpeechState.NOT_INFERRED for p in agents["usual"])
    calls.engine.close()


def test_calls_come_and_go(classifier: OnnxClassifier, vad: SileroVad, speech: FloatArray) -> None:
    calls = Calls(classifier, vad)
    for number in range(8):
        calls.add(str(number))
    with pytest.raises(EmoliveError, match="8 calls are monitored already"):
        calls.engine.add("one too many", FakeSource())
    with pytest.raises(ValueError, match="already"):
        calls.engine.add("3", FakeSource())
    calls.step()
    calls.hear(speech, 0, 4)
    calls.engine.remove("3")
    calls.engine.remove("nobody")
    calls.step()
    assert [call.id for call in calls.engine.runs] == ["0", "1", "2", "4", "5", "6", "7"]
    assert calls.sources["3"].closed
    last = calls.boxes["3"].drain()[-1]
    assert isinstance(last, EngineStatus)
    assert last.state is EngineState.STOPPED
    with pytest.raises(KeyError):
        calls.engine.run("3")
    calls.sources["4"].end("the end.")
    calls.clock.now += 1.0
    calls.step()
    assert calls.engine.run("4").over
    assert calls.engine.run("4").status().reason == "the end."
    calls.engine.remove("4")  # over: gone at once
    assert "4" not in [call.id for call in calls.engine.runs]
    calls.engine.add("3", FakeSource())
    calls.engine.close()


# On a thread.


@pytest.fixture
def stereo(tmp_path: Path, speech: FloatArray) -> Callable[[int], Path]:
    def write(index: int) -> Path:
        path = tmp_path / f"call{index}.wav"
        sf.write(path, Calls.said(speech, index)[: 5 * RATE], RATE)
        return path

    return write


def test_a_wall_of_files_runs_to_their_ends(
    classifier: OnnxClassifier, vad: SileroVad, stereo: Callable[[int], Path]
) -> None:
    wall = LiveEngine(classifier, vad)
    boxes = []
    for index in range(3):
        source = RecordedCall(FileSource(stereo(index), paced=True, channels="split"))
        run = wall.add(str(index), source)
        boxes.append(run.hub.subscribe(5_000))
        run.start()
    missing = wall.add("missing", FileSource("missing.wav", paced=True))
    missing.start()
    wall.start()
    assert wall.wait(40)
    assert missing.status().state is EngineState.FAILED
    for index, box in enumerate(boxes):
        last, before = until_state(box, EngineState.STOPPED)
        answers = [e for e in before if isinstance(e, Prediction)]
        assert last.elapsed_s == pytest.approx(5.0)
        assert {p.stream for p in answers} == {"agent", "customer"}
        # At most one window was skipped because the machine was busy.
        assert len(answers) + last.windows_skipped == 2 * 5
        assert wall.run(str(index)).name == f"call{index}.wav"
    assert wall.status().latency_p99_ms > 0
    assert wall.stop()


@pytest.mark.parametrize("stops", [False, True])
def test_a_program_that_ends_while_calls_are_classified_ends_clean(
    classifier: OnnxClassifier, stereo: Callable[[int], Path], stops: bool
) -> None:
    """A thread that the interpreter's end finds inside the model takes the process down."""
    program = f"""
import sys, threading, time
from emolive.audio.call import RecordedCall
from emolive.audio.files import FileSource
from emolive.engine.live import LiveEngine
from emolive.inference.classifier import OnnxClassifier
from emolive.speech.silero import SileroVad
wall = LiveEngine(OnnxClassifier({str(classifier.path)!r}, "cpu"), SileroVad())
for number in range(32):
    file = FileSource({str(stereo(0))!r}, paced=True, channels="split", loop=True)
    wall.add(str(number), RecordedCall(file)).start()
wall.start()
while wall.status().windows < 64:
    time.sleep(0.01)
if {stops}:
    assert wall.stop(60)
    names = [thread.name for thread in threading.enumerate()]
    assert not any(name.startswith("emolive") for name in names), names
"""
    done = subprocess.run(
        [sys.executable, "-c", program], cwd=REPOSITORY, capture_output=True, text=True, check=False
    )
    assert (done.returncode, done.stderr) == (0, "")


def test_a_driver_that_hangs_holds_up_neither_the_others_nor_the_end(
    classifier: OnnxClassifier, vad: SileroVad, stereo: Callable[[int], Path]
) -> None:
    release, over = threading.Event(), threading.Event()

    class Hanging(FakeSource):
        def open(self) -> SourceFormat:
            release.wait(60)
            over.set()
            return super().open()

    wall = LiveEngine(classifier, vad)
    hanging = Hanging()
    stuck = wall.add("stuck", hanging)
    stuck.start()
    source = RecordedCall(FileSource(stereo(0), paced=True, channels="split"))
    good = wall.add("good", source)
    box = good.hub.subscribe(5_000)
    good.start()
    wall.start()
    until_state(box, EngineState.RUNNING)
    assert stuck.status().state is EngineState.STARTING
    assert wall.stop()
    assert not over.is_set()
    assert stuck.status().state is EngineState.STOPPED
    assert good.status().state is EngineState.STOPPED
    release.set()
    with pytest.raises(RuntimeError):
        wall.start()
