"""Asking before something goes that cannot be had again."""

from __future__ import annotations

import sys

from emolive.cli.outcome import tell
from emolive.errors import EmoliveError
from emolive.i18n import tr


def confirm(question: str, *, yes: bool) -> None:
    """Ask at the terminal; with `yes` it is answered already.

    Raises:
        EmoliveError: the answer is another one, or nobody is there to ask.
    """
    if yes:
        return
    if not sys.stdin.isatty():
        raise EmoliveError(
            "{question} Nobody can be asked here, so nothing was changed: add --yes if that "
            "is meant.",
            question=question,
        )
    tell(tr("{question} Type y for yes:", question=question))
    if sys.stdin.readline().strip().casefold() not in {"y", "yes", tr("y"), tr("yes")}:
        raise EmoliveError("Nothing was changed.")
