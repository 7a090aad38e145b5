from __future__ import annotations

import errno
from pathlib import Path

import numpy as np
import pytest
import soundfile as sf
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from emolive.session.flac import FlacWriter
from emolive.session.flac_repair import repair
from emolive.types import FloatArray

RATE = 16_000
BLOCK = 1152


def noise(n: int, seed: int = 0) -> FloatArray:
    """Sound whose samples a 24-bit file holds exactly."""
    whole = np.random.default_rng(seed).integers(-(2**23), 2**23, n)
    return (whole / 2.0**23).astype(np.float32)


def read(path: Path) -> FloatArray:
    return sf.read(path, dtype="float32")[0]


@given(sizes=st.lists(st.integers(0, 5000), max_size=8), seed=st.integers(0, 9))
@settings(max_examples=25)
def test_what_is_written_is_read_back_bit_for_bit(
    tmp_path_factory: pytest.TempPathFactory, sizes: list[int], seed: int
) -> None:
    samples = noise(sum(sizes) + 1, seed)
    path = tmp_path_factory.mktemp("flac") / "a.flac"
    writer = FlacWriter(path, RATE)
    start = 0
    for size in [*sizes, 1]:
        writer.write(samples[start : start + size])
        start += size
        writer.flush()
    writer.close()
    assert writer.frames == len(samples)
    assert writer.bytes_on_disk == path.stat().st_size
    np.testing.assert_array_equal(read(path), samples)
    assert repair(path) == len(samples)
    np.testing.assert_array_equal(read(path), samples)


def test_sixteen_bit_sound_stays_small_and_exact(tmp_path: Path) -> None:
    whole = np.random.default_rng(0).integers(-3000, 3000, 10 * RATE).astype(np.int16)
    samples = whole.astype(np.float32) / 32768
    writer = FlacWriter(tmp_path / "a.flac", RATE)
    writer.write(samples)
    writer.close()
    np.testing.assert_array_equal(sf.read(tmp_path / "a.flac", dtype="int16")[0], whole)
    assert writer.bytes_on_disk < 2 * len(whole)


def test_too_loud_is_clipped_and_no_number_is_silence(tmp_path: Path) -> None:
    writer = FlacWriter(tmp_path / "a.flac", RATE)
    writer.write(np.array([2.0, -2.0, np.nan, np.inf, -np.inf, 1.0, -1.0], np.float32))
    writer.write_silence(3)
    writer.close()
    top = 1 - 2.0**-23
    np.testing.assert_allclose(
        read(tmp_path / "a.flac"), [top, -1, 0, top, -1, top, -1, 0, 0, 0], atol=0
    )


def test_long_silence_costs_next_to_nothing(tmp_path: Path) -> None:
    writer = FlacWriter(tmp_path / "a.flac", RATE)
    writer.write_silence(600 * RATE)
    writer.close()
    assert sf.info(tmp_path / "a.flac").frames == 600 * RATE
    assert writer.bytes_on_disk < 200_000


class CutOff:
    """A file of a writer that was never closed, and what it should hold."""

    def __init__(self, data: bytes, samples: FloatArray) -> None:
        self.data = data
        self.samples = samples


@pytest.fixture(scope="module")
def cut_off(tmp_path_factory: pytest.TempPathFactory) -> CutOff:
    path = tmp_path_factory.mktemp("flac") / "a.flac"
    samples = np.concatenate([noise(20 * BLOCK), np.zeros(30 * BLOCK, np.float32), noise(9_000, 1)])
    writer = FlacWriter(path, RATE)
    writer.write(samples)
    writer.flush(sync=True)
    data = path.read_bytes()
    writer._sink.close()
    writer._encoder.close()
    return CutOff(data, samples)


@given(cut=st.integers(0, 10**9))
@settings(suppress_health_check=[HealthCheck.too_slow])
def test_a_file_cut_anywhere_is_whole_up_to_its_last_block(
    tmp_path_factory: pytest.TempPathFactory, cut_off: CutOff, cut: int
) -> None:
    data, samples = cut_off.data, cut_off.samples
    size = cut % (len(data) + 1)
    path = tmp_path_factory.getbasetemp() / "cut.flac"
    path.write_bytes(data[:size])
    frames = repair(path)
    if not frames:
        assert size < 86 + BLOCK * 3 + 20  # less than one block behind the header
        return
    assert frames % BLOCK == 0
    np.testing.assert_array_equal(read(path), samples[:frames])
    assert sf.info(path).frames == frames
    # Nothing complete was thrown away: a block of noise takes at most this.
    assert size - path.stat().st_size < BLOCK * 3 + 20


@pytest.mark.parametrize(
    "garbage", [bytes(1_000_000), b"\xff\xf8" * 50_000, bytes(range(256)) * 4000, b"\xff" * 7]
)
def test_garbage_after_a_power_cut_is_cut_off(
    tmp_path: Path, cut_off: CutOff, garbage: bytes
) -> None:
    data, samples = cut_off.data, cut_off.samples
    path = tmp_path / "a.flac"
    path.write_bytes(data + garbage)
    frames = repair(path)
    # The encoder had not written its newest block; what ends in garbage may be one, too.
    assert len(samples) - 3 * BLOCK < frames <= len(samples)
    assert path.stat().st_size <= len(data)
    np.testing.assert_array_equal(read(path), samples[:frames])


def test_sound_that_looks_like_frames_does_not_fool_the_repair(tmp_path: Path) -> None:
    """Verbatim blocks that are full of sync codes, and of copies of real headers."""
    header = FlacWriter(tmp_path / "probe.flac", RATE)
    header.write(noise(3 * BLOCK))
    header.close()
    data = (tmp_path / "probe.flac").read_bytes()
    frame = data[86 : 86 + 3 * 300]
    whole = np.frombuffer(frame * 40, np.int8).astype(np.int32) << 16
    samples = (whole / 2.0**23).astype(np.float32)
    path = tmp_path / "a.flac"
    writer = FlacWriter(path, RATE)
    writer.write(samples)
    writer.flush()
    frames = repair(path)
    assert frames == len(samples) // BLOCK * BLOCK
    np.testing.assert_array_equal(read(path), samples[:frames])
    writer._sink.close()
    writer._encoder.close()


@pytest.mark.parametrize("content", [b"", b"fLaC", b"RIFF" + bytes(100), b"fLaC" + b"\x81" * 3])
def test_what_holds_no_audio_has_length_0(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "a.flac"
    path.write_bytes(content)
    assert repair(path) == 0


@pytest.fixture(scope="module")
def ends_in_zero(tmp_path_factory: pytest.TempPathFactory) -> CutOff:
    """A cut off file whose last byte, which belongs to its last frame's checksum, is zero."""
    path = tmp_path_factory.mktemp("zero") / "a.flac"
    for seed in range(5_000):
        samples = noise(3 * BLOCK, seed)
        writer = FlacWriter(path, RATE)
        writer.write(samples)
        writer.flush()
        data = path.read_bytes()
        writer._sink.close()
        writer._encoder.close()
        path.unlink()
        if data[-1] == 0:
            frames = (len(data) - 86) // (BLOCK * 3) * BLOCK
            return CutOff(data, samples[:frames])
    raise AssertionError("one in 256 ends in zero")


@pytest.mark.parametrize("behind", [b"", bytes(1), bytes(100_000), b"\xff\xf8\x05 cut"])
def test_a_checksum_that_ends_in_zero_is_kept(
    tmp_path: Path, ends_in_zero: CutOff, behind: bytes
) -> None:
    path = tmp_path / "a.flac"
    path.write_bytes(ends_in_zero.data + behind)
    assert repair(path) == len(ends_in_zero.samples)
    np.testing.assert_array_equal(read(path), ends_in_zero.samples)
    assert path.read_bytes()[-1] == 0


def test_a_file_that_lost_the_zero_at_its_end_gets_it_back(
    tmp_path: Path, ends_in_zero: CutOff
) -> None:
    path = tmp_path / "a.flac"
    path.write_bytes(ends_in_zero.data)
    assert repair(path) == len(ends_in_zero.samples)
    whole = path.read_bytes()
    path.write_bytes(whole[:-1])
    with pytest.raises(sf.LibsndfileError):
        read(path)
    assert repair(path) == len(ends_in_zero.samples)
    assert path.read_bytes() == whole


@pytest.mark.parametrize("damage", [bytes(40_000), b"\x55" * 40_000])
def test_damage_within_a_file_costs_nothing_but_itself(tmp_path: Path, damage: bytes) -> None:
    samples = noise(10 * RATE)
    path = tmp_path / "a.flac"
    writer = FlacWriter(path, RATE)
    writer.write(samples)
    writer.flush()
    data = bytearray(path.read_bytes())
    data[200_000:240_000] = damage
    path.write_bytes(data)
    frames = repair(path)
    assert frames == len(samples) // BLOCK * BLOCK
    assert path.stat().st_size == len(data)
    with sf.SoundFile(path) as sound:
        np.testing.assert_array_equal(sound.read(RATE, dtype="float32"), samples[:RATE])
        sound.seek(8 * RATE)
        np.testing.assert_array_equal(
            sound.read(RATE, dtype="float32"), samples[8 * RATE : 9 * RATE]
        )
    writer._sink.close()
    writer._encoder.close()


def test_what_cannot_be_decoded_is_left_as_it_is(tmp_path: Path, cut_off: CutOff) -> None:
    path = tmp_path / "a.flac"
    for content in (bytes(4096) + cut_off.data[4096:], cut_off.data[:86] + b"\x55" * 100_000):
        path.write_bytes(content)
        with pytest.raises(OSError, match="decoded"):
            repair(path)
        assert path.read_bytes() == content


class FullDisk:
    """A real file on a disk that takes only so much."""

    def __init__(self, file: object, room: int) -> None:
        self.file = file
        self.room = room

    def write(self, data: memoryview) -> int:
        if self.room <= 0:
            raise OSError(errno.ENOSPC, "No space left on device")
        taken = self.file.write(data[: self.room])  # type: ignore[attr-defined]
        self.room -= taken
        return taken  # type: ignore[no-any-return]

    def __getattr__(self, name: str) -> object:
        return getattr(self.file, name)


@pytest.mark.parametrize("room", [0, 1, 41, 90, 2_000, 20_001])
def test_a_full_disk_loses_nothing_once_there_is_room_again(tmp_path: Path, room: int) -> None:
    samples = noise(5 * RATE)
    path = tmp_path / "a.flac"
    writer = FlacWriter(path, RATE)
    disk = writer._sink._file = FullDisk(writer._sink._file, room)  # type: ignore[assignment]
    for start in range(0, len(samples), RATE):
        writer.write(samples[start : start + RATE])
        with pytest.raises(OSError, match="No space"):
            writer.flush()
    assert writer.pending_bytes > 0
    disk.room = 10**9
    writer.flush()
    assert writer.pending_bytes == 0
    writer.close()
    np.testing.assert_array_equal(read(path), samples)


def test_a_disk_that_stays_full_leaves_a_file_that_can_be_repaired(tmp_path: Path) -> None:
    samples = noise(RATE)
    path = tmp_path / "a.flac"
    writer = FlacWriter(path, RATE)
    writer._sink._file = FullDisk(writer._sink._file, 30_000)  # type: ignore[assignment]
    writer.write(samples)
    with pytest.raises(OSError, match="No space"):
        writer.close()
    frames = repair(path)
    assert frames >= 8 * BLOCK
    np.testing.assert_array_equal(read(path), samples[:frames])


def test_a_file_that_was_removed_is_noticed(tmp_path: Path) -> None:
    path = tmp_path / "a.flac"
    writer = FlacWriter(path, RATE)
    writer.write(noise(RATE))
    writer.flush()
    path.unlink()
    writer.write(noise(RATE))
    with pytest.raises(FileNotFoundError):
        writer.flush()
    path.write_bytes(b"somebody else's")
    with pytest.raises(FileNotFoundError):
        writer.flush()
    writer._sink.close()
    writer._encoder.close()
    assert path.read_bytes() == b"somebody else's"
