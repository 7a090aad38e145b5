"""The bundled demo, by measurement, and the script that made it."""

from __future__ import annotations

import sys
from importlib.util import find_spec
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest
import soundfile as sf

from emolive.audio.files import FileSource
from emolive.audio.ring import SampleRing
from emolive.audio.source import SourceFormat
from emolive.resources import DEMO_AUDIO, asset
from emolive.speech.silero import SileroVad
from emolive.types import FloatArray
from training.demo_audio import CALL, NOISE_DBFS, RATE, main

needs_voice = pytest.mark.skipif(
    find_spec("hibari") is None or find_spec("parselmouth") is None,
    reason="hibari-tts or praat-parselmouth is not installed",
)


def read_demo() -> FloatArray:
    source = FileSource(asset(DEMO_AUDIO), paced=False)
    assert source.open() == SourceFormat(RATE, ("mono",), recorded=True)
    ring = SampleRing(60 * RATE, 1)
    while source.pump(ring):
        pass
    source.close()
    assert not source.failed
    return ring.read(0).samples[:, 0]


def dbfs(signal: FloatArray) -> float:
    return float(10 * np.log10(np.mean(signal.astype(np.float64) ** 2)))


def test_demo_is_small_and_about_forty_seconds_long() -> None:
    assert asset(DEMO_AUDIO).stat().st_size <= 600_000
    demo = read_demo()
    assert 35 < len(demo) / RATE < 45
    assert 0.5 < np.abs(demo).max() < 0.99


def test_demo_has_speech_of_varied_loudness_and_quiet_pauses() -> None:
    demo = read_demo()
    speech = SileroVad().stream().accept(demo)
    chunk = len(demo) // len(speech)
    assert chunk == 512
    spoken = np.repeat(speech > 0.5, chunk)
    edges = np.flatnonzero(np.diff(spoken.astype(np.int8), prepend=0, append=0))
    runs = edges.reshape(-1, 2)
    # Breaks within a line are short; what is left between longer ones are the lines.
    joined = [list(runs[0])]
    for start, end in runs[1:]:
        if start - joined[-1][1] < 1.4 * RATE:
            joined[-1][1] = end
        else:
            joined.append([start, end])
    assert len(joined) == len(CALL)
    for (start, end), line in zip(joined, CALL, strict=True):
        assert dbfs(demo[start:end]) == pytest.approx(line.level_dbfs, abs=3)
    for (_, end), (start, _) in pairwise(joined):
        middle = (start + end) // 2
        pause = demo[middle - RATE // 4 : middle + RATE // 4]
        assert dbfs(pause) == pytest.approx(NOISE_DBFS, abs=1.5)


@needs_voice
def test_script_makes_the_same_call_every_time(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["--out", str(tmp_path / "a.flac")]) == 0
    assert main(["--out", str(tmp_path / "b.flac")]) == 0
    assert (tmp_path / "a.flac").read_bytes() == (tmp_path / "b.flac").read_bytes()
    assert "have called you four times" in capsys.readouterr().out
    made = sf.info(tmp_path / "a.flac")
    # Other versions of the voice speak a little differently.
    assert made.duration == pytest.approx(sf.info(asset(DEMO_AUDIO)).duration, rel=0.1)


def test_script_without_its_voice_says_how_to_get_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setitem(sys.modules, "hibari", None)
    assert main(["--out", str(tmp_path / "a.flac")]) == 2
    assert "pip install --no-deps hibari-tts" in capsys.readouterr().err
    assert not (tmp_path / "a.flac").exists()
