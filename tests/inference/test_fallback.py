"""A graphics card that is lost in the middle of a run."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from emolive.errors import ModelError
from emolive.inference.classifier import OnnxClassifier
from emolive.inference.fallback import FallbackClassifier
from tests.inference.sessions import FakeCudaRuntime, gpu_host, windows
from tests.models import tiny_metadata, tiny_model


class Card:
    """A graphics card that can be lost."""

    def __init__(self) -> None:
        self.lost = False

    def run(self) -> None:
        if self.lost:
            raise RuntimeError("CUDA failure 719: unspecified launch failure ; GPU=0\nmore")


@pytest.fixture
def path(tmp_path: Path) -> Path:
    tiny_model(tmp_path / "tiny.onnx")
    return tmp_path / "tiny.onnx"


def on_gpu(path: Path) -> tuple[OnnxClassifier, Card]:
    card = Card()
    runtime = FakeCudaRuntime(on_run=card.run)
    classifier = OnnxClassifier(path, "auto", host=gpu_host(), session_factory=runtime)
    assert classifier.provider == "CUDA"
    return classifier, card


def opener(path: Path) -> tuple[Callable[[], OnnxClassifier], list[OnnxClassifier]]:
    opened: list[OnnxClassifier] = []

    def open_cpu() -> OnnxClassifier:
        opened.append(OnnxClassifier(path, "cpu"))
        return opened[-1]

    return open_cpu, opened


def test_a_card_that_is_lost_is_replaced_by_the_cpu(path: Path) -> None:
    gpu, card = on_gpu(path)
    open_cpu, opened = opener(path)
    classifier = FallbackClassifier(gpu, open_cpu)
    before = classifier.predict(windows(3)).logits
    assert (classifier.provider, classifier.fallen_back, opened) == ("CUDA", False, [])
    card.lost = True
    after = classifier.predict(windows(3)).logits
    np.testing.assert_allclose(after, before, rtol=1e-5)
    assert (classifier.provider, classifier.fallen_back) == ("CPU", True)
    note = classifier.provider_note
    assert note is not None
    assert note.startswith("CUDA stopped working, so the model runs on the CPU from now on")
    assert "CUDA failure 719" in note
    assert "\n" not in note
    classifier.predict(windows(1))
    assert len(opened) == 1, "it falls back once"
    with pytest.raises(RuntimeError, match="closed"):
        gpu.predict(windows(1))
    classifier.close()


def test_the_cpu_has_nothing_to_fall_back_to(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*_: object) -> None:
        raise RuntimeError("bad allocation")

    broken = OnnxClassifier(path, "cpu")
    monkeypatch.setattr(broken._execution, "run", fail)
    open_cpu, opened = opener(path)
    classifier = FallbackClassifier(broken, open_cpu)
    with pytest.raises(ModelError, match="stopped working on CPU"):
        classifier.predict(windows(3))
    assert not opened


def test_two_failures_are_one_sentence(path: Path) -> None:
    gpu, card = on_gpu(path)

    def missing() -> OnnxClassifier:
        return OnnxClassifier(path.with_name("gone.onnx"), "cpu")

    classifier = FallbackClassifier(gpu, missing)
    card.lost = True
    with pytest.raises(ModelError, match=r"CUDA .*The CPU cannot take over: .*gone\.onnx"):
        classifier.predict(windows(3))


def test_a_file_that_was_exchanged_meanwhile_is_not_mixed_in(path: Path) -> None:
    gpu, card = on_gpu(path)
    tiny_model(path, tiny_metadata(temperature=3.0))
    open_cpu, _ = opener(path)
    classifier = FallbackClassifier(gpu, open_cpu)
    card.lost = True
    with pytest.raises(ModelError, match="has changed meanwhile"):
        classifier.predict(windows(3))
    classifier.close()


def test_what_is_asked_wrongly_is_no_reason_to_fall_back(path: Path) -> None:
    gpu, _ = on_gpu(path)
    open_cpu, opened = opener(path)
    classifier = FallbackClassifier(gpu, open_cpu)
    with pytest.raises(ValueError, match="log_mel must be"):
        classifier.predict(np.zeros((1, 2, 3), np.float32))
    assert not opened
    classifier.close()
