"""`emolive call`: live and recorded calls on the command line."""

from __future__ import annotations

import json
import time
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
import soundfile as sf
import soxr

from emolive.cli import wall
from emolive.cli.console import print_table
from emolive.cli.conversation_view import conversation_line, conversation_table, telephone_note
from emolive.conversation import ConversationMeter, Party
from emolive.conversation.definitions import DEFINITIONS
from emolive.monitoring.wire import JsonLines
from emolive.types import (
    Band,
    EngineState,
    EngineStatus,
    Event,
    FloatArray,
    Prediction,
    Role,
    StreamStatus,
)
from tests.cli.conftest import Run, launch
from tests.conversation.calls import RATE, Said, spoken
from tests.conversation.test_meter import LENGTH_S, TALK
from tests.conversation.timelines import measured
from tests.models import tiny_metadata
from tests.pulse import PulseServer


@pytest.fixture
def stereo(tmp_path: Path, speech: FloatArray) -> Path:
    """The known call, agent on the left, as a telephone has it."""
    path = tmp_path / "call.wav"
    audio = soxr.resample(spoken(speech, TALK, LENGTH_S), RATE, 8_000)
    sf.write(path, audio, 8_000, subtype="ULAW")
    return path


@pytest.fixture
def short(tmp_path: Path, speech: FloatArray) -> Path:
    path = tmp_path / "short.wav"
    sf.write(path, spoken(speech, [Said(0, "a", 0.3), Said(1, "b", 3.0)], 5.5), RATE)
    return path


def lines(text: str, kind: str) -> list[dict[str, object]]:
    found = [json.loads(line) for line in text.splitlines()]
    return [item for item in found if item["type"] == kind]


# Live.


def test_a_live_call_reads_the_customer_and_measures_both(
    run: Run, short: Path, model: Path
) -> None:
    result = run("call", "live", short, "--json", "--model", model, "--provider", "cpu")
    assert result.exit_code == 0, result.output
    answers = lines(result.stdout, "prediction")
    assert {a["stream"] for a in answers} == {"agent", "customer"}
    assert all(not a["probabilities"] for a in answers if a["stream"] == "agent")
    assert any(a["state"] == "not_inferred" for a in answers if a["stream"] == "agent")
    (last,) = [s for s in lines(result.stdout, "status") if s["state"] == "stopped"]
    streams = last["streams"]
    assert isinstance(streams, list)
    assert [(s["role"], s["emotion"], s["native_rate"]) for s in streams] == [
        ("agent", False, RATE),
        ("customer", True, RATE),
    ]
    told = lines(result.stdout, "conversation")
    assert len(told) >= 4
    assert [t["final"] for t in told] == [False] * (len(told) - 1) + [True]
    parties = told[-1]["parties"]
    assert isinstance(parties, list)
    assert [p["turns"] for p in parties] == [1, 1]
    assert told[-1]["duration_s"] == pytest.approx(5.5, abs=0.05)


def test_without_a_terminal_the_conversation_is_a_table_in_the_end(
    run: Run, short: Path, model: Path
) -> None:
    result = run(
        "call", "live", short, "--agent-channel", "right", "--headless", "--model", model
    )  # fmt: skip
    assert result.exit_code == 0, result.output
    assert "not inferred" in result.stdout
    assert "longest monologue" in result.stdout
    assert "overtalk" in result.stdout


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["{mono}"], "cannot be told apart"),
        (["{stereo}", "--device", "headset"], "files or devices, not both"),
        (["{stereo}", "{mono}", "{mono}"], "one stereo file, or two files"),
        (["{mono}", "missing.wav"], "missing.wav does not exist"),
    ],
)
def test_what_is_no_call_is_one_sentence(
    run: Run, stereo: Path, model: Path, tmp_path: Path, arguments: list[str], words: str
) -> None:
    mono = tmp_path / "mono.wav"
    sf.write(mono, np.zeros(8_000), 8_000)
    given = [a.format(mono=mono, stereo=stereo) for a in arguments]
    result = run("call", "live", *given, "--headless", "--model", model)
    assert result.exit_code == 2
    assert words in result.stderr
    assert len(result.stderr.strip().splitlines()) == 1


@pytest.mark.portaudio
def test_microphone_and_loopback_are_a_call(pulse: PulseServer, model: Path, short: Path) -> None:
    """Both hear the same output here; it is played only once the call runs."""
    process = launch(
        [
            "call", "live", "--loopback", "default", "--json", "--duration", "7",
            "--model", model, "--provider", "cpu",
        ],
        env=pulse.env,
    )  # fmt: skip
    assert process.stdout is not None
    heard = ""
    deadline = time.monotonic() + 60
    while '"running"' not in heard:
        assert time.monotonic() < deadline
        heard += process.stdout.readline()
    with pulse.play(short) as player:
        player.wait(60)
    out, errors = process.communicate(timeout=240)
    assert process.returncode == 0, errors
    heard += out
    last = lines(heard, "status")[-1]
    streams = last["streams"]
    assert isinstance(streams, list)
    assert [(s["stream"], s["role"], s["missing"]) for s in streams] == [
        ("agent", "agent", False),
        ("customer", "customer", False),
    ]
    assert "Monitor of" in str(last["source"])
    (final,) = [c for c in lines(heard, "conversation") if c["final"]]
    parties = final["parties"]
    assert isinstance(parties, list)
    # The same sound on both sides: nearly all of it is overtalk.
    assert all(p["talk_s"] > 1.0 for p in parties)
    assert parties[0]["talk_s"] == pytest.approx(parties[1]["talk_s"], rel=0.4, abs=0.5)


# Recorded.


def test_a_recorded_call_becomes_results_and_a_conversation(
    run: Run, stereo: Path, model: Path, tmp_path: Path
) -> None:
    out = tmp_path / "out"
    result = run(
        "call", "analyze", stereo, "--out", out, "--format", "json,csv,rttm", "--model", model
    )  # fmt: skip
    assert result.exit_code == 0, result.output
    assert sorted(path.name for path in out.iterdir() if "annotations" not in path.name) == [
        "call.conversation.json", "call.csv", "call.json", "call.rttm", "call.segments.csv",
    ]  # fmt: skip
    told = json.loads((out / "call.conversation.json").read_text())
    assert [p["turns"] for p in told["parties"]] == [2, 2]
    assert told["parties"][1]["interruptions"] == 1
    assert [(s["role"], s["band"], s["native_rate"]) for s in told["streams"]] == [
        ("agent", "narrow", 8_000),
        ("customer", "narrow", 8_000),
    ]
    assert set(told["definitions"]) == {definition.field for definition in DEFINITIONS}
    document = json.loads((out / "call.json").read_text())
    assert [s["role"] for s in document["streams"]] == ["agent", "customer"]
    agent = [w for w in document["windows"] if w["stream"] == "agent"]
    assert all(not w["probabilities"] for w in agent)
    assert "talk time" in result.stdout
    assert "telephone speech, on which tiny was not measured" in result.stderr


def test_two_files_of_different_rates(
    run: Run, model: Path, tmp_path: Path, speech: FloatArray
) -> None:
    audio = spoken(speech, TALK, LENGTH_S)
    sf.write(tmp_path / "a.wav", audio[: 15 * RATE, 0], RATE)
    sf.write(tmp_path / "c.ul", soxr.resample(audio[:, 1], RATE, 8_000), 8_000,
             format="RAW", subtype="ULAW")  # fmt: skip
    result = run(
        "call", "analyze", tmp_path / "a.wav", tmp_path / "c.ul",
        "--out", tmp_path, "--model", model,
    )  # fmt: skip
    assert result.exit_code == 0, result.output
    assert "a.wav ends 5 s before c.ul" in result.stderr
    told = json.loads((tmp_path / "a+c.conversation.json").read_text())
    assert [s["band"] for s in told["streams"]] == ["wide", "narrow"]
    assert told["parties"][1]["interruptions"] == 1


def test_a_call_that_breaks_off_is_told_and_exits_1(
    run: Run, model: Path, tmp_path: Path, speech: FloatArray
) -> None:
    path = tmp_path / "call.flac"
    sf.write(path, spoken(speech, TALK, LENGTH_S), RATE)
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])
    result = run("call", "analyze", path, "--out", tmp_path / "out", "--model", model)
    assert result.exit_code == 1
    assert "cut short" in result.stderr
    assert (tmp_path / "out" / "call.conversation.json").is_file()


# A wall.


def test_a_wall_of_calls_and_one_that_is_missing(
    run: Run, short: Path, model: Path, tmp_path: Path
) -> None:
    other = tmp_path / "other.wav"
    other.write_bytes(short.read_bytes())
    result = run("call", "wall", short, other, "missing.wav", "--json", "--model", model)
    assert result.exit_code == 1
    answers = lines(result.stdout, "prediction")
    assert {a["call"] for a in answers} == {"1", "2"}
    final = {c["call"]: c for c in lines(result.stdout, "conversation")}
    assert final["1"]["duration_s"] == pytest.approx(5.5, abs=0.05)
    assert "missing.wav does not exist" in result.stderr
    assert "windows skipped" in result.stderr


def test_a_wall_goes_on_when_the_graphics_card_is_lost(
    run: Run, short: Path, model: Path, card: list[bool], monkeypatch: pytest.MonkeyPatch
) -> None:
    write = JsonLines.handle

    def lost_at_the_first_answer(out: JsonLines, event: Event) -> None:
        write(out, event)
        card[0] = card[0] or isinstance(event, Prediction)

    monkeypatch.setattr(JsonLines, "handle", lost_at_the_first_answer)
    result = run("call", "wall", short, short, "--json", "--model", model)
    assert result.exit_code == 0, result.output
    assert result.stderr.count("CUDA stopped working, so the model runs on the CPU") == 1
    last = {s["call"]: s for s in lines(result.stdout, "status") if s["state"] == "stopped"}
    assert [last[call]["provider"] for call in ("1", "2")] == ["CPU", "CPU"]
    answers = [a for a in lines(result.stdout, "prediction") if a["stream"] == "customer"]
    assert {a["call"] for a in answers} == {"1", "2"}
    assert max(float(str(a["end_s"])) for a in answers) > 4.5


def test_a_wall_without_any_call_is_an_error(run: Run, model: Path) -> None:
    result = run("call", "wall", "missing.wav", "--model", model)
    assert result.exit_code == 2
    assert "None of the calls could be monitored." in result.stderr


# Words.


def test_the_table_says_what_there_is_and_no_more() -> None:
    from rich.console import Console

    console = Console(record=True, width=100)
    console.print(conversation_table(measured("####......", "...####...")))
    console.print(conversation_line(measured("####......", "...####...")))
    console.print(conversation_line(measured("####......")))
    text = console.export_text()
    assert "00:02.0  50\u00a0%" in text
    assert "−0.50 s" in text
    assert "overtalk 00:00.5 in 1" in text
    assert text.count("overtalk") == 1  # a mono recording has none to tell


def test_the_card_s_telephone_column_is_told_where_it_matters() -> None:
    scores = {"telephone ravdess window uar": 0.6, "clean ravdess window uar": 0.7}
    metadata = tiny_metadata(scores=scores)
    assert metadata.telephone_scores == {"ravdess": 0.6}
    assert metadata.clean_scores == {"ravdess": 0.7}

    def stream(band: Band | None, *, emotion: bool) -> StreamStatus:
        return StreamStatus("x", role=Role.CUSTOMER, emotion=emotion, native_rate=8_000, band=band)

    told = telephone_note([stream(Band.NARROW, emotion=True)], metadata)
    assert told is not None
    assert "ravdess 60\u00a0%" in told
    assert "chance 12\u00a0%" in told
    assert telephone_note([stream(Band.NARROW, emotion=False)], metadata) is None
    assert telephone_note([stream(Band.WIDE, emotion=True)], metadata) is None
    assert telephone_note([stream(None, emotion=True)], metadata) is None


def test_names_of_calls_stand_as_they_are(capsys: pytest.CaptureFixture[str]) -> None:
    stopped = EngineStatus(EngineState.STOPPED)
    card: Any = SimpleNamespace(call=SimpleNamespace(name="a [1].wav"), status=stopped, alerts=0)
    meter = ConversationMeter([Party(role.value, role) for role in Role], 16_000)
    table = wall._table()
    table.add_row(*wall._cells(card, meter.finish()))
    print_table(table)
    assert "a [1].wav" in capsys.readouterr().out
