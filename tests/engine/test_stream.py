from __future__ import annotations

from dataclasses import replace
from itertools import pairwise

import numpy as np
import pytest
import soxr
from hypothesis import given, settings
from hypothesis import strategies as st

from emolive.audio.dc import DcBlocker
from emolive.engine.config import EngineConfig
from emolive.engine.stream import StreamPipeline
from emolive.errors import EmoliveError
from emolive.features import LogMelSpec, log_mel, normalize
from emolive.inference.metadata import ModelMetadata
from emolive.speech.silero import SileroVad
from emolive.types import FeatureBlock, FeatureWindow, FloatArray, Role
from tests.models import tiny_metadata, waveform_metadata

METADATA = tiny_metadata()
SPEC = METADATA.front_end
RATE = 16_000
WINDOW = 48_000
HOP = 8_000


def pipeline(vad: SileroVad, rate: int = RATE, **config: float) -> StreamPipeline:
    return StreamPipeline("mono", rate, METADATA, vad, EngineConfig(**config))


def run(
    stream: StreamPipeline, samples: FloatArray, chunks: list[int], *, finish: bool = True
) -> tuple[list[FeatureWindow], list[FeatureBlock]]:
    """Push all samples in chunks of these sizes, over and over; normalised windows as they come."""
    windows: list[FeatureWindow] = []
    blocks: list[FeatureBlock] = []
    begin = index = 0
    while begin < len(samples):
        end = begin + chunks[index % len(chunks)]
        if block := stream.accept(samples[begin:end]):
            blocks.append(block)
        windows += stream.take_windows()
        begin, index = end, index + 1
    if finish:
        if block := stream.finish():
            blocks.append(block)
        windows += stream.take_windows()
    windows = [replace(one, features=normalize(one.features, SPEC)) for one in windows]
    return windows, blocks


def heard(samples: FloatArray) -> FloatArray:
    """What is left of audio at the model's rate without its offset."""
    return DcBlocker(RATE).accept(samples)


def offline(samples: FloatArray, start: int) -> FloatArray:
    """The front end over one window of all that was `heard`, normalised."""
    return normalize(log_mel(samples[start : start + WINDOW], SPEC), SPEC)


def test_windows_come_every_hop_and_equal_the_offline_front_end(
    vad: SileroVad, speech: FloatArray
) -> None:
    samples = speech[: RATE * 6 + 1_000]
    windows, _ = run(pipeline(vad), samples, [800])
    ends = [window.end_sample for window in windows]
    # The last one ends with the audio, on the grid of frames.
    assert ends == [*range(WINDOW, len(samples), HOP), RATE * 6 + 960]
    for window in windows:
        assert window.end_sample - window.start_sample == WINDOW
        np.testing.assert_allclose(
            window.features, offline(heard(samples), window.start_sample), atol=1e-5
        )


@settings(max_examples=15)
@given(
    chunks=st.lists(st.integers(1, 20_000), min_size=1, max_size=6).filter(lambda c: sum(c) > 200),
    rate=st.sampled_from([8_000, 16_000, 44_100, 48_000]),
)
def test_any_chunking_gives_the_same_windows(
    vad: SileroVad, speech: FloatArray, chunks: list[int], rate: int
) -> None:
    samples = soxr.resample(speech[: RATE * 5], RATE, rate).astype(np.float32)
    expected, whole = run(pipeline(vad, rate), samples, [rate])
    windows, blocks = run(pipeline(vad, rate), samples, chunks)
    assert len(expected) > 3
    assert [(w.start_sample, w.end_sample) for w in windows] == [
        (w.start_sample, w.end_sample) for w in expected
    ]
    for got, wanted in zip(windows, expected, strict=True):
        np.testing.assert_allclose(got.features, wanted.features, atol=1e-4)
        assert got.speech_ratio == wanted.speech_ratio
    np.testing.assert_allclose(
        np.concatenate([block.log_mel for block in blocks], axis=1),
        np.concatenate([block.log_mel for block in whole], axis=1),
        atol=1e-3,
    )


@pytest.mark.parametrize("rate", [8_000, 11_025, 44_100, 48_000, 96_000])
def test_time_is_right_at_every_native_rate(vad: SileroVad, speech: FloatArray, rate: int) -> None:
    samples = soxr.resample(speech[: RATE * 4], RATE, rate).astype(np.float32)
    stream = pipeline(vad, rate)
    windows, _ = run(stream, samples, [rate // 50])
    assert windows[0].end_sample == WINDOW
    assert abs(stream.position - len(samples) * RATE / rate) <= 1
    assert stream.input_position == len(samples) * RATE // rate


def test_feature_blocks_follow_each_other_without_gaps(vad: SileroVad, speech: FloatArray) -> None:
    samples = speech[: RATE * 4]
    _, blocks = run(pipeline(vad), samples, [480, 161, 5])
    next_frame = 0
    for block in blocks:
        assert block.start_sample == next_frame * SPEC.hop_length
        next_frame += block.log_mel.shape[1]
    assert next_frame == SPEC.n_frames(len(samples))
    assert blocks[-1].end_sample == len(samples)
    assert any(block.speech for block in blocks)


def test_blocks_carry_the_audio_they_are_of(vad: SileroVad, speech: FloatArray) -> None:
    _, blocks = run(pipeline(vad), speech[: 3 * RATE], [700, 33])
    ends = [block.end_sample for block in blocks]
    assert all(block.samples is not None for block in blocks)
    carried = [block.samples for block in blocks if block.samples is not None]
    assert ends == np.cumsum([len(samples) for samples in carried]).tolist()
    np.testing.assert_array_equal(np.concatenate(carried), heard(speech[: 3 * RATE]))


@settings(max_examples=15)
@given(
    offset=st.floats(-0.3, 0.3),
    chunks=st.lists(st.integers(1, 20_000), min_size=1, max_size=6).filter(lambda c: sum(c) > 200),
    rate=st.sampled_from([8_000, 16_000, 48_000]),
)
def test_an_offset_changes_nothing(
    vad: SileroVad, speech: FloatArray, offset: float, chunks: list[int], rate: int
) -> None:
    quiet = soxr.resample(speech[: RATE * 5] * np.float32(0.03), RATE, rate).astype(np.float32)
    expected, plain = run(pipeline(vad, rate), quiet, [rate])
    windows, blocks = run(pipeline(vad, rate), quiet + np.float32(offset), chunks)
    assert max(window.speech_ratio for window in expected) > 0.5
    for got, wanted in zip(windows, expected, strict=True):
        # To the rounding of float32 around the offset.
        np.testing.assert_allclose(got.features, wanted.features, atol=0.02)
        assert got.speech_ratio == pytest.approx(wanted.speech_ratio, abs=0.02)
    assert blocks[-1].level_dbfs < -30
    assert plain[-1].level_dbfs < -30


def test_levels_are_in_db_of_full_scale(vad: SileroVad) -> None:
    stream = pipeline(vad)
    tone = 0.5 * np.sin(2 * np.pi * 440 * np.arange(RATE) / RATE).astype(np.float32)
    stream.accept(tone)
    block = stream.accept(tone)
    assert block is not None
    assert block.level_dbfs == pytest.approx(-9.03, abs=0.05)
    assert block.peak_dbfs == pytest.approx(-6.02, abs=0.05)
    stream.accept(np.zeros(3 * RATE, np.float32))
    silent = stream.accept(np.zeros(RATE, np.float32))
    assert silent is not None
    assert silent.level_dbfs == silent.peak_dbfs == -120.0


def test_late_windows_are_skipped_and_counted(vad: SileroVad, speech: FloatArray) -> None:
    every, newest = pipeline(vad), pipeline(vad)
    samples = speech[: WINDOW + 3 * HOP + 500]
    every.accept(samples)
    assert every.due == tuple(WINDOW + k * HOP for k in range(4))
    *_, wanted = every.take_windows()
    newest.accept(samples, newest_only=True)
    assert newest.windows_skipped == 3
    (window,) = newest.take_windows()
    assert (window.end_sample, window.speech_ratio) == (wanted.end_sample, wanted.speech_ratio)
    np.testing.assert_array_equal(window.features, wanted.features)
    assert newest.take_windows() == []
    # What waits is passed over by what is newer, and by nothing else.
    newest.accept(speech[len(samples) : len(samples) + HOP])
    newest.accept(speech[len(samples) + HOP : len(samples) + HOP + 100], newest_only=True)
    assert len(newest.due) == 1
    newest.accept(speech[len(samples) + HOP + 100 : len(samples) + 3 * HOP], newest_only=True)
    assert newest.due == (WINDOW + 6 * HOP,)
    assert newest.windows_skipped == 5


def test_no_features_are_made_where_emotion_is_not_inferred(
    vad: SileroVad, speech: FloatArray
) -> None:
    config = EngineConfig()
    agent = StreamPipeline("agent", RATE, METADATA, vad, config, role=Role.AGENT)
    block = agent.accept(speech[:WINDOW])
    (window,) = agent.take_windows()
    assert not window.features.size
    assert window.speech_ratio > 0
    assert block is not None
    assert block.log_mel.shape[1] == SPEC.n_frames(WINDOW)  # its picture and syllables are there


@pytest.mark.parametrize("metadata", [METADATA, waveform_metadata()], ids=["log-mel", "waveform"])
@pytest.mark.parametrize("rate", [8_000, 16_000])
def test_where_nobody_listens_windows_and_band_are_the_same(
    vad: SileroVad,
    speech: FloatArray,
    metadata: ModelMetadata,
    rate: int,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """And no frame of a spectrogram is made that neither the model nor the band needs."""
    made: list[int] = []

    def counting(samples: FloatArray, spec: LogMelSpec) -> FloatArray:
        frames = log_mel(samples, spec)
        made.append(frames.shape[1])
        return frames

    monkeypatch.setattr("emolive.features.mel.log_mel", counting)
    hiss = np.random.default_rng(0).normal(0, 1e-4, 20 * RATE).astype(np.float32)
    sound = np.concatenate((speech[: 12 * RATE], hiss, speech[: 6 * RATE]))
    sound = sound if rate == RATE else soxr.resample(sound, RATE, rate)
    streams = [
        StreamPipeline("mono", rate, metadata, vad, EngineConfig(), listened=one)
        for one in (True, False)
    ]
    found, frames = [], []
    for stream in streams:
        made.clear()
        found.append(run(stream, sound, [rate // 2, 3_000]))
        frames.append(sum(made))
    (wanted, blocks), (windows, none) = found
    assert blocks
    assert not none
    assert len(windows) == len(wanted) > 60
    for one, other in zip(windows, wanted, strict=True):
        assert (one.end_sample, one.speech_ratio) == (other.end_sample, other.speech_ratio)
        np.testing.assert_array_equal(one.features, other.features)
    assert streams[0].band == streams[1].band is not None
    if metadata.takes_waveform:
        assert frames[1] == 0 if rate == 8_000 else 0 < frames[1] < 0.7 * frames[0]


def test_the_queue_of_windows_is_bounded(vad: SileroVad) -> None:
    stream = pipeline(vad, hop_s=0.1)
    noise = np.random.default_rng(0).normal(0, 0.01, RATE * 8).astype(np.float32)
    stream.accept(noise)
    total = (8 * RATE - WINDOW) // 1_600 + 1
    assert len(stream.due) == stream.max_due < total
    assert stream.windows_skipped == total - stream.max_due
    assert stream.due[-1] == 8 * RATE


@settings(max_examples=15)
@given(before=st.integers(0, 70_000), gap=st.integers(0, 100_000), first=st.integers(1, 9_000))
def test_a_gap_moves_time_on_and_no_window_hears_across_it(
    vad: SileroVad, speech: FloatArray, before: int, gap: int, first: int
) -> None:
    stream = pipeline(vad)
    stream.accept(speech[:before])
    stream.take_windows()
    stream.gap(gap)
    resumed = before + gap
    assert stream.samples_lost == gap
    assert stream.input_position == resumed
    after = speech[100_000 : 100_000 + 2 * WINDOW]
    windows, blocks = run(stream, after, [first, 4_000], finish=False)
    assert windows
    assert all(w.start_sample >= resumed for w in windows)
    assert all(w.start_sample % HOP == 0 for w in windows)  # still on the stream's one grid
    assert windows[0].start_sample - resumed < HOP
    for window in windows:
        expected = offline(heard(after), window.start_sample - resumed)
        np.testing.assert_allclose(window.features, expected, atol=1e-5)
    assert blocks[0].start_sample >= resumed
    assert stream.position == resumed + len(after)


@pytest.mark.parametrize("length", [800, 16_000, WINDOW - 1])
def test_audio_shorter_than_a_window_is_answered_once_in_the_middle_of_zeros(
    vad: SileroVad, speech: FloatArray, length: int
) -> None:
    samples = speech[RATE : RATE + length]
    (window,), _ = run(pipeline(vad), samples, [500])
    assert (window.start_sample, window.end_sample) == (0, length)
    padded = np.zeros(WINDOW, np.float32)
    begin = (WINDOW - length) // 2
    padded[begin : begin + length] = heard(samples)
    np.testing.assert_allclose(window.features, offline(padded, 0), atol=1e-5)
    if length > RATE // 2:  # one or two chunks are too little to hear speech in
        assert window.speech_ratio > 0.5  # of the audio, not of the padding


@pytest.mark.parametrize("length", [WINDOW, WINDOW + 1, WINDOW + 79, WINDOW + 239, 2 * WINDOW - 1])
def test_the_last_window_ends_with_the_audio(
    vad: SileroVad, speech: FloatArray, length: int
) -> None:
    windows, _ = run(pipeline(vad), speech[:length], [1_000])
    assert 0 <= length - windows[-1].end_sample < SPEC.hop_length
    for before, after in pairwise(windows):
        assert before.end_sample < after.end_sample
    np.testing.assert_allclose(
        windows[-1].features, offline(heard(speech), windows[-1].start_sample), atol=1e-5
    )


def test_no_audio_at_all_gives_no_window(vad: SileroVad) -> None:
    stream = pipeline(vad)
    assert stream.finish() is None
    assert stream.take_windows() == []


def test_digital_zeros_are_noticed_and_forgiven(vad: SileroVad) -> None:
    stream = pipeline(vad, 48_000)
    stream.accept(np.zeros(48_000, np.float32))
    assert not stream.silent_zeros
    stream.accept(np.zeros(48_000, np.float32))
    assert stream.silent_zeros
    stream.accept(np.full(10, 1e-4, np.float32))
    assert not stream.silent_zeros


def test_time_does_not_go_back(vad: SileroVad) -> None:
    with pytest.raises(ValueError, match="go back"):
        pipeline(vad).gap(-1)


def test_a_hop_that_does_not_fit_the_frames_is_refused(vad: SileroVad) -> None:
    with pytest.raises(EmoliveError, match="multiple of 10 ms"):
        pipeline(vad, hop_s=0.255)
