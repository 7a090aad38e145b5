"""One banner for many parts: the gravest is shown, and what was read stays away."""

from __future__ import annotations

from emolive.types import Alert, EngineState
from emolive.types import Severity as AlertSeverity
from emolive.ui.messages import (
    Message,
    MessageBoard,
    Severity,
    alert_message,
    provider_message,
)
from tests.ui import feed

NOTE = Message(Severity.INFO, "a note")
WARNING = Message(Severity.WARNING, "a warning")
ERROR = Message(Severity.ERROR, "an error")


def test_the_gravest_is_shown_and_of_equals_the_newest() -> None:
    board = MessageBoard()
    assert board.top is None
    board.set("one", NOTE)
    board.set("two", ERROR)
    board.set("three", WARNING)
    assert board.top == ERROR
    board.set("two", None)
    assert board.top == WARNING
    board.set("four", Message(Severity.WARNING, "newer"))
    assert board.top is not None
    assert board.top.text == "newer"


def test_what_was_dismissed_stays_away_until_its_part_says_something_else() -> None:
    board = MessageBoard()
    board.set("run", WARNING)
    board.dismiss(WARNING)
    assert board.top is None
    board.set("run", WARNING)
    assert board.top is None
    board.set("run", ERROR)
    assert board.top == ERROR
    board.set("run", WARNING)
    assert board.top is None, "it was read"
    board.forget("run")
    board.set("run", WARNING)
    assert board.top == WARNING, "a new run may say it again"


def test_what_happens_again_is_told_again() -> None:
    board = MessageBoard()
    for _ in range(2):
        board.say("sessions", WARNING)
        assert board.top == WARNING
        board.dismiss(WARNING)
        assert board.top is None
        board.set("sessions", WARNING)
        assert board.top is None, "it was read"
    board.say("sessions", None)
    assert board.top is None


def test_a_move_to_another_processor_is_told_once_it_happened() -> None:
    before = "CUDA is not used: no driver."
    same = feed.status(EngineState.RUNNING, provider_note=before)
    assert provider_message(same, before) is None
    moved = feed.status(EngineState.RUNNING, provider_note="CUDA stopped working.")
    found = provider_message(moved, None)
    assert found == Message(Severity.WARNING, "CUDA stopped working.")


def alert(rule: str, severity: AlertSeverity) -> Alert:
    return Alert(rule, "emotion", severity, "left", None, 0, 1, 2, f"{rule}: it happened")


def test_the_gravest_alert_is_told_and_the_others_are_counted() -> None:
    assert alert_message([]) is None
    found = alert_message(
        [
            alert("Anger", AlertSeverity.CRITICAL),
            alert("Silence", AlertSeverity.WARNING),
            alert("Talk", AlertSeverity.INFO),
        ]
    )
    assert found is not None
    assert found.severity is Severity.ERROR
    assert found.text == "Anger: it happened (2 more alerts)"
