"""`sessions adapt`: sessions decided anew, with another expected mix or without a baseline."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from emolive.cli.baseline import expected_mix
from emolive.cli.loading import open_library
from emolive.cli.options import ExpectedOption, LibraryOption, LiveBaseline, SessionsArgument
from emolive.cli.outcome import DONE, tell
from emolive.inference.known_models import called
from emolive.session.readapting import readapt
from emolive.wording import readapted_text


def adapt(
    sessions: SessionsArgument,
    baseline: Annotated[
        LiveBaseline,
        typer.Option(help="By what is known of the source, or the model's own answers."),
    ] = LiveBaseline.LIBRARY,
    expected_neutral: ExpectedOption = None,
    model: Annotated[
        Path | None,
        typer.Option(metavar="FILE", help="The sessions' model, where it is none of your own."),
    ] = None,
    library: LibraryOption = None,
) -> int:
    """Decide sessions anew from what is stored: with another expected mix, or without a baseline.

    Nothing is heard again: the model's own probabilities are stored beside the adapted ones, and
    stay, so this can be done as often as you like. By what the library knows of a session's source
    by now; where it knows nothing, by what the session says. Alerts stay as they were raised.
    """
    mix = None if baseline is LiveBaseline.OFF else expected_mix(expected_neutral)
    with open_library(library) as opened:
        infos = {info.id: info for info in map(opened.get, sessions)}
        for info in infos.values():
            found = readapt(opened, info.id, called(info.model, model), mix)
            told = [one.told for one in found.baselines.values()]
            tell(
                "Session {id}: {windows}",
                id=info.id,
                windows=readapted_text(found.windows, found.changed, told),
            )
    return DONE
