"""What the banner says: one sentence, and a button for the way out. No Qt."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from emolive.types import EngineState, EngineStatus
from emolive.ui.runs import SourceChoice, SourceKind


class Severity(StrEnum):
    """How a message looks."""

    INFO = "info"
    WARNING = "warning"
    ERROR = "error"


class Action(StrEnum):
    """What the button does; the value is its text."""

    RETRY = "Try again"
    REPLAY = "Play again"
    DEMO = "Play the demo clip"
    REFRESH = "Look again"


@dataclass(frozen=True, slots=True)
class Message:
    """A banner."""

    severity: Severity
    text: str
    action: Action | None = None


def running_message(status: EngineStatus | None) -> Message | None:
    """What a running engine has to say to a person."""
    if status is None:
        return None
    if status.state is EngineState.RECONNECTING:
        reason = status.reason or f"{status.source} is gone."
        return Message(Severity.WARNING, f"Reconnecting: {reason}")
    if status.state is EngineState.RUNNING and status.hint:
        return Message(Severity.WARNING, status.hint)
    return None


def failure_message(text: str, choice: SourceChoice) -> Message:
    """Why there is no run, or no more; a microphone that fails leads to the demo."""
    action = Action.DEMO if choice.kind is SourceKind.MICROPHONE else Action.RETRY
    return Message(Severity.ERROR, text, action)


def ended_message(status: EngineStatus, choice: SourceChoice) -> Message | None:
    """What to say when a run is over by itself."""
    if status.state is EngineState.FAILED:
        return failure_message(status.reason or "The engine stopped.", choice)
    if status.reason:
        return Message(Severity.WARNING, status.reason, Action.REPLAY)
    return Message(Severity.INFO, f"{choice.title} has ended.", Action.REPLAY)


def device_message(problem: str) -> Message:
    """Why there is no list of inputs."""
    return Message(Severity.WARNING, problem, Action.REFRESH)
