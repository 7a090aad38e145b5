"""From a trained run to the graph of the file that emolive ships."""

from __future__ import annotations

from collections.abc import Iterable
from copy import deepcopy
from dataclasses import dataclass
from pathlib import Path
from typing import Literal, get_args

import numpy as np
import numpy.typing as npt
import onnx
import torch
from torch import nn

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


@dataclass(frozen=True, slots=True)
class _Part:
    """A network, and what makes its input of the model's, where that is the waveform."""

    network: onnx.ModelProto
    front: onnx.ModelProto | None = None
    hearing: graphs.Hearing | None = None
    """Of a network on log-mel: the front end itself, for int8's ranges."""


class ExportedModel:
    """Trained networks as graphs, exported once, to be put into files of any precision."""

    def __init__(
        self, trained: Trained | Ensemble, recipe: Recipe, *, for_gpus: bool = False
    ) -> None:
        """Export what `load_trained` gives for a recipe; `for_gpus` arranges encoders for them."""
        self._mel = [torch.zeros(2, 1, recipe.front_end.n_mels, recipe.n_frames)]
        if not recipe.takes_waveform:
            self._parts = [_Part(self._answering(trained))]
            return
        members = trained.members if isinstance(trained, Ensemble) else [trained]
        self._parts = [self._of_waveform(member, recipe, for_gpus) for member in members]

    def graph(self, precision: Precision, windows: Iterable[FloatArray] = ()) -> onnx.ModelProto:
        """The graph of a file: input as the recipe has it, outputs `logits` and `embedding`.

        Of several networks on the waveform the answers are averaged. `precision` is that of weights
        and arithmetic (front ends stay in float32); `windows` are training windows as
        `window_features` gives them, for int8's ranges.
        """
        windows, parts = list(windows), dict[str, onnx.ModelProto]()
        for part in self._parts:
            network = deepcopy(part.network)
            if part.front is None:
                return _network(network, precision, (window[None] for window in windows))
            if part.hearing is None:
                int8 = precision == "int8"
                network = graphs.dynamic_int8(network) if int8 else _halved(network, precision)
                name = "encoder"
            else:
                hearing = part.hearing
                heard = (hearing(torch.from_numpy(w)[None])[0].numpy() for w in windows)
                network = _network(network, precision, heard)
                name = "network"
            parts[f"{name}{len(parts)}"] = graphs.chain(part.front, network, f"{name}_")
        return next(iter(parts.values())) if len(parts) == 1 else graphs.together(parts)

    def _answering(self, trained: Trained | Ensemble) -> onnx.ModelProto:
        answering = graphs.Answering(trained)
        return graphs.graph(answering, self._mel, ["log_mel"], [LOGITS, EMBEDDING])

    def _of_waveform(self, member: nn.Module, recipe: Recipe, for_gpus: bool) -> _Part:
        assert isinstance(member, Trained)
        audio = [torch.zeros(2, recipe.window_samples)]
        if not isinstance(member.net.body, EncoderBody):
            hearing = graphs.Hearing(recipe.front_end)
            front = graphs.graph(hearing, audio, ["waveform"], ["log_mel"])
            return _Part(self._answering(member), front, hearing)
        arranged = for_gpus and can_arrange(member.net)
        listening = DeviceLogMel() if arranged else WhisperLogMel()
        encoding = DeviceEncoding(member.net) if arranged else graphs.Encoding(member.net)
        front = graphs.graph(listening, audio, ["waveform"], ["mel"])
        mel = [listening(audio[0])]
        return _Part(graphs.graph(encoding, mel, ["mel"], [LOGITS, EMBEDDING]), front)


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
