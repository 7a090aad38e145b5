"""Calls for pictures and tests of the calls page: real speech, a real pool, a tiny model."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import soundfile
import soxr

from emolive import resources
from emolive.inference.loading import load_classifier
from emolive.inference.providers import Requested
from emolive.monitoring import CallMonitor, Monitoring
from emolive.monitoring.sources import CallChoice, CallKind
from emolive.types import FloatArray
from tests import models

RATE = 8_000


def speech() -> FloatArray:
    """The demo clip at 8 kHz."""
    samples, rate = soundfile.read(resources.asset(resources.DEMO_AUDIO), dtype="float32")
    return np.asarray(soxr.resample(samples, rate, RATE), np.float32)


def stereo_call(path: Path, seconds: float, shift_s: float = 0.0) -> CallChoice:
    """A stereo recording: the clip on the left, half a clip later on the right."""
    heard = speech()
    heard = np.roll(np.tile(heard, 1 + int(seconds * RATE / len(heard))), -round(shift_s * RATE))
    other = np.roll(heard, -len(heard) // 3)
    # They take turns, three seconds each, with a little overlap.
    turn = (np.arange(len(heard)) // (3 * RATE)) % 2
    parties = np.stack([heard * (turn == 0), other * (np.roll(turn, -RATE // 2) == 1)], axis=1)
    soundfile.write(path, parties[: round(seconds * RATE)], RATE, subtype="ULAW")
    return CallChoice(CallKind.STEREO_FILE, path.stem, files=(path,))


def tiny_monitor(
    folder: Path,
    label: str | None = "angry",
    name: str = "tiny",
    provider: Requested = "cpu",
) -> CallMonitor:
    """A monitor whose model is tiny; `label` is what it always hears, None: anything."""
    path = folder / "tiny.onnx"
    bias = None if label is None else [8.0 * (one == label) for one in models.LABELS]
    scores = {"telephone ravdess window uar": 0.6016, "telephone savee window uar": 0.381}
    metadata = models.tiny_metadata(name=name, scores=scores)
    weights = np.zeros((128, len(models.LABELS)), np.float32) if label else None
    models.tiny_model(path, metadata, weights=weights, bias=bias)
    return CallMonitor(Monitoring(loads=lambda *_: load_classifier(path, provider, 1)))
