"""`sessions replay`: the timeline goes by in time, and another model is shown beside it."""

from __future__ import annotations

import io
import os
import signal
import sys
import time
from collections.abc import Mapping
from pathlib import Path

import pytest
import soundfile as sf
from rich.console import Console
from rich.text import Text

from emolive.cli.comparison_view import longest_labels
from emolive.cli.session_replay import _Picture
from emolive.session.library import Library
from emolive.session.player import session_player
from emolive.session.records import SessionInfo, StreamInfo
from emolive.session.replay import Replay
from emolive.types import FloatArray, Segment
from tests.cli.conftest import Run, launch
from tests.models import LABELS, tiny_model
from tests.session.filled import session_record
from tests.session.players import FakeOutput

RATE = 16_000
SECONDS = 6


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path / "library"


def store(folder: Path, speech: FloatArray | None) -> SessionInfo:
    new = session_record(
        streams=(StreamInfo("mono", RATE),),
        labels=LABELS,
        model="old model",
    )
    with Library.open(folder) as library:
        writer = library.create(new, audio=speech is not None)
        if speech is not None:
            path = writer.audio_path("mono")
            assert path is not None
            sf.write(path, speech[: SECONDS * RATE], RATE)
        writer.add_segments(
            [
                Segment("mono", 0, 2 * RATE, "happy", 0.6),
                Segment("mono", 2 * RATE, 4 * RATE, "sad", 0.5),
                Segment("mono", 4 * RATE, SECONDS * RATE, "uncertain", 0.3),
            ]
        )
        return writer.finish(SECONDS * RATE)


def test_segments_are_printed_as_they_go_by(run: Run, folder: Path, speech: FloatArray) -> None:
    store(folder, speech)
    begin = time.monotonic()
    result = run(
        "sessions", "replay", "last", "--library", folder, "--no-audio", "--from", 3, "--speed", 2
    )
    took = time.monotonic() - begin
    assert result.exit_code == 0, result.stderr
    lines = result.stdout.splitlines()
    assert [line.split()[4] for line in lines] == ["sad", "uncertain"]
    assert took >= (SECONDS - 3) / 2


def test_a_session_without_audio_runs_in_silence(run: Run, folder: Path) -> None:
    store(folder, None)
    result = run("sessions", "replay", "last", "--library", folder, "--from", 5.5)
    assert result.exit_code == 0, result.stderr
    assert "recorded without audio" in result.stderr
    assert "uncertain" in result.stdout


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["--from", "99"], "is 00:06.0 long: give a smaller --from"),
        (["--model", "none.onnx"], "none.onnx does not exist"),
    ],
)
def test_what_cannot_be_done_is_one_sentence(
    run: Run, folder: Path, speech: FloatArray, arguments: list[str], words: str
) -> None:
    store(folder, speech)
    result = run("sessions", "replay", "last", "--library", folder, *arguments)
    assert result.exit_code == 2
    assert words in result.stderr
    assert len(result.stderr.splitlines()) == 1


def test_an_unknown_session_is_one_sentence(run: Run, folder: Path) -> None:
    result = run("sessions", "replay", "nobody", "--library", folder)
    assert result.exit_code == 2
    assert "There is no session 'nobody'" in result.stderr


def test_without_a_sound_card_it_says_what_to_do(
    folder: Path, speech: FloatArray, no_sound_card: Mapping[str, str]
) -> None:
    store(folder, speech)
    process = launch(("sessions", "replay", "last", "--library", folder), env=no_sound_card)
    _, errors = process.communicate(timeout=240)
    assert process.returncode == 2
    assert "--no-audio" in errors
    assert "Traceback" not in errors


@pytest.mark.skipif(sys.platform == "win32", reason="signals are sent the POSIX way")
def test_ctrl_c_ends_it(folder: Path, speech: FloatArray) -> None:
    store(folder, speech)
    process = launch(
        ("sessions", "replay", "last", "--library", folder, "--no-audio", "--speed", 0.5)
    )
    assert process.stdout is not None
    assert "happy" in process.stdout.readline()
    os.kill(process.pid, signal.SIGINT)
    rest, errors = process.communicate(timeout=240)
    assert process.returncode == 0
    assert "uncertain" not in rest
    assert "Traceback" not in errors


def test_another_model_is_shown_beside_the_session(
    run: Run, folder: Path, speech: FloatArray, tmp_path: Path
) -> None:
    store(folder, speech)
    sad = tmp_path / "sad.onnx"
    tiny_model(sad, bias=[1000.0 * (label == "sad") for label in LABELS])
    result = run("sessions", "replay", "last", "--library", folder, "--model", sad)
    assert result.exit_code == 0, result.stderr
    # All of the clip's beginning is speech, so all of it is sad.
    assert "The same label 33.3\u00a0% of the time" in result.stdout
    assert "50.0\u00a0% where both name an emotion" in result.stdout
    assert "00:00.0 - 00:02.0" in result.stdout
    strips = [line for line in result.stdout.splitlines() if "█████" in line]
    assert len(strips) == 2
    assert strips[1].count("█") == 110


def test_the_picture_is_in_time_with_the_player(
    folder: Path, speech: FloatArray, monkeypatch: pytest.MonkeyPatch
) -> None:
    session = store(folder, speech)
    screen = Console(width=90, height=30, file=io.StringIO(), force_terminal=True)
    monkeypatch.setattr("emolive.cli.terminal.Console", lambda: screen)
    output = FakeOutput()
    with Library.open(folder) as library, session_player(library, session, output) as player:
        picture = _Picture(session, Replay(library, session), 1.0, 0)
        player.play()
        output.run(player, 2.0)
        assert not picture.show(player)
        output.run(player, SECONDS - 2.0)
        assert player.wait(60)
        assert picture.show(player)
        picture.close()
    drawn = Text.from_ansi(screen.file.getvalue()).plain  # type: ignore[attr-defined]
    assert "replaying  00:02.0 of 00:06.0" in drawn
    assert "00:06.0 of 00:06.0" in drawn
    assert "old model" in drawn


def test_a_cell_has_the_label_that_lasts_longest_in_it() -> None:
    segments = [
        Segment("mono", 0, 30, "a", 0.5),
        Segment("mono", 30, 70, "b", 0.5),
        Segment("mono", 70, 80, "c", 0.5),
    ]
    assert longest_labels(segments, 100, 5) == ["a", "a", "b", "b", None]
    assert longest_labels(segments, 100, 2) == ["a", "b"]
    assert longest_labels([], 0, 2) == [None, None]
