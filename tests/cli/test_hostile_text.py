"""No control character of a title, a name or a model reaches a terminal, whatever is printed."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
import unicodedata
from dataclasses import replace
from pathlib import Path

import onnx
import pytest
import soundfile as sf
from hypothesis import given
from hypothesis import strategies as st

from emolive.audio.devices import InputDevice
from emolive.cli import devices as devices_command
from emolive.plain_text import plain
from emolive.session.library import Library
from emolive.session.records import AlertRecord, Annotation, StreamInfo
from emolive.types import FloatArray, Role
from tests.cli.conftest import Run
from tests.models import tiny_model
from tests.session.filled import RATE, new_session, segment, window

CODES = "\x1b]52;c;ZXZpbA==\x07\x1b[2J\x1b[1A\x9b31m\r\x08\x7f\u202e"
EVIL = f"ev{CODES}il[bold red]:smile:"
SEEN = "ev]52;c;ZXZpbA==[2J[1A31mil[boldred]:smile:"
COLOURS = re.compile(r"\x1b\[[0-9;]*m")
BEGINNING = [["sessions", "list"], ["sessions", "search"], ["audit"]]
OF_ONE = [["sessions", "show", "last"], ["sessions", "replay", "last", "--speed", "2"]]


def bad(text: str) -> list[str]:
    """Control characters, but for line feeds and tabs, and a mark that turns the direction."""
    return [
        c
        for c in text
        if c == "\u202e" or (ord(c) < 160 and not c.isprintable() and c not in "\n\t")
    ]


@given(st.text(st.characters(codec="utf-8")))
def test_plain_text_keeps_everything_but_control_characters(text: str) -> None:
    left = plain(text)
    assert bad(left) == []
    assert plain(left) == left
    letters = "".join(c for c in text if unicodedata.category(c)[0] not in "CZ")
    assert "".join(c for c in left if unicodedata.category(c)[0] not in "CZ") == letters


@pytest.fixture
def library(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A session that is hostile wherever words can be."""
    folder = tmp_path / "library"
    monkeypatch.setenv("EMOLIVE_LIBRARY", str(folder))
    with Library.open(folder) as library:
        stream = StreamInfo("customer", 8_000, Role.CUSTOMER)
        new = new_session(EVIL, streams=(stream,))
        writer = library.create(
            replace(new, model=EVIL, provider=EVIL, source=EVIL, tags=(EVIL,)), audio=False
        )
        writer.add_windows([window("customer", 3 * RATE, "happy")])
        writer.add_segments([segment("customer", 0, 2, "happy"), segment("customer", 2, 4, EVIL)])
        writer.add_alert(AlertRecord(EVIL, RATE, EVIL, stream="customer"))
        writer.add_annotations([Annotation("a", 0, RATE, EVIL, EVIL, None, EVIL)])
        info = writer.finish(5 * RATE)
        library.add_note(info.id, EVIL)
        library.audit(EVIL, {EVIL: EVIL}, actor=EVIL)
    return folder


@pytest.mark.usefixtures("library")
@pytest.mark.parametrize("arguments", [*BEGINNING, *OF_ONE], ids=" ".join)
def test_of_a_session(run: Run, arguments: list[str]) -> None:
    result = run(*arguments)
    assert result.exit_code == 0, result.stderr
    assert SEEN in re.sub(r"\s", "", result.stdout)
    assert bad(result.stdout) == []
    assert bad(result.stderr) == []


@pytest.mark.skipif(os.name != "posix", reason="pseudo terminals of POSIX")
@pytest.mark.parametrize("arguments", [*BEGINNING, *OF_ONE], ids=" ".join)
def test_in_a_real_terminal(library: Path, arguments: list[str]) -> None:
    """Colours and the cursor are the program's own there."""
    main, side = os.openpty()
    env = {
        **os.environ,
        "EMOLIVE_LIBRARY": str(library),
        "TERM": "xterm-256color",
        "COLUMNS": "200",
    }
    with subprocess.Popen(
        [sys.executable, "-m", "emolive", *arguments],
        env=env, stdin=side, stdout=side, stderr=side,
    ) as program:  # fmt: skip
        os.close(side)
        shown = b""
        while True:
            try:
                shown += os.read(main, 65_536)
            except OSError:  # Linux's way to say that nobody writes any more
                break
    os.close(main)
    assert program.returncode == 0, shown
    text = shown.decode()
    assert "\x1b[" in text, "no terminal was seen"
    for code in ("\x1b]52", "\x1b[2J\x1b[1A", "\x9b", "\x07", "\x08", "\x7f", "\u202e"):
        assert code not in text
    if "replay" not in arguments:
        assert bad(COLOURS.sub("", text).replace("\r\n", "\n")) == []


def test_of_a_file_a_model_and_arguments(run: Run, tmp_path: Path, speech: FloatArray) -> None:
    model = tmp_path / "tiny.onnx"
    tiny_model(model)
    loaded = onnx.load(model)
    for entry in loaded.metadata_props:
        entry.value = entry.value.replace('"tiny"', json.dumps(EVIL))
    onnx.save(loaded, model)
    audio = tmp_path / f"{EVIL}.wav"
    sf.write(audio, speech[:RATE], RATE)
    broken = tmp_path / f"broken{EVIL}.wav"
    broken.write_bytes(b"nothing")
    for arguments in (
        ["analyze", audio, broken, "--model", model, "--summary"],
        ["analyze", tmp_path / EVIL, "--model", model],
        ["doctor", "--model", model],
        ["doctor", "--model", broken],
        ["alerts", "check", broken],
        ["live", "--device", EVIL, "--duration", "1"],
        ["live", f"--{EVIL}"],
        ["live", "--duration", EVIL],
        [EVIL],
        ["sessions", EVIL],
        ["sessions", "show", EVIL],
        ["sessions", "import", broken],
        ["sessions", "export", "last", "--format", EVIL],
    ):
        result = run(*arguments)
        assert bad(result.stdout) == [], arguments
        assert bad(result.stderr) == [], arguments
    assert run("analyze", audio, "--model", model).exit_code == 0


def test_of_a_device(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    known = InputDevice(0, EVIL, "ALSA", 1, RATE, is_default=True)
    monkeypatch.setattr(devices_command, "list_inputs", lambda: [known])
    result = run("devices")
    assert SEEN[:30] in result.stdout
    assert bad(result.stdout) == []


def test_of_a_traceback(tmp_path: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "emolive", "--debug", "alerts", "check", str(tmp_path / EVIL)],
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.stderr.startswith("Traceback")
    assert bad(done.stderr) == []


def test_a_name_cannot_look_like_another_answer(run: Run, tmp_path: Path) -> None:
    heard = tmp_path / "heard"
    heard.mkdir()
    sf.write(heard / "a\nother.wav: happy 99 %.wav", [0.0] * 8000, 8000)
    (heard / "b\r\nother is damaged.wav").write_bytes(b"no sound")
    done = run("analyze", heard, heard / "c\nother", "--model", "fast")
    assert done.exit_code == 1
    assert not any(line.startswith("other") for line in done.output.splitlines())
