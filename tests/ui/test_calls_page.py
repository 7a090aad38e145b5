"""The calls page with real parts: recordings through the pool, rules, alerts, the audit log."""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from PySide6.QtCore import Qt
from PySide6.QtWidgets import QApplication
from pytestqt.qtbot import QtBot

from emolive.alerts.conditions.emotion import EmotionRule
from emolive.alerts.conditions.overtalk import OvertalkRule
from emolive.alerts.conditions.silence import SilenceRule
from emolive.alerts.rule_drafts import RuleDrafts, RuleError, new_rule
from emolive.alerts.rule_file import save_rules
from emolive.alerts.rules import RuleSet
from emolive.audio.call_devices import CallDevices
from emolive.inference.providers import Requested
from emolive.monitoring.sources import CallChoice, CallKind
from emolive.session.library import Library
from emolive.types import EngineState, Role, Severity, SpeechState
from emolive.ui.calls.agent_switch import StatementDialog
from emolive.ui.calls.chime import Chime
from emolive.ui.calls.page import CallsPage
from emolive.ui.messages import Action, Message
from emolive.ui.preferences import Preferences
from emolive.ui.theme import DARK
from tests.ui import call_scenes, feed

ANGRY = EmotionRule(
    name="Customer upset",
    emotions=("angry",),
    role=Role.CUSTOMER,
    probability=0.5,
    for_s=0.5,
    severity=Severity.CRITICAL,
    sound=True,
)


class Silent(Chime):
    """Counts instead of playing."""

    def play(self, severity: Severity) -> None:  # noqa: ARG002
        self.played += 1


def rules_file(folder: Path, *rules: EmotionRule | SilenceRule) -> Path:
    path = folder / "rules.toml"
    save_rules(RuleSet(rule=rules), path)
    return path


@contextmanager
def opened_page(
    qtbot: QtBot, preferences: Preferences, folder: Path, provider: Requested = "cpu"
) -> Iterator[CallsPage]:
    """The page in a small window; leaving it ends all threads."""
    made = CallsPage(
        preferences,
        DARK,
        monitor=call_scenes.tiny_monitor(folder, provider=provider),
        chime=Silent(),
        find_devices=CallDevices,
    )
    qtbot.addWidget(made)
    made.resize(924, 600)
    made.show()
    made.shown()
    yield made
    made.end(time.monotonic() + 60.0)


@pytest.fixture
def page(qtbot: QtBot, tmp_path: Path) -> Iterator[CallsPage]:
    with opened_page(qtbot, feed.preferences("dark"), tmp_path) as made:
        yield made


def running(page: CallsPage, count: int = 1) -> bool:
    models = page.controller.models
    return len(models) == count and all(
        m.main is not None and m.main.decisions.count > 1 for m in models
    )


def test_a_call_of_two_files_is_seen_from_both_sides(
    page: CallsPage, qtbot: QtBot, tmp_path: Path
) -> None:
    import soundfile

    stereo = call_scenes.stereo_call(tmp_path / "both.wav", 12)
    samples, rate = soundfile.read(stereo.files[0], dtype="float32")
    paths = [tmp_path / "talk_agent.wav", tmp_path / "talk_caller.wav"]
    for path, channel in zip(paths, samples.T, strict=True):
        soundfile.write(path, channel, rate)
    dialog = page.ask_for_call(paths)
    qtbot.waitUntil(lambda: bool(dialog.recordings.calls), timeout=20_000)
    (choice,) = dialog.recordings.calls
    assert choice.kind is CallKind.TWO_FILES
    dialog.begin.click()
    qtbot.waitUntil(lambda: running(page), timeout=60_000)
    (model,) = page.controller.models
    page.open_call(model.info.id)
    agent = model.streams["agent"]
    qtbot.waitUntil(
        lambda: agent.current is not None and agent.current.state is SpeechState.NOT_INFERRED,
        timeout=30_000,
    )
    assert not agent.infers
    assert model.streams["customer"].infers
    assert agent.current is not None
    assert agent.current.probabilities is None
    qtbot.waitUntil(
        lambda: model.metrics is not None and all(p.talk_s > 0 for p in model.metrics.parties),
        timeout=30_000,
    )
    page.tick()
    assert page.call.metrics.cells["Talk time", 0].text() != "–"
    assert page.call.metrics.heads[0].text() == "agent"
    # 8 kHz: what the model's card says of telephone speech is there to be read.
    qtbot.waitUntil(lambda: "ravdess 60" in page.call.telephone.toolTip(), timeout=30_000)
    names = [panel.accessibleName() for panel in page.call.timelines.panels]
    assert sum("probabilities" in name for name in names) == 1
    page.activateWindow()
    qtbot.waitUntil(page.isActiveWindow, timeout=5_000)
    page.call.back.setFocus()
    qtbot.keyClick(page.call.back, Qt.Key.Key_Escape)
    assert page.stack.currentIndex() == 0


def test_a_lost_graphics_card_is_told_and_the_calls_go_on(
    qtbot: QtBot, tmp_path: Path, card: list[bool]
) -> None:
    first, late = (call_scenes.stereo_call(tmp_path / f"{n}.wav", 60) for n in range(2))
    with opened_page(qtbot, feed.preferences("dark"), tmp_path, "auto") as page:
        page.start([first])
        qtbot.waitUntil(lambda: running(page), timeout=20_000)
        (model,) = page.controller.models
        assert model.status is not None
        assert model.status.provider == "CUDA"
        assert page.wall.problems.isHidden()
        card[0] = True
        qtbot.waitUntil(page.wall.problems.isVisible, timeout=20_000)
        told = page.wall.problems.text()
        assert told.startswith("CUDA stopped working, so the model runs on the CPU from now on")
        assert model.status.provider == "CPU"
        assert model.main is not None
        before = model.main.decisions.count
        # A call that comes later runs on the CPU as well, which is news to whoever opens it.
        page.start([late])
        qtbot.waitUntil(lambda: running(page, 2), timeout=20_000)
        qtbot.waitUntil(lambda: model.main.decisions.count > before + 1, timeout=20_000)
        assert page.wall.problems.text() == told
        page.open_call(page.controller.models[1].info.id)
        page.tick()
        assert page.call.alert_problems.text() == told
        # Once no call is left, the card is tried anew.
        card[0] = False
        for one in page.controller.models:
            page.controller.remove(one.info.id)
        qtbot.waitUntil(lambda: not page.controller.models, timeout=20_000)
        page.start([first])
        qtbot.waitUntil(lambda: running(page), timeout=20_000)
        (model,) = page.controller.models
        assert model.status is not None
        assert model.status.provider == "CUDA"
        assert page.wall.problems.isHidden()


def test_an_alert_raises_its_card_until_it_is_acknowledged(
    page: CallsPage, qtbot: QtBot, tmp_path: Path
) -> None:
    said: list[Message | None] = []
    page.alerting.connect(said.append)
    folder = tmp_path / "calls"
    folder.mkdir()
    calls = [call_scenes.stereo_call(folder / f"call {i}.wav", 150, 2 * i) for i in range(3)]
    page.start(calls)
    qtbot.waitUntil(lambda: running(page, 3), timeout=60_000)
    first = page.wall.grid.order[-1]
    assert not any(model.alerts for model in page.controller.models)
    # From now on: only the last call is watched for by name of its stream's role, all are angry.
    page.preferences.change("alerts", rules_file=rules_file(tmp_path, ANGRY))
    qtbot.waitUntil(lambda: all(m.alerts for m in page.controller.models), timeout=60_000)
    assert page.chime.played >= 1
    for model in page.controller.models:
        if model.info.id != first:
            page.wall.grid.tiles[model.info.id].seen.click()
    qtbot.waitUntil(lambda: page.wall.grid.order[0] == first, timeout=30_000)
    message = said[-1]
    assert message is not None
    assert message.action is Action.OPEN_CALL
    assert "Customer upset" in message.text or "angry" in message.text
    tile = page.wall.grid.tiles[first]
    assert tile.face.severity is Severity.CRITICAL
    assert tile.seen.isVisibleTo(tile)
    assert tile.face.alert == "Customer upset"
    page.open_most_urgent()
    assert page.call.model is not None
    assert page.call.model.info.id == first
    row = page.call.alerts.rows[0]
    slivers = set()
    for height in range(640, 760, 10):
        page.resize(1000, height)
        QApplication.processEvents()
        slivers.add(page.call.alerts._scroll.height() % row.height())
    assert all(left == 0 or left >= row.height() / 2 for left in slivers), slivers
    row.seen.click()
    assert said[-1] is None
    assert not page.call.model.open_alerts
    page.show_wall()
    assert tile.face.severity is None
    assert not tile.seen.isVisibleTo(tile)


def test_four_calls_are_opened_with_the_keyboard_and_removed(
    page: CallsPage, qtbot: QtBot, tmp_path: Path
) -> None:
    page.start([call_scenes.stereo_call(tmp_path / f"{i}.wav", 30, i) for i in range(4)])
    qtbot.waitUntil(lambda: running(page, 4), timeout=60_000)
    grid = page.wall.grid
    assert grid.columns == 2  # of four calls, each has a quarter of the page
    page.activateWindow()
    tiles = [grid.tiles[call_id] for call_id in grid.order]
    tiles[0].setFocus()
    qtbot.waitUntil(tiles[0].hasFocus, timeout=5_000)
    qtbot.keyClick(tiles[0], Qt.Key.Key_Right)
    assert tiles[1].hasFocus()
    assert "customer" in tiles[1].accessibleDescription()
    qtbot.keyClick(tiles[1], Qt.Key.Key_Return)
    assert page.call.model is tiles[1].model
    page.show_wall()
    assert tiles[1].hasFocus()
    page.wall.rows.click()
    assert grid.columns == 1
    gone = tiles[1].model.info.id
    qtbot.keyClick(tiles[1], Qt.Key.Key_Delete)
    assert gone not in grid.order
    assert len(page.controller.models) == 3
    page.controller.stop(grid.order[0])
    model = grid.tiles[grid.order[0]].model
    qtbot.waitUntil(lambda: model.state is EngineState.STOPPED, timeout=20_000)
    qtbot.waitUntil(page.wall.clear.isVisible, timeout=5_000)
    page.wall.clear.click()
    assert len(page.controller.models) == 2


def test_one_bad_call_fails_alone_and_says_why(
    page: CallsPage, qtbot: QtBot, tmp_path: Path
) -> None:
    bad = tmp_path / "bad.wav"
    bad.write_bytes(b"nothing")
    good = call_scenes.stereo_call(tmp_path / "good.wav", 30)
    page.start([CallChoice(CallKind.STEREO_FILE, "bad", files=(bad,)), good])
    qtbot.waitUntil(lambda: len(page.controller.models) == 2, timeout=60_000)
    broken, fine = page.controller.models
    qtbot.waitUntil(lambda: broken.state is EngineState.FAILED, timeout=30_000)
    qtbot.waitUntil(lambda: fine.main is not None and fine.main.decisions.count > 0, timeout=30_000)
    page.tick()
    face = page.wall.grid.tiles[broken.info.id].face
    assert face.troubled
    assert "bad.wav" in face.health


def test_the_agents_emotions_take_a_deliberate_act_and_are_off_again(
    page: CallsPage, qtbot: QtBot, tmp_path: Path
) -> None:
    with Library.open(tmp_path / "library") as library:
        page.set_library(library)
        call = call_scenes.stereo_call(tmp_path / "call.wav", 30)

        def ask() -> tuple[object, StatementDialog]:
            dialog = page.ask_for_call(call.files)
            qtbot.waitUntil(lambda: len(dialog.recordings.calls) == 1, timeout=20_000)
            assert not dialog.agent.box.isChecked()
            assert not dialog.agent.confirmed
            dialog.agent.box.click()
            (statement,) = page.window().findChildren(StatementDialog) or dialog.findChildren(
                StatementDialog
            )
            return dialog, statement

        dialog, statement = ask()
        assert not statement.confirm.isEnabled()
        statement.leave.click()
        assert not dialog.agent.confirmed
        assert not dialog.agent.box.isChecked()
        qtbot.waitUntil(lambda: len(library.audit_log()) == 1, timeout=10_000)
        assert library.audit_log()[0].action == "agent_emotion.declined"
        dialog.reject()
        qtbot.waitUntil(lambda: not page.window().findChildren(StatementDialog), timeout=5_000)

        dialog, statement = ask()
        statement.taken.click()
        statement.confirm.click()
        assert dialog.agent.confirmed
        dialog.begin.click()
        qtbot.waitUntil(lambda: running(page), timeout=60_000)
        assert any(entry.action == "agent_emotion.granted" for entry in library.audit_log())
        (model,) = page.controller.models
        qtbot.waitUntil(lambda: model.streams["agent"].infers, timeout=10_000)
        assert model.info.permission is not None
        page.open_call(model.info.id)
        assert page.call.agent.value.text() == "on, in this call"
        page.call.again_wanted.emit()
        qtbot.waitUntil(
            lambda: running(page) and page.controller.models[0] is not model, timeout=60_000
        )
        assert page.controller.models[0].info.permission is None
        page.set_library(None)


def test_without_a_library_the_agents_emotions_cannot_be_asked_for(
    page: CallsPage, qtbot: QtBot, tmp_path: Path
) -> None:
    call = call_scenes.stereo_call(tmp_path / "call.wav", 5)
    dialog = page.ask_for_call(call.files)
    qtbot.waitUntil(lambda: len(dialog.recordings.calls) == 1, timeout=20_000)
    assert not dialog.agent.box.isEnabled()
    assert "audit log" in dialog.agent.why.text()
    dialog.reject()


def test_rules_are_edited_saved_and_watched_for(
    page: CallsPage, qtbot: QtBot, tmp_path: Path
) -> None:
    dialog = page.ask_for_rules()
    dialog.path = tmp_path / "mine.toml"
    dialog.add(EmotionRule)
    dialog.add(SilenceRule)
    assert [rule.name for rule in dialog.drafts.rules] == ["Customer upset", "Dead air"]
    qtbot.keyClicks(dialog.form.name, "x")
    dialog.form.name.clear()
    dialog.form.edited.emit({"name": ""})
    problem = dialog.form._problems["name"]  # errors stand where they arise
    assert "name" in problem.text()
    assert problem.isVisibleTo(dialog)
    assert not dialog.begin.isEnabled()
    dialog.form.edited.emit({"name": "Customer upset"})
    assert "Another rule" in problem.text()
    dialog.form.edited.emit({"name": "Nobody talks"})
    assert dialog.list.item(1).text() == "Nobody talks\nSilence"
    dialog.form.edited.emit({"name": "Silence"})
    assert dialog.list.item(1).text() == "Silence"
    assert not problem.isVisibleTo(dialog)
    assert dialog.begin.isEnabled()
    dialog.form.numbers["longer_than_s"].setValue(33)
    dialog.list.setCurrentRow(0)
    dialog.form.emotions["sad"].click()
    dialog.form.numbers["probability"].setValue(70)
    assert "70" in dialog.words.text()
    assert "sad" in dialog.words.text()
    dialog.save()
    qtbot.waitUntil(lambda: page.controller.rules is not None, timeout=20_000)
    assert page.preferences.effective.alerts.rules_file == tmp_path / "mine.toml"
    upset, silence = page.controller.rules.rules
    assert isinstance(upset, EmotionRule)
    assert isinstance(silence, SilenceRule)
    assert upset.probability == 0.7
    assert "sad" in upset.emotions
    assert silence.longer_than_s == 33
    assert page.wall.rules.text().strip() == "2 rules"


def test_a_dry_run_says_how_often_they_would_have_fired(
    page: CallsPage, qtbot: QtBot, tmp_path: Path
) -> None:
    from tests.ui.stored_sessions import store

    with Library.open(tmp_path / "library") as library:
        store(library)
        page.set_library(library)
        dialog = page.ask_for_rules()
        dialog.add(SilenceRule)
        dialog.try_out()
        qtbot.waitUntil(lambda: "per hour" in dialog.tried.text(), timeout=30_000)
        assert "fired" in dialog.found.text() or "Nothing to watch" in dialog.found.text()
        dialog.discard.click()
        page.set_library(None)


def test_a_rule_is_tried_on_the_last_session_while_it_is_edited(
    page: CallsPage, qtbot: QtBot, tmp_path: Path
) -> None:
    from tests.ui.stored_sessions import demo, store

    with Library.open(tmp_path / "library") as library:
        store(library, title="Interview")
        page.set_library(library)
        dialog = page.ask_for_rules()
        dialog.add(SilenceRule)
        trial = dialog.trial
        dialog.form.numbers["longer_than_s"].setValue(600)
        qtbot.waitUntil(lambda: "would not have fired" in trial.words.text(), timeout=30_000)
        assert "Interview" in trial.words.text()
        dialog.add(EmotionRule)
        dialog.form.edited.emit({"role": None, "emotions": ("angry",), "probability": 0.3})
        dialog.form.edited.emit({"for_s": 0.0})
        qtbot.waitUntil(lambda: "would have fired" in trial.words.text(), timeout=30_000)
        first = trial.line.accessibleDescription().split(", ")[0]
        minutes, seconds = first.split(":")
        windows = [
            w.end_sample / 16_000
            for w in demo().analysis.windows
            if w.probabilities is not None
            and w.probabilities[demo().analysis.labels.index("angry")] >= 0.3
        ]
        assert 60 * int(minutes) + int(seconds) == int(windows[0])
        dialog.discard.click()
        page.set_library(None)


def test_escape_does_not_lose_what_was_changed_in_rules(page: CallsPage, qtbot: QtBot) -> None:
    dialog = page.ask_for_rules()
    dialog.add(SilenceRule)
    qtbot.keyClick(dialog, Qt.Key.Key_Escape)
    assert dialog.isVisible()
    assert "not saved" in dialog.note.text()
    assert dialog.discard.text() == "Discard changes"
    qtbot.keyClick(dialog.discard, Qt.Key.Key_Space)
    assert not dialog.isVisible()


def test_values_that_do_not_go_together_are_told_in_a_sentence() -> None:
    drafts = RuleDrafts((new_rule(OvertalkRule, ("angry", "calm"), ()),))
    with pytest.raises(RuleError, match="count"):
        drafts.changed(0, {"seconds": 5.0})
    with pytest.raises(RuleError, match="at least one emotion"):
        RuleDrafts((ANGRY,)).changed(0, {"emotions": ()})
    with pytest.raises(RuleError, match="probability"):
        RuleDrafts((ANGRY,)).changed(0, {"probability": 3.0})


def test_closing_ends_every_thread(qtbot: QtBot, tmp_path: Path) -> None:
    path = rules_file(tmp_path, ANGRY)
    preferences = feed.preferences("dark", alerts={"rules_file": path})
    page = CallsPage(preferences, DARK, monitor=call_scenes.tiny_monitor(tmp_path), chime=Silent())
    qtbot.addWidget(page)
    page.show()
    page.shown()
    page.start([call_scenes.stereo_call(tmp_path / f"{i}.wav", 60, i) for i in range(8)])
    qtbot.waitUntil(lambda: running(page, 8), timeout=90_000)
    page.end(time.monotonic() + 60.0)
    names = [thread.name for thread in threading.enumerate()]
    assert not [name for name in names if name.startswith(("emolive", "play "))], names


def test_what_a_tile_shows_is_plain_data(page: CallsPage, qtbot: QtBot, tmp_path: Path) -> None:
    page.start([call_scenes.stereo_call(tmp_path / "one.wav", 20)])
    qtbot.waitUntil(lambda: running(page), timeout=60_000)
    tile = next(iter(page.wall.grid.tiles.values()))
    tile.refresh()
    assert not tile.refresh(), "nothing new: nothing to draw"
    assert json.dumps(tile.face.spoken())


@pytest.mark.corpora
def test_a_real_telephone_call_is_monitored(page: CallsPage, qtbot: QtBot, corpora: Path) -> None:
    paths = sorted((corpora / "calls").glob("auto_repairs_40_*.flac"))
    if len(paths) != 2:
        pytest.skip("no recorded call among the corpora")
    dialog = page.ask_for_call(paths)
    qtbot.waitUntil(lambda: bool(dialog.recordings.calls), timeout=20_000)
    (choice,) = dialog.recordings.calls
    assert [path.stem.rpartition("_")[2] for path in choice.files] == ["agent", "caller"]
    dialog.begin.click()
    qtbot.waitUntil(lambda: running(page), timeout=60_000)
    (model,) = page.controller.models
    page.open_call(model.info.id)
    qtbot.waitUntil(
        lambda: model.metrics is not None and any(p.talk_s > 1 for p in model.metrics.parties),
        timeout=60_000,
    )
    qtbot.waitUntil(lambda: "ravdess 60" in page.call.telephone.toolTip(), timeout=60_000)
    assert not model.streams["agent"].infers
