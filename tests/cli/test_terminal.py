from __future__ import annotations

import io
from collections.abc import Iterator
from dataclasses import replace

import numpy as np
import pytest
from rich.console import Console
from rich.text import Text

from emolive.cli.terminal import TerminalTimeline
from emolive.labels import swatch
from emolive.types import (
    Baseline,
    EngineState,
    EngineStatus,
    Familiarity,
    FeatureBlock,
    Prediction,
    Shift,
    SpeechState,
    StreamStatus,
)
from tests.models import LABELS

HAPPY = np.array([0.1, 0.05, 0.6, 0.05, 0.05, 0.05, 0.05, 0.05], np.float32)


class Screen:
    """A timeline on a terminal of a given size."""

    def __init__(self, width: int, height: int = 24) -> None:
        self.console = Console(
            width=width, height=height, file=io.StringIO(), force_terminal=True,
            color_system="truecolor",
        )  # fmt: skip
        self.view = TerminalTimeline(LABELS, 16_000, 0.5, self.console)

    def lines(self) -> list[str]:
        return Text.from_ansi(self.styled()).plain.splitlines()

    def styled(self) -> str:
        with self.console.capture() as capture:
            self.console.print(self.view.render())
        return capture.get()


@pytest.fixture
def screen() -> Iterator[Screen]:
    made = Screen(80)
    yield made
    made.view.close()


def answer(
    label: str | None, state: SpeechState = SpeechState.SPEECH, stream: str = "mono", index: int = 0
) -> Prediction:
    silent = state is SpeechState.SILENCE
    return Prediction(
        stream,
        index * 8_000,
        index * 8_000 + 48_000,
        None if silent else HAPPY,
        state,
        label,
        0.0 if silent else 0.62,
        0.0 if silent else 0.8,
        0.02,
    )


def status(*streams: str, **fields: object) -> EngineStatus:
    counters = tuple(StreamStatus(name) for name in streams)
    defaults: dict[str, object] = {
        "source": "demo.flac",
        "provider": "CPU",
        "model": "tiny",
        "elapsed_s": 65.25,
        "latency_ms": 24.0,
        "streams": counters,
    }
    return EngineStatus(EngineState.RUNNING, **(defaults | fields))  # type: ignore[arg-type]


def test_the_emotion_is_large_with_its_confidence_and_colour(screen: Screen) -> None:
    screen.view.handle(status("mono"))
    screen.view.handle(answer("happy"))
    text = "\n".join(screen.lines())
    assert "H A P P Y" in text
    assert "62\u00a0%" in text
    assert "happy" in text
    red, green, blue = (int(swatch("happy").dark[i : i + 2], 16) for i in (1, 3, 5))
    assert f"48;2;{red};{green};{blue}" in screen.styled()
    for fact in ("demo.flac", "running", "01:05", "CPU", "tiny", "latency 24 ms", "skipped 0"):
        assert fact in text


def test_lost_sound_is_told_where_there_is_some(screen: Screen) -> None:
    screen.view.handle(status("agent", "customer"))
    assert "lost" not in "\n".join(screen.lines())
    lost = (StreamStatus("agent"), StreamStatus("customer", samples_lost=36_800))
    screen.view.handle(status(streams=lost))
    assert "lost 2.3 s" in "\n".join(screen.lines())


def test_a_processor_that_takes_over_is_told(screen: Screen) -> None:
    note = "CUDA stopped working, so the model runs on the CPU from now on."
    screen.view.handle(status("mono", provider="CUDA", provider_note="On GPU 0."))
    screen.view.handle(answer("happy"))
    assert "On GPU 0." not in "\n".join(screen.lines())  # was said before
    screen.view.handle(status("mono", provider="CPU", provider_note=note))
    screen.view.handle(status("mono", provider="CPU", provider_note=note, hint="Too quiet."))
    assert "CUDA stopped working" in "\n".join(screen.lines())


def test_silence_and_uncertain_look_different_from_an_emotion(screen: Screen) -> None:
    screen.view.handle(status("mono"))
    screen.view.handle(answer("happy"))
    screen.view.handle(answer(None, SpeechState.UNCERTAIN, index=1))
    screen.view.handle(answer(None, SpeechState.SILENCE, index=2))
    lines = screen.lines()
    strip = next(line for line in lines if "█▒·" in line)
    assert strip.rstrip(" │").endswith("█▒·")
    assert any("silence" in line for line in lines[:8])
    assert "H A P P Y" not in "\n".join(lines)


def test_the_strip_runs_and_is_bounded(screen: Screen) -> None:
    screen.view.handle(status("mono"))
    for index in range(500):
        screen.view.handle(answer("happy", index=index))
    screen.view.handle(answer(None, SpeechState.SILENCE, index=500))
    (strip,) = (line for line in screen.lines() if "█·" in line)
    assert strip.count("█") == 75
    assert any("−38 s" in line and "now" in line for line in screen.lines())


@pytest.mark.parametrize("streams", [("mono",), ("left", "right")])
def test_it_fits_80_by_24(streams: tuple[str, ...]) -> None:
    screen = Screen(80)
    screen.view.handle(status(*streams, windows_skipped=12, overflows=3, reconnects=1))
    for stream in streams:
        for index in range(200):
            screen.view.handle(answer("surprised", stream=stream, index=index))
        screen.view.handle(
            FeatureBlock(stream, 0, 160, np.zeros((128, 1), np.float32), -23.0, -9.0, True)
        )
    lines = screen.lines()
    screen.view.close()
    assert len(lines) <= 24
    assert max(map(len, lines)) <= 80
    assert "−23 dB" in "\n".join(lines)
    if len(streams) == 2:
        assert any("left" in line for line in lines)


@pytest.mark.parametrize("width", [50, 200])
def test_other_widths_do_not_break_it(width: int) -> None:
    screen = Screen(width)
    screen.view.handle(status("mono", hint="Mic delivers only digital silence."))
    screen.view.handle(answer("happy"))
    lines = screen.lines()
    screen.view.close()
    assert max(map(len, lines)) <= width
    assert "digital silence" in "\n".join(lines)


def test_a_lost_device_is_explained(screen: Screen) -> None:
    screen.view.handle(
        EngineStatus(EngineState.RECONNECTING, reason="Mic is gone: plug it in again.")
    )
    text = "\n".join(screen.lines())
    assert "reconnecting" in text
    assert "Mic is gone" in text


def test_before_the_first_window_it_listens(screen: Screen) -> None:
    screen.view.handle(status("mono"))
    screen.view.tick()
    assert "listening" in "\n".join(screen.lines())


def test_closing_twice_is_harmless(screen: Screen) -> None:
    screen.view.close()
    screen.view.close()


def test_speech_that_the_model_does_not_know_is_said_through_silence(screen: Screen) -> None:
    unlike = Shift(1.0, Familiarity.UNLIKE)
    screen.view.handle(replace(answer("happy"), shift=unlike))
    screen.view.handle(answer(None, SpeechState.SILENCE, index=1))
    assert any("unlike anything this model was trained on" in line for line in screen.lines())
    screen.view.handle(replace(answer("happy", index=2), shift=Shift(0.1, Familiarity.FAMILIAR)))
    assert not any("unlike" in line or "familiar" in line for line in screen.lines())


def test_it_says_how_far_answers_are_adapted(screen: Screen) -> None:
    screen.view.handle(answer("happy"))
    assert not any("adapted" in line for line in screen.lines())
    known = Baseline("Headset", 42.3, 9, 0.49, 0.45)
    screen.view.handle(replace(answer("happy", index=1), baseline=known))
    assert any("adapted to this source: 42 min" in line for line in screen.lines())
