"""The list of marks with the comment of the selected one, and how far people and model agree."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from PySide6.QtCore import (
    QAbstractListModel,
    QEvent,
    QModelIndex,
    QObject,
    QRectF,
    Qt,
    Signal,
)
from PySide6.QtGui import QColor, QKeyEvent, QPainter
from PySide6.QtWidgets import (
    QAbstractItemView,
    QListView,
    QStyle,
    QWidget,
)

from emolive.i18n import tr
from emolive.labels import emotion_name
from emolive.session.records import Annotation
from emolive.times import clock_text, seconds_text
from emolive.ui.controls import Notice, label, push_button, text_field
from emolive.ui.layouts import vbox
from emolive.ui.painting import write
from emolive.ui.rows import Index, RowDelegate
from emolive.ui.sessions.annotator_bar import AnnotatorBar
from emolive.ui.theme import Theme, Themed


class MarkModel(QAbstractListModel):
    """Marks in the order of time."""

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self.marks: tuple[Annotation, ...] = ()
        self.rate = 1

    def set_marks(self, marks: Sequence[Annotation], rate: int) -> None:
        """Show others."""
        self.beginResetModel()
        self.marks = tuple(marks)
        self.rate = rate
        self.endResetModel()

    def rowCount(self, parent: Index = QModelIndex()) -> int:  # noqa: B008
        """How many there are."""
        return 0 if parent.isValid() else len(self.marks)

    def data(self, index: Index, role: int = Qt.ItemDataRole.DisplayRole) -> Any:
        """The mark itself, and its text for screen readers."""
        mark = self.marks[index.row()]
        if role == Qt.ItemDataRole.UserRole:
            return mark
        if role in (Qt.ItemDataRole.DisplayRole, Qt.ItemDataRole.AccessibleTextRole):
            name = emotion_name(mark.label) if mark.label else tr("comment")
            return f"{clock_text(mark.start_sample / self.rate)} {name} {mark.comment}".strip()
        return None


class MarkDelegate(RowDelegate):
    """Colour, name, time and comment of a mark."""

    height = 44  # two lines
    rate = 1
    me = ""

    def draw(self, painter: QPainter, area: QRectF, state: QStyle.StateFlag, index: Index) -> None:
        """Draw two lines beside a bar in the label's colour."""
        mark = index.data(Qt.ItemDataRole.UserRole)
        area = area.adjusted(1, 1, -1, -1)
        painter.setPen(Qt.PenStyle.NoPen)
        if state & QStyle.StateFlag.State_Selected:
            painter.setBrush(self.theme.colour("info_tint"))
            painter.drawRoundedRect(area, 6, 6)
        elif state & QStyle.StateFlag.State_MouseOver:
            painter.setBrush(self.theme.colour("plot"))
            painter.drawRoundedRect(area, 6, 6)
        painter.setBrush(_colour(mark, self.theme))
        painter.drawRoundedRect(
            QRectF(area.left() + 6, area.top() + 7, 5, area.height() - 14), 2, 2
        )
        text = area.adjusted(20, 4, -8, -4)
        top = QRectF(text.left(), text.top(), text.width(), text.height() / 2)
        low = top.translated(0, text.height() / 2)
        start_s, end_s = mark.start_sample / self.rate, mark.end_sample / self.rate
        write(
            painter,
            top,
            emotion_name(mark.label) if mark.label else tr("comment"),
            self.theme.colour("text"),
            13,
            Qt.AlignmentFlag.AlignVCenter,
            bold=True,
        )
        write(
            painter,
            top,
            f"{clock_text(start_s)} · " + seconds_text(end_s - start_s),
            self.theme.colour("muted"),
            12,
            Qt.AlignmentFlag.AlignVCenter | Qt.AlignmentFlag.AlignRight,
        )
        about = [mark.tier] if mark.tier else []
        if mark.annotator not in ("", self.me):
            about.append(tr("by {name}", name=mark.annotator))
        words = " ".join(mark.comment.split())
        words = " · ".join([*about, *([words] if words else [])]) or tr("no comment")
        ink = self.theme.colour("text" if mark.comment or about else "faint")
        write(painter, low, words, ink, 12, elide=Qt.TextElideMode.ElideRight)


class MarksView(Themed, QWidget):
    """What the page is told: a mark was picked, its comment written, it shall go."""

    picked = Signal(str)
    commented = Signal(str, str)  # id, text
    deleted = Signal(str)
    adopt = Signal()

    def __init__(self, theme: Theme, parent: QWidget | None = None) -> None:
        super().__init__(theme, parent)
        self.model = MarkModel(self)
        self.bar = AnnotatorBar(theme, self)
        self.agreement = Notice(self, "hint")
        self.agreement.setToolTip(
            tr("1: full agreement, 0: what chance would give; every moment counts alike.")
        )
        self.list = QListView(self)
        self.list.setModel(self.model)
        self.list.setUniformItemSizes(True)
        self.list.setMouseTracking(True)
        self.list.setVerticalScrollMode(QAbstractItemView.ScrollMode.ScrollPerPixel)
        self.list.setAccessibleName(tr("Marks"))
        self.delegate = MarkDelegate(theme, self)
        self.list.setItemDelegate(self.delegate)
        self.list.installEventFilter(self)
        self.list.selectionModel().currentChanged.connect(self._on_current)
        text = tr(
            "No marks yet. Drag over the timeline and press a number to label what you hear, "
            "or take over the model's segments and correct them."
        )
        self.empty = label(text, self, "muted", wrap=True)
        self.empty.setAlignment(Qt.AlignmentFlag.AlignTop)
        text = tr("Comment on the selected mark")
        self.comment = text_field(text, self, placeholder=text)
        self.comment.editingFinished.connect(self._on_comment)
        text = tr("Take over the model's segments")
        self.adopt_button = push_button(text, self, self.adopt.emit, kind="quiet")
        self._setting = False
        vbox(
            self.bar,
            self.agreement,
            self.empty,
            (self.list, 1),
            self.comment,
            self.adopt_button,
            within=self,
            margins=(0, 4, 8, 8),
            gap=8,
        )

    def _recolour(self) -> None:
        self.delegate.theme = self.theme
        self.list.viewport().update()

    def set_marks(self, marks: Sequence[Annotation], rate: int, me: str) -> None:
        """Show these marks; the selected one stays selected. `me` need not be named."""
        self.delegate.rate = rate
        self.delegate.me = me
        chosen = self._chosen()
        self._setting = True
        self.model.set_marks(marks, rate)
        self._setting = False
        self.empty.setVisible(not marks)
        self.list.setVisible(bool(marks))
        self.adopt_button.setVisible(not marks)
        self.select(chosen.id if chosen else None)

    def select(self, mark_id: str | None) -> None:
        """Show which mark is selected; tells nobody."""
        row = next((i for i, mark in enumerate(self.model.marks) if mark.id == mark_id), -1)
        self._setting = True
        if row < 0:
            self.list.setCurrentIndex(QModelIndex())
            self.list.clearSelection()
        else:
            index = self.model.index(row)
            self.list.setCurrentIndex(index)
            self.list.scrollTo(index)
        self._setting = False
        self._show_comment()

    def edit_comment(self) -> None:
        """Go to the comment of the selected mark."""
        if self.comment.isEnabled():
            self.comment.setFocus(Qt.FocusReason.ShortcutFocusReason)
            self.comment.selectAll()

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        """Delete, and go to the comment with Enter."""
        if watched is self.list and isinstance(event, QKeyEvent):
            mark = self._chosen()
            if event.type() == QEvent.Type.KeyPress and mark is not None:
                if event.key() in (Qt.Key.Key_Delete, Qt.Key.Key_Backspace):
                    self.deleted.emit(mark.id)
                    return True
                if event.key() in (Qt.Key.Key_Return, Qt.Key.Key_Enter, Qt.Key.Key_F2):
                    self.edit_comment()
                    return True
        return super().eventFilter(watched, event)

    def _chosen(self) -> Annotation | None:
        row = self.list.currentIndex().row()
        return self.model.marks[row] if 0 <= row < len(self.model.marks) else None

    def _on_current(self) -> None:
        if not self._setting and (mark := self._chosen()) is not None:
            self._show_comment()
            self.picked.emit(mark.id)

    def _show_comment(self) -> None:
        mark = self._chosen()
        self.comment.setEnabled(mark is not None)
        if not self.comment.hasFocus() or mark is None:
            self.comment.setText(mark.comment if mark else "")
            self.comment.setModified(False)

    def _on_comment(self) -> None:
        mark = self._chosen()
        if mark is not None and self.comment.isModified():
            self.comment.setModified(False)
            self.commented.emit(mark.id, self.comment.text().strip())


def _colour(mark: Annotation, theme: Theme) -> QColor:
    return theme.colour("muted") if mark.label is None else theme.fill(mark.label)
