"""What a few labels are worth, as `python -m training adapting` measured it."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from pathlib import Path

from training.adapting import KEPT, MOST_CLIPS, Adapting, Row
from training.report.document import Block, Paragraph, Section, Table
from training.report.wording import NONE


def adapting(runs: Path) -> Section | None:
    """The gain of teaching a model with a few labels of each class, on unseen corpora."""
    path = runs / KEPT
    if not path.is_file():
        return None
    found = Adapting.model_validate_json(path.read_text(encoding="utf-8"))
    if not found.rows:
        return None
    draws = found.rows[0].draws
    blocks: list[Block] = [
        Paragraph(
            f"What emolive adapt does, with the same code: {found.base} is taught with so many "
            "clips of each class of a corpus that it never heard, and both answer other clips "
            "with the corpus's classes alone. “Other speakers”: those who teach and those who "
            "test are two halves of all, drawn by chance; “the same speakers”: all clips that "
            f"were not taught. Up to {MOST_CLIPS} clips of a class, {draws} draws; UAR of "
            "windows. “20 % wrong” gives a fifth of the clips another class, by chance. The "
            "interval holds 95 of 100 draws. The last columns are what the program itself says "
            "of a draw by cross-validation, without seeing the test, and what the draws that it "
            "called better really gained."
        ),
        _overview(found.rows),
        *(_of_corpus(rows) for rows in _grouped(found.rows, lambda row: row.corpus)),
    ]
    return Section("adapting", "Teaching with a few labels", tuple(blocks))


def _overview(rows: tuple[Row, ...]) -> Table:
    columns = sorted({(row.noise, row.labels_per_class) for row in rows})
    lines = []
    for some in _grouped(rows, lambda row: f"{row.corpus}, {row.tested_on}"):
        gains = {(row.noise, row.labels_per_class): _gain(row) for row in some}
        lines.append(
            (
                f"{some[0].corpus}, {some[0].tested_on}",
                *(gains.get(column, NONE) for column in columns),
            )
        )
    header = (f"{n} labels" + (f", {noise:.0%} wrong" if noise else "") for noise, n in columns)
    return Table(
        "Gain in points of UAR [95 of 100 draws], by labels per class",
        ("corpus, tested on", *header),
        tuple(lines),
        note=f"{NONE}: too few clips for it.",
    )


def _of_corpus(rows: list[Row]) -> Table:
    return Table(
        f"{rows[0].corpus}: {rows[0].classes} classes, {rows[0].speakers} speakers",
        (
            "tested on",
            "labels per class",
            "wrong",
            "base UAR %",
            "taught UAR %",
            "gain",
            "said to be better",
            "gain of those",
        ),
        tuple(
            (
                row.tested_on,
                str(row.labels_per_class),
                f"{row.noise:.0%}",
                f"{row.base_uar:.1f}",
                f"{row.adapted_uar:.1f}",
                _gain(row),
                f"{row.better:.0%}",
                NONE if row.gain_if_better is None else _signed(row.gain_if_better),
            )
            for row in rows
        ),
    )


def _gain(row: Row) -> str:
    return f"{_signed(row.gain)} [{_signed(row.low)}, {_signed(row.high)}]"


def _signed(value: float) -> str:
    return f"{value:+.1f}".replace("-", "−")


def _grouped(rows: Iterable[Row], key: Callable[[Row], str]) -> list[list[Row]]:
    found: dict[str, list[Row]] = {}
    for row in rows:
        found.setdefault(key(row), []).append(row)
    return list(found.values())
