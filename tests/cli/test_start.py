from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from emolive import __version__
from tests.cli.conftest import Run

COMMANDS = ("demo", "live", "analyze", "devices", "doctor", "bench")


def test_help_takes_less_than_half_a_second() -> None:
    """Of the processor's time, which another program's work does not count in."""
    code = (
        "import atexit, sys, time\n"
        "atexit.register(lambda: print(time.process_time(), file=sys.stderr))\n"
        "sys.argv = ['emolive', '--help']\n"
        "from emolive.cli.main import main\n"
        "main()"
    )
    done = [
        subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
        for _ in range(3)
    ]
    assert min(float(one.stderr) for one in done) < 0.5
    assert all(command in done[0].stdout for command in COMMANDS)


def test_nothing_heavy_is_imported_before_a_command_needs_it() -> None:
    code = (
        "import sys, emolive.cli.main\n"
        "heavy = {'numpy', 'onnxruntime', 'pydantic', 'rich', 'PySide6', 'sounddevice', 'soxr'}\n"
        "print(sorted(heavy & set(sys.modules)))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


def test_version(run: Run) -> None:
    result = run("--version")
    assert result.exit_code == 0
    assert result.stdout.strip() == f"emolive {__version__}"


@pytest.mark.parametrize("command", COMMANDS)
def test_every_command_explains_itself(run: Run, command: str) -> None:
    result = run(command, "--help")
    assert result.exit_code == 0
    assert "Usage" in result.stdout


def test_wrong_usage_is_exit_code_2(run: Run) -> None:
    assert run("analyze").exit_code == 2
    assert run("live", "--nonsense").exit_code == 2
    assert run("nonsense").exit_code == 2


def test_without_a_display_the_bare_command_says_what_to_do(run: Run) -> None:
    result = run()
    assert result.exit_code == 2
    assert result.stdout == ""
    (sentence,) = result.stderr.splitlines()
    # A desktop that cannot start for another reason says that one instead.
    assert "--headless" in sentence or "install" in sentence


def test_debug_raises_instead_of_a_sentence() -> None:
    done = subprocess.run(
        [sys.executable, "-m", "emolive", "--debug", "demo", "--headless", "--model", "none.onnx"],
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode != 0
    assert "Traceback" in done.stderr
    assert "none.onnx does not exist" in done.stderr


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="no /dev/full here")
@pytest.mark.parametrize(
    "command",
    ["--help", "--version", "devices --json", "sessions list --json", "alerts example", "policy"],
)
def test_a_full_output_is_one_sentence(tmp_path: Path, command: str) -> None:
    with Path("/dev/full").open("wb") as full:
        done = subprocess.run(
            [sys.executable, "-m", "emolive", *command.split()],
            stdout=full, stderr=subprocess.PIPE, text=True, check=False,
            env=os.environ | {"EMOLIVE_LIBRARY": str(tmp_path), "EMOLIVE_CONFIG": str(tmp_path)},
        )  # fmt: skip
    assert done.returncode == 2
    assert "cannot be written (No space left on device)" in done.stderr
    assert len(done.stderr.splitlines()) == 1


@pytest.mark.parametrize(
    "command",
    [
        ["analyze", ""], ["analyze", "--out", "", "a.wav"], ["sessions", "list", "--library="],
        ["sessions", "show", ""], ["live", "--device", ""], ["call", "analyze", ""],
        ["sessions", "export", "last", "--format", ""], ["alerts", "check", ""],
    ],
)  # fmt: skip
def test_an_empty_argument_is_refused(run: Run, command: list[str]) -> None:
    result = run(*command)
    assert result.exit_code == 2
    empty = next(a for a in command[::-1] if not a or a.endswith("="))
    option = empty.removesuffix("=") or command[command.index("") - 1]
    named = f"{option}: it is empty" if option.startswith("--") else ": it is empty"
    assert named in result.stderr


LONG = "x" * 100_000


@pytest.mark.parametrize(
    "command",
    [
        ["analyze", LONG], ["analyze", "a.wav", "--model", LONG], ["sessions", "show", LONG],
        ["sessions", "list", "--library", LONG], ["sessions", "import", LONG],
        ["sessions", "export", "last", "--format", LONG], ["sessions", "search", f"{LONG}:x"],
        ["sessions", "search", "x " * 1_000], ["alerts", "check", LONG],
        ["sessions", "note", "last", "x", "--at", "inf"],
        ["sessions", "replay", "last", "--from", "1e308"],
        ["sessions", "expire", "--days", "9" * 30], ["sessions", "expire", "--after", "9" * 30],
        ["demo", "--headless", "--duration", "inf"], ["sessions", "search", "--last", "9" * 30],
    ],
    ids=lambda command: " ".join(command)[:40],
)  # fmt: skip
def test_absurd_arguments_are_one_short_message(
    run: Run, command: list[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("EMOLIVE_LIBRARY", str(tmp_path / "library"))
    result = run(*command)
    assert result.exit_code == 2
    assert "unexpected problem" not in result.stderr
    assert len(result.stderr) < 1_500
