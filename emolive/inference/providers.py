"""Which processor runs the model: what was asked for, what is there, and why it is so.

Asking the driver first keeps ONNX Runtime from loading gigabytes of CUDA libraries, and from
logging errors, on the many machines that have no GPU.
"""

from __future__ import annotations

import contextlib
import ctypes
import io
import platform
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from importlib.metadata import PackageNotFoundError, version
from typing import Literal

from emolive.errors import ProviderError
from emolive.extras import way_to_get
from emolive.i18n import together, tr
from emolive.onnx_runtime import onnx_runtime

_LIBRARIES = {"Linux": "libcuda.so.1", "Windows": "nvcuda.dll"}


def driver_problem(library: str | None = None) -> str | None:
    """Why no CUDA GPU can be used, or None when the driver offers one.

    `library`: the driver's, when it is not the system's usual one.
    """
    name = library or _LIBRARIES.get(platform.system())
    if name is None:
        return tr("there is no CUDA for {system}", system=platform.system())
    try:
        driver = ctypes.CDLL(name)
    except OSError:
        return tr("no NVIDIA driver was found ({name})", name=name)
    count = ctypes.c_int(0)
    try:
        code = driver.cuInit(0) or driver.cuDeviceGetCount(ctypes.byref(count))
    except AttributeError:
        return tr("{name} is not an NVIDIA driver", name=name)
    if code != 0 or count.value == 0:
        return tr("the NVIDIA driver offers no GPU (code {code})", code=code)
    return None


Requested = Literal["auto", "cpu", "cuda"]
ProviderOptions = tuple[str, dict[str, str]]

CPU = "CPUExecutionProvider"
CUDA = "CUDAExecutionProvider"

# A core is busy with one window; eight share what a call costs, and more would only take memory.
CPU_BATCH = 8
# A card is busy with hundreds. Each size has buffers of its own there, and a batch is padded to the
# next one, so that less than half of what is computed is padding.
CUDA_BATCHES = (1, 2, 4, 8, 16, 32, 64, 128, 256)


def largest_batch(provider: str) -> int:
    """How many windows a classifier is given at once, at most; `provider` as it names its own."""
    return CUDA_BATCHES[-1] if provider == "CUDA" else CPU_BATCH


# The packages that all install the one folder `onnxruntime`.
_PACKAGES = ("onnxruntime", "onnxruntime-gpu", "onnxruntime-directml", "onnxruntime-openvino")

_CUDA_GRAPHS = "enable_cuda_graph"
_CUDA_OPTIONS = {
    "device_id": "0",
    # The heuristic takes no measuring runs, so loading is quick, and picks the same algorithm every
    # time, so answers are reproducible; the exhaustive search does neither.
    "cudnn_conv_algo_search": "HEURISTIC",
    # A few fixed shapes: no need to grow the arena in powers of two.
    "arena_extend_strategy": "kSameAsRequested",
}


def installed_packages(version_of: Callable[[str], str] = version) -> tuple[str, ...]:
    """The installed ONNX Runtime packages; more than one overwrite each other's files."""
    found = []
    for package in _PACKAGES:
        with contextlib.suppress(PackageNotFoundError):
            version_of(package)
            found.append(package)
    return tuple(found)


def preload_cuda() -> str | None:
    """Load the CUDA and cuDNN libraries of the `gpu` extra; None, or what could not be loaded.

    ONNX Runtime prints its complaints to standard output, which belongs to the program's results:
    they are caught here, for as long as the loading takes (before any engine runs).
    """
    printed = io.StringIO()
    with contextlib.redirect_stdout(printed):
        onnx_runtime().preload_dlls()
    complaints = [line.strip() for line in printed.getvalue().splitlines() if "Failed" in line]
    return complaints[0] if complaints else None


@dataclass(frozen=True, slots=True)
class Host:
    """What this machine offers, as far as the choice needs it."""

    available: tuple[str, ...]  # providers that the installed ONNX Runtime was built with
    packages: tuple[str, ...]  # installed ONNX Runtime packages
    driver_problem: str | None  # why no GPU can be used; None: there is one
    preload: Callable[[], str | None] = field(default=preload_cuda)
    device: str = "cuda"  # where ONNX Runtime keeps the tensors of a model on CUDA

    @classmethod
    def inspect(cls, *, ask_driver: bool = True) -> Host:
        """Look at this machine.

        `ask_driver` False leaves the NVIDIA driver alone: the CPU must stay a way out when the
        driver itself is what fails.
        """
        available = tuple(onnx_runtime().get_available_providers())
        problem = None
        if not ask_driver:
            problem = tr("the driver was not asked")
        elif CUDA in available:  # without a CUDA build the driver does not matter
            problem = driver_problem()
        return cls(available, installed_packages(), problem)


@dataclass(frozen=True, slots=True)
class Choice:
    """Providers for the session, most wanted first, and one sentence on why, or None."""

    providers: tuple[ProviderOptions, ...]
    note: str | None

    @property
    def cuda(self) -> bool:
        """Whether CUDA is to be tried."""
        return self.providers[0][0] == CUDA


CPU_ONLY: tuple[ProviderOptions, ...] = ((CPU, {}),)
CUDA_FIRST: tuple[ProviderOptions, ...] = ((CUDA, _CUDA_OPTIONS), (CPU, {}))


def with_cuda_graphs(providers: Sequence[ProviderOptions]) -> tuple[ProviderOptions, ...]:
    """The same with kernels captured and replayed as CUDA graphs."""
    (name, options), *others = providers
    return ((name, options | {_CUDA_GRAPHS: "1"}), *others)


def has_cuda_graphs(providers: Sequence[ProviderOptions]) -> bool:
    """Whether they are `with_cuda_graphs`."""
    return _CUDA_GRAPHS in providers[0][1]


def choose(requested: Requested, host: Host) -> Choice:
    """Pick the providers for a session.

    Raises:
        ProviderError: CUDA is asked for, and it is certain already that it cannot be used.
    """
    clash = _clash(host.packages)
    if requested == "cpu":
        return Choice(CPU_ONLY, clash)
    problem = clash or _missing(host)
    if problem is None:
        return Choice(CUDA_FIRST, None)
    if requested == "cuda":
        raise cuda_error(problem)
    return Choice(CPU_ONLY, clash or tr("CUDA is not used: {problem}.", problem=problem))


def cuda_error(problem: str) -> ProviderError:
    """The error for CUDA asked for and not to be had."""
    if problem.endswith("."):  # already a sentence with its own way out
        return ProviderError(problem)
    return ProviderError(
        "CUDA was asked for but cannot be used: {problem}. It takes the NVIDIA driver and an "
        "extra ({way}); or use `--provider auto`.",
        problem=problem,
        way=way_to_get("gpu"),
    )


def _clash(packages: tuple[str, ...]) -> str | None:
    if len(packages) < 2:
        return None
    names = together(packages)
    return tr(
        "{names} are both installed and overwrite each other's files: `pip uninstall -y "
        "{packages}`, then install emolive again.",
        names=names,
        packages=" ".join(packages),
    )


def _missing(host: Host) -> str | None:
    if CUDA not in host.available:
        return tr("the installed ONNX Runtime was built without it")
    return host.driver_problem
