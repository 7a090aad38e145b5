"""Tiny models that keep the contract (or break it on purpose), made in memory for tests.

The graph averages each mel band over time and applies one linear layer, so different audio gives
different answers, in microseconds.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import onnx
from onnx import TensorProto, helper, numpy_helper

from emolive.features import FrontEndSpec
from emolive.inference.metadata import INPUT_NAME, METADATA_KEY, OUTPUT_NAME, ModelMetadata

LABELS = ("neutral", "calm", "happy", "sad", "angry", "fearful", "disgust", "surprised")


def tiny_metadata(**fields: Any) -> ModelMetadata:
    """Valid metadata of a tiny model; `fields` replace the defaults."""
    defaults: dict[str, Any] = {
        "name": "tiny",
        "front_end": FrontEndSpec(),
        "labels": LABELS,
        "temperature": 1.5,
        "abstention_threshold": 0.3,
        "licence": "MIT",
        "corpora": ("none",),
        "split": "not trained",
        "scores": {"uar": 0.125},
    }
    return ModelMetadata(**(defaults | fields))


def tiny_model(
    path: Path,
    metadata: ModelMetadata | None = None,
    *,
    weights: npt.NDArray[np.float32] | None = None,
    bias: Sequence[float] | None = None,
    input_name: str = INPUT_NAME,
    output_name: str = OUTPUT_NAME,
    input_shape: Sequence[int | str] | None = None,
    metadata_text: str | None = None,
    with_metadata: bool = True,
) -> ModelMetadata:
    """Write a tiny model to `path` and return its metadata.

    Args:
        path: the file to write.
        metadata: what it says about itself; None: `tiny_metadata()`.
        weights: ``(n_mels, n_classes)``; None: random, but always the same.
        bias: ``(n_classes,)``; a large entry forces that label. None: zeros.
        input_name: the graph's input.
        output_name: the graph's output.
        input_shape: the graph's input shape; None: as the metadata promise.
        metadata_text: this text instead of the metadata's JSON.
        with_metadata: whether the file carries metadata at all.
    """
    metadata = metadata or tiny_metadata()
    shape = list(input_shape or ("batch", *metadata.input_shape))
    n_mels = int(shape[-2])
    n_classes = len(metadata.labels)
    if weights is None:
        rng = np.random.default_rng(0)
        weights = rng.standard_normal((n_mels, n_classes)).astype(np.float32)
    offsets = np.asarray(np.zeros(n_classes) if bias is None else bias, np.float32)
    graph = helper.make_graph(
        [
            # (batch, 1, n_mels, n_frames) -> (batch, n_mels) -> (batch, n_classes)
            helper.make_node("ReduceMean", [input_name, "axes"], ["bands"], keepdims=0),
            helper.make_node("Gemm", ["bands", "weights", "bias"], [output_name]),
        ],
        "tiny",
        [helper.make_tensor_value_info(input_name, TensorProto.FLOAT, shape)],
        [
            helper.make_tensor_value_info(
                output_name, TensorProto.FLOAT, [shape[0], weights.shape[1]]
            )
        ],
        [
            numpy_helper.from_array(np.array([1, 3], np.int64), "axes"),
            numpy_helper.from_array(weights, "weights"),
            numpy_helper.from_array(offsets, "bias"),
        ],
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 18)])
    model.ir_version = 10
    if with_metadata:
        text = metadata.to_json() if metadata_text is None else metadata_text
        model.metadata_props.add(key=METADATA_KEY, value=text)
    onnx.checker.check_model(model)
    onnx.save(model, path)
    return metadata
