"""Files as a source: what they deliver, paced and flat out."""

from __future__ import annotations

import struct
import subprocess
import sys
import threading
import time
import tracemalloc
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import soundfile as sf
from hypothesis import given, settings
from hypothesis import strategies as st

from emolive.audio.files import FileSource
from emolive.audio.ring import SampleRing
from emolive.audio.source import AudioSource, SourceFormat, SourceState
from emolive.types import FloatArray


def sound(rate: int, seconds: float, channels: int = 1) -> FloatArray:
    """Noise that fades, different in each channel."""
    n = round(rate * seconds)
    noise = np.random.default_rng(channels).uniform(-0.5, 0.5, (n, channels))
    return (noise * np.linspace(1, 0.2, n)[:, None]).astype(np.float32)


def pump_all(source: FileSource, seconds: float = 60) -> tuple[SourceFormat, FloatArray]:
    format_ = source.open()
    ring = SampleRing(round(seconds * format_.sampling_rate), len(format_.streams))
    source.start(ring)
    while source.pump(ring):
        assert source.status().state is SourceState.RUNNING
    assert source.status().state is SourceState.ENDED
    source.close()
    assert source.status().state is SourceState.CLOSED
    return format_, ring.read(0).samples


def await_state(source: AudioSource, state: SourceState, seconds: float = 20) -> None:
    deadline = time.monotonic() + seconds
    while source.status().state is not state:
        assert time.monotonic() < deadline, source.status()
        time.sleep(0.005)


@pytest.mark.parametrize("rate", [8_000, 16_000, 44_100, 96_000])
@pytest.mark.parametrize(
    ("suffix", "settings_"),
    [
        ("wav", {"subtype": "PCM_16"}),
        ("wav", {"subtype": "FLOAT"}),
        ("flac", {"subtype": "PCM_24"}),
        ("aiff", {}),
        ("ogg", {}),
        ("mp3", {}),
        ("opus", {"format": "OGG", "subtype": "OPUS"}),
    ],
)
def test_delivers_exactly_what_is_in_the_file(
    tmp_path: Path, rate: int, suffix: str, settings_: dict[str, Any]
) -> None:
    if suffix == "opus":
        rate = min(rate, 48_000) if rate != 44_100 else 24_000
    if suffix == "mp3" and rate == 96_000:
        rate = 48_000
    path = tmp_path / f"sound.{suffix}"
    sf.write(path, sound(rate, 1.23), rate, **settings_)
    expected, _ = sf.read(path, dtype="float32", always_2d=True)
    format_, got = pump_all(source := FileSource(path, paced=False))
    assert format_ == SourceFormat(rate, ("mono",), recorded=True)
    # The MP3 decoder rounds a last bit differently when asked for the whole file at once.
    np.testing.assert_allclose(got, expected, rtol=0, atol=1e-6 if suffix == "mp3" else 0)
    assert not source.failed
    assert source.status().message is None
    assert source.duration_s == pytest.approx(1.23, abs=0.1)


def test_decoders_have_nothing_to_complain_about(
    tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    sf.write(tmp_path / "a.mp3", sound(16_000, 5), 16_000)
    pump_all(FileSource(tmp_path / "a.mp3", paced=False))
    assert capfd.readouterr() == ("", "")


def test_nothing_is_left_open_when_the_program_ends() -> None:
    code = "from emolive.audio.decoder_messages import silenced\nwith silenced(): pass"
    done = subprocess.run(
        [sys.executable, "-X", "dev", "-c", code], capture_output=True, text=True, check=True
    )
    assert done.stderr == ""


@pytest.mark.parametrize("channels", [2, 6])
def test_channels_are_mixed_unless_asked_otherwise(tmp_path: Path, channels: int) -> None:
    path = tmp_path / "sound.wav"
    signal = sound(16_000, 0.5, channels)
    sf.write(path, signal, 16_000, subtype="FLOAT")
    format_, mixed = pump_all(FileSource(path, paced=False))
    assert format_.streams == ("mono",)
    np.testing.assert_allclose(mixed[:, 0], signal.mean(axis=1), atol=1e-6)
    format_, split = pump_all(FileSource(path, paced=False, channels="split"))
    names = ("left", "right") if channels == 2 else ("ch1", "ch2", "ch3", "ch4", "ch5", "ch6")
    assert format_.streams == names
    np.testing.assert_array_equal(split, signal)


def test_mono_split_is_mono(tmp_path: Path) -> None:
    sf.write(tmp_path / "a.wav", sound(16_000, 0.1), 16_000)
    format_, _ = pump_all(FileSource(tmp_path / "a.wav", paced=False, channels="split"))
    assert format_.streams == ("mono",)


@pytest.mark.parametrize("seconds", [1 / 16_000, 0.05, 0.1, 0.1000625])
def test_short_files_are_whole(tmp_path: Path, seconds: float) -> None:
    signal = sound(16_000, seconds)
    sf.write(tmp_path / "a.wav", signal, 16_000, subtype="FLOAT")
    _, got = pump_all(FileSource(tmp_path / "a.wav", paced=False))
    np.testing.assert_array_equal(got, signal)


@settings(max_examples=40)
@given(block_s=st.floats(0.00001, 2.0), n=st.integers(1, 5_000))
def test_block_size_changes_nothing(
    tmp_path_factory: pytest.TempPathFactory, block_s: float, n: int
) -> None:
    path = tmp_path_factory.getbasetemp() / "blocks.wav"
    signal = sound(8_000, n / 8_000)
    sf.write(path, signal, 8_000, subtype="FLOAT")
    _, got = pump_all(FileSource(path, paced=False, block_s=block_s))
    np.testing.assert_array_equal(got, signal)


def test_blocks_have_the_size_asked_for(tmp_path: Path) -> None:
    sf.write(tmp_path / "a.wav", sound(16_000, 1.05), 16_000)
    source = FileSource(tmp_path / "a.wav", paced=False, block_s=0.25)
    source.open()
    ring = SampleRing(16_000, 1)
    ends = []
    while source.pump(ring):
        ends.append(ring.written)
    source.close()
    assert ends == [4_000, 8_000, 12_000, 16_000, 16_800]


def long_file(path: Path, hours: float) -> int:
    """An 8-bit telephone recording of pure silence, sparse on disk; returns its frames."""
    n = round(hours * 3600) * 8_000
    header = struct.pack(
        "<4sI4s4sIHHIIHH4sI",
        b"RIFF", 36 + n, b"WAVE", b"fmt ", 16, 1, 1, 8_000, 8_000, 1, 8, b"data", n,
    )  # fmt: skip
    path.write_bytes(header)
    with path.open("r+b") as file:
        file.truncate(len(header) + n)
    return n


def peak_memory(path: Path) -> int:
    source = FileSource(path, paced=False, block_s=1.0)
    ring = SampleRing(8_000, 1)
    tracemalloc.start()
    try:
        source.open()
        while source.pump(ring):
            pass
        return tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
        source.close()


def test_memory_does_not_grow_with_the_file(tmp_path: Path) -> None:
    n = long_file(tmp_path / "two_hours.wav", 2)
    long_file(tmp_path / "a_minute.wav", 1 / 60)
    source = FileSource(tmp_path / "two_hours.wav", paced=False)
    source.open()
    assert source.duration_s == n / 8_000 == 2 * 3600
    source.close()
    short = peak_memory(tmp_path / "a_minute.wav")
    long = peak_memory(tmp_path / "two_hours.wav")
    assert long < short * 1.05 + 20_000
    assert long < 2_000_000


def test_numbers_that_are_none_become_silence_and_are_counted(tmp_path: Path) -> None:
    signal = sound(16_000, 0.5, 2)
    damaged = signal.copy()
    damaged[100, 0] = np.nan
    damaged[200, 1] = np.inf
    damaged[5_000, :] = (-np.inf, 1e30)
    sf.write(tmp_path / "nan.wav", damaged, 16_000, subtype="FLOAT")
    source = FileSource(tmp_path / "nan.wav", paced=False, channels="split")
    _, got = pump_all(source)
    damaged[~(np.abs(damaged) < 1e9)] = 0
    np.testing.assert_array_equal(got, damaged)
    assert not source.failed
    assert source.status().message == (
        "nan.wav: 4 samples were not finite numbers and were taken as silence."
    )


def test_loop_begins_again_without_a_gap(tmp_path: Path) -> None:
    signal = sound(16_000, 0.33)
    sf.write(tmp_path / "a.flac", signal, 16_000)
    expected, _ = sf.read(tmp_path / "a.flac", dtype="float32", always_2d=True)
    source = FileSource(tmp_path / "a.flac", paced=False, loop=True)
    source.open()
    ring = SampleRing(60_000, 1)
    while ring.written < 3 * len(signal):
        assert source.pump(ring)
    source.close()
    np.testing.assert_array_equal(
        ring.read(0, 3 * len(signal)).samples, np.concatenate([expected] * 3)
    )


def test_open_again_begins_at_the_beginning(tmp_path: Path) -> None:
    sf.write(tmp_path / "a.wav", sound(16_000, 0.5), 16_000)
    source = FileSource(tmp_path / "a.wav", paced=False)
    _, first = pump_all(source)
    ring = SampleRing(16_000, 1)
    source.open()
    source.pump(ring)
    _, again = pump_all(source)
    np.testing.assert_array_equal(first, again)


def test_paced_file_keeps_time(tmp_path: Path) -> None:
    """Nothing comes early, the end comes on time, and the content is the file's."""
    rate, seconds, now = 16_000, 1.2, [100.0]
    signal = sound(rate, seconds)
    sf.write(tmp_path / "a.wav", signal, rate, subtype="FLOAT")
    source = FileSource(tmp_path / "a.wav", paced=True, block_s=0.05, clock=lambda: now[0])
    source.open()
    ring = SampleRing(rate * 2, 1)
    source.start(ring)
    while source.pump(ring):
        behind = now[0] - 100.0 - ring.written / rate
        assert -1e-9 <= behind <= 0.05 + 1e-9, "a block at most"
        now[0] += 0.005
    source.close()
    np.testing.assert_array_equal(ring.read(0).samples, signal)
    assert seconds - 1e-9 <= now[0] - 100.0 <= seconds + 0.01


def test_paced_file_that_is_late_catches_up_without_losing_a_frame(tmp_path: Path) -> None:
    rate, now = 16_000, [100.0]
    signal = sound(rate, 30)
    sf.write(tmp_path / "a.wav", signal, rate, subtype="FLOAT")
    source = FileSource(tmp_path / "a.wav", paced=True, clock=lambda: now[0])
    source.open()
    ring = SampleRing(4 * rate, 1)
    source.start(ring)
    now[0] += 1_000  # whoever asks was away
    heard = []
    while True:
        more = source.pump(ring)
        # Never more at once than the ring can hand on.
        read = ring.read(sum(map(len, heard)))
        assert read.lost == 0
        heard.append(read.samples)
        if not more:
            break
    assert source.status().state is SourceState.ENDED
    assert not source.pump(ring)
    np.testing.assert_array_equal(np.concatenate(heard), signal)
    source.close()


def test_a_paced_file_has_no_thread_and_close_ends_it(tmp_path: Path) -> None:
    sf.write(tmp_path / "a.wav", sound(16_000, 30), 16_000)
    source = FileSource(tmp_path / "a.wav", paced=True, loop=True, block_s=5)
    before = set(threading.enumerate())
    source.open()
    ring = SampleRing(16_000, 1)
    source.start(ring)
    assert source.pump(ring)
    assert not set(threading.enumerate()) - before
    source.close()
    assert source.status().state is SourceState.CLOSED
    source.close()


def test_paced_file_that_fails_says_so(tmp_path: Path) -> None:
    class Full(SampleRing):
        def write(self, block: FloatArray) -> None:
            raise OSError(f"no room for {len(block)} frames")

    now = [0.0]
    sf.write(tmp_path / "a.wav", sound(16_000, 1), 16_000)
    source = FileSource(tmp_path / "a.wav", paced=True, block_s=0.02, clock=lambda: now[0])
    source.open()
    ring = Full(10, 1)
    source.start(ring)
    assert source.pump(ring)  # nothing is due yet
    now[0] = 1.0
    assert not source.pump(ring)
    assert source.status().state is SourceState.ENDED
    source.close()
    assert source.failed
    assert "a.wav" in str(source.status().message)
    assert "no room" in str(source.status().message)


def test_misuse_is_refused(tmp_path: Path) -> None:
    sf.write(tmp_path / "a.wav", sound(16_000, 0.2), 16_000)
    ring = SampleRing(10, 1)
    flat = FileSource(tmp_path / "a.wav", paced=False)
    with pytest.raises(RuntimeError, match="not open"):
        flat.pump(ring)
    with pytest.raises(RuntimeError, match="not open"):
        flat.start(ring)
    flat.open()
    with pytest.raises(ValueError, match="2 ring channels"):
        flat.start(SampleRing(10, 2))
    flat.start(ring)
    with pytest.raises(RuntimeError, match="already running"):
        flat.start(ring)
    flat.close()
    with pytest.raises(RuntimeError, match="not open"):
        flat.pump(ring)
    with pytest.raises(ValueError, match="block_s"):
        FileSource(tmp_path / "a.wav", paced=True, block_s=0)
