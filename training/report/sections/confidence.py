"""Whether confidence can be believed, and what is right when unsure answers are withheld."""

from __future__ import annotations

from training.report import figures
from training.report.document import Block, Figure, Paragraph, Section, Table
from training.report.numbers import accuracy_at, pooled, reliability, risk_coverage, temperature
from training.report.rows import ReportRow, Rows
from training.report.wording import percent, share

_PROTOCOLS = {
    "speaker-independent": "Speaker-independent, RAVDESS + SAVEE",
    "paper": "Random split, speakers shared",
    "cross-corpus": "Cross-corpus",
}
_COVERAGES = (1.0, 0.8, 0.6, 0.4)


def calibration(rows: Rows) -> Section:
    """ECE before and after temperature scaling, and a reliability diagram."""
    blocks: list[Block] = [
        Paragraph(
            "Expected calibration error (15 bins of the top probability) at window level, among "
            "all eight classes as in the running program, the answers of all folds pooled, before "
            "and after temperature scaling. Each fold's temperature is fitted on its own "
            "validation part, never on test speakers."
        )
    ]
    for protocol, title in _PROTOCOLS.items():
        found = rows.having(protocol)
        if not found:
            continue
        lines = tuple(_calibration_line(row, protocol) for row in found)
        header = ("model", "ECE before", "ECE after", "temperature (mean of folds)")
        blocks.append(Table(title, header, lines))
    best = rows.best("speaker-independent")
    if best is not None:
        results = best.of("speaker-independent")
        before = pooled(results, "window")
        after = pooled(results, "window", calibrated=True)
        assert before is not None
        assert after is not None
        panels = (("before", reliability(before)), ("after", reliability(after)))
        blocks.append(
            Figure(
                f"Reliability of {best.title}, speaker-independent, window level. On the dashed "
                "line confidence equals accuracy; the area of a dot is its share of the windows.",
                figures.diagonal(
                    [
                        (f"{name} temperature scaling: ECE {a.scores.ece:.3f}", bins)
                        for (name, bins), a in zip(panels, (before, after), strict=True)
                    ]
                ),
            )
        )
    else:
        blocks.append(Paragraph("Not measured yet."))
    return Section("calibration", "Calibration", tuple(blocks))


def _calibration_line(row: ReportRow, protocol: str) -> tuple[str, ...]:
    results = row.of(protocol)
    before, after = (pooled(results, "window", calibrated=c) for c in (False, True))
    mean = sum(temperature(r) for r in results) / len(results)
    return (
        row.title,
        share(before.scores.ece if before else None),
        share(after.scores.ece if after else None),
        f"{mean:.2f}",
    )


def abstention(rows: Rows) -> Section:
    """Risk-coverage curves and accuracy at fixed coverages."""
    blocks: list[Block] = [
        Paragraph(
            "Windows sorted by calibrated confidence, all eight classes, all folds together: how "
            "often the most confident ones are answered correctly. The program withholds what is "
            "below its threshold."
        )
    ]
    for protocol, title in _PROTOCOLS.items():
        lines = []
        for row in rows.having(protocol):
            answers = pooled(row.of(protocol), "window", calibrated=True)
            if answers:
                at = (percent(accuracy_at(answers, c)) for c in _COVERAGES)
                lines.append((row.title, *at))
        if lines:
            header = ("model", *(f"{100 * c:.0f} % answered" for c in _COVERAGES))
            blocks.append(Table(f"{title}. Accuracy in percent", header, tuple(lines)))
    curves: list[figures.Curve] = []
    for row in rows.having("speaker-independent"):
        answers = pooled(row.of("speaker-independent"), "window", calibrated=True)
        if answers and row.base is None and len(curves) < 6:
            coverage, accuracy = risk_coverage(answers)
            # A point per percent is enough for the eye; the first few answers are noise.
            kept = range(len(answers) // 20, len(answers), max(1, len(answers) // 100))
            curves.append(
                figures.Curve(
                    row.title,
                    [100 * float(coverage[i]) for i in kept],
                    [100 * (1 - float(accuracy[i])) for i in kept],
                )
            )
    if curves:
        blocks.insert(
            1,
            Figure(
                "Risk and coverage, speaker-independent, window level.",
                figures.lines(
                    curves, "windows answered, %", "answered wrongly, %", x_limits=(5, 100)
                ),
            ),
        )
    else:
        blocks.append(Paragraph("Not measured yet."))
    return Section("abstention", "Abstention", tuple(blocks))
