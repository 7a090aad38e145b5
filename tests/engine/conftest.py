from __future__ import annotations

from collections.abc import Iterator

import pytest
import soundfile as sf

from emolive.inference.classifier import OnnxClassifier
from emolive.resources import DEMO_AUDIO, asset
from emolive.speech.silero import SileroVad
from emolive.types import FloatArray
from tests.models import tiny_model


@pytest.fixture(scope="session")
def vad() -> SileroVad:
    return SileroVad()


@pytest.fixture(scope="session")
def classifier(tmp_path_factory: pytest.TempPathFactory) -> Iterator[OnnxClassifier]:
    path = tmp_path_factory.mktemp("model") / "tiny.onnx"
    tiny_model(path)
    classifier = OnnxClassifier(path, "cpu")
    yield classifier
    classifier.close()


@pytest.fixture(scope="session")
def speech() -> FloatArray:
    """The demo clip: 42 s of speech with pauses, 16 kHz mono."""
    samples: FloatArray
    samples, rate = sf.read(asset(DEMO_AUDIO), dtype="float32")
    assert rate == 16_000
    samples.setflags(write=False)
    return samples
