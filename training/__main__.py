"""Command line of the training package: `python -m training prepare|train|evaluate|export`."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated

import typer

from training.cache import load_cache, prepare
from training.corpora import READERS, read_corpora
from training.recipe import load_recipe

app = typer.Typer(
    help="Train the emotion models that emolive runs.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
)

CacheOption = Annotated[Path, typer.Option("--cache", help="Folder of the decoded corpora.")]
RunOption = Annotated[Path, typer.Option("--run", help="Folder of the run's checkpoints and logs.")]
RecipeArgument = Annotated[Path, typer.Argument(exists=True, dir_okay=False, help="A TOML recipe.")]


@app.command("prepare")
def prepare_command(
    data: Annotated[
        Path,
        typer.Argument(
            exists=True,
            file_okay=False,
            help=f"Folder with the corpora: {list(READERS)}.",
        ),
    ],
    cache: CacheOption = Path("cache"),
) -> None:
    """Decode every corpus once; absent ones are named and skipped."""
    clips, absent = read_corpora(data)
    for name in absent:
        typer.echo(f"{name}: not found in {data / name}, skipped", err=True)
    if not clips:
        typer.echo(f"No corpus was found in {data}.", err=True)
        raise typer.Exit(2)
    left_out = prepare(clips, data, cache)
    for line in left_out:
        typer.echo(f"left out {line}", err=True)
    typer.echo(f"{len(clips) - len(left_out)} clips in {cache}")


@app.command("train")
def train_command(
    recipe: RecipeArgument,
    run: RunOption = Path("runs/default"),
    cache: CacheOption = Path("cache"),
    workers: Annotated[int, typer.Option(help="Processes that make training examples.")] = 1,
) -> None:
    """Train a recipe, or continue it where it stopped."""
    from training.train import train

    train(load_cache(cache), load_recipe(recipe), run, workers=workers)


@app.command("evaluate")
def evaluate_command(
    recipe: RecipeArgument,
    model: Annotated[Path, typer.Argument(help="An exported model file.")],
    cache: CacheOption = Path("cache"),
    out: Annotated[Path | None, typer.Option(help="Also write the measurement as JSON.")] = None,
) -> None:
    """Measure a model file on the recipe's test speakers: clean, telephone, noise, level."""
    from emolive.inference.classifier import OnnxClassifier
    from training.measure import measure
    from training.splits import split_clips

    settings, audio = load_recipe(recipe), load_cache(cache)
    classifier = OnnxClassifier(model)
    measurement = measure(classifier, audio, split_clips(audio.clips, settings).test, settings)
    text = json.dumps(measurement.to_dict(), indent=2)
    typer.echo(text)
    if out:
        out.write_text(text, encoding="utf-8")


@app.command("export")
def export_command(
    recipe: RecipeArgument,
    run: RunOption = Path("runs/default"),
    cache: CacheOption = Path("cache"),
    out: Annotated[Path, typer.Option(help="The model file; its card goes beside it.")] = Path(
        "assets/emolive-resnet34.onnx"
    ),
    note: Annotated[str, typer.Option(help="What the recipe does not tell about the run.")] = "",
) -> None:
    """Quantise, calibrate and measure a run, and write the model file with its card."""
    from training.publish import publish

    publish(load_cache(cache), load_recipe(recipe), run, out, name=out.stem, note=note)
    typer.echo(f"wrote {out} and {out.with_suffix('.md')}")


if __name__ == "__main__":
    app()
