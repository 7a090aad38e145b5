"""`emolive adapt`: commands and options, and nothing else; the work is in `adapt_commands`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from emolive.cli.options import Commands, JsonReport, LibraryOption, PolicyOption, finish

app = typer.Typer(
    cls=Commands,
    help="Teach a model your own voices, or your own labels, from a few labelled moments.",
    invoke_without_command=True,
    context_settings={"help_option_names": ["-h", "--help"]},
)

BaseOption = Annotated[
    Path | None,
    typer.Option(
        "--model", metavar="BASE", help="The model to teach: a bundled one, or an ONNX file."
    ),
]
InferAgentOption = Annotated[
    bool,
    typer.Option("--infer-agent", help="Also the agents' voices of recorded calls; asks first."),
]


@app.callback()
def adapt(
    context: typer.Context,
    name: Annotated[
        str | None,
        typer.Option("--name", metavar="NAME", help="The new model's; use it as --model NAME."),
    ] = None,
    manifest: Annotated[
        list[Path] | None,
        typer.Option(
            "--manifest",
            metavar="CSV",
            help="Labelled recordings: path, label and, if known, start_s, end_s, speaker.",
        ),
    ] = None,
    library: LibraryOption = None,
    folder: Annotated[
        list[Path] | None,
        typer.Option("--folder", metavar="DIR", help="A folder with one sub-folder per label."),
    ] = None,
    model: BaseOption = None,
    infer_agent: InferAgentOption = False,
    policy: PolicyOption = None,
    json: JsonReport = False,
) -> None:
    """Teach a model from what is labelled, judge it, and keep it under a name.

    Without --manifest and --folder it learns from the marks in your library of sessions. It is
    compared with the model underneath on speakers or sessions that it was not taught with.
    """

    def body() -> int:
        from emolive.cli.adapt_commands import AdaptOptions, run_adapt

        return run_adapt(
            AdaptOptions(
                name,
                tuple(manifest or ()),
                tuple(folder or ()),
                library,
                model,
                infer_agent,
                policy,
            ),
            as_json=json,
        )

    if context.invoked_subcommand is None:
        finish(context, body)


@app.command("next")
def next_(
    count: Annotated[
        int, typer.Option("--count", "-n", metavar="N", min=1, max=1_000, help="How many.")
    ] = 30,
    out: Annotated[
        Path | None,
        typer.Option(
            "--out", metavar="CSV", help="Write them as a manifest whose labels you fill in."
        ),
    ] = None,
    library: LibraryOption = None,
    model: BaseOption = None,
    infer_agent: InferAgentOption = False,
    policy: PolicyOption = None,
    json: JsonReport = False,
) -> int:
    """List the moments of your sessions whose label would teach most.

    In the app they are played one after another, with a key for each label.
    """
    from emolive.cli.adapt_commands import AdaptOptions, run_next

    options = AdaptOptions(None, (), (), library, model, infer_agent, policy)
    return run_next(options, count, out, as_json=json)


@app.command()
def remove(
    names: Annotated[list[str], typer.Argument(metavar="NAME...", help="Adapted models.")],
) -> int:
    """Delete adapted models for good; `emolive models` lists them."""
    from emolive.cli.adapt_commands import run_remove

    return run_remove(names)
