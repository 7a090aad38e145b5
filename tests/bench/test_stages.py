"""The benchmark measures the real stages; here with a tiny model, for its arithmetic and shape."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
import soundfile
from typer.testing import CliRunner

from emolive.bench.calls import measure_wall
from emolive.bench.stages import (
    Soak,
    Timing,
    measure_archive,
    measure_capacity,
    soak,
    time_latency,
    time_stages,
)
from emolive.cli import bench
from emolive.cli.main import app
from emolive.engine import EngineConfig
from emolive.errors import EmoliveError
from emolive.inference.classifier import OnnxClassifier
from emolive.resources import DEMO_AUDIO, asset
from emolive.speech.silero import SileroVad
from emolive.types import FloatArray
from tests.models import tiny_model

CONFIG = EngineConfig()


def test_a_timing_is_median_and_p99() -> None:
    timing = Timing.of("x", [float(i) for i in range(101)])
    assert (timing.n, timing.median_ms, timing.p99_ms) == (101, 50.0, 99.0)


def test_growth_is_relative_to_after_warm_up() -> None:
    assert Soak(8.0, 1, 1.0, warm_mb=100.0, peak_mb=104.0).growth == pytest.approx(0.04)


def test_the_stages_make_up_the_hop(classifier: OnnxClassifier, speech: FloatArray) -> None:
    *stages, whole = time_stages(speech, classifier, SileroVad(), CONFIG, hops=6)
    assert whole.name == "whole hop"
    assert len(stages) == 5
    assert all(timing.n == 6 and timing.median_ms > 0 for timing in (*stages, whole))
    assert whole.p99_ms >= max(timing.median_ms for timing in stages)


def test_latency_is_taken_from_the_running_engine(classifier: OnnxClassifier) -> None:
    timing = time_latency(asset(DEMO_AUDIO), classifier, SileroVad(), CONFIG, seconds=4.5)
    assert 1 <= timing.n <= 4
    assert 0 < timing.median_ms < 3_000


def test_a_clip_without_speech_is_no_benchmark(classifier: OnnxClassifier, tmp_path: Path) -> None:
    soundfile.write(tmp_path / "quiet.wav", np.zeros(16_000 * 5, np.float32), 16_000)
    with pytest.raises(EmoliveError, match=r"quiet\.wav gave no window with speech"):
        time_latency(tmp_path / "quiet.wav", classifier, SileroVad(), CONFIG, seconds=3.6)


def test_capacity_counts_every_stream(classifier: OnnxClassifier, speech: FloatArray) -> None:
    capacity = measure_capacity(speech, classifier, SileroVad(), CONFIG, streams=3, seconds=5.0)
    assert capacity.streams == 3
    assert capacity.streams_per_core > 1
    assert 0 < capacity.classified_share <= 1


def test_an_archive_is_analysed_as_often_as_it_takes(classifier: OnnxClassifier) -> None:
    archive = measure_archive(asset(DEMO_AUDIO), classifier, SileroVad(), CONFIG, seconds=50)
    assert archive.speed > 1
    assert archive.classified_share > 0.95  # the clip is speech nearly throughout
    assert (archive.hop_s, archive.usual_way) == (0.5, None)


def test_a_soak_answers_every_window(classifier: OnnxClassifier, speech: FloatArray) -> None:
    shares: list[float] = []
    run = soak(speech, classifier, SileroVad(), CONFIG, 30 / 3600, shares.append)
    assert run.windows == (30 - 3) * 2 + 1
    assert run.peak_mb >= run.warm_mb > 0
    assert shares == sorted(shares)


def test_a_wall_of_calls_is_measured(classifier: OnnxClassifier, speech: FloatArray) -> None:
    wall = measure_wall(speech, 16_000, classifier, SileroVad(), CONFIG, calls=3, seconds=5.0)
    assert wall.calls == 3
    assert wall.windows + wall.windows_skipped >= 3 * 2 * 3
    assert 0 < wall.latency_p50_ms <= wall.latency_p99_ms
    assert 0 < wall.cores < 8
    assert wall.seconds >= 5.0


def test_the_report_is_one_json_document(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(bench, "_USUAL_REPEATS", 1)
    tiny_model(tmp_path / "tiny.onnx")
    arguments = ["bench", "--json", "--seconds", "5", "--model", str(tmp_path / "tiny.onnx")]
    result = CliRunner().invoke(app, [*arguments, "--provider", "cpu", "--calls", "2"])
    assert result.exit_code == 0
    report = json.loads(result.stdout)
    assert report["model"] == "tiny"
    assert report["stages"][-1]["name"] == "whole hop"
    assert report["archive"]["speed"] > 0
    assert report["soak"] is None
    assert report["wall"]["calls"] == 2
