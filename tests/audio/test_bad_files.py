"""Every kind of bad file gives one clear sentence, and what can be read is read."""

from __future__ import annotations

import os
import sys
from pathlib import Path

import numpy as np
import pytest
import soundfile as sf

from emolive.audio.files import FileSource
from emolive.audio.ring import SampleRing
from emolive.errors import AudioFileError

RATE = 16_000


def noise(seconds: float) -> np.ndarray:
    return np.random.default_rng(0).uniform(-0.5, 0.5, round(RATE * seconds)).astype(np.float32)


def flac(path: Path, seconds: float = 10) -> bytes:
    sf.write(path, noise(seconds), RATE)
    return path.read_bytes()


def refusal(path: Path) -> str:
    with pytest.raises(AudioFileError) as caught:
        FileSource(path, paced=False).open()
    sentence = str(caught.value)
    assert path.name in sentence
    assert "\n" not in sentence
    assert sentence.endswith(".")
    return sentence


def read_all(source: FileSource) -> np.ndarray:
    source.open()
    ring = SampleRing(RATE * 60, 1)
    while source.pump(ring):
        pass
    source.close()
    return ring.read(0).samples[:, 0]


def test_missing(tmp_path: Path) -> None:
    assert "does not exist" in refusal(tmp_path / "nowhere.wav")
    assert "does not exist" in refusal(tmp_path / "no folder" / "nowhere.wav")


def test_name_below_a_file(tmp_path: Path) -> None:
    flac(tmp_path / "a.flac", 0.1)
    refusal(tmp_path / "a.flac" / "b.flac")


def test_folder(tmp_path: Path) -> None:
    assert "folder" in refusal(tmp_path)


def test_empty(tmp_path: Path) -> None:
    (tmp_path / "a.wav").touch()
    assert "empty" in refusal(tmp_path / "a.wav")


@pytest.mark.parametrize("suffix", [".wav", ".flac", ".ogg", ".mp3", ".raw", ".txt", ""])
def test_text_under_any_name(tmp_path: Path, suffix: str) -> None:
    path = tmp_path / f"notes{suffix}"
    path.write_text("Dear diary, today I was not audio.\n" * 50)
    assert "not audio" in refusal(path)


def test_header_without_audio(tmp_path: Path) -> None:
    sf.write(tmp_path / "a.wav", noise(0), RATE)
    assert "no audio" in refusal(tmp_path / "a.wav")


@pytest.mark.parametrize("rate", [1, 100, 1_000_000])
def test_absurd_rate(tmp_path: Path, rate: int) -> None:
    sf.write(tmp_path / "a.wav", noise(0.1), rate)
    assert str(rate) in refusal(tmp_path / "a.wav")


@pytest.mark.parametrize("kept", [4, 20, 60])
def test_flac_cut_within_its_header(tmp_path: Path, kept: int) -> None:
    data = flac(tmp_path / "a.flac")
    (tmp_path / "a.flac").write_bytes(data[:kept])
    refusal(tmp_path / "a.flac")


@pytest.mark.parametrize("share", [0.06, 0.5, 0.99])
def test_flac_cut_in_the_middle_keeps_what_came_before(tmp_path: Path, share: float) -> None:
    data = flac(tmp_path / "a.flac")
    whole = read_all(FileSource(tmp_path / "a.flac", paced=False))
    (tmp_path / "a.flac").write_bytes(data[: round(len(data) * share)])
    source = FileSource(tmp_path / "a.flac", paced=False)
    got = read_all(source)
    assert source.failed
    # All but the block of 4096 frames that was cut, and the one the decoder looks ahead.
    assert len(whole) * share - 3 * 4096 < len(got) <= len(whole) * share + 4096
    np.testing.assert_array_equal(got, whole[: len(got)])
    assert source.status().message == (
        f"a.flac is damaged or cut short: decoding stopped at {len(got) / RATE:.1f} s of 10.0 s."
    )


def test_flac_damaged_in_the_middle(tmp_path: Path) -> None:
    data = bytearray(flac(tmp_path / "a.flac"))
    middle = len(data) // 2
    data[middle : middle + 500] = os.urandom(500)
    (tmp_path / "a.flac").write_bytes(data)
    source = FileSource(tmp_path / "a.flac", paced=False, loop=True)
    got = read_all(source)  # ends, though it would loop
    assert source.failed
    assert 0 < len(got) < 10 * RATE


def test_failure_is_forgotten_when_the_file_is_whole_again(tmp_path: Path) -> None:
    data = flac(tmp_path / "a.flac", 2)
    (tmp_path / "a.flac").write_bytes(data[: len(data) // 2])
    source = FileSource(tmp_path / "a.flac", paced=False)
    read_all(source)
    assert source.failed
    (tmp_path / "a.flac").write_bytes(data)
    assert len(read_all(source)) == 2 * RATE
    assert not source.failed


def test_flac_of_unknown_length_is_no_failure(tmp_path: Path) -> None:
    """As written by an encoder into a pipe: the header says 0 frames."""
    data = bytearray(flac(tmp_path / "a.flac", 3.217))
    data[21] &= 0xF0  # the 36 bits of the frame count
    data[22:26] = bytes(4)
    (tmp_path / "a.flac").write_bytes(data)
    source = FileSource(tmp_path / "a.flac", paced=False)
    assert len(read_all(source)) == round(3.217 * RATE)
    assert not source.failed
    assert source.duration_s is None
    looping = FileSource(tmp_path / "a.flac", paced=False, loop=True)
    looping.open()
    ring = SampleRing(RATE, 1)
    while ring.written < 8 * RATE:
        assert looping.pump(ring)
    looping.close()


def test_wav_cut_in_the_middle_is_what_it_holds(tmp_path: Path) -> None:
    sf.write(tmp_path / "a.wav", noise(2), RATE)
    data = (tmp_path / "a.wav").read_bytes()
    (tmp_path / "a.wav").write_bytes(data[: 44 + RATE * 2])
    assert len(read_all(FileSource(tmp_path / "a.wav", paced=False))) == RATE


def test_forbidden_file(tmp_path: Path) -> None:
    if not hasattr(os, "geteuid"):
        pytest.skip("no permissions of this kind on this system")
    path = tmp_path / "a.wav"
    sf.write(path, noise(0.1), RATE)
    path.chmod(0)
    root = os.geteuid() == 0
    if root:  # who may read everything: be nobody for a moment
        os.seteuid(65534)
    try:
        assert "permissions" in refusal(path)
    finally:
        if root:
            os.seteuid(0)


def test_other_errors_of_the_system(tmp_path: Path) -> None:
    assert "cannot be read" in refusal(tmp_path / f"{'long' * 100}.wav")


@pytest.mark.skipif(sys.platform == "win32", reason="no named pipes in the file system")
def test_named_pipe_does_not_hang(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe.wav")
    assert "regular file" in refusal(tmp_path / "pipe.wav")
