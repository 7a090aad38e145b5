"""The written report: whole, self-contained, the same again, whatever is missing."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable
from html.parser import HTMLParser
from pathlib import Path

import pytest
from typer.testing import CliRunner

from training import __main__ as command_line
from training.report import write_report


class _Page(HTMLParser):
    """Opened and closed tags, ids, and every address."""

    def __init__(self) -> None:
        super().__init__()
        self.open: list[str] = []
        self.tags: Counter[str] = Counter()
        self.addresses: list[str] = []
        self.ids: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags[tag] += 1
        values = dict(attrs)
        self.addresses += [v for k in ("href", "src", "xlink:href") if (v := values.get(k))]
        if tag == "section":
            self.ids.append(values.get("id") or "")
        if tag not in {"meta", "link", "br"}:
            self.open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.handle_starttag(tag, attrs)
        if self.open and self.open[-1] == tag:
            self.open.pop()

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag


@pytest.fixture(scope="module")
def written(runs: Path, tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    """The page and its summary."""
    return write_report(runs, tmp_path_factory.mktemp("report"), study=runs / "study.toml")


def test_the_page_is_whole_and_needs_nothing_else(runs: Path, written: tuple[Path, Path]) -> None:
    page, summary = written
    html = page.read_text(encoding="utf-8")
    parser = _Page()
    parser.feed(html)
    assert parser.open == []
    assert parser.tags["script"] == parser.tags["img"] == parser.tags["link"] == 0
    assert all(address.startswith("#") for address in parser.addresses)
    assert parser.tags["svg"] >= 8
    assert len(parser.ids) == len(set(parser.ids))
    links = {a.removeprefix("#") for a in parser.addresses}
    assert set(parser.ids) <= links
    # Drawings take their colours from the page, so that they follow light, dark and print.
    inside = "".join(re.findall(r"<svg.*?</svg>", html, flags=re.S))
    assert set(re.findall(r"#[0-9a-f]{6}\b", inside)) <= {"#000000"}
    assert {"var(--ink)", "var(--grid)", "var(--series-0)"} <= set(
        re.findall(r"var\(--[a-z0-9-]+\)", inside)
    )
    assert "prefers-color-scheme: dark" in html
    assert "@media print" in html
    assert str(page.parent) not in html
    assert str(runs) not in html
    text = summary.read_text(encoding="utf-8")
    assert "Related systems" not in text, "none is among the rows"
    for block in re.findall(r"(?:^\|.*\|\n)+", text, flags=re.M):
        widths = {len(re.findall(r"(?<!\\)\|", line)) for line in block.strip().split("\n")}
        assert len(widths) == 1


def test_the_same_results_give_the_same_page(
    runs: Path, written: tuple[Path, Path], tmp_path: Path
) -> None:
    again, _ = write_report(runs, tmp_path, study=runs / "study.toml")
    assert again.read_bytes() == written[0].read_bytes()


def _only(*kept: str) -> Callable[[str], bool]:
    return lambda name: name in kept


@pytest.mark.parametrize(
    "keep",
    [_only(), _only("lstm"), _only("image", "audio"), _only("cnn-lstm")],
    ids=["nothing", "one", "no base", "hybrid alone"],
)
def test_any_subset_of_results_makes_a_report(
    runs: Path, tmp_path: Path, keep: Callable[[str], bool]
) -> None:
    subset = tmp_path / "runs"
    for path in runs.glob("*/*/*/*"):
        if keep(path.parts[-4]):
            target = subset / path.relative_to(runs)
            target.parent.mkdir(parents=True, exist_ok=True)
            target.write_bytes(path.read_bytes())
    for study in (runs / "study.toml", None):
        page, _ = write_report(subset, tmp_path / "out", study=study)
        assert "What was not run" in page.read_text(encoding="utf-8")


def test_the_command_times_the_bundled_model(runs: Path, tmp_path: Path) -> None:
    result = CliRunner().invoke(
        command_line.app,
        [
            "report",
            "--runs",
            str(runs),
            "--study",
            str(runs / "study.toml"),
            "--out",
            str(tmp_path),
        ],
    )
    assert result.exit_code == 0, result.output
    text = (tmp_path / "report.md").read_text(encoding="utf-8")
    assert re.search(r"answers one window in \d+\.\d ms", text)
    assert re.search(r"\d+\.\d % of the windows of unseen speakers keep their label", text)


def test_another_study_is_run_again_by_its_name(runs: Path, tmp_path: Path) -> None:
    other = tmp_path / "study-encoder.toml"
    other.write_text('[[row]]\nrecipe = "plain"\nfolds = { paper = 1 }\n')
    _, summary = write_report(runs, tmp_path / "out", study=other)
    text = summary.read_text(encoding="utf-8")
    assert "python -m training study training/study-encoder.toml\n" in text
    assert "python -m training report --study training/study-encoder.toml\n" in text
