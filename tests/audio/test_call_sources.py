"""Calls as sources: two channels, two files, and what telephones record."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import soundfile as sf
import soxr
from hypothesis import given, settings
from hypothesis import strategies as st

from emolive.audio.call import CallFiles, CallSource, RecordedCall, Side
from emolive.audio.decoding import audio_extensions
from emolive.audio.files import FileSource
from emolive.audio.ring import SampleRing
from emolive.audio.source import RecordedSource, SourceFormat, SourceState
from emolive.errors import AudioDeviceError, AudioFileError
from emolive.types import FloatArray, Role
from tests.engine.fakes import FakeClock, FakeSource


def tone(hz: float, seconds: float, rate: int) -> FloatArray:
    t = np.arange(round(seconds * rate)) / rate
    return (0.4 * np.sin(2 * np.pi * hz * t)).astype(np.float32)


def whole(source: RecordedSource, seconds: float = 60) -> tuple[SourceFormat, FloatArray]:
    found = source.open()
    ring = SampleRing(round(seconds * found.sampling_rate), len(found.streams))
    source.start(ring)
    while source.pump(ring):
        pass
    samples = ring.read(0).samples
    assert source.status().state is SourceState.ENDED
    source.close()
    return found, samples


@pytest.fixture
def stereo(tmp_path: Path) -> Path:
    path = tmp_path / "call.wav"
    sf.write(path, np.stack((tone(300, 1, 8_000), tone(500, 1, 8_000)), axis=1), 8_000)
    return path


# One source, two channels.


@pytest.mark.parametrize("agent", ["left", "right"])
def test_a_stereo_file_is_a_call_with_roles(stereo: Path, agent: Side) -> None:
    call = RecordedCall(FileSource(stereo, paced=False, channels="split"), agent)
    found, samples = whole(call)
    names = ("agent", "customer") if agent == "left" else ("customer", "agent")
    assert found.streams == names
    assert found.roles == tuple(Role(name) for name in names)
    assert found.recorded
    assert found.sampling_rate == found.native_rate(0) == 8_000
    np.testing.assert_array_equal(samples, sf.read(stereo, dtype="float32")[0])
    assert call.name == "call.wav"
    assert call.duration_s == 1.0
    assert not call.failed


def test_a_mono_recording_says_that_parties_cannot_be_told_apart(tmp_path: Path) -> None:
    path = tmp_path / "mono.wav"
    sf.write(path, tone(300, 1, 8_000), 8_000)
    call = CallSource(FileSource(path, paced=False, channels="split"))
    with pytest.raises(AudioFileError, match=r"mono\.wav has one channel.*told apart"):
        call.open()
    assert call.status().state is SourceState.CLOSED


def test_more_than_two_channels_are_no_call(tmp_path: Path) -> None:
    path = tmp_path / "four.wav"
    sf.write(path, np.zeros((800, 4)), 8_000)
    with pytest.raises(AudioFileError, match="4 channels, a call has two"):
        CallSource(FileSource(path, paced=False, channels="split")).open()


def test_a_stereo_device_is_a_call() -> None:
    device = FakeSource(48_000, ("left", "right"), "headset")
    call = CallSource(device, "right")
    assert call.open() == SourceFormat(48_000, ("customer", "agent"), (Role.CUSTOMER, Role.AGENT))
    ring = SampleRing(480, 2)
    call.start(ring)
    device.feed(np.ones((48, 2), np.float32))
    assert ring.written == 48
    device.lose("gone.")
    assert call.status().message == "gone."
    call.close()
    assert device.closed == 1


def test_a_mono_device_is_no_call() -> None:
    device = FakeSource()
    with pytest.raises(AudioDeviceError, match="told apart"):
        CallSource(device).open()
    assert device.closed == 1


# Two files.


@settings(max_examples=15)
@given(
    rates=st.tuples(*[st.sampled_from([8_000, 11_025, 16_000, 44_100])] * 2),
    lengths=st.tuples(*[st.floats(0.05, 1.5)] * 2),
    block_s=st.sampled_from([0.01, 0.1, 0.7]),
)
def test_two_files_are_one_source_at_the_higher_rate(
    tmp_path_factory: pytest.TempPathFactory,
    rates: tuple[int, int],
    lengths: tuple[float, float],
    block_s: float,
) -> None:
    folder = tmp_path_factory.mktemp("pair")
    paths = folder / "agent.wav", folder / "customer.wav"
    for path, rate, length, hz in zip(paths, rates, lengths, (200, 350), strict=True):
        sf.write(path, tone(hz, length, rate), rate, subtype="FLOAT")
    found, samples = whole(CallFiles(*paths, paced=False, block_s=block_s))
    top = max(rates)
    assert found == SourceFormat(
        top, ("agent", "customer"), (Role.AGENT, Role.CUSTOMER), rates, recorded=True
    )
    n = max(len(soxr.resample(sf.read(p)[0], r, top)) for p, r in zip(paths, rates, strict=True))
    assert len(samples) == pytest.approx(n, abs=2)
    for channel, (path, rate) in enumerate(zip(paths, rates, strict=True)):
        alone = sf.read(path, dtype="float32")[0]
        wanted = alone if rate == top else soxr.resample(alone, rate, top, quality="HQ")
        k = min(len(wanted), len(samples))
        np.testing.assert_allclose(samples[:k, channel], wanted[:k], atol=1e-4)
        assert not samples[len(wanted) + 2 :, channel].any()


def test_the_end_of_the_shorter_one_is_told(tmp_path: Path) -> None:
    sf.write(tmp_path / "a.wav", tone(300, 1, 8_000), 8_000)
    sf.write(tmp_path / "b.wav", tone(300, 4, 8_000), 8_000)
    call = CallFiles(tmp_path / "a.wav", tmp_path / "b.wav", paced=False)
    whole(call)
    assert not call.failed
    assert "a.wav ends 3 s before b.wav" in (call.status().message or "")
    assert call.name == "a.wav + b.wav"
    assert call.duration_s == 4.0


def test_one_that_breaks_off_does_not_end_the_other(tmp_path: Path) -> None:
    sf.write(tmp_path / "a.flac", tone(300, 4, 8_000), 8_000)
    whole_bytes = (tmp_path / "a.flac").read_bytes()
    (tmp_path / "a.flac").write_bytes(whole_bytes[: len(whole_bytes) // 2])
    sf.write(tmp_path / "b.flac", tone(300, 4, 8_000), 8_000)
    call = CallFiles(tmp_path / "a.flac", tmp_path / "b.flac", paced=False)
    _, samples = whole(call)
    assert len(samples) == 4 * 8_000
    assert call.failed
    assert "a.flac is damaged or cut short" in (call.status().message or "")


def test_a_missing_one_is_named_and_the_other_closed(tmp_path: Path) -> None:
    sf.write(tmp_path / "a.wav", tone(300, 1, 8_000), 8_000)
    with pytest.raises(AudioFileError, match=r"b\.wav does not exist"):
        CallFiles(tmp_path / "a.wav", tmp_path / "b.wav", paced=False).open()


def test_a_pair_loops_and_opens_again(tmp_path: Path) -> None:
    for name, hz in (("a", 300), ("b", 500)):
        sf.write(tmp_path / f"{name}.wav", tone(hz, 0.5, 8_000), 8_000)
    call = CallFiles(tmp_path / "a.wav", tmp_path / "b.wav", paced=False, loop=True)
    for _ in range(2):
        ring = SampleRing(30_000, len(call.open().streams))
        call.start(ring)
        while ring.written < 12_000:
            assert call.pump(ring)
        got = ring.read(0, 12_000).samples
        once = np.stack([sf.read(tmp_path / f"{n}.wav", dtype="float32")[0] for n in "ab"], axis=1)
        np.testing.assert_array_equal(got, np.tile(once, (3, 1)))
    call.close()


def test_a_paced_pair_keeps_time(tmp_path: Path) -> None:
    sf.write(tmp_path / "a.wav", tone(300, 0.4, 8_000), 8_000)
    sf.write(tmp_path / "b.wav", tone(300, 0.2, 16_000), 16_000)
    clock = FakeClock()
    call = CallFiles(tmp_path / "a.wav", tmp_path / "b.wav", paced=True, clock=clock)
    ring = SampleRing(16_000, len(call.open().streams))
    call.start(ring)
    assert call.pump(ring)
    assert ring.written == 0
    clock.now += 0.25
    assert call.pump(ring)
    assert ring.written == 3_200  # whole blocks of 0.1 s
    clock.now += 1.0
    assert not call.pump(ring)
    assert call.status().state is SourceState.ENDED
    assert ring.written == 6_400
    call.close()


# What telephones record.


@pytest.mark.parametrize(
    ("name", "settings_"),
    [
        ("call.wav", {"subtype": "ULAW"}),
        ("call.wav", {"subtype": "ALAW"}),
        ("call.au", {"subtype": "ULAW"}),
        ("call.au", {"subtype": "ALAW"}),
        ("call.ulaw", {"subtype": "ULAW", "format": "RAW"}),
        ("call.UL", {"subtype": "ULAW", "format": "RAW"}),
        ("call.al", {"subtype": "ALAW", "format": "RAW"}),
        ("call.pcma", {"subtype": "ALAW", "format": "RAW"}),
    ],
)
def test_g711_is_read_as_what_it_is(tmp_path: Path, name: str, settings_: dict[str, str]) -> None:
    said = tone(440, 1, 8_000)
    path = tmp_path / name
    sf.write(path, said, 8_000, **settings_)
    found, samples = whole(FileSource(path, paced=False))
    assert found.sampling_rate == 8_000
    # Eight bits, companded: about 38 dB below the tone.
    assert np.abs(samples[:, 0] - said).max() < 0.02
    assert path.suffix[1:].lower() in audio_extensions()


@pytest.mark.corpora
def test_the_real_call(corpora: Path) -> None:
    paths = [corpora / "calls" / f"auto_repairs_40_{who}.flac" for who in ("agent", "caller")]
    if not all(path.is_file() for path in paths):
        pytest.skip("no calls in the corpora")
    call = CallFiles(paths[0], paths[1], paced=False)
    found, samples = whole(call, 300)
    assert found.native_rates == (8_000, 8_000)
    assert len(samples) / 8_000 == pytest.approx(245.4, abs=0.1)
    assert not call.failed
    for channel, path in enumerate(paths):
        np.testing.assert_array_equal(samples[:, channel], sf.read(path, dtype="float32")[0])
