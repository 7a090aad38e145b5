"""Commands that measure finished models, and what the program makes of them."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated

import typer

from emolive.cli.outcome import say, tell
from emolive.errors import EmoliveError
from training.cache import load_cache
from training.corpora import MEASURED_ONLY, NOISE, READERS, read_corpora
from training.options import CacheOption, LeftOutOption, RecipeArgument, RunsOption
from training.recipe import load_recipe

app = typer.Typer()


@app.command("evaluate")
def evaluate_command(
    recipe: RecipeArgument,
    model: Annotated[Path, typer.Argument(help="An exported model file.")],
    cache: CacheOption = Path("cache"),
    out: Annotated[Path | None, typer.Option(help="Also write the measurement as JSON.")] = None,
) -> None:
    """Measure a model file on the recipe's test speakers: clean, telephone, noise, level."""
    from training.card import write_scores
    from training.exported import check_recipe, open_exported
    from training.measure import measure
    from training.splits import split_clips

    settings, audio = load_recipe(recipe), load_cache(cache)
    check_recipe(model, settings)
    classifier = open_exported(model)
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
    left_out: LeftOutOption = "",
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
        if not (results := left_out_answers(runs, settings.name, left_out)):
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
    from training.exported import check_recipe

    classifier = open_model(model, "cpu")
    if not isinstance(classifier, OnnxClassifier):
        raise typer.BadParameter(f"{model} is an adapted model: name the one that it builds on.")
    settings = load_recipe(recipe)
    check_recipe(classifier.path, settings)
    answers = gather(classifier, load_cache(cache), settings)
    tables = write_tables(answers, classifier.metadata)
    say(tables) if out is None else out.write_text(tables, encoding="utf-8")


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

    classifier = open_model(model, "cpu")
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
    from training.exported import check_recipe
    from training.faithfulness import measure_faithfulness
    from training.splits import split_clips

    audio, classifier = load_cache(cache), open_model(model, "cpu")
    if not isinstance(classifier, OnnxClassifier):
        raise EmoliveError("A model that was taught here has no test speakers: name its base.")
    settings = load_recipe(recipe)
    check_recipe(classifier.path, settings)
    tested = split_clips(audio.clips, settings).test
    found = measure_faithfulness(classifier, audio, tested, most=most)
    path = runs / f"faithfulness-{found.model}.json"
    _keep(path, found.model_dump_json(indent=1))
    say(f"wrote {path}")


def _keep(path: Path, text: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, encoding="utf-8")
