"""What was aimed at and reached, and what was not run."""

from __future__ import annotations

from training.protocols import PROTOCOLS
from training.report.anchors import GOALS
from training.report.document import Block, Bullets, Paragraph, Section, Table
from training.report.numbers import LEVELS, Level, accuracy_at, pooled, spread
from training.report.rows import ENOUGH_FOLDS, ReportRow, Rows
from training.report.sections.conditions import telephone_loss
from training.report.shipped import Shipped
from training.report.wording import NONE, count

_SI = "speaker-independent"


def overview(rows: Rows, shipped: Shipped | str) -> Section:
    """Goals beside what the best row of each protocol reaches."""
    best, random = rows.best(_SI), rows.best("paper")
    blocks: list[Block] = [
        Paragraph(
            "Three protocols, never mixed: the paper's random split, in which training and test "
            "share speakers; speaker-independent folds; and corpora that were not trained on. "
            "Every number is of windows (3 s, what a live monitor hears) or of whole clips, and "
            "says which."
        )
    ]
    named = [
        f"{protocol}: “{row.title}” ({len(row.of(name))} folds)"
        for protocol, name, row in (("random split", "paper", random), (_SI, _SI, best))
        if row
    ]
    if named:
        text = f"Goals are checked on the best model with {ENOUGH_FOLDS} folds or more: "
        flattered = " They were chosen by these very scores, which flatters them a little."
        blocks.append(Paragraph(text + "; ".join(named) + "." + flattered))
    blocks.append(
        Table(
            "Goals",
            ("measure", "published", "goal", "window level", "clip level", "reached"),
            tuple(_goals(best, random, shipped)),
            note="“Reached” is of the window level; of the clip level where it says so.",
        )
    )
    return Section("overview", "At a glance", tuple(blocks))


def _verdict(goal: float, window: float | None, clip: float | None, *, least: bool) -> str:
    def reached(value: float | None) -> bool:
        return value is not None and (value >= goal if least else value <= goal)

    if window is None and clip is None:
        return "not measured"
    if reached(window):
        return "yes"
    return "clip level only" if reached(clip) else "no"


def _line(
    name: str,
    published: str,
    goal: float,
    window: float | None,
    clip: float | None,
    *,
    least: bool = True,
    digits: int = 1,
) -> tuple[str, ...]:
    def cell(value: float | None) -> str:
        return NONE if value is None else f"{value:.{digits}f}"

    sign = "≥" if least else "≤"
    outcome = _verdict(goal, window, clip, least=least)
    return (name, published, f"{sign} {goal:.{digits}f}", cell(window), cell(clip), outcome)


def _goals(
    best: ReportRow | None, random: ReportRow | None, shipped: Shipped | str
) -> list[tuple[str, ...]]:
    def mean(level: Level, corpus: str) -> float | None:
        results = best.of(_SI) if best else ()
        found = spread(results, level, "uar", corpus=corpus, own_classes=True)
        return None if found is None else 100 * found.mean

    def paper(level: Level, metric: str) -> float | None:
        if random is None:
            return None
        found = spread(random.of("paper"), level, "f1" if metric == "f1" else "wa")
        return None if found is None else found.mean

    def hundred(value: float | None) -> float | None:
        return None if value is None else 100 * value

    accuracy = [hundred(paper(level, "wa")) for level in LEVELS]
    f1 = [paper(level, "f1") for level in LEVELS]
    loss = [hundred(telephone_loss(best, _SI, level)) if best else None for level in LEVELS]
    calibrated = pooled(best.of(_SI), "window", calibrated=True) if best else None
    ece = calibrated.scores.ece if calibrated else None
    sure = 100 * accuracy_at(calibrated, 0.6) if calibrated else None
    level = shipped.scores.get("level agreement") if isinstance(shipped, Shipped) else None
    same = hundred(level)
    return [
        _line("random split: accuracy %", "66.7", GOALS.paper_accuracy, *accuracy),
        _line("random split: macro F1", "0.631", GOALS.paper_f1, *f1, digits=3),
        _line(
            "speaker-independent RAVDESS: UA %",
            "75.3 (65.2 without self-supervision)",
            GOALS.ravdess_ua,
            *(mean(n, "ravdess") for n in LEVELS),
        ),
        _line(
            "speaker-independent SAVEE, its 7 classes: UA %",
            "75.8",
            GOALS.savee_ua,
            *(mean(n, "savee") for n in LEVELS),
        ),
        _line("lost on the telephone, points", "about 7", GOALS.telephone_loss, *loss, least=False),
        _line("ECE after calibration", NONE, GOALS.ece, ece, None, least=False, digits=3),
        _line("same label at ±20 dB, % (exported model)", NONE, GOALS.level_agreement, same, None),
        _line("accuracy of the 60 % most confident, %", NONE, GOALS.accuracy_at_60, sure, None),
    ]


def missing(rows: Rows) -> Section:
    """What the study asks for and has not, row by row."""
    lines = [
        f"{row.title} ({row.recipe}), {protocol}: {row.shortfall(protocol)}."
        for row in rows.rows
        for protocol in PROTOCOLS
        if row.wanted.get(protocol) and row.shortfall(protocol)
    ]
    done = sum(len(results) for row in rows.rows for results in row.results.values())
    text = f"{count(done, done)} trainings are in this report. "
    if not lines:
        return Section("missing", "What was not run", (Paragraph(text + "Nothing is missing."),))
    return Section(
        "missing",
        "What was not run",
        (Paragraph(text + "Asked for and not, or not wholly, run:"), Bullets(tuple(lines))),
    )
