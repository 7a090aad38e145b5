"""The rules of a file, one below the other: name, kind, and a flag that tells how grave."""

from __future__ import annotations

from collections.abc import Sequence

from PySide6.QtCore import QRectF, Qt
from PySide6.QtGui import QColor, QMouseEvent, QPainter, QPen
from PySide6.QtWidgets import (
    QListWidget,
    QListWidgetItem,
    QSizePolicy,
    QStyle,
    QToolTip,
    QWidget,
)

from emolive.alerts.conditions.rule import Rule
from emolive.alerts.trial import LastCall
from emolive.i18n import tr
from emolive.times import clock_text, length_text
from emolive.types import Severity
from emolive.ui.controls import label
from emolive.ui.layouts import vbox
from emolive.ui.painting import paint_flag, severity_colour, write
from emolive.ui.rows import Index, RowDelegate
from emolive.ui.theme import Painted, Theme, font

_RULE = Qt.ItemDataRole.UserRole


class RuleList(QListWidget):
    """Its rows' texts are what a screen reader says."""

    def __init__(self, theme: Theme, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setAccessibleName(tr("Rules"))
        self.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.setItemDelegate(_Row(theme, self))

    def show_rules(self, rules: Sequence[Rule], row: int) -> None:
        """List these, and choose one of them."""
        self.blockSignals(True)
        self.clear()
        for index, rule in enumerate(rules):
            self.addItem(QListWidgetItem())
            self.show_rule(index, rule)
        self.setCurrentRow(row if rules else -1)
        self.blockSignals(False)

    def show_rule(self, index: int, rule: Rule) -> None:
        """Show one that has changed."""
        about = tr(rule.title)
        if not rule.enabled:
            about = tr("{kind}, off", kind=about)
        elif about.casefold() == rule.name.casefold():
            about = ""  # once is enough
        item = self.item(index)
        item.setData(_RULE, (str(rule.severity), rule.enabled))
        item.setText(f"{rule.name}\n{about}".rstrip())
        item.setToolTip(rule.in_words())


class _Row(RowDelegate):
    height = 50  # two lines

    def draw(self, painter: QPainter, area: QRectF, state: QStyle.StateFlag, index: Index) -> None:
        """Draw flag, name and kind; the chosen one has a ground, and a frame with the focus."""
        theme = self.theme
        area = area.adjusted(1, 1, -1, -1)
        if state & QStyle.StateFlag.State_Selected:
            focus = state & QStyle.StateFlag.State_HasFocus
            painter.setPen(QPen(theme.colour("accent"), 2) if focus else Qt.PenStyle.NoPen)
            painter.setBrush(theme.colour("info_tint"))
            painter.drawRoundedRect(area.adjusted(1, 1, -1, -1), 7, 7)
        severity, on = index.data(_RULE)
        colour = severity_colour(Severity(severity), theme) if on else theme.colour("faint")
        paint_flag(painter, area.left() + 12.75, area.center().y() - 8, 15, colour, severity)
        name, _, about = str(index.data()).partition("\n")
        room = area.adjusted(34, 5, -10, -5)
        lines = [(name, 13, True, "text" if on else "muted")]
        if about:
            lines.append((about, 11, False, "muted"))
        for number, (text, px, bold, ink) in enumerate(lines):
            height = room.height() / len(lines)
            line = QRectF(room.left(), room.top() + number * height, room.width(), height)
            right = Qt.TextElideMode.ElideRight
            write(painter, line, text, theme.colour(ink), px, bold=bold, elide=right)


_NEAR_PX = 9.0
_END = 44.0  # room for the length at the right end


class RuleTrial(QWidget):
    """Follows the chosen rule while it is edited."""

    def __init__(self, theme: Theme, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.words = label("", self, "muted", wrap=True)
        self.line = _Line(theme, self)
        vbox(self.words, self.line, within=self, gap=4)
        self.show_text("")

    def show_text(self, text: str) -> None:
        """Say why there is nothing to see, or that it takes a moment."""
        self.words.setText(text)
        self.line.show_last(None)

    def show_last(self, last: LastCall | None) -> None:
        """Show what came out; None: there is no session that the rule could watch."""
        if last is None:
            self.show_text(
                tr("No stored session has what this rule watches: record a call to try it on.")
            )
            return
        self.words.setText(last.in_words())
        self.line.show_last(last)


class _Line(Painted, QWidget):
    """The session from left to right; pointing at a flag tells what it stands for."""

    hint = (300, 24)  # one line with flags on it

    def __init__(self, theme: Theme, parent: QWidget) -> None:
        super().__init__(theme, parent)
        self._last: LastCall | None = None
        self.setMouseTracking(True)
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)
        self.setAccessibleName(tr("When it would have fired"))

    def show_last(self, last: LastCall | None) -> None:
        """Show these alerts; None: nothing."""
        self._last = last
        times = [clock_text(one.fired_s) for one in last.findings] if last is not None else []
        self.setAccessibleDescription(", ".join(times))
        self.setVisible(last is not None)
        self.update()

    def paint(self, painter: QPainter) -> None:
        """Draw the line, how long each alert held, and its flag."""
        if (last := self._last) is None:
            return
        bottom = self.height() - 6.0
        painter.fillRect(QRectF(0, bottom, self._width, 4), self.theme.colour("border"))
        painter.setFont(font(11))
        painter.setPen(self.theme.colour("muted"))
        end = QRectF(self._width + 4, 0, _END - 4, self.height())
        right = Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignBottom
        painter.drawText(end, right, length_text(last.session.duration_s))
        for one in last.findings:
            colour = severity_colour(one.alert.severity, self.theme)
            soft = QColor(colour)
            soft.setAlpha(150)
            x, over = self._x(one.fired_s), self._x(one.end_s)
            painter.fillRect(QRectF(x, bottom, max(2.0, over - x), 4), soft)
            paint_flag(painter, x + 0.75, bottom - 14, 18, colour, one.alert.severity)

    def mouseMoveEvent(self, event: QMouseEvent) -> None:
        """Say when it would have fired, and why."""
        at = event.position().x()
        findings = self._last.findings if self._last is not None else ()
        near = [one for one in findings if abs(self._x(one.fired_s) + 4 - at) <= _NEAR_PX]
        lines = [f"{clock_text(one.fired_s)}  {one.alert.message}" for one in near[:4]]
        QToolTip.showText(event.globalPosition().toPoint(), "\n".join(lines), self)

    @property
    def _width(self) -> float:
        return max(1.0, self.width() - _END)

    def _x(self, at_s: float) -> float:
        assert self._last is not None
        length = max(1e-3, self._last.session.duration_s)
        return self._width * min(1.0, at_s / length)
