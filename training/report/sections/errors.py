"""Where answers are wrong: confusions, and scores per class, gender, speaker and corpus."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
from sklearn.metrics import precision_recall_fscore_support

from training.labels import LABELS
from training.metrics import confusion
from training.report.document import Block, HeatTable, Paragraph, Section, Table
from training.report.numbers import LEVELS, Answers, pooled
from training.report.rows import Rows
from training.report.sections.main_tables import LEVEL_TITLES
from training.report.wording import percent, share

_PROTOCOLS = {
    "speaker-independent": "Speaker-independent, RAVDESS + SAVEE",
    "paper": "Random split, speakers shared",
}


def confusions(rows: Rows) -> Section:
    """Confusion matrices of the best row of each protocol."""
    blocks: list[Block] = []
    for protocol, title in _PROTOCOLS.items():
        row = rows.best(protocol)
        if row is None:
            continue
        blocks.append(Paragraph(f"{title}: {row.title} ({len(row.of(protocol))} folds)."))
        blocks += [
            HeatTable(
                f"{title}. {LEVEL_TITLES[level]}. Rows: the actor's intention; columns: the "
                "answer; counts.",
                LABELS,
                _counts(answers),
            )
            for level in LEVELS
            if (answers := pooled(row.of(protocol), level))
        ]
    if not blocks:
        blocks.append(Paragraph("Not measured yet."))
    return Section("confusions", "Confusions", tuple(blocks))


def _counts(answers: Answers) -> tuple[tuple[int, ...], ...]:
    table = confusion(answers.probabilities, answers.labels)
    return tuple(tuple(int(n) for n in row) for row in table)


def groups(rows: Rows) -> Section:
    """Scores per class, gender, speaker and corpus of the best speaker-independent row."""
    row = rows.best("speaker-independent")
    answers = pooled(row.of("speaker-independent"), "window") if row else None
    if row is None or answers is None:
        return Section("groups", "Who and what", (Paragraph("Not measured yet."),))
    return Section(
        "groups",
        "By class, gender, speaker and corpus",
        (
            Paragraph(
                f"{row.title}, speaker-independent, window level, among all eight classes, the "
                f"answers of {len(row.of('speaker-independent'))} folds pooled. SAVEE's speakers "
                "are all men, so genders are compared within RAVDESS."
            ),
            _classes(answers),
            _by("corpus", answers, answers.corpora),
            *(
                (_by("gender, RAVDESS", ravdess, ravdess.genders),)
                if len(ravdess := answers.corpus("ravdess"))
                else ()
            ),
            _by("speaker", answers, answers.speakers),
        ),
    )


def _classes(answers: Answers) -> Table:
    predicted = answers.probabilities.argmax(1)
    precision, recall, f1, n = precision_recall_fscore_support(
        answers.labels, predicted, labels=np.arange(len(LABELS)), zero_division=0.0
    )
    return Table(
        "By class",
        ("class", "windows", "recall %", "precision %", "F1"),
        tuple(
            (label, str(n[i]), percent(recall[i]), percent(precision[i]), share(f1[i]))
            for i, label in enumerate(LABELS)
            if n[i]
        ),
    )


def _by(what: str, answers: Answers, keys: npt.NDArray[np.str_]) -> Table:
    lines = []
    for name in sorted(set(keys.tolist())):
        scores = answers.where(keys == name).scores
        cells = (percent(scores.uar), percent(scores.wa), share(scores.f1))
        lines.append((name, str(scores.n), *cells))
    header = (what.split(",")[0], "windows", "UAR %", "accuracy %", "macro F1")
    return Table(f"By {what}", header, tuple(lines))
