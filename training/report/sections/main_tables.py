"""Accuracy under the three protocols, beside the numbers of others."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from training.protocols import PAPER_SEEDS, RAVDESS_FOLDS, SAVEE_SPEAKERS
from training.report import figures
from training.report.anchors import ANCHORS, CROSS_CORPUS, PAPER_TABLE
from training.report.document import Block, Figure, Paragraph, Section, Table
from training.report.numbers import LEVELS, Level, Metric, Spread, pooled, spread
from training.report.rows import ENOUGH_FOLDS, ReportRow, Rows
from training.report.wording import NONE, count, percent, percent_spread, share_spread
from training.results import FoldResult
from training.unseen import every_corpus, measure_unseen

LEVEL_TITLES: dict[Level, str] = {
    "window": "Window level (the centre 3 seconds of each clip, as the running program hears it)",
    "clip": "Clip level (mean over all windows of a clip, every 0.5 s)",
}
_CORPORA = {"ravdess": "RAVDESS", "savee": "SAVEE"}
_RIGHT = 0.7
_CENTRED = (
    "Bias removed: the mean log-probability over the corpus is subtracted, without any label."
)
# Those that every row was measured on, so that rows compare.
_SIX = frozenset(("ravdess", "savee", "tess", "cremad", "emodb", "nemo"))
_NOT_RUN = (NONE, NONE, NONE, "not run")
_FOLDS = {"ravdess": len(RAVDESS_FOLDS), "savee": len(SAVEE_SPEAKERS)}


def paper(rows: Rows) -> Section:
    """DeepEmoNet's table beside ours, under its protocol."""
    return Section(
        "paper",
        "The paper's table, and ours: random split, speakers shared",
        (
            Paragraph(
                "RAVDESS + SAVEE, 8 classes, random stratified 80/20 split, speakers shared "
                "between training and test: an easier task than any user's. The paper gives one "
                f"number per model; ours is the mean ± standard deviation over up to {PAPER_SEEDS} "
                "seeds of split and training. What could not be run is named, with the reason, at "
                "the end."
            ),
            *(
                [_paper_table(rows, level) for level in LEVELS]
                if rows.having("paper")
                else [Paragraph("Not measured in this study.")]
            ),
        ),
    )


def _paper_table(rows: Rows, level: Level) -> Table:
    lines: list[tuple[str, ...]] = []
    named = {line.recipe: line for line in PAPER_TABLE}
    others = [r for r in rows.having("paper") if r.recipe not in named]
    for line in PAPER_TABLE:
        row = rows.get(line.recipe)
        ours = _paper_cells(row, level) if row else _NOT_RUN
        f1 = NONE if line.f1 is None else f"{line.f1:.3f}"
        lines.append((line.title, f"{line.accuracy:.1f}", f1, *ours))
    lines += [(row.title, NONE, NONE, *_paper_cells(row, level)) for row in others]
    return Table(
        LEVEL_TITLES[level],
        ("model", "paper accuracy %", "paper F1", "accuracy %", "UAR %", "macro F1", "seeds"),
        tuple(lines),
    )


def _paper_cells(row: ReportRow, level: Level) -> tuple[str, ...]:
    results = row.of("paper")
    if not results:
        return _NOT_RUN
    return (
        percent_spread(spread(results, level, "wa")),
        percent_spread(spread(results, level, "uar")),
        share_spread(spread(results, level, "f1")),
        count(len(results), row.wanted.get("paper", 0)),
    )


def speaker_independent(rows: Rows) -> Section:
    """RAVDESS's six folds and SAVEE's four speakers, beside published numbers."""
    blocks: list[Block] = [
        Paragraph(
            "No test speaker is trained or tuned on. RAVDESS: EmoBox's 6 folds of 4 actors; "
            "SAVEE: each of the 4 speakers left out once. UA (UAR) is the mean recall of the "
            "classes, WA the accuracy; mean ± standard deviation over folds, and UA of all folds' "
            "answers pooled. SAVEE has no calm: there answers are chosen among its seven classes, "
            "as in published work; a column gives UA among all eight, as a live monitor answers, "
            "where every “calm” counts as wrong. Rows in italics are published results on whole "
            "clips, of much larger, self-supervised models unless it says otherwise. Rows of fewer "
            f"than {ENOUGH_FOLDS} folds come last and are not drawn: speakers differ so much that "
            "their mean does not compare with the others; the ablations compare them fairly."
        )
    ]
    for corpus in _CORPORA:
        for level in LEVELS:
            blocks.append(_independent_table(rows, corpus, level))
            if level == "window" and (figure := _independent_figure(rows, corpus)):
                blocks.append(figure)
    return Section("speaker-independent", "Speaker-independent", tuple(blocks))


def _measured(rows: Rows, corpus: str) -> Iterator[tuple[ReportRow, int]]:
    """Rows with answers for a corpus, and for how many of its folds."""
    for row in rows.having("speaker-independent"):
        found = _independent_spread(row, "window", "uar", corpus)
        if found:
            yield row, found.n


def _independent_spread(row: ReportRow, level: Level, metric: Metric, corpus: str) -> Spread | None:
    results = row.of("speaker-independent")
    return spread(results, level, metric, corpus=corpus, own_classes=True)


def _independent_table(rows: Rows, corpus: str, level: Level) -> Table:
    lines: list[tuple[bool, float, tuple[str, ...], bool]] = []
    fewer = corpus == "savee"
    for row, n in _measured(rows, corpus):
        results = row.of("speaker-independent")
        ua = _independent_spread(row, level, "uar", corpus)
        everything = pooled(results, level, corpus=corpus, own_classes=True)
        if ua is None or everything is None:
            continue
        eight = percent_spread(spread(results, level, "uar", corpus=corpus))
        cells = (
            row.title,
            percent_spread(ua),
            percent_spread(_independent_spread(row, level, "wa", corpus)),
            share_spread(_independent_spread(row, level, "f1", corpus)),
            percent(everything.scores.uar),
            *((eight,) if fewer else ()),
            count(n, _FOLDS[corpus]),
        )
        lines.append((n < ENOUGH_FOLDS, -100 * ua.mean, cells, False))
    for anchor in ANCHORS[corpus]:
        dashes = (NONE,) * (4 if fewer else 3)
        cells = (anchor.title, f"{anchor.ua:.1f}", *dashes, "published")
        lines.append((False, -anchor.ua, cells, True))
    lines.sort(key=lambda line: line[:2])
    return Table(
        f"{_CORPORA[corpus]}. {LEVEL_TITLES[level]}",
        (
            "model",
            "UA %",
            "WA %",
            "macro F1",
            "UA % pooled",
            *(("UA % among all 8 classes",) if fewer else ()),
            "folds",
        ),
        tuple(cells for _, _, cells, _ in lines),
        published=frozenset(i for i, (*_, published) in enumerate(lines) if published),
    )


def _independent_figure(rows: Rows, corpus: str) -> Figure | None:
    dots = [figures.Dot(f"{a.title}", a.ua, None, published=True) for a in ANCHORS[corpus]]
    ours = [
        figures.Dot(
            row.title if n >= _FOLDS[corpus] else f"{row.title} ({n} of {_FOLDS[corpus]} folds)",
            100 * found.mean,
            None if found.sd is None else 100 * found.sd,
        )
        for row, n in _measured(rows, corpus)
        if row.base is None
        and n >= ENOUGH_FOLDS
        and (found := _independent_spread(row, "window", "uar", corpus))
    ]
    if not ours:
        return None
    return Figure(
        f"{_CORPORA[corpus]}, speaker-independent: UA at window level, bars are one standard "
        "deviation over folds. Hollow: published, clip level.",
        figures.dots([*dots, *ours], "UA, % (chance is 12.5 %)"),
    )


def cross_corpus(rows: Rows) -> Section:
    """RAVDESS and SAVEE as corpora that were not trained on at all."""
    found = rows.having("cross-corpus")
    blocks: list[Block] = [
        Paragraph(
            "The tested corpus takes no part in training: other speakers, other rooms, other "
            "microphones. " + CROSS_CORPUS
        )
    ]
    for level in LEVELS:
        every = [
            (
                row.title,
                *(cell for corpus in _CORPORA for cell in _cross_cells(row, level, corpus)),
            )
            for row in found
        ]
        if lines := [line for line in every if {*line[1:]} != {NONE}]:
            blocks.append(
                Table(
                    LEVEL_TITLES[level],
                    (
                        "model",
                        "RAVDESS UA %",
                        "WA %",
                        "classes",
                        "SAVEE UA %",
                        "WA %",
                        "classes",
                    ),
                    tuple(lines),
                )
            )
    left_out = rows.having("cross-corpus", "corpus-groups")
    blocks += _left_out_tables(left_out) if left_out else [Paragraph("Not measured yet.")]
    return Section("cross-corpus", "Cross-corpus", tuple(blocks))


def _left_out_tables(found: Sequence[ReportRow]) -> Iterator[Table]:
    """What decides between recipes: all corpora that were left out, in turn or in groups."""
    answers = {
        row.title: every_corpus(row.of("cross-corpus"), row.of("corpus-groups")) for row in found
    }
    six = {title: [r for r in own if set(r.corpora) <= _SIX] for title, own in answers.items()}
    yield _means("Left out of " + ", ".join(sorted(_SIX)), six)
    more = {title: own for title, own in answers.items() if len(own) > len(six[title])}
    if more:
        yield _means("All corpora that were left out", more)
        yield _each_corpus(more)


def _means(title: str, answers: Mapping[str, Sequence[FoldResult]]) -> Table:
    lines = []
    for name, own in answers.items():
        if not own:
            continue
        unseen = measure_unseen(own, _RIGHT)
        scores = (*map(percent, unseen.mean), f"{unseen.ece:.3f}", percent(unseen.coverage))
        lines.append((name, *scores, "; ".join(", ".join(sorted(set(r.corpora))) for r in own)))
    return Table(
        f"{title}, window level, corpora and classes alike",
        (
            "model",
            "UA % among own classes",
            "bias removed",
            "ECE",
            f"% decided with {_RIGHT:.0%} right",
            "left out of a training",
        ),
        tuple(lines),
        note=f"Between semicolons: what was left out of one training. {_CENTRED} ECE after the one "
        "temperature that suits all of them. Decided: so many right also of each corpus, by "
        "temperature and threshold that the others allow.",
    )


def _each_corpus(answers: Mapping[str, Sequence[FoldResult]]) -> Table:
    """UA of each corpus that was left out, as it is and with the bias removed."""
    found = {name: measure_unseen(own, _RIGHT).corpora for name, own in answers.items()}
    corpora = sorted({one.corpus for own in found.values() for one in own})
    lines = []
    for name, own in found.items():
        cells = {
            one.corpus: f"{percent(one.uar_within)} / {percent(one.uar_centred)}" for one in own
        }
        lines.append((name, *(cells.get(corpus, NONE) for corpus in corpora)))
    return Table(
        "Each corpus that was left out: UA % among its own classes / with the bias removed",
        ("model", *corpora),
        tuple(lines),
        note=_CENTRED,
    )


def _cross_cells(row: ReportRow, level: Level, corpus: str) -> tuple[str, str, str]:
    tested = [r for r in row.of("cross-corpus") if r.about["fold"] == f"without-{corpus}"]
    everything = pooled(tested, level, own_classes=True)
    if everything is None:
        return (NONE, NONE, NONE)
    scores = everything.scores
    classes = len(set(everything.labels.tolist()))

    return (percent(scores.uar), percent(scores.wa), str(classes))
