"""What a wall of calls costs on this machine: stereo files, in real time, all at once."""

from __future__ import annotations

import tempfile
import time
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import soundfile
import soxr

from emolive.audio.call import RecordedCall
from emolive.audio.files import FileSource
from emolive.engine.config import EngineConfig
from emolive.engine.live import LiveEngine
from emolive.errors import EmoliveError
from emolive.i18n import tr
from emolive.inference.classifier import Classifier
from emolive.speech.silero import SileroVad
from emolive.types import EngineState, FloatArray

_TELEPHONE_RATE = 8_000
_STOP_WITHIN_S = 30.0
# Calls that are too many may take long until each has been answered once.
_WARM_WITHIN_S = 60.0


@dataclass(frozen=True, slots=True)
class WallTiming:
    """`calls` stereo calls for `seconds`, the customer of each inferred.

    They count from when each call had been answered once, which took ``warm_up_s`` (the first
    window is complete after 3 s). ``fewest`` and ``most`` are the windows answered of one call.
    Latency from a window's last sample being available to its answer, in milliseconds; ``cores`` is
    processor time per second, of all threads.
    """

    calls: int
    warm_up_s: float
    seconds: float
    windows: int
    windows_skipped: int
    windows_per_s: float
    fewest: int
    most: int
    latency_p50_ms: float
    latency_p99_ms: float
    lag_max_s: float
    cores: float


def measure_wall(
    speech: FloatArray,
    rate: int,
    classifier: Classifier,
    vad: SileroVad,
    config: EngineConfig,
    *,
    calls: int = 16,
    seconds: float = 30.0,
) -> WallTiming:
    """Play `calls` stereo telephone calls, made of `speech`, to a wall in real time.

    They begin all over the clip, both parties of each at different places.

    Raises:
        EmoliveError: a call failed.
    """
    narrow = soxr.resample(speech, rate, _TELEPHONE_RATE)
    with tempfile.TemporaryDirectory() as folder:
        wall = LiveEngine(classifier, vad, config, max_runs=calls)
        for number in range(calls):
            path = Path(folder) / f"call{number + 1}.wav"
            at = number * len(narrow) // calls
            parties = [np.roll(narrow, -at), np.roll(narrow, -at - len(narrow) // 2)]
            soundfile.write(path, np.stack(parties, axis=1), _TELEPHONE_RATE, subtype="ULAW")
            source = FileSource(path, paced=True, block_s=0.1, loop=True, channels="split")
            wall.add(path.stem, RecordedCall(source)).start()
        begin = time.monotonic()
        wall.start()
        lag_max_s = 0.0
        try:
            while not all(_answered(wall)) and time.monotonic() < begin + _WARM_WITHIN_S:
                wall.wait(0.25)
            answered, before = _answered(wall), wall.status()
            warm, spent = time.monotonic(), time.process_time()
            while time.monotonic() < warm + seconds:
                wall.wait(0.25)
                lag_max_s = max(lag_max_s, wall.status().lag_s)
            lasted, spent = time.monotonic() - warm, time.process_time() - spent
            status = wall.status()
            new = [after - one for after, one in zip(_answered(wall), answered, strict=True)]
            failed = [c.status() for c in wall.runs if c.status().state is EngineState.FAILED]
        finally:
            stopped = wall.stop(_STOP_WITHIN_S)
    if not stopped:
        raise EmoliveError("The engine did not stop: the model hangs.")
    if failed:
        raise EmoliveError(failed[0].reason or tr("A call failed."))
    windows = status.windows - before.windows
    return WallTiming(
        calls=calls,
        warm_up_s=warm - begin,
        seconds=lasted,
        windows=windows,
        windows_skipped=status.windows_skipped - before.windows_skipped,
        windows_per_s=windows / lasted,
        fewest=min(new),
        most=max(new),
        latency_p50_ms=status.latency_p50_ms,
        latency_p99_ms=status.latency_p99_ms,
        lag_max_s=lag_max_s,
        cores=spent / lasted,
    )


def _answered(wall: LiveEngine) -> list[int]:
    """How many windows of each call were answered."""
    return [sum(stream.windows for stream in run.status().streams) for run in wall.runs]
