"""Models that would run for ever."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from onnx import TensorProto, helper, numpy_helper, save

from emolive.errors import ModelError
from emolive.inference import limits
from emolive.inference.classifier import OnnxClassifier
from emolive.inference.metadata import METADATA_KEY
from tests.inference.sessions import FakeCudaRuntime, gpu_host
from tests.models import LABELS, tiny_metadata, tiny_model


def looping_model(path: Path, *, always: bool) -> None:
    """A valid model that loops without end, for each input or for all but silence."""
    body = helper.make_graph(
        [
            helper.make_node("Identity", ["go_on"], ["goes_on"]),
            helper.make_node("Identity", ["value"], ["new_value"]),
        ],
        "body",
        [
            helper.make_tensor_value_info("i", TensorProto.INT64, []),
            helper.make_tensor_value_info("go_on", TensorProto.BOOL, []),
            helper.make_tensor_value_info("value", TensorProto.FLOAT, [None, len(LABELS)]),
        ],
        [
            helper.make_tensor_value_info("goes_on", TensorProto.BOOL, []),
            helper.make_tensor_value_info("new_value", TensorProto.FLOAT, [None, len(LABELS)]),
        ],
    )
    nodes = [
        helper.make_node("ReduceMax", ["log_mel"], ["most"], keepdims=0),
        helper.make_node("Cast", ["most"], ["heard"], to=TensorProto.BOOL),
        helper.make_node(
            "Loop", ["", "true" if always else "heard", "start"], ["logits"], body=body
        ),
    ]
    start = np.zeros((1, len(LABELS)), np.float32)
    graph = helper.make_graph(
        nodes,
        "looping",
        [helper.make_tensor_value_info("log_mel", TensorProto.FLOAT, ["batch", 1, 128, "frames"])],
        [helper.make_tensor_value_info("logits", TensorProto.FLOAT, ["batch", len(LABELS)])],
        [
            numpy_helper.from_array(start, "start"),
            numpy_helper.from_array(np.array(True), "true"),
        ],
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 18)], ir_version=9)
    helper.set_model_props(model, {METADATA_KEY: tiny_metadata().to_json()})
    save(model, path)


@pytest.fixture(autouse=True)
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(limits, "RUN_LIMIT_S", 0.3)


@pytest.mark.parametrize("cuda", [False, True])
def test_a_model_that_loops_without_end_is_refused(
    tmp_path: Path, capfd: pytest.CaptureFixture[str], cuda: bool
) -> None:
    path = tmp_path / "loop.onnx"
    looping_model(path, always=True)
    machine = {"host": gpu_host(), "session_factory": FakeCudaRuntime()} if cuda else {}
    with pytest.raises(ModelError, match="no answer within") as caught:
        OnnxClassifier(path, **machine)
    assert "\n" not in str(caught.value)
    assert capfd.readouterr().err == ""


def test_a_loop_that_only_sound_sets_off_is_stopped_each_time(tmp_path: Path) -> None:
    path = tmp_path / "loop.onnx"
    looping_model(path, always=False)
    classifier = OnnxClassifier(path, "cpu")
    silence = np.zeros((1, 128, 298), np.float32)
    for _ in range(2):
        with pytest.raises(ModelError, match="no answer within"):
            classifier.predict(silence + 1)
        assert classifier.predict(silence).logits.shape == (1, len(LABELS))


def test_what_has_no_loop_has_no_limit(tmp_path: Path) -> None:
    tiny_model(tmp_path / "tiny.onnx")
    assert not limits.may_loop(tmp_path / "tiny.onnx")
    looping_model(tmp_path / "loop.onnx", always=False)
    assert limits.may_loop(tmp_path / "loop.onnx")
