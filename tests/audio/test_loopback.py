"""What the computer plays: real monitors of PulseAudio, and WASAPI behind a fake of its library."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
import soundfile as sf

from emolive.audio import loopback as loopbacks_module
from emolive.audio.aligned import AlignedSource, Input
from emolive.audio.devices import InputDevice
from emolive.audio.loopback import (
    LoopbackDevice,
    LoopbackKind,
    find_loopback,
    list_loopbacks,
    open_loopback,
)
from emolive.audio.microphone import Microphone
from emolive.audio.ring import SampleRing
from emolive.audio.source import SourceState
from emolive.audio.wasapi_loopback import WasapiLoopback, list_wasapi_loopbacks
from emolive.errors import AudioDeviceError
from emolive.types import FloatArray
from tests.audio.pyaudiowpatch_fake import FakeWindows
from tests.engine.fakes import FakeClock
from tests.pulse import SINK, PulseServer
from tests.waiting import until

# Which one is meant.

SPEAKERS = LoopbackDevice("a.monitor", "Monitor of Speakers", LoopbackKind.PULSE, 2, 48_000, True)
HEADSET = LoopbackDevice("b.monitor", "Monitor of Headset", LoopbackKind.PULSE, 2, 48_000)


@pytest.mark.parametrize(
    ("wanted", "found"),
    [
        (None, SPEAKERS),
        ("", SPEAKERS),
        ("headset", HEADSET),
        ("b.monitor", HEADSET),
        ("Monitor of Speakers", SPEAKERS),
    ],
)
def test_a_loopback_is_found_by_name_or_part(wanted: str | None, found: LoopbackDevice) -> None:
    assert find_loopback([SPEAKERS, HEADSET], wanted) is found


def test_a_name_that_fits_none_or_several_lists_what_there_is() -> None:
    with pytest.raises(AudioDeviceError, match=r"No loopback.*Monitor of Speakers; Monitor of H"):
        find_loopback([SPEAKERS, HEADSET], "kitchen")
    with pytest.raises(AudioDeviceError, match="Several loopback inputs match"):
        find_loopback([SPEAKERS, HEADSET], "monitor of")


@pytest.mark.parametrize(
    ("platform", "words"),
    [("darwin", "BlackHole"), ("win32", r"emolive\[loopback\]"), ("linux", "libasound2-plugins")],
)
def test_without_any_the_way_out_is_that_of_the_system(platform: str, words: str) -> None:
    with pytest.raises(AudioDeviceError, match=words):
        find_loopback([], None, platform)


@pytest.mark.parametrize(
    ("name", "is_one"),
    [
        ("BlackHole 2ch", True),
        ("Loopback: PCM (hw:2,1)", True),
        ("Stereo Mix (Realtek Audio)", True),
        ("Monitor of Built-in Audio Analog Stereo", True),
        ("alsa_output.pci.analog-stereo.monitor", True),
        ("CABLE Output (VB-Audio Virtual Cable)", True),
        ("MacBook Pro Microphone", False),
        ("Studio Monitor Mic", False),
        ("USB Headset", False),
    ],
)
def test_virtual_devices_are_known_by_their_names(name: str, is_one: bool) -> None:
    assert InputDevice(0, name, "ALSA", 2, 48_000, False).is_loopback is is_one


def test_on_a_mac_a_virtual_device_is_a_loopback(monkeypatch: pytest.MonkeyPatch) -> None:
    devices = [
        InputDevice(0, "MacBook Pro Microphone", "Core Audio", 1, 48_000, True),
        InputDevice(3, "BlackHole 2ch", "Core Audio", 2, 44_100, False),
    ]
    monkeypatch.setattr(loopbacks_module, "list_inputs", lambda **_: devices)
    (found,) = list_loopbacks("darwin")
    assert (found.name, found.index, found.kind) == ("BlackHole 2ch", 3, LoopbackKind.DEVICE)
    source = open_loopback(found)
    assert isinstance(source, Microphone)
    assert source._wanted == 3


# PulseAudio.


@pytest.fixture
def two_outputs(pulse: PulseServer) -> Iterator[PulseServer]:
    """A computer with two outputs, the second of which is not the default."""
    pytest.importorskip("pulsectl")
    pulse.add_sink("headset")
    with pulse.in_this_process():
        yield pulse


def loudness(ring: SampleRing, seconds: float, rate: int) -> float:
    """The level of the newest `seconds` of audio."""
    samples = ring.read(max(0, ring.written - round(seconds * rate))).samples
    return float(np.sqrt(np.mean(np.square(samples))))


@pytest.mark.portaudio
@pytest.mark.usefixtures("two_outputs")
def test_pulse_lists_the_monitors_of_all_outputs() -> None:
    found = list_loopbacks("linux")
    assert [device.name for device in found] == [f"{SINK}.monitor", "headset.monitor"]
    assert [device.is_default for device in found] == [True, False]
    assert all(device.kind is LoopbackKind.PULSE for device in found)
    assert found[0].sampling_rate == 48_000
    assert found[0].channels == 2


@pytest.mark.portaudio
def test_pulse_hears_the_output_that_was_asked_for(two_outputs: PulseServer, tone: Path) -> None:
    headset = find_loopback(list_loopbacks("linux"), "headset")
    sources = {"headset": open_loopback(headset), "default": Microphone()}
    rings, rates = {}, {}
    try:
        for name, source in sources.items():
            found = source.open()
            assert bool(found.loopbacks) == (name == "headset")
            rates[name] = found.sampling_rate
            rings[name] = SampleRing(60 * rates[name], 1)
            source.start(rings[name])
        assert rates["headset"] == headset.sampling_rate
        assert sources["headset"].name == headset.description
        until(lambda: all(ring.written for ring in rings.values()))
        with two_outputs.play(tone, sink="headset") as player:
            until(lambda: loudness(rings["headset"], 0.5, rates["headset"]) > 0.1)
            assert loudness(rings["default"], 1.0, rates["default"]) == 0.0
            player.kill()
    finally:
        for source in sources.values():
            source.close()


@pytest.mark.portaudio
def test_an_output_that_goes_away_is_lost_and_found_again(
    two_outputs: PulseServer, tone: Path
) -> None:
    source = open_loopback(find_loopback(list_loopbacks("linux"), "headset"))
    rate = source.open().sampling_rate
    ring = SampleRing(60 * rate, 1)
    source.start(ring)
    try:
        until(lambda: ring.written > 0)
        two_outputs.remove_sink("headset")
        until(lambda: source.status().state is SourceState.LOST)
        assert "(headset.monitor) is not there any more" in (source.status().message or "")
        source.close()
        with pytest.raises(AudioDeviceError, match="audio input is called"):
            source.open()
        two_outputs.add_sink("headset")
        ring = SampleRing(60 * source.open().sampling_rate, 1)
        source.start(ring)
        with two_outputs.play(tone, sink="headset") as player:
            until(lambda: ring.written > 0 and loudness(ring, 0.5, rate) > 0.1)
            player.kill()
    finally:
        source.close()


@pytest.mark.portaudio
def test_microphone_and_loopback_hear_the_same_click_at_the_same_time(
    two_outputs: PulseServer, tmp_path: Path
) -> None:
    """Both are monitors of one output here, so what differs is their own delays."""
    rate = 48_000
    sound = np.zeros(8 * rate, np.float32)
    for second in range(1, 8):
        at = second * rate
        sound[at : at + 96] = 0.8 * np.hanning(96)
    sf.write(tmp_path / "clicks.wav", sound, rate)
    monitor = find_loopback(list_loopbacks("linux"), None)
    source = AlignedSource(
        (Input(Microphone(), "agent"), Input(open_loopback(monitor), "customer"))
    )
    out = source.open().sampling_rate
    ring = SampleRing(60 * out, 2)
    source.start(ring)
    try:
        until(lambda: ring.written > out)
        start = ring.written
        with two_outputs.play(tmp_path / "clicks.wav") as player:
            assert player.wait(60) == 0
        end = ring.written + out
        until(lambda: ring.written > end)
        assert source.status().state is SourceState.RUNNING
        assert source.status().missing == ()
        samples = ring.read(start).samples
    finally:
        source.close()
    found: list[FloatArray] = []
    for channel in (0, 1):
        loud = np.flatnonzero(np.abs(samples[:, channel]) > 0.2)
        found.append(loud[np.diff(loud, prepend=-out) > out // 10] / out)
    # A machine that is busy may lose a block, and a click with it, but not their order in time.
    assert min(map(len, found)) >= 5
    apart = [float(np.abs(found[1] - at).min()) for at in found[0]]
    assert np.median(apart) < 0.05


@pytest.mark.portaudio
def test_a_call_goes_on_without_the_output_and_has_it_back(
    two_outputs: PulseServer, tone: Path
) -> None:
    headset = find_loopback(list_loopbacks("linux"), "headset")
    source = AlignedSource(
        (Input(Microphone(), "agent"), Input(open_loopback(headset), "customer"))
    )
    found = source.open()
    assert found.loopbacks == ("customer",)
    ring = SampleRing(120 * found.sampling_rate, 2)
    source.start(ring)
    try:
        until(lambda: ring.written > 0)
        two_outputs.remove_sink("headset")
        until(lambda: source.status().missing == ("customer",))
        status = source.status()
        assert status.state is SourceState.RUNNING
        assert "customer is silent and the call goes on" in (status.message or "")
        before = ring.written
        until(lambda: ring.written > before + found.sampling_rate)
        two_outputs.add_sink("headset")
        until(lambda: source.status().missing == ())
        with two_outputs.play(tone, sink="headset") as player:

            def hears_it() -> bool:
                newest = ring.read(max(0, ring.written - found.sampling_rate // 2)).samples
                return bool(np.abs(newest[:, 1]).max() > 0.1)

            until(hears_it)
            player.kill()
        assert source.status().state is SourceState.RUNNING
    finally:
        source.close()


# WASAPI.


@pytest.fixture
def windows(monkeypatch: pytest.MonkeyPatch) -> FakeWindows:
    computer = FakeWindows([("Speakers (Realtek)", 2, 48_000), ("Headset (USB)", 6, 44_100)])
    monkeypatch.setitem(sys.modules, "pyaudiowpatch", computer.module())
    monkeypatch.setattr(loopbacks_module, "list_inputs", lambda **_: [])
    return computer


def listening(name: str = "Headset") -> tuple[WasapiLoopback, SampleRing, FakeClock]:
    clock = FakeClock()
    device = find_loopback(list_loopbacks("win32"), name)
    source = WasapiLoopback(device, clock=clock)
    ring = SampleRing(10 * source.open().sampling_rate, 1)
    source.start(ring)
    return source, ring, clock


def test_wasapi_lists_the_outputs(windows: FakeWindows) -> None:
    windows.default = "Headset (USB)"
    found = list_loopbacks("win32")
    assert [(d.description, d.is_default) for d in found] == [
        ("Headset (USB)", True),
        ("Speakers (Realtek)", False),
    ]
    assert found[0].sampling_rate == 44_100
    assert all(manager.terminated for manager in windows.managers)
    assert isinstance(open_loopback(found[0]), WasapiLoopback)


def test_wasapi_hears_what_is_played_as_mono(windows: FakeWindows) -> None:
    source, ring, _ = listening()
    sound = np.random.default_rng(0).uniform(-1, 1, (882, 6)).astype(np.float32)
    windows.play(sound)
    np.testing.assert_allclose(ring.read(0).samples[:, 0], sound.mean(axis=1), atol=1e-6)
    assert source.status().state is SourceState.RUNNING
    assert source.name == "Headset (USB)"
    windows.play(sound, flags=2)
    assert source.status().overflows == 1
    source.close()
    assert windows.open_streams() == []
    assert all(manager.terminated for manager in windows.managers)


def test_silence_is_played_so_that_the_clock_runs_on(windows: FakeWindows) -> None:
    source, _, _ = listening()
    silence, capture = windows.open_streams()
    assert silence.running
    assert capture.running
    assert silence.arguments["output_device_index"] == 11
    assert silence.arguments["rate"] == 44_100
    assert silence.call(None, 441) == (bytes(441 * 6 * 4), 0)
    source.close()


def test_an_output_that_another_program_has_for_itself_is_heard_all_the_same(
    windows: FakeWindows,
) -> None:
    windows.outputs_taken = True
    source, ring, clock = listening()
    assert len(windows.open_streams()) == 1
    windows.play(np.ones((441, 6), np.float32))
    assert ring.written == 441
    clock.now += 60  # nothing is played: nothing comes, and that is no fault
    assert source.status().state is SourceState.RUNNING
    source.close()


def test_an_output_that_stops_is_lost(windows: FakeWindows) -> None:
    source, _, clock = listening()
    windows.play(np.ones((441, 6), np.float32))
    assert source.status().state is SourceState.RUNNING
    clock.now += 3.5
    assert source.status().state is SourceState.LOST
    assert "delivers no sound any more" in (source.status().message or "")
    windows.outputs.pop()
    with pytest.raises(AudioDeviceError, match="is not connected"):
        source.open()
    assert windows.open_streams() == []
    windows.outputs.append(("Headset (USB)", 2, 48_000))
    assert source.open().sampling_rate == 48_000
    source.close()


def test_a_stream_that_ends_is_lost(windows: FakeWindows) -> None:
    source, _, _ = listening()
    windows.open_streams()[-1].gone = True
    assert source.status().state is SourceState.LOST
    source.close()


def test_a_refusal_is_one_sentence(windows: FakeWindows, monkeypatch: pytest.MonkeyPatch) -> None:
    device = find_loopback(list_loopbacks("win32"), "Speakers")
    source = WasapiLoopback(device)

    def refuse(*_: object, **__: object) -> None:
        raise OSError(-9999, "Unanticipated host error")

    monkeypatch.setattr("tests.audio.pyaudiowpatch_fake.FakePyAudio.open", refuse)
    with pytest.raises(AudioDeviceError, match=r"Speakers \(Realtek\) plays cannot be heard"):
        source.open()
    assert all(manager.terminated for manager in windows.managers)


def test_without_wasapi_or_its_library_there_are_none(
    windows: FakeWindows, monkeypatch: pytest.MonkeyPatch
) -> None:
    device = list_loopbacks("win32")[0]
    windows.has_wasapi = False
    assert list_wasapi_loopbacks() == []
    monkeypatch.setitem(sys.modules, "pyaudiowpatch", None)
    assert list_wasapi_loopbacks() == []
    with pytest.raises(AudioDeviceError, match=r"emolive\[loopback\]"):
        WasapiLoopback(device).open()
