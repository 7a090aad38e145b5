"""Recording a call from the calls page: a real pool, a real library, a tiny model."""

from __future__ import annotations

import shutil
import threading
import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
import soundfile
from PySide6.QtCore import Qt
from pytestqt.qtbot import QtBot

from emolive.alerts.conditions.emotion import EmotionRule
from emolive.alerts.rule_file import save_rules
from emolive.alerts.rules import RuleSet
from emolive.session.library import Library
from emolive.session.records import SessionInfo, SessionState
from emolive.types import Role, SpeechState
from emolive.ui.calls.model import CallModel
from emolive.ui.calls.page import CallsPage
from emolive.ui.dialog import ConsentDialog
from emolive.ui.messages import Message
from tests.ui import call_scenes, feed
from tests.ui.test_calls_page import opened_page

ANGRY = EmotionRule(
    name="Customer upset", emotions=("angry",), role=Role.CUSTOMER, probability=0.5, for_s=0.5
)


@pytest.fixture
def library(tmp_path: Path) -> Iterator[Library]:
    with Library.open(tmp_path / "library") as opened:
        yield opened


@pytest.fixture
def page(qtbot: QtBot, tmp_path: Path, library: Library) -> Iterator[CallsPage]:
    rules = tmp_path / "rules.toml"
    save_rules(RuleSet(rule=(ANGRY,)), rules)
    preferences = feed.preferences("dark", alerts={"rules_file": rules})
    with opened_page(qtbot, preferences, tmp_path) as made:
        made.set_library(library)
        yield made


def answered(model: CallModel) -> bool:
    return model.main is not None and model.main.decisions.count > 1


def begun(page: CallsPage, qtbot: QtBot) -> CallModel:
    """The only call, once it answers."""
    calls = page.controller
    qtbot.waitUntil(
        lambda: len(calls.models) == 1 and answered(calls.models[0]),
        timeout=60_000,
    )
    return page.controller.models[0]


def recorded_s(model: CallModel) -> float:
    return model.recording.elapsed_s if model.recording is not None else 0.0


def consent(page: CallsPage, qtbot: QtBot) -> ConsentDialog:
    def dialogs() -> list[ConsentDialog]:
        return page.window().findChildren(ConsentDialog)

    qtbot.waitUntil(lambda: len(dialogs()) == 1, timeout=20_000)
    return dialogs()[0]


def finished(library: Library, qtbot: QtBot) -> SessionInfo:
    qtbot.waitUntil(
        lambda: [s.state for s in library.sessions()] == [SessionState.COMPLETE], timeout=30_000
    )
    return library.sessions()[0]


def test_a_call_is_recorded_from_its_start_until_a_person_ends_that(
    page: CallsPage, library: Library, qtbot: QtBot, tmp_path: Path
) -> None:
    kept: list[str] = []
    page.controller.recording.recorded.connect(kept.append)
    call = call_scenes.stereo_call(tmp_path / "talk.wav", 60)
    dialog = page.ask_for_call(call.files)
    qtbot.waitUntil(lambda: len(dialog.recordings.calls) == 1, timeout=20_000)
    assert not dialog.record.isChecked()
    assert "sound" in dialog.record.accessibleDescription()
    dialog.record.click()
    dialog.begin.click()
    reminder = consent(page, qtbot)
    assert not page.controller.models, "who is asked has not been recorded before"
    reminder.agree.click()
    model = begun(page, qtbot)
    qtbot.waitUntil(lambda: recorded_s(model) > 6 and bool(model.alerts), timeout=60_000)
    assert not library.settings().consent_due
    page.tick()
    tile = page.wall.grid.tiles[model.info.id]
    assert tile.face.recorded
    assert "recorded" in tile.accessibleDescription()
    page.open_call(model.info.id)
    assert "0:0" in page.call.record.text()
    assert "B" in page.call.record.text()
    monitor = page.controller._monitor
    session_id = monitor._calls[model.info.id].run.session_id
    watch = monitor._calls[model.info.id].run.alerts.watch
    assert watch is not None
    assert watch._context.session() == session_id is not None

    page.call.record.click()
    info = finished(library, qtbot)
    qtbot.waitUntil(lambda: kept == [info.id], timeout=10_000)
    assert info.id == session_id
    assert info.title == "talk"
    assert not model.over, "the call goes on"
    count = model.main.decisions.count if model.main else 0
    qtbot.waitUntil(lambda: bool(model.main and model.main.decisions.count > count), timeout=30_000)
    assert page.call.record.text().strip() == "Record"
    assert watch._context.session() is None

    roles = {stream.name: (stream.role, stream.emotion) for stream in info.streams}
    assert roles == {"agent": (Role.AGENT, False), "customer": (Role.CUSTOMER, True)}
    for name in roles:
        path = library.audio_path(info.id, name)
        assert path is not None
        samples, rate = soundfile.read(path)
        assert rate == call_scenes.RATE
        assert abs(samples).max() > 0.01, name
        assert len(samples) / rate == pytest.approx(info.duration_s, abs=0.01)
    # The agent's segments say when somebody spoke, never how.
    found = {(s.stream, s.label) for s in library.segments(info.id)}
    assert ("customer", "angry") in found
    assert {label for stream, label in found if stream == "agent"} <= {
        SpeechState.NOT_INFERRED,
        SpeechState.SILENCE,
    }
    assert any(alert.rule == "Customer upset" for alert in library.alerts(info.id))


def test_a_call_is_recorded_from_the_middle_and_until_it_is_removed(
    page: CallsPage, library: Library, qtbot: QtBot, tmp_path: Path
) -> None:
    library.confirm_consent()
    page.preferences.change("recording", save_audio=False)
    page.start([call_scenes.stereo_call(tmp_path / "talk.wav", 60)])
    model = begun(page, qtbot)
    page.open_call(model.info.id)
    page.activateWindow()
    qtbot.waitUntil(page.isActiveWindow, timeout=5_000)
    qtbot.keyClick(page.call.back, Qt.Key.Key_R)
    qtbot.waitUntil(lambda: recorded_s(model) > 2, timeout=30_000)
    length = model.end_s
    page.controller.remove(model.info.id)
    info = finished(library, qtbot)
    assert 2 < info.duration_s < length
    assert not info.has_audio, "the timeline only, by the settings"
    qtbot.waitUntil(lambda: page.controller.idle, timeout=10_000)
    assert not page._timer.isActive()


def test_closing_finishes_the_session(
    page: CallsPage, library: Library, qtbot: QtBot, tmp_path: Path
) -> None:
    library.confirm_consent()
    page.start([call_scenes.stereo_call(tmp_path / "talk.wav", 60)], record=True)
    model = begun(page, qtbot)
    qtbot.waitUntil(lambda: recorded_s(model) > 1, timeout=30_000)
    page.end(time.monotonic() + 60.0)
    assert finished(library, qtbot).duration_s > 1


def tags(library: Library) -> list[set[str]]:
    return [set(session.tags) for session in library.sessions()]


def test_tags_come_to_every_session_of_a_call_whenever_they_are_given(
    page: CallsPage, library: Library, qtbot: QtBot, tmp_path: Path
) -> None:
    library.confirm_consent()
    call = replace(call_scenes.stereo_call(tmp_path / "talk.wav", 60), team="claims")
    page.start([call], record=True)
    model = begun(page, qtbot)
    page.open_call(model.info.id)
    panel, toggle = page.call.remarks, page.call.record
    (team,) = model.tags
    panel.tagged.emit("early")
    qtbot.waitUntil(lambda: recorded_s(model) > 1)
    qtbot.waitUntil(lambda: tags(library) == [{team, "early"}], timeout=20_000)
    toggle.click()
    finished(library, qtbot)
    qtbot.waitUntil(lambda: not model.recorded)
    panel.tagged.emit("after its end")
    panel.untagged.emit(team)
    qtbot.waitUntil(lambda: tags(library) == [{"early", "after its end"}], timeout=20_000)
    page.controller.keep(model)
    qtbot.waitUntil(lambda: len(model.sessions) == 2, timeout=20_000)
    panel.tagged.emit("twice")
    panel.tagged.emit("not this one")
    panel.untagged.emit("not this one")
    expected = {"early", "after its end", "twice"}
    qtbot.waitUntil(lambda: tags(library) == [expected] * 2, timeout=20_000)
    library.add_tag(library.sessions()[0].id, "by hand")
    library.delete(library.sessions()[1].id)
    said: list[Message | None] = []
    page.controller.said.connect(said.append)
    panel.untagged.emit("twice")
    qtbot.waitUntil(
        lambda: tags(library) == [{"early", "after its end", "by hand"}], timeout=20_000
    )
    qtbot.waitUntil(lambda: not page.controller._work.busy)
    assert not said, "what was deleted needs no tags"


@pytest.mark.parametrize("quits", [False, True])
def test_tags_outlive_a_call_that_goes_while_it_is_recorded(
    page: CallsPage, library: Library, qtbot: QtBot, tmp_path: Path, quits: bool
) -> None:
    library.confirm_consent()
    page.start([call_scenes.stereo_call(tmp_path / "talk.wav", 60)])
    model = begun(page, qtbot)
    page.open_call(model.info.id)
    held = threading.Event()
    page._timer.stop()  # nothing is looked at any more
    page.call.record.click()
    qtbot.waitUntil(lambda: bool(page.controller._monitor.recorders.look()))
    session = page.controller._monitor.recorders.session
    qtbot.waitUntil(lambda: session(model.info.id) is not None)
    page.controller._work.ask(lambda: held.wait(60), lambda _: None, lambda _: None)
    page.call.remarks.tagged.emit("last words")
    if quits:
        held.set()
        page.end(time.monotonic() + 60.0)
        assert "last words" in finished(library, qtbot).tags
    else:
        page.controller.remove(model.info.id)
        held.set()
        page._timer.start()
        qtbot.waitUntil(lambda: tags(library) == [{"last words"}], timeout=20_000)
        qtbot.waitUntil(lambda: page.controller.idle, timeout=10_000)
        assert not page.controller.recording._leaving


def test_without_consent_a_call_is_monitored_and_not_recorded(
    page: CallsPage, library: Library, qtbot: QtBot, tmp_path: Path
) -> None:
    page.start([call_scenes.stereo_call(tmp_path / "talk.wav", 30)], record=True)
    consent(page, qtbot).cancel.click()
    model = begun(page, qtbot)
    assert model.recording is None
    assert library.settings().consent_due
    assert not library.sessions()


def test_a_library_that_cannot_be_used_is_one_sentence_and_the_call_goes_on(
    page: CallsPage, library: Library, qtbot: QtBot, tmp_path: Path
) -> None:
    said: list[Message | None] = []
    page.message.connect(said.append)
    library.confirm_consent()
    page.preferences.change("alerts", rules_file=None)
    page.start([call_scenes.stereo_call(tmp_path / "talk.wav", 60)])
    model = begun(page, qtbot)
    page.open_call(model.info.id)
    # Where recordings' sound goes there is a file now.
    sound = tmp_path / "library" / "sessions"
    shutil.rmtree(sound, ignore_errors=True)
    sound.write_text("in the way")
    page.call.record.click()
    qtbot.waitUntil(lambda: any(m is not None and m.text for m in said), timeout=30_000)
    message = next(m for m in said if m is not None)
    assert str(tmp_path / "library") in message.text
    assert message.text.endswith(".")
    page.tick()
    assert page.call.problem.text() == message.text
    assert not model.recorded
    count = model.main.decisions.count if model.main else 0
    qtbot.waitUntil(lambda: bool(model.main and model.main.decisions.count > count), timeout=30_000)
    assert not model.over


def test_without_a_library_a_recording_is_refused_in_a_sentence(
    page: CallsPage, qtbot: QtBot, tmp_path: Path
) -> None:
    said: list[Message | None] = []
    page.message.connect(said.append)
    page.set_library(None)
    page.start([call_scenes.stereo_call(tmp_path / "talk.wav", 30)], record=True)
    message = said[-1]
    assert message is not None
    assert "library" in message.text
    assert begun(page, qtbot).recording is None
