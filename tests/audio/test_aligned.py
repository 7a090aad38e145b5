"""Two devices with clocks of their own on one timeline, in simulated time."""

from __future__ import annotations

import threading
import time
from pathlib import Path

import numpy as np
import pytest
import soundfile as sf

from emolive.audio.aligned import AlignedSource, Input
from emolive.audio.device_clock import DeviceClock
from emolive.audio.files import FileSource
from emolive.audio.jobs import OnTheSpot
from emolive.audio.ring import SampleRing
from emolive.audio.source import SourceFormat, SourceState
from emolive.errors import AudioDeviceError
from emolive.types import FloatArray, Role
from tests.audio.devices_in_time import Clock, DeviceInTime, clicks

STEP_S = 0.05


class Bench:
    """Two devices, the source they make, and what comes out of it."""

    def __init__(
        self,
        *,
        ppm: tuple[float, float] = (0, 0),
        rates: tuple[int, int] = (8_000, 8_000),
        loopback: bool = False,
    ) -> None:
        """`loopback`: the second one hears what is played."""
        self.clock = Clock()
        self.devices = tuple(
            DeviceInTime(self.clock, clicks(1.0), rate=rate, ppm=off, name=name, seed=seed)
            for seed, (rate, off, name) in enumerate(zip(rates, ppm, ("mic", "loop"), strict=True))
        )
        self.devices[1].loopback = loopback
        self.source = AlignedSource(
            (
                Input(self.devices[0], "agent", Role.AGENT),
                Input(self.devices[1], "customer", Role.CUSTOMER),
            ),
            clock=self.clock,
            runner=OnTheSpot(),
            threaded=False,
        )
        self.format = self.source.open()
        self.rate = self.format.sampling_rate
        self.ring = SampleRing(60 * self.rate, 2)
        self.source.start(self.ring)
        self._cursor = 0
        self._tail = np.empty((0, 2), np.float32)

    def run(self, seconds: float, step_s: float = STEP_S) -> None:
        for _ in range(round(seconds / step_s)):
            self.clock.now += step_s
            for device in self.devices:
                device.deliver()
            self.source.step()

    def heard(self) -> tuple[FloatArray, FloatArray]:
        """Times (s) of the clicks that came out of each channel since the last look."""
        read = self.ring.read(self._cursor)
        assert read.lost == 0
        samples = np.concatenate((self._tail, read.samples))
        start = read.start - len(self._tail)
        self._cursor = read.end
        # What might be a click cut in two is looked at next time.
        keep = round(0.02 * self.rate)
        self._tail = samples[-keep:].copy()
        found = []
        for channel in (0, 1):
            sound = samples[:-keep, channel]
            peaks = np.flatnonzero(
                (sound[1:-1] > 0.3) & (sound[1:-1] >= sound[:-2]) & (sound[1:-1] > sound[2:])
            )
            found.append((start + peaks + 1) / self.rate)
        return found[0], found[1]


def off_ms(times: FloatArray) -> FloatArray:
    """How far clicks are from the whole seconds where they belong, in milliseconds."""
    return 1000 * (times - np.round(times))


# Drift.


@pytest.mark.parametrize(
    ("minutes", "ppm", "rates"),
    [
        # Left alone, the two would be 1.4 s apart in the end.
        (60, (200.0, -200.0), (8_000, 8_000)),
        (8, (-200.0, 200.0), (8_000, 16_000)),
    ],
)
def test_opposite_drift_stays_together(
    minutes: int, ppm: tuple[float, float], rates: tuple[int, int]
) -> None:
    bench = Bench(ppm=ppm, rates=rates)
    assert bench.format == SourceFormat(
        max(rates), ("agent", "customer"), (Role.AGENT, Role.CUSTOMER), rates
    )
    worst = 0.0
    for minute in range(minutes):
        bench.run(60, step_s=0.1)
        for half in bench.heard():
            assert 58 <= len(half) <= 62
            worst = max(worst, float(np.abs(off_ms(half)).max()))
            if minute >= 5:
                assert np.ptp(off_ms(half)) < 3.0
    assert worst < 25  # so that the two are less than 50 ms apart
    assert bench.source.status().lost_s == (0.0, 0.0)
    assert bench.ring.written / bench.rate == pytest.approx(60 * minutes, abs=0.5)


def test_both_are_where_they_belong_from_the_first_second() -> None:
    bench = Bench(ppm=(120, -80), rates=(44_100, 48_000))
    bench.run(10)
    agent, customer = bench.heard()
    assert bench.rate == 48_000
    assert len(agent) == len(customer) == 9
    # Their delays differ by a part of a block.
    assert np.abs(off_ms(agent) - off_ms(customer)).max() < 25
    assert np.abs(off_ms(agent)).max() < 25


def test_nothing_is_added_to_the_sound() -> None:
    """The ratio moves without a seam: a tone stays a tone."""
    bench = Bench(ppm=(150, -150))
    for device in bench.devices:
        device._sound = lambda times: np.sin(2 * np.pi * 500 * times).astype(np.float32)
    bench.run(2)
    start = bench.ring.written
    bench.run(30)
    tone = bench.ring.read(start).samples[:, 0]
    spectrum = np.abs(np.fft.rfft(tone * np.hanning(len(tone)))) ** 2
    peak = int(spectrum.argmax())
    near = spectrum[peak - 400 : peak + 401].sum()
    assert spectrum.sum() / near < 1 + 1e-5


# What goes wrong.


def test_lost_blocks_become_silence_and_the_timeline_stays() -> None:
    bench = Bench(ppm=(50, -50))
    bench.run(20)
    bench.devices[0].drop(0.3)
    bench.run(20)
    agent, customer = bench.heard()
    assert len(customer) >= 38
    late = agent[agent > 25]
    assert len(late) >= 13
    assert np.abs(off_ms(late)).max() < 25
    assert 0.2 < bench.source.status().lost_s[0] < 0.5
    assert bench.source.status().lost_s[1] == 0.0


def test_a_short_stall_loses_nothing() -> None:
    bench = Bench()
    bench.run(10)
    bench.devices[1].stall(0.4)
    bench.run(10)
    agent, customer = bench.heard()
    assert len(agent) == len(customer) >= 18
    assert bench.source.status().lost_s == (0.0, 0.0)
    assert np.abs(off_ms(customer)).max() < 25


def test_a_long_stall_is_silence_and_the_other_goes_on() -> None:
    bench = Bench()
    bench.run(10)
    bench.devices[1].stall(5)
    bench.run(4)
    # The other one is not kept waiting.
    assert bench.ring.written / bench.rate > 14 - 0.9
    bench.run(20)
    agent, customer = bench.heard()
    assert len(agent) >= 32
    assert np.abs(off_ms(customer[customer > 17])).max() < 25
    assert bench.source.status().state is SourceState.RUNNING
    assert bench.source.status().lost_s[0] == 0.0
    assert bench.source.status().lost_s[1] == pytest.approx(5, abs=1)


@pytest.mark.parametrize("loopback", [True, False])
def test_a_device_that_pauses_takes_its_place_again(*, loopback: bool) -> None:
    bench = Bench(ppm=(0, 100), loopback=loopback)
    bench.run(10.3)
    bench.devices[1].pause(20.4)
    bench.run(40)
    agent, customer = bench.heard()
    assert len(agent) >= 48
    assert not ((customer > 10.6) & (customer < 30)).any()
    again = customer[customer > 31.9]
    assert len(again) >= 16
    assert np.abs(off_ms(again)).max() < 25
    # Nothing played is no fault; a microphone that delivers nothing has lost it.
    lost_s = 0.0 if loopback else 20.4
    assert bench.source.status().lost_s == (0.0, pytest.approx(lost_s, abs=1.5 * (not loopback)))
    assert bench.source.status().missing == ()
    assert bench.source.status().message is None


def test_a_device_that_never_plays_anything_does_not_stop_the_other() -> None:
    bench = Bench()
    bench.devices[1].pause(1e9)
    bench.run(10)
    agent, customer = bench.heard()
    assert len(agent) >= 8
    assert not len(customer)


# Unplugging.


@pytest.mark.parametrize("which", [0, 1])
def test_an_unplugged_device_is_told_and_the_other_goes_on(which: int) -> None:
    bench = Bench(ppm=(80, -80))
    bench.run(10)
    bench.devices[which].refuses = True
    bench.devices[which].lose()
    bench.run(6)
    status = bench.source.status()
    assert status.state is SourceState.RUNNING
    assert status.missing == (("agent", "customer")[which],)
    assert "stopped: check that it is plugged in" in (status.message or "")
    assert f"{status.missing[0]} is silent and the call goes on" in (status.message or "")
    assert status.lost_s[which] == pytest.approx(6, abs=0.5)
    assert status.lost_s[1 - which] == 0.0
    assert bench.ring.written / bench.rate > 16 - 0.3
    bench.devices[which].refuses = False
    bench.run(20)
    status = bench.source.status()
    assert status.missing == ()
    assert status.message is None
    both = bench.heard()
    assert len(both[1 - which]) >= 34
    again = both[which][both[which] > 19]
    assert len(again) >= 15
    assert np.abs(off_ms(again)).max() < 25
    assert not ((both[which] > 10.5) & (both[which] < 16)).any()


def test_a_device_may_come_back_at_another_rate() -> None:
    bench = Bench(rates=(16_000, 16_000))
    bench.run(5)
    bench.devices[0].lose()
    bench.devices[0].nominal, bench.devices[0].true_rate = 8_000, 8_000.0
    bench.devices[0].block = 160
    bench.run(15)
    agent, _ = bench.heard()
    assert np.abs(off_ms(agent[agent > 8])).max() < 25
    assert bench.rate == 16_000


def test_without_any_device_the_source_is_lost_and_can_be_opened_again() -> None:
    bench = Bench()
    bench.run(5)
    for device in bench.devices:
        device.refuses = True
        device.lose()
    bench.run(0.2)
    status = bench.source.status()
    assert status.state is SourceState.LOST
    assert status.missing == ("agent", "customer")
    bench.source.close()
    with pytest.raises(AudioDeviceError):
        bench.source.open()
    for device in bench.devices:
        device.refuses = False
    bench.source.open()
    ring = SampleRing(20 * bench.rate, 2)
    bench.source.start(ring)
    bench.run(5)
    assert ring.written / bench.rate == pytest.approx(4.8, abs=0.2)
    bench.source.close()
    assert bench.source.status().state is SourceState.CLOSED


def test_for_one_that_stays_away_the_other_gives_way_now_and_then() -> None:
    """PortAudio sees new devices only while none is open."""
    bench = Bench()
    bench.run(5)
    bench.devices[0].refuses = True
    bench.devices[0].lose()
    bench.run(150)
    assert bench.devices[1].opened == 1 + 3  # after some 10, 30 and 90 s
    status = bench.source.status()
    assert status.state is SourceState.RUNNING
    assert status.missing == ("agent",)
    assert 0.0 < status.lost_s[1] < 3 * 1.0
    assert status.lost_s[0] == pytest.approx(150, abs=1)


def test_one_that_is_not_there_at_first_is_an_error_and_the_other_is_closed() -> None:
    clock = Clock()
    good, bad = (DeviceInTime(clock, clicks(1.0), name=name) for name in ("good", "bad"))
    bad.refuses = True
    source = AlignedSource((Input(good, "agent"), Input(bad, "customer")), clock=clock)
    with pytest.raises(AudioDeviceError, match="bad is not connected"):
        source.open()
    assert good.status().state is SourceState.CLOSED


def test_streams_must_have_names_of_their_own() -> None:
    device = DeviceInTime(Clock(), clicks(1.0))
    with pytest.raises(ValueError, match="own"):
        AlignedSource((Input(device, "agent"), Input(device, "agent")))
    with pytest.raises(ValueError, match="own"):
        AlignedSource(())


def test_one_device_alone_is_laid_on_the_clock_too() -> None:
    clock = Clock()
    device = DeviceInTime(clock, clicks(1.0), ppm=150)
    source = AlignedSource(
        (Input(device, "mono"),), clock=clock, runner=OnTheSpot(), threaded=False
    )
    ring = SampleRing(60 * source.open().sampling_rate, 1)
    source.start(ring)
    for _ in range(600):
        clock.now += STEP_S
        device.deliver()
        source.step()
    assert ring.written / 8_000 == pytest.approx(29.8, abs=0.1)


# The clock itself.


@pytest.mark.parametrize("ppm", [-300, 0, 35, 300])
def test_a_clock_learns_its_rate(ppm: float) -> None:
    clock = DeviceClock(48_000)
    rng = np.random.default_rng(1)
    now, seen = 77.0, 0
    while now < 77.0 + 120:
        now += 0.01 + 0.005 * rng.random()
        frames = int((now - 77.0) * 48_000 * (1 + ppm * 1e-6)) // 960 * 960
        if frames != seen:
            seen = frames
            assert not clock.observe(now, frames)
    assert clock.rate == pytest.approx(48_000 * (1 + ppm * 1e-6), rel=1e-5)


def test_a_clock_says_nothing_before_it_has_settled() -> None:
    clock = DeviceClock(8_000)
    assert not clock.ready
    with pytest.raises(RuntimeError, match="settled"):
        clock.frames_at(1.0)


class FileDevice(FileSource):
    """A file that plays itself, as a device does."""

    def start(self, ring: SampleRing) -> None:
        super().start(ring)

        def play() -> None:
            while self.pump(ring):
                time.sleep(0.005)

        threading.Thread(target=play, daemon=True).start()


def test_on_real_clocks_and_a_thread(tmp_path: Path) -> None:
    """Two paced files stand in for devices: one ends first, then the other, then the source."""
    said = {}
    for name, seconds, hz in (("a", 0.8, 300), ("b", 1.6, 500)):
        t = np.arange(round(seconds * 8_000)) / 8_000
        said[name] = (0.4 * np.sin(2 * np.pi * hz * t)).astype(np.float32)
        sf.write(tmp_path / f"{name}.wav", said[name], 8_000, subtype="FLOAT")
    inputs = [
        Input(FileDevice(tmp_path / f"{name}.wav", paced=True, block_s=0.02), name) for name in said
    ]
    source = AlignedSource(inputs)
    ring = SampleRing(8 * 8_000, len(source.open().streams))
    source.start(ring)
    deadline = time.monotonic() + 30
    while source.status().state is SourceState.RUNNING:
        assert time.monotonic() < deadline
        time.sleep(0.02)
    assert source.status().state is SourceState.ENDED
    source.close()
    assert not [t for t in threading.enumerate() if t.name == "emolive align"]
    out = ring.read(0).samples
    for channel, (name, hz) in enumerate((("a", 300), ("b", 500))):
        heard = out[:, channel]
        loud = np.flatnonzero(np.abs(heard) > 0.2)
        # Nothing of it is missing, but for a fade at either end.
        assert (loud[-1] - loud[0]) / 8_000 == pytest.approx(len(said[name]) / 8_000, abs=0.06)
        spectrum = np.abs(np.fft.rfft(heard[loud[0] : loud[-1]]))
        assert spectrum.argmax() * 8_000 / (loud[-1] - loud[0]) == pytest.approx(hz, abs=4)
