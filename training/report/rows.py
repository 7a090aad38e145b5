"""The rows of the report: what a study asked for, and what of it is there."""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from training.protocols import PROTOCOLS
from training.recipe import Recipe, load_recipe
from training.report.numbers import pooled
from training.results import NOT_RUN, FoldResult, find_results
from training.study import load_study

# A row measured on fewer folds is not called the best: one fold's speakers can be easy ones.
ENOUGH_FOLDS = 3


@dataclass(frozen=True, slots=True, eq=False)
class ReportRow:
    """A recipe: its place in the study, and its results by protocol, folds in order.

    `wanted` is how many folds of each protocol the study asks for, `reasons` why a protocol could
    not be run. `settings` is the recipe as plain values, None where nothing is known of it.
    """

    recipe: str
    title: str
    group: str
    base: str | None
    wanted: dict[str, int]
    results: dict[str, tuple[FoldResult, ...]]
    reasons: dict[str, str]
    settings: dict[str, Any] | None

    def of(self, protocol: str) -> tuple[FoldResult, ...]:
        """The finished folds of a protocol."""
        return self.results.get(protocol, ())

    def shortfall(self, protocol: str) -> str:
        """What of a protocol is missing, in words; empty where all is there."""
        done, wanted = len(self.of(protocol)), self.wanted.get(protocol, 0)
        if done >= wanted:
            return ""
        reason = self.reasons.get(protocol)
        if done:
            return f"{done} of {wanted} folds"
        return f"not run: {reason}" if reason else "not run yet"


@dataclass(frozen=True, slots=True, eq=False)
class Rows:
    """All rows, in the order of the study."""

    rows: tuple[ReportRow, ...]

    def get(self, recipe: str | None) -> ReportRow | None:
        """A row by its recipe's name."""
        return next((r for r in self.rows if r.recipe == recipe), None)

    def best(self, protocol: str) -> ReportRow | None:
        """The model with the highest window-level UAR, of those with `ENOUGH_FOLDS` if any has.

        Ablations, which differ from a model in one thing, do not stand for election, and quick
        rows, which answer no whole clips, only where there is nothing else.
        """

        def rank(row: ReportRow) -> tuple[bool, bool, int, float]:
            whole = any(one.clip_probabilities for one in row.of(protocol))
            answers = pooled(row.of(protocol), "window")
            enough = min(len(row.of(protocol)), ENOUGH_FOLDS)
            return row.base is None, whole, enough, answers.scores.uar if answers else 0.0

        return max(self.having(protocol), key=rank, default=None)

    def having(self, *protocols: str) -> tuple[ReportRow, ...]:
        """The rows with at least one finished fold of one of these protocols."""
        return tuple(r for r in self.rows if any(map(r.of, protocols)))


def gather(runs: Path, study: Path | None) -> Rows:
    """Rows of the study file, then whatever else has results below `runs`.

    Without a study file every recipe with a result is a row of its own.
    """
    found = find_results(runs)
    rows: list[ReportRow] = []
    if study is not None and study.is_file():
        plan = load_study(study)
        for row in plan.rows:
            recipe = _load(plan.recipes / f"{row.recipe}.toml")
            rows.append(
                _row(
                    runs,
                    row.recipe,
                    row.group,
                    row.base,
                    {str(p): n for p, n in row.folds.items()},
                    found,
                    recipe,
                )
            )
    known = {r.recipe for r in rows}
    for name in dict.fromkeys(recipe for recipe, _ in found):
        if name not in known:
            wanted: dict[str, int] = {
                p: len(found[name, p]) for p in PROTOCOLS if (name, p) in found
            }
            rows.append(_row(runs, name, "other", None, wanted, found, None))
    return Rows(tuple(rows))


def _load(path: Path) -> Recipe | None:
    return load_recipe(path) if path.is_file() else None


def _row(
    runs: Path,
    name: str,
    group: str,
    base: str | None,
    wanted: dict[str, int],
    found: dict[tuple[str, str], list[FoldResult]],
    recipe: Recipe | None,
) -> ReportRow:
    results: dict[str, tuple[FoldResult, ...]] = {
        p: tuple(found[name, p]) for p in PROTOCOLS if (name, p) in found
    }
    reasons = {}
    for protocol in wanted:
        notes = sorted((runs / name / protocol).glob(f"*/{NOT_RUN}"))
        if notes and protocol not in results:
            reasons[protocol] = notes[0].read_text(encoding="utf-8").strip()
    first = next((r for rs in results.values() for r in rs), None)
    settings = recipe.model_dump(mode="json") if recipe else None
    title = recipe.title if recipe else ""
    if first is not None:
        settings = first.about.get("settings", settings)
        title = first.about.get("title", title)
    return ReportRow(name, title or name, group, base, wanted, results, reasons, settings)


def history(result: FoldResult) -> list[dict[str, Any]]:
    """A training's epochs, as they were written: one value per epoch."""
    lines: Iterable[Any] = result.about.get("history", ())
    return [json.loads(line) if isinstance(line, str) else dict(line) for line in lines]
