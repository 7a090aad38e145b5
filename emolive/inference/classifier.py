"""The emotion classifier: an ONNX file, checked at load, on the processor that really runs it."""

from __future__ import annotations

import logging
import os
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Protocol

import numpy as np

from emolive.errors import EmoliveError, ModelError, first_line
from emolive.features import CutWindows, Windows
from emolive.i18n import mark, tr
from emolive.inference.execution import BoundExecution, Execution, PlainExecution, Session
from emolive.inference.limits import may_loop
from emolive.inference.metadata import ModelMetadata
from emolive.inference.model_files import ModelFiles
from emolive.inference.providers import (
    CPU_ONLY,
    CUDA,
    CUDA_BATCHES,
    CUDA_FIRST,
    Host,
    ProviderOptions,
    Requested,
    choose,
    cuda_error,
    has_cuda_graphs,
    with_cuda_graphs,
)
from emolive.onnx_runtime import LOG_FATAL, LOG_WARNING, onnx_runtime, session_options
from emolive.types import ModelOutput

_log = logging.getLogger(__name__)

SessionFactory = Callable[..., Session]
"""Opens sessions as `onnxruntime.InferenceSession` does."""
_NOT_THERE = mark("its libraries could not be loaded (CUDA and cuDNN of the `gpu` extra)")


class Classifier(Protocol):
    """Windows in, logits out, and embeddings where the model has them."""

    @property
    def metadata(self) -> ModelMetadata:
        """What the model says about itself."""

    @property
    def provider(self) -> str:
        """The processor in use, for people."""

    @property
    def provider_note(self) -> str | None:
        """Why it is that one, or a warning, in one sentence; None when nothing is to be said."""

    def predict(self, windows: Windows) -> ModelOutput:
        """Classify windows, float32 ``(batch, *metadata.window_shape)``, normalised."""

    def close(self) -> None:
        """Free the model; to be called once no prediction runs any more."""


class WrappedClassifier:
    """What says of the model what the classifier inside it says."""

    def __init__(self, classifier: Classifier) -> None:
        self._classifier = classifier

    @property
    def metadata(self) -> ModelMetadata:
        """What the model says about itself."""
        return self._classifier.metadata

    @property
    def provider(self) -> str:
        """The processor in use, for people."""
        return self._classifier.provider

    @property
    def provider_note(self) -> str | None:
        """Why it is that one, or a warning, in one sentence; None when nothing is to be said."""
        return self._classifier.provider_note


def default_threads() -> int:
    """Threads of the CPU provider: two when there are two cores, so that others are left free."""
    return min(2, os.cpu_count() or 1)


class OnnxClassifier:
    """A model file on ONNX Runtime. `predict` may be called from one thread at a time."""

    def __init__(
        self,
        path: Path | str,
        provider: Requested = "auto",
        threads: int | None = None,
        batch_sizes: tuple[int, ...] = CUDA_BATCHES,
        *,
        cuda_graphs: bool = False,
        host: Host | None = None,
        session_factory: SessionFactory | None = None,
    ) -> None:
        """Load, check and warm up.

        `ModelFiles` says which file is loaded on which processor: `auto` takes CUDA when it works
        and the CPU otherwise. `threads` are the CPU provider's (None: `default_threads`). On CUDA
        every batch is padded to one of `batch_sizes`, all run once at load, because cuDNN prepares
        for each new shape; with `cuda_graphs` each becomes a CUDA graph, where the model can be.
        `host`: what the machine offers (None: look); `session_factory` None: ONNX Runtime's.

        Raises:
            ModelError: the file is missing, no ONNX, or breaks the contract of metadata and shapes,
                or the files for both processors are not the same model.
            ProviderError: CUDA is asked for and cannot be used.
        """
        if not batch_sizes or min(batch_sizes) < 1:
            raise ValueError("batch_sizes must hold at least one positive size")
        self.path = Path(path)
        self._files = ModelFiles.of(self.path)
        self._batch_sizes = tuple(sorted(batch_sizes))
        self._threads = threads or default_threads()
        self._factory: SessionFactory = session_factory or onnx_runtime().InferenceSession
        _check_file(self._files.cpu)
        host = host or Host.inspect(ask_driver=provider != "cpu")
        choice = choose(provider, host)
        self.provider_note = choice.note
        self.device = host.device
        self._execution: Execution | None = None
        problem = self._load_cuda(host, cuda_graphs) if choice.cuda else None
        if self._execution is None:
            # On failure of CUDA too: a file that is broken is to be reported as that.
            self._load_cpu()
            if problem is not None:
                if provider == "cuda":
                    self.close()
                    raise cuda_error(problem)
                self.provider_note = tr("CUDA is not used: {problem}.", problem=problem)

    @property
    def file(self) -> Path:
        """The file that is loaded: `path`, or its twin for this processor."""
        return self._files.cuda if self.provider == "CUDA" else self._files.cpu

    def predict(self, windows: Windows) -> ModelOutput:
        """Classify windows.

        `windows`: float32 ``(batch, n_mels, n_frames)`` or ``(batch, n_samples)``, normalised as
        the metadata say, any batch size (`emolive.features.model_input` makes one); of a waveform
        model also as `CutWindows`, which a GPU cuts itself.

        Returns:
            Logits ``(batch, n_classes)``, and embeddings where the graph has them.

        Raises:
            ValueError: another shape.
            ModelError: the model failed, or answered with something that is not a number.
        """
        if self._execution is None:
            raise RuntimeError("the classifier is closed")
        expected = self.metadata.window_shape
        if windows.shape[1:] != expected:
            shape = ", ".join(map(str, expected))
            raise ValueError(f"{self.metadata.input_name} must be (batch, {shape})")
        if not len(windows):
            return ModelOutput(np.empty((0, len(self.metadata.labels)), np.float32))
        batch: Windows
        if isinstance(windows, CutWindows) and self._execution.cuts:
            batch = windows
        else:
            batch = np.ascontiguousarray(windows, np.float32)
            batch = batch.reshape(-1, *self.metadata.input_shape)
        try:
            output = self._execution.run(batch)
        except ModelError:
            raise
        except Exception as error:  # ONNX Runtime's errors share no base class
            _log.warning("The model stopped working on %s", self.provider, exc_info=True)
            raise ModelError(
                "The model stopped working on {provider} ({error}): start again, if need "
                "be with `--provider cpu`.",
                provider=self.provider,
                error=first_line(error),
            ) from error
        if not all(np.isfinite(values).all() for values in output.arrays):
            raise ModelError(
                "The model {name} answered with values that are not numbers: export it "
                "again or use another one.",
                name=self.file.name,
            )
        return output

    def close(self) -> None:
        """Free the model; predictions are refused from now on."""
        self._execution = None

    def profiled_session(self, prefix: Path) -> Session:
        """Another session of the same file on the same processor, which writes a profile.

        Raises:
            ModelError: it cannot be loaded.
        """
        options = session_options(self._threads)
        options.enable_profiling = True
        options.profile_file_prefix = str(prefix)
        providers = CUDA_FIRST if self.provider == "CUDA" else CPU_ONLY
        try:
            return self._factory(str(self.file), options, providers=providers, enable_fallback=0)
        except Exception as error:  # ONNX Runtime's errors share no base class
            raise ModelError(
                "{name} cannot be loaded again ({error}): start again.",
                name=self.file.name,
                error=first_line(error),
            ) from error

    def _load_cuda(self, host: Host, graphs: bool) -> str | None:
        """Load on CUDA; return why that failed, if it did."""
        _check_file(self._files.cuda)
        self._files.check()
        runtime = onnx_runtime()
        missing = host.preload()
        # What ONNX Runtime has to say about missing libraries becomes our one sentence instead.
        runtime.set_default_logger_severity(LOG_FATAL)
        try:
            if graphs and self._tried(self._files.cuda, with_cuda_graphs(CUDA_FIRST)) is None:
                return None
            # A model that cannot be captured (control flow, say) still runs on CUDA.
            problem = self._tried(self._files.cuda, CUDA_FIRST)
        finally:
            runtime.set_default_logger_severity(LOG_WARNING)
        return missing if problem == tr(_NOT_THERE) and missing else problem

    def _tried(self, file: Path, providers: Sequence[ProviderOptions]) -> str | None:
        """Load on CUDA; return why that failed, if it did."""
        try:
            self._load(file, providers)
        except EmoliveError:
            raise
        except Exception as error:  # ONNX Runtime's errors share no base class
            _log.info("The model cannot be loaded on CUDA", exc_info=True)
            self._execution = None
            return first_line(error)
        if self.provider == "CUDA":
            return None
        self._execution = None
        return tr(_NOT_THERE)

    def _load_cpu(self) -> None:
        file = self._files.cpu
        try:
            self._load(file, CPU_ONLY)
        except EmoliveError:
            raise
        except Exception as error:  # ONNX Runtime's errors share no base class
            raise ModelError(
                "{name} cannot be loaded as an ONNX model ({error}): use a file that "
                "`python -m training export` wrote.",
                name=file.name,
                error=first_line(error),
            ) from error

    def _load(self, file: Path, providers: Sequence[ProviderOptions]) -> None:
        # Without the fallback, ONNX Runtime raises instead of printing and going on on its own.
        session = self._factory(
            str(file), session_options(self._threads), providers=providers, enable_fallback=0
        )
        metadata = ModelMetadata.from_onnx_session(session)
        self.cuda_graphs = has_cuda_graphs(providers)  # whether CUDA graphs are replayed
        execution: Execution
        if _name(session) == "CUDA":
            sizes = self._batch_sizes
            execution = BoundExecution(
                session, metadata, sizes, self.device, graphs=self.cuda_graphs, loops=may_loop(file)
            )
            self.provider_note = execution.note
        else:
            execution = PlainExecution(session, metadata, loops=may_loop(file))
            execution.run(np.zeros((1, *metadata.input_shape), np.float32))
        self.metadata = metadata.model_copy(update={"weights": self._files.sha256})
        self.provider = _name(session)
        self._execution = execution


def _check_file(path: Path) -> None:
    if not path.exists():
        raise ModelError("The model file {path} does not exist: check the path.", path=path)
    if not path.is_file():
        raise ModelError("{path} is not a file: name the ONNX file itself.", path=path)
    if path.stat().st_size == 0:
        raise ModelError("The model file {path} is empty: copy or export it again.", path=path)


def _name(session: Session) -> str:
    return "CUDA" if session.get_providers()[:1] == [CUDA] else "CPU"
