from __future__ import annotations

from dataclasses import dataclass, field
from typing import Annotated

import pytest
import typer
from typer.testing import CliRunner

from emolive.cli.option_records import spread


@dataclass(frozen=True, slots=True)
class Inner:
    speed: Annotated[float, typer.Option("--speed", min=0.5)] = 1.0


@dataclass(frozen=True, slots=True)
class Faster(Inner):
    speed: Annotated[float, typer.Option("--speed", min=0.5)] = 2.0


@dataclass(frozen=True, slots=True)
class Outer:
    title: Annotated[str, typer.Option(metavar="TEXT")] = "none"
    inner: Inner = field(default_factory=Inner)
    loud: Annotated[bool, typer.Option("--loud")] = False


@dataclass(frozen=True, slots=True)
class OuterFaster(Outer):
    inner: Faster = field(default_factory=Faster)


@pytest.mark.parametrize(
    ("arguments", "made"),
    [
        ([], OuterFaster()),
        (["--speed", "3"], OuterFaster(inner=Faster(3.0))),
        (["--loud", "--title", "x"], OuterFaster("x", Faster(2.0), True)),
    ],
)
def test_a_record_is_its_options(arguments: list[str], made: OuterFaster) -> None:
    app = typer.Typer()
    seen: list[tuple[str, OuterFaster, int]] = []

    def command(name: str, *, options: OuterFaster, count: int = 1) -> None:
        seen.append((name, options, count))

    app.command()(spread(command))
    result = CliRunner().invoke(app, ["a", *arguments])
    assert result.exit_code == 0, result.output
    assert seen == [("a", made, 1)]
    wrong = CliRunner().invoke(app, ["a", "--speed", "0.1"])
    assert wrong.exit_code == 2
    shown = CliRunner().invoke(app, ["--help"], env={"COLUMNS": "100", "TERM": "dumb"}).output
    order = [shown.index(name) for name in ("--title", "--speed", "--loud", "--count")]
    assert order == sorted(order), "options stand where their record stands"


def test_without_records_nothing_changes() -> None:
    def command(name: str) -> None: ...

    assert spread(command) is command
