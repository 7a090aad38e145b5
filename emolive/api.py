"""The program for notebooks and scripts; `emolive` itself offers what is public (docs/api.md)."""

from __future__ import annotations

import os
import time
from collections.abc import Generator, Iterator, Mapping
from contextlib import closing, contextmanager
from dataclasses import replace
from pathlib import Path, PurePath
from typing import TYPE_CHECKING, Any, Literal, get_args

import numpy.typing as npt

from emolive.archive.baselines import ArchiveBaselines, BaselineMode
from emolive.archive.inputs import AudioInput
from emolive.archive.raw_analyses import evidence_of
from emolive.audio.array import ArraySource
from emolive.audio.decoding import ChannelUse
from emolive.audio.files import FileSource
from emolive.audio.source import AudioSource
from emolive.baseline import ExpectedMix, ProfileStore
from emolive.engine import EngineConfig, FileAnalysis
from emolive.engine.offline import BLOCK_S, analyze_source
from emolive.engine.redecision import decided_again
from emolive.errors import AudioFileError, EmoliveError
from emolive.inference.classifier import Classifier
from emolive.inference.decision import DecisionConfig
from emolive.inference.loading import load_classifier
from emolive.inference.providers import Requested
from emolive.session.database import library_folder
from emolive.session.export.tables import segment_table, window_table
from emolive.session.library import Library
from emolive.session.timeline import Timeline
from emolive.speech.silero import SileroVad
from emolive.types import EngineState, EngineStatus, Prediction, Segment

if TYPE_CHECKING:
    import pandas as pd

AnyPath = str | os.PathLike[str]
# Minutes of events: a loop that pauses for longer loses the oldest, counted in the status.
_MAILBOX_EVENTS = 5_000
_TICK_S = 0.1
_TABLES = {"windows": window_table, "segments": segment_table}


def load_model(path: AnyPath | None = None, provider: Requested = "auto") -> Classifier:
    """The model at `path` (None: the bundled one), to be used for as many recordings as you like.

    Its `metadata` say what it is. `provider` is ``"auto"``, ``"cpu"`` or ``"cuda"``; should a GPU
    be lost, the CPU goes on. `close` frees it.

    Raises:
        ModelError: it cannot be used.
        ProviderError: CUDA is asked for and cannot be used.
    """
    return load_classifier(None if path is None else Path(path), provider)


def open_library(folder: AnyPath | None = None) -> Library:
    """The library of sessions in `folder` (None: the one that the app and the terminal use).

    It is a context manager; `Timeline.of_session` has what was found in a session.

    Raises:
        SessionError: the folder or its database cannot be used.
    """
    return Library.open(None if folder is None else Path(folder))


def analyze(
    audio: AnyPath | npt.NDArray[Any],
    sampling_rate: int | None = None,
    *,
    model: AnyPath | Classifier | None = None,
    hop_s: float = 0.5,
    threshold: float | None = None,
    channels: ChannelUse = "mix",
    baseline: BaselineMode = "off",
    expected_neutral: float | str | None = None,
    library: AnyPath | None = None,
) -> Timeline:
    """Analyse a file or an array through exactly the live pipeline.

    Args:
        audio: a file, or samples, ``(n,)`` or ``(n, n_channels)``: floats with full scale 1, or
            signed integers.
        sampling_rate: of an array, in Hz.
        model: an ONNX file, what `load_model` returned, or None for the bundled one.
        hop_s: seconds from one answer to the next, 0.1 to 3.0.
        threshold: an answer below this confidence is uncertain; None: as the model says.
        channels: "mix" averages all channels into one stream, "split" keeps each as a stream.
        baseline: "files" takes the model's own bias on this recording out, "library" by what the
            library knows of its folder, or of all sources together; "off" leaves answers as they
            are (docs/baseline.md). The model's own stay beside the adapted ones.
        expected_neutral: how much of this speech is neutral, 0.01 to 0.99, or "calls", "talk" (what
            None means), "balanced".
        library: the folder of the library whose sources are meant; None: the usual one.

    Raises:
        AudioFileError: this cannot be read as sound, or breaks off.
        ModelError: the model cannot be used.
        EmoliveError: the hop does not fit the model, or there is no such baseline.
    """
    if baseline not in get_args(BaselineMode):
        raise EmoliveError("{name} is no baseline: use files, library or off.", name=repr(baseline))
    expected = _expected(expected_neutral)
    source: FileSource | ArraySource
    if isinstance(audio, str | os.PathLike):
        if sampling_rate is not None:
            raise EmoliveError("A file says its own sampling rate: leave sampling_rate out.")
        path = Path(audio)
        source = FileSource(path, paced=False, block_s=BLOCK_S, channels=channels)
    else:
        if sampling_rate is None:
            raise EmoliveError("An array needs its sampling rate: give sampling_rate in Hz.")
        path = Path("array")
        source = ArraySource(audio, sampling_rate, block_s=BLOCK_S, channels=channels)
    with _loaded(model) as classifier:
        config = EngineConfig(hop_s=hop_s, decision=DecisionConfig(threshold=threshold))
        analysis = analyze_source(source, path, classifier, SileroVad(), config)
        if baseline != "off":
            item = None if isinstance(source, ArraySource) else AudioInput(path, PurePath())
            known = _known(baseline, analysis, item, expected, library)
            analysis = decided_again(analysis, config, known.of(item))
    if analysis.problem is not None:
        raise AudioFileError(analysis.problem)
    timeline = Timeline.of_analysis(analysis)
    if isinstance(source, ArraySource):
        silent = tuple(replace(stream, audio=None) for stream in timeline.streams)
        return replace(timeline, streams=silent)
    return timeline


def listen(
    device: str | int | None = None,
    *,
    file: AnyPath | None = None,
    model: AnyPath | Classifier | None = None,
    hop_s: float = 0.5,
    threshold: float | None = None,
    duration_s: float | None = None,
    baseline: Literal["library", "off"] = "off",
    expected_neutral: float | str | None = None,
    library: AnyPath | None = None,
) -> Generator[Prediction | Segment | EngineStatus]:
    """Hear a microphone, and give each answer as it comes; nothing runs before the first is taken.

    Leaving the loop (or `close`) ends it and releases the device. Answers wait for a slow loop for
    minutes, then the oldest are dropped and counted in `EngineStatus.events_dropped`.

    Args:
        device: an input by name, part of it, or index; None is the system's.
        file: plays this as if it were spoken now, in place of a device.
        model: as for `analyze`.
        hop_s: as for `analyze`.
        threshold: as for `analyze`.
        duration_s: ends by itself after so many seconds of sound; None goes on until you leave.
        baseline: "library" adapts answers to this source by what the library knows of it, which
            learns what is heard now in the end; "off" leaves them as they are.
        expected_neutral: as for `analyze`.
        library: as for `analyze`.

    Raises:
        AudioDeviceError, AudioFileError, ModelError: as their names say.
        EmoliveError: it failed in the middle.
    """
    from emolive.audio.microphone import Microphone
    from emolive.monitoring import Monitoring, RunDescription, RunSettings
    from emolive.monitoring.baselines import BaselineChoice

    if baseline not in ("library", "off"):
        raise EmoliveError(
            "{name} is no baseline of a live stream: use library or off.", name=repr(baseline)
        )
    choice = BaselineChoice(
        _expected(expected_neutral), library=None if library is None else Path(library)
    )
    source: AudioSource = Microphone(device) if file is None else FileSource(file, paced=True)
    settings = RunSettings(
        hop_s=hop_s,
        decision=DecisionConfig(threshold=threshold),
        baseline=None if baseline == "off" else choice,
    )
    description = RunDescription(source, settings)
    with (
        _loaded(model) as classifier,
        closing(Monitoring(lambda *_: classifier, frees=False)) as monitoring,
    ):
        run = monitoring.prepare(description).live
        mailbox = run.hub.subscribe(_MAILBOX_EVENTS)
        run.start()
        deadline = float("inf")
        while True:
            event = mailbox.get(_TICK_S)
            if time.monotonic() >= deadline:
                run.ask_to_stop()
            if isinstance(event, Prediction | Segment | EngineStatus):
                yield event
            if not isinstance(event, EngineStatus):
                continue
            if event.state is EngineState.FAILED:
                raise EmoliveError(event.reason or "The engine failed.") from run.error
            if event.state is EngineState.STOPPED:
                return
            if duration_s is not None and event.state is EngineState.RUNNING:
                deadline = min(deadline, time.monotonic() + duration_s)


def table(
    timeline: Timeline, part: Literal["windows", "segments"] = "windows"
) -> pd.DataFrame | list[Mapping[str, Any]]:
    """A timeline as a table: a pandas `DataFrame` where pandas is installed, or a list of rows.

    The columns are those of the CSV export. Windows: file, start_s, end_s, state, label,
    confidence, speech_ratio, ``p_<label>`` for each emotion. Segments: file, start_s, end_s, label,
    confidence. Several streams, or a session, have a column `stream` besides.
    """
    found = _TABLES[part](timeline)
    rows = list(found.rows)
    try:
        import pandas as pd
    except ImportError:
        return rows
    return pd.DataFrame(rows, columns=list(found.columns))


def _expected(neutral: float | str | None) -> ExpectedMix:
    return ExpectedMix() if neutral is None else ExpectedMix.of(str(neutral))


def _known(
    baseline: BaselineMode,
    analysis: FileAnalysis,
    item: AudioInput | None,
    expected: ExpectedMix,
    library: AnyPath | None,
) -> ArchiveBaselines:
    """What is known of a recording's source, by its own answers or by the library."""
    if baseline == "files":
        evidence, _ = evidence_of(analysis)
        return ArchiveBaselines.of_files([(evidence, 1)], analysis.metadata, expected)
    store = ProfileStore(library_folder(None if library is None else Path(library)))
    items = [] if item is None else [item]
    return ArchiveBaselines.of_library(store, items, analysis.metadata, expected)


@contextmanager
def _loaded(model: AnyPath | Classifier | None) -> Iterator[Classifier]:
    """A model for a while: one that is loaded here is freed, one that was given stays."""
    if model is not None and not isinstance(model, str | os.PathLike):
        yield model
        return
    classifier = load_model(model)
    try:
        yield classifier
    finally:
        classifier.close()
