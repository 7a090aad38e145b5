"""Whose turn it is when more runs wait than there is time for."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol, TypeVar


class Waiting(Protocol):
    """A run that has something to be answered."""

    overdue_s: float
    """For how long."""
    turn: int
    """The number of its turn; a larger one began later."""


Run = TypeVar("Run", bound=Waiting)


def next_up(waiting: Sequence[Run], limit: int, keeps_up_s: float) -> list[Run]:
    """The runs to see to next, at most `limit`.

    Who is answered on time is so cheaply, since only a hop of audio is new; who comes late costs a
    whole window of it. So a machine that is asked for too much answers as many runs on time as it
    can, by turns: first the run that has waited longest, whose turn begins with that; then those
    that keep up (no later than `keeps_up_s`), the newest turn first. The oldest turns are the first
    to come late, and wait for their next.
    """
    behind = sorted(
        (run for run in waiting if run.overdue_s > keeps_up_s), key=lambda run: -run.overdue_s
    )
    current = sorted(
        (run for run in waiting if run.overdue_s <= keeps_up_s), key=lambda run: -run.turn
    )
    return (behind[:1] + current + behind[1:])[:limit]
