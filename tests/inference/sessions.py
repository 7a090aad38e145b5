"""A CUDA machine for machines without one: ONNX Runtime's interface around a real CPU session."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import onnxruntime

from emolive.inference.providers import CPU, CUDA, Host, ProviderOptions
from emolive.types import FloatArray


@dataclass
class FakeCudaSession:
    """Says that it runs on CUDA, notes each batch size, computes on the CPU."""

    real: onnxruntime.InferenceSession
    providers: list[str]
    batches: list[int]
    on_run: Callable[[], None]

    def get_inputs(self) -> Any:
        return self.real.get_inputs()

    def get_outputs(self) -> Any:
        return self.real.get_outputs()

    def get_modelmeta(self) -> Any:
        return self.real.get_modelmeta()

    def get_providers(self) -> list[str]:
        return self.providers

    def run(self, output_names: list[str], feeds: dict[str, FloatArray]) -> list[FloatArray]:
        self.batches.append(len(next(iter(feeds.values()))))
        if self.providers[0] == CUDA:
            self.on_run()
        return self.real.run(output_names, feeds)


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
        self.options.append(dict(providers[0][1]))
        if names[0] == CUDA:
            self.on_open()
        real = onnxruntime.InferenceSession(path, options, providers=[CPU])
        used = names if self.engaged else [CPU]
        return FakeCudaSession(real, used, self.batches, self.on_run)


def gpu_host(missing: str | None = None) -> Host:
    """A machine with a driver and a GPU; `missing` is what preloading could not find."""
    return Host((CUDA, CPU), ("onnxruntime-gpu",), None, lambda: missing)


def windows(n: int, seed: int = 0) -> FloatArray:
    """Normalised log-mel as a model expects it, ``(n, 128, 298)``."""
    return np.random.default_rng(seed).standard_normal((n, 128, 298)).astype(np.float32)
