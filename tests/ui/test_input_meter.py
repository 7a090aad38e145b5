"""Inputs before the start: their names, their levels, and what is remembered of each."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import soundfile as sf
from pytestqt.qtbot import QtBot

from emolive.audio import beside
from emolive.audio.aligned import AlignedSource
from emolive.audio.call_devices import CallDevices
from emolive.audio.devices import InputDevice
from emolive.audio.level_probe import ProbeStatus, StreamLevel
from emolive.audio.loopback import LoopbackDevice, LoopbackKind
from emolive.settings import Settings, SettingsStore
from emolive.ui.calls.agent_switch import StatementDialog
from emolive.ui.calls.page import CallsPage
from emolive.ui.calls.start_dialog import StartDialog
from emolive.ui.device_finder import DeviceWatch
from emolive.ui.main_window import MainWindow
from emolive.ui.preferences import Preferences
from emolive.ui.theme import DARK
from tests.pulse import MICROPHONE_NAME, SINK, PulseServer
from tests.ui import feed

MONITOR = InputDevice(9, "Monitor of Speakers", "PulseAudio", 2, 48_000, False, "sp.monitor", True)
DEVICES = (
    InputDevice(7, "Built-in microphone", "PulseAudio", 1, 44_100, True, "built-in"),
    InputDevice(8, "USB interface", "PulseAudio", 2, 48_000, False, "usb"),
    MONITOR,
)
SPEAKERS = LoopbackDevice(
    "sp.monitor", "Monitor of Speakers", LoopbackKind.PULSE, 2, 48_000, True, 9
)
HEADSET = replace(SPEAKERS, name="hs.monitor", description="Monitor of Headset", is_default=False)


@pytest.fixture
def preferences() -> Preferences:
    chosen = feed.preferences("dark")
    chosen.change("privacy", level_before=True)
    return chosen


@pytest.fixture
def window(qtbot: QtBot, runs: feed.FakeRuns, preferences: Preferences) -> Iterator[MainWindow]:
    feed.FakeProbe.made.clear()
    made = MainWindow(runs, preferences, lister=lambda: DEVICES, make_probe=feed.FakeProbe)
    qtbot.addWidget(made)
    made.show()
    qtbot.waitExposed(made)
    qtbot.waitUntil(lambda: made.live.header.picker.findText("USB interface") >= 0)
    yield made
    made.close()
    assert not any(probe.open for probe in feed.FakeProbe.made), "every input was let go"


def choose(window: MainWindow, text: str) -> None:
    picker = window.live.header.picker
    picker.setCurrentIndex(picker.findText(text))
    picker.activated.emit(picker.currentIndex())


def open_probes() -> list[feed.FakeProbe]:
    return [probe for probe in feed.FakeProbe.made if probe.open]


def test_what_the_computer_plays_stands_apart(
    window: MainWindow, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(beside, "list_loopbacks", lambda: [SPEAKERS])
    picker = window.live.header.picker
    texts = [picker.itemText(row) for row in range(picker.count())]
    assert texts[:5] == [
        "System default (Built-in microphone)",
        "Built-in microphone",
        "USB interface",
        "System default (Built-in microphone) + what this computer plays",
        "Look for inputs again",
    ]
    heading = texts.index("What this computer plays")
    assert texts[heading + 1] == "Monitor of Speakers"
    assert not picker.model().item(heading).isEnabled()
    choose(window, "USB interface")
    choose(window, "USB interface + what this computer plays")
    assert picker.choice.computer
    assert not window.live.header.split.isEnabled(), "there are two streams already"
    assert window.preferences.settings.input.computer
    assert isinstance(open_probes()[-1].source, AlignedSource)
    choose(window, "Demo clip")
    assert not window.live.header.meter.isVisible()
    assert not open_probes()


def test_an_input_is_open_only_while_its_level_is_in_view(
    qtbot: QtBot, window: MainWindow, runs: feed.FakeRuns
) -> None:
    meter = window.live.header.meter
    (probe,) = open_probes()
    qtbot.waitUntil(lambda: "dBFS" in meter.accessibleDescription() or not probe.now.streams)
    window.show_settings()
    assert not open_probes()
    window.show_page(0)
    assert len(open_probes()) == 1
    window.preferences.change("privacy", level_before=False)
    assert not open_probes()
    assert not meter.isVisible()
    window.preferences.change("privacy", level_before=True)
    assert len(open_probes()) == 1
    window.live.start()
    assert not open_probes(), "the run has it now"
    qtbot.waitUntil(lambda: bool(runs.made))
    window.live.toggle()
    qtbot.waitUntil(lambda: len(open_probes()) == 1, timeout=10_000)


def test_silent_and_too_loud_are_said_in_a_word(qtbot: QtBot, window: MainWindow) -> None:
    meter = window.live.header.meter
    (probe,) = open_probes()
    probe.now = ProbeStatus(-70.0, streams=(StreamLevel("mono", -70.0, silent=True),))
    qtbot.waitUntil(lambda: meter.accessibleDescription() == "about -72 dBFS silent")
    assert "Nothing is heard" in meter.toolTip()
    assert "neither kept nor sent anywhere" in meter.toolTip()
    loud = StreamLevel("microphone", -1.0, clipped=True)
    probe.now = ProbeStatus(-1.0, streams=(loud, StreamLevel("computer", -30.0)))
    told = "microphone about 0 dBFS too loud; computer about -30 dBFS"
    qtbot.waitUntil(lambda: meter.accessibleDescription() == told)
    probe.now = ProbeStatus(problem="The input is in use: close the other program.")
    qtbot.waitUntil(lambda: meter.toolTip().startswith("The input is in use"))
    probe.now = ProbeStatus(-math.inf, zeros=True)
    qtbot.waitUntil(lambda: "digital silence" in meter.toolTip())


def test_the_list_follows_what_comes_and_goes(qtbot: QtBot, window: MainWindow) -> None:
    there = [("a",), ("a",), ("a", "b"), None, ("a", "b")]
    told = []
    watch = DeviceWatch(window, lambda: there.pop(0))
    watch.changed.connect(lambda: told.append(len(there)))
    for left in range(4, -1, -1):
        watch._look()
        qtbot.waitUntil(lambda left=left: len(there) == left and not watch._work.busy)
    qtbot.waitUntil(lambda: told == [2])
    watch.end(1.0)
    paused = []
    meter = window.live.header.meter
    window.finder.looking.connect(lambda: paused.append(open_probes()))
    window.watch.changed.emit()
    assert paused == [[]], "PortAudio finds new inputs only while none is open"
    qtbot.waitUntil(lambda: len(open_probes()) == 1)
    assert meter.isVisible()


def test_each_input_has_its_channels_and_its_group_again(
    window: MainWindow, preferences: Preferences
) -> None:
    choose(window, "USB interface")
    window.live.header.split.click()
    preferences.change("baseline", group="Team A")
    choose(window, "Built-in microphone")
    window.live.header.want_split(False)
    preferences.change("input", channels=1)
    preferences.change("baseline", group="")
    assert not window.live.header.split.isChecked()
    choose(window, "USB interface")
    assert window.live.header.split.isChecked()
    assert preferences.settings.input.channels == 2
    assert preferences.settings.baseline.group == "Team A"
    window.settings_page.privacy.input.click()
    assert preferences.settings.input.devices == {}, "nothing is remembered any more"


def test_a_computer_with_many_inputs_forgets_the_oldest(tmp_path: Path) -> None:
    settings = Settings()
    for number in range(60):
        settings = settings.with_device(f"input {number}")
    assert len(settings.input.devices) == 50
    assert settings.input.of("input 58") is not None
    assert settings.input.of("input 0") is None
    store = SettingsStore(tmp_path / "settings.json")
    store.save(settings)
    assert store.load().settings.input == settings.input


@pytest.fixture
def page(qtbot: QtBot, preferences: Preferences) -> Iterator[CallsPage]:
    feed.FakeProbe.made.clear()
    found = CallDevices(DEVICES, (SPEAKERS, HEADSET))
    made = CallsPage(preferences, DARK, find_devices=lambda: found, make_probe=feed.FakeProbe)
    qtbot.addWidget(made)
    made.show()
    yield made
    made.end(0.0)


def ask(qtbot: QtBot, page: CallsPage, kind: int) -> StartDialog:
    dialog = page.ask_for_call()
    qtbot.waitUntil(lambda: dialog.loopback.choice is not None)
    dialog.show_page(kind)
    return dialog


def test_a_call_on_two_devices_shows_both_levels(qtbot: QtBot, page: CallsPage) -> None:
    dialog = ask(qtbot, page, 2)
    form = dialog.loopback
    qtbot.waitUntil(lambda: len(open_probes()) == 2)
    agent, customer = open_probes()
    assert agent.source._wanted == "Built-in microphone, PulseAudio"
    assert customer.source._wanted == "sp.monitor"
    customer.now = ProbeStatus(-80.0, streams=(StreamLevel("mono", -80.0, silent=True),))
    qtbot.waitUntil(lambda: "silent" in form.customer_meter.accessibleDescription())
    assert "silent" not in form.agent_meter.accessibleDescription()
    form.loopback.setCurrentIndex(1)
    assert [probe.source._wanted for probe in open_probes()] == [agent.source._wanted, "hs.monitor"]
    dialog.show_page(0)
    assert not open_probes()
    dialog.show_page(2)
    form.microphone.setCurrentIndex(1)
    form.loopback.setCurrentIndex(1)
    form.remember()
    dialog.reject()
    assert not open_probes()
    again = ask(qtbot, page, 2)
    assert again.loopback.choice is not None
    assert again.loopback.choice.loopback == HEADSET, "as it was with this microphone"
    assert again.loopback.microphone.currentText() == "USB interface", "the one used last"
    again.reject()


def test_a_stereo_device_shows_both_parties_and_keeps_their_channels(
    qtbot: QtBot, page: CallsPage
) -> None:
    dialog = ask(qtbot, page, 1)
    form = dialog.stereo
    qtbot.waitUntil(lambda: len(open_probes()) == 1)
    open_probes()[0].now = ProbeStatus(
        -20.0, streams=(StreamLevel("left", -20.0), StreamLevel("right", -50.0, silent=True))
    )
    told = "Agent about -18 dBFS; Customer about -48 dBFS silent"
    qtbot.waitUntil(lambda: form.meter.accessibleDescription() == told)
    form.side.setCurrentIndex(1)
    assert form.meter.accessibleDescription().startswith("Customer about -18")
    form.remember()
    dialog.reject()
    again = ask(qtbot, page, 1)
    assert again.stereo.side.value() == "right"
    again.reject()


def _confirm(dialog: StartDialog) -> None:
    dialog.agent.box.click()
    (statement,) = dialog.findChildren(StatementDialog)
    statement.taken.click()
    statement.confirm.click()
    statement.setParent(None)
    assert dialog.agent.confirmed


def test_agents_emotions_are_confirmed_for_the_very_devices_that_are_chosen(
    qtbot: QtBot, preferences: Preferences
) -> None:
    other = InputDevice(10, "Telephone adapter", "PulseAudio", 2, 48_000, False, "telephone")
    found = CallDevices((*DEVICES, other), (SPEAKERS, HEADSET))
    lists = [found]
    dialog = StartDialog(
        DARK, preferences=preferences, make_probe=feed.FakeProbe, find=lambda: lists[0]
    )
    qtbot.addWidget(dialog)
    dialog.show()
    qtbot.waitUntil(lambda: dialog.loopback.choice is not None)
    ways = {
        1: (dialog.stereo.side, dialog.stereo.device),
        2: (dialog.loopback.loopback, dialog.loopback.microphone),
    }
    for page, boxes in ways.items():
        dialog.show_page(page)
        for box in boxes:
            _confirm(dialog)
            box.setCurrentIndex(1 - box.currentIndex())
            assert not dialog.agent.confirmed, box.accessibleName()
            assert not dialog.agent.box.isChecked()
    dialog.show_page(1)
    dialog.agent.box.click()
    (statement,) = dialog.findChildren(StatementDialog)
    lists[0] = CallDevices((*DEVICES[:2], MONITOR), ())  # the adapter goes while it is read
    dialog.stereo.device.setCurrentIndex(dialog.stereo.device.findText("Telephone adapter"))
    dialog._watch.changed.emit()
    qtbot.waitUntil(lambda: dialog.stereo.device.findText("Telephone adapter") < 0)
    statement.taken.click()
    statement.confirm.click()
    assert not dialog.agent.confirmed, "it was asked about another device"
    dialog.reject()


@pytest.mark.portaudio
def test_a_real_microphone_moves_the_bar_before_the_start(
    qtbot: QtBot, runs: feed.FakeRuns, pulse: PulseServer, preferences: Preferences, tmp_path: Path
) -> None:
    t = np.arange(30 * 48_000) / 48_000
    sf.write(tmp_path / "tone.wav", 0.1 * np.sin(2 * np.pi * 500 * t), 48_000)
    with pulse.in_this_process():
        window = MainWindow(runs, preferences)
        qtbot.addWidget(window)
        window.show()
        picker, meter = window.live.header.picker, window.live.header.meter
        name = f"System default ({MICROPHONE_NAME})"
        qtbot.waitUntil(lambda: picker.currentText() == name, timeout=20_000)
        qtbot.waitUntil(lambda: "silent" in meter.accessibleDescription(), timeout=20_000)
        player = pulse.play(tmp_path / "tone.wav", SINK)
        try:
            heard = "about -24 dBFS"
            qtbot.waitUntil(lambda: meter.accessibleDescription() == heard, timeout=20_000)
            pulse.add_microphone("second", "Second microphone")
            listed = lambda: picker.findText("Second microphone") >= 0  # noqa: E731
            qtbot.waitUntil(listed, timeout=20_000)
        finally:
            player.kill()
            player.wait(60)
            window.close()
