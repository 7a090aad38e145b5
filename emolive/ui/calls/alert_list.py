"""The alerts of one call: what, when, still going on or over, and seen to or not."""

from __future__ import annotations

from collections.abc import Sequence

from PySide6.QtCore import QEvent, QRectF, Qt, Signal
from PySide6.QtGui import QPainter
from PySide6.QtWidgets import QAbstractButton, QSizePolicy, QWidget

from emolive.i18n import ntr, tr
from emolive.times import clock_text, duration_text
from emolive.ui.calls.model import AlertEntry, CallModel
from emolive.ui.controls import Notice, ScrollColumn, discard, label, push_button
from emolive.ui.layouts import STRETCH, hbox, vbox
from emolive.ui.painting import paint_flag, severity_colour, write
from emolive.ui.theme import Painted, Theme, Themed
from emolive.wording import severity_name, stream_name

_MOST_ROWS = 60
_ROW_PX, _EDGE_PX = 58, 4
_MOST_PROBLEMS = 3


class AlertProblems(Notice):
    """What is out of order, for as long as it is."""

    def __init__(self, parent: QWidget) -> None:
        super().__init__(parent, "problem")
        self.setTextFormat(Qt.TextFormat.PlainText)
        self.setTextInteractionFlags(Qt.TextInteractionFlag.TextSelectableByMouse)

    def show_problems(self, problems: Sequence[str]) -> None:
        """Show the first few in full; touches nothing that stays the same."""
        lines = list(problems[:_MOST_PROBLEMS])
        if (more := len(problems) - len(lines)) > 0:
            lines.append(ntr("{count} more problem.", "{count} more problems.", more))
        text = "\n".join(lines)
        if text != self.text():
            self.say(text)
            self.setToolTip("\n".join(problems))


class AlertRow(Painted, QAbstractButton):
    """One alert; a click shows its moment (`clicked`), its button acknowledges it."""

    hint = (260, _ROW_PX)  # two lines
    acknowledge = Signal()

    def __init__(
        self, entry: AlertEntry, rate: int, theme: Theme, parent: QWidget | None = None
    ) -> None:
        super().__init__(theme, parent)
        self.entry = entry
        self._rate = rate
        self._shown: tuple[bool, int | None] | None = None
        self.setFixedHeight(_ROW_PX)
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        self.setCursor(Qt.CursorShape.PointingHandCursor)
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)
        self.setToolTip(entry.alert.message)
        self.seen = push_button(tr("Acknowledge"), self, self.acknowledge, kind="segment")
        self.refresh()

    @property
    def at_s(self) -> float:
        """When it was raised."""
        return self.entry.alert.fired_sample / self._rate

    def refresh(self) -> None:
        """Show whether it is over and seen to."""
        shown = (self.entry.acknowledged, self.entry.end_sample)
        if shown == self._shown:
            return
        self._shown = shown
        self.seen.setVisible(not self.entry.acknowledged)
        alert = self.entry.alert
        severity = severity_name(alert.severity)
        self.setAccessibleName(f"{severity}, {clock_text(self.at_s)}: {alert.message}")
        self.setAccessibleDescription(self._second())
        self.update()

    def paint(self, painter: QPainter) -> None:
        """Draw flag, rule, time, message."""
        theme, entry = self.theme, self.entry
        alert = entry.alert
        colour = severity_colour(alert.severity, theme, 110 if entry.acknowledged else 255)
        if self.hasFocus() or self.underMouse():
            painter.setPen(theme.colour("accent") if self.hasFocus() else Qt.PenStyle.NoPen)
            painter.setBrush(theme.colour("plot"))
            painter.drawRoundedRect(QRectF(self.rect()).adjusted(1, 1, -1, -1), 7, 7)
        paint_flag(painter, 12.75, 11, 16, colour, alert.severity)
        left, right = 32.0, self.width() - 12.0
        muted, elide = theme.colour("muted"), Qt.TextElideMode.ElideRight
        first, time = QRectF(left, 8, right - left, 20), clock_text(self.at_s)
        end = Qt.AlignmentFlag.AlignVCenter | Qt.AlignmentFlag.AlignRight
        write(painter, first, time, muted, 12, end)
        first.setRight(right - painter.fontMetrics().horizontalAdvance(time) - 8)
        ink, bold = (muted, False) if entry.acknowledged else (theme.colour("text"), True)
        write(painter, first, alert.rule, ink, 13, bold=bold, elide=elide)
        beside = right if entry.acknowledged else self.seen.x() - 6
        second = QRectF(left, 30, beside - left, 18)
        write(painter, second, " ".join(self._second().split()), muted, 12, elide=elide)

    def _resized(self) -> None:
        # Keep the button in its corner.
        self.seen.adjustSize()
        self.seen.move(self.width() - self.seen.width() - 6, 27)

    def _second(self) -> str:
        alert, end = self.entry.alert, self.entry.end_sample
        lasted = tr("goes on")
        if end is not None:
            lasted = duration_text((end - alert.start_sample) / self._rate)
        party = stream_name(alert.stream) if alert.stream is not None else tr("both")
        return f"{party} · {lasted}"


class AlertList(Themed, QWidget):
    """The newest first; at most the last 60 have a row. `picked` carries a moment in seconds."""

    picked = Signal(float)
    acknowledged = Signal(object)
    rules_wanted = Signal()

    def __init__(self, theme: Theme, parent: QWidget | None = None) -> None:
        super().__init__(theme, parent)
        self._offer_rules = False
        self.rows: list[AlertRow] = []
        self._model: CallModel | None = None
        self._newest = 0
        self.heading = label(tr("Alerts"), self, "heading")
        self.all = push_button(tr("Acknowledge all"), self, self._all, kind="quiet")
        self.none = label("", self, "muted", wrap=True)
        text = tr("Set up alert rules…")
        self.rules = push_button(text, self, self.rules_wanted.emit, kind="primary")
        inner = QWidget(self)
        self._column = vbox(STRETCH, within=inner, gap=0)
        self._scroll = ScrollColumn(inner, self)
        self.none.setContentsMargins(14, 2, 14, 12)
        vbox(
            hbox((self.heading, 1), self.all, margins=(14, 6, 6, 0)),
            self.none,
            (self.rules, 0, Qt.AlignmentFlag.AlignHCenter),
            (self._scroll, 1),
            STRETCH,
            within=self,
            margins=(0, _EDGE_PX, 0, _EDGE_PX),
            gap=4,
        )

    def show_call(
        self, model: CallModel | None, why_none: str, *, offer_rules: bool = False
    ) -> None:
        """Another call; `why_none` is said as long as there is no alert.

        `offer_rules`: there are none that could raise one.
        """
        self._offer_rules = offer_rules
        self._model = model
        self._newest = 0
        discard(*self.rows)
        self.rows = []
        self.none.setText(why_none)
        self.refresh()

    def refresh(self) -> None:
        """Add what is new, and show what is over."""
        model = self._model
        entries = list(model.alerts) if model is not None else []
        for entry in entries[-_MOST_ROWS:]:
            if entry.number > self._newest:
                self._add(entry)
        for row in self.rows:
            row.refresh()
        waiting = sum(not entry.acknowledged for entry in entries)
        text = tr("Alerts")
        if waiting:
            text = ntr("Alerts · {count} waits", "Alerts · {count} wait", waiting)
        if text != self.heading.text():
            self.heading.setText(text)
        self.all.setVisible(waiting > 1)
        self.none.setVisible(not entries)
        self.rules.setVisible(self._offer_rules and not entries)
        self._scroll.setVisible(bool(entries))

    def event(self, event: QEvent) -> bool:
        """Show no sliver of the next alert: it can be read, or it is not there."""
        done = super().event(event)
        if event.type() in (QEvent.Type.Resize, QEvent.Type.LayoutRequest):
            room = self.height() - self._scroll.y() - _EDGE_PX
            whole, left = divmod(room, _ROW_PX)
            high = whole * _ROW_PX if whole and left < _ROW_PX / 2 else room
            self._scroll.setMaximumHeight(max(0, high))
        return done

    def _add(self, entry: AlertEntry) -> None:
        assert self._model is not None
        rate = self._model.info.facts.rate
        row = AlertRow(entry, rate, self.theme, self)
        row.clicked.connect(lambda: self.picked.emit(row.at_s))
        row.acknowledge.connect(lambda: self.acknowledged.emit(entry))
        self._column.insertWidget(0, row)
        self.rows.insert(0, row)
        self._newest = entry.number
        discard(*self.rows[_MOST_ROWS:])
        del self.rows[_MOST_ROWS:]

    def _all(self) -> None:
        self.acknowledged.emit(None)
