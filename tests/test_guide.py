"""The guide: it builds without a warning, fetches nothing, and every command in it is one.

Commands that are cheap are run, page by page, in a folder with a recording, a call, rules and a
library; all others are parsed by the command line itself, so that no option in them is wrong.
"""

from __future__ import annotations

import os
import re
import shlex
import shutil
import subprocess
import sys
from collections.abc import Iterator
from html.parser import HTMLParser
from pathlib import Path

import click
import numpy as np
import pytest
import soundfile
import typer.main
from typer.testing import CliRunner

from emolive import resources
from emolive.cli.main import app
from emolive.session.library import Library
from tests.session import filled

ROOT = Path(__file__).parents[1]
PAGES = [ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md"))]
COMMAND: click.Group = typer.main.get_command(app)  # type: ignore[assignment]


def blocks(page: Path) -> Iterator[str]:
    """The text of the page's blocks of commands, one command a line."""
    text = page.read_text(encoding="utf-8")
    for kind, block in re.findall(r"^```(\w+)\n(.*?)^```", text, re.MULTILINE | re.DOTALL):
        if kind == "console":
            block = "\n".join(re.findall(r"^\$ (.*)$", block, re.MULTILINE))
        if kind in ("sh", "bash", "console"):
            yield from (line for line in block.replace("\\\n", " ").splitlines() if line.strip())


def inline(page: Path) -> Iterator[str]:
    """Commands within the text, without the signs that say what may be left out or repeated."""
    text = re.sub(r"^```.*?^```", "", page.read_text(encoding="utf-8"), flags=re.M | re.DOTALL)
    for code in re.findall(r"`(emolive [^`]+)`", text):
        if "..." not in code.split()[1] and "{" not in code:
            yield code.replace("[", "").replace("]", "").replace("...", "")


def arguments(line: str) -> list[str] | None:
    """What follows `emolive` in a line; None: the line is of another program."""
    words = shlex.split(line, comments=True)
    while words and re.fullmatch(r"[A-Z_]+=\S*", words[0]):
        words.pop(0)
    if not words or Path(words[0]).name != "emolive":
        return None
    end = next((i for i, word in enumerate(words) if word in (">", "|", "&&", "2>")), len(words))
    return words[1:end]


def parse(words: list[str]) -> None:
    """Let the command line take these arguments, as far as to the body of the command."""
    context = COMMAND.make_context("emolive", list(words))
    command: click.Command = COMMAND
    while isinstance(command, click.Group):
        rest = [*context.protected_args, *context.args]
        if not rest:
            return
        name, found, rest = command.resolve_command(context, rest)
        assert found is not None
        command, context = found, found.make_context(name, rest, parent=context)


ALL = [
    (page.name, line)
    for page in PAGES
    for line in (*blocks(page), *inline(page))
    if "study" not in page.name and arguments(line) is not None
]


@pytest.mark.parametrize(("page", "line"), ALL, ids=[f"{page}: {line}" for page, line in ALL])
def test_every_command_is_one(page: str, line: str) -> None:
    words = arguments(line)
    assert words is not None
    try:
        parse(words)
    except click.exceptions.Exit:
        pass
    except click.UsageError as error:
        # In the text, a command may be named without what it is about.
        if not (isinstance(error, click.MissingParameter) and line in inline_lines(page)):
            pytest.fail(f"{page}: {line}: {error.format_message()}")


def inline_lines(page: str) -> list[str]:
    return list(inline(next(one for one in PAGES if one.name == page)))


@pytest.fixture(scope="module")
def desk(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder as the guide supposes it: a talk, a call, calls, rules, and a library."""
    folder = tmp_path_factory.mktemp("guide")
    speech, rate = soundfile.read(resources.asset(resources.DEMO_AUDIO), dtype="float32")
    speech = speech[: 6 * rate]
    soundfile.write(folder / "talk.wav", speech, rate)
    soundfile.write(folder / "call.wav", np.stack([speech, np.roll(speech, 3 * rate)], 1), rate)
    (folder / "calls").mkdir()
    shutil.copy(folder / "talk.wav", folder / "calls" / "first.wav")
    with Library.open(folder / "library") as library:
        filled.fill(library, "Talk", [filled.segment("customer", 0, 12, "angry")], audio=True)
    return folder


# What is quick and needs neither microphone nor network.
CHEAP = re.compile(
    r"^emolive (sessions (list|show|search|tag|note|export|expire)|audit|policy|models"
    r"|baseline list|alerts (example|check|test|outbox)|analyze (talk|calls)|call analyze)\b"
)
RUN = ("first-steps", "sessions", "calls-app", "formats", "operations", "own-models")


@pytest.mark.parametrize("page", RUN)
def test_cheap_commands_run(page: str, desk: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    lines = [line for line in blocks(ROOT / "docs" / f"{page}.md") if CHEAP.search(line)]
    assert lines, "nothing on this page is run any more"
    monkeypatch.setenv("EMOLIVE_LIBRARY", str(desk / "library"))
    monkeypatch.setenv("EMOLIVE_CONFIG", str(desk / "config"))
    monkeypatch.chdir(desk)
    for line in lines:
        done = CliRunner().invoke(app, arguments(line))
        assert done.exit_code == 0, f"{line}: {done.output}"
        if written := re.search(r" > (\S+)", line):
            (desk / written[1]).write_text(done.stdout, encoding="utf-8")


class Fetched(HTMLParser):
    """What a browser would fetch to show a page."""

    def __init__(self) -> None:
        super().__init__()
        self.addresses: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        names = {"script": "src", "img": "src", "link": "href", "iframe": "src", "source": "src"}
        for name, value in attrs:
            if name == names.get(tag) and value:
                self.addresses.append(value)


def test_the_site_builds_and_fetches_nothing(tmp_path: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "mkdocs", "build", "--strict", "--site-dir", str(tmp_path / "site")],
        cwd=ROOT,
        env={**os.environ, "NO_MKDOCS_2_WARNING": "1"},
        capture_output=True,
        text=True,
        timeout=240,
        check=False,
    )
    assert done.returncode == 0, done.stderr[-3000:]
    pages = list((tmp_path / "site").rglob("*.html"))
    assert len(pages) > 15
    for page in pages:
        found = Fetched()
        found.feed(page.read_text(encoding="utf-8"))
        for address in found.addresses:
            assert "//" not in address, f"{page.name} fetches {address}"
            if page.name != "404.html":  # shown under any address
                assert (page.parent / address.partition("?")[0]).exists(), address
    styles = list((tmp_path / "site").rglob("*.css"))
    assert styles
    for style in styles:
        assert not re.findall(r"@import[^;]*//|url\(\s*['\"]?https?:", style.read_text("utf-8"))
