"""ONNX Runtime, loaded late and set up alike for every model that emolive runs."""

from __future__ import annotations

from functools import lru_cache
from types import ModuleType
from typing import TYPE_CHECKING

from emolive.errors import ProviderError
from emolive.onnx_telemetry import remove_traces

if TYPE_CHECKING:
    import onnxruntime as ort

LOG_WARNING = 2  # ONNX Runtime's own default
LOG_ERROR = 3
LOG_FATAL = 4


@lru_cache(maxsize=1)
def onnx_runtime() -> ModuleType:
    """The `onnxruntime` module, reporting to nobody.

    Importing `emolive` has told it so; what it noted down before this version did is removed.

    Raises:
        ProviderError: it is missing, or half of it is.
    """
    remove_traces()
    try:
        import onnxruntime
    except ImportError as error:
        raise ProviderError(
            "ONNX Runtime cannot be loaded ({error}): reinstall emolive; on Windows also "
            "install the Microsoft Visual C++ Redistributable "
            "(https://aka.ms/vs/17/release/vc_redist.x64.exe).",
            error=error,
        ) from error
    # Uninstalling one of two ONNX Runtime packages leaves an empty shell of the other.
    if not hasattr(onnxruntime, "InferenceSession"):
        raise ProviderError(
            "The installation of ONNX Runtime is broken: `pip uninstall -y onnxruntime "
            "onnxruntime-gpu`, then reinstall emolive."
        )
    # Windows versions that hand events to the system do not know the variable.
    onnxruntime.disable_telemetry_events()
    module: ModuleType = onnxruntime
    return module


def session_options(threads: int) -> ort.SessionOptions:
    """Options of a session with `threads` threads, all graph optimisations, errors only in the log.

    Its threads sleep between runs instead of spinning: a live monitor runs for a few milliseconds
    each hop, and a spinning pool would take the cores that the audio and the window need. Nor do
    they keep what the largest batch took: the runtime's own arena never gives memory back (360 MB
    after one batch of 32 windows), and is no faster than the system's allocator.
    """
    runtime = onnx_runtime()
    options = runtime.SessionOptions()
    options.intra_op_num_threads = threads
    options.inter_op_num_threads = 1
    options.graph_optimization_level = runtime.GraphOptimizationLevel.ORT_ENABLE_ALL
    options.log_severity_level = LOG_ERROR
    options.enable_cpu_mem_arena = False
    options.add_session_config_entry("session.intra_op.allow_spinning", "0")
    return options
