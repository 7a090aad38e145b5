"""The report of a study: one HTML page and a Markdown summary, from whatever results are there."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

from training.report.document import Document, Paragraph, Section
from training.report.render import to_html, to_markdown
from training.report.rows import Rows, gather
from training.report.sections.ablations import ablations
from training.report.sections.adapting import adapting
from training.report.sections.conditions import listening
from training.report.sections.confidence import abstention, calibration
from training.report.sections.cost import cost, exported
from training.report.sections.errors import confusions, groups
from training.report.sections.kept import functionals, saliency
from training.report.sections.learning import learning
from training.report.sections.main_tables import cross_corpus, paper, speaker_independent
from training.report.sections.overview import missing, overview
from training.report.sections.questions import questions
from training.report.sections.related import related
from training.report.shipped import Shipped, inspect

__all__ = ["build", "write_report"]


def build(
    rows: Rows, shipped: Shipped | str, runs: Path | None = None, study: Path | None = None
) -> Document:
    """The whole report; `runs` is where other commands keep what they measured."""
    apart = [related(rows)]
    if runs:
        apart += [functionals(runs), saliency(runs), adapting(runs)]
    day = datetime.now(UTC).date().isoformat()
    return Document(
        title="Speech emotion models: what was measured",
        made=f"Made on {day} by python -m training report, from stored answers.",
        sections=(
            overview(rows, shipped),
            paper(rows),
            speaker_independent(rows),
            cross_corpus(rows),
            *(section for section in apart if section is not None),
            questions(rows),
            ablations(rows),
            listening(rows),
            confusions(rows),
            groups(rows),
            learning(rows),
            calibration(rows),
            abstention(rows),
            exported(shipped),
            cost(rows, shipped),
            missing(rows),
            _again(study),
        ),
    )


def _again(study: Path | None) -> Section:
    of = shown = ""
    if study is not None and study.name != "study.toml":
        of, shown = f" training/{study.name}", f" --study training/{study.name}"
    return Section(
        "again",
        "Run it again",
        (
            Paragraph(
                "Corpora are decoded once, every missing training is run, and this report is "
                "written; a killed run continues where it stopped. Split files: "
                "python -m training splits."
            ),
            Paragraph(
                f"python -m training prepare DATA\npython -m training study{of}\n"
                f"python -m training report{shown}",
                code=True,
            ),
        ),
    )


def write_report(
    runs: Path, out: Path, *, study: Path | None = None, model: Path | None = None
) -> tuple[Path, Path]:
    """Read all finished results below `runs`, and write `report.html` and `report.md` to `out`.

    Args:
        runs: where trainings leave their results.
        out: a folder, made if it is not there.
        study: the rows and their order; without it, every result that is found.
        model: an exported model file to time, and to take scores from.

    Returns:
        The two files.
    """
    document = build(gather(runs, study), inspect(model), runs, study)
    out.mkdir(parents=True, exist_ok=True)
    page, summary = out / "report.html", out / "report.md"
    page.write_text(to_html(document), encoding="utf-8")
    summary.write_text(to_markdown(document), encoding="utf-8")
    return page, summary
