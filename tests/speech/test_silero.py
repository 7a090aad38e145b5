from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest
import soundfile
import soxr
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from emolive.speech import SileroVad, SpeechGate
from emolive.speech.silero import CHUNK, AutoGain
from emolive.types import FloatArray
from tests.conftest import SUPPORT_CALL

RATE = 16_000


@pytest.fixture(scope="module")
def clips(corpora: Path) -> list[FloatArray]:
    """A few real utterances, among them the quiet ones of RAVDESS and a telephone call."""
    paths = [
        *sorted(corpora.glob("ravdess/Actor_0[1-4]/*.flac"))[::24],
        *sorted(corpora.glob("savee/*"))[::80],
        *sorted(corpora.glob("calls/mono*.flac"))[:1],
    ]
    assert len(paths) >= 10, "the corpora lack RAVDESS, SAVEE or calls"
    return [speech(path) for path in paths]


def speech(path: Path, seconds: float = 20.0) -> FloatArray:
    samples, rate = soundfile.read(path, dtype="float32", frames=-1)
    samples = samples[: int(rate * seconds)]
    resampled: FloatArray = soxr.resample(samples, rate, RATE) if rate != RATE else samples
    return resampled


def flags(vad: SileroVad, samples: FloatArray) -> np.ndarray:
    gate = SpeechGate(capacity=4_096)
    found = []
    for probability in vad.stream().accept(samples):
        gate.accept(np.array([probability], np.float32))
        found.append(gate.speaking)
    return np.array(found)


def streamed(vad: SileroVad, samples: FloatArray, sizes: Sequence[int]) -> FloatArray:
    stream = vad.stream()
    found = [np.empty(0, np.float32)]
    start, i = 0, 0
    while start < samples.size:
        size = sizes[i % len(sizes)]
        found.append(stream.accept(samples[start : start + size]))
        start, i = start + size, i + 1
    return np.concatenate(found)


@settings(max_examples=15, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    n=st.integers(0, 24_000),
    sizes=st.lists(
        st.one_of(st.integers(20, 200), st.integers(400, 1_100), st.just(8_000)),
        min_size=1,
        max_size=8,
    ),
    seed=st.integers(0, 3),
)
def test_streaming_equals_one_shot(vad: SileroVad, n: int, sizes: list[int], seed: int) -> None:
    rng = np.random.default_rng(seed)
    # Bursts of different level, so that the automatic gain has something to do.
    envelope = np.repeat(10 ** rng.uniform(-3, 0, 60), 400)[:n]
    samples = (rng.standard_normal(n) * envelope).astype(np.float32)
    whole = vad.stream().accept(samples)
    assert whole.dtype == np.float32
    assert whole.shape == (n // CHUNK,)
    np.testing.assert_allclose(streamed(vad, samples, sizes), whole, rtol=0, atol=1e-5)


@settings(max_examples=25)
@given(data=st.data(), n_streams=st.integers(1, 6), seed=st.integers(0, 3))
def test_streams_that_are_judged_together_are_judged_as_if_alone(
    vad: SileroVad, data: st.DataObject, n_streams: int, seed: int
) -> None:
    """Streams begin and end at different times, and bring audio in pieces of any length."""
    rng = np.random.default_rng(seed)
    lengths = data.draw(st.lists(st.integers(0, 20_000), min_size=n_streams, max_size=n_streams))
    sounds = []
    for n in lengths:
        envelope = np.repeat(10 ** rng.uniform(-3, 0, 60), 400)[:n]
        sounds.append((rng.standard_normal(n) * envelope).astype(np.float32))
    streams = [vad.stream() for _ in sounds]
    found: list[list[FloatArray]] = [[np.empty(0, np.float32)] for _ in sounds]
    heard = [0] * n_streams
    while any(at < len(sound) for at, sound in zip(heard, sounds, strict=True)):
        present = data.draw(st.sets(st.integers(0, n_streams - 1), min_size=1))
        sizes = {i: data.draw(st.integers(0, 9_000)) for i in sorted(present)}
        pieces = {i: sounds[i][heard[i] : heard[i] + size] for i, size in sizes.items()}
        # One that is still to come brings something, so that this ends.
        for i, (at, sound) in enumerate(zip(heard, sounds, strict=True)):
            if at < len(sound) and i not in pieces:
                pieces[i] = sound[at : at + 700]
                break
        judged = vad.judge([(streams[i], piece) for i, piece in pieces.items()])
        for (i, piece), probabilities in zip(pieces.items(), judged, strict=True):
            heard[i] += len(piece)
            found[i].append(probabilities)
    for sound, parts in zip(sounds, found, strict=True):
        alone = vad.stream().accept(sound)
        together = np.concatenate(parts)
        assert together.dtype == np.float32
        np.testing.assert_allclose(together, alone, rtol=0, atol=1e-5)


def test_nobody_to_judge(vad: SileroVad) -> None:
    assert vad.judge([]) == []
    (nothing,) = vad.judge([(vad.stream(), np.zeros(CHUNK - 1, np.float32))])
    assert nothing.shape == (0,)


def test_many_long_streams_are_cut_into_bounded_calls(
    vad: SileroVad, monkeypatch: pytest.MonkeyPatch
) -> None:
    rows = []
    run = vad.run

    def watched(chunks: FloatArray, *others: np.ndarray) -> tuple[FloatArray, ...]:
        rows.append(chunks.shape[0] * chunks.shape[1])
        return run(chunks, *others)

    monkeypatch.setattr(vad, "run", watched)
    rng = np.random.default_rng(0)
    sounds = [
        rng.standard_normal(CHUNK * n).astype(np.float32) * np.float32(0.1) for n in (700, 300, 5)
    ]
    judged = vad.judge([(vad.stream(), sound) for sound in sounds])
    assert [len(one) for one in judged] == [700, 300, 5]
    assert max(rows) <= 512
    for sound, found in zip(sounds, judged, strict=True):
        np.testing.assert_allclose(vad.stream().accept(sound), found, rtol=0, atol=1e-5)


@pytest.mark.corpora
def test_streaming_equals_one_shot_on_speech(vad: SileroVad, clips: list[FloatArray]) -> None:
    for clip in clips[:4]:
        whole = vad.stream().accept(clip)
        for sizes in ([1], [511, 513], [8_000], [160, 1, 4_000]):
            part = clip[:8_000] if sizes == [1] else clip
            found = streamed(vad, part, sizes)
            np.testing.assert_allclose(found, whole[: found.size], rtol=0, atol=1e-5)


def test_a_long_run_is_cut_into_bounded_calls(vad: SileroVad) -> None:
    samples = np.random.default_rng(0).standard_normal(CHUNK * 1_100).astype(np.float32)
    whole = vad.stream().accept(samples)
    assert whole.shape == (1_100,)
    np.testing.assert_allclose(streamed(vad, samples, [CHUNK * 300]), whole, rtol=0, atol=1e-5)


@pytest.mark.corpora
def test_speech_is_found_and_ends(vad: SileroVad, clips: list[FloatArray]) -> None:
    for clip in clips:
        ratio = flags(vad, clip).mean()
        assert 0.15 < ratio < 0.99
    quiet = np.concatenate((clips[0], np.zeros(RATE, np.float32)))
    assert not flags(vad, quiet)[-10:].any()


@pytest.mark.parametrize("level_db", [-80, -60, -40, -20, -6])
def test_noise_is_not_speech(vad: SileroVad, level_db: float) -> None:
    rng = np.random.default_rng(0)
    white = rng.standard_normal(RATE * 6) * 10 ** (level_db / 20)
    hum = np.sin(2 * np.pi * 50 * np.arange(RATE * 6) / RATE) * 10 ** (level_db / 20)
    for samples in (white, hum, np.zeros(RATE * 6)):
        assert not flags(vad, samples.astype(np.float32)).any()


@pytest.mark.corpora
@pytest.mark.parametrize("gain_db", [-30, -20, -10, 10, 20])
def test_the_level_hardly_matters(vad: SileroVad, clips: list[FloatArray], gain_db: float) -> None:
    same = [
        (flags(vad, clip * np.float32(10 ** (gain_db / 20))) == flags(vad, clip)).mean()
        for clip in clips
    ]
    assert np.mean(same) > 0.985
    assert min(same) > 0.93


@pytest.mark.corpora
def test_a_slammed_door_does_not_hide_the_speech_after_it(
    vad: SileroVad, clips: list[FloatArray]
) -> None:
    rng = np.random.default_rng(0)
    for clip in clips:
        before = np.zeros(RATE // 2 // CHUNK * CHUNK, np.float32)
        before[4_000:4_400] = rng.uniform(-0.9, 0.9, 400)
        found = flags(vad, np.concatenate((before, clip)))[before.size // CHUNK :]
        assert found.sum() > 0.85 * flags(vad, clip).sum()


def test_streams_do_not_disturb_each_other(vad: SileroVad) -> None:
    rng = np.random.default_rng(0)
    one, two = (rng.standard_normal(RATE).astype(np.float32) for _ in range(2))
    first, second = vad.stream(), vad.stream()
    mixed = []
    for start in range(0, RATE, 1_000):
        mixed.append(first.accept(one[start : start + 1_000]))
        second.accept(two[start : start + 1_000])
    np.testing.assert_allclose(np.concatenate(mixed), vad.stream().accept(one), rtol=0, atol=1e-5)


def test_reset_begins_anew(vad: SileroVad) -> None:
    rng = np.random.default_rng(0)
    samples = rng.standard_normal(RATE).astype(np.float32)
    stream = vad.stream()
    fresh = stream.accept(samples)
    stream.accept(samples[:123])
    stream.reset()
    np.testing.assert_array_equal(stream.accept(samples), fresh)


def test_the_gain_brings_every_level_to_the_same() -> None:
    tone = np.sin(np.arange(CHUNK * 8) * 0.3).astype(np.float32).reshape(8, CHUNK)
    for amplitude in (0.005, 0.1, 1.0, 5.0):
        scaled = tone * np.float32(amplitude)
        levelled = scaled * AutoGain(CHUNK, RATE).gains(scaled)[:, None]
        rms = np.sqrt(np.square(levelled).mean(axis=1))
        np.testing.assert_allclose(20 * np.log10(rms), -20, atol=0.2)


def test_the_gain_is_bounded() -> None:
    silence = np.zeros((3, CHUNK), np.float32)
    np.testing.assert_allclose(AutoGain(CHUNK, RATE).gains(silence), 1_000)
    loud = np.full((3, CHUNK), 1e6, np.float32)
    np.testing.assert_allclose(AutoGain(CHUNK, RATE).gains(loud), 0.01, rtol=1e-6)


def test_the_graph_says_what_the_original_says(vad: SileroVad) -> None:
    """`silero_demo.npy`: what silero-vad 6.2's own sequence model says of the demo clip."""
    samples, _ = soundfile.read(SUPPORT_CALL, dtype="float32")
    wanted = np.load(Path(__file__).with_name("silero_demo.npy"))
    np.testing.assert_allclose(vad.stream().accept(samples), wanted, rtol=0, atol=1e-4)
