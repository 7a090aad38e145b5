"""Options that several commands share."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from emolive.inference.decision import DecisionConfig

# The names of the export registry, which itself is too heavy for `--help`.
FORMATS = (
    "json, csv, spreadsheet, parquet, eaf, textgrid, audacity, vtt, rttm, emotionml, audformat, "
    "html"
)


class Channel(StrEnum):
    """A channel of two."""

    LEFT = "left"
    RIGHT = "right"


AgentChannel = Annotated[
    Channel,
    typer.Option("--agent-channel", help="The agent's channel, where one source has both."),
]


class AudioFormat(StrEnum):
    """Of audio beside exports."""

    FLAC = "flac"
    WAV = "wav"


class Provider(StrEnum):
    """Which processor runs the model."""

    AUTO = "auto"
    CPU = "cpu"
    CUDA = "cuda"


ModelOption = Annotated[
    Path | None,
    typer.Option(
        "--model",
        metavar="NAME|FILE",
        help="A model by its name (see `emolive models`), or an ONNX file of your own.",
    ),
]
_PROVIDER = typer.Option("--provider", help="Processor for the model; auto: CUDA if it works.")
_HOP = typer.Option("--hop", metavar="SECONDS", min=0.1, max=3.0, help="Time between two answers.")
ProviderOption = Annotated[Provider, _PROVIDER]


@dataclass(frozen=True, slots=True)
class ModelChoice:
    """What infers, on which processor, how often and how surely.

    None is what the app has set, or the usual; `processor`, `interval_s` and `decision` are those
    of the terminal.
    """

    model: ModelOption = None
    provider: Annotated[Provider | None, _PROVIDER] = None
    hop: Annotated[float | None, _HOP] = None
    threshold: Annotated[
        float | None,
        typer.Option(
            metavar="SHARE",
            min=0.0,
            max=1.0,
            help="An answer below this confidence is uncertain; else as the model says.",
        ),
    ] = None

    @property
    def processor(self) -> str:
        """The provider's name."""
        return (self.provider or Provider.AUTO).value

    @property
    def interval_s(self) -> float:
        """The hop."""
        return self.hop or 0.5

    @property
    def decision(self) -> DecisionConfig:
        """How answers are decided."""
        from emolive.inference.decision import DecisionConfig

        return DecisionConfig(threshold=self.threshold)


@dataclass(frozen=True, slots=True)
class ModelOptions(ModelChoice):
    """The same where the app has no say."""

    provider: ProviderOption = Provider.AUTO
    hop: Annotated[float, _HOP] = 0.5


HeadlessOption = Annotated[
    bool, typer.Option("--headless", help="Live timeline in the terminal, no window.")
]
JsonOption = Annotated[
    bool, typer.Option("--json", help="One JSON object per line on standard output.")
]
JsonReport = Annotated[bool, typer.Option("--json", help="Print one JSON document.")]
DurationOption = Annotated[
    float | None,
    typer.Option(
        "--duration",
        metavar="SECONDS",
        min=0.1,
        max=1e9,
        help="Stop after this long; implies --headless.",
    ),
]
LibraryOption = Annotated[
    Path | None,
    typer.Option(
        "--library",
        metavar="DIR",
        help="Folder of the sessions; else $EMOLIVE_LIBRARY, or your own data folder.",
    ),
]
YesOption = Annotated[bool, typer.Option("--yes", "-y", help="Do not ask.")]
KeepSoundOption = Annotated[
    bool, typer.Option("--audio/--no-audio", help="With --record: keep the sound, too.")
]
PolicyOption = Annotated[
    Path | None,
    typer.Option("--policy", metavar="FILE", help="Policy to keep to; see `emolive policy`."),
]

SessionArgument = Annotated[
    str,
    typer.Argument(
        metavar="ID", help='A session\'s id, or its beginning where that is enough; or "last".'
    ),
]
SessionsArgument = Annotated[
    list[str],
    typer.Argument(
        metavar="ID...", help='Sessions\' ids, or their beginnings where that is enough; or "last".'
    ),
]


class LiveBaseline(StrEnum):
    """What answers of a source are adapted to."""

    LIBRARY = "library"
    OFF = "off"


ExpectedOption = Annotated[
    str | None,
    typer.Option(
        "--expected-neutral",
        metavar="SHARE|NAME",
        help="How much of this speech is neutral: 0.01 to 0.99, calls (0.7), talk (0.45), or "
        "balanced. More means fewer false alarms, and more that is missed.",
    ),
]
LiveBaselineOption = Annotated[
    LiveBaseline | None,
    typer.Option(
        "--baseline",
        help="In the terminal: adapt answers to this source by what the library knows of it, and "
        "go on learning it. Else as set in the app (on, unless it was switched off).",
    ),
]


@dataclass(frozen=True, slots=True)
class BaselineOptions:
    """How answers are adapted to their source."""

    baseline: LiveBaselineOption = None
    expected_neutral: ExpectedOption = None
    baseline_group: Annotated[
        str | None,
        typer.Option(
            metavar="NAME",
            help="Keep a source's profile apart under this name: a language, a team.",
        ),
    ] = None

    def __bool__(self) -> bool:
        """Whether something was said of it."""
        said = (self.baseline, self.expected_neutral, self.baseline_group)
        return any(one is not None for one in said)


@dataclass(frozen=True, slots=True)
class WatchOptions:
    """Rules and metrics beside live runs."""

    alerts: Annotated[
        Path | None,
        typer.Option(metavar="RULES.toml", help="Watch these rules, in the terminal."),
    ] = None
    metrics: Annotated[
        str | None,
        typer.Option(metavar="[HOST:]PORT", help="Serve Prometheus here, for this computer."),
    ] = None

    def __bool__(self) -> bool:
        return self.alerts is not None or self.metrics is not None


@dataclass(frozen=True, slots=True)
class RecordOptions:
    """Whether and how a run is recorded."""

    record: Annotated[
        bool, typer.Option("--record", help="Keep it as a session; implies --headless.")
    ] = False
    audio: KeepSoundOption = True
    title: Annotated[
        str, typer.Option(metavar="TEXT", help="With --record: the session's title.")
    ] = ""

    def __bool__(self) -> bool:
        return self.record


@dataclass(frozen=True, slots=True)
class AgentOptions:
    """Whether an agent's emotions are wanted, and which policy holds."""

    infer_agent: Annotated[
        bool,
        typer.Option("--infer-agent", help="In a call: also the agent's emotions; asks first."),
    ] = False
    policy: PolicyOption = None


@dataclass(frozen=True, slots=True)
class LiveOptions:
    """What everything live has in common."""

    recording: RecordOptions = field(default_factory=RecordOptions)
    watching: WatchOptions = field(default_factory=WatchOptions)
    agent: AgentOptions = field(default_factory=AgentOptions)
    library: LibraryOption = None
    adapting: BaselineOptions = field(default_factory=BaselineOptions)
    headless: HeadlessOption = False
    json: JsonOption = False
    duration: DurationOption = None
    using: ModelChoice = field(default_factory=ModelChoice)


@dataclass(frozen=True, slots=True)
class ReplayOptions:
    """What `sessions replay` can be asked for; `model` "bundled": the one that comes along."""

    start: Annotated[
        float,
        typer.Option("--from", metavar="SECONDS", min=0.0, max=1e9, help="Begin at this moment."),
    ] = 0.0
    speed: Annotated[
        float,
        typer.Option(metavar="X", min=0.5, max=2.0, help="0.5 to 2, with the pitch kept."),
    ] = 1.0
    model: Annotated[
        str | None,
        typer.Option(
            metavar="FILE|bundled",
            help="Analyse the audio again with this model and compare, instead of playing.",
        ),
    ] = None
    no_audio: Annotated[
        bool, typer.Option("--no-audio", help="The timeline alone, in silence.")
    ] = False
    provider: ProviderOption = Provider.AUTO
    library: LibraryOption = None
