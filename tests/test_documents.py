"""What README and guide list is what there is: commands, extras, files, lines of JSON."""

from __future__ import annotations

import re
import tomllib
from pathlib import Path

import numpy as np
import pytest
import typer.main

from emolive.cli.main import app
from emolive.monitoring.wire import event_fields
from emolive.types import (
    Alert,
    AlertEnded,
    Baseline,
    Familiarity,
    Prediction,
    Role,
    Segment,
    Severity,
    Shift,
    SpeechState,
)
from tests.models import LABELS

ROOT = Path(__file__).parents[1]


def row(page: str, begins: str) -> str:
    """The row of a table whose first cell begins like this."""
    lines = (ROOT / page).read_text(encoding="utf-8").splitlines()
    (found,) = (line for line in lines if line.startswith(f"| `{begins}`"))
    return found


def quoted(text: str) -> set[str]:
    return set(re.findall(r"`([^`]+)`", text))


@pytest.mark.parametrize("group", ["sessions", "call", "baseline"])
def test_readme_names_every_command_of_a_group(group: str) -> None:
    command = typer.main.get_command(app).commands[group]  # type: ignore[attr-defined]
    assert set(command.commands) <= quoted(row("README.md", f"emolive {group}"))


def test_readme_names_every_extra_for_people() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    (line,) = re.findall(r"^Extras: .*$", (ROOT / "README.md").read_text("utf-8"), re.MULTILINE)
    # The others are for who works on the program: what `make` sets up.
    assert set(project["optional-dependencies"]) - {"bundle", "dev", "docs"} <= quoted(line)


def test_every_bundled_file_is_listed_and_those_that_are_named_exist() -> None:
    table = (ROOT / "assets" / "README.md").read_text(encoding="utf-8")
    listed = quoted(table)
    for path in sorted((ROOT / "assets").iterdir()):
        if path.name != "README.md" and path.is_file():
            patterns = (re.escape(name).replace(r"\*", ".*") for name in listed)
            assert any(re.fullmatch(one, path.name) for one in patterns), path.name
    notice = (ROOT / "NOTICE").read_text(encoding="utf-8")
    named = re.findall(r"\b(?:assets|emolive|tests)/[\w./-]+\w", notice)
    assert named
    for name in named:
        assert (ROOT / name).exists(), name


SHARES = np.array(
    [{"sad": 0.5, "fearful": 0.4}.get(label, 0.1 / 6) for label in LABELS], np.float32
)
PREDICTION = Prediction(
    "mono", 0, 48_000, SHARES, SpeechState.SPEECH, "sad", 0.5, 0.9, 0.014,
    raw_probabilities=SHARES, shift=Shift(0.5, Familiarity.FAMILIAR),
    baseline=Baseline("Headset", 42.3, 9, 0.485, 0.45),
)  # fmt: skip


@pytest.mark.parametrize(
    "event",
    [
        PREDICTION,
        Segment("mono", 0, 48_000, "sad", 0.5),
        Alert("rule", "held", Severity.WARNING, "mono", Role.CUSTOMER, 0, 1, 2, "sad", ()),
        AlertEnded("rule", "mono", 2, 3),
    ],
    ids=lambda event: type(event).__name__,
)
def test_every_field_of_a_json_line_is_described(
    event: Prediction | Segment | Alert | AlertEnded,
) -> None:
    fields = event_fields(event, LABELS, 16_000)
    described = quoted(row("docs/formats.md", str(fields["type"])))
    assert set(fields) - {"type"} <= described
    if isinstance(event, Prediction):  # this one has all that any has
        assert described - {"prediction"} <= set(fields)
