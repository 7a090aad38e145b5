"""Command line of the training package: `python -m training --help`."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from emolive.cli.outcome import say, tell
from emolive.errors import EmoliveError
from training import measuring
from training.cache import load_cache, prepare
from training.corpora import READERS, read_corpora, read_manifest
from training.options import CacheOption, LeftOutOption, RecipeArgument, RunsOption
from training.recipe import Recipe, load_recipe, sources

if TYPE_CHECKING:
    from training.export import Precision
    from training.results import FoldResult

app = typer.Typer(
    help="Train the emotion models that emolive runs.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
)
app.add_typer(measuring.app)

WorkersOption = Annotated[int, typer.Option(help="Processes that make training examples.")]
PrecisionOption = Annotated[
    str,
    typer.Option(
        help="int8 (for CPUs), gpu (8-bit weights, half-precision arithmetic), float16 or float32."
    ),
]
STUDY = Path(__file__).with_name("study.toml")


@app.command("prepare")
def prepare_command(
    data: Annotated[
        Path,
        typer.Argument(
            file_okay=False,
            help=f"Folder with a folder for each corpus: {', '.join(READERS)}.",
        ),
    ],
    cache: CacheOption = Path("cache"),
    manifest: Annotated[
        list[Path] | None,
        typer.Option(
            help="Own recordings: a CSV (path, label and, if known, start_s, end_s, speaker, "
            "gender, language, corpus), or a folder with one sub-folder per label."
        ),
    ] = None,
    download: Annotated[
        bool,
        typer.Option(
            "--download",
            help="First fetch what is absent and needs no registration, pre-trained weights too.",
        ),
    ] = False,
    only: Annotated[
        list[str] | None, typer.Option(help="Just these corpora (may be repeated).")
    ] = None,
    pretrained: Annotated[
        Path | None,
        typer.Option(
            help="Whisper base's weights (model.safetensors of openai/whisper-base), for the "
            "whisper recipes; --download fetches them."
        ),
    ] = None,
) -> None:
    """Decode every corpus once; absent ones are named and skipped."""
    wanted = tuple(only or READERS)
    if unknown := set(wanted) - set(READERS):
        raise typer.BadParameter(f"{sorted(unknown)[0]} is none of {', '.join(READERS)}")
    missed = download and not _download(data, wanted)
    if pretrained or download:
        missed |= not _keep_weights(cache, pretrained, download=download)
    if not data.is_dir():
        raise EmoliveError(f"There is no folder {data}: give the corpora's folder, or --download.")
    clips, absent = read_corpora(data, wanted)
    for name in absent:
        tell(f"{name}: not found in {data / name}, skipped")
    for path in manifest or []:
        own = read_manifest(path)
        for line in own.skipped:
            tell(f"skipped {line}")
        clips += own.clips
    if not clips:
        raise EmoliveError(f"No corpus was found in {data}: it needs one folder per corpus.")
    left_out = prepare(clips, data, cache)
    for line in left_out:
        tell(f"left out {line}")
    say(f"{len(clips) - len(left_out)} clips in {cache}, listed in manifest.csv")
    if missed:
        raise typer.Exit(1)


def _keep_weights(cache: Path, file: Path | None, *, download: bool) -> bool:
    """Put pre-trained weights into the cache, from a file or the web; whether they could be had."""
    from training import imagenet, whisper
    from training.corpora.fetch import DownloadError

    complete, wanted = True, [partial(whisper.keep, cache, file)]
    if download:
        wanted.append(partial(imagenet.keep, cache))
    for keep in wanted:
        try:
            keep()
        except DownloadError as error:
            complete = False
            tell(str(error))
    return complete


def _download(data: Path, wanted: tuple[str, ...]) -> bool:
    """Fetch the wanted corpora that are not there; whether all could be had, others are named."""
    from training.corpora.fetch import DownloadError
    from training.corpora.sources import ELSEWHERE, SOURCES, download, is_unfinished

    complete = True
    _, absent = read_corpora(data, wanted)
    for name in absent:
        if name in ELSEWHERE:
            tell(f"{name} cannot be downloaded: {ELSEWHERE[name]}")
    for source in SOURCES:
        folder = data / source.corpus
        if source.corpus in absent or (source.corpus in wanted and is_unfinished(folder)):
            tell(f"{source.corpus}, terms: {source.terms}")
            try:
                download(source, folder)
            except DownloadError as error:
                complete = False
                tell(str(error))
    return complete


@app.command("splits")
def splits_command(
    recipe: RecipeArgument,
    cache: CacheOption = Path("cache"),
    out: Annotated[Path, typer.Option(help="Folder of the split files.")] = Path("splits"),
) -> None:
    """Write who trains, tunes and tests in every fold of every protocol, as CSV files."""
    from training.split_files import write_splits

    for path in write_splits(load_cache(cache).clips, load_recipe(recipe), out):
        say(path.as_posix())


@app.command("train")
def train_command(
    recipe: RecipeArgument,
    runs: RunsOption = Path("runs"),
    cache: CacheOption = Path("cache"),
    workers: WorkersOption = 1,
) -> None:
    """Train a recipe on its own split, or continue it where it stopped."""
    from training.study import train_own

    train_own(load_cache(cache), load_recipe(recipe), recipe.parent, runs, workers=workers)


@app.command("study")
def study_command(
    study: Annotated[Path, typer.Argument(exists=True, dir_okay=False)] = STUDY,
    runs: RunsOption = Path("runs"),
    cache: CacheOption = Path("cache"),
    workers: WorkersOption = 1,
) -> None:
    """Train and measure every row of a study that has no result yet; may run several times."""
    from training.study import load_study, run_study

    run_study(load_cache(cache), load_study(study), runs, workers=workers)


@app.command("export")
def export_command(
    recipe: RecipeArgument,
    runs: RunsOption = Path("runs"),
    cache: CacheOption = Path("cache"),
    out: Annotated[
        Path | None,
        typer.Option(
            help="The model file, its card goes beside it; emolive-RECIPE.onnx here if not told."
        ),
    ] = None,
    precision: PrecisionOption = "int8",
    twin: Annotated[
        bool, typer.Option("--gpu-twin", help="Also write the file for GPUs, beside it.")
    ] = False,
    note: Annotated[str, typer.Option(help="What the recipe does not tell about the run.")] = "",
    left_out: LeftOutOption = "",
) -> None:
    """Quantise, calibrate and measure a run, and write the model file with its card.

    Where the runs hold answers of the recipe on corpora left out, these decide temperature and
    threshold.
    """
    from training.export import load_trained
    from training.exported import check_place
    from training.publish import publish, publish_twin

    settings, kind = load_recipe(recipe), _precision(precision)
    target = out or Path(f"emolive-{settings.name}.onnx")
    check_place(target)
    audio = load_cache(cache)
    answers = _answers(runs, settings, left_out)
    trained = load_trained(settings, recipe.parent, runs, audio)
    publish(
        audio,
        settings,
        trained,
        target,
        name=target.name.removesuffix(".onnx").removesuffix(".gpu"),
        left_out=answers,
        sources=sources(settings, recipe.parent),
        precision=kind,
        note=note,
    )
    say(f"wrote {target} and {target.with_suffix('.md')}")
    if twin:
        say(f"wrote {publish_twin(audio, settings, trained, target)}")


@app.command("calibrate")
def calibrate_command(
    recipe: RecipeArgument,
    model: Annotated[Path, typer.Argument(help="A model file that `export` made.")],
    runs: RunsOption = Path("runs"),
    cache: CacheOption = Path("cache"),
    precision: PrecisionOption = "int8",
    left_out: LeftOutOption = "",
    known: Annotated[
        bool,
        typer.Option(
            "--known-corpora",
            help="Where there are no answers on corpora left out, fit on the validation speakers.",
        ),
    ] = False,
) -> None:
    """Fit temperature and threshold of a model file anew, and measure it; the network stays.

    For when more corpora were left out of training than at its export. The card is written anew,
    too, and the file for GPUs beside it gets the same numbers.
    """
    from training.exported import check_recipe
    from training.publish import calibrate

    settings = load_recipe(recipe)
    check_recipe(model, settings)
    answers = _answers(runs, settings, left_out)
    if not answers and not known:
        raise EmoliveError(
            f"{runs} holds no answers of {settings.name} on corpora left out, so the file would "
            "decide by speakers of corpora that it knows: let `python -m training study` make "
            "them, name the recipe that stands for it with --left-out, or say --known-corpora."
        )
    calibrate(
        load_cache(cache),
        settings,
        model,
        sources=sources(settings, recipe.parent),
        precision=_precision(precision),
        left_out=answers,
    )
    say(f"wrote {model} and {model.with_suffix('.md')}")


def _precision(name: str) -> Precision:
    from training.export import PRECISIONS

    if name not in PRECISIONS:
        raise typer.BadParameter(f"{name} is none of {', '.join(PRECISIONS)}")
    return name


def _answers(runs: Path, recipe: Recipe, left_out: str) -> Sequence[FoldResult]:
    """Of the recipe on corpora left out; of another where it was not trained without them."""
    from training.unseen import left_out_answers

    answers = left_out_answers(runs, recipe.name, left_out)
    if left_out and not answers:
        raise EmoliveError(f"{runs} holds no answers of {left_out} on corpora left out.")
    return answers


@app.command("report")
def report_command(
    runs: RunsOption = Path("runs"),
    out: Annotated[Path, typer.Option(help="Folder of report.html and report.md.")] = Path(
        "report"
    ),
    study: Annotated[Path, typer.Option(help="The rows, and their order.")] = STUDY,
    model: Annotated[
        Path | None, typer.Option(help="An exported model file to time; the bundled one if none.")
    ] = None,
) -> None:
    """Write the report of whatever has been measured: one HTML page and a Markdown summary."""
    from emolive.inference.bundled import model_path
    from training.report import write_report

    for path in write_report(runs, out, study=study, model=model_path(model)):
        say(f"wrote {path}")


def main() -> None:
    """Run a command; what a person can mend is said in one sentence."""
    try:
        app()
    except (EmoliveError, FileNotFoundError) as error:
        tell(str(error))
        sys.exit(2)


if __name__ == "__main__":
    main()
