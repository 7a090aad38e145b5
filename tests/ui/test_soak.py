"""The window's soak: every frame is measured, nothing is written to the person's folders."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from emolive.engine.config import EngineConfig
from emolive.inference.classifier import OnnxClassifier
from emolive.speech.silero import SileroVad
from emolive.ui.soak import FRAME_S, soak_desktop
from tests.models import tiny_model


@pytest.mark.usefixtures("qtbot")
def test_hours_pass_in_the_window(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("EMOLIVE_LIBRARY", str(tmp_path / "library"))
    path = tmp_path / "model.onnx"
    tiny_model(path)
    classifier = OnnxClassifier(path, "cpu", threads=1)
    speech = np.random.default_rng(0).normal(0, 0.05, 16_000 * 7).astype(np.float32)
    told: list[float] = []
    soak = soak_desktop(speech, classifier, SileroVad(), EngineConfig(), 0.1, told.append)
    classifier.close()
    assert soak.hours == pytest.approx(0.1)
    assert sum(part.frames for part in soak.parts) >= 0.9 * 0.1 * 3600 / FRAME_S
    assert len(soak.parts) == 8
    assert all(0 < p.median_ms <= p.p95_ms <= p.worst_ms for p in soak.parts)
    assert [part.hours for part in soak.parts] == sorted(part.hours for part in soak.parts)
    assert told == sorted(told)
    assert not (tmp_path / "library").exists()
