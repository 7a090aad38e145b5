"""`emolive baseline`: commands and options; the work is in `baseline_commands`."""

from __future__ import annotations

from typing import Annotated

import typer

from emolive.cli.options import Commands, JsonReport, LibraryOption

app = typer.Typer(
    cls=Commands,
    help="What is known of the sources that were listened to, to adapt answers to them.",
    no_args_is_help=True,
    context_settings={"help_option_names": ["-h", "--help"]},
)

IdArgument = Annotated[
    str, typer.Argument(metavar="ID", help="A profile's id, or how it begins; see `list`.")
]


@app.command("list")
def list_command(library: LibraryOption = None, json: JsonReport = False) -> int:
    """List the profiles of sources, the one heard last first."""
    from emolive.cli.baseline_commands import run_list

    return run_list(library, as_json=json)


@app.command()
def show(
    profile: IdArgument,
    library: LibraryOption = None,
    json: JsonReport = False,
) -> int:
    """Show one: what the model says on average there, and what is made of it."""
    from emolive.cli.baseline_commands import run_show

    return run_show(profile, library, as_json=json)


@app.command()
def forget(
    profile: Annotated[
        str | None, typer.Argument(metavar="ID", help="A profile's id, or how it begins.")
    ] = None,
    everything: Annotated[bool, typer.Option("--all", help="All profiles.")] = False,
    library: LibraryOption = None,
    json: JsonReport = False,
) -> int:
    """Delete a profile, or all: the source is new again."""
    from emolive.cli.baseline_commands import run_forget

    return run_forget(profile, library, everything=everything, as_json=json)
