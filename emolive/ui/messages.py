"""What the banner says: one sentence, and a button for the way out. No Qt."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum

from emolive.i18n import mark, ntr, tr
from emolive.monitoring.sources import SourceChoice, SourceKind
from emolive.session.recorder_status import RecorderState, RecorderStatus
from emolive.session.records import SessionInfo
from emolive.times import length_text
from emolive.types import Alert, EngineState, EngineStatus
from emolive.types import Severity as AlertSeverity


class Severity(StrEnum):
    """How a message looks."""

    INFO = "info"
    WARNING = "warning"
    ERROR = "error"


# Of an alert's message.
LOOKS = {
    AlertSeverity.INFO: Severity.INFO,
    AlertSeverity.WARNING: Severity.WARNING,
    AlertSeverity.CRITICAL: Severity.ERROR,
}


class Action(StrEnum):
    """What the button does; the value, translated, is its text."""

    RETRY = mark("Try again")
    REPLAY = mark("Play again")
    DEMO = mark("Play the demo clip")
    REFRESH = mark("Look again")
    SETTINGS = mark("Open settings")
    BUNDLED_MODEL = mark("Use the bundled model")
    STOP_RECORDING = mark("Stop recording")
    OPEN_CALL = mark("Open the call")
    RESULTS = mark("Compare the results")
    OPEN_SESSION = mark("Open it")
    NAME_SESSION = mark("Name it…")
    DELETE_SESSION = mark("Delete it…")


@dataclass(frozen=True, slots=True)
class Message:
    """A banner. `more`: what else can be done; `session`, `sessions`: ids that it is about.

    `occasion` tells this time from another of which there is the same to say.
    """

    severity: Severity
    text: str
    action: Action | None = None
    more: tuple[Action, ...] = ()
    session: str | None = None
    sessions: tuple[str, ...] = ()
    occasion: str = ""

    @property
    def actions(self) -> tuple[Action, ...]:
        """All that can be done."""
        return (*((self.action,) if self.action else ()), *self.more)


class MessageBoard:
    """Messages of several parts of the window; the gravest one is shown, of equals the newest.

    One message per part and at most a handful of parts. A state that a person dismissed stays away
    until its part has something else to say; what happens is told each time.
    """

    def __init__(self) -> None:
        """Empty."""
        self._messages: dict[str, Message] = {}
        self._dismissed: dict[str, Message] = {}

    def set(self, part: str, message: Message | None) -> None:
        """How `part` stands, told again and again; None: there is nothing to say."""
        if self._messages.get(part) == message:
            return
        self._messages.pop(part, None)
        if message is not None:
            self._messages[part] = message

    def say(self, part: str, message: Message | None) -> None:
        """Something happened, whether or not the same was read before; None: it is past."""
        self.forget(part)
        self.set(part, message)

    def part_of(self, message: Message) -> str | None:
        """Which part says this now."""
        return next((part for part, said in self._messages.items() if said == message), None)

    def dismiss(self, message: Message) -> None:
        """A person has read it."""
        for part, said in self._messages.items():
            if said == message:
                self._dismissed[part] = message

    def forget(self, part: str) -> None:
        """`part` begins anew: nothing to say, nothing dismissed."""
        self._messages.pop(part, None)
        self._dismissed.pop(part, None)

    @property
    def top(self) -> Message | None:
        """What to show."""
        order = list(Severity)
        shown = [
            message
            for part, message in self._messages.items()
            if self._dismissed.get(part) != message
        ]
        return max(reversed(shown), key=lambda m: order.index(m.severity), default=None)


def running_message(status: EngineStatus | None) -> Message | None:
    """What a running engine has to say to a person."""
    if status is None:
        return None
    if status.state is EngineState.RECONNECTING:
        reason = status.reason or tr("{source} is gone.", source=status.source)
        return Message(Severity.WARNING, tr("Reconnecting: {reason}", reason=reason))
    if status.state is EngineState.RUNNING and status.hint:
        return Message(Severity.WARNING, status.hint)
    return None


def failure_message(text: str, choice: SourceChoice, *, model: bool = False) -> Message:
    """Why there is no run, or no more.

    A microphone that fails leads to the demo, a `model` of one's own to the bundled one.
    """
    if model:
        return Message(Severity.ERROR, text, Action.BUNDLED_MODEL)
    action = Action.DEMO if choice.kind is SourceKind.MICROPHONE else Action.RETRY
    return Message(Severity.ERROR, text, action)


def ended_message(status: EngineStatus, choice: SourceChoice) -> Message | None:
    """What to say when a run is over by itself."""
    if status.state is EngineState.FAILED:
        return failure_message(status.reason or tr("The engine stopped."), choice)
    if status.reason:
        return Message(Severity.WARNING, status.reason, Action.REPLAY)
    return Message(Severity.INFO, tr("{title} has ended.", title=choice.title), Action.REPLAY)


def provider_message(status: EngineStatus, before: str | None) -> Message | None:
    """That the model had to move to another processor; `before`: the note when the run began."""
    if status.provider_note is None or status.provider_note == before:
        return None
    return Message(Severity.WARNING, status.provider_note)


def alert_message(alerts: Sequence[Alert]) -> Message | None:
    """The gravest of the alerts that hold now, of equals the newest."""
    if not alerts:
        return None
    order = list(AlertSeverity)
    gravest = max(enumerate(alerts), key=lambda pair: (order.index(pair[1].severity), pair[0]))[1]
    text = gravest.message
    if len(alerts) > 1:
        text += " " + ntr("({count} more alert)", "({count} more alerts)", len(alerts) - 1)
    occasion = f"{gravest.rule} {gravest.stream} {gravest.fired_sample}"
    return Message(LOOKS[gravest.severity], text, occasion=occasion)


def rules_message(problem: str) -> Message:
    """Why alert rules are not watched for."""
    return Message(Severity.WARNING, problem, Action.SETTINGS)


def device_message(problem: str) -> Message:
    """Why there is no list of inputs."""
    return Message(Severity.WARNING, problem, Action.REFRESH)


def recorded_message(status: RecorderStatus, session: SessionInfo | None) -> Message:
    """How it ended, in a sentence; `session` None: nothing was stored."""
    if status.state is RecorderState.FAILED:
        text = status.error or tr("The recording failed.")
        return Message(Severity.ERROR, text, Action.SETTINGS)
    if session is None:
        return Message(Severity.INFO, tr("Nothing was recorded: there was no sound."))
    return session_message(session, status.error)


def session_message(session: SessionInfo, problem: str | None = None) -> Message:
    """That a session was stored, and what can be done with it."""
    text = tr(
        "Recorded {duration} as “{title}”.",
        duration=length_text(session.duration_s),
        title=session.title or session.id,
    )
    severity = Severity.WARNING if problem else Severity.INFO
    if problem:
        text = f"{text} {problem}"
    more = (Action.NAME_SESSION, Action.DELETE_SESSION)
    return Message(severity, text, Action.OPEN_SESSION, more, session.id)
