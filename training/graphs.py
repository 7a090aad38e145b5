"""Networks as ONNX graphs, part by part: front ends, networks, and what joins their answers.

Parts are quantised or halved each in the way that suits it, then joined into one file.
"""

from __future__ import annotations

import tempfile
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path

import numpy as np
import numpy.typing as npt
import onnx
import torch
from onnx import compose, helper, numpy_helper
from onnxruntime.quantization import (
    CalibrationDataReader,
    CalibrationMethod,
    QuantFormat,
    QuantType,
    quantize_dynamic,
    quantize_static,
)
from onnxruntime.quantization.shape_inference import quant_pre_process
from onnxruntime.transformers.float16 import convert_float_to_float16
from onnxruntime.transformers.onnx_model import OnnxModel
from torch import nn

from emolive.features import LogMelSpec
from emolive.inference.metadata import EMBEDDING, LOGITS
from training.models import EmotionNet, EncoderBody, Ensemble, Trained, mean_answer
from training.waveforms import LogMel

OPSET = 18
# What static int8 arithmetic is for: the convolutions and what lies between them. Recurrent layers
# and the few operations after them stay in float32.
_CONVOLUTIONAL = ["Conv", "Relu", "Add", "MaxPool", "ReduceMean"]
_FEWEST_WEIGHTS = 4096  # smaller tensors are not worth quantising

Windows = Iterable[npt.NDArray[np.float32]]


class Answering(nn.Module):
    """A log-mel network, or several, for export: logits and embedding."""

    def __init__(self, model: Trained | Ensemble) -> None:
        super().__init__()
        self.model = model

    def forward(self, log_mel: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        """``(batch, 1, n_mels, n_frames)`` to ``(batch, 8)`` and ``(batch, n_features)``."""
        return self.model.answer(log_mel)


class Hearing(nn.Module):
    """The normalised log-mel of a waveform, for export."""

    def __init__(self, spec: LogMelSpec) -> None:
        super().__init__()
        self.log_mel = LogMel(spec)

    def forward(self, waveform: torch.Tensor) -> torch.Tensor:
        """``(batch, n_samples)`` to ``(batch, 1, n_mels, n_frames)``."""
        images: torch.Tensor = self.log_mel(waveform)[:, None]
        return images


class Encoding(nn.Module):
    """A speech encoder's network for export, behind its log-mel."""

    def __init__(self, net: EmotionNet) -> None:
        super().__init__()
        self.net = net

    def forward(self, log_mel: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        """``(batch, 80, frames)`` to ``(batch, 8)`` and ``(batch, n_features)``."""
        body = self.net.body
        assert isinstance(body, EncoderBody)
        assert body.encoder is not None
        embedding = body.hidden(body.mix(body.pool(body.encoder.encode(log_mel)[body.kept :])))
        return self.net.head(embedding), embedding


class Mean(nn.Module):
    """`mean_answer` of several networks, for export."""

    def forward(self, *logits: torch.Tensor) -> torch.Tensor:
        """Some ``(batch, 8)`` to one."""
        return mean_answer(logits)


def graph(
    module: nn.Module, examples: Sequence[torch.Tensor], inputs: list[str], outputs: list[str]
) -> onnx.ModelProto:
    """A float32 graph with a free batch dimension."""
    batch = torch.export.Dim("batch", min=1, max=1024)
    shapes = tuple({0: batch} for _ in examples)
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "graph.onnx"
        torch.onnx.export(
            module.to(memory_format=torch.contiguous_format).eval(),  # type: ignore[call-overload]
            tuple(examples),
            path,
            input_names=inputs,
            output_names=outputs,
            dynamic_shapes=(shapes,) if isinstance(module, Mean) else shapes,
            opset_version=OPSET,
            external_data=False,
            dynamo=True,
            verbose=False,
        )
        return _without_unused_outputs(onnx.load(path))


def _without_unused_outputs(model: onnx.ModelProto) -> onnx.ModelProto:
    """Leave out what ONNX Runtime's own operators need not put out."""
    used = {name for node in model.graph.node for name in node.input}
    used |= {value.name for value in model.graph.output}
    for node in model.graph.node:
        if node.domain == "com.microsoft":
            for i, name in enumerate(node.output):
                node.output[i] = name if name in used else ""
    return model


class _Calibration(CalibrationDataReader):  # type: ignore[misc]  # it has no types
    """Inputs of a graph, one by one."""

    def __init__(self, name: str, windows: Windows) -> None:
        self._name = name
        self._windows: Iterator[npt.NDArray[np.float32]] = iter(windows)

    def get_next(self) -> dict[str, npt.NDArray[np.float32]] | None:
        window = next(self._windows, None)
        return None if window is None else {self._name: window[None]}


def static_int8(model: onnx.ModelProto, windows: Windows) -> onnx.ModelProto:
    """Convolutions in int8 (QDQ), weights per channel, ranges from `windows` of its input."""
    with tempfile.TemporaryDirectory() as folder:
        source, prepared, target = (Path(folder) / f"{i}.onnx" for i in range(3))
        onnx.save(model, source)
        quant_pre_process(source, prepared, skip_symbolic_shape=True)
        quantize_static(
            prepared,
            target,
            _Calibration(model.graph.input[0].name, windows),
            op_types_to_quantize=_CONVOLUTIONAL,
            quant_format=QuantFormat.QDQ,
            per_channel=True,
            activation_type=QuantType.QUInt8,
            weight_type=QuantType.QInt8,
            calibrate_method=CalibrationMethod.MinMax,
        )
        return onnx.load(target)


def dynamic_int8(model: onnx.ModelProto) -> onnx.ModelProto:
    """Matrix products with fixed weights in int8, the other factor's range found as it comes."""
    with tempfile.TemporaryDirectory() as folder:
        source, target = Path(folder) / "source.onnx", Path(folder) / "target.onnx"
        del model.graph.value_info[:]  # stale where weights were transposed
        onnx.save(model, source)
        quantize_dynamic(
            source,
            target,
            op_types_to_quantize=["MatMul", "Gemm"],
            per_channel=True,
            weight_type=QuantType.QInt8,
            # Nothing says what type the fused attention puts out.
            extra_options={"MatMulConstBOnly": True, "DefaultTensorType": onnx.TensorProto.FLOAT},
        )
        return onnx.load(target)


def half(model: onnx.ModelProto) -> onnx.ModelProto:
    """Half-precision weights and arithmetic, float32 inputs and outputs: for GPUs."""
    halved = OnnxModel(convert_float_to_float16(model, keep_io_types=True))
    halved.topological_sort()  # its new casts stand at the end
    converted: onnx.ModelProto = halved.model
    return converted


def store_in_8_bits(model: onnx.ModelProto) -> onnx.ModelProto:
    """Keep large weights as int8, one scale per output channel; they are widened once, at load.

    The product of two constants is folded by ONNX Runtime: arithmetic is that of the graph.
    """
    weights = {w.name: w for w in model.graph.initializer}
    axes: dict[str, int] = {}
    for node in model.graph.node:
        if node.op_type in ("Conv", "MatMul", "Gemm") and node.input[1] in weights:
            transposed = any(a.name == "transB" and a.i for a in node.attribute)
            last = node.op_type == "MatMul" or (node.op_type == "Gemm" and not transposed)
            axes[node.input[1]] = -1 if last else 0
    widened = []
    for name, axis in axes.items():
        values = numpy_helper.to_array(weights[name])
        if values.size < _FEWEST_WEIGHTS:
            continue
        others = tuple(i for i in range(values.ndim) if i != axis % values.ndim)
        scale = np.abs(values.astype(np.float32)).max(axis=others, keepdims=True) / 127
        scale = np.maximum(scale, 1e-8)
        small = np.round(values / scale).astype(np.int8)
        kind = helper.np_dtype_to_tensor_dtype(values.dtype)
        # Folded on the processor, which multiplies in float32 alone.
        model.graph.initializer.remove(weights[name])
        model.graph.initializer.extend(
            [
                numpy_helper.from_array(small, f"{name}_int8"),
                numpy_helper.from_array(scale.astype(np.float32), f"{name}_scale"),
            ]
        )
        widened += [
            helper.make_node("Cast", [f"{name}_int8"], [f"{name}_wide"], to=onnx.TensorProto.FLOAT),
            helper.make_node("Mul", [f"{name}_wide", f"{name}_scale"], [f"{name}_full"]),
            helper.make_node("Cast", [f"{name}_full"], [name], to=kind),
        ]
    nodes = [*widened, *model.graph.node]
    del model.graph.node[:]
    model.graph.node.extend(nodes)
    return model


def halve_recurrent_weights(model: onnx.ModelProto) -> onnx.ModelProto:
    """Store LSTM weights in 16 bits; ONNX Runtime widens them once, when it loads the file."""
    parts = model.graph
    used = {name for node in parts.node if node.op_type == "LSTM" for name in node.input}
    for wide in [w for w in parts.initializer if w.name in used]:
        weights = numpy_helper.to_array(wide)
        if weights.dtype != np.float32:
            continue
        narrow = numpy_helper.from_array(weights.astype(np.float16), f"{wide.name}_half")
        cast = helper.make_node("Cast", [narrow.name], [wide.name], to=onnx.TensorProto.FLOAT)
        parts.initializer.remove(wide)
        parts.initializer.append(narrow)
        parts.node.insert(0, cast)
    return model


def chain(first: onnx.ModelProto, second: onnx.ModelProto, prefix: str) -> onnx.ModelProto:
    """`second` behind `first`: its only input is the other's only output.

    Inputs and outputs keep their names; what lies inside `second` is called `prefix`...
    """
    inner = compose.add_prefix(second, prefix)
    for value, name in zip(inner.graph.output, second.graph.output, strict=True):
        _rename(inner.graph, value.name, name.name)
    link = (first.graph.output[0].name, inner.graph.input[0].name)
    return compose.merge_models(_same_version(first, inner), inner, io_map=[link])


def together(members: dict[str, onnx.ModelProto]) -> onnx.ModelProto:
    """Networks that hear the same waveform and answer with their mean probabilities.

    Members are graphs with the input `waveform` and the outputs `logits` and `embedding`; the
    first one's embedding is kept.
    """
    names = [f"{name}_{LOGITS}" for name in members]
    # One tensor for each: the exporter takes the same one twice for one input.
    examples = [torch.zeros(2, 8) for _ in members]
    joined = graph(Mean(), examples, names, [LOGITS])
    whole: onnx.ModelProto | None = None
    for name, member in members.items():
        inner = compose.add_prefix(member, f"{name}_")
        source = inner.graph.input[0].name
        if whole is None:
            whole = inner
            _rename(whole.graph, source, member.graph.input[0].name)
            _rename(whole.graph, f"{name}_{EMBEDDING}", EMBEDDING)
            continue
        whole = compose.merge_models(_same_version(whole, inner), inner, io_map=[])
        # One waveform for all.
        for node in whole.graph.node:
            for i, used in enumerate(node.input):
                if used == source:
                    node.input[i] = whole.graph.input[0].name
        for spare in [v for v in whole.graph.input if v.name == source]:
            whole.graph.input.remove(spare)
        for spare in [v for v in whole.graph.output if v.name == f"{name}_{EMBEDDING}"]:
            whole.graph.output.remove(spare)
    assert whole is not None
    return compose.merge_models(
        _same_version(whole, joined), joined, io_map=[(name, name) for name in names]
    )


def _same_version(one: onnx.ModelProto, other: onnx.ModelProto) -> onnx.ModelProto:
    """Make both carry the same version of the file format."""
    one.ir_version = other.ir_version = max(one.ir_version, other.ir_version)
    return one


def _rename(parts: onnx.GraphProto, old: str, new: str) -> None:
    for node in parts.node:
        for names in (node.input, node.output):
            for i, name in enumerate(names):
                if name == old:
                    names[i] = new
    for values in (parts.input, parts.output, parts.value_info):
        for value in values:
            if value.name == old:
                value.name = new
