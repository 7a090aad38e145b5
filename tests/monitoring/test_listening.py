"""A run that goes on is heard: on the output that was chosen, at its volume, and behind nothing."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator

import numpy as np
import pytest
import soxr

from emolive.audio import portaudio
from emolive.audio.output import ChosenOutput, SilentOutput, list_outputs
from emolive.audio.ring import SampleRing
from emolive.audio.source import SourceFormat
from emolive.engine.capture import LiveAudio
from emolive.monitoring.listening import Listening, _RingReader
from emolive.types import FloatArray
from tests.pulse import SINK, PulseServer
from tests.waiting import until

RATE = 16_000
OTHER = "emolive_other"


class Talk:
    """A run whose source writes noise in real time, 0.1 s at once, as a file does."""

    def __init__(self, seconds: float, streams: tuple[str, ...] = ("mono",)) -> None:
        rng = np.random.default_rng(3)
        low = rng.uniform(-0.4, 0.4, (round(seconds * RATE) * 3 // 8, len(streams)))
        self.sound = soxr.resample(low, RATE * 3 // 8, RATE).astype(np.float32)
        self.ring = SampleRing(10 * RATE, len(streams))
        self.audio: LiveAudio | None = LiveAudio(SourceFormat(RATE, streams), self.ring, 0)
        self.over = False
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._talk)

    def _talk(self) -> None:
        begin, block = time.monotonic(), RATE // 10
        for n, at in enumerate(range(0, len(self.sound), block)):
            if self._stop.wait(max(0.0, begin + 0.1 * n - time.monotonic())):
                break
            self.ring.write(self.sound[at : at + block])
        self.over = True

    def __enter__(self) -> Talk:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stop.set()
        self._thread.join()


class Ear:
    """What a sink plays, from its monitor."""

    def __init__(self, sink: str) -> None:
        self.blocks: list[FloatArray] = []
        self._stream = portaudio.open_input(
            environment={"PULSE_SOURCE": f"{sink}.monitor"}, device="pulse", samplerate=RATE,
            channels=1, dtype="float32", callback=self._callback,
        )  # fmt: skip
        self._stream.start()

    def _callback(self, frames: FloatArray, n: int, times: object, flags: object) -> None:  # noqa: ARG002
        self.blocks.append(frames[:, 0].copy())

    @property
    def heard(self) -> FloatArray:
        return np.concatenate(self.blocks) if self.blocks else np.zeros(0, np.float32)

    def __enter__(self) -> Ear:
        return self

    def __exit__(self, *_: object) -> None:
        portaudio.close_stream(self._stream)


def likeness(part: FloatArray, whole: FloatArray) -> float:
    """1.0 where `part` is somewhere in `whole`, but for its level."""
    n = len(whole) + len(part)
    product = np.fft.irfft(np.fft.rfft(whole, n) * np.conj(np.fft.rfft(part, n)), n)
    at = int(product.argmax())
    there = whole[at : at + len(part)]
    norm = float(np.linalg.norm(part[: len(there)]) * np.linalg.norm(there))
    return float(product[at]) / max(norm, 1e-9)


@pytest.fixture
def sound_card(pulse: PulseServer) -> Iterator[PulseServer]:
    pulse.add_sink(OTHER)
    with pulse.in_this_process():
        yield pulse


@pytest.mark.portaudio
def test_it_is_heard_on_the_chosen_output_alone(sound_card: PulseServer) -> None:  # noqa: ARG001
    outputs = list_outputs()
    assert {output.key for output in outputs} == {f"pulse:{SINK}", f"pulse:{OTHER}"}
    assert [output.key for output in outputs if output.is_default] == [f"pulse:{SINK}"]
    with Ear(OTHER) as ear, Ear(SINK) as nobody, Talk(4.0) as talk:
        listening = Listening(talk, ChosenOutput(f"pulse:{OTHER}"), volume=0.5)
        listening.start()
        until(lambda: listening.ended)
        assert listening.status().error is None
        time.sleep(0.3)
        heard, other = ear.heard, nobody.heard
    assert not other.any()
    said = talk.sound[:, 0]
    # A busy machine may break the sound somewhere: some second of it is whole.
    pieces = [said[at : at + RATE] for at in range(RATE // 2, 3 * RATE, RATE // 2)]
    best = max(pieces, key=lambda piece: likeness(piece, heard))
    assert likeness(best, heard) > 0.9
    loud = np.sqrt(np.mean(np.square(heard[np.abs(heard) > 1e-4])))
    assert 0.3 < loud / np.sqrt(np.mean(said**2)) < 0.7, "at half the volume"


@pytest.mark.portaudio
def test_an_output_that_is_not_there_is_one_sentence(sound_card: PulseServer) -> None:  # noqa: ARG001
    with Talk(1.0) as talk:
        listening = Listening(talk, ChosenOutput("pulse:gone"))
        listening.start()
        until(lambda: listening.ended)
        error = listening.status().error or ""
    assert "gone" in error
    assert error.count(".") == 1


class Collecting(SilentOutput):
    """Keeps what it plays."""

    def __init__(self) -> None:
        super().__init__()
        self.taken: list[FloatArray] = []

    def open(self, pull: Callable[[FloatArray, float], None]) -> None:
        def collect(out: FloatArray, at: float) -> None:
            pull(out, at)
            self.taken.append(out.copy())

        super().open(collect)


def test_one_stream_can_be_heard_alone() -> None:
    output = Collecting()
    with Talk(3.0, ("agent", "customer")) as talk:
        listening = Listening(talk, output, streams=("customer",))
        listening.start()
        until(lambda: listening.ended)
    heard = np.concatenate(output.taken)
    assert likeness(talk.sound[RATE : 2 * RATE, 1], heard) > 0.9
    assert likeness(talk.sound[RATE : 2 * RATE, 0], heard) < 0.3


def test_who_comes_late_hears_the_present_and_closing_is_silence() -> None:
    output = Collecting()
    with Talk(4.0) as talk:
        until(lambda: talk.ring.written >= 2 * RATE)
        listening = Listening(talk, output)
        listening.start()
        until(lambda: len(output.taken) > 50)
        assert listening.close(60)
        count = len(output.taken)
        time.sleep(0.2)
        assert len(output.taken) == count
    heard = np.concatenate(output.taken)
    assert likeness(talk.sound[: RATE // 2, 0], heard) < 0.3
    assert np.abs(heard).max() > 0.1


@pytest.mark.parametrize("error", [-1e-3, 0.0, 1e-3])
def test_the_clock_of_the_output_is_followed(error: float) -> None:
    """Five minutes against an output that counts faster or slower: nothing is missed."""
    ring = SampleRing(10 * RATE, 1)
    audio = LiveAudio(SourceFormat(RATE, ("mono",)), ring, 0)

    class Run:
        over = False

    run = Run()
    run.audio = audio  # type: ignore[attr-defined]
    listening = Listening(run, SilentOutput())  # type: ignore[arg-type]
    listening._rate = 48_000
    reader = _RingReader(audio, 48_000, whole=False)
    block = np.zeros((RATE // 10, 1), np.float32)
    out = np.empty(960, np.float32)
    played = 0.0
    for tick in range(3000):
        ring.write(block)
        ready_s = (listening._added - listening._taken) / 48_000
        listening._add(reader.read(None, ready_s if listening._flowing else 0.15))
        while played < (tick + 1) * 0.1 * (1 + error):
            listening._pull(out, 0.0)
            played += len(out) / 48_000
    status = listening.status()
    assert status.underruns <= 1, "the first blocks at most"
    assert status.left_out_s == 0.0
