"""What each part of a recipe is worth: rows against the recipe that they change."""

from __future__ import annotations

from training.report import figures
from training.report.document import Block, Figure, Paragraph, Section, Table
from training.report.numbers import TELEPHONE, Difference, compare, spread
from training.report.rows import ReportRow, Rows
from training.report.wording import count, interval, percent_spread

_PROTOCOL = "speaker-independent"


def ablations(rows: Rows) -> Section:
    """One table per group, and one figure of all differences."""
    blocks: list[Block] = [
        Paragraph(
            "Speaker-independent, RAVDESS + SAVEE, answers among each corpus's own classes. "
            "Differences are UAR in points against the base "
            "recipe on the same clips of the same folds; in brackets the 95 % interval of a paired "
            "bootstrap over test speakers (2,000 draws of whole speakers, the same for both). It "
            "says how far the difference depends on who was tested, not what another training "
            "seed would change: one training per fold was run. Among twenty such intervals one is "
            "expected to leave out zero by chance alone. The scores are means over each "
            "row's own folds."
        )
    ]
    drawn: list[figures.Interval] = []
    compared = [r for r in rows.rows if r.base and _PROTOCOL in r.wanted]
    groups = dict.fromkeys(r.group for r in compared)
    for group in groups:
        members = [r for r in compared if r.group == group]
        blocks += _group(rows, group, members, drawn)
    if drawn:
        blocks.insert(
            1,
            Figure(
                "Difference from the base recipe, clean, window level, with 95 % intervals. "
                "Hollow: not decided.",
                figures.differences(drawn, "UAR, points"),
            ),
        )
    if not groups:
        blocks.append(Paragraph("The study has no ablations."))
    return Section("ablations", "Ablations", tuple(blocks))


def _group(
    rows: Rows, group: str, members: list[ReportRow], drawn: list[figures.Interval]
) -> list[Block]:
    lines: list[tuple[str, ...]] = []
    for base in dict.fromkeys(r.base for r in members):
        foundation = rows.get(base)
        if foundation is None:
            continue
        results = foundation.of(_PROTOCOL)
        lines.append(
            (f"{foundation.title} (base)", *_own(foundation), "", "", "", _folds(foundation))
        )
        for row in (r for r in members if r.base == base):
            clean = _against(row, foundation, "window")
            lines.append(
                (
                    row.title,
                    *_own(row),
                    interval(clean),
                    interval(_against(row, foundation, "clip")),
                    interval(compare(row.of(_PROTOCOL), results, "window", TELEPHONE)),
                    _folds(row),
                )
            )
            if clean:
                drawn.append(
                    figures.Interval(
                        f"{group}: {row.title}",
                        100 * clean.value,
                        100 * clean.low,
                        100 * clean.high,
                    )
                )
    if not lines:
        return [Paragraph(f"{group}: its base was not run.")]
    return [
        Table(
            group[:1].upper() + group[1:],
            (
                "recipe",
                "RAVDESS UA % (window)",
                "SAVEE UA % (window)",
                "difference, window",
                "difference, clip",
                "difference, telephone, window",
                "folds",
            ),
            tuple(lines),
        )
    ]


def _own(row: ReportRow) -> tuple[str, str]:
    results = row.of(_PROTOCOL)
    ravdess, savee = (
        percent_spread(spread(results, "window", "uar", corpus=c, own_classes=True))
        for c in ("ravdess", "savee")
    )
    return ravdess, savee


def _folds(row: ReportRow) -> str:
    done = len(row.of(_PROTOCOL))
    return count(done, row.wanted.get(_PROTOCOL, 0)) if done else row.shortfall(_PROTOCOL)


def _against(row: ReportRow, base: ReportRow, level: str) -> Difference | None:
    return compare(row.of(_PROTOCOL), base.of(_PROTOCOL), "clip" if level == "clip" else "window")
