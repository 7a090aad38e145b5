"""`doctor`: what is looked at, one after the other, and what is found."""

from __future__ import annotations

import logging
import platform
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from enum import StrEnum
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import TYPE_CHECKING, cast

from rich.text import Text

from emolive import __version__
from emolive.cli.console import Console
from emolive.cli.outcome import CANNOT, DONE, print_json
from emolive.errors import EmoliveError
from emolive.i18n import decimal, mark, tr
from emolive.logs import app_log_file
from emolive.wording import percent

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

    @classmethod
    def of(cls, *facts: str, way_out: str | None = None) -> Finding:
        """Well, or with a way out of what is not; the check knows its name."""
        return cls("", Verdict.WARNING if way_out else Verdict.OK, facts, way_out)


def run_checks(model: Path | None, provider: str) -> Iterator[Finding]:
    """All checks, as they are done."""
    yield _guarded(mark("versions"), versions)
    yield _guarded(mark("audio input"), audio_input)
    yield _guarded(mark("audio files"), audio_files)
    yield _guarded(mark("speech detection"), speech_detection)
    yield _guarded(mark("model"), lambda: model_and_provider(model, provider))
    yield _guarded(mark("ONNX Runtime packages"), runtime_packages)
    yield _guarded(mark("desktop"), desktop)
    yield _guarded(mark("data folder"), data_folder)
    yield _guarded(mark("log"), log)


def _guarded(name: str, check: Callable[[], Finding]) -> Finding:
    try:
        return replace(check(), name=name)
    except EmoliveError as error:
        return Finding(name, Verdict.BROKEN, (), str(error))
    except Exception as error:  # a doctor does not faint
        _log.exception("A check of doctor failed")
        text = tr(
            "Unexpected problem ({kind}: {error}): reinstall emolive.",
            kind=type(error).__name__,
            error=error,
        )
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
    return Finding.of(packages, platform.platform())


def audio_input() -> Finding:
    """PortAudio, its host APIs, and the inputs; having none is no defect."""
    from emolive.audio import portaudio
    from emolive.audio.devices import NO_INPUT
    from emolive.audio.inputs import list_inputs

    devices = list_inputs()
    _, host_apis, _ = portaudio.query()
    names = ", ".join(str(api["name"]) for api in host_apis) or tr("none")
    facts = [
        f"{portaudio.load().get_portaudio_version()[1]}",
        tr("host APIs: {names}", names=names),
    ]
    for device in devices:
        default = tr(", default") if device.is_default else ""
        facts.append(
            tr(
                "{index}: {name} ({host_api}, {channels} channels, {sampling_rate} Hz{default})",
                index=device.index,
                name=device.name,
                host_api=device.host_api,
                channels=device.channels,
                sampling_rate=device.sampling_rate,
                default=default,
            )
        )
    return Finding.of(*facts, way_out=None if devices else tr(NO_INPUT))


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
    clip = tr(
        "demo clip: {seconds} s at {sampling_rate} Hz",
        seconds=decimal(source.duration_s or 0, 0),
        sampling_rate=found.sampling_rate,
    )
    return Finding.of(f"libsndfile {soundfile.__libsndfile_version__}", clip)


def speech_detection() -> Finding:
    """The voice activity detector, on a second of silence."""
    import numpy as np

    from emolive.speech.silero import SileroVad

    vad = SileroVad()
    probabilities = vad.stream().accept(np.zeros(vad.sampling_rate, np.float32))
    return Finding.of(tr("Silero VAD answers ({count} chunks)", count=len(probabilities)))


_SLOW_ON_GPU = mark(
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
        tr(
            "in use: {provider} (one window: {took_ms} ms)",
            provider=classifier.provider,
            took_ms=decimal(took_ms, 1),
        ),
        tr("providers of this ONNX Runtime: {available}", available=available),
        f"{metadata.name}: {classifier.file}",
        tr("labels: {labels}", labels=", ".join(metadata.labels)),
        tr(
            "{window_s} s windows of {input}, {sampling_rate} Hz",
            window_s=decimal(metadata.window_s),
            input=_input(metadata),
            sampling_rate=metadata.sampling_rate,
        ),
        tr(
            "temperature {temperature}, uncertain below {abstention_threshold}",
            temperature=decimal(metadata.temperature),
            abstention_threshold=percent(metadata.abstention_threshold),
        ),
        tr(
            "trained on {names}; split: {split}",
            names=", ".join(metadata.corpora),
            split=metadata.split,
        ),
        tr("scores: {scores}", scores=_scores(metadata)),
        tr("licence: {licence}", licence=metadata.licence),
    ]
    where = placement(classifier) if classifier.provider != "CPU" else None
    classifier.close()
    if classifier.provider_note:
        facts.append(classifier.provider_note)
    if bundled := bundled_model(model):
        facts.append(tr("card: {path}", path=bundled.card))
    if where is not None:
        facts.append(str(where))
        if where.on_cpu:
            return Finding.of(*facts, way_out=tr(_SLOW_ON_GPU))
    return Finding.of(*facts)


def _input(metadata: ModelMetadata) -> str:
    front_end = metadata.front_end
    return (
        tr("sound")
        if front_end.kind == "waveform"
        else tr("{n_mels} mel bands", n_mels=front_end.n_mels)
    )


def _scores(metadata: ModelMetadata) -> str:
    """UAR by corpus, for the rest there is the card; whatever is there if a model has no such."""
    if clean := metadata.clean_scores:
        listed = ", ".join(f"{corpus} {percent(score, 1)}" for corpus, score in clean.items())
        return tr("{listed} (UAR, clean speech)", listed=listed)
    listed = ", ".join(
        f"{name} {decimal(float(f'{score:.3g}'))}" for name, score in metadata.scores.items()
    )
    return listed or tr("none given")


def runtime_packages() -> Finding:
    """Two ONNX Runtime packages overwrite each other's files and silently lose the GPU."""
    from emolive.inference.providers import installed_packages

    packages = installed_packages()
    if len(packages) == 1:
        return Finding.of(*packages)
    names = " ".join(packages)
    way_out = tr(
        "Run `pip uninstall -y {names}`, then install emolive again: one is enough.", names=names
    )
    if not packages:
        way_out = tr("No ONNX Runtime package is registered: install emolive again.")
    return Finding.of(*packages, way_out=way_out)


def desktop() -> Finding:
    """Whether the app can open; without it the terminal does everything."""
    from emolive.cli.desktop import desktop_problem, has_display

    if problem := desktop_problem():
        return Finding.of(tr("the terminal is used instead"), way_out=problem)
    display = (
        tr("there is a display")
        if has_display()
        else tr("no display: the terminal is used instead")
    )
    return Finding.of(tr("Qt can be loaded"), display)


def log() -> Finding:
    """Where the app's log is."""
    return Finding.of(tr("of the app: {path}", path=app_log_file()))


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
            return Finding.of(str(folder))
    except OSError:
        pass
    variable = "XDG_DATA_HOME" if sys.platform.startswith("linux") else "HOME"
    return Finding.of(
        str(folder),
        way_out=tr(
            "{nearest} cannot be written to: make it writable, or set {variable} to a "
            "folder that can; everything that keeps nothing still works.",
            nearest=nearest,
            variable=variable,
        ),
    )


_SIGNS = {
    Verdict.OK: ("✓", "green"),
    Verdict.WARNING: ("!", "yellow"),
    Verdict.BROKEN: ("✗", "bold red"),
}


def run_doctor(model: Path | None, provider: str, *, as_json: bool) -> int:
    """Check everything and print what was found; 2 when something needed is broken."""
    if as_json:
        findings = list(run_checks(model, provider))
        print_json(
            {"ok": not _broken(findings), "versions": package_versions(), "checks": findings}
        )
    else:
        console = Console(soft_wrap=True)
        findings = []
        for finding in run_checks(model, provider):
            findings.append(finding)
            console.print(_lines(finding))
        console.print(_verdict(findings))
    return CANNOT if _broken(findings) else DONE


def _broken(findings: list[Finding]) -> list[Finding]:
    return [finding for finding in findings if finding.verdict is Verdict.BROKEN]


def _lines(finding: Finding) -> Text:
    sign, style = _SIGNS[finding.verdict]
    text = Text.assemble((f"{sign} ", style), (tr(finding.name), "bold"))
    for fact in finding.facts:
        text.append(f"\n    {fact}")
    if finding.way_out:
        text.append(f"\n  → {finding.way_out}", style)
    return text


def _verdict(findings: list[Finding]) -> Text:
    if broken := _broken(findings):
        names = ", ".join(tr(finding.name) for finding in broken)
        return Text(tr("\nBroken: {names}.", names=names), "bold red")
    return Text(tr("\nEverything that is needed works."), "bold green")
