"""How training went: accuracy on what was trained on and on what was not, and the gap."""

from __future__ import annotations

from typing import Any

import numpy as np

from training.report import figures
from training.report.document import Figure, Paragraph, Section, Table
from training.report.rows import ReportRow, Rows, history
from training.report.wording import NONE, percent, points

_PROTOCOLS = ("paper", "speaker-independent", "cremad")
_PANELS = 9

Curve = dict[int, float]


def _validation_accuracy(epoch: dict[str, Any]) -> float | None:
    """Accuracy over all validation windows of an epoch; None where it was not measured."""
    scores = epoch.get("validation", {}).values()
    n = sum(s["n"] for s in scores)
    return sum(s["n"] * s["wa"] for s in scores) / n if n else None


def _curves(row: ReportRow, protocol: str) -> tuple[Curve, Curve, Curve]:
    """Training and validation accuracy, and the loss, by epoch, means over folds."""
    train: dict[int, list[float]] = {}
    validation: dict[int, list[float]] = {}
    losses: dict[int, list[float]] = {}
    for result in row.of(protocol):
        for epoch in history(result):
            train.setdefault(epoch["epoch"], []).append(epoch["train_accuracy"])
            losses.setdefault(epoch["epoch"], []).append(epoch["loss"])
            if (value := _validation_accuracy(epoch)) is not None:
                validation.setdefault(epoch["epoch"], []).append(value)

    def mean(values: dict[int, list[float]]) -> Curve:
        return {epoch: float(np.mean(v)) for epoch, v in sorted(values.items())}

    return mean(train), mean(validation), mean(losses)


def learning(rows: Rows) -> Section:
    """Curves and final gaps of every row that learned by epochs."""
    blocks: list[Paragraph | Figure | Table] = [
        Paragraph(
            "Accuracy on the training windows as they were shown (augmented, mixed and with "
            "dropout, where the recipe does so) and on the validation part, means over folds. A "
            "recipe with strong augmentation is therefore asked harder questions in training than "
            "in validation, and its gap can be negative. The loss of the third and of the last "
            "quarter of the epochs says whether more of them would still have changed much (the "
            "learning rate falls to nothing, which alone levels a little)."
        )
    ]
    for protocol in _PROTOCOLS:
        found = [(row, *_curves(row, protocol)) for row in rows.having(protocol)]
        found = [item for item in found if item[1] and item[2]]
        if not found:
            continue
        panels = [
            figures.Learning(
                row.title,
                figures.Curve("training", list(t), [100 * y for y in t.values()]),
                figures.Curve("validation", list(v), [100 * y for y in v.values()]),
            )
            for row, t, v, _ in found[:_PANELS]
        ]
        blocks.append(Figure(f"Learning curves, {protocol} protocol.", figures.learning(panels)))
        blocks.append(
            Table(
                f"After the last epoch, {protocol} protocol",
                (
                    "model",
                    "training accuracy %",
                    "validation accuracy %",
                    "gap, points",
                    "epochs",
                    "loss, third quarter",
                    "loss, last quarter",
                ),
                tuple(_final(*item) for item in found),
            )
        )
    if len(blocks) == 1:
        blocks.append(Paragraph("No row with a training history yet."))
    return Section("learning", "Training and validation", tuple(blocks))


def _final(row: ReportRow, train: Curve, validation: Curve, losses: Curve) -> tuple[str, ...]:
    last, seen = max(train), max(validation)
    gap = points(train[last] - validation[seen]) if last == seen else NONE
    values, n = [*losses.values()], max(1, len(losses) // 4)
    quarters = values[-2 * n : -n], values[-n:]
    means = (f"{np.mean(quarter):.3f}" if quarter else NONE for quarter in quarters)
    return (row.title, percent(train[last]), percent(validation[seen]), gap, str(last), *means)
