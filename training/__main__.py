"""Command line of the training package: `python -m training --help`."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Annotated

import typer

from emolive.cli.outcome import say, tell
from emolive.errors import EmoliveError
from training.cache import load_cache, prepare
from training.corpora import MEASURED_ONLY, NOISE, READERS, read_corpora, read_manifest
from training.recipe import load_recipe, sources

app = typer.Typer(
    help="Train the emotion models that emolive runs.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
)

CacheOption = Annotated[Path, typer.Option("--cache", help="Folder of the decoded corpora.")]
RunsOption = Annotated[Path, typer.Option("--runs", help="Folder of checkpoints and results.")]
WorkersOption = Annotated[int, typer.Option(help="Processes that make training examples.")]
STUDY = Path(__file__).with_name("study.toml")
RecipeArgument = Annotated[Path, typer.Argument(exists=True, dir_okay=False, help="A TOML recipe.")]


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
        typer.Option("--download", help="First fetch what is absent and needs no registration."),
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
        missed |= not _keep_encoder(cache, pretrained)
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


def _keep_encoder(cache: Path, file: Path | None) -> bool:
    """Put Whisper's weights into the cache, from a file or the web; whether they could be had."""
    from training.corpora.fetch import DownloadError
    from training.whisper import keep

    try:
        keep(cache, file)
    except DownloadError as error:
        tell(str(error))
        return False
    return True


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


@app.command("evaluate")
def evaluate_command(
    recipe: RecipeArgument,
    model: Annotated[Path, typer.Argument(help="An exported model file.")],
    cache: CacheOption = Path("cache"),
    out: Annotated[Path | None, typer.Option(help="Also write the measurement as JSON.")] = None,
) -> None:
    """Measure a model file on the recipe's test speakers: clean, telephone, noise, level."""
    from emolive.inference.classifier import OnnxClassifier
    from training.card import write_scores
    from training.measure import measure
    from training.splits import split_clips

    settings, audio = load_recipe(recipe), load_cache(cache)
    classifier = OnnxClassifier(model)
    measurement = measure(classifier, audio, split_clips(audio.clips, settings).test, settings)
    say(write_scores(measurement))
    if out:
        out.write_text(json.dumps(measurement.to_dict(), indent=2), encoding="utf-8")


@app.command("unseen")
def unseen_command(
    recipe: RecipeArgument,
    model: Annotated[
        Path | None, typer.Argument(help="An exported model file, or a bundled one's name.")
    ] = None,
    cache: CacheOption = Path("cache"),
    runs: RunsOption = Path("runs"),
) -> None:
    """Measure what to expect of unknown voices: arousal, valence, anger, false alarms, abstention.

    Of a model file, on the corpora in the cache that it was not trained on; without one, from the
    recipe's answers on corpora left out, one by one or in groups, in the runs.
    """
    from emolive.inference.loading import open_model
    from training.unseen import (
        answers_of_file,
        left_out_answers,
        measure_answers,
        measure_unseen,
        write_file,
        write_unseen,
    )

    settings = load_recipe(recipe)
    if model is None:
        if not (results := left_out_answers(runs, settings.name)):
            way = "let `python -m training study` make them, or name a model file."
            raise EmoliveError(
                f"{runs} holds no answers of {settings.name} on corpora left out: {way}"
            )
        say(write_unseen(measure_unseen(results, settings.decided_right)))
        return
    audio = load_cache(cache)
    classifier = open_model(model, "cpu")
    if not (found := answers_of_file(classifier, audio, settings, audio.clips)):
        raise EmoliveError(f"{cache} holds no corpus that {model} was not trained on.")
    told = classifier.metadata
    say(write_file(measure_answers(found, told.temperature, told.abstention_threshold)))


@app.command("baseline")
def baseline_command(
    recipe: RecipeArgument,
    model: Annotated[Path, typer.Argument(help="An exported model file, or a bundled one's name.")],
    cache: CacheOption = Path("cache"),
    out: Annotated[Path | None, typer.Option(help="Write the tables here.")] = None,
) -> None:
    """Measure what adapting to a source brings, on speech that the model was not trained on.

    That is the recipe's test speakers and the corpora that it does not use. Answers are kept in the
    cache.
    """
    from emolive.inference.classifier import OnnxClassifier
    from emolive.inference.loading import open_model
    from training.answers import gather
    from training.baseline_study import write_tables

    classifier = open_model(model, "cpu")
    if not isinstance(classifier, OnnxClassifier):
        raise typer.BadParameter(f"{model} is an adapted model: name the one that it builds on.")
    answers = gather(classifier, load_cache(cache), load_recipe(recipe))
    tables = write_tables(answers, classifier.metadata)
    say(tables) if out is None else out.write_text(tables, encoding="utf-8")


@app.command("export")
def export_command(
    recipe: RecipeArgument,
    runs: RunsOption = Path("runs"),
    cache: CacheOption = Path("cache"),
    out: Annotated[Path, typer.Option(help="The model file; its card goes beside it.")] = Path(
        "assets/emolive-resnet34.onnx"
    ),
    precision: Annotated[
        str,
        typer.Option(
            help="int8 (for CPUs), gpu (8-bit weights, half-precision arithmetic), float16 or "
            "float32."
        ),
    ] = "int8",
    twin: Annotated[
        bool, typer.Option("--gpu-twin", help="Also write the file for GPUs, beside it.")
    ] = False,
    note: Annotated[str, typer.Option(help="What the recipe does not tell about the run.")] = "",
    left_out: Annotated[
        str,
        typer.Option(
            help="Another recipe, whose answers on corpora left out stand for this one's."
        ),
    ] = "",
) -> None:
    """Quantise, calibrate and measure a run, and write the model file with its card.

    Where the runs hold answers of the recipe on corpora left out, these decide temperature and
    threshold.
    """
    from training.export import PRECISIONS, load_trained
    from training.publish import publish, publish_twin
    from training.unseen import left_out_answers

    settings = load_recipe(recipe)
    if precision not in PRECISIONS:
        raise typer.BadParameter(f"{precision} is none of {', '.join(PRECISIONS)}")
    audio = load_cache(cache)
    answers = left_out_answers(runs, left_out or settings.name)
    if left_out and not answers:
        raise EmoliveError(f"{runs} holds no answers of {left_out} on corpora left out.")
    trained = load_trained(settings, recipe.parent, runs, audio)
    publish(
        audio,
        settings,
        trained,
        out,
        name=out.name.removesuffix(".onnx").removesuffix(".gpu"),
        left_out=answers,
        sources=sources(settings, recipe.parent),
        precision=precision,
        note=note,
    )
    say(f"wrote {out} and {out.with_suffix('.md')}")
    if twin:
        say(f"wrote {publish_twin(audio, settings, trained, out)}")


@app.command("adapting")
def adapting_command(
    data: Annotated[Path, typer.Argument(exists=True, file_okay=False, help="The corpora.")],
    model: Annotated[Path, typer.Option(help="The base: a bundled name, or a file.")],
    card: Annotated[
        Path | None, typer.Option(help="Its card, which names the speakers it was tested on.")
    ] = None,
    only: Annotated[list[str] | None, typer.Option(help="Just these corpora.")] = None,
    per_class: Annotated[str, typer.Option(help="Labels per class.")] = "3,10,50",
    draws: Annotated[int, typer.Option(min=2)] = 20,
    noise: Annotated[str, typer.Option(help="Shares of wrong labels.")] = "0,0.2",
    runs: RunsOption = Path("runs"),
) -> None:
    """Measure what `emolive adapt` gains with a few labels, tested on other and the same speakers.

    On corpora that the base was not trained on; with its card, also on its test speakers.
    """
    from emolive.inference.loading import open_model
    from training.adapting import (
        KEPT,
        Adapting,
        Row,
        hear_corpus,
        measure_adapting,
        test_speakers,
    )
    from training.report.render import section_text
    from training.report.sections.adapting import adapting

    classifier = open_model(model)
    known = set(classifier.metadata.corpora)
    rows: list[Row] = []
    for name in only or [one for one in READERS if one != NOISE]:
        speakers = test_speakers(card, name) if card is not None and name in known else None
        if name in MEASURED_ONLY or (name in known and not speakers):
            tell(f"{name}: the base model knows it, or it is not for learning: left out")
            continue
        clips, absent = read_corpora(data, (name,))
        if absent:
            tell(f"{name}: not found in {data / name}, skipped")
            continue
        mine = [clip for clip in clips if speakers is None or clip.speaker in speakers]
        heard = hear_corpus(mine, classifier, lambda *_: None)
        counts = [int(n) for n in per_class.split(",")]
        labels = classifier.metadata.labels
        for shared in (True, False):
            for share in map(float, noise.split(",")):
                rows += measure_adapting(
                    name, heard, labels, counts, draws=draws, noise=share, shared=shared
                )
        tell(f"{name}: measured")
    found = Adapting(base=classifier.metadata.name, rows=tuple(rows))
    _keep(runs / KEPT, found.model_dump_json(indent=1))
    if (section := adapting(runs)) is not None:
        say(section_text(section))


@app.command("pairs")
def pairs_command(
    cache: CacheOption = Path("cache"),
    runs: RunsOption = Path("runs"),
    only: Annotated[list[str] | None, typer.Option(help="Just these corpora.")] = None,
) -> None:
    """Measure functionals (eGeMAPS, ComParE) within each corpus and between every two of them.

    What the runs hold already is not measured anew.
    """
    from training.pairs import Pair, Pairs, measure_pairs

    audio = load_cache(cache)
    there = {clip.corpus for clip in audio.clips if clip.emotion is not None}
    if unknown := set(only or ()) - there:
        raise typer.BadParameter(f"{sorted(unknown)[0]} is none of {', '.join(sorted(there))}")
    path, found = runs / "pairs.json", list[Pair]()
    if path.is_file():
        found += Pairs.model_validate_json(path.read_text(encoding="utf-8")).pairs
    names = [n for n in READERS if n in there and n in (only or there)]
    for pair in measure_pairs(audio, names, known=tuple(found)):
        found.append(pair)
        _keep(path, Pairs(pairs=tuple(found)).model_dump_json(indent=1))
    say(f"{path} holds {len(found)} pairs")


@app.command("faithfulness")
def faithfulness_command(
    recipe: RecipeArgument,
    model: Annotated[Path, typer.Argument(help="An exported model file, or a bundled one's name.")],
    cache: CacheOption = Path("cache"),
    runs: RunsOption = Path("runs"),
    most: Annotated[int, typer.Option(min=8, help="Clips.")] = 160,
) -> None:
    """Measure how faithful the why-view's saliency is, on the recipe's test speakers."""
    from emolive.inference.classifier import OnnxClassifier
    from emolive.inference.loading import open_model
    from training.faithfulness import measure_faithfulness
    from training.splits import split_clips

    audio, classifier = load_cache(cache), open_model(model, "cpu")
    if not isinstance(classifier, OnnxClassifier):
        raise EmoliveError("A model that was taught here has no test speakers: name its base.")
    tested = split_clips(audio.clips, load_recipe(recipe)).test
    found = measure_faithfulness(classifier, audio, tested, most=most)
    path = runs / f"faithfulness-{found.model}.json"
    _keep(path, found.model_dump_json(indent=1))
    say(f"wrote {path}")


def _keep(path: Path, text: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, encoding="utf-8")


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
