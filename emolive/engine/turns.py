"""Whose turn it is when more runs wait than there is time for."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Protocol, TypeVar

TURN_S = 4.0


class Waiting(Protocol):
    """A run that has something to be answered."""

    overdue_s: float
    """For how long; infinite where its source has ended."""
    turn: int
    """The number of its turn; a larger one began later."""
    turn_ends: float
    """When others may have its place, on the clock's scale."""


Run = TypeVar("Run", bound=Waiting)


def next_up(waiting: Sequence[Run], limit: int, keeps_up_s: float, now: float) -> list[Run]:
    """The runs to see to next, at most `limit`, and at least one if any waits.

    Who is answered on time is so cheaply, since only a hop of audio is new; who comes late costs a
    whole window of it. So a machine that is asked for too much answers as many runs on time as it
    can, by turns of `TURN_S`. Those that keep up (no later than `keeps_up_s`) come first, the
    newest turn first: if they are too many, the oldest turns are the first to come late, which ends
    them. A turn begins when nobody who has one waits, and goes to who has waited longest.
    """
    over = [run for run in waiting if run.overdue_s == math.inf]
    late = [run for run in waiting if keeps_up_s < run.overdue_s < math.inf]
    current = [
        run for run in waiting if run.overdue_s <= keeps_up_s and (not late or now < run.turn_ends)
    ]
    chosen = over + sorted(current, key=lambda run: -run.turn)
    return chosen[:limit] or [max(late, key=lambda run: run.overdue_s)] if waiting else []
