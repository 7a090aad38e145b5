"""Throughput by batch size: real windows of real speech through the bundled model."""

from __future__ import annotations

from functools import partial
from pathlib import Path

import numpy as np
import onnx
import onnxruntime
import pytest
from onnx import TensorProto, helper

from emolive.adapt import shelf
from emolive.bench.stages import read_speech
from emolive.bench.throughput import MATRIX_PRODUCT, measure_throughput
from emolive.inference.classifier import OnnxClassifier
from emolive.inference.providers import CUDA_BATCHES
from emolive.resources import DEMO_AUDIO, asset
from tests.adapt.taught import base_model, speech, taught, voices
from tests.inference.sessions import FakeCudaRuntime, gpu_host
from tests.models import tiny_model, waveform_metadata


@pytest.mark.parametrize("model", ["fast", "accurate"])
def test_every_batch_size_is_timed_from_audio_to_answers(model: str) -> None:
    sound = read_speech(asset(DEMO_AUDIO), 16_000)
    found = measure_throughput(Path(model), "cpu", sound, (1, 3), seconds=0.0)
    assert [one.batch for one in found.batches] == [1, 3]
    assert found.provider == "CPU"
    assert found.matrix_rate is None
    for one in found.batches:
        assert 0 < one.p50_ms <= one.p99_ms
        assert one.windows_per_s == pytest.approx(1e3 * one.batch / one.p50_ms)
        assert not one.graphs
        assert one.matrix_share is None


def test_on_a_card_graphs_stand_beside_what_commands_run(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "tiny.onnx"
    tiny_model(path, waveform_metadata())
    runtime = FakeCudaRuntime()
    on_card = partial(OnnxClassifier, host=gpu_host(), session_factory=runtime)
    monkeypatch.setattr("emolive.bench.throughput.OnnxClassifier", on_card)
    monkeypatch.setattr("emolive.bench.throughput.matrix_rate", lambda: 1e12)
    sound = read_speech(asset(DEMO_AUDIO), 16_000)
    found = measure_throughput(path, "auto", sound, (1, 12), seconds=0.0)
    assert [(one.batch, one.together, one.graphs) for one in found.batches] == [
        (1, False, False), (12, False, False), (12, True, False),
        (1, False, True), (12, False, True), (12, True, True),
    ]  # fmt: skip
    # The sizes are those of every command.
    assert set(runtime.batches) == set(CUDA_BATCHES)


def test_of_a_model_that_was_taught_what_it_stands_on_is_timed(tmp_path: Path) -> None:
    base = base_model(tmp_path)
    path = shelf.keep(taught(base, voices(tmp_path, 8)).model)
    for choice in (Path("mine"), path):
        found = measure_throughput(choice, "cpu", speech(), (1, 2), seconds=0.0)
        assert (found.model, found.file) == ("tiny base", "base.onnx")
        assert [one.batch for one in found.batches] == [1, 2]


def test_the_matrix_product_is_one() -> None:
    """The yardstick of a card: a half-precision product, as what it is built from says."""
    path = asset(MATRIX_PRODUCT)
    inputs = [
        helper.make_tensor_value_info("a", TensorProto.FLOAT16, ["m", "k"]),
        helper.make_tensor_value_info("b", TensorProto.FLOAT16, ["k", "n"]),
    ]
    output = helper.make_tensor_value_info("c", TensorProto.FLOAT16, ["m", "n"])
    node = helper.make_node("MatMul", ["a", "b"], ["c"])
    graph = helper.make_graph([node], "product", inputs, [output])
    opset = [helper.make_opsetid("", 18)]
    assert onnx.load(path) == helper.make_model(graph, opset_imports=opset, ir_version=10)
    session = onnxruntime.InferenceSession(str(path), providers=["CPUExecutionProvider"])
    a, b = np.arange(6).reshape(2, 3), np.arange(12).reshape(3, 4)
    (c,) = session.run(None, {"a": a.astype(np.float16), "b": b.astype(np.float16)})
    np.testing.assert_array_equal(c, (a @ b).astype(np.float16))
