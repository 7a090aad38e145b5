"""What `doctor` looks at: each check tells what it found, and never raises."""

from __future__ import annotations

import logging
import platform
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from enum import StrEnum
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import TYPE_CHECKING, cast

from emolive import __version__
from emolive.errors import EmoliveError
from emolive.i18n import tr
from emolive.logs import app_log_file

if TYPE_CHECKING:
    from emolive.inference.metadata import ModelMetadata

_log = logging.getLogger(__name__)

PACKAGES = (
    "numpy",
    "onnxruntime",
    "onnxruntime-gpu",
    "sounddevice",
    "soundfile",
    "soxr",
    "PySide6-Essentials",
)


class Verdict(StrEnum):
    """How a check ended; only BROKEN keeps emolive from its main job."""

    OK = "ok"
    WARNING = "warning"
    BROKEN = "broken"


@dataclass(frozen=True, slots=True)
class Finding:
    """One check's outcome: `facts` for people, one per line, and what to do when it is not ok."""

    name: str
    verdict: Verdict
    facts: tuple[str, ...]
    way_out: str | None = None


def run_checks(model: Path | None, provider: str) -> Iterator[Finding]:
    """All checks, as they are done."""
    yield _guarded("versions", versions)
    yield _guarded("audio input", audio_input)
    yield _guarded("audio files", audio_files)
    yield _guarded("speech detection", speech_detection)
    yield _guarded("model", lambda: model_and_provider(model, provider))
    yield _guarded("ONNX Runtime packages", runtime_packages)
    yield _guarded("desktop", desktop)
    yield _guarded("data folder", data_folder)
    yield _guarded("log", log)


def _guarded(name: str, check: Callable[[], Finding]) -> Finding:
    try:
        return check()
    except EmoliveError as error:
        return Finding(name, Verdict.BROKEN, (), str(error))
    except Exception as error:  # a doctor does not faint
        _log.exception("A check of doctor failed")
        text = f"Unexpected problem ({type(error).__name__}: {error}): reinstall emolive."
        return Finding(name, Verdict.BROKEN, (), text)


def package_versions() -> dict[str, str | None]:
    """Versions of what matters; None where it is not installed."""
    found: dict[str, str | None] = {"emolive": __version__, "python": platform.python_version()}
    for package in PACKAGES:
        try:
            found[package] = version(package)
        except PackageNotFoundError:
            found[package] = None
    return found


def versions() -> Finding:
    """Python, the system and the packages."""
    found = {name: number for name, number in package_versions().items() if number}
    packages = ", ".join(f"{name} {number}" for name, number in found.items())
    return Finding("versions", Verdict.OK, (packages, platform.platform()))


def audio_input() -> Finding:
    """PortAudio, its host APIs, and the inputs; having none is no defect."""
    from emolive.audio import portaudio
    from emolive.audio.devices import NO_INPUT
    from emolive.audio.inputs import list_inputs

    devices = list_inputs()
    _, host_apis, _ = portaudio.query()
    names = ", ".join(str(api["name"]) for api in host_apis) or "none"
    facts = [f"{portaudio.load().get_portaudio_version()[1]}", f"host APIs: {names}"]
    for device in devices:
        default = ", default" if device.is_default else ""
        facts.append(
            f"{device.index}: {device.name} ({device.host_api}, {device.channels} channels, "
            f"{device.sampling_rate} Hz{default})"
        )
    if not devices:
        return Finding("audio input", Verdict.WARNING, tuple(facts), tr(NO_INPUT))
    return Finding("audio input", Verdict.OK, tuple(facts))


def audio_files() -> Finding:
    """The decoder, on the bundled clip."""
    import soundfile

    from emolive.audio.files import FileSource
    from emolive.resources import DEMO_AUDIO, asset

    source = FileSource(asset(DEMO_AUDIO), paced=False)
    try:
        found = source.open()
    finally:
        source.close()
    clip = f"demo clip: {source.duration_s or 0:.0f} s at {found.sampling_rate} Hz"
    return Finding(
        "audio files", Verdict.OK, (f"libsndfile {soundfile.__libsndfile_version__}", clip)
    )


def speech_detection() -> Finding:
    """The voice activity detector, on a second of silence."""
    import numpy as np

    from emolive.speech.silero import SileroVad

    vad = SileroVad()
    probabilities = vad.stream().accept(np.zeros(vad.sampling_rate, np.float32))
    return Finding(
        "speech detection", Verdict.OK, (f"Silero VAD answers ({len(probabilities)} chunks)",)
    )


_SLOW_ON_GPU = (
    "The graphics card waits for the CPU in every window: use a model with a file for GPUs "
    "(NAME.gpu.onnx), or `--provider cpu`."
)


def model_and_provider(model: Path | None, provider: str) -> Finding:
    """The model loads and answers; on which processor it really runs; what its card says."""
    import numpy as np

    from emolive.inference.bundled import bundled_model, model_path
    from emolive.inference.loading import open_model
    from emolive.inference.placement import placement
    from emolive.inference.providers import Requested
    from emolive.onnx_runtime import onnx_runtime

    available = ", ".join(onnx_runtime().get_available_providers())
    path = model_path(model)
    classifier = open_model(path, cast(Requested, provider))
    metadata = classifier.metadata
    window = np.zeros((1, *metadata.window_shape), np.float32)
    begin = time.perf_counter()
    classifier.predict(window)
    took_ms = 1000 * (time.perf_counter() - begin)
    facts = [
        f"in use: {classifier.provider} (one window: {took_ms:.1f} ms)",
        f"providers of this ONNX Runtime: {available}",
        f"{metadata.name}: {classifier.file}",
        f"labels: {', '.join(metadata.labels)}",
        f"{metadata.window_s:g} s windows of {_input(metadata)}, {metadata.sampling_rate} Hz",
        f"temperature {metadata.temperature:.3g}, uncertain below "
        f"{metadata.abstention_threshold:.0%}",
        f"trained on {', '.join(metadata.corpora)}; split: {metadata.split}",
        f"scores: {_scores(metadata)}",
        f"licence: {metadata.licence}",
    ]
    where = placement(classifier) if classifier.provider != "CPU" else None
    classifier.close()
    if classifier.provider_note:
        facts.append(classifier.provider_note)
    if bundled := bundled_model(model):
        facts.append(f"card: {bundled.card}")
    if where is not None:
        facts.append(str(where))
        if where.on_cpu:
            return Finding("model", Verdict.WARNING, tuple(facts), _SLOW_ON_GPU)
    return Finding("model", Verdict.OK, tuple(facts))


def _input(metadata: ModelMetadata) -> str:
    front_end = metadata.front_end
    return "sound" if front_end.kind == "waveform" else f"{front_end.n_mels} mel bands"


def _scores(metadata: ModelMetadata) -> str:
    """UAR by corpus, for the rest there is the card; whatever is there if a model has no such."""
    if clean := metadata.clean_scores:
        listed = ", ".join(f"{corpus} {score:.1%}" for corpus, score in clean.items())
        return f"{listed} (UAR, clean speech)"
    listed = ", ".join(f"{name} {score:.3g}" for name, score in metadata.scores.items())
    return listed or "none given"


def runtime_packages() -> Finding:
    """Two ONNX Runtime packages overwrite each other's files and silently lose the GPU."""
    from emolive.inference.providers import installed_packages

    packages = installed_packages()
    if len(packages) == 1:
        return Finding("ONNX Runtime packages", Verdict.OK, packages)
    names = " ".join(packages)
    way_out = f"Run `pip uninstall -y {names}`, then install emolive again: one is enough."
    if not packages:
        way_out = "No ONNX Runtime package is registered: install emolive again."
    return Finding("ONNX Runtime packages", Verdict.WARNING, packages, way_out)


def desktop() -> Finding:
    """Whether the app can open; without it the terminal does everything."""
    from emolive.cli.desktop import desktop_problem, has_display

    if problem := desktop_problem():
        return Finding("desktop", Verdict.WARNING, ("the terminal is used instead",), problem)
    display = "there is a display" if has_display() else "no display: the terminal is used instead"
    return Finding("desktop", Verdict.OK, ("Qt can be loaded", display))


def log() -> Finding:
    """Where the app's log is."""
    return Finding("log", Verdict.OK, (f"of the app: {app_log_file()}",))


def data_folder() -> Finding:
    """Whether there is a place to keep things."""
    from platformdirs import user_data_path

    folder = user_data_path("emolive", appauthor=False)
    nearest = folder
    while not nearest.exists() and nearest != nearest.parent:
        nearest = nearest.parent
    try:
        # Trying is the only answer that holds on every system.
        with tempfile.TemporaryFile(dir=nearest):
            return Finding("data folder", Verdict.OK, (str(folder),))
    except OSError:
        pass
    variable = "XDG_DATA_HOME" if sys.platform.startswith("linux") else "HOME"
    return Finding(
        "data folder",
        Verdict.WARNING,
        (str(folder),),
        f"{nearest} cannot be written to: make it writable, or set {variable} to a folder that "
        "can; everything that keeps nothing still works.",
    )
