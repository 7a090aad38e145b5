"""The window on the real engine: real audio in, real decisions on the screen."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import numpy as np
import pytest
import soundfile
from pytestqt.qtbot import QtBot

from emolive import resources
from emolive.alerts.conditions.silence import SilenceRule
from emolive.alerts.rules import RuleSet
from emolive.errors import EmoliveError
from emolive.monitoring import Monitoring, RunSettings
from emolive.monitoring.sources import SourceChoice, SourceKind
from emolive.types import EngineState, SpeechState
from emolive.ui.live.runner import RunController
from emolive.ui.live.sources import DEMO, file_choice
from emolive.ui.main_window import MainWindow
from emolive.ui.messages import Action
from emolive.ui.runs import Run, Runs
from tests.models import tiny_model
from tests.ui import feed


@pytest.fixture
def window(qtbot: QtBot, tmp_path: Path) -> Iterator[MainWindow]:
    tiny_model(tmp_path / "tiny.onnx")
    settings = RunSettings(tmp_path / "tiny.onnx", "cpu", 0.5)
    made = MainWindow(Runs(settings), feed.preferences("dark"), lister=lambda: ())
    qtbot.addWidget(made)
    made.show()
    qtbot.waitExposed(made)
    yield made
    made.close()


@pytest.fixture
def demo(tmp_path: Path) -> Path:
    """The first seconds of the demo clip on the left; half as loud and backwards on the right."""
    samples, rate = soundfile.read(resources.asset(resources.DEMO_AUDIO), frames=6 * 16_000)
    path = tmp_path / "two voices.wav"
    soundfile.write(path, np.stack([samples, samples[::-1] / 2], axis=1), rate)
    return path


def test_the_demo_clip_becomes_a_timeline(qtbot: QtBot, window: MainWindow) -> None:
    before = set(threading.enumerate())
    window.play(DEMO)
    qtbot.waitUntil(lambda: window.runner.state is EngineState.RUNNING, timeout=20_000)
    assert window.runner.model is not None
    model = window.runner.model
    qtbot.waitUntil(lambda: model.end_s > 5.0, timeout=20_000)
    stream = model.streams["mono"]
    qtbot.waitUntil(lambda: len(stream.decisions.rows(0, 60)) >= 3, timeout=10_000)
    assert stream.current is not None
    assert window.live.present.cards[0].text.state is stream.current.state
    assert window.live.header.health.details.provider.value.text() == "CPU"
    assert stream.levels.cells(0, 30)[0].max() > -60
    assert stream.spectrogram.columns(np.arange(100, 300)).max() > 100
    window.close()
    qtbot.waitUntil(
        lambda: (
            not [
                t
                for t in {*threading.enumerate()} - before
                if t.name.startswith(("emolive", "play "))
            ]
        ),
        timeout=10_000,
    )


def test_a_file_with_two_channels_becomes_two_timelines_and_ends(
    qtbot: QtBot, window: MainWindow, demo: Path
) -> None:
    window.live.header.select(file_choice(demo))
    window.live.header.split.click()
    window.live.start()
    qtbot.waitUntil(lambda: window.runner.state is EngineState.STOPPED, timeout=40_000)
    model = window.runner.model
    assert model is not None
    assert list(model.streams) == ["left", "right"]
    assert model.end_s == pytest.approx(6.0, abs=0.05)
    for stream in model.streams.values():
        rows = stream.decisions.rows(0, 10)
        assert rows.centre_s[0] == 1.5
        assert rows.centre_s[-1] == pytest.approx(4.5, abs=0.05)
    left, right = (stream.levels.cells(0, 60)[0] for stream in model.streams.values())
    # The right one is the left one from its end, at half the amplitude.
    assert np.nanmedian(left - right[::-1]) == pytest.approx(6.0, abs=1.0)
    assert window.banner.message is not None
    assert window.banner.message.text == "two voices.wav has ended."
    assert window.banner.message.action is Action.REPLAY


def test_silence_is_silence(qtbot: QtBot, window: MainWindow, tmp_path: Path) -> None:
    path = tmp_path / "quiet.wav"
    noise = np.random.default_rng(0).normal(0, 1e-4, 5 * 44_100)
    soundfile.write(path, noise, 44_100)
    window.play(file_choice(path))
    model = None

    def current() -> bool:
        nonlocal model
        model = window.runner.model
        return model is not None and any(s.current for s in model.streams.values())

    qtbot.waitUntil(current, timeout=20_000)
    assert model is not None
    now = model.streams["mono"].current
    assert now is not None
    assert (now.state, now.label, now.probabilities) == (SpeechState.SILENCE, None, None)
    qtbot.waitUntil(lambda: window.live.present.cards[0].text.headline == "Silence")


@pytest.mark.parametrize(
    ("content", "part"),
    [(None, "missing.wav"), (b"no audio at all", "broken.wav"), (b"", "empty.wav")],
)
def test_a_file_that_cannot_be_played_is_one_sentence(
    qtbot: QtBot, window: MainWindow, tmp_path: Path, content: bytes | None, part: str
) -> None:
    path = tmp_path / part
    if content is not None:
        path.write_bytes(content)
    window.play(file_choice(path))
    qtbot.waitUntil(lambda: window.runner.state is EngineState.FAILED, timeout=20_000)
    assert window.banner.message is not None
    assert part in window.banner.message.text
    assert "\n" not in window.banner.message.text


def test_a_model_that_is_none_is_one_sentence(qtbot: QtBot, tmp_path: Path) -> None:
    made = MainWindow(
        Runs(RunSettings(tmp_path / "none.onnx")),
        feed.preferences("light"),
        lister=lambda: (),
    )
    qtbot.addWidget(made)
    made.play(DEMO)
    qtbot.waitUntil(lambda: made.runner.state is EngineState.FAILED, timeout=20_000)
    assert made.banner.message is not None
    assert "none.onnx" in made.banner.message.text
    made.close()


def test_a_device_that_is_not_there_is_a_banner_with_the_demo(
    qtbot: QtBot, window: MainWindow
) -> None:
    window.play(SourceChoice(SourceKind.MICROPHONE, "Ghost", "no such device 4711"))
    qtbot.waitUntil(lambda: window.runner.state.over, timeout=20_000)
    assert window.banner.message is not None
    assert window.banner.message.action is Action.DEMO


def test_stop_and_start_use_the_model_again(
    qtbot: QtBot, window: MainWindow, monkeypatch: pytest.MonkeyPatch
) -> None:
    for _ in range(2):
        window.play(DEMO)
        qtbot.waitUntil(lambda: window.runner.state is EngineState.RUNNING, timeout=20_000)
        qtbot.waitUntil(lambda: window.runner.model is not None and window.runner.model.end_s > 0.3)
        run, ended = window.runner.run, threading.Event()
        assert run is not None
        monkeypatch.setattr(
            run, "stop", lambda within, stop=run.stop, ended=ended: ended.wait(60) and stop(within)
        )
        window.runner.stop()  # the window does not wait
        assert not ended.is_set()
        assert window.runner.state is EngineState.STOPPING
        ended.set()
        qtbot.waitUntil(lambda: window.runner.state is EngineState.STOPPED, timeout=5_000)


class HeldRuns(Runs):
    """Real runs that are handed over when `gate` is set, and `broken` ones that fail to begin."""

    def __init__(self, settings: RunSettings, monitoring: Monitoring) -> None:
        super().__init__(settings, monitoring)
        self.gate = threading.Event()
        self.broken = False
        self.made: list[Run] = []

    def prepare(self, choice: SourceChoice, *, split: bool) -> Run:
        run = super().prepare(choice, split=split)
        self.made.append(run)
        assert self.gate.wait(60)
        if self.broken:
            begins = run.start

            def breaks() -> None:
                begins()
                raise EmoliveError("This one does not begin.")

            run.start = breaks  # type: ignore[method-assign]
        return run


@pytest.mark.parametrize("broken", [False, True])
def test_a_run_that_does_not_begin_leaves_nothing(
    qtbot: QtBot, tmp_path: Path, broken: bool
) -> None:
    tiny_model(tmp_path / "tiny.onnx")
    rules = RuleSet(rule=(SilenceRule(name="Quiet", longer_than_s=1.0),))
    settings = RunSettings(tmp_path / "tiny.onnx", "cpu", rules=rules, library=tmp_path)
    with closing(Monitoring(max_runs=1)) as monitoring:
        before = set(threading.enumerate())
        runs = HeldRuns(settings, monitoring)
        controller = RunController(runs)
        for count in range(1, 3):  # of which there can be one at a time
            runs.gate.clear()
            runs.broken = broken
            over = controller.failed if broken else controller.stopped
            with qtbot.waitSignal(over):
                controller.start(DEMO, split=False)
                qtbot.waitUntil(lambda count=count: len(runs.made) == count)
                if not broken:
                    controller.stop()
                runs.gate.set()
            run = runs.made[-1]
            assert run.heard is not None
            assert run.heard.over
        assert not monitoring.rules._held
        runs.broken = False
        with qtbot.waitSignal(controller.started):
            controller.start(DEMO, split=False)
        assert controller.shutdown(20.0)
        left = lambda: set(threading.enumerate()) - before  # noqa: E731
        qtbot.waitUntil(lambda: not left())
