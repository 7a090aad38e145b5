"""What a telephone line and noise cost, and that loudness does not matter."""

from __future__ import annotations

from training.report import figures
from training.report.anchors import TELEPHONE_LOSS
from training.report.document import Block, Figure, Paragraph, Section, Table
from training.report.numbers import CLEAN, LEVELS, TELEPHONE, Answers, Level, pooled
from training.report.rows import ReportRow, Rows
from training.report.sections.main_tables import LEVEL_TITLES
from training.report.wording import NONE, percent, points

NAMES = ("clean", "telephone", "noise 20 dB", "noise 10 dB", "noise 0 dB")
_PROTOCOLS = {
    "speaker-independent": "Speaker-independent, RAVDESS + SAVEE",
    "paper": "Random split, speakers shared",
    "cross-corpus": "Cross-corpus, RAVDESS + SAVEE",
}


def _answers(row: ReportRow, protocol: str, level: Level, condition: str) -> Answers | None:
    # The paper pools its corpora and their eight classes.
    return pooled(row.of(protocol), level, condition, own_classes=protocol != "paper")


def telephone_loss(row: ReportRow, protocol: str, level: Level) -> float | None:
    """UAR lost through the telephone, as a share: clean minus telephone, folds pooled."""
    clean, line = (_answers(row, protocol, level, name) for name in (CLEAN, TELEPHONE))
    return None if clean is None or line is None else clean.scores.uar - line.scores.uar


def listening(rows: Rows) -> Section:
    """Scores in all listening conditions."""
    blocks: list[Block] = [
        Paragraph(
            "The test clips again, through a telephone line (300-3,400 Hz, 8 kHz, G.711 µ-law) and "
            "with recorded noise. UAR in percent, the answers of all folds pooled, chosen among "
            "the classes of the tested corpus (all eight under the random split); the last column "
            f"is what the line costs, in points. {TELEPHONE_LOSS}"
        )
    ]
    for protocol, title in _PROTOCOLS.items():
        tables = (_table(rows, protocol, n, f"{title}. {LEVEL_TITLES[n]}") for n in LEVELS)
        blocks += [table for table in tables if table]
        if protocol == "speaker-independent" and (figure := _figure(rows, protocol)):
            blocks.append(figure)
    if len(blocks) == 1:
        blocks.append(Paragraph("Not measured yet."))
    return Section("conditions", "Telephone and noise", tuple(blocks))


def _uars(row: ReportRow, protocol: str, level: Level) -> list[float | None]:
    found = (_answers(row, protocol, level, name) for name in NAMES)
    return [None if answers is None else answers.scores.uar for answers in found]


def _table(rows: Rows, protocol: str, level: Level, caption: str) -> Table | None:
    every = [(row, _uars(row, protocol, level)) for row in rows.having(protocol)]
    measured = [(row, uars) for row, uars in every if any(u is not None for u in uars)]
    shown = [i for i in range(len(NAMES)) if any(uars[i] is not None for _, uars in measured)]
    if not shown:
        return None
    return Table(
        caption,
        ("model", *(NAMES[i] for i in shown), "lost on the telephone"),
        tuple(
            (
                row.title,
                *(percent(uars[i]) for i in shown),
                NONE
                if (lost := telephone_loss(row, protocol, level)) is None
                else points(lost).lstrip("+"),
            )
            for row, uars in measured
        ),
    )


def _figure(rows: Rows, protocol: str) -> Figure | None:
    curves: list[figures.Curve] = []
    for row in rows.having(protocol):
        uars = _uars(row, protocol, "window")
        if row.base is None and len(curves) < len(figures.MARKERS):
            here = [(i, 100 * u) for i, u in enumerate(uars) if u is not None]
            curves.append(figures.Curve(row.title, [i for i, _ in here], [u for _, u in here]))
    if not curves:
        return None
    return Figure(
        "Speaker-independent, window level: UAR in each listening condition.",
        figures.conditions(curves, NAMES, "UAR, % (chance is 12.5 %)"),
    )
