"""Capture through a real PortAudio device."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
import soundfile as sf

from emolive.audio import portaudio
from emolive.audio.devices import NO_INPUT, list_devices
from emolive.audio.inputs import list_inputs
from emolive.audio.microphone import Microphone
from emolive.audio.resampling import StreamResampler
from emolive.audio.ring import SampleRing
from emolive.audio.source import SourceFormat, SourceState
from emolive.errors import AudioDeviceError
from emolive.types import FloatArray
from tests.conftest import SUPPORT_CALL
from tests.pulse import MICROPHONE_NAME, PulseServer
from tests.waiting import until

pytestmark = pytest.mark.portaudio


@pytest.fixture
def sound_card(pulse: PulseServer) -> Iterator[PulseServer]:
    """The sound card, and PortAudio of this process looking at it."""
    with pulse.in_this_process():
        yield pulse


@pytest.fixture(params=["demo", "corpus"])
def speech(request: pytest.FixtureRequest, tmp_path: Path) -> Path:
    """A few seconds of speech as a WAV file at 16 kHz: synthetic, and of a real speaker."""
    clip, first_s = SUPPORT_CALL, 5.0
    if request.param == "corpus":
        corpora: Path = request.getfixturevalue("corpora")
        clip, first_s = next(iter(sorted((corpora / "ravdess").rglob("03-01-05-02-*"))), None), 0.0
        if clip is None:
            pytest.skip("no RAVDESS speech in the corpora")
    with sf.SoundFile(clip) as file:
        rate = file.samplerate
        file.seek(round(first_s * rate))
        signal = file.read(5 * rate, dtype="float32", always_2d=True).mean(axis=1)
    path = tmp_path / "speech.wav"
    sf.write(path, to_16k(signal, rate), 16_000)
    return path


def to_16k(samples: FloatArray, rate: int) -> FloatArray:
    resampler = StreamResampler(rate, 16_000)
    return np.concatenate((resampler.accept(samples), resampler.finish()))


def correlation(captured: FloatArray, played: FloatArray) -> float:
    """Correlation coefficient where the played signal fits best into the captured one."""
    size = 1 << (len(captured) + len(played)).bit_length()
    spectrum = np.fft.rfft(captured, size) * np.conj(np.fft.rfft(played, size))
    products = np.fft.irfft(spectrum, size)[: len(captured) - len(played) + 1]
    start = int(np.argmax(products))
    part = captured[start : start + len(played)]
    return float(np.corrcoef(part, played)[0, 1])


def capture(card: PulseServer, path: Path, microphone: Microphone) -> tuple[SourceFormat, Any]:
    """Play a file and return what the microphone heard meanwhile, ``(n, channels)``."""
    duration = sf.info(path).duration
    format_ = microphone.open()
    try:
        rate = format_.sampling_rate
        ring = SampleRing(round(rate * (duration + 20)), len(format_.streams))
        microphone.start(ring)
        until(lambda: ring.written > 0)
        with card.play(path) as player:
            assert player.wait(duration + 15) == 0
        end = ring.written + rate // 2  # what is still on its way
        until(lambda: ring.written >= end)
        status = microphone.status()
        assert status.state is SourceState.RUNNING
        assert status.overflows == 0
    finally:
        microphone.close()
    assert microphone.status().state is SourceState.CLOSED
    return format_, ring.read(0).samples


def test_hears_the_speech_that_is_played(sound_card: PulseServer, speech: Path) -> None:
    format_, captured = capture(sound_card, speech, Microphone())
    device = next(device for device in list_inputs() if device.is_default)
    assert format_ == SourceFormat(device.sampling_rate, ("mono",))
    played, _ = sf.read(speech, dtype="float32")
    assert correlation(to_16k(captured[:, 0], format_.sampling_rate), played) > 0.99


def test_two_channels_are_kept_apart(sound_card: PulseServer, tmp_path: Path) -> None:
    played = np.random.default_rng(0).uniform(-0.3, 0.3, (32_000, 2)).astype(np.float32)
    sf.write(tmp_path / "stereo.wav", played, 16_000)
    format_, captured = capture(sound_card, tmp_path / "stereo.wav", Microphone("pulse", 2))
    assert format_.streams == ("left", "right")
    # Noise up to 8 kHz loses its last few hundred hertz in the resamplers on the way.
    left, right = (to_16k(captured[:, channel], format_.sampling_rate) for channel in (0, 1))
    assert correlation(left, played[:, 0]) > 0.9
    assert correlation(right, played[:, 1]) > 0.9
    assert correlation(left, played[:, 1]) < 0.1


@pytest.mark.parametrize("how", ["card", "server"])
def test_unplugged_device_is_lost_and_found_again(sound_card: PulseServer, how: str) -> None:
    microphone = Microphone()
    try:
        format_ = microphone.open()
        ring = SampleRing(format_.sampling_rate, 1)
        microphone.start(ring)
        until(lambda: ring.written > 4_000)
        unplug = sound_card.unplug if how == "card" else sound_card.stop
        unplug()
        until(lambda: microphone.status().state is SourceState.LOST)
        assert MICROPHONE_NAME in str(microphone.status().message)
        with pytest.raises(AudioDeviceError) as caught:
            microphone.open()
        assert str(caught.value) == NO_INPUT or "cannot be opened" in str(caught.value)
        sound_card.plug()
        assert microphone.open() == format_
        before = ring.written
        microphone.start(ring)
        until(lambda: ring.written > before + 4_000)
        assert microphone.status().state is SourceState.RUNNING
        assert microphone.status().message is None
    finally:
        microphone.close()


@pytest.mark.skipif(not hasattr(signal, "SIGSTOP"), reason="no such signal here")
def test_sound_system_that_hangs_does_not_hang_the_program(sound_card: PulseServer) -> None:
    microphone = Microphone()
    format_ = microphone.open()
    ring = SampleRing(format_.sampling_rate, 1)
    microphone.start(ring)
    until(lambda: ring.written > 0)
    sound_card.signal(signal.SIGSTOP)
    try:
        begin = time.monotonic()
        until(lambda: microphone.status().state is SourceState.LOST)
        assert "no audio any more" in str(microphone.status().message)
        assert time.monotonic() - begin > 1.0
        microphone.close()  # does not wait for an answer, which nobody gives
        with pytest.raises(AudioDeviceError, match="does not answer"):
            microphone.open()
    finally:
        sound_card.signal(signal.SIGCONT)
    until(portaudio.refresh)  # the stream that hung is closed by now
    microphone.open()
    microphone.start(ring)
    microphone.close()


@pytest.mark.usefixtures("sound_card")
def test_unknown_and_ambiguous_names() -> None:
    with pytest.raises(AudioDeviceError, match="No audio input is called"):
        Microphone("theremin").open()
    with pytest.raises(AudioDeviceError, match="Several audio inputs match") as caught:
        Microphone("t").open()  # microphone and monitor
    assert f"{MICROPHONE_NAME}, PulseAudio" in str(caught.value)


@pytest.mark.usefixtures("sound_card")
def test_device_by_index_and_by_part_of_its_name() -> None:
    index = next(device.index for device in list_devices() if device.name == "pulse")
    for wanted in (index, f" {index} ", "PULS"):
        microphone = Microphone(wanted)
        microphone.open()
        assert microphone.name == "pulse"
        microphone.close()
        microphone.open()  # now by the name it had
        assert microphone.name == "pulse"
        microphone.close()


def test_no_input_names_the_alternatives(sound_card: PulseServer) -> None:
    sound_card.stop()
    assert list_devices(refresh=True) == []
    with pytest.raises(AudioDeviceError) as caught:
        Microphone().open()
    assert str(caught.value) == NO_INPUT


def test_first_open_finds_a_device_that_came_after_the_start(sound_card: PulseServer) -> None:
    sound_card.stop()
    assert list_devices(refresh=True) == []
    sound_card.plug()
    microphone = Microphone()
    microphone.open()
    microphone.close()


@pytest.mark.usefixtures("sound_card")
def test_open_stream_survives_a_look_for_devices() -> None:
    microphone = Microphone()
    ring = SampleRing(48_000, 1)
    microphone.open()
    microphone.start(ring)
    assert list_devices(refresh=True)  # must not re-initialise PortAudio under the stream
    before = ring.written
    until(lambda: ring.written > before)
    assert microphone.status().state is SourceState.RUNNING
    microphone.close()
    microphone.close()


def test_another_program_sees_the_card_through_its_environment(pulse: PulseServer) -> None:
    code = """
import json
from dataclasses import asdict
from emolive.audio.inputs import list_inputs
print(json.dumps([asdict(device) for device in list_inputs()]))
"""
    run = subprocess.run(
        [sys.executable, "-c", code],
        env={**os.environ, **pulse.env}, capture_output=True, text=True, check=True, timeout=240,
    )  # fmt: skip
    assert [device["is_default"] for device in json.loads(run.stdout)].count(True) == 1


class Refusing:
    """Stands for `portaudio.open_input` of a device with a will of its own."""

    def __init__(self, rates: set[int], channels: set[int]) -> None:
        self.rates = rates
        self.channels = channels
        self.opened: list[tuple[int, int]] = []
        self.real = portaudio.open_input

    def __call__(self, **settings: Any) -> Any:
        if settings["samplerate"] not in self.rates or settings["channels"] not in self.channels:
            error = portaudio.load().PortAudioError
            raise error("Error opening InputStream: Invalid sample rate", -9997)
        self.opened.append((settings["samplerate"], settings["channels"]))
        return self.real(**settings)


@pytest.mark.usefixtures("sound_card")
def test_device_that_refuses_its_own_rate_gets_a_usual_one(monkeypatch: pytest.MonkeyPatch) -> None:
    device = Refusing({32_000, 16_000}, {1, 2})
    monkeypatch.setattr(portaudio, "open_input", device)
    microphone = Microphone()
    assert microphone.open().sampling_rate == 32_000
    microphone.close()
    assert device.opened == [(32_000, 1)]


@pytest.mark.usefixtures("sound_card")
def test_device_that_opens_with_all_channels_only_gives_its_first(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(portaudio, "open_input", Refusing({44_100}, {2}))
    microphone = Microphone()
    format_ = microphone.open()
    assert format_.streams == ("mono",)
    ring = SampleRing(44_100, 1)
    microphone.start(ring)
    until(lambda: ring.written > 2_000)
    microphone.close()


@pytest.mark.usefixtures("sound_card")
def test_device_that_refuses_everything_gives_its_reason(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(portaudio, "open_input", Refusing(set(), set()))
    with pytest.raises(AudioDeviceError, match=r"cannot be opened \(Invalid sample rate\): close"):
        Microphone().open()


@pytest.mark.usefixtures("sound_card")
def test_callback_copies_and_counts() -> None:
    microphone = Microphone()
    microphone.open()
    microphone._callback(np.ones((4, 1), np.float32), 4, None, SimpleNamespace(input_overflow=True))
    assert microphone.status().overflows == 1  # no ring yet: counted, nothing written
    ring = SampleRing(10, 1)
    microphone._ring = ring
    block = np.arange(4, dtype=np.float32)[:, None]
    microphone._callback(block, 4, None, SimpleNamespace(input_overflow=False))
    np.testing.assert_array_equal(ring.read(0).samples, block)
    assert microphone.status().overflows == 1
    microphone.close()


@pytest.mark.usefixtures("sound_card")
def test_a_device_that_is_closed_during_its_callback_harms_nothing() -> None:
    ring = SampleRing(8, 1)
    reads = [ring]

    class Released(Microphone):
        """Its ring is cleared right after it was looked at."""

        @property
        def _ring(self) -> SampleRing | None:
            return reads.pop() if reads else None

        @_ring.setter
        def _ring(self, ring: SampleRing | None) -> None:
            pass

    Released()._callback(
        np.ones((4, 1), np.float32), 4, None, SimpleNamespace(input_overflow=False)
    )
    assert ring.written == 4


def test_misuse_is_refused() -> None:
    with pytest.raises(ValueError, match="1 or 2 channels"):
        Microphone(channels=3)
    with pytest.raises(RuntimeError, match="not open"):
        Microphone().start(SampleRing(10, 1))
    with pytest.raises(ValueError, match="ring channels"):
        Microphone().start(SampleRing(10, 2))
