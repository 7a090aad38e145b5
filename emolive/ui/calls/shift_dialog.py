"""The shift at a glance: hours, agents (conversation only), customers' emotions, past alerts."""

from __future__ import annotations

import threading
from collections.abc import Sequence
from datetime import datetime, timedelta

from PySide6.QtCore import QRectF, Qt, Signal
from PySide6.QtGui import QPainter
from PySide6.QtWidgets import QWidget

from emolive.i18n import decimal, moment_text, ntr, time_text, tr
from emolive.labels import emotion_name
from emolive.session.library import Library
from emolive.session.shift import AgentRow, HourRow, Shift, shift
from emolive.ui.background import Background
from emolive.ui.controls import ChoiceButton, card, label, push_button
from emolive.ui.dialog import Dialog
from emolive.ui.invitation import Ghost, Invitation
from emolive.ui.layouts import STRETCH, fill, hbox, stack, vbox
from emolive.ui.painting import fill_rounded
from emolive.ui.settings.form import Choice
from emolive.ui.text_table import TextTable
from emolive.ui.theme import Painted, Theme, font
from emolive.wording import percent, stream_name

_LEAST_PX, _ROOMY_PX, _MOST_PX = 1000, 1150, 1240
_TABLE_PX = 172
_MOST_ALERTS = 1_000


class ShiftDialog(Dialog):
    """`opened` carries the id of a session and the sample of the alert that was chosen."""

    opened = Signal(str, int)

    def __init__(self, theme: Theme, library: Library, parent: QWidget | None = None) -> None:
        text = tr(
            "Recorded calls only. Agents are shown by how their conversations went; emotions are "
            "the customers' alone."
        )
        room = 0 if parent is None else parent.window().width() - 60
        wide = min(max(_LEAST_PX, room), _MOST_PX)
        super().__init__(theme, tr("Shift"), text, parent, wide)
        self._library = library
        self._days = 0
        self._cancelled = threading.Event()
        self._work = Background("shift", self)
        self._shift = Shift()
        self.spans: list[ChoiceButton] = []
        for days, name in ((0, tr("Today")), (1, tr("Last 24 hours")), (7, tr("Last 7 days"))):
            button = ChoiceButton(name, name, self)
            button.clicked.connect(lambda _=False, days=days: self.show_days(days))
            self.spans.append(button)
        self.team = Choice(tr("Team"), [(tr("All teams"), None)], self)
        self.team.picked.connect(lambda _: self._look())
        row = hbox(*self.spans, STRETCH, self.team, gap=4)
        self.sum = label("", self, "heading")
        self.hours = HourBars(theme, self)
        self.emotions = EmotionBars(theme, self)
        self.agents = TextTable(
            (
                tr("Agent"), tr("Calls"), tr("Minutes"), tr("Talk"), tr("Overtalk"),
                tr("Silence"), tr("Response"), tr("Interruptions / h"),
            ),
            tr("Agents, by how their conversations went"), wide=(0,), height=_TABLE_PX, parent=self,
        )  # fmt: skip
        self.alerts = TextTable(
            (tr("When"), tr("Call"), tr("Alert"), tr("Party")), tr("Alerts of the shift"),
            wide=(1, 2), height=_TABLE_PX, parent=self,
        )  # fmt: skip
        narrow = wide < _ROOMY_PX
        self.alerts.setColumnHidden(3, narrow)  # so that call and alert can be read
        self.alerts.cellActivated.connect(self._on_alert)
        self.alerts.cellDoubleClicked.connect(self._on_alert)
        self.figures = QWidget(self)
        bars = hbox(
            (_titled(tr("Calls and alerts by hour"), self.hours, self), 3),
            (_titled(tr("Customers' emotions"), self.emotions, self), 2),
            gap=12,
        )
        tables = hbox(
            (_titled(tr("Agents"), self.agents, self), 4 if narrow else 3),
            (_titled(tr("Alert history"), self.alerts, self), 2),
            gap=12,
        )
        fill(self.body, row, self.sum)
        vbox(bars, tables, within=self.figures, gap=10)
        self.empty = Invitation(theme, Ghost.BARS, self)
        self.week = self.empty.add_button(tr("Last 7 days"), lambda: self.show_days(7), "primary")
        # One in the other's place, so that the dialog keeps its size.
        # The ghost is drawn on a card's colour.
        self._pages = stack(self, self.figures, card(self, self.empty, margins=None))
        self.body.addWidget(self._pages)
        self.leave = push_button(tr("Close"), self, self.reject, kind="primary")
        self.buttons.addWidget(self.leave)
        self.finished.connect(self._on_finished)
        self.show_days(0)

    def show_days(self, days: int) -> None:
        """Today (0), or so many days back from now."""
        self._days = days
        for button, one in zip(self.spans, (0, 1, 7), strict=True):
            button.setChecked(one == days)
        self._look()

    def _look(self) -> None:
        now = datetime.now().astimezone()
        since = now.replace(hour=0, minute=0, second=0, microsecond=0)
        if self._days:
            since = now - timedelta(days=self._days)
        library, cancelled, team = self._library, self._cancelled, self.team.value()
        self.sum.setText(tr("Adding up the calls…"))
        self._work.ask(
            lambda: shift(
                library, since, now + timedelta(minutes=1), team=team, cancelled=cancelled.is_set
            ),
            self._show,
            self.show_problem,
            key="shift",
        )

    def _show(self, found: Shift) -> None:
        self._shift = found
        team = self.team.value()
        self.team.offer([(tr("All teams"), None), *((name, name) for name in found.teams)])
        self.team.show_value(team)
        calls = ntr("{count} call", "{count} calls", found.calls)
        alerts = ntr("{count} alert", "{count} alerts", len(found.alerts))
        minutes = tr("{minutes} min", minutes=decimal(found.minutes, 0))
        left = ""
        if found.left_out:
            left = "  ·  " + ntr(
                "{count} older call left out", "{count} older calls left out", found.left_out
            )
        self.sum.setText(f"{calls}  ·  {minutes}  ·  {alerts}{left}")
        self._show_none()
        self._pages.setCurrentIndex(0 if found.calls else 1)
        self.hours.show_hours(found.hours)
        self.emotions.show_emotions(found.emotions)
        self.agents.show_lines([_agent_cells(row) for row in found.agents])
        lines = [
            (
                (moment_text if self._days else time_text)(line.at.astimezone()),
                line.session.title or line.session.id,
                line.alert.rule,
                stream_name(line.alert.stream) if line.alert.stream else "",
            )
            for line in found.alerts[:_MOST_ALERTS]
        ]
        self.alerts.show_lines(lines)
        self.show_problem("")

    def _show_none(self) -> None:
        self.empty.say(
            tr("No recorded call yet"),
            tr(
                "Calls that are recorded add up here: how many and how long, hour by hour, what "
                "the customers felt, and how the agents' conversations went."
            ),
            "",
            *([self.week] if self._days != 7 else []),
        )

    def _on_alert(self, row: int, _column: int) -> None:
        if 0 <= row < len(self._shift.alerts):
            line = self._shift.alerts[row]
            self.opened.emit(line.session.id, line.alert.at_sample)
            self.accept()

    def _on_finished(self) -> None:
        self._cancelled.set()
        self._work.close(0.0)


class HourBars(Painted, QWidget):
    """A bar for each hour with calls; alerts are the part in the colour of a warning."""

    hint = (520, 124)  # room for a day

    def __init__(self, theme: Theme, parent: QWidget | None = None) -> None:
        super().__init__(theme, parent)
        self._rows: Sequence[HourRow] = ()
        self.setMinimumHeight(124)
        self.setAccessibleName(tr("Calls and alerts by hour"))

    def show_hours(self, rows: Sequence[HourRow]) -> None:
        """Show these."""
        self._rows = rows[-24:]
        told = [
            f"{time_text(row.start)}: {ntr('{count} call', '{count} calls', row.calls)}, "
            f"{ntr('{count} alert', '{count} alerts', row.alerts)}"
            for row in self._rows
        ]
        self.setAccessibleDescription("; ".join(told))
        self.update()

    def paint(self, painter: QPainter) -> None:
        """Draw bars and their numbers."""
        centre = Qt.AlignmentFlag.AlignCenter
        if not self._rows:
            return
        most = max(max(row.calls, row.alerts) for row in self._rows) or 1
        step = min(64.0, self.width() / len(self._rows))
        room = self.height() - 40.0
        painter.setFont(font(11))
        for index, row in enumerate(self._rows):
            left = index * step
            wide = max(4.0, step * 0.34)
            for place, (count, colour) in enumerate(
                ((row.calls, "accent"), (row.alerts, "warning"))
            ):
                high = room * count / most
                x = left + step / 2 - wide + place * wide
                bar = QRectF(x, 18 + room - high, wide - 1.5, high)
                fill_rounded(painter, bar, 2, self.theme.colour(colour))
                if count and step > 30:
                    painter.setPen(self.theme.colour("text"))
                    painter.drawText(
                        QRectF(x - 8, bar.top() - 16, wide + 14, 15), centre, str(count)
                    )
            if step > 30 or index % 3 == 0:
                painter.setPen(self.theme.colour("muted"))
                below = QRectF(left - 8, self.height() - 18, step + 16, 16)
                painter.drawText(below, centre, f"{row.start:%H}")


class EmotionBars(Painted, QWidget):
    """A bar for each emotion that customers were heard with, as a share of what was decided."""

    hint = (320, 124)  # room for eight rows

    def __init__(self, theme: Theme, parent: QWidget | None = None) -> None:
        super().__init__(theme, parent)
        self._shares: list[tuple[str, float]] = []
        self.setMinimumHeight(124)
        self.setAccessibleName(tr("Customers' emotions"))

    def show_emotions(self, seconds: dict[str, float]) -> None:
        """Show these shares."""
        total = sum(seconds.values())
        self._shares = [(name, s / total) for name, s in seconds.items()] if total else []
        told = [f"{emotion_name(name)} {percent(share)}" for name, share in self._shares]
        self.setAccessibleDescription(", ".join(told))
        self.update()

    def paint(self, painter: QPainter) -> None:
        """Draw names, bars and shares."""
        painter.setFont(font(12))
        if not self._shares:
            painter.setPen(self.theme.colour("muted"))
            text = tr("Nothing was decided yet")
            painter.drawText(self.rect(), Qt.AlignmentFlag.AlignCenter, text)
            return
        step = min(22.0, self.height() / len(self._shares))
        middle = Qt.AlignmentFlag.AlignVCenter
        for row, (name, share) in enumerate(self._shares):
            top = row * step
            painter.setPen(self.theme.colour("text"))
            painter.drawText(QRectF(0, top, 84, step), middle, emotion_name(name))
            track = QRectF(90, top + step / 2 - 4, self.width() - 146, 8)
            fill_rounded(painter, track, 4, self.theme.colour("border", 130))
            painter.setBrush(self.theme.fill(name))
            filled = QRectF(track)
            filled.setWidth(max(4.0, track.width() * share))
            painter.drawRoundedRect(filled, 4, 4)
            painter.setPen(self.theme.colour("muted"))
            number = QRectF(self.width() - 50, top, 50, step)
            painter.drawText(number, middle | Qt.AlignmentFlag.AlignRight, percent(share))


def _titled(title: str, content: QWidget, parent: QWidget) -> QWidget:
    head = label(title, parent, "heading")
    return card(parent, head, (content, 1), margins=(14, 10, 14, 12), gap=8)


def _agent_cells(row: AgentRow) -> tuple[str, ...]:
    def share(value: float | None) -> str:
        return "–" if value is None else percent(value)

    response = "–" if row.response_s is None else f"{decimal(row.response_s, 1)} s"
    interruptions = "–" if row.interruptions is None else decimal(row.interruptions, 1)
    return (
        row.name, str(row.calls), decimal(row.minutes, 0), share(row.talk_share),
        share(row.overtalk_share), share(row.silence_share), response, interruptions,
    )  # fmt: skip
