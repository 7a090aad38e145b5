"""Settings in the window: what is chosen holds, is saved, and is shown again."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from PySide6.QtCore import QPoint, QPointF, Qt
from PySide6.QtGui import QColor, QWheelEvent
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QAbstractButton, QApplication, QFileDialog, QWidget
from pytestqt.qtbot import QtBot

from emolive.audio.level_probe import ProbeStatus
from emolive.baseline import Evidence, ProfileStore, Source
from emolive.i18n import use_language
from emolive.monitoring import RunSettings
from emolive.session.database import library_folder
from emolive.session.library import Library
from emolive.session.library_settings import CONSENT_TEXT, LibrarySettings, TierSettings
from emolive.settings import Settings, SettingsStore
from emolive.types import EngineState
from emolive.ui.main_window import MainWindow
from emolive.ui.preferences import Preferences
from emolive.ui.settings.colour_dialog import ColourDialog
from emolive.ui.settings.form import Choice, Number, Switch
from tests.ui import feed
from tests.ui.conftest import DEVICES


@pytest.fixture
def store(tmp_path: Path) -> SettingsStore:
    return SettingsStore(tmp_path / "config" / "settings.json")


@pytest.fixture
def kept(qtbot: QtBot, runs: feed.FakeRuns, store: SettingsStore) -> Iterator[MainWindow]:
    """A window whose settings are saved, on the settings page, its library open."""
    preferences = Preferences(Settings().with_values("look", theme="light"), store)
    made = MainWindow(
        runs,
        preferences,
        lister=lambda: DEVICES,
        choose=lambda _: None,
        make_probe=feed.FakeProbe,
        make_player=feed.FakePlayer,
    )
    qtbot.addWidget(made)
    made.show()
    qtbot.waitExposed(made)
    made.show_settings()
    qtbot.waitUntil(lambda: made.library_controller.settings is not None)
    qtbot.waitUntil(lambda: made.settings_page.input.device.findText("USB interface") >= 0)
    yield made
    made.close()


def test_adapting_is_one_switch_and_says_what_it_leads_to(
    qtbot: QtBot, kept: MainWindow, store: SettingsStore
) -> None:
    section = kept.settings_page.baseline
    assert section.on.isChecked()
    assert "fewer false alarms" in section.consequence.text()
    usual = section.consequence.text()
    pick(section.mix, "Mostly neutral calls")
    calls = section.consequence.text()
    assert calls != usual
    assert section.curve.accessibleName() == calls
    assert not section.neutral.isVisible()
    pick(section.mix, "Own share")
    assert section.neutral.isVisible()
    section.neutral.setValue(70)
    assert section.consequence.text() == calls
    assert "accurate" in calls
    for shown in (section.consequence, section.curve):
        assert shown.isVisible()
    kept.preferences.change("model", file=Path("mine.onnx"))
    for shown in (section.consequence, section.curve):
        assert not shown.isVisible(), "nothing was measured with this model"
    kept.preferences.change("model", file=None)
    assert section.curve.isVisible()
    section.group.setText(" German ")
    section.group.editingFinished.emit()
    section.on.click()
    assert not section.mix.isEnabled()
    qtbot.waitUntil(lambda: store.path.exists())
    saved = store.load().settings.baseline
    assert (saved.on, saved.mix, saved.neutral, saved.group) == (False, "own", 0.7, "German")
    assert RunSettings.of(store.load().settings).baseline is None


def test_known_sources_are_counted_and_forgotten(kept: MainWindow) -> None:
    section = kept.settings_page.baseline
    assert not section.forget.isEnabled()
    profiles = ProfileStore(library_folder())
    source = Source(name="Headset", model="abc", labels=("neutral", "angry"))
    heard = Evidence(np.zeros((4, 2), np.float32), np.ones(4))
    profiles.add(source, heard, 4.0)
    kept.bring(kept.live)
    kept.show_settings()
    assert section.forget.text() == "Forget 1 source"
    section.forget.click()
    assert profiles.count() == 0
    assert not section.forget.isEnabled()


def pick(choice: Choice, text: str) -> None:
    row = choice.findText(text)
    assert row >= 0, text
    choice.setCurrentIndex(row)
    choice.activated.emit(row)


def press(qtbot: QtBot, widget: QWidget) -> None:
    """By keyboard."""
    widget.setFocus(Qt.FocusReason.TabFocusReason)
    qtbot.keyClick(widget, Qt.Key.Key_Space)


def saved(qtbot: QtBot, store: SettingsStore) -> Settings:
    qtbot.wait(450)
    qtbot.waitUntil(lambda: store.path.exists())
    qtbot.waitUntil(lambda: not [t for t in threading.enumerate() if t.name == "emolive settings"])
    return store.load().settings


def test_every_choice_is_saved(qtbot: QtBot, kept: MainWindow, store: SettingsStore) -> None:
    page = kept.settings_page
    pick(page.input.device, "USB interface")
    pick(page.input.channels, "Two (left, right)")
    pick(page.analysis.provider, "Processor (CPU)")
    page.analysis.hop.setValue(0.3)
    press(qtbot, page.analysis.own)
    page.analysis.threshold.setValue(0.65)
    page.analysis.smoothing.setValue(2.5)
    page.analysis.dwell.setValue(0.0)
    pick(page.look.palette_choice, "Vivid")
    pick(page.look.view, "Lines")
    pick(page.look.scale, "150\u00a0%")
    press(qtbot, page.recording.audio)
    page.privacy.minutes.setValue(2)
    press(qtbot, page.privacy.files)
    found = saved(qtbot, store)
    assert found.input.device == "USB interface, ALSA"
    assert found.input.channels == 2
    assert found.model.provider == "cpu"
    assert found.analysis.hop_s == 0.3
    assert found.analysis.threshold == 0.65
    assert found.analysis.smoothing_s == 2.5
    assert found.analysis.min_dwell_s == 0.0
    assert (found.look.palette, found.look.view, found.look.scale) == ("vivid", "lines", 1.5)
    assert found.recording.save_audio is False
    assert found.privacy.keep_minutes == 2
    assert found.privacy.remember_files is True


def test_the_next_run_uses_them(qtbot: QtBot, kept: MainWindow, runs: feed.FakeRuns) -> None:
    page = kept.settings_page
    page.analysis.hop.setValue(1.0)
    press(qtbot, page.analysis.own)
    page.analysis.threshold.setValue(0.7)
    page.privacy.minutes.setValue(0)
    assert runs.settings is not None
    assert runs.settings.hop_s == 1.0
    assert runs.settings.decision.threshold == 0.7
    assert runs.settings.keep_s == 0.0
    press(qtbot, page.analysis.own)
    assert runs.settings.decision.threshold is None, "the model's own again"


def test_looks_hold_at_once(qtbot: QtBot, kept: MainWindow) -> None:
    page = kept.settings_page
    before = kept.grab().toImage().pixelColor(300, 5).lightness()
    pick(page.look.theme_choice, "Dark")
    qtbot.waitUntil(lambda: kept.grab().toImage().pixelColor(300, 5).lightness() < before - 100)
    press(qtbot, page.look.colours["angry"])
    dialog = kept.findChild(ColourDialog)
    assert dialog is not None
    dialog.field.clear()
    QTest.keyClicks(dialog.field, "#1234")
    assert not dialog.use.isEnabled(), "not a colour yet"
    QTest.keyClicks(dialog.field, "56")
    press(qtbot, dialog.use)
    assert kept.theme.fills(("angry",))[0] == QColor("#123456")
    assert page.look.colours["angry"].own
    press(qtbot, page.look.usual)
    assert kept.theme.fills(("angry",))[0] != QColor("#123456")


def test_the_library_keeps_its_own_settings(
    qtbot: QtBot, kept: MainWindow, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def kept_settings() -> LibrarySettings:
        return kept.library_controller.settings or LibrarySettings()

    section = kept.settings_page.recording
    use_language("de")
    try:  # the usual text is told in the language of whoever reads it, and kept as it was
        section.show_library(LibrarySettings())
        assert section.consent.toPlainText().startswith("Bevor Sie")
        press(qtbot, section.expires)
        qtbot.waitUntil(lambda: kept_settings().expire_after_days is not None, timeout=20_000)
        assert kept_settings().consent_text == CONSENT_TEXT
    finally:
        use_language("en")
    section.days.setValue(30)
    section.consent.setPlainText("Ask the team first.")
    qtbot.waitUntil(
        lambda: (
            kept.library_controller.settings is not None
            and kept.library_controller.settings.consent_text == "Ask the team first."
            and kept.library_controller.settings.expire_after_days == 30
        ),
        timeout=10_000,
    )
    other = tmp_path / "elsewhere"
    other.mkdir()
    monkeypatch.setattr(QFileDialog, "getExistingDirectory", lambda *_: str(other))
    section.folder.button.click()
    qtbot.waitUntil(
        lambda: (
            kept.library_controller.library is not None
            and kept.library_controller.library.folder == other
        ),
        timeout=10_000,
    )
    assert not section.expires.isChecked(), "another library has settings of its own"
    kept.close()
    with Library.open() as library:
        assert library.settings().expire_after_days == 30
        assert library.settings().consent_text == "Ask the team first."


def test_what_is_set_for_a_library_leaves_its_tiers_alone(qtbot: QtBot, kept: MainWindow) -> None:
    section, controller = kept.settings_page.recording, kept.library_controller
    tiers = (TierSettings(name="turn taking", labels=("yields", "holds")),)
    with Library.open() as elsewhere:  # as the sessions page does: nobody tells the settings
        elsewhere.change_settings(tiers=tiers)
        elsewhere.confirm_consent()
        press(qtbot, section.expires)
        section.days.setValue(40)
        section.days.setValue(30)
        qtbot.waitUntil(lambda: elsewhere.settings().expire_after_days == 30)
        assert elsewhere.settings().tiers == tiers
        assert not elsewhere.settings().consent_due, "only a new text is asked about anew"
        section.consent.setPlainText("Ask the team first.")
        qtbot.waitUntil(lambda: elsewhere.settings().consent_text == "Ask the team first.")
        assert elsewhere.settings().tiers == tiers
        elsewhere.confirm_consent()
        controller.look_again()
        qtbot.waitUntil(section.again.isEnabled)
        more = (*tiers, TierSettings(name="topic", labels=("price",)))
        elsewhere.change_settings(tiers=more)
        press(qtbot, section.again)
        qtbot.waitUntil(lambda: elsewhere.settings().consent_due)
        assert elsewhere.settings().tiers == more
        assert elsewhere.settings().expire_after_days == 30


def test_rules_are_checked_when_they_are_chosen(
    qtbot: QtBot, kept: MainWindow, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    section = kept.settings_page.alerts
    path = tmp_path / "rules.toml"
    monkeypatch.setattr(QFileDialog, "getSaveFileName", lambda *_: (str(path), ""))
    monkeypatch.setattr(QFileDialog, "getOpenFileName", lambda *_: (str(path), ""))
    section.example.click()
    qtbot.waitUntil(lambda: section.said.text().startswith("Written:"))
    section.file.button.click()
    qtbot.waitUntil(lambda: "watched for" in section.said.text())
    path.write_text("[[rule]]\nname = 3")
    section.file.button.click()
    qtbot.waitUntil(lambda: "rules.toml" in section.said.text())
    assert "\n" not in section.said.text()


def test_the_level_is_measured_only_while_it_is_asked_for(
    qtbot: QtBot, kept: MainWindow, runs: feed.FakeRuns
) -> None:
    del runs
    section = kept.settings_page.input
    press(qtbot, section.test)
    probe = feed.FakeProbe.made[-1]
    assert probe.open
    qtbot.waitUntil(lambda: "dBFS" in section.bar.accessibleDescription())
    probe.now = ProbeStatus(-120.0, zeros=True)
    qtbot.waitUntil(lambda: "muted" in section.said.text())
    kept.show_page(0)
    assert not probe.open, "another page needs no microphone"
    kept.show_settings()
    press(qtbot, section.test)
    feed.FakeProbe.made[-1].now = ProbeStatus(problem="The input is in use: close the other.")
    qtbot.waitUntil(lambda: section.said.text() == "The input is in use: close the other.")
    assert not section.test.isChecked()


def test_settings_that_cannot_be_saved_are_told(
    qtbot: QtBot, runs: feed.FakeRuns, tmp_path: Path
) -> None:
    blocked = tmp_path / "file"
    blocked.write_text("no folder")
    preferences = Preferences(Settings(), SettingsStore(blocked / "settings.json"))
    made = MainWindow(runs, preferences, lister=lambda: DEVICES)
    qtbot.addWidget(made)
    made.show()
    preferences.change("look", view="lines")
    qtbot.waitUntil(
        lambda: made.banner.message is not None and "cannot be saved" in made.banner.message.text
    )
    assert made.live.workspace.view == "lines", "it holds nevertheless"
    made.close()


def test_reset_sets_everything_back(qtbot: QtBot, kept: MainWindow, store: SettingsStore) -> None:
    kept.preferences.change("look", theme="dark", palette="vivid")
    kept.preferences.change("analysis", hop_s=2.0)
    press(qtbot, kept.settings_page.privacy.reset)
    assert kept.preferences.effective.analysis.hop_s == 0.5
    assert kept.settings_page.analysis.hop.value() == 0.5
    found = saved(qtbot, store)
    assert found.look.palette == "safe"
    assert found.window.guide_done, "who reset is no newcomer"


def test_what_the_command_line_gave_is_not_saved(
    qtbot: QtBot, runs: feed.FakeRuns, store: SettingsStore
) -> None:
    preferences = Preferences(Settings(), store, overrides={"analysis": {"hop_s": 2.0}})
    made = MainWindow(runs, preferences, lister=lambda: DEVICES)
    qtbot.addWidget(made)
    assert made.settings_page.analysis.hop.value() == 2.0
    preferences.change("look", view="lines")
    found = saved(qtbot, store)
    assert found.analysis.hop_s == 0.5
    assert found.look.view == "lines"
    preferences.change("analysis", hop_s=1.0)
    assert preferences.effective.analysis.hop_s == 1.0, "a choice ends it"
    made.close()


def test_window_and_input_are_remembered(
    qtbot: QtBot, kept: MainWindow, store: SettingsStore, runs: feed.FakeRuns
) -> None:
    kept.show_page(0)
    picker = kept.live.header.picker
    picker.setCurrentText("USB interface")
    picker.activated.emit(picker.currentIndex())
    kept.live.header.split.click()
    kept.resize(1333, 777)
    kept.close()
    values = json.loads(store.path.read_text())
    assert values["window"]["width"] == 1333
    again = MainWindow(runs, Preferences(store.load().settings), lister=lambda: DEVICES)
    qtbot.addWidget(again)
    again.show()
    assert again.width() == 1333
    qtbot.waitUntil(lambda: again.live.header.picker.currentText() == "USB interface")
    assert again.live.header.split.isChecked()
    again.close()


def test_every_control_has_a_name_and_is_reached_by_tab(kept: MainWindow) -> None:
    page = kept.settings_page
    kinds = (QAbstractButton, Choice, Number, Switch)
    controls = [w for kind in kinds for w in page.findChildren(kind)]
    assert len(controls) > 25
    for control in controls:
        name = control.accessibleName() or getattr(control, "text", lambda: "")()
        assert name, control
        assert control.focusPolicy() & Qt.FocusPolicy.TabFocus, name


def test_scrolling_changes_nothing(kept: MainWindow) -> None:
    page = kept.settings_page
    for control in (page.analysis.hop, page.input.device, page.look.theme_choice):
        control.setFocus()
        event = QWheelEvent(
            QPointF(5, 5),
            QPointF(5, 5),
            QPoint(),
            QPoint(0, -120),
            Qt.MouseButton.NoButton,
            Qt.KeyboardModifier.NoModifier,
            Qt.ScrollPhase.NoScrollPhase,
            False,
        )
        QApplication.sendEvent(control, event)
    assert kept.preferences.effective.analysis.hop_s == 0.5
    assert kept.preferences.effective.look.theme == "light"


def test_messages_lead_to_the_settings(qtbot: QtBot, kept: MainWindow, runs: feed.FakeRuns) -> None:
    from emolive.errors import ModelError

    kept.show_page(0)
    kept.preferences.change("model", file=Path("/nowhere/own.onnx"))
    runs.error = ModelError("The model file /nowhere/own.onnx does not exist: check the path.")
    kept.live.start()
    qtbot.waitUntil(lambda: kept.runner.state is EngineState.FAILED)
    assert kept.banner.action.text() == "Use the bundled model"
    runs.error = None
    kept.banner.action.click()
    qtbot.waitUntil(lambda: kept.runner.model is not None)
    assert kept.preferences.settings.model.file is None
