"""The inputs by the names that their system shows."""

from __future__ import annotations

import ctypes
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
import soundfile as sf

from emolive.audio import inputs, portaudio
from emolive.audio.arrivals import devices_there
from emolive.audio.beside import computer_is_heard, microphone_and_computer
from emolive.audio.devices import InputDevice
from emolive.audio.inputs import find_input, input_key, input_title, list_inputs
from emolive.audio.level_probe import LevelProbe, ProbeStatus
from emolive.audio.loopback import find_loopback, list_loopbacks, open_loopback
from emolive.audio.microphone import Microphone
from emolive.audio.ring import SampleRing
from emolive.audio.source import SourceState
from tests.pulse import MICROPHONE, MICROPHONE_NAME, SINK, PulseServer
from tests.waiting import until

OTHER = "other"


@pytest.fixture
def computer(pulse: PulseServer) -> Iterator[PulseServer]:
    """Two microphones, each of which hears an output of its own."""
    pytest.importorskip("pulsectl")
    pulse.add_sink(OTHER)
    pulse.add_microphone("headset", "USB Headset Mono", OTHER)
    with pulse.in_this_process():
        yield pulse


@pytest.mark.portaudio
@pytest.mark.usefixtures("computer")
def test_the_sound_servers_inputs_have_its_names_and_come_once() -> None:
    found = list_inputs()
    assert [device.name for device in found][:2] == [MICROPHONE_NAME, "USB Headset Mono"]
    assert [device.is_default for device in found] == [True, False, False, False]
    assert [device.monitor for device in found] == [False, False, True, True]
    assert len({device.index for device in found}) == len({device.name for device in found}) == 4
    assert not {"pulse", "default", "sysdefault"} & {device.name for device in found}
    assert input_title(found[1]) == "USB Headset Mono"
    assert input_title(found[2]).endswith("(what this computer plays)")
    for device in found:
        for wanted in (device.index, device.name, device.source, input_key(device, found)):
            assert find_input(wanted) == device
    assert find_input("headset mono") == found[1]
    assert find_input("pulse").host_api == "ALSA", "names of PortAudio mean what they always did"


@pytest.mark.portaudio
def test_the_source_that_was_chosen_is_the_one_that_is_heard(
    computer: PulseServer, tone: Path
) -> None:
    chosen = ("USB Headset Mono, PulseAudio", None, "headset")
    probes = [LevelProbe(lambda wanted=wanted: Microphone(wanted)) for wanted in chosen]
    monitor = find_loopback(list_loopbacks("linux"), f"{OTHER}.monitor")
    probes.append(LevelProbe(lambda: open_loopback(monitor)))
    for probe in probes:
        probe.start()
    try:
        with computer.play(tone, sink=OTHER) as player:
            heard = (0, 2, 3)
            until(lambda: all(probes[n].status().level_dbfs > -20 for n in heard))
            assert probes[1].status().level_dbfs < -100, "the default one hears another output"
            player.kill()
    finally:
        for probe in probes:
            assert probe.close(60)


@pytest.mark.portaudio
def test_a_source_that_goes_away_is_lost_and_not_another_one_heard(computer: PulseServer) -> None:
    microphone = Microphone("USB Headset Mono, PulseAudio")
    rate = microphone.open().sampling_rate
    assert microphone.name == "USB Headset Mono"
    microphone.start(SampleRing(rate, 1))
    try:
        computer.remove_microphone("headset")
        until(lambda: microphone.status().state is SourceState.LOST)
        assert "USB Headset Mono" in (microphone.status().message or "")
        computer.add_microphone("headset", "USB Headset Mono", OTHER)
        assert microphone.open().sampling_rate == rate
    finally:
        microphone.close()


@pytest.mark.portaudio
def test_a_level_tells_silence_from_sound_and_what_is_too_loud(
    computer: PulseServer, tmp_path: Path
) -> None:
    t = np.arange(30 * 48_000) / 48_000
    loud = tmp_path / "loud.wav"
    sf.write(loud, np.sign(np.sin(2 * np.pi * 300 * t)), 48_000, subtype="FLOAT")
    probe = LevelProbe(lambda: microphone_and_computer(MICROPHONE_NAME))
    probe.start()

    def streams() -> dict[str, tuple[bool, bool]]:
        return {one.stream: (one.silent, one.clipped) for one in probe.status().streams}

    try:
        silent = {"microphone": (True, False), "computer": (True, False)}
        until(lambda: streams() == silent)
        assert probe.status().zeros, "of a microphone that is a fault"
        with computer.play(loud, sink=SINK) as player:
            both = {"microphone": (False, True), "computer": (False, True)}
            until(lambda: streams() == both)
            player.kill()
        until(lambda: streams() == silent)
    finally:
        assert probe.close(60)


@pytest.mark.portaudio
@pytest.mark.usefixtures("computer")
def test_silence_of_what_is_played_is_no_fault_and_an_unknown_input_a_sentence() -> None:
    monitor = find_loopback(list_loopbacks("linux"), None)
    assert monitor.name == f"{SINK}.monitor", "that of the default output"
    played, unknown = (
        LevelProbe(lambda: open_loopback(monitor)),
        LevelProbe(lambda: Microphone("x")),
    )
    for probe in (played, unknown):
        probe.start()
    try:
        until(lambda: any(one.silent for one in played.status().streams))
        assert not played.status().zeros
        until(lambda: unknown.status() != ProbeStatus())
        assert "No audio input is called" in (unknown.status().problem or "")
    finally:
        assert played.close(60)
        assert unknown.close(60)


@pytest.mark.portaudio
def test_what_comes_and_goes_is_noticed(computer: PulseServer) -> None:
    before = devices_there()
    assert devices_there() == before
    computer.remove_microphone("headset")
    assert devices_there() != before
    computer.add_microphone("headset", "USB Headset Mono", OTHER)
    assert devices_there() == before
    assert MICROPHONE in {device.source for device in list_inputs()}


def test_windows_and_macs_tell_how_many_there_are(monkeypatch: pytest.MonkeyPatch) -> None:
    counts = [2, 3]
    library = SimpleNamespace(
        waveInGetNumDevs=lambda: counts[0], waveOutGetNumDevs=lambda: counts[1]
    )
    monkeypatch.setattr(ctypes, "WinDLL", lambda _: library, raising=False)
    before = devices_there("win32")
    assert before is not None
    counts[0] += 1
    assert devices_there("win32") != before
    there = [b"\x01\0\0\0\x02\0\0\0"]

    def get(
        _id: object, _address: object, _n: object, _no: object, size: object, out: object
    ) -> int:
        out.raw = there[0]
        size._obj.value = len(there[0])
        return 0

    monkeypatch.setattr(ctypes, "CDLL", lambda _: SimpleNamespace(AudioObjectGetPropertyData=get))
    before = devices_there("darwin")
    assert before == there[0]
    there[0] += b"\x03\0\0\0"
    assert devices_there("darwin") != before
    monkeypatch.setattr(ctypes, "CDLL", lambda _: SimpleNamespace())
    assert devices_there("darwin") is None
    assert devices_there("plan9") is None


def _device(index: int, name: str, host_api: str, *, default: bool = False) -> InputDevice:
    return InputDevice(index, name, host_api, 2, 48_000, default)


def test_windows_lists_each_device_once_by_its_whole_name(monkeypatch: pytest.MonkeyPatch) -> None:
    devices = [
        _device(0, "Microsoft Sound Mapper - Input", "MME"),
        _device(1, "Microphone (Yeti Stereo Microph", "MME", default=True),
        _device(7, "Microphone (Yeti Stereo Microphone)", "Windows DirectSound"),
        _device(12, "Headset (Jabra Evolve2 65)", "Windows WASAPI"),
        _device(13, "Microphone (Yeti Stereo Microphone)", "Windows WASAPI"),
        _device(20, "Microphone (Yeti Stereo Microphone)", "Windows WDM-KS"),
    ]
    apis = [
        {"name": "MME", "default_input_device": 1},
        {"name": "Windows WASAPI", "default_input_device": 13},
    ]
    monkeypatch.setattr(inputs, "list_devices", lambda **_: devices)
    monkeypatch.setattr(portaudio, "query", lambda: ([], apis, 1))
    found = list_inputs(platform="win32")
    assert [device.index for device in found] == [12, 13]
    assert [device.is_default for device in found] == [False, True]
    assert find_input(None, "win32") == found[1]
    assert find_input("yeti", "win32") == found[1]
    kept = find_input("Microphone (Yeti Stereo Microph, MME", "win32")
    assert kept.index == 1, "what was chosen before means what it meant"
    assert not computer_is_heard(found)
    apis[1]["name"] = "none"
    assert list_inputs(platform="win32") == [
        one for one in devices if one.host_api == "Windows WASAPI"
    ], "even where no default is known"


def test_without_a_sound_server_cards_are_listed_without_converters(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    devices = [
        _device(0, "HDA Intel PCH: ALC257 Analog (hw:0,0)", "ALSA"),
        _device(4, "sysdefault", "ALSA"),
        _device(5, "samplerate", "ALSA"),
        _device(6, "default", "ALSA", default=True),
    ]
    monkeypatch.setattr(inputs, "list_devices", lambda **_: devices)
    monkeypatch.setattr(inputs, "alsa_device", lambda _: None)
    assert [device.index for device in list_inputs(platform="linux")] == [0, 6]
    monkeypatch.setattr(inputs, "list_devices", lambda **_: devices[1:])
    assert [device.index for device in list_inputs(platform="linux")] == [4, 5, 6]
    assert find_input("samplerate", "linux").index == 5
