"""`emolive call`: which sources make a call, live and recorded."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from emolive.audio.call import CallFiles, CallSource, RecordedCall, Side
from emolive.audio.files import FileSource
from emolive.audio.source import AudioSource, RecordedSource
from emolive.cli.console import Console
from emolive.cli.conversation_view import (
    conversation_line,
    conversation_table,
    telephone_note,
)
from emolive.cli.live import LiveOptions, run_in_terminal
from emolive.cli.loading import engine_config, load_classifier
from emolive.cli.outcome import DONE, INTERRUPTED, SOME_INPUTS_FAILED, tell
from emolive.conversation import CallAnalysis, analyze_call
from emolive.conversation.definitions import DEFINITIONS
from emolive.engine.offline import BLOCK_S
from emolive.errors import EmoliveError
from emolive.monitoring.baselines import BaselineChoice, run_baselines
from emolive.session.export import Format, chosen_formats
from emolive.session.export.atomic import fitting, write_text
from emolive.session.timeline import StreamAudio, Timeline
from emolive.speech.silero import SileroVad

# What `--loopback` takes for the default output.
DEFAULT_OUTPUT = "default"

_CONVERSATION = ".conversation.json"


@dataclass(frozen=True, slots=True)
class CallOptions:
    """Where a call comes from.

    `device` is a stereo device, or the agent's microphone when there is a `loopback` as well;
    `files` are one stereo file, or the agent's and the customer's. `agent` is the agent's channel
    where one source has both.
    """

    device: str | None = None
    loopback: str | None = None
    files: tuple[Path, ...] = ()
    agent: Side = "left"


def run_call_live(options: CallOptions, live: LiveOptions) -> int:
    """Monitor a call until it ends or a person has enough, in the terminal.

    Raises:
        EmoliveError: the options contradict each other, or something needed is missing.
    """
    return run_in_terminal(live_source(options), live, call=True)


def live_source(options: CallOptions) -> AudioSource:
    """The source of a live call; files are played as if they were spoken now.

    Raises:
        EmoliveError: the options contradict each other, or there is no such loopback.
    """
    if options.files:
        if options.device is not None or options.loopback is not None:
            raise EmoliveError("Name files or devices, not both.")
        return recorded_source(options.files, options.agent, paced=True)
    from emolive.audio.microphone import Microphone

    if options.loopback is None:
        return CallSource(Microphone(options.device, channels=2), options.agent)
    from emolive.audio.aligned import AlignedSource, Input
    from emolive.audio.loopback import find_loopback, list_loopbacks, open_loopback
    from emolive.types import Role

    wanted = None if options.loopback == DEFAULT_OUTPUT else options.loopback
    loopback = find_loopback(list_loopbacks(), wanted)
    return AlignedSource(
        (
            Input(Microphone(options.device), Role.AGENT.value, Role.AGENT),
            Input(open_loopback(loopback), Role.CUSTOMER.value, Role.CUSTOMER),
        )
    )


def recorded_source(
    files: Sequence[Path], agent: Side, *, paced: bool, block_s: float = 0.02
) -> RecordedSource:
    """A call in one stereo file, or in the agent's and the customer's.

    Raises:
        EmoliveError: neither one file nor two.
    """
    if len(files) == 1:
        file = FileSource(files[0], paced=paced, block_s=block_s, channels="split")
        return RecordedCall(file, agent)
    if len(files) == 2:
        return CallFiles(files[0], files[1], paced=paced, block_s=block_s)
    raise EmoliveError("A call is one stereo file, or two files: the agent's, then the customer's.")


@dataclass(frozen=True, slots=True)
class CallAnalysisOptions:
    """What `call analyze` was asked for."""

    out: Path
    formats: str = "json"
    agent: Side = "left"
    model: Path | None = None
    provider: str = "auto"
    hop_s: float = 0.5
    baseline: BaselineChoice | None = None


def run_call_analyze(files: Sequence[Path], options: CallAnalysisOptions) -> int:
    """Analyse one recorded call: results and its conversation, in `options.out`.

    Raises:
        EmoliveError: files, model or folder that cannot be used.
    """
    formats = chosen_formats(options.formats)
    source = recorded_source(files, options.agent, paced=False, block_s=BLOCK_S)
    classifier = load_classifier(options.model, options.provider)
    config = engine_config(options.hop_s, classifier)
    name = "+".join(file.stem for file in files)
    path = files[0] if len(files) == 1 else files[0].with_name(name)
    adapted = run_baselines(options.baseline, source, source)
    try:
        found = analyze_call(
            source, path, classifier, SileroVad(), config,
            baselines=None if adapted is None else adapted.streams,
        )  # fmt: skip
    except KeyboardInterrupt:
        return INTERRUPTED
    finally:
        classifier.close()
    written = _write(found, _timeline(found, files), options.out / name, formats)
    if adapted is not None:
        adapted.begin_to_keep()
        adapted.wait(None)
        if adapted.problem:
            tell(adapted.problem)
    console = Console()
    console.print(conversation_table(found.conversation))
    console.print(conversation_line(found.conversation), soft_wrap=True)
    analysis = found.analysis
    if sentence := telephone_note(analysis.streams, analysis.metadata):
        tell(sentence)
    if analysis.note:
        tell(f"Note: {analysis.note}")
    tell(f"Results: {', '.join(map(str, written))}.")
    if analysis.problem:
        tell(f"{analysis.problem} What came before is in the results.")
        return SOME_INPUTS_FAILED
    return DONE


def _timeline(found: CallAnalysis, files: Sequence[Path]) -> Timeline:
    """The timeline, with each party's own sound."""
    timeline = Timeline.of_analysis(found.analysis)
    audio = [StreamAudio(files[0], channel) for channel in (0, 1)]
    if len(files) == 2:
        audio = [StreamAudio(path) for path in files]
    streams = [
        replace(stream, audio=sound) for stream, sound in zip(timeline.streams, audio, strict=True)
    ]
    return replace(timeline, streams=tuple(streams))


def _write(
    found: CallAnalysis, timeline: Timeline, base: Path, formats: Sequence[Format]
) -> list[Path]:
    """Write everything, to names that begin with `base`; returns them."""
    base = base.with_name(fitting(base.name, len(_CONVERSATION)))
    written = [base.with_name(f"{base.name}.{form.extension}") for form in formats]
    try:
        base.parent.mkdir(parents=True, exist_ok=True)
        for form, target in zip(formats, written, strict=True):
            form.write(timeline, target)
        conversation = base.with_name(base.name + _CONVERSATION)
        write_text(conversation, json.dumps(_conversation(found), indent=1) + "\n")
    except OSError as error:
        raise EmoliveError(
            f"Cannot write to {base.parent} ({error.strerror or error}): choose another folder "
            "with --out."
        ) from error
    return [*written, conversation]


def _conversation(found: CallAnalysis) -> dict[str, object]:
    return {
        "file": str(found.analysis.file),
        **found.conversation.to_dict(),
        "streams": [
            {
                "stream": stream.name,
                "role": stream.role and stream.role.value,
                "emotion": stream.emotion,
                "native_rate": stream.native_rate,
                "band": stream.band and stream.band.value,
            }
            for stream in found.analysis.streams
        ],
        "definitions": {d.field: {"text": d.text, "source": d.source} for d in DEFINITIONS},
    }
