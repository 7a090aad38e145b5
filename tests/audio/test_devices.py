"""Which device a person means."""

from __future__ import annotations

import subprocess
import sys

import pytest

from emolive.audio.devices import NO_INPUT, InputDevice, select_device
from emolive.errors import AudioDeviceError


def device(index: int, name: str, host_api: str = "ALSA", default: bool = False) -> InputDevice:
    return InputDevice(index, name, host_api, 2, 48_000, default)


LINUX = [
    device(0, "HDA Intel PCH: ALC257 Analog (hw:0,0)"),
    device(4, "USB Headset: Audio (hw:1,0)"),
    device(5, "USB Headset"),
    device(7, "default", default=True),
]
WINDOWS = [
    device(1, "Microphone (Yeti)", "MME", default=True),
    device(2, "Headset (Jabra)", "MME"),
    device(7, "Microphone (Yeti)", "Windows WASAPI"),
    device(8, "Headset (Jabra)", "Windows WASAPI"),
    device(9, "Line (Jabra)", "Windows WASAPI"),
]


@pytest.mark.parametrize(
    ("devices", "wanted", "index"),
    [
        (LINUX, None, 7),
        (LINUX[:3], None, 0),  # no default: the first
        (LINUX, 4, 4),
        (LINUX, "4", 4),
        (LINUX, " 0 ", 0),
        (LINUX, "alc257", 0),
        (LINUX, "usb headset", 5),  # an exact name wins over a part of another
        (LINUX, "USB Headset: Audio (hw:1,0)", 4),
        (LINUX, "Default", 7),
        (WINDOWS, "jabra", 2),  # the default's host API first
        (WINDOWS, "Headset (Jabra), Windows WASAPI", 8),
        (WINDOWS, "yeti), windows", 7),
        (WINDOWS, "line", 9),
    ],
)
def test_finds_the_one_that_is_meant(
    devices: list[InputDevice], wanted: str | int | None, index: int
) -> None:
    assert select_device(devices, wanted).index == index


@pytest.mark.parametrize("wanted", [3, -1, "3", "webcam", "", "headset, mme"])
def test_unknown_device_lists_what_there_is(wanted: str | int) -> None:
    with pytest.raises(AudioDeviceError) as caught:
        select_device(LINUX, wanted)
    assert str(wanted) in str(caught.value)
    for known in LINUX:
        assert f"{known.index}: {known.name}" in str(caught.value)


def test_ambiguous_name_lists_what_there_is() -> None:
    with pytest.raises(AudioDeviceError, match="Several audio inputs") as caught:
        select_device(LINUX, "hw:")
    assert "4: USB Headset: Audio (hw:1,0)" in str(caught.value)


@pytest.mark.parametrize("wanted", [None, 0, "headset"])
def test_no_input_at_all_names_the_alternatives(wanted: str | int | None) -> None:
    with pytest.raises(AudioDeviceError) as caught:
        select_device([], wanted)
    assert str(caught.value) == NO_INPUT
    assert "the demo (`emolive demo`)" in NO_INPUT, "it is read in the app, too"
    assert "an audio file (`emolive analyze FILE`)" in NO_INPUT


def test_stable_name_survives_another_card_number() -> None:
    first, second = device(4, "USB: Audio (hw:1,0)"), device(9, "USB: Audio (hw:3,0)")
    assert first.stable_name == second.stable_name == "USB: Audio"


@pytest.mark.skipif(sys.platform != "linux", reason="sounddevice brings the library along here")
def test_missing_portaudio_library_says_how_to_install_it() -> None:
    """In a process of its own, where sounddevice finds no library."""
    code = """
import ctypes.util
ctypes.util.find_library = lambda name: None
from emolive.audio.devices import list_devices
from emolive.errors import AudioDeviceError
for attempt in range(2):
    try:
        list_devices()
    except AudioDeviceError as error:
        print(error)
"""
    run = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True, timeout=240
    )
    first, second = run.stdout.splitlines()
    assert first == second
    assert "PortAudio library was not found" in first
    assert "apt install libportaudio2" in first


def test_importing_the_package_does_not_start_portaudio() -> None:
    code = "import emolive.audio.microphone, sys; print('sounddevice' in sys.modules)"
    run = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True, timeout=240
    )
    assert run.stdout.strip() == "False"
