"""`emolive call`: which sources make a call, live and recorded; `wall` shows several."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Annotated

import typer

from emolive.archive.work import writing_to
from emolive.audio.call import CallSource, Side, call_recording
from emolive.audio.source import AudioSource
from emolive.cli.baseline import baseline_choice
from emolive.cli.commands import GROUPS, group
from emolive.cli.console import Console
from emolive.cli.conversation_view import conversation_line, conversation_table, telephone_note
from emolive.cli.live import run_in_terminal
from emolive.cli.loading import load_model
from emolive.cli.options import (
    AgentChannel,
    BaselineOptions,
    Channel,
    LibraryOption,
    LiveBaseline,
    LiveOptions,
    ModelOptions,
)
from emolive.cli.outcome import DONE, INTERRUPTED, SOME_INPUTS_FAILED, tell
from emolive.cli.wall import wall
from emolive.conversation import CallAnalysis, analyze_call
from emolive.conversation.definitions import DEFINITIONS
from emolive.engine.offline import BLOCK_S
from emolive.errors import EmoliveError
from emolive.monitoring.baselines import run_baselines
from emolive.session.export import Format, chosen_formats
from emolive.session.export.atomic import fitting, write_text
from emolive.session.export.values import stream_fields
from emolive.session.timeline import StreamAudio, Timeline
from emolive.speech.silero import SileroVad

app = group(help=GROUPS["call"])

# What `--loopback` takes for the default output.
DEFAULT_OUTPUT = "default"
_CONVERSATION = ".conversation.json"


@dataclass(frozen=True, slots=True)
class CallOptions(LiveOptions):
    """Those of a call, which only the terminal shows."""

    using: ModelOptions = field(default_factory=ModelOptions)


@dataclass(frozen=True, slots=True)
class OffUnlessAsked(BaselineOptions):
    """Answers stay as they are, unless something is said."""

    baseline: Annotated[
        LiveBaseline,
        typer.Option(
            help="library: adapt answers by what the library knows of the recording's folder, and "
            "go on learning it.",
        ),
    ] = LiveBaseline.OFF


@app.command()
def live(
    files: Annotated[
        list[Path] | None,
        typer.Argument(
            metavar="[FILE [FILE]]",
            help="A stereo file, or the agent's and the customer's, played as if spoken now.",
            show_default=False,
        ),
    ] = None,
    device: Annotated[
        str | None,
        typer.Option(
            metavar="NAME|INDEX", help="A stereo input; with --loopback, the agent's microphone."
        ),
    ] = None,
    loopback: Annotated[
        str | None,
        typer.Option(
            metavar="NAME|default",
            help="Take the customer from what this computer plays; see `emolive devices`.",
        ),
    ] = None,
    agent_channel: AgentChannel = Channel.LEFT,
    *,
    options: CallOptions,
) -> int:
    """Monitor a call in the terminal: a stereo input, microphone and loopback, or files.

    Emotion is inferred for the customer only, unless somebody takes the responsibility for more;
    talk time, turns, silence and overtalk are measured for both. With --loopback, wear a headset:
    a microphone that hears the loudspeaker takes the customer's voice for the agent's. Ctrl-C ends
    it.
    """
    source = live_source(device, loopback, files or (), agent_channel.value)
    return run_in_terminal(source, options, call=True)


@app.command()
def analyze(
    files: Annotated[
        list[Path],
        typer.Argument(
            metavar="FILE [FILE]", help="A stereo file, or the agent's and the customer's."
        ),
    ],
    agent_channel: AgentChannel = Channel.LEFT,
    out: Annotated[
        Path,
        typer.Option(metavar="DIR", help="Folder for the results; existing ones are replaced."),
    ] = Path("emolive-results"),
    formats: Annotated[
        str,
        typer.Option("--format", metavar="FORMAT[,FORMAT]", help="As `emolive analyze`."),
    ] = "json",
    *,
    adapting: OffUnlessAsked,
    library: LibraryOption = None,
    using: ModelOptions,
) -> int:
    """Analyse a recorded call: the customer's emotion, and the conversation of both.

    The conversation goes to NAME.conversation.json beside the results, with the definition of each
    number. Files of the two parties may differ in length and rate.
    """
    choice = baseline_choice(adapting, library)
    forms = chosen_formats(formats)
    source = call_recording(files, agent_channel.value, paced=False, block_s=BLOCK_S)
    classifier, config = load_model(using)
    name = "+".join(file.stem for file in files)
    path = files[0] if len(files) == 1 else files[0].with_name(name)
    adapted = run_baselines(choice, source, source)
    try:
        found = analyze_call(
            source, path, classifier, SileroVad(), config,
            baselines=None if adapted is None else adapted.streams,
        )  # fmt: skip
    except KeyboardInterrupt:
        return INTERRUPTED
    finally:
        classifier.close()
    written = _write(found, _timeline(found, files), out / name, forms)
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
        tell("Notice: {note}", note=analysis.note)
    tell("Results: {names}.", names=", ".join(map(str, written)))
    if analysis.problem:
        tell("{problem} What came before is in the results.", problem=analysis.problem)
        return SOME_INPUTS_FAILED
    return DONE


app.command()(wall)


def live_source(
    device: str | None, loopback: str | None, files: Sequence[Path], agent: Side
) -> AudioSource:
    """The source of a live call; files are played as if they were spoken now.

    `device` is a stereo device, or the agent's microphone where there is a `loopback`; `agent` is
    the agent's channel where one source has both.

    Raises:
        EmoliveError: the options contradict each other, or there is no such loopback.
    """
    if files:
        if device is not None or loopback is not None:
            raise EmoliveError("Name files or devices, not both.")
        return call_recording(files, agent, paced=True, block_s=0.02)
    if loopback is None:
        from emolive.audio.microphone import Microphone

        return CallSource(Microphone(device, channels=2), agent)
    from emolive.audio.beside import call_on_this_computer
    from emolive.audio.loopback import find_loopback, list_loopbacks

    if loopback == DEFAULT_OUTPUT:
        return call_on_this_computer(device)
    return call_on_this_computer(device, find_loopback(list_loopbacks(), loopback))


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
    with writing_to(base.parent):
        base.parent.mkdir(parents=True, exist_ok=True)
        for form, target in zip(formats, written, strict=True):
            form.write(timeline, target)
        conversation = base.with_name(base.name + _CONVERSATION)
        write_text(conversation, json.dumps(_conversation(found), indent=1) + "\n")
    return [*written, conversation]


def _conversation(found: CallAnalysis) -> dict[str, object]:
    return {
        "file": str(found.analysis.file),
        **found.conversation.to_dict(),
        "streams": [
            {"stream": stream.name, **stream_fields(stream)} for stream in found.analysis.streams
        ],
        "definitions": {d.field: {"text": d.text, "source": d.source} for d in DEFINITIONS},
    }
