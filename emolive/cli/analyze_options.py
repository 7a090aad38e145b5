"""What `analyze` can be asked for."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum
from typing import Annotated

import typer

from emolive.cli.options import FORMATS, ExpectedOption, LibraryOption, ModelOptions


class ArchiveBaseline(StrEnum):
    """What answers of an archive are adapted to."""

    FILES = "files"
    LIBRARY = "library"
    OFF = "off"


@dataclass(frozen=True, slots=True)
class AnalyzeOptions:
    """`out` is a folder, or an address where a cluster works; `formats` None: the usual one there.

    Profiles of sources lie in the `library` (None: the usual one).
    """

    out: Annotated[
        str,
        typer.Option(metavar="DIR", help="Folder for the results; existing ones are replaced."),
    ] = "emolive-results"
    formats: Annotated[
        str | None,
        typer.Option(
            "--format",
            metavar="FORMAT[,FORMAT]",
            help=f"Any of {FORMATS}, or all; json if not given.",
        ),
    ] = None
    jobs: Annotated[
        int | None,
        typer.Option(
            "--jobs", "-j", metavar="N", min=1, help="Files at once; as many as there are cores."
        ),
    ] = None
    resume: Annotated[
        bool,
        typer.Option("--resume", help="Skip what an earlier run finished and did not change."),
    ] = False
    summary: Annotated[
        bool, typer.Option("--summary", help="Also write summary.csv, one row per file.")
    ] = False
    cluster: Annotated[
        str | None,
        typer.Option(
            metavar="ADDRESS",
            help="Work on this Ray cluster (HOST:PORT; local: one on this machine), into Parquet "
            "tables.",
        ),
    ] = None
    baseline: Annotated[
        ArchiveBaseline,
        typer.Option(
            "--baseline",
            help="Take the model's own bias on these recordings out: by what all files of this run "
            "say together, or by what the library knows of their folder (docs/baseline.md).",
        ),
    ] = ArchiveBaseline.OFF
    expected_neutral: ExpectedOption = None
    library: LibraryOption = None
    using: ModelOptions = field(default_factory=ModelOptions)
