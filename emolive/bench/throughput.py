"""Windows per second at fixed batch sizes, audio in and answers out, on the processor in use."""

from __future__ import annotations

import time
from dataclasses import dataclass, replace
from itertools import product
from pathlib import Path

import numpy as np

from emolive.features import CutWindows, Windows, model_input
from emolive.inference.bundled import model_path
from emolive.inference.classifier import OnnxClassifier
from emolive.inference.loading import network_path
from emolive.inference.providers import CUDA_FIRST, Requested
from emolive.onnx_runtime import onnx_runtime, session_options
from emolive.resources import asset
from emolive.types import FloatArray

BATCHES = (1, 8, 32, 64, 128, 256, 512)
_SIDE = 8192  # of the matrices
_PRODUCTS = 20
_SECONDS = 1.0  # of measuring each batch size
_TOGETHER_FROM = 8  # smaller batches share too little
_FEWEST, _MOST = 10, 500
MATRIX_PRODUCT = "matrix-product.onnx"
# What the metadata call the floating-point operations of one window, among the scores.
OPERATIONS = "operations"


@dataclass(frozen=True, slots=True)
class BatchTiming:
    """One batch size; times from the windows in host memory to the answers there.

    `together`: the windows are cut from one sound, half a second apart, as those of a recording
    are; otherwise each is a sound of its own, as those of as many calls are.
    `matrix_share` is the share of the card's measured half-precision matrix rate that the model's
    own operations make up; None where either is unknown. `graphs`: replayed as CUDA graphs, which
    nothing but this does. ONNX Runtime keeps a graph for the thread that captured it, and the
    program loads a model on one thread and runs it on another: there each would be captured again
    in the middle of a run, which fails where another thread allocates memory meanwhile.
    """

    batch: int
    p50_ms: float
    p99_ms: float
    windows_per_s: float
    graphs: bool
    together: bool = False
    matrix_share: float | None = None


@dataclass(frozen=True, slots=True)
class Throughput:
    """All batch sizes of a model; `matrix_rate` in operations per second, None on CPUs."""

    model: str
    file: str
    provider: str
    matrix_rate: float | None
    batches: tuple[BatchTiming, ...]


def measure_throughput(
    model: Path | None,
    provider: Requested,
    speech: FloatArray,
    batches: tuple[int, ...] = BATCHES,
    *,
    seconds: float = _SECONDS,
) -> Throughput:
    """Time `predict` at each batch size, as every command runs it; on CUDA also as CUDA graphs.

    Of a model that was taught, what it stands on is timed: a card computes nothing else.
    `speech`, ``(n,)`` at the model's rate, is what windows are cut from; each size is measured for
    `seconds`.

    Raises:
        ModelError: the model cannot be used.
        ProviderError: CUDA is asked for and cannot be used.
    """
    path, rate = network_path(model_path(model)), None
    timings: list[BatchTiming] = []
    name = file = used = ""
    for graphs in (False, True):
        classifier = OnnxClassifier(path, provider, cuda_graphs=graphs)
        name, file, used = classifier.metadata.name, classifier.file.name, classifier.provider
        operations = classifier.metadata.scores.get(OPERATIONS)
        if used == "CUDA" and rate is None:
            rate = matrix_rate()
        if classifier.cuda_graphs == graphs:
            for together, batch in product((False, True), batches):
                if together and (batch < _TOGETHER_FROM or not classifier.metadata.takes_waveform):
                    continue
                timings.append(_time(classifier, speech, batch, seconds, graphs, together=together))
        classifier.close()
        if used != "CUDA":
            break
    if rate and operations:
        timings = [
            replace(one, matrix_share=one.windows_per_s * operations / rate) for one in timings
        ]
    return Throughput(name, file, used, rate, tuple(timings))


def _time(
    classifier: OnnxClassifier,
    speech: FloatArray,
    batch: int,
    seconds: float,
    graphs: bool,
    *,
    together: bool,
) -> BatchTiming:
    metadata = classifier.metadata
    n, hop = metadata.window_samples, metadata.sampling_rate // 2
    windows: Windows
    if together:
        audio = np.take(speech, np.arange(n + (batch - 1) * hop), mode="wrap")
        windows = CutWindows(audio, np.arange(batch, dtype=np.int32) * hop, n)
    else:
        # A few different windows are enough: time does not depend on what is said.
        some = [
            model_input(
                np.take(speech, np.arange(i * hop, i * hop + n), mode="wrap"), metadata.front_end
            )
            for i in range(8)
        ]
        windows = np.stack([some[i % len(some)] for i in range(batch)])
    for _ in range(3):
        classifier.predict(windows)
    times: list[float] = []
    end = time.perf_counter() + seconds
    while len(times) < _FEWEST or (time.perf_counter() < end and len(times) < _MOST):
        start = time.perf_counter()
        classifier.predict(windows)
        times.append(1e3 * (time.perf_counter() - start))
    p50, p99 = np.percentile(times, (50, 99))
    return BatchTiming(batch, float(p50), float(p99), 1e3 * batch / float(p50), graphs, together)


def matrix_rate() -> float:
    """Operations per second of large half-precision matrix products, the card's practical limit."""
    runtime = onnx_runtime()
    session = runtime.InferenceSession(
        str(asset(MATRIX_PRODUCT)), session_options(1), providers=list(CUDA_FIRST)
    )
    rng = np.random.default_rng(0)
    binding = session.io_binding()
    for name in ("a", "b"):
        values = rng.standard_normal((_SIDE, _SIDE), np.float32).astype(np.float16)
        matrix = runtime.OrtValue.ortvalue_from_numpy(values, "cuda", 0)
        binding.bind_ortvalue_input(name, matrix)
    binding.bind_output("c", "cuda")
    for _ in range(3):
        session.run_with_iobinding(binding)
    start = time.perf_counter()
    for _ in range(_PRODUCTS):
        session.run_with_iobinding(binding)
    return _PRODUCTS * 2 * float(_SIDE) ** 3 / (time.perf_counter() - start)
