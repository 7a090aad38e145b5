"""Channels that carry the same sound, and channels that are clipped."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from emolive.audio.channels import ChannelComparison, ClippingMeter
from emolive.audio.decoding import FileDecoder
from emolive.types import FloatArray
from tests.audio.encoded import RATE, mp3, sndfile, speech


def noise(n: int, level: float, seed: int = 0) -> FloatArray:
    return np.random.default_rng(seed).normal(0, level, n).astype(np.float32)


def compared(
    left: FloatArray, right: FloatArray, rate: int = RATE, block: int = 777
) -> ChannelComparison:
    comparison = ChannelComparison(rate)
    frames = np.stack([left, right], axis=1)
    for begin in range(0, len(frames), block):
        comparison.accept(frames[begin : begin + block])
    return comparison


def turns() -> tuple[FloatArray, FloatArray]:
    """Two parties that speak one after the other, two seconds each."""
    said = speech(12.0)
    whose = np.arange(len(said)) // (2 * RATE) % 2
    left, right = (said * (whose == party) for party in (0, 1))
    return left + noise(len(said), 1e-4, 1), right + noise(len(said), 1e-4, 2)


@pytest.mark.parametrize("gain", [1.0, 0.5, 2.0, -1.0])
@pytest.mark.parametrize("lag_ms", [0, 5, -40])
def test_the_same_sound_is_found(gain: float, lag_ms: int) -> None:
    said = speech(6.0)
    lag = lag_ms * RATE // 1000
    other = gain * np.roll(said, lag) + noise(len(said), 1e-3)
    comparison = compared(said, other.astype(np.float32))
    assert comparison.same
    assert comparison.lag_s == pytest.approx(lag_ms / 1000, abs=0.0005)


def test_it_is_known_before_the_first_answer() -> None:
    said = speech(6.0)
    begin = int(np.flatnonzero(np.abs(said) > 0.02)[0])
    said = said[begin:]
    assert compared(said[: int(1.3 * RATE)], said[: int(1.3 * RATE)]).same


@pytest.mark.parametrize("share", [0.03, 0.1])
def test_noise_of_its_own_on_each_channel_hides_nothing(share: float) -> None:
    """And none of the seconds before the first word, either."""
    said = np.concatenate([np.zeros(8 * RATE, np.float32), speech(12.0)])
    level = share * float(np.sqrt(np.mean(said[8 * RATE :] ** 2)))
    left, right = ((said + noise(len(said), level, number)).astype(np.float32) for number in (1, 2))
    assert compared(left, right).same


@pytest.mark.parametrize("echo", [0.0, 0.1, 0.25])
def test_two_parties_are_two(echo: float) -> None:
    left, right = turns()
    late = RATE // 50
    first = left + echo * np.roll(right, late)
    second = right + echo * np.roll(left, late)
    assert not compared(first.astype(np.float32), second.astype(np.float32)).same


def test_an_announcement_on_both_channels_is_forgotten_once_they_differ() -> None:
    left, right = turns()
    both = speech(10.0)
    comparison = compared(both, both)
    assert comparison.same
    comparison.accept(np.stack([left, right], axis=1))
    assert not comparison.same


def test_a_call_that_becomes_one_sound_is_noticed_later_and_cheaply(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """A conference bridge is put in, and taken out again."""
    looked = 0
    compare = ChannelComparison._compare

    def counted(comparison: ChannelComparison, frames: FloatArray) -> None:
        nonlocal looked
        looked += 1
        compare(comparison, frames)

    monkeypatch.setattr(ChannelComparison, "_compare", counted)
    left, right = turns()
    comparison = compared(np.tile(left, 5), np.tile(right, 5))
    assert not comparison.same
    assert looked <= 20 + 120 / 8 + 1  # of 120 pieces
    said = speech(12.0)
    both = np.stack([said, np.roll(said, 160)], axis=1)
    heard_s = 0
    while not comparison.same:
        comparison.accept(both[heard_s * RATE : (heard_s + 1) * RATE])
        heard_s += 1
        assert heard_s <= 11
    assert heard_s >= 4  # not by a word that crossed over
    assert comparison.lag_s == pytest.approx(0.01, abs=0.0005)
    for _ in range(40):
        comparison.accept(both)
    looked = 0
    apart = np.stack([left, right], axis=1)
    comparison.accept(np.concatenate([apart, apart]))
    assert not comparison.same
    assert looked > 0


def test_a_few_words_on_both_channels_do_not_make_a_call_one_sound() -> None:
    left, right = turns()
    said = speech(12.0)[4 * RATE : 6 * RATE]
    for _ in range(4):
        left, right = np.concatenate([left, said]), np.concatenate([right, said])
        left, right = np.concatenate([left, turns()[0]]), np.concatenate([right, turns()[1]])
    comparison = ChannelComparison(RATE)
    comparison.accept(np.stack(turns(), axis=1))
    for begin in range(0, len(left), 800):
        comparison.accept(np.stack([left, right], axis=1)[begin : begin + 800])
        assert not comparison.same


def test_silence_tells_nothing() -> None:
    zeros = np.zeros(5 * RATE, np.float32)
    assert not compared(zeros, zeros).same
    assert not compared(speech(5.0), zeros).same


@pytest.mark.parametrize("rate", [8_000, 44_100, 96_000])
def test_any_rate(rate: int) -> None:
    said = np.interp(np.arange(4 * rate) / rate, np.arange(4 * RATE) / RATE, speech(4.0))
    assert compared(said.astype(np.float32), said.astype(np.float32), rate, 1001).same


def test_clipped_is_what_is_flat_at_the_top() -> None:
    said = speech(8.0)
    clipped = np.clip(said * 20, -1, 1)
    meter = ClippingMeter(3)
    frames = np.stack([said, clipped, 0.3 * clipped], axis=1)
    for begin in range(0, len(frames), 1600):
        meter.accept(frames[begin : begin + 1600])
    assert meter.shares[0] == 0
    assert meter.shares[1] > 0.01
    assert meter.shares[2] > 0.01


def note(path: Path, content: bytes) -> str | None:
    path.write_bytes(content)
    decoder = FileDecoder(path, 0.5, "mix")
    while decoder.read() is not None:
        pass
    decoder.close()
    assert decoder.error is None
    return decoder.note


def test_files_say_what_is_wrong_with_their_channels(tmp_path: Path) -> None:
    said = speech(6.0)
    left, right = turns()
    path = tmp_path / "a.wav"

    def stereo(first: FloatArray, second: FloatArray) -> bytes:
        return sndfile(np.stack([first, second], axis=1), format="WAV")

    assert note(path, stereo(left, right)) is None
    assert note(path, sndfile(said, format="WAV")) is None
    assert note(path, stereo(said, said)) == "a.wav carries the same sound on both channels."
    assert note(path, stereo(said, np.roll(said, 192))) == (
        "a.wav carries the same sound on both channels, right 12 ms after left."
    )
    clipped = note(path, stereo(np.clip(20 * left, -1, 1), right))
    assert clipped is not None
    assert clipped.startswith("a.wav is clipped on its left channel (")
    turned = note(path, stereo(said, -said))
    assert turned is not None
    assert "opposite phase" in turned
    assert "same sound" not in turned
    alike = note(tmp_path / "a.mp3", mp3(np.stack([said, said], axis=1)))
    assert alike == "a.mp3 carries the same sound on both channels."
