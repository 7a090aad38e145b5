"""The wall: all calls, the urgent ones first, and the ways to add some."""

from __future__ import annotations

import time
from collections.abc import Iterable, Sequence

from PySide6.QtCore import Signal
from PySide6.QtWidgets import QApplication, QHBoxLayout, QWidget

from emolive.alerts.rules import RuleSet
from emolive.i18n import decimal, ntr, tr
from emolive.ui.calls.alert_list import AlertProblems
from emolive.ui.calls.face import NOTABLE_LAG_S
from emolive.ui.calls.grid import CallGrid, UrgencyOrder
from emolive.ui.calls.model import CallModel
from emolive.ui.controls import ElidedLabel, PictureChoice, ScrollColumn, card, label, push_button
from emolive.ui.icons import icon
from emolive.ui.invitation import Ghost, Invitation
from emolive.ui.layouts import fill, hbox, stack, vbox
from emolive.ui.theme import SPACE, Theme, Themed


class WallView(Themed, QWidget):
    """Shows what it is told; signals tell what the person wants."""

    add_wanted = Signal()
    rules_wanted = Signal()
    shift_wanted = Signal()
    cleared = Signal()

    def __init__(self, theme: Theme, parent: QWidget | None = None) -> None:
        super().__init__(theme, parent)
        self.order = UrgencyOrder()
        self.grid = CallGrid(theme, self)
        self.empty = EmptyWall(self, theme)
        self._opening = 0
        self.problems = AlertProblems(self)
        self._scroll = ScrollColumn(self.grid, self)
        self.stack = stack(self, self.empty, self._scroll)
        vbox(self._tools(), self.problems, (self.stack, 1), within=self, gap=SPACE)
        QApplication.instance().focusChanged.connect(self._on_focus)  # type: ignore[union-attr]
        self.show_list(False)
        self.show_rules(None)
        self.set_theme(theme)

    def _recolour(self) -> None:
        self.add.setIcon(icon("calls", self.theme.on_accent))
        self.rules.setIcon(icon("bell", self.theme.text))

    def _share_room(self) -> None:
        self.grid.set_room(self._scroll.viewport().height())

    _resized = _share_room  # tell the calls how much of the wall is seen

    def show_calls(self, models: Sequence[CallModel], changed: Iterable[CallModel]) -> None:
        """One tick: redraw what changed, and now and then put it in order."""
        for model in changed:
            if (tile := self.grid.tiles.get(model.info.id)) is not None:
                tile.refresh()
        held = bool(QApplication.mouseButtons())
        self.grid.show_order(self.order.arrange(models, time.monotonic(), hold=held))
        self._show_sum(models)

    def show_opening(self, count: int) -> None:
        """How many calls are being opened."""
        self._opening = count
        self.empty.add.setEnabled(count == 0)
        self.empty.show_opening(count > 0)

    def add_call(self, model: CallModel) -> None:
        """A new call."""
        self.stack.setCurrentIndex(1)
        self._share_room()
        self.grid.add(model)

    def remove_call(self, call_id: str) -> None:
        """A call is gone."""
        self.grid.remove(call_id)
        self.stack.setCurrentIndex(1 if self.grid.order else 0)

    def show_list(self, as_list: bool) -> None:
        """Show a list, or cards."""
        self.cards.setChecked(not as_list)
        self.rows.setChecked(as_list)
        self.grid.show_list(as_list)

    def show_rules(self, rules: RuleSet | None) -> None:
        """How many rules are watched for."""
        count = len(rules.enabled) if rules is not None else 0
        text = ntr("{count} rule", "{count} rules", count) if count else tr("No alert rules")
        self.rules.setText(f" {text}")
        self.empty.rules.setText(text if count else tr("Set up alert rules…"))

    def _tools(self) -> QHBoxLayout:
        self.heading = label(tr("Calls"), self, "page")
        self.sum = ElidedLabel(self, "muted")
        self.cards = PictureChoice("tiles", tr("Show cards"), self.theme, self)
        self.rows = PictureChoice("sessions", tr("Show a list"), self.theme, self)
        self.cards.clicked.connect(lambda: self.show_list(False))
        self.rows.clicked.connect(lambda: self.show_list(True))
        tip = tr("Remove the calls that have ended")
        self.clear = push_button(tr("Clear ended"), self, self.cleared.emit, kind="quiet", tip=tip)
        self.clear.hide()
        tip = tr("When to be told: choose, change and try alert rules")
        self.rules = push_button("", self, self.rules_wanted.emit, tip=tip)
        tip = tr("Monitor a call: a device, a microphone and its counterpart, or recordings (N)")
        text = f" {tr('Monitor a call…')}"
        self.add = push_button(text, self, self.add_wanted.emit, kind="primary", tip=tip)
        tip = tr("The recorded calls of today: hours, agents, customers' emotions, alerts (S)")
        self.shift = push_button(tr("Shift…"), self, self.shift_wanted.emit, tip=tip)
        row = hbox(
            self.heading, 4, (self.sum, 1), self.clear, self.cards, self.rows, 4, self.shift, gap=8
        )
        fill(row, self.rules, self.add)
        return row

    def _show_sum(self, models: Sequence[CallModel]) -> None:
        running = [model for model in models if not model.over]
        waiting = sum(len(model.open_alerts) for model in models)
        parts = []
        if models:
            parts.append(ntr("{count} call running", "{count} calls running", len(running)))
        if waiting:
            parts.append(ntr("{count} alert waits", "{count} alerts wait", waiting))
        lag_s = max((m.status.lag_s for m in running if m.status is not None), default=0.0)
        if lag_s >= NOTABLE_LAG_S:
            parts.append(tr("answers up to {lag} s late", lag=decimal(lag_s, 1)))
        if self._opening:
            parts.append(tr("opening {count}…", count=self._opening))
        text = " · ".join(parts)
        if text != self.sum.toolTip():
            self.sum.show_whole(text)
        over = len(running) < len(models)
        if over == self.clear.isHidden():
            self.clear.setVisible(over)

    def _on_focus(self, _old: QWidget | None, new: QWidget | None) -> None:
        self.grid.note_focus(new)
        if new is not None and new in self.grid.tiles.values():
            self._scroll.ensureWidgetVisible(new, 0, SPACE)


class EmptyWall(QWidget):
    """What the page is for, while there is no call."""

    def __init__(self, wall: WallView, theme: Theme) -> None:
        super().__init__(wall)
        self._invitation = Invitation(theme, Ghost.CALLS, self)
        text = tr("Monitor a call…")
        self.add = self._invitation.add_button(text, wall.add_wanted.emit, "primary")
        self.rules = self._invitation.add_button("", wall.rules_wanted.emit)
        vbox(card(self, self._invitation), within=self)
        self.show_opening(False)

    def show_opening(self, opening: bool) -> None:
        """Say that something is on its way."""
        self._invitation.say(
            tr("Hear how a call goes, while it goes"),
            tr(
                "Two parties, two timelines: the customer's emotions, and for both who talks, who "
                "waits and who interrupts. Everything stays on this computer. The agent's emotions "
                "are not inferred unless you turn that on for one call."
            ),
            tr("Loading the model and opening the call…")
            if opening
            else tr("Recordings of calls can be dropped here, too."),
            self.add,
            self.rules,
        )
