"""Beside the timeline: summary, marks, ratings, notes."""

from __future__ import annotations

from PySide6.QtGui import QFontMetrics
from PySide6.QtWidgets import QButtonGroup, QFrame, QWidget

from emolive.i18n import tr
from emolive.ui.controls import push_button
from emolive.ui.layouts import STRETCH, hbox, stack, vbox
from emolive.ui.sessions.marks_view import MarksView
from emolive.ui.sessions.notes_view import NotesView
from emolive.ui.sessions.rating_view import RatingView
from emolive.ui.sessions.summary_view import SummaryView
from emolive.ui.theme import Theme, font

SUMMARY, MARKS, RATING, NOTES = range(4)
WIDTH = 304


class SidePanel(QFrame):
    """One of four views at a time."""

    def __init__(self, theme: Theme, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setProperty("card", True)
        self.summary = SummaryView(theme, self)
        self.marks = MarksView(theme, self)
        self.rating = RatingView(theme, self)
        self.notes = NotesView(theme, self)
        self._pages = stack(self, self.summary, self.marks, self.rating, self.notes)
        self._group = QButtonGroup(self)
        for i, text in enumerate((tr("Summary"), tr("Marks"), tr("Rate"), tr("Notes"))):
            self._group.addButton(push_button(text, self, kind="segment", checkable=True), i)
        tabs = hbox(*self._group.buttons(), STRETCH, gap=2)
        self._group.idClicked.connect(self._pages.setCurrentIndex)
        vbox(tabs, (self._pages, 1), within=self, margins=(12, 8, 4, 4), gap=6)
        self.show_view(SUMMARY)
        # As wide as all of them want it with counts of two digits, so that nothing moves.
        self.set_counts(88, 88)
        buttons = self._group.buttons()
        wanted = sum(button.minimumWidth() + tabs.spacing() for button in buttons)
        self.setFixedWidth(max(WIDTH, wanted + 16))
        self.set_counts(0, 0)

    @property
    def view(self) -> int:
        """SUMMARY, MARKS, RATING or NOTES."""
        return self._pages.currentIndex()

    def show_view(self, view: int) -> None:
        """Show one of the views."""
        self._group.button(view).setChecked(True)
        self._pages.setCurrentIndex(view)

    def set_counts(self, marks: int, notes: int) -> None:
        """Say how many there are."""
        self._group.button(MARKS).setText(tr("Marks {n}", n=marks) if marks else tr("Marks"))
        self._group.button(NOTES).setText(tr("Notes {n}", n=notes) if notes else tr("Notes"))
        # The style sheet makes the chosen one bold, which a size hint does not know.
        bold = QFontMetrics(font(12, bold=True))
        for button in self._group.buttons():
            button.setMinimumWidth(bold.horizontalAdvance(button.text()) + 22)
