"""From a trained run to the file that emolive ships: ONNX, int8, calibrated, described."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import numpy.typing as npt
import onnx
import torch
from onnx import helper, numpy_helper
from onnxruntime.quantization import (
    CalibrationDataReader,
    CalibrationMethod,
    QuantFormat,
    QuantType,
    quantize_static,
)
from onnxruntime.quantization.shape_inference import quant_pre_process
from onnxruntime.transformers.float16 import convert_float_to_float16
from onnxruntime.transformers.onnx_model import OnnxModel
from torch import nn

from emolive.inference.metadata import LOGITS, METADATA_KEY, ModelMetadata
from training.cache import AudioCache, CachedClip
from training.dataset import cut_window, window_features
from training.models import Ensemble, build_model
from training.recipe import Recipe, load_recipe
from training.results import own_folder
from training.state import averaged_weights

OPSET = 18
# What int8 arithmetic is for: the convolutions and what lies between them. Recurrent layers and the
# few operations after them stay in float32.
_INT8_OPERATIONS = ["Conv", "Relu", "Add", "MaxPool", "ReduceMean"]


def load_trained(recipe: Recipe, recipes: Path, runs: Path) -> nn.Module:
    """The averaged (EMA) weights of a recipe's own run, or of an ensemble's members.

    Where the last stage is a shrunk one, a pooling layer in front does the shrinking.

    Raises:
        FileNotFoundError: a run has no checkpoint.
    """
    if recipe.model == "ensemble":
        members = [load_recipe(recipes / f"{name}.toml") for name in recipe.teachers]
        return Ensemble([load_trained(one, recipes, runs) for one in members]).eval()
    model = build_model(recipe.model, recipe.dropout, recipe.front_end.n_mels)
    model.load_state_dict(averaged_weights(own_folder(runs, recipe.name)))
    shrink = recipe.stages[-1].shrink
    return nn.Sequential(nn.AvgPool2d(shrink), model).eval() if shrink != (1, 1) else model.eval()


def write_float_onnx(model: nn.Module, recipe: Recipe, path: Path) -> None:
    """A float32 graph with a free batch dimension."""
    example = torch.zeros(2, 1, recipe.front_end.n_mels, recipe.n_frames)
    torch.onnx.export(
        model.to(memory_format=torch.contiguous_format),
        (example,),
        path,
        input_names=["log_mel"],
        output_names=[LOGITS],
        dynamic_shapes=({0: torch.export.Dim("batch", min=1, max=1024)},),
        opset_version=OPSET,
        external_data=False,
        dynamo=True,
        verbose=False,
    )


class _CalibrationWindows(CalibrationDataReader):
    """Windows of training clips, one by one."""

    def __init__(self, cache: AudioCache, clips: list[CachedClip], recipe: Recipe) -> None:
        self._windows: Iterator[npt.NDArray[np.float32]] = (
            window_features(cut_window(cache.samples(c), recipe.window_samples, 0.5), recipe)
            for c in clips
        )

    def get_next(self) -> dict[str, npt.NDArray[np.float32]] | None:
        window = next(self._windows, None)
        return None if window is None else {"log_mel": window[None, None]}


def write_int8_onnx(
    source: Path, target: Path, cache: AudioCache, clips: tuple[CachedClip, ...], recipe: Recipe
) -> None:
    """Static QDQ quantisation, weights per channel, ranges from 256 training windows.

    Recurrent layers compute in float32, from weights that are stored in half precision.
    """
    rng = np.random.default_rng(recipe.seed)
    chosen = [clips[i] for i in rng.choice(len(clips), min(256, len(clips)), replace=False)]
    with tempfile.TemporaryDirectory() as folder:
        prepared = Path(folder) / "prepared.onnx"
        quant_pre_process(source, prepared, skip_symbolic_shape=True)
        quantize_static(
            prepared,
            target,
            _CalibrationWindows(cache, chosen, recipe),
            op_types_to_quantize=_INT8_OPERATIONS,
            quant_format=QuantFormat.QDQ,
            per_channel=True,
            activation_type=QuantType.QUInt8,
            weight_type=QuantType.QInt8,
            calibrate_method=CalibrationMethod.MinMax,
        )
    model = onnx.load(target)
    _halve_recurrent_weights(model.graph)
    onnx.save(model, target)


def _halve_recurrent_weights(graph: onnx.GraphProto) -> None:
    """Store LSTM weights in 16 bits; ONNX Runtime widens them once, when it loads the file."""
    used = {name for node in graph.node if node.op_type == "LSTM" for name in node.input}
    for wide in [w for w in graph.initializer if w.name in used]:
        weights = numpy_helper.to_array(wide)
        if weights.dtype != np.float32:
            continue
        half = numpy_helper.from_array(weights.astype(np.float16), f"{wide.name}_half")
        cast = helper.make_node("Cast", [half.name], [wide.name], to=onnx.TensorProto.FLOAT)
        graph.initializer.remove(wide)
        graph.initializer.append(half)
        graph.node.insert(0, cast)


def write_half_onnx(source: Path, target: Path) -> None:
    """Half-precision weights and arithmetic, float32 input and output: for GPUs.

    ONNX Runtime's CUDA provider has no int8 convolution, so a GPU runs this one instead.
    """
    half = OnnxModel(convert_float_to_float16(onnx.load(source), keep_io_types=True))
    half.topological_sort()  # its new casts stand at the end
    onnx.save(half.model, target)


def write_metadata(path: Path, metadata: ModelMetadata) -> None:
    """Store the metadata in the file, replacing what was there.

    What the exporter notes about each node (stack traces with paths of the machine) is removed.
    """
    model = onnx.load(path)
    del model.metadata_props[:]
    graph = model.graph
    for part in (graph, *graph.node, *graph.input, *graph.output, *graph.value_info):
        del part.metadata_props[:]
        part.doc_string = ""
    model.metadata_props.add(key=METADATA_KEY, value=metadata.to_json())
    onnx.checker.check_model(model)
    onnx.save(model, path)
