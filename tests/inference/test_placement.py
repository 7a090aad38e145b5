"""Which operators ran where, from the real profile of ONNX Runtime, and from one of a GPU."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from emolive.inference.classifier import OnnxClassifier
from emolive.inference.placement import Placement, placement
from emolive.inference.providers import CPU, CUDA
from tests.inference.sessions import FakeCudaRuntime, gpu_host, windows
from tests.models import tiny_model, waveform_metadata


def test_a_real_profile_of_the_cpu(tmp_path: Path) -> None:
    path = tmp_path / "tiny.onnx"
    tiny_model(path, waveform_metadata())
    classifier = OnnxClassifier(path, "cpu")
    found = placement(classifier)
    assert found.copies == 0
    assert found.operators >= 5
    assert {"Conv", "Log"} <= set(found.on_cpu)
    assert list(tmp_path.iterdir()) == [path], "nothing is left behind"
    assert classifier.predict(np.zeros((1, 48_000), np.float32)).logits.shape == (1, 8)


def test_what_fell_back_is_named(tmp_path: Path) -> None:
    """A session that says CUDA and computes on the CPU is found out."""
    path = tmp_path / "tiny.onnx"
    tiny_model(path)
    classifier = OnnxClassifier(path, host=gpu_host(), session_factory=FakeCudaRuntime())
    assert classifier.provider == "CUDA"
    assert "ReduceMean" in placement(classifier).on_cpu


def kernel(name: str, operator: str, provider: str) -> dict[str, object]:
    arguments = {"op_name": operator, "provider": provider}
    return {"cat": "Node", "name": f"{name}_kernel_time", "args": arguments}


def test_a_profile_of_a_gpu() -> None:
    events = [
        {"cat": "Session", "name": "model_run", "args": {}},
        kernel("a", "Conv", CUDA),
        {"cat": "Node", "name": "a_fence_before", "args": {"op_name": "Conv"}},
        kernel("m", "MemcpyToHost", CUDA),
        kernel("b", "NonZero", CPU),
        kernel("c", "NonZero", CPU),
        kernel("d", "LSTM", CPU),
        kernel("n", "MemcpyFromHost", CUDA),
        kernel("e", "Gemm", CUDA),
    ]
    found = Placement.of_profile(events)
    assert found == Placement(5, ("LSTM", "NonZero"), 2)
    words = "these operators ran on the CPU: LSTM, NonZero, 2 copies to and from the graphics card"
    assert str(found) == words
    clean = Placement.of_profile([kernel("a", "Conv", CUDA), kernel("e", "Gemm", CUDA)])
    assert clean == Placement(2, (), 0)
    assert str(clean) == "none of its 2 operators fell back to the CPU"


@pytest.mark.parametrize("can_capture", [True, False])
def test_cuda_graphs_where_the_model_can_be_captured(tmp_path: Path, can_capture: bool) -> None:
    path = tmp_path / "tiny.onnx"
    tiny_model(path)
    runtime = FakeCudaRuntime(can_capture=can_capture)
    classifier = OnnxClassifier(
        path, batch_sizes=(1, 4), cuda_graphs=True, host=gpu_host(), session_factory=runtime
    )
    assert classifier.provider == "CUDA"
    assert classifier.cuda_graphs is can_capture
    expected = OnnxClassifier(path, "cpu").predict(windows(5)).logits
    np.testing.assert_allclose(classifier.predict(windows(5)).logits, expected, atol=1e-6)
    # Each batch size is a graph of its own.
    ids = {"1": 1, "2": 4} if can_capture else {None: 1}
    assert set(runtime.graphs) == set(ids)
    sizes = dict(zip(runtime.graphs, runtime.batches, strict=True))
    if can_capture:
        assert sizes == ids
    usual = FakeCudaRuntime()
    without = OnnxClassifier(path, host=gpu_host(), session_factory=usual)
    assert not without.cuda_graphs
    assert set(usual.graphs) == {None}
