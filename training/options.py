"""Options and arguments that several commands share."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

CacheOption = Annotated[Path, typer.Option("--cache", help="Folder of the decoded corpora.")]
RunsOption = Annotated[Path, typer.Option("--runs", help="Folder of checkpoints and results.")]
RecipeArgument = Annotated[Path, typer.Argument(exists=True, dir_okay=False, help="A TOML recipe.")]
LeftOutOption = Annotated[
    str,
    typer.Option(
        "--left-out",
        help="Another recipe, which answers for corpora that this one was not trained without.",
    ),
]
