"""From a trained run to the graph of the file that emolive ships."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import Literal, get_args

import numpy as np
import numpy.typing as npt
import onnx
import torch

from emolive.inference.metadata import EMBEDDING, LOGITS, METADATA_KEY, ModelMetadata
from training import graphs
from training.cache import AudioCache
from training.device_encoding import DeviceEncoding, DeviceLogMel, can_arrange
from training.models import EncoderBody, Ensemble, Trained
from training.recipe import Recipe, load_recipe
from training.results import own_folder
from training.teachers import load_network
from training.whisper import WhisperLogMel, merge_adapters

# `int8` is for processors; `gpu` keeps weights in 8 bits and computes in half precision.
Precision = Literal["int8", "gpu", "float16", "float32"]
PRECISIONS: tuple[Precision, ...] = get_args(Precision)

FloatArray = npt.NDArray[np.float32]


def load_trained(
    recipe: Recipe, recipes: Path, runs: Path, cache: AudioCache
) -> Trained | Ensemble:
    """The averaged (EMA) weights of a recipe's own run, or of an ensemble's members.

    Raises:
        FileNotFoundError: a run has no checkpoint.
    """
    if recipe.model == "ensemble":
        members = [load_recipe(recipes / f"{name}.toml") for name in recipe.teachers]
        return Ensemble([_load_one(one, runs, cache) for one in members]).eval()
    return _load_one(recipe, runs, cache)


def _load_one(recipe: Recipe, runs: Path, cache: AudioCache) -> Trained:
    net = load_network(own_folder(runs, recipe.name), recipe, cache)
    merge_adapters(net)
    return Trained(net, recipe.stages[-1].shrink).eval()


def model_graph(
    trained: Trained | Ensemble, recipe: Recipe, precision: Precision, windows: Iterable[FloatArray]
) -> onnx.ModelProto:
    """The graph of a file: input as the recipe has it, outputs `logits` and `embedding`.

    Args:
        trained: what `load_trained` gives.
        recipe: its recipe.
        precision: of weights and arithmetic.
        windows: training windows as `window_features` gives them, for int8's ranges.
    """
    if recipe.takes_waveform:
        return _of_waveform(trained, recipe, precision, list(windows))
    examples = [torch.zeros(2, 1, recipe.front_end.n_mels, recipe.n_frames)]
    whole = graphs.graph(graphs.Answering(trained), examples, ["log_mel"], [LOGITS, EMBEDDING])
    return _network(whole, precision, (window[None] for window in windows))


def _network(
    whole: onnx.ModelProto, precision: Precision, inputs: Iterable[FloatArray]
) -> onnx.ModelProto:
    """A log-mel network in a precision; `inputs` are ``(1, n_mels, n_frames)``."""
    if precision == "int8":
        return graphs.halve_recurrent_weights(graphs.static_int8(whole, inputs))
    return _halved(whole, precision)


def _halved(whole: onnx.ModelProto, precision: Precision) -> onnx.ModelProto:
    if precision == "gpu":
        return graphs.store_in_8_bits(graphs.half(whole))
    return graphs.half(whole) if precision == "float16" else whole


def _of_waveform(
    trained: Trained | Ensemble, recipe: Recipe, precision: Precision, windows: list[FloatArray]
) -> onnx.ModelProto:
    """Front ends in float32 in front of each network, whose answers are averaged."""
    members = trained.members if isinstance(trained, Ensemble) else [trained]
    parts: dict[str, onnx.ModelProto] = {}
    for member in members:
        assert isinstance(member, Trained)
        audio = [torch.zeros(2, recipe.window_samples)]
        if isinstance(member.net.body, EncoderBody):
            arranged = precision == "gpu" and can_arrange(member.net)
            listening = DeviceLogMel() if arranged else WhisperLogMel()
            encoding = DeviceEncoding(member.net) if arranged else graphs.Encoding(member.net)
            front = graphs.graph(listening, audio, ["waveform"], ["mel"])
            mel = [listening(audio[0])]
            network = graphs.graph(encoding, mel, ["mel"], [LOGITS, EMBEDDING])
            int8 = precision == "int8"
            network = graphs.dynamic_int8(network) if int8 else _halved(network, precision)
            name = "encoder"
        else:
            hearing = graphs.Hearing(recipe.front_end)
            front = graphs.graph(hearing, audio, ["waveform"], ["log_mel"])
            images = [torch.zeros(2, 1, recipe.front_end.n_mels, recipe.n_frames)]
            network = graphs.graph(
                graphs.Answering(member), images, ["log_mel"], [LOGITS, EMBEDDING]
            )
            heard = (hearing(torch.from_numpy(w)[None])[0].numpy() for w in windows)
            network = _network(network, precision, heard)
            name = "network"
        parts[f"{name}{len(parts)}"] = graphs.chain(front, network, f"{name}_")
    return next(iter(parts.values())) if len(parts) == 1 else graphs.together(parts)


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
