"""`emolive call`: commands and options; the work is in `call_commands` and `wall`."""

from __future__ import annotations

from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from emolive.cli.options import (
    AlertsOption,
    Commands,
    DurationOption,
    ExpectedOption,
    GroupOption,
    HeadlessOption,
    HopOption,
    JsonOption,
    KeepSoundOption,
    LibraryOption,
    LiveBaseline,
    LiveBaselineOption,
    MetricsOption,
    ModelOption,
    PolicyOption,
    Provider,
    ProviderOption,
    TitleOption,
)

app = typer.Typer(
    cls=Commands,
    help="Calls of two parties: the customer's emotion, and how the conversation goes.",
    no_args_is_help=True,
    context_settings={"help_option_names": ["-h", "--help"]},
)


class Channel(StrEnum):
    """A channel of two."""

    LEFT = "left"
    RIGHT = "right"


AgentChannel = Annotated[
    Channel,
    typer.Option("--agent-channel", help="The agent's channel, where one source has both."),
]


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
            "--device",
            metavar="NAME|INDEX",
            help="A stereo input; with --loopback, the agent's microphone.",
        ),
    ] = None,
    loopback: Annotated[
        str | None,
        typer.Option(
            "--loopback",
            metavar="NAME|default",
            help="Take the customer from what this computer plays; see `emolive devices`.",
        ),
    ] = None,
    agent_channel: AgentChannel = Channel.LEFT,
    record: Annotated[bool, typer.Option("--record", help="Keep it as a session.")] = False,
    audio: KeepSoundOption = True,
    title: TitleOption = "",
    alerts: AlertsOption = None,
    metrics: MetricsOption = None,
    infer_agent: Annotated[
        bool, typer.Option("--infer-agent", help="Also the agent's emotions; asks first.")
    ] = False,
    policy: PolicyOption = None,
    library: LibraryOption = None,
    baseline: LiveBaselineOption = None,
    expected_neutral: ExpectedOption = None,
    baseline_group: GroupOption = None,
    headless: HeadlessOption = False,
    json: JsonOption = False,
    duration: DurationOption = None,
    model: ModelOption = None,
    provider: ProviderOption = Provider.AUTO,
    hop: HopOption = 0.5,
) -> int:
    """Monitor a call in the terminal: a stereo input, microphone and loopback, or files.

    Emotion is inferred for the customer only, unless somebody takes the responsibility for more;
    talk time, turns, silence and overtalk are measured for both. With --loopback, wear a headset:
    a microphone that hears the loudspeaker takes the customer's voice for the agent's. Ctrl-C ends
    it.
    """
    from emolive.cli.agent import AgentOptions
    from emolive.cli.baseline_commands import baseline_choice
    from emolive.cli.call_commands import CallOptions, run_call_live
    from emolive.cli.live import LiveOptions
    from emolive.cli.recording import RecordOptions
    from emolive.cli.watching import WatchOptions

    recording = RecordOptions(library, title, audio) if record else None
    watching = WatchOptions(alerts, library, metrics)
    return run_call_live(
        CallOptions(device, loopback, tuple(files or ()), agent_channel.value),
        LiveOptions(
            headless,
            json,
            duration,
            model,
            provider.value,
            hop,
            recording,
            watching,
            AgentOptions(infer_agent, policy, library),
            baseline_choice(baseline, expected_neutral, baseline_group, library),
        ),
    )


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
        typer.Option(
            "--out", metavar="DIR", help="Folder for the results; existing ones are replaced."
        ),
    ] = Path("emolive-results"),
    formats: Annotated[
        str,
        typer.Option("--format", metavar="FORMAT[,FORMAT]", help="As `emolive analyze`."),
    ] = "json",
    baseline: LiveBaselineOption = LiveBaseline.OFF,
    expected_neutral: ExpectedOption = None,
    baseline_group: GroupOption = None,
    library: LibraryOption = None,
    model: ModelOption = None,
    provider: ProviderOption = Provider.AUTO,
    hop: HopOption = 0.5,
) -> int:
    """Analyse a recorded call: the customer's emotion, and the conversation of both.

    The conversation goes to NAME.conversation.json beside the results, with the definition of each
    number. Files of the two parties may differ in length and rate.
    """
    from emolive.cli.baseline_commands import baseline_choice
    from emolive.cli.call_commands import CallAnalysisOptions, run_call_analyze

    return run_call_analyze(
        files,
        CallAnalysisOptions(
            out,
            formats,
            agent_channel.value,
            model,
            provider.value,
            hop,
            baseline_choice(baseline, expected_neutral, baseline_group, library),
        ),
    )


@app.command()
def wall(
    files: Annotated[
        list[Path],
        typer.Argument(metavar="FILE...", help="Stereo files, each a call with two parties."),
    ],
    agent_channel: AgentChannel = Channel.LEFT,
    alerts: AlertsOption = None,
    metrics: MetricsOption = None,
    library: LibraryOption = None,
    baseline: LiveBaselineOption = None,
    expected_neutral: ExpectedOption = None,
    baseline_group: GroupOption = None,
    json: JsonOption = False,
    duration: Annotated[
        float | None,
        typer.Option("--duration", metavar="SECONDS", min=0.1, help="Stop after this long."),
    ] = None,
    model: ModelOption = None,
    provider: ProviderOption = Provider.AUTO,
    hop: HopOption = 0.5,
) -> int:
    """Monitor several recorded calls at once, in real time, with one model.

    A call that fails does not disturb the others; the exit code is then 1. Ctrl-C ends them all.
    """
    from emolive.cli.baseline_commands import baseline_choice
    from emolive.cli.wall import WallOptions, run_wall
    from emolive.cli.watching import WatchOptions

    watching = WatchOptions(alerts, library, metrics)
    return run_wall(
        files,
        WallOptions(
            agent_channel.value,
            json,
            duration,
            model,
            provider.value,
            hop,
            watching,
            baseline_choice(baseline, expected_neutral, baseline_group, library),
        ),
    )
