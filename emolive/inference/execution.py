"""How a loaded graph is run: as it comes on the CPU, in bound buffers of few sizes on CUDA."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Protocol

import numpy as np
import numpy.typing as npt

from emolive.errors import first_line
from emolive.features import CutWindows, Windows
from emolive.i18n import tr
from emolive.inference.limits import time_limit
from emolive.inference.metadata import GraphSession, ModelMetadata
from emolive.inference.providers import CPU_BATCH, CPU_ONLY, CUDA_FIRST
from emolive.onnx_runtime import onnx_runtime, session_options
from emolive.resources import asset
from emolive.types import FloatArray, ModelOutput

CUT_WINDOWS = "cut-windows.onnx"


class Session(GraphSession, Protocol):
    """The part of an ONNX Runtime session that is used."""

    def get_providers(self) -> list[str]:
        """The providers that are registered in fact, most wanted first."""

    def run(
        self, output_names: list[str], feeds: dict[str, FloatArray], run_options: Any = None
    ) -> list[FloatArray]:
        """Run the graph."""

    def io_binding(self) -> Any:
        """An `onnxruntime.IOBinding` of this session."""

    def run_with_iobinding(self, binding: Any, run_options: Any = None) -> None:
        """Run the graph on what is bound, and wait for it."""

    def end_profiling(self) -> str:
        """Write the profile, if the session's options asked for one; its file."""


class Execution(Protocol):
    """Runs a graph on batches of its input, float32 ``(n, *metadata.input_shape)``, n > 0."""

    @property
    def cuts(self) -> bool:
        """Whether `run` takes `CutWindows` as well, and cuts them where the graph runs."""

    def run(self, batch: Windows) -> ModelOutput:
        """Run it once or several times."""


class PlainExecution:
    """Any batch size, a few windows at a time; nothing kept."""

    cuts = False

    def __init__(self, session: Session, metadata: ModelMetadata, *, loops: bool = False) -> None:
        """Run `session`; with `loops` each run has a limit."""
        self._loops = loops
        self._session = session
        self._input = metadata.input_name
        self._outputs = metadata.output_names

    def run(self, batch: Windows) -> ModelOutput:
        """See `Execution`."""
        parts = (batch[first : first + CPU_BATCH] for first in range(0, len(batch), CPU_BATCH))
        return ModelOutput.joined([self._run(part) for part in parts])

    def _run(self, part: Windows) -> ModelOutput:
        feeds = {self._input: np.asarray(part)}
        if not self._loops:
            return ModelOutput(*self._session.run(self._outputs, feeds))
        with time_limit() as options:
            return ModelOutput(*self._session.run(self._outputs, feeds, options))


class BoundExecution:
    """A few batch sizes, each with input and output buffers of its own on the device.

    A batch is padded to the next size, and a larger one than the largest is divided: cuDNN prepares
    for each new shape, and a CUDA graph is one fixed sequence of kernels on fixed addresses. One
    copy to the device and one back for each output are all that a run costs beside the graph.
    Windows that overlap go there as the sound that they are cut from.
    """

    def __init__(
        self,
        session: Session,
        metadata: ModelMetadata,
        sizes: Sequence[int],
        device: str,
        *,
        graphs: bool,
        loops: bool = False,
    ) -> None:
        """Allocate, run each size once; sizes that the card's memory does not hold are left out.

        `note` says so; a card that has no room for what a core takes at once is of no use.

        `session` was loaded with `graphs` as here: whether each size's kernels are captured as a
        CUDA graph and replayed. `device` is ONNX Runtime's name; `loops`: each run has a limit.
        """
        self._session = session
        cutter = _Cutter(metadata.window_samples, device) if metadata.takes_waveform else None
        self.cuts = cutter is not None
        self.note: str | None = None
        self._buffers: list[_Buffers] = []
        for number, size in enumerate(sorted(sizes), 1):
            graph = number if graphs else None
            try:
                buffers = _Buffers(session, metadata, size, device, graph, loops, cutter)
                buffers.run(np.zeros((size, *metadata.input_shape), np.float32))
            except Exception as error:  # ONNX Runtime's errors share no base class
                if not self._buffers or size <= CPU_BATCH:
                    raise
                self.note = tr(
                    "The graphics card answers {count} windows at once and no more ({reason}).",
                    count=self._buffers[-1].size,
                    reason=first_line(error),
                )
                break
            self._buffers.append(buffers)

    def run(self, batch: Windows) -> ModelOutput:
        """See `Execution`."""
        largest = self._buffers[-1].size
        parts = []
        for first in range(0, len(batch), largest):
            part = batch[first : first + largest]
            fitting = next(buffers for buffers in self._buffers if buffers.size >= len(part))
            parts.append(fitting.run(part))
        return ModelOutput.joined(parts)


class _Cutter:
    """Cuts windows of `n_samples` from a sound, on the device."""

    def __init__(self, n_samples: int, device: str) -> None:
        self._runtime = onnx_runtime()
        self._device = device
        self._session = self._runtime.InferenceSession(
            str(asset(CUT_WINDOWS)),
            session_options(1),
            providers=CPU_ONLY if device == "cpu" else CUDA_FIRST,
        )
        # Where each of a window's samples lies from its start on.
        self._offsets = self._on_device(np.arange(n_samples, dtype=np.int32)[None])

    def cut(self, windows: CutWindows, target: Any) -> None:
        """Fill the bound buffer `target`, the first window once more where it has room for more."""
        size = target.shape()[0]
        starts = np.full((size, 1), windows.starts[0], np.int32)
        starts[: len(windows), 0] = windows.starts
        binding = self._session.io_binding()
        audio = np.ascontiguousarray(windows.audio, np.float32)
        binding.bind_ortvalue_input("audio", self._on_device(audio))
        binding.bind_ortvalue_input("starts", self._on_device(starts))
        binding.bind_ortvalue_input("offsets", self._offsets)
        binding.bind_ortvalue_output("windows", target)
        self._session.run_with_iobinding(binding)

    def _on_device(self, values: npt.NDArray[Any]) -> Any:
        return self._runtime.OrtValue.ortvalue_from_numpy(values, self._device, 0)


class _Buffers:
    """Those of one batch size."""

    def __init__(
        self,
        session: Session,
        metadata: ModelMetadata,
        size: int,
        device: str,
        graph: int | None,
        loops: bool,
        cutter: _Cutter | None,
    ) -> None:
        runtime = onnx_runtime()

        def allocate(tail: tuple[int, ...]) -> Any:
            return runtime.OrtValue.ortvalue_from_shape_and_type(
                (size, *tail), np.float32, device, 0
            )

        self.size = size
        self._session = session
        self._cutter = cutter
        self._padded = np.zeros((size, *metadata.input_shape), np.float32)
        self._input = allocate(metadata.input_shape)
        self._outputs = [allocate(shape) for shape in metadata.output_shapes.values()]
        self._binding = session.io_binding()
        self._binding.bind_ortvalue_input(metadata.input_name, self._input)
        for name, value in zip(metadata.output_names, self._outputs, strict=True):
            self._binding.bind_ortvalue_output(name, value)
        self._loops = loops
        self._options: Any = None
        if graph is not None:
            self._options = runtime.RunOptions()
            # A session holds one captured graph for each of these numbers.
            self._options.add_run_config_entry("gpu_graph_id", str(graph))

    def run(self, part: Windows) -> ModelOutput:
        """Up to `size` inputs."""
        n = len(part)
        if isinstance(part, CutWindows) and self._cutter is not None:
            self._cutter.cut(part, self._input)
        else:
            if n < self.size:
                self._padded[:n] = part
                part = self._padded
            self._input.update_inplace(np.asarray(part))
        if self._loops:
            with time_limit(self._options) as options:
                self._session.run_with_iobinding(self._binding, options)
        else:
            self._session.run_with_iobinding(self._binding, self._options)
        # On some devices `numpy` is a view of the buffer, which the next run overwrites.
        return ModelOutput(*(value.numpy()[:n].copy() for value in self._outputs))
