"""A CUDA machine for machines without one: ONNX Runtime's interface around a real CPU session."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import onnxruntime

from emolive.inference.providers import CPU, CUDA, Host, ProviderOptions
from emolive.types import FloatArray


@dataclass
class FakeBinding:
    """A real binding that tells the batch size."""

    real: onnxruntime.IOBinding
    batch: int = 0

    def bind_ortvalue_input(self, name: str, value: onnxruntime.OrtValue) -> None:
        assert value.device_name() == "cpu", "the fake device"
        self.batch = value.shape()[0]
        self.real.bind_ortvalue_input(name, value)

    def bind_ortvalue_output(self, name: str, value: onnxruntime.OrtValue) -> None:
        assert value.shape()[0] == self.batch
        self.real.bind_ortvalue_output(name, value)


@dataclass
class FakeCudaSession:
    """Says that it runs on CUDA, notes each batch size, computes on the CPU."""

    real: onnxruntime.InferenceSession
    providers: list[str]
    batches: list[int]
    graphs: list[str | None]
    on_run: Callable[[], None]

    def get_inputs(self) -> Any:
        return self.real.get_inputs()

    def get_outputs(self) -> Any:
        return self.real.get_outputs()

    def get_modelmeta(self) -> Any:
        return self.real.get_modelmeta()

    def get_providers(self) -> list[str]:
        return self.providers

    def run(
        self, output_names: list[str], feeds: dict[str, FloatArray], run_options: Any = None
    ) -> list[FloatArray]:
        assert self.providers[0] != CUDA, "on CUDA, input and output are bound"
        self.batches.append(len(next(iter(feeds.values()))))
        found: list[FloatArray] = self.real.run(output_names, feeds, run_options)
        return found

    def io_binding(self) -> FakeBinding:
        return FakeBinding(self.real.io_binding())

    def run_with_iobinding(self, binding: FakeBinding, run_options: Any = None) -> None:
        assert self.providers[0] == CUDA
        self.batches.append(binding.batch)
        graph = run_options and run_options.get_run_config_entry("gpu_graph_id")
        self.graphs.append(graph)
        self.on_run()
        self.real.run_with_iobinding(binding.real, run_options if graph is None else None)

    def end_profiling(self) -> str:
        return str(self.real.end_profiling())


def nothing() -> None:
    """No failure."""


@dataclass
class FakeCudaRuntime:
    """Opens sessions like `onnxruntime.InferenceSession` does on a machine with a GPU.

    `engaged`: whether CUDA is there in the end; `on_open`, `on_run`: what goes wrong with it.
    """

    engaged: bool = True
    on_open: Callable[[], None] = nothing
    on_run: Callable[[], None] = nothing
    opened: list[list[str]] = field(default_factory=list)
    options: list[dict[str, str]] = field(default_factory=list)
    batches: list[int] = field(default_factory=list)
    graphs: list[str | None] = field(default_factory=list)
    files: list[str] = field(default_factory=list)
    can_capture: bool = True

    def __call__(
        self,
        path: str,
        options: Any,
        *,
        providers: Sequence[ProviderOptions],
        enable_fallback: int,
    ) -> FakeCudaSession:
        assert enable_fallback == 0, "the fallback of ONNX Runtime prints to standard output"
        names = [name for name, _ in providers]
        self.opened.append(names)
        self.files.append(Path(path).name)
        if not self.can_capture and "enable_cuda_graph" in providers[0][1]:
            raise RuntimeError("This session cannot use the graph capture feature")
        self.options.append(dict(providers[0][1]))
        if names[0] == CUDA:
            self.on_open()
        real = onnxruntime.InferenceSession(path, options, providers=[CPU])
        used = names if self.engaged else [CPU]
        return FakeCudaSession(real, used, self.batches, self.graphs, self.on_run)


def gpu_host(missing: str | None = None) -> Host:
    """A machine with a driver and a GPU; `missing` is what preloading could not find."""
    return Host((CUDA, CPU), ("onnxruntime-gpu",), None, lambda: missing, device="cpu")


def windows(n: int, seed: int = 0) -> FloatArray:
    """Normalised log-mel as a model expects it, ``(n, 128, 298)``."""
    return np.random.default_rng(seed).standard_normal((n, 128, 298)).astype(np.float32)
