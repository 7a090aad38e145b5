"""What a whole run found, and one row per file of it."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Self, TypeVar

from emolive.archive.inputs import AudioInput
from emolive.archive.messages import FileResult
from emolive.plain_text import one_line
from emolive.session.export.csv_file import PLAIN, Dialect, write_rows

_DIGITS = 6
_Number = TypeVar("_Number", int, float)


@dataclass(frozen=True, slots=True)
class FileOutcome:
    """One file: its result, or the sentence that says why there is none."""

    item: AudioInput
    result: FileResult | None = None
    failure: str | None = None

    @property
    def problem(self) -> str | None:
        """What is wrong with it, as a sentence."""
        return self.failure or (self.result.problem if self.result else None)


@dataclass(frozen=True, slots=True)
class Summary:
    """Sums over files; seconds of audio.

    `seconds` is how long each label lasts in all timelines, silence and uncertain included;
    `leading` in how many files it is the verdict (`FileResult.verdict`).
    """

    files: int
    problems: int
    duration_s: float
    seconds: dict[str, float]
    leading: dict[str, int]

    @classmethod
    def of(cls, outcomes: Iterable[FileOutcome]) -> Self:
        """Sum up."""
        summary = cls(0, 0, 0.0, {}, {})
        for outcome in outcomes:
            summary = summary.with_file(outcome)
        return summary

    def with_file(self, outcome: FileOutcome) -> Self:
        """The sums with one more file."""
        problems = self.problems + (outcome.problem is not None)
        if (result := outcome.result) is None:
            return replace(self, files=self.files + 1, problems=problems)
        leading = {} if result.verdict is None else {result.verdict: 1}
        return replace(
            self,
            files=self.files + 1,
            problems=problems,
            duration_s=self.duration_s + result.duration_s,
            seconds=_added(self.seconds, result.seconds),
            leading=_added(self.leading, leading),
        )

    def share(self, label: str) -> float:
        """Share of all timelines that has this label."""
        total = sum(self.seconds.values())
        return self.seconds.get(label, 0.0) / total if total else 0.0


def _added(sums: dict[str, _Number], more: dict[str, _Number]) -> dict[str, _Number]:
    return sums | {name: sums[name] + n if name in sums else n for name, n in more.items()}


def write_summary(
    outcomes: Sequence[FileOutcome],
    labels: Sequence[str],
    path: Path,
    dialect: Dialect = PLAIN,
) -> None:
    """Write one CSV row per file; the file appears whole or not at all.

    Columns: file, result (path below the output folder without extension), status (done, partial or
    failed), duration_s, label, confidence, ``p_<label>`` for each emotion, ``share_<label>`` of the
    timeline for each emotion, silence and uncertain, problem.

    Raises:
        OSError: it cannot be written.
    """
    shown = (*labels, "silence", "uncertain")
    columns = ["file", "result", "status", "duration_s", "label", "confidence"]
    columns += [f"p_{label}" for label in labels]
    columns += [*(f"share_{label}" for label in shown), "problem"]
    rows = (_row(outcome, labels, shown) for outcome in outcomes)
    write_rows(path, columns, rows, dialect)


def _row(
    outcome: FileOutcome, labels: Sequence[str], shown: Sequence[str]
) -> dict[str, str | float]:
    result = outcome.result
    row: dict[str, str | float] = {
        "file": one_line(outcome.item),
        "result": one_line(outcome.item.result.as_posix()),
        "status": "failed" if result is None else "partial" if result.problem else "done",
        "problem": one_line(outcome.problem or ""),
    }
    if result is None:
        return row
    row |= {"duration_s": round(result.duration_s, _DIGITS), "label": result.label or ""}
    if result.confidence is not None:
        row["confidence"] = round(result.confidence, _DIGITS)
        row |= {f"p_{label}": round(result.probabilities[label], _DIGITS) for label in labels}
    total = sum(result.seconds.values())
    if total:
        row |= {
            f"share_{label}": round(result.seconds.get(label, 0.0) / total, _DIGITS)
            for label in shown
        }
    return row
