"""The rules of a file, one below the other: name, kind, and a flag that tells how grave."""

from __future__ import annotations

from collections.abc import Sequence

from PySide6.QtCore import QModelIndex, QPersistentModelIndex, QRectF, QSize, Qt
from PySide6.QtGui import QPainter, QPen
from PySide6.QtWidgets import (
    QListWidget,
    QListWidgetItem,
    QStyle,
    QStyledItemDelegate,
    QStyleOptionViewItem,
    QWidget,
)

from emolive.alerts.conditions.rule import Rule
from emolive.i18n import tr
from emolive.types import Severity
from emolive.ui.calls.tile_paint import flag, severity_colour
from emolive.ui.theme import Theme, font

_ROW = 50
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


class _Row(QStyledItemDelegate):
    def __init__(self, theme: Theme, parent: QListWidget) -> None:
        super().__init__(parent)
        self._theme = theme

    def sizeHint(self, option: QStyleOptionViewItem, index: QModelIndex) -> QSize:  # type: ignore[override]  # noqa: ARG002
        """Two lines."""
        return QSize(0, _ROW)

    def paint(
        self,
        painter: QPainter,
        option: QStyleOptionViewItem,
        index: QModelIndex | QPersistentModelIndex,
    ) -> None:
        """Draw flag, name and kind; the chosen one has a ground, and a frame with the focus."""
        theme = self._theme
        area = QRectF(option.rect).adjusted(1, 1, -1, -1)
        state = option.state
        painter.save()
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        if state & QStyle.StateFlag.State_Selected:
            focus = state & QStyle.StateFlag.State_HasFocus
            painter.setPen(QPen(theme.colour("accent"), 2) if focus else Qt.PenStyle.NoPen)
            painter.setBrush(theme.colour("info_tint"))
            painter.drawRoundedRect(area.adjusted(1, 1, -1, -1), 7, 7)
        severity, on = index.data(_RULE)
        colour = severity_colour(Severity(severity), theme) if on else theme.colour("faint")
        flag(painter, area.left() + 12, area.center().y() - 8, 15, colour)
        name, _, about = str(index.data()).partition("\n")
        left = Qt.AlignmentFlag.AlignLeft | Qt.AlignmentFlag.AlignVCenter
        room = area.adjusted(34, 5, -10, -5)
        lines = [(name, 13, True, "text" if on else "muted")]
        if about:
            lines.append((about, 11, False, "muted"))
        for number, (text, px, bold, ink) in enumerate(lines):
            painter.setFont(font(px, bold=bold))
            painter.setPen(theme.colour(ink))
            height = room.height() / len(lines)
            line = QRectF(room.left(), room.top() + number * height, room.width(), height)
            metrics = painter.fontMetrics()
            shown = metrics.elidedText(text, Qt.TextElideMode.ElideRight, int(line.width()))
            painter.drawText(line, left, shown)
        painter.restore()
