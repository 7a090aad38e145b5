"""What models cost, and what the exported file says of itself."""

from __future__ import annotations

from emolive.features import AnyFrontEndSpec, WaveformSpec
from training.report.document import Block, Paragraph, Section, Table
from training.report.rows import ReportRow, Rows
from training.report.shipped import Shipped
from training.report.wording import NONE, percent
from training.results import FoldResult


def cost(rows: Rows, shipped: Shipped | str) -> Section:
    """Parameters, operations and training time of every row; the exported model's latency."""
    lines = tuple(_line(row) for row in rows.rows if any(row.results.values()))
    blocks: list[Block] = [
        Paragraph(
            "Parameters of a support vector machine are its support vectors and their "
            "coefficients. FLOP are of one window of the network alone, a multiplication with its "
            "addition counted as two. Training time is one fold's, wall clock, on whatever else "
            "the machine was doing."
        )
    ]
    if lines:
        header = ("model", "parameters", "MFLOP per window", "minutes per fold", "trained on")
        blocks.append(Table("Cost", header, lines))
    if isinstance(shipped, Shipped):
        blocks.append(
            Paragraph(
                f"The exported model {shipped.name} ({shipped.megabytes:.1f} MB) answers one "
                f"window in {shipped.ms:.1f} ms (median of 30, measured now on {shipped.machine})."
            )
        )
    else:
        blocks.append(Paragraph(f"Milliseconds per window: not measured, {shipped}."))
    return Section("cost", "Cost", tuple(blocks))


def _line(row: ReportRow) -> tuple[str, ...]:
    results: list[FoldResult] = [r for rs in row.results.values() for r in rs]
    about = results[0].about
    flops, parameters = about.get("flops"), about.get("parameters")
    seconds = [r.about["seconds"] for r in results if r.about.get("seconds")]
    return (
        row.title,
        NONE if parameters is None else f"{parameters:,}",
        NONE if not flops else f"{flops / 1e6:,.0f}",
        NONE if not seconds else f"{sum(seconds) / len(seconds) / 60:.1f}",
        ", ".join(sorted({str(r.about.get("device", NONE)) for r in results})),
    )


def exported(shipped: Shipped | str) -> Section:
    """The exported file's own scores, among them its indifference to loudness."""
    if not isinstance(shipped, Shipped):
        return Section("level", "Level invariance", (Paragraph(f"Not measured: {shipped}."),))
    level = shipped.scores.get("level agreement")
    said = (
        f"{percent(level)} % of the windows of unseen speakers keep their label when the "
        "recording is 20 dB quieter or louder."
        if level is not None
        else "The file does not tell how often labels change with loudness."
    )
    scores = tuple((name, f"{value:g}") for name, value in sorted(shipped.scores.items()))
    return Section(
        "level",
        "Level invariance, and the exported model",
        (
            Paragraph(f"{_level(shipped.front_end)} In {shipped.name}: {said}"),
            Table(f"Scores stored in {shipped.name}", ("measure", "value"), scores),
        ),
    )


def _level(front_end: AnyFrontEndSpec) -> str:
    """What becomes of a gain."""
    waveform = isinstance(front_end, WaveformSpec)
    if waveform and front_end.normalization == "window":
        return "Every window of the waveform is brought to one level, so a gain cancels out."
    if waveform:
        return (
            "The file takes the waveform and holds its front end itself; an encoder's divides each "
            "window by its peak and counts log-mel down from the window's loudest point, so a gain "
            "cancels out up to rounding."
        )
    if front_end.normalization == "window":
        return (
            "Every window is normalised by its own mean and variance of log-mel, so a gain cancels "
            "out up to rounding and the log floor."
        )
    return "Windows are not normalised: a gain moves all of the log-mel."
