"""The report on made-up answers: its numbers equal those counted here, whatever is missing."""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Callable
from html.parser import HTMLParser
from pathlib import Path

import numpy as np
import pytest
from typer.testing import CliRunner

pytest.importorskip("torch", reason="needs the training extra")
pytest.importorskip("matplotlib", reason="needs the training extra")

from training import __main__ as command_line
from training.labels import LABELS
from training.protocols import RAVDESS_FOLDS, SAVEE_SPEAKERS
from training.report import build, write_report
from training.report.document import Document, HeatTable, Table
from training.report.numbers import (
    accuracy_at,
    compare,
    pooled,
    reliability,
    risk_coverage,
    spread,
    temperature,
)
from training.report.render import to_markdown
from training.report.rows import ReportRow, Rows, gather
from training.results import NOT_RUN, FoldResult, result_folder

N = len(LABELS)
_CALM = LABELS.index("calm")
_PLAIN = {
    "model": "resnet34",
    "initial": "speech-pretraining",
    "seed": 0,
    "corpora": {"ravdess": {}},
    "augmentation": {"noise": 0.0, "rotation_deg": 0.0, "mixup_alpha": 0.0},
}


def _made_up(
    fold: str,
    skill: float,
    seed: int,
    *,
    speakers: tuple[tuple[str, str], ...],
    title: str,
    settings: dict[str, object] | None = None,
    boost: float = 3.0,
) -> FoldResult:
    """Answers that are right with probability about `skill`, for four clips of each class."""
    rng = np.random.default_rng((seed, 7))
    who = [
        (c, s, e, n)
        for c, s in speakers
        for e in range(N)
        for n in range(4)
        if (c, e) != ("savee", _CALM)
    ]
    labels = np.array([e for *_, e, _ in who])

    def logits(share: float, of: np.ndarray = labels) -> np.ndarray:
        said = np.where(rng.random(of.size) < share, of, rng.integers(0, N, of.size))
        noise = rng.normal(0, 1, (of.size, N))
        return (noise + boost * np.eye(N)[said]).astype(np.float32)

    def probabilities(share: float) -> np.ndarray:
        x = np.exp(logits(share))
        return (x / x.sum(1, keepdims=True)).astype(np.float32)

    validation = rng.integers(0, N, 64)
    history = [
        json.dumps(
            {
                "epoch": epoch,
                "loss": 1 / epoch,
                "train_accuracy": 0.2 * epoch,
                "validation": {"ravdess": {"n": 10, "wa": 0.1 * epoch}} if epoch % 2 == 0 else {},
            }
        )
        for epoch in (1, 2, 3, 4)
    ]
    return FoldResult(
        {
            "title": title,
            "fold": fold,
            "settings": settings or _PLAIN,
            "parameters": 1_234_567,
            "flops": 89_000_000,
            "seconds": 90.0,
            "device": "cpu",
            "history": history,
        },
        names=tuple(f"{c}/{s}-{e}-{n}.wav" for c, s, e, n in who),
        labels=labels,
        corpora=tuple(c for c, *_ in who),
        speakers=tuple(s for _, s, *_ in who),
        genders=tuple("male" if c == "savee" or int(s) % 2 else "female" for c, s, *_ in who),
        window_logits={
            "clean": logits(skill),
            "telephone": logits(skill - 0.1),
            "noise 20 dB": logits(skill - 0.05),
            "noise 10 dB": logits(skill - 0.2),
            "noise 0 dB": logits(skill - 0.3),
        },
        clip_probabilities={
            "clean": probabilities(skill + 0.05),
            "telephone": probabilities(skill - 0.05),
        },
        validation_logits=logits(skill, validation),
        validation_labels=validation,
    )


def _fold_speakers(i: int) -> tuple[tuple[str, str], ...]:
    savee = [("savee", s) for s in SAVEE_SPEAKERS[i : i + 1]]
    return tuple([("ravdess", a) for a in RAVDESS_FOLDS[i]] + savee)


def _independent(skill: float, seed: int, n_folds: int = 6, **about: object) -> list[FoldResult]:
    return [
        _made_up(f"fold-{i + 1}", skill, 100 * seed + i, speakers=_fold_speakers(i), **about)  # type: ignore[arg-type]
        for i in range(n_folds)
    ]


@pytest.fixture(scope="module")
def runs(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Results as trainings leave them: complete, partial, and one that could not be run."""
    root = tmp_path_factory.mktemp("runs")

    def save(recipe: str, protocol: str, results: list[FoldResult]) -> None:
        for result in results:
            result.save(result_folder(root, recipe, protocol, str(result.about["fold"])))

    image = _PLAIN | {"augmentation": {"rotation_deg": 5.0, "mixup_alpha": 0.3}}
    audio = _PLAIN | {"augmentation": {"noise": 0.3, "time_masks": 2}}
    hybrid = _PLAIN | {"model": "cnn-lstm", "initial": "random"}
    lstm = _PLAIN | {"model": "lstm", "initial": "random"}
    si = "speaker-independent"
    save("plain", si, _independent(0.6, 1, title="the plain one"))
    save("image", si, _independent(0.6, 2, 3, title="+ images", settings=image))
    save("audio", si, _independent(0.9, 3, 3, title="+ audio", settings=audio))
    save("lstm", si, _independent(0.4, 4, 2, title="an LSTM", settings=lstm))
    save("cnn-lstm", si, _independent(0.4, 5, 2, title="a hybrid", settings=hybrid))
    prepared = hybrid | {"initial": "hybrid-pretraining"}
    save("prepared", si, _independent(0.5, 6, 2, title="a prepared hybrid", settings=prepared))
    everybody = tuple(s for i in range(6) for s in _fold_speakers(i))
    for name, skill, title, settings in (
        ("lstm", 0.5, "an LSTM", lstm),
        ("plain", 0.7, "the plain one", _PLAIN),
    ):
        save(
            name,
            "paper",
            [
                _made_up(
                    f"seed-{i}", skill, i, speakers=everybody[:8], title=title, settings=settings
                )
                for i in range(5 if name == "plain" else 2)
            ],
        )
    save(
        "plain",
        "cross-corpus",
        [_made_up("without-savee", 0.4, 9, speakers=everybody[-2:], title="the plain one")],
    )
    missing = result_folder(root, "resnet34-imagenet", si, "fold-1")
    missing.mkdir(parents=True)
    (missing / NOT_RUN).write_text("weights could not be downloaded")
    study = root / "study.toml"
    rows = [
        ("plain", "models", None, {si: 6, "paper": 5, "cross-corpus": 2}),
        ("image", "augmentation", "plain", {si: 3}),
        ("audio", "augmentation", "plain", {si: 3}),
        ("lstm", "models", None, {si: 6, "paper": 5}),
        ("cnn-lstm", "models", None, {si: 2}),
        ("prepared", "models", None, {si: 2}),
        ("resnet34-imagenet", "models", None, {si: 3}),
        ("never", "models", None, {"paper": 5}),
    ]
    text = ""
    for recipe, group, base, folds in rows:
        wanted = ", ".join(f"{p} = {n}" for p, n in folds.items())
        text += f'[[row]]\nrecipe = "{recipe}"\ngroup = "{group}"\nfolds = {{ {wanted} }}\n'
        text += f'base = "{base}"\n' if base else ""
    study.write_text(text)
    recipes = root / "recipes"
    recipes.mkdir()
    for name, title in (("resnet34-imagenet", "with ImageNet"), ("never", "never run")):
        (recipes / f"{name}.toml").write_text(
            f'title = "{title}"\ninitial = "imagenet"\n[corpora.ravdess]\nclips_per_epoch = 1\n'
        )
    return root


@pytest.fixture(scope="module")
def document(runs: Path) -> Document:
    return build(gather(runs, runs / "study.toml"), "no exported model file was given")


def _tables(document: Document, section: str) -> list[Table]:
    (found,) = (s for s in document.sections if s.name == section)
    return [b for b in found.blocks if isinstance(b, Table)]


def _text(document: Document, section: str) -> str:
    markdown = to_markdown(document)
    (found,) = (s for s in document.sections if s.name == section)
    return markdown.partition(f"## {found.title}\n")[2].partition("\n## ")[0]


def _row(table: Table, title: str) -> dict[str, str]:
    (row,) = (r for r in table.rows if r[0] == title)
    return dict(zip(table.header, row, strict=True))


def _said(result: FoldResult, condition: str = "clean", level: str = "window") -> np.ndarray:
    """Answers among the classes of the tested corpus: never calm where it does not occur."""
    stored = result.window_logits if level == "window" else result.clip_probabilities
    values = stored[condition].astype(float).copy()
    values[np.array(result.corpora) == "savee", _CALM] = -np.inf
    return values.argmax(1)


def _recalls(said: np.ndarray, labels: np.ndarray) -> float:
    return float(np.mean([np.mean(said[labels == c] == c) for c in np.unique(labels)]))


def _uar(result: FoldResult, chosen: np.ndarray) -> float:
    """Counted class by class."""
    return _recalls(_said(result)[chosen], result.labels[chosen])


def test_speaker_independent_scores_are_those_counted_by_hand(document: Document) -> None:
    results = _independent(0.6, 1, title="the plain one")
    window = next(t for t in _tables(document, "speaker-independent") if "RAVDESS. W" in t.caption)
    row = _row(window, "the plain one")
    corpora = [np.array(r.corpora) == "ravdess" for r in results]
    uars = [100 * _uar(r, c) for r, c in zip(results, corpora, strict=True)]
    assert row["UA %"] == f"{np.mean(uars):.1f} ± {np.std(uars, ddof=1):.1f}"
    right = [
        100 * np.mean(r.window_logits["clean"].argmax(1)[c] == r.labels[c])
        for r, c in zip(results, corpora, strict=True)
    ]
    assert row["WA %"] == f"{np.mean(right):.1f} ± {np.std(right, ddof=1):.1f}"
    assert row["folds"] == "6"
    said = np.concatenate([r.window_logits["clean"].argmax(1) for r in results])
    labels = np.concatenate([r.labels for r in results])
    inside = np.concatenate(corpora)
    recalls = [np.mean(said[inside & (labels == c)] == c) for c in range(N)]
    assert row["UA % pooled"] == f"{100 * np.mean(recalls):.1f}"
    savee = next(t for t in _tables(document, "speaker-independent") if "SAVEE. W" in t.caption)
    row = _row(savee, "the plain one")
    assert row["folds"] == "4"
    among: dict[str, list[float]] = {"UA %": [], "UA % among all 8 classes": []}
    for result in results[:4]:
        inside = np.array(result.corpora) == "savee"
        among["UA %"].append(100 * _uar(result, inside))
        eight = result.window_logits["clean"].argmax(1)[inside]
        among["UA % among all 8 classes"].append(100 * _recalls(eight, result.labels[inside]))
    for column, values in among.items():
        assert row[column] == f"{np.mean(values):.1f} ± {np.std(values, ddof=1):.1f}"
    assert np.mean(among["UA %"]) > np.mean(among["UA % among all 8 classes"])
    assert _row(window, "an LSTM")["folds"] == "2 of 6"


def test_published_rows_are_marked_and_sorted_among_ours_few_folds_last(
    document: Document,
) -> None:
    for table in _tables(document, "speaker-independent"):
        keys = [(row[-1].startswith("2 of"), -float(row[1].split()[0])) for row in table.rows]
        assert keys == sorted(keys)
        assert keys[-1][0]
        for i, row in enumerate(table.rows):
            assert (row[-1] == "published") == (i in table.published)


def test_levels_and_conditions_are_never_mixed(document: Document) -> None:
    results = _independent(0.6, 1, title="the plain one")
    window, clip = _tables(document, "conditions")[:2]
    assert "Window level" in window.caption
    assert "Clip level" in clip.caption
    assert "noise 0 dB" in window.header
    assert "noise 0 dB" not in clip.header
    row = _row(window, "the plain one")
    labels = np.concatenate([r.labels for r in results])
    uars = {}
    for condition in ("clean", "telephone", "noise 0 dB"):
        said = np.concatenate([_said(r, condition) for r in results])
        uars[condition] = 100 * _recalls(said, labels)
        assert row[condition] == f"{uars[condition]:.1f}"
    lost = uars["clean"] - uars["telephone"]
    assert row["lost on the telephone"] == f"{lost:.1f}"
    said = np.concatenate([_said(r, level="clip") for r in results])
    clip_uar = 100 * _recalls(said, labels)
    assert _row(clip, "the plain one")["clean"] == f"{clip_uar:.1f}"


def test_the_papers_numbers_stand_beside_ours(document: Document) -> None:
    window, _ = _tables(document, "paper")
    assert _row(window, "SVM on mean MFCC")["paper accuracy %"] == "51.7"
    assert _row(window, "SVM on mean MFCC")["accuracy %"] == "–"
    lstm = _row(window, "LSTM on log-mel")
    assert lstm["paper accuracy %"] == "52.8"
    assert lstm["seeds"] == "2 of 5"
    assert _row(window, "the plain one")["seeds"] == "5"
    (augmented,) = (r for r in window.rows if r[1] == "66.7")
    assert augmented[2] == "0.631"


def test_the_best_row_is_a_model_with_enough_folds() -> None:
    def row(recipe: str, skill: float, n_folds: int, base: str | None = None) -> ReportRow:
        results = {"speaker-independent": tuple(_independent(skill, 31, n_folds, title=recipe))}
        return ReportRow(recipe, recipe, "models", base, {}, results, {}, None)

    lucky, ablation = row("lucky", 0.95, 2), row("ablation", 0.95, 6, "six")
    three, six = row("three", 0.8, 3), row("six", 0.6, 6)
    found = Rows((lucky, ablation, six, three)).best("speaker-independent")
    assert found is three
    assert Rows((lucky, ablation)).best("speaker-independent") is lucky


def test_confusions_are_counts_of_the_best_row(document: Document) -> None:
    (section,) = (s for s in document.sections if s.name == "confusions")
    heats = [b for b in section.blocks if isinstance(b, HeatTable)]
    results = _independent(0.6, 1, title="the plain one")
    said = np.concatenate([r.window_logits["clean"].argmax(1) for r in results])
    labels = np.concatenate([r.labels for r in results])
    expected = Counter(zip(labels.tolist(), said.tolist(), strict=True))
    for i in range(N):
        for j in range(N):
            assert heats[0].counts[i][j] == expected[i, j]


def test_groups_are_scored_apart(document: Document) -> None:
    results = _independent(0.6, 1, title="the plain one")
    tables = {t.caption: t for t in _tables(document, "groups")}
    female = _row(tables["By gender, RAVDESS"], "female")
    right = np.concatenate(
        [
            (r.window_logits["clean"].argmax(1) == r.labels)[
                (np.array(r.genders) == "female") & (np.array(r.corpora) == "ravdess")
            ]
            for r in results
        ]
    )
    assert female["windows"] == str(right.size)
    assert female["accuracy %"] == f"{100 * right.mean():.1f}"
    assert len(tables["By speaker"].rows) == 28
    recall = float(_row(tables["By class"], "angry")["recall %"])
    angry = LABELS.index("angry")
    hits = np.concatenate(
        [r.window_logits["clean"].argmax(1)[r.labels == angry] == angry for r in results]
    )
    assert recall == pytest.approx(100 * hits.mean(), abs=0.05)


def test_a_difference_and_its_interval_by_brute_force() -> None:
    ours = _independent(0.8, 21, 3, title="a")
    base = _independent(0.6, 22, 3, title="b")
    found = compare(ours, base, "window")
    assert found is not None
    one, two = (pooled(x, "window", own_classes=True) for x in (ours, base))
    assert one is not None
    assert two is not None
    speakers = sorted(set(one.speakers.tolist()))
    assert (found.n, found.folds, found.units) == (len(speakers), 3, "speakers")
    rng = np.random.default_rng(5)
    values = []
    for _ in range(400):
        drawn = rng.choice(speakers, len(speakers))
        rows = np.concatenate([np.flatnonzero(one.speakers == s) for s in drawn])
        per = []
        for answers in (one, two):
            said, labels = answers.probabilities.argmax(1)[rows], answers.labels[rows]
            per.append(np.mean([np.mean(said[labels == c] == c) for c in range(N)]))
        values.append(per[0] - per[1])
    low, high = np.quantile(values, (0.025, 0.975))
    assert found.value == pytest.approx(one.scores.uar - two.scores.uar)
    assert found.low == pytest.approx(low, abs=0.012)
    assert found.high == pytest.approx(high, abs=0.012)
    assert found.decided
    assert found.folds_better == 3
    same = compare(ours, ours, "window")
    assert same is not None
    assert (same.value, same.low, same.high) == (0, 0, 0)
    assert not same.decided


def test_only_common_folds_are_compared() -> None:
    ours, base = _independent(0.7, 1, 2, title="a"), _independent(0.7, 2, 6, title="b")
    found = compare(ours, base, "window", corpus="savee")
    assert found is not None
    assert (found.folds, found.n) == (2, 2)
    assert compare(ours, base[3:], "window") is None
    clips = compare(ours, base, "window", by="clip")
    assert clips is not None
    assert (clips.units, clips.n) == ("clips", 2 * (4 * N + N - 1) * 4)


def test_spread_of_one_fold_has_no_deviation() -> None:
    found = spread(_independent(0.7, 1, 1, title="a"), "window", "wa")
    assert found is not None
    assert (found.sd, found.n) == (None, 1)
    assert spread([], "window", "wa") is None


def test_confidence_orders_answers() -> None:
    answers = pooled(_independent(0.7, 1, title="a"), "window")
    assert answers is not None
    top = answers.probabilities.max(1)
    order = sorted(range(len(answers)), key=lambda i: -top[i])
    kept = order[: round(0.6 * len(answers))]
    assert accuracy_at(answers, 0.6) == pytest.approx(np.mean(answers.correct[kept]))
    coverage, accuracy = risk_coverage(answers)
    assert coverage[-1] == 1
    assert accuracy[-1] == pytest.approx(answers.scores.wa)
    assert accuracy[len(kept) - 1] == pytest.approx(accuracy_at(answers, 0.6))
    bins = reliability(answers)
    assert sum(n for *_, n in bins) == len(answers)
    assert sum(n * a for _, a, n in bins) / len(answers) == pytest.approx(answers.scores.wa)


def test_calibration_uses_the_validation_part_alone() -> None:
    results = _independent(0.6, 1, title="a", boost=9.0)
    before, after = (pooled(results, "window", calibrated=c) for c in (False, True))
    assert before is not None
    assert after is not None
    assert all(temperature(r) > 1.5 for r in results)
    assert after.scores.ece < before.scores.ece - 0.1
    np.testing.assert_array_equal(before.correct, after.correct)


def test_questions_are_answered_from_the_settings(document: Document) -> None:
    text = _text(document, "questions")
    ours, base = (
        _independent(skill, seed, 3, title=title)
        for skill, seed, title in ((0.9, 3, "+ audio"), (0.6, 2, "+ images"))
    )
    difference = compare(ours, base, "window")
    assert difference is not None
    assert difference.decided
    sentence = f"“+ audio” minus “+ images”, window level: {100 * difference.value:+.1f} points"
    assert sentence in text
    assert "better: the interval leaves out zero" in text
    assert "The image recipe also has mixup" in text
    assert "“with ImageNet”: not run: weights could not be downloaded." in text
    assert "“a hybrid” minus “an LSTM”" in text
    assert "“a hybrid” minus “the plain one”" not in text, "one was pre-trained"
    assert "“a prepared hybrid” minus “the plain one”" in text, "both were, each in its own way"
    assert "“a prepared hybrid” minus “an LSTM”" not in text
    assert "not decided" in text
    assert text.count("\n### ") == 3


def test_what_was_not_run_is_listed(document: Document) -> None:
    text = _text(document, "missing")
    assert "with ImageNet (resnet34-imagenet), speaker-independent: not run: weights" in text
    assert "never run (never), paper: not run yet." in text
    assert "an LSTM (lstm), speaker-independent: 2 of 6 folds." in text
    assert "the plain one (plain), cross-corpus: 1 of 2 folds." in text
    assert "(image)" not in text


def test_ablations_compare_with_their_base(document: Document) -> None:
    (table,) = _tables(document, "ablations")
    base = _independent(0.6, 1, title="the plain one")
    for title, skill, seed in (("+ images", 0.6, 2), ("+ audio", 0.9, 3)):
        row = _row(table, title)
        found = compare(_independent(skill, seed, 3, title=title), base, "window")
        assert found is not None
        assert row["difference, window"].startswith(f"{100 * found.value:+.1f}".replace("-", "−"))
        assert row["folds"] == "3"


def test_learning_curves_come_from_the_history(document: Document) -> None:
    table = _tables(document, "learning")[-1]
    row = _row(table, "the plain one")
    assert row["training accuracy %"] == "80.0"
    assert row["validation accuracy %"] == "40.0"
    assert row["gap, points"] == "+40.0"


def test_cost_is_told(document: Document) -> None:
    (table,) = _tables(document, "cost")
    row = _row(table, "the plain one")
    assert row["parameters"] == "1,234,567"
    assert row["MFLOP per window"] == "89"
    assert row["minutes per fold"] == "1.5"


class _Page(HTMLParser):
    """Opened and closed tags, ids, and every address."""

    def __init__(self) -> None:
        super().__init__()
        self.open: list[str] = []
        self.tags: Counter[str] = Counter()
        self.addresses: list[str] = []
        self.ids: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags[tag] += 1
        values = dict(attrs)
        self.addresses += [v for k in ("href", "src", "xlink:href") if (v := values.get(k))]
        if tag == "section":
            self.ids.append(values.get("id") or "")
        if tag not in {"meta", "link", "br"}:
            self.open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.handle_starttag(tag, attrs)
        if self.open and self.open[-1] == tag:
            self.open.pop()

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag


def test_the_page_is_whole_and_needs_nothing_else(runs: Path, tmp_path: Path) -> None:
    page, summary = write_report(runs, tmp_path / "out", study=runs / "study.toml")
    html = page.read_text(encoding="utf-8")
    parser = _Page()
    parser.feed(html)
    assert parser.open == []
    assert parser.tags["script"] == parser.tags["img"] == parser.tags["link"] == 0
    assert all(address.startswith("#") for address in parser.addresses)
    assert parser.tags["svg"] >= 8
    assert len(parser.ids) == len(set(parser.ids))
    links = {a.removeprefix("#") for a in parser.addresses}
    assert set(parser.ids) <= links
    # Drawings take their colours from the page, so that they follow light, dark and print.
    inside = "".join(re.findall(r"<svg.*?</svg>", html, flags=re.S))
    assert set(re.findall(r"#[0-9a-f]{6}\b", inside)) <= {"#000000"}
    assert {"var(--ink)", "var(--grid)", "var(--series-0)"} <= set(
        re.findall(r"var\(--[a-z0-9-]+\)", inside)
    )
    assert "prefers-color-scheme: dark" in html
    assert "@media print" in html
    assert str(tmp_path) not in html
    assert str(runs) not in html
    text = summary.read_text(encoding="utf-8")
    for block in re.findall(r"(?:^\|.*\|\n)+", text, flags=re.M):
        widths = {len(re.findall(r"(?<!\\)\|", line)) for line in block.strip().split("\n")}
        assert len(widths) == 1


def test_the_same_results_give_the_same_page(runs: Path, tmp_path: Path) -> None:
    first, _ = write_report(runs, tmp_path / "a", study=runs / "study.toml")
    second, _ = write_report(runs, tmp_path / "b", study=runs / "study.toml")
    assert first.read_bytes() == second.read_bytes()


def _only(*kept: str) -> Callable[[str], bool]:
    return lambda name: name in kept


@pytest.mark.parametrize(
    "keep",
    [_only(), _only("lstm"), _only("image", "audio"), _only("cnn-lstm")],
    ids=["nothing", "one", "no base", "hybrid alone"],
)
def test_any_subset_of_results_makes_a_report(
    runs: Path, tmp_path: Path, keep: Callable[[str], bool]
) -> None:
    subset = tmp_path / "runs"
    for path in runs.glob("*/*/*/*"):
        if keep(path.parts[-4]):
            target = subset / path.relative_to(runs)
            target.parent.mkdir(parents=True, exist_ok=True)
            target.write_bytes(path.read_bytes())
    for study in (runs / "study.toml", None):
        page, _ = write_report(subset, tmp_path / "out", study=study)
        assert "What was not run" in page.read_text(encoding="utf-8")


def test_the_command_times_the_bundled_model(runs: Path, tmp_path: Path) -> None:
    result = CliRunner().invoke(
        command_line.app,
        [
            "report",
            "--runs",
            str(runs),
            "--study",
            str(runs / "study.toml"),
            "--out",
            str(tmp_path),
        ],
    )
    assert result.exit_code == 0, result.output
    text = (tmp_path / "report.md").read_text(encoding="utf-8")
    assert re.search(r"answers one window in \d+\.\d ms", text)
    assert re.search(r"\d+\.\d % of the windows of unseen speakers keep their label", text)
