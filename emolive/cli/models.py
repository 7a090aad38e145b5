"""`models`: which models there are, and what was measured of each."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

from rich.markdown import Markdown
from rich.table import Table
from rich.text import Text

from emolive.adapt import shelf
from emolive.adapt.wording import advice_text, how_text, interval_text, taught_text, verdict_text
from emolive.cli.console import Console
from emolive.cli.outcome import DONE, SOME_INPUTS_FAILED, print_json, say, tell
from emolive.errors import EmoliveError
from emolive.i18n import decimal, mark, tr
from emolive.inference.adapted_file import AdaptedModel, adapted_names, adapted_path
from emolive.inference.bundled import BUNDLED, BundledModel, base_title, bundled_model
from emolive.inference.metadata import ModelMetadata
from emolive.inference.model_files import read_metadata
from emolive.labels import emotion_name
from emolive.wording import percent, size_text

_VERDICTS = {"worse": mark("worse"), "not shown": mark("not shown")}


def run_models(*, as_json: bool) -> int:
    """List the models, those that came along side by side, as tables or a JSON array."""
    adapted, problems = shelf.kept()
    gone = shelf.deleted_sources(adapted)
    if as_json:
        rows = [_facts(model) for model in BUNDLED]
        rows += [_adapted_facts(model, gone.get(model.name, 0)) for model in adapted]
        print_json(rows)
    else:
        _show_bundled()
        if adapted:
            _show_adapted(adapted, gone)
    for problem in problems:
        tell(problem)
    return SOME_INPUTS_FAILED if problems else DONE


def run_model(name: str) -> int:
    """Show a bundled model's card, or what an adapted one was taught.

    Raises:
        EmoliveError: there is none of that name.
    """
    bundled = next((one for one in BUNDLED if one.name == name), None)
    if bundled is not None:
        Console().print(Markdown(bundled.card.read_text(encoding="utf-8")))
    elif name in adapted_names():
        show_adapted(shelf.named(name))
    else:
        known = ", ".join((*(one.name for one in BUNDLED), *adapted_names()))
        raise EmoliveError("There is no model {name}: there are {known}.", name=name, known=known)
    return DONE


def show_adapted(model: AdaptedModel) -> None:
    """What was taught, and how it was judged."""
    judged = model.judgement
    base = tr("guessing") if judged.guessing else base_title(model.base)
    table = Table("", tr("labels"), base, model.name, tr("difference (95 %)"))
    for one in judged.classes:
        before = "" if one.base is None else percent(one.base, 1)
        interval = interval_text(one.low, one.high)
        name = Text(emotion_name(one.label))
        table.add_row(name, str(one.labels), before, percent(one.adapted, 1), interval)
    table.add_row(
        tr("all"),
        str(sum(model.taught.values())),
        percent(judged.base_uar, 1),
        percent(judged.uar, 1),
        interval_text(judged.low, judged.high),
        style="bold",
    )
    Console().print(table)
    say(verdict_text(model))
    say(how_text(model))
    if advice := advice_text(judged):
        say(advice)
    say(
        "Taught with {model}. Use it as --model {quoted}.",
        model=taught_text(model),
        quoted=_quoted(model.name),
    )


def _show_bundled() -> None:
    described = [read_metadata(model.path) for model in BUNDLED]
    table = Table("", *(model.name for model in BUNDLED))
    table.add_row(tr("what"), *(tr(model.about) for model in BUNDLED))
    table.add_row(tr("size"), *(size_text(model.path.stat().st_size) for model in BUNDLED))
    table.add_row(tr("input"), *(one.input_name for one in described))
    table.add_section()
    table.add_row(tr("other speakers of corpora it was trained on"), style="bold")
    for kind in (mark("clean"), mark("telephone")):
        scores = [
            one.clean_scores if kind == "clean" else one.telephone_scores for one in described
        ]
        for corpus in dict.fromkeys(name for found in scores for name in found):
            cells = (percent(found[corpus], 1) if corpus in found else "" for found in scores)
            table.add_row(f"{corpus}, {tr(kind)}", *cells)
    _add_confidence(table, [_confidence(one.scores, "") for one in described])
    table.add_section()
    table.add_row(tr("corpora never heard"), style="bold")
    unheard = [_other_corpora(one) for one in described]
    table.add_row(tr("UAR, its own classes"), *(_measured(one["uar"], percent) for one in unheard))
    _add_confidence(table, unheard)
    Console().print(table)
    say(
        "UAR of one 3-second window. Corpora never heard: of trainings that left them out, not "
        "of the file itself; its card says which. {name} is used unless --model names another; "
        "`emolive models NAME` shows the whole card.",
        name=BUNDLED[0].name,
    )


def _add_confidence(table: Table, models: Sequence[Mapping[str, float | None]]) -> None:
    """The rows on what a model thinks of its own answers."""
    for what, key, shown in (
        (tr("calibration error"), "ece", decimal),
        (tr("decided at its threshold"), "coverage", percent),
        (tr("right among the decided"), "selective_accuracy", percent),
    ):
        places = 3 if key == "ece" else 1
        cells = (
            # Of nothing that is decided, no share is right.
            "–" if one[key] is None and one["coverage"] == 0 else _measured(one[key], shown, places)
            for one in models
        )
        table.add_row(what, *cells)


def _measured(value: float | None, shown: Callable[[float, int], str], places: int = 1) -> str:
    return tr("not measured") if value is None else shown(value, places)


def _other_corpora(model: ModelMetadata) -> dict[str, float | None]:
    """Scores of trainings from which corpora were left out; None: not measured."""
    uar = model.scores.get("unseen corpora window uar")
    return {"uar": uar, **_confidence(model.scores, "unseen corpora ")}


def _confidence(scores: Mapping[str, float], prefix: str) -> dict[str, float | None]:
    """Without a `prefix`: on speakers that it never heard, of corpora that it was trained on."""
    names = ("ece", "coverage", "selective accuracy")
    return {name.replace(" ", "_"): scores.get(prefix + name) for name in names}


def _show_adapted(models: Sequence[AdaptedModel], gone: Mapping[str, int]) -> None:
    table = Table(tr("your own"), tr("base"), tr("labels"), "UAR", tr("of the base"), tr("better"))
    for model in models:
        judged = model.judgement
        table.add_row(
            Text(model.name),
            base_title(model.base),
            Text(taught_text(model)),
            percent(judged.uar, 1),
            tr("(guessing) {share}", share=percent(judged.base_uar, 1))
            if judged.guessing
            else percent(judged.base_uar, 1),
            tr("yes") if model.better else tr(_VERDICTS[judged.verdict]),
        )
    Console().print(table)
    for name, n in gone.items():
        say(
            "{n} of the sessions that {name} was taught with are deleted: to forget them "
            "altogether, `emolive adapt remove {name}`.",
            n=n,
            name=_quoted(name),
        )


def _quoted(name: str) -> str:
    """A name as it is typed."""
    return f'"{name}"' if " " in name else name


def _facts(model: BundledModel) -> dict[str, object]:
    metadata = read_metadata(model.path)
    return {
        "name": model.name,
        "about": model.about,
        "file": str(model.path),
        "used_by_default": model is bundled_model(None),
        "labels": metadata.labels,
        "scores": metadata.scores,
        "other_speakers": _confidence(metadata.scores, ""),
        "other_corpora": _other_corpora(metadata),
        "licence": metadata.licence,
    }


def _adapted_facts(model: AdaptedModel, gone: int) -> dict[str, object]:
    judged = model.judgement
    return {
        "name": model.name,
        "about": tr(
            "Taught on {base} with {model}.", base=base_title(model.base), model=taught_text(model)
        ),
        "file": str(adapted_path(model.name)),
        "used_by_default": False,
        "labels": model.labels,
        "scores": {"uar": judged.uar, "base uar": judged.base_uar, "ece": judged.ece},
        "base": model.base.name,
        "taught": model.taught,
        "taught_at": model.taught_at,
        "better": model.better,
        "deleted_sessions": gone,
    }
