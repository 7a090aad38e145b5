from __future__ import annotations

import tracemalloc
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest
import soundfile as sf
import soxr

from emolive.engine import EngineConfig, FileAnalysis, analyze_file
from emolive.errors import AudioFileError
from emolive.inference.classifier import OnnxClassifier
from emolive.speech.silero import SileroVad
from emolive.types import FloatArray, SpeechState
from tests.conftest import SUPPORT_CALL

RATE = 16_000


class Analyze:
    """`analyze_file` with the test's model."""

    def __init__(self, classifier: OnnxClassifier, vad: SileroVad, folder: Path) -> None:
        self.classifier = classifier
        self.vad = vad
        self.folder = folder

    def __call__(self, path: Path, **options: object) -> FileAnalysis:
        return analyze_file(path, self.classifier, self.vad, EngineConfig(), **options)  # type: ignore[arg-type]

    def samples(self, samples: FloatArray, rate: int = RATE, name: str = "a.wav") -> FileAnalysis:
        path = self.folder / name
        sf.write(path, samples, rate, subtype="FLOAT" if name.endswith("wav") else None)
        return self(path)


@pytest.fixture
def analyze(classifier: OnnxClassifier, vad: SileroVad, tmp_path: Path) -> Analyze:
    return Analyze(classifier, vad, tmp_path)


def assert_whole(analysis: FileAnalysis) -> None:
    """Segments cover the audio, windows are in order, probabilities are probabilities."""
    end = round(analysis.duration_s * RATE)
    assert analysis.segments[0].start_sample == 0
    assert analysis.segments[-1].end_sample == pytest.approx(end, abs=1)
    for before, after in pairwise(analysis.segments):
        assert before.end_sample == after.start_sample
    for one, other in pairwise(analysis.windows):
        assert one.end_sample < other.end_sample
    for window in analysis.windows:
        assert (window.probabilities is None) == (window.state is SpeechState.SILENCE)
        if window.probabilities is not None:
            assert window.probabilities.sum() == pytest.approx(1.0, abs=1e-5)


def test_the_demo_clip(analyze: Analyze) -> None:
    progress: list[tuple[float, float | None]] = []
    analysis = analyze(SUPPORT_CALL, progress=lambda *now: progress.append(now))
    assert_whole(analysis)
    assert analysis.sample_rate == RATE
    assert analysis.model == "tiny"
    assert analysis.duration_s == pytest.approx(41.65, abs=0.1)
    assert len(analysis.windows) == int((analysis.duration_s - 3) / 0.5) + 2
    assert analysis.problem is None
    assert analysis.note is None
    done = [seconds for seconds, _ in progress]
    assert done == sorted(done)
    assert progress[-1] == (analysis.duration_s, analysis.duration_s)


def test_the_summary_pools_the_windows_with_speech(analyze: Analyze) -> None:
    analysis = analyze(SUPPORT_CALL)
    spoken = [w.probabilities for w in analysis.windows if w.probabilities is not None]
    pooled = analysis.probabilities
    assert pooled is not None
    np.testing.assert_allclose(pooled, np.mean(spoken, axis=0), atol=1e-6)
    assert analysis.label == analysis.labels[int(pooled.argmax())]


def test_without_speech_there_is_no_label(analyze: Analyze) -> None:
    hiss = np.random.default_rng(3).normal(0, 1e-3, 5 * RATE).astype(np.float32)
    analysis = analyze.samples(hiss)
    assert analysis.label is None
    assert analysis.probabilities is None
    assert [segment.label for segment in analysis.segments] == ["silence"]


@pytest.mark.parametrize("rate", [8_000, 22_050, 44_100, 96_000])
def test_other_rates_hear_the_same(analyze: Analyze, speech: FloatArray, rate: int) -> None:
    clip = speech[: 12 * RATE]
    wanted = analyze.samples(clip)
    got = analyze.samples(soxr.resample(clip, RATE, rate).astype(np.float32), rate)
    assert_whole(got)
    assert got.sample_rate == rate
    assert got.duration_s == pytest.approx(12.0, abs=0.001)
    assert [w.end_sample for w in got.windows] == [w.end_sample for w in wanted.windows]
    for one, other in zip(got.windows, wanted.windows, strict=True):
        assert abs(one.speech_ratio - other.speech_ratio) < 0.2


@pytest.mark.parametrize("channels", [2, 6])
def test_channels_are_mixed(analyze: Analyze, speech: FloatArray, channels: int) -> None:
    clip = speech[: 6 * RATE]
    wanted = analyze.samples(clip)
    got = analyze.samples(np.repeat(clip[:, None], channels, axis=1), name="many.wav")
    assert [w.label for w in got.windows] == [w.label for w in wanted.windows]
    assert {w.stream for w in got.windows} == {"mono"}


def test_channels_can_be_kept_apart(analyze: Analyze, speech: FloatArray, tmp_path: Path) -> None:
    both = np.stack((speech[: 5 * RATE], np.zeros(5 * RATE, np.float32)), axis=1)
    sf.write(tmp_path / "two.wav", both, RATE)
    analysis = analyze(tmp_path / "two.wav", channels="split")
    assert {w.stream for w in analysis.windows} == {"left", "right"}
    states = {w.state for w in analysis.windows if w.stream == "right"}
    assert states == {SpeechState.SILENCE}


@pytest.mark.parametrize("length_s", [0.05, 0.5, 1.0, 2.99])
def test_short_audio_is_answered_with_one_window(
    analyze: Analyze, speech: FloatArray, length_s: float
) -> None:
    analysis = analyze.samples(speech[RATE : RATE + round(length_s * RATE)])
    assert_whole(analysis)
    (window,) = analysis.windows
    assert window.start_sample == 0
    assert window.end_sample == round(length_s * RATE)
    if length_s >= 0.5:
        assert analysis.label in analysis.labels


def test_samples_that_are_no_numbers_are_silence_and_noted(
    analyze: Analyze, speech: FloatArray
) -> None:
    clip = speech[: 5 * RATE].copy()
    clip[RATE : RATE + 50] = np.nan
    clip[3 * RATE] = np.inf
    analysis = analyze.samples(clip)
    assert_whole(analysis)
    assert analysis.problem is None
    assert "51 samples" in (analysis.note or "")


def test_a_truncated_file_gives_what_was_decoded_and_a_problem(
    analyze: Analyze, speech: FloatArray, tmp_path: Path
) -> None:
    whole = tmp_path / "whole.flac"
    sf.write(whole, speech[: 20 * RATE], RATE)
    content = whole.read_bytes()
    cut = tmp_path / "cut.flac"
    cut.write_bytes(content[: len(content) // 2])
    analysis = analyze(cut)
    assert 5 < analysis.duration_s < 15
    assert_whole(analysis)
    assert "cut.flac" in (analysis.problem or "")
    assert analysis.label is not None


def test_what_is_no_audio_is_an_error(analyze: Analyze, tmp_path: Path) -> None:
    text = tmp_path / "text.wav"
    text.write_text("this is not audio")
    with pytest.raises(AudioFileError, match=r"text\.wav"):
        analyze(text)


def test_the_caller_can_end_it_early(analyze: Analyze) -> None:
    class Enough(Exception):  # noqa: N818
        pass

    def stop(done_s: float, _: float | None) -> None:
        if done_s > 5:
            raise Enough

    with pytest.raises(Enough):
        analyze(SUPPORT_CALL, progress=stop)


def test_memory_does_not_grow_with_the_length_of_the_audio(
    analyze: Analyze, tmp_path: Path
) -> None:
    rng = np.random.default_rng(0)
    peaks = []
    for minutes in (1, 6):
        path = tmp_path / f"{minutes}.wav"
        with sf.SoundFile(path, "w", 8_000, 1, subtype="PCM_16") as file:
            for _ in range(minutes):
                file.write(rng.normal(0, 1e-3, 60 * 8_000))
        tracemalloc.start()
        analyze(path)
        peaks.append(tracemalloc.get_traced_memory()[1])
        tracemalloc.stop()
    # Five minutes more of audio would be 38 MB at the model's rate; answers alone take little.
    assert peaks[1] - peaks[0] < 1_000_000
