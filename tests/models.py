"""Tiny models that keep the contract (or break it on purpose), made in memory for tests.

The graph averages each band over time and applies one linear layer, so different audio gives
different answers, in microseconds. The bands are those of its log-mel input, or of a small filter
bank of its own where its input is the waveform.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import onnx
from onnx import TensorProto, helper, numpy_helper

from emolive.features import LogMelSpec, WaveformSpec
from emolive.inference.metadata import EMBEDDING, LOGITS, METADATA_KEY, ModelMetadata
from emolive.inference.shift import ShiftMeter, ShiftReference

FILTERS = 16
_FLOOR = np.array(1e-5, np.float32)
LABELS = ("neutral", "calm", "happy", "sad", "angry", "fearful", "disgust", "surprised")


def tiny_metadata(**fields: Any) -> ModelMetadata:
    """Valid metadata of a tiny model; `fields` replace the defaults."""
    defaults: dict[str, Any] = {
        "name": "tiny",
        "front_end": LogMelSpec(),
        "labels": LABELS,
        "temperature": 1.5,
        "abstention_threshold": 0.3,
        "licence": "MIT",
        "corpora": ("none",),
        "split": "not trained",
        "scores": {"uar": 0.125},
    }
    return ModelMetadata(**(defaults | fields))


def waveform_metadata(**fields: Any) -> ModelMetadata:
    """Valid metadata of a tiny model that is given the sound itself, and has an embedding."""
    return tiny_metadata(**({"front_end": WaveformSpec(), "embedding_size": 6} | fields))


def shift_reference(embeddings: npt.NDArray[np.float32], k: int, **fields: Any) -> ShiftReference:
    """Fitted to embeddings ``(n, size)`` with `k` components; `fields` replace the defaults.

    Its distances are those of the embeddings themselves.
    """
    x = embeddings.astype(np.float64)
    if fields.get("unit_length"):
        x /= np.linalg.norm(x, axis=1, keepdims=True)
    mean = x.mean(axis=0)
    variances, directions = np.linalg.eigh(np.cov(x.T, bias=True))
    order = np.argsort(-variances)
    kept, rest = order[:k], order[k:]
    defaults: dict[str, Any] = {
        "mean": tuple(mean),
        "components": tuple(map(tuple, directions[:, kept].T)),
        "variances": tuple(variances[kept]),
        "residual_variance": float(variances[rest].mean()) if len(rest) else 1.0,
        "distances": (0.0, 1.0),
    }
    reference = ShiftReference(**(defaults | fields))
    if "distances" in fields:
        return reference
    found = ShiftMeter(reference).distances(embeddings)
    quantiles = np.quantile(found, np.linspace(0, 1, 101))
    return ShiftReference(**(defaults | fields | {"distances": tuple(quantiles)}))


def tiny_model(
    path: Path,
    metadata: ModelMetadata | None = None,
    *,
    weights: npt.NDArray[np.float32] | None = None,
    bias: Sequence[float] | npt.NDArray[np.float32] | None = None,
    input_name: str | None = None,
    output_name: str = LOGITS,
    input_shape: Sequence[int | str] | None = None,
    metadata_text: str | None = None,
    with_metadata: bool = True,
) -> ModelMetadata:
    """Write a tiny model to `path` and return its metadata.

    Args:
        path: the file to write.
        metadata: what it says about itself; None: `tiny_metadata()`.
        weights: ``(n_mels, n_classes)``, of a waveform ``(FILTERS, n_classes)``; None: random, but
            always the same.
        bias: ``(n_classes,)``; a large entry forces that label. None: zeros.
        input_name: the graph's input; None: as the metadata promise.
        output_name: the graph's output.
        input_shape: the graph's input shape; None: as the metadata promise.
        metadata_text: this text instead of the metadata's JSON.
        with_metadata: whether the file carries metadata at all.
    """
    metadata = metadata or tiny_metadata()
    shape: list[int | str] = list(input_shape or ("batch", *metadata.input_shape))
    input_name = input_name or metadata.input_name
    waveform = metadata.input_name == "waveform"
    n_bands = FILTERS if waveform else int(shape[-2])
    n_classes = len(metadata.labels)
    rng = np.random.default_rng(0)
    if weights is None:
        weights = rng.standard_normal((n_bands, n_classes)).astype(np.float32)
    offsets = np.zeros(n_classes) if bias is None else bias
    tensors: dict[str, npt.NDArray[np.generic]] = {
        "axes": np.array([2] if waveform else [1, 3], np.int64),
        "weights": weights,
        "bias": np.asarray(offsets, np.float32),
    }
    # To (batch, n_bands), then (batch, n_classes).
    nodes = [
        helper.make_node("ReduceMean", [input_name, "axes"], ["bands"], keepdims=0),
        helper.make_node("Gemm", ["bands", "weights", "bias"], [output_name]),
    ]
    outputs = {output_name: weights.shape[1]}
    if waveform:
        tensors |= {"one": np.array([1], np.int64), "filters": _filters(), "floor": _FLOOR}
        nodes[:1] = [
            helper.make_node("Unsqueeze", [input_name, "one"], ["channel"]),
            helper.make_node("Conv", ["channel", "filters"], ["filtered"], strides=[160]),
            helper.make_node("Abs", ["filtered"], ["amplitude"]),
            helper.make_node("ReduceMean", ["amplitude", "axes"], ["mean"], keepdims=0),
            helper.make_node("Add", ["mean", "floor"], ["above"]),
            helper.make_node("Log", ["above"], ["bands"]),
        ]
    if metadata.embedding_size is not None:
        outputs = {EMBEDDING: metadata.embedding_size} | outputs  # not in the usual order
        tensors["projection"] = rng.standard_normal((n_bands, metadata.embedding_size)).astype(
            np.float32
        )
        nodes.append(helper.make_node("MatMul", ["bands", "projection"], [EMBEDDING]))
    graph = helper.make_graph(
        nodes,
        "tiny",
        [helper.make_tensor_value_info(input_name, TensorProto.FLOAT, shape)],
        [
            helper.make_tensor_value_info(name, TensorProto.FLOAT, [shape[0], size])
            for name, size in outputs.items()
        ],
        [numpy_helper.from_array(value, name) for name, value in tensors.items()],
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 18)])
    model.ir_version = 10
    if with_metadata:
        text = metadata.to_json() if metadata_text is None else metadata_text
        model.metadata_props.add(key=METADATA_KEY, value=text)
    onnx.checker.check_model(model)
    onnx.save(model, path)
    return metadata


def _filters() -> npt.NDArray[np.float32]:
    """Tones under a window, from 200 Hz to 6.4 kHz: ``(FILTERS, 1, 64)``."""
    hertz = 200.0 * 2 ** (np.arange(FILTERS) * 5 / (FILTERS - 1))
    tones = np.sin(2 * np.pi * hertz[:, None] * np.arange(64) / 16_000) * np.hanning(64)
    return tones[:, None].astype(np.float32)
