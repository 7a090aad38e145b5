"""What a screen reader is told: every control on every page and in every dialog has a name."""

from __future__ import annotations

import re
import threading
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from PySide6.QtCore import Qt
from PySide6.QtGui import QAccessible, QAccessibleInterface, QColor
from PySide6.QtWidgets import QAbstractButton, QApplication, QDialog, QLabel, QLineEdit, QWidget
from pytestqt.qtbot import QtBot

from emolive import i18n
from emolive.alerts.conditions.registry import CONDITIONS
from emolive.alerts.rule_drafts import RuleDrafts
from emolive.audio.call_devices import CallDevices
from emolive.labels import USUAL
from emolive.session.library import Library
from emolive.session.library_settings import TierSettings
from emolive.types import EngineState
from emolive.ui import theme
from emolive.ui.analysis_flow import AnalyseDialog
from emolive.ui.background import Background
from emolive.ui.calls.agent_switch import StatementDialog
from emolive.ui.calls.metrics_panel import MetricsPanel
from emolive.ui.calls.rules_dialog import RulesDialog
from emolive.ui.calls.shift_dialog import ShiftDialog
from emolive.ui.calls.start_dialog import StartDialog
from emolive.ui.calls.webhooks_dialog import WebhooksDialog
from emolive.ui.controls import ElidedLabel, side_width
from emolive.ui.dialog import ConsentDialog
from emolive.ui.main_window import MainWindow
from emolive.ui.recorded_session import NameDialog
from emolive.ui.sessions.annotator_bar import AnnotatorBar
from emolive.ui.sessions.label_moments import LabelMoments
from emolive.ui.sessions.rating_view import RatingPad
from emolive.ui.sessions.results_page import ResultsPage
from emolive.ui.sessions.side_panel import SidePanel
from emolive.ui.sessions.teach_dialog import TeachDialog
from emolive.ui.sessions.tiers_dialog import TiersDialog
from emolive.ui.settings.audit_section import AuditDialog
from emolive.ui.settings.colour_dialog import ColourDialog
from emolive.ui.shortcuts import ShortcutsDialog
from tests.ui import feed
from tests.ui.conftest import DEVICES as INPUTS
from tests.ui.feed import RATE

DEVICES = CallDevices(INPUTS, ())

_Role = QAccessible.Role
# What a person can do something with.
CONTROLS = {
    _Role.Button, _Role.CheckBox, _Role.RadioButton, _Role.ComboBox, _Role.EditableText,
    _Role.SpinBox, _Role.Slider, _Role.List, _Role.Table, _Role.Tree, _Role.MenuItem,
    _Role.PageTab, _Role.ButtonMenu, _Role.ButtonDropDown, _Role.Link,
}  # fmt: skip


def tree(root: QWidget) -> Iterator[QAccessibleInterface]:
    """Everything below a widget that a screen reader sees."""
    waiting = [QAccessible.queryAccessibleInterface(root)]
    while waiting:
        one = waiting.pop()
        if one is None or not one.isValid() or one.state().invisible:
            continue
        yield one
        # The entries of lists and tables name themselves by what they show.
        if one.role() not in (_Role.Table, _Role.Tree, _Role.List, _Role.ComboBox, _Role.SpinBox):
            waiting += [one.child(i) for i in range(one.childCount())]


def unnamed(root: QWidget) -> list[str]:
    found = []
    for one in tree(root):
        if one.role() in CONTROLS and not one.text(QAccessible.Text.Name).strip():
            thing = one.object()
            parent = thing.parent() if thing is not None else None
            found.append(f"{type(thing).__name__} in {type(parent).__name__} ({one.role()})")
    return found


def unreachable(root: QWidget) -> list[str]:
    """Controls that can be clicked and not be reached by the keyboard."""
    return [
        f"{type(thing).__name__}: {one.text(QAccessible.Text.Name)}"
        for one in tree(root)
        if one.role() in CONTROLS
        and isinstance(thing := one.object(), QWidget)
        and thing.isEnabled()
        # Of buttons of which one is chosen, Tab reaches that one, and arrow keys the others.
        and not (isinstance(thing, QAbstractButton) and thing.group() is not None)
        # What clears a field of text is there for the mouse: Escape does the same.
        and not isinstance(thing.parent(), QLineEdit)
        and not thing.focusPolicy() & Qt.FocusPolicy.TabFocus
    ]


def cut_off(root: QWidget) -> list[str]:
    """Texts that have less room than they take."""
    found = []
    for kind in (QLabel, QAbstractButton):
        for one in root.findChildren(kind):
            text = one.text()
            if not (one.isVisible() and text) or isinstance(one, ElidedLabel):
                continue
            if isinstance(one, QLabel) and one.wordWrap():
                if one.heightForWidth(one.width()) > one.height() + 1:
                    found.append(text)
            elif one.fontMetrics().horizontalAdvance(re.sub("<[^>]*>|&(?=\\S)", "", text)) > (
                one.width() + 1
            ):
                found.append(text)
    return found


def test_every_control_of_every_page_has_a_name(
    qtbot: QtBot, window: MainWindow, runs: feed.FakeRuns
) -> None:
    window.live.start()
    qtbot.waitUntil(lambda: window.runner.model is not None)
    events = [feed.status(EngineState.RUNNING), feed.block(0, 20 * RATE)]
    events += [feed.prediction(end) for end in range(3 * RATE, 20 * RATE, RATE // 2)]
    runs.run.inbox.put(*events)
    window.runner.bridge.tick()
    window.live.explain("mono", 10.0)
    seen = 0
    for page in (*window.pages, window.guide):
        window.bring(page)
        QApplication.processEvents()
        assert unnamed(window) == []
        assert unreachable(window) == []
        seen += sum(one.role() in CONTROLS for one in tree(page))
    assert seen > 60, "the tree is really walked"
    window.bring(window.live)
    popup = window.sound.popup
    popup.open_under(window.live.header.sound, None)
    assert sum(one.role() in CONTROLS for one in tree(popup)) >= 3, "heard, how loud, and where"
    assert unnamed(popup) == []
    assert unreachable(popup) == []
    popup.close()
    window.set_compact(True)
    QApplication.processEvents()
    assert unnamed(window) == []
    assert unreachable(window) == []
    window.set_compact(False)


def one_rule(parent: QWidget) -> RulesDialog:
    dialog = RulesDialog(theme.LIGHT, USUAL, None, None, parent)
    dialog.add(CONDITIONS[0])
    return dialog


def numbers(parent: QWidget) -> MetricsPanel:
    panel = MetricsPanel(theme.LIGHT, parent)
    panel.resize(side_width(0), 600)
    return panel


def side_panel(parent: QWidget) -> SidePanel:
    panel = SidePanel(theme.LIGHT, parent)
    panel.set_counts(88, 88)
    return panel


def teaching(parent: QWidget, library: Library) -> TeachDialog:
    """While it listens to what is labelled."""
    dialog = TeachDialog(theme.LIGHT, library, Background("teach", parent), parent)
    dialog._running = True
    dialog._on_progress(7, 30)
    dialog._running = False
    return dialog


TIER = TierSettings(name="engagement", labels=("low", "high"))
DIALOGS: dict[str, Callable[[QWidget, Library], QWidget]] = {
    "colour": lambda parent, _: ColourDialog(theme.LIGHT, "Colour", QColor("#2E9E8F"), parent),
    "keys": lambda parent, _: ShortcutsDialog((), parent),
    "consent": lambda parent, _: ConsentDialog(
        theme.LIGHT, "Everybody must agree.", lambda _: None, parent
    ),
    "statement": lambda parent, _: StatementDialog(theme.LIGHT, parent),
    "start": lambda parent, _: StartDialog(theme.LIGHT, parent, find=lambda: DEVICES),
    "rules": lambda parent, _: RulesDialog(theme.LIGHT, USUAL, None, None, parent),
    "webhooks": lambda parent, _: WebhooksDialog(theme.LIGHT, RuleDrafts(), parent),
    "a rule": lambda parent, _: one_rule(parent),
    "a webhook": lambda parent, _: WebhooksDialog(
        theme.LIGHT, RuleDrafts().with_webhook("Team", "0123456789abcdef0123"), parent
    ),
    "numbers": lambda parent, _: numbers(parent),
    "side panel": lambda parent, _: side_panel(parent),
    "teaching": teaching,
    "audit": lambda parent, library: AuditDialog(theme.LIGHT, library, parent),
    "shift": lambda parent, library: ShiftDialog(theme.LIGHT, library, parent),
    "tiers": lambda parent, _: TiersDialog(theme.LIGHT, (TIER,), parent),
    "name": lambda parent, _: NameDialog(theme.LIGHT, "Demo", parent),
    "analyse": lambda parent, _: AnalyseDialog(theme.LIGHT, parent, audio=True),
    "results": lambda parent, _: ResultsPage(theme.LIGHT, Background("results", parent), parent),
    "ratings": lambda parent, _: RatingPad(theme.LIGHT, parent),
    "annotators": lambda parent, _: AnnotatorBar(theme.LIGHT, parent),
    "teach": lambda parent, library: TeachDialog(
        theme.LIGHT, library, Background("teach", parent), parent
    ),
    "label moments": lambda parent, library: LabelMoments(
        theme.LIGHT, library, Background("moments", parent), "Anna", parent
    ),
}


@pytest.fixture
def library(tmp_path: Path) -> Iterator[Library]:
    with Library.open(tmp_path / "library") as opened:
        yield opened


@pytest.fixture
def shown(qtbot: QtBot, qapp: QApplication, library: Library) -> Iterator[Callable[[str], QWidget]]:
    root = QWidget()  # not qtbot's, which deletes it while its dialogs are at work
    theme.apply(qapp, theme.LIGHT)
    made: list[QWidget] = []

    def show(name: str) -> QWidget:
        dialog = DIALOGS[name](root, library)
        made.append(dialog)
        (dialog if isinstance(dialog, QDialog) else root).show()
        qtbot.waitUntil(dialog.isVisible)
        QApplication.processEvents()
        return dialog

    yield show
    works = root.findChildren(Background)
    qtbot.waitUntil(lambda: not any(work.busy for work in works), timeout=60_000)
    for dialog in made:
        if isinstance(dialog, QDialog):
            dialog.reject()
        dialog.close()
        dialog.deleteLater()
    assert all(work.close(60) for work in works)
    root.close()
    root.deleteLater()
    qtbot.waitUntil(lambda: not any("call sources" in t.name for t in threading.enumerate()))


@pytest.mark.parametrize("name", DIALOGS)
def test_every_control_of_a_dialog_has_a_name(shown: Callable[[str], QWidget], name: str) -> None:
    dialog = shown(name)
    assert unnamed(dialog) == []
    assert unreachable(dialog) == []


@pytest.mark.parametrize("language", ["de", "es"])
@pytest.mark.parametrize("name", DIALOGS)
def test_no_dialog_cuts_a_text_off(
    shown: Callable[[str], QWidget], name: str, language: str
) -> None:
    i18n.use_language(language)
    assert cut_off(shown(name)) == []
