"""Tags of a session: chips that can be removed, and a field to add one."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial

from PySide6.QtCore import QStringListModel, Qt, Signal
from PySide6.QtWidgets import QCompleter, QPushButton, QWidget

from emolive.i18n import tr
from emolive.ui.controls import push_button, text_field
from emolive.ui.layouts import FlowLayout
from emolive.ui.popups import dress_suggestions


class TagEditor(QWidget):
    """Tells what shall be added or removed; shows what it is given."""

    added = Signal(str)
    removed = Signal(str)

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._chips: list[QPushButton] = []
        self._flow = FlowLayout(self)
        self.field = text_field(tr("Add a tag"), self, placeholder=tr("Add a tag"))
        self.field.ensurePolished()
        words = self.field.fontMetrics().horizontalAdvance(self.field.placeholderText())
        self.field.setFixedWidth(max(120, words + 30))
        self._known = QStringListModel(self)
        completer = QCompleter(self._known, self)
        dress_suggestions(completer)
        completer.setCaseSensitivity(Qt.CaseSensitivity.CaseInsensitive)
        self.field.setCompleter(completer)
        self.field.returnPressed.connect(self._on_return)
        self._flow.addWidget(self.field)

    def show_tags(self, tags: Sequence[str], known: Sequence[str]) -> None:
        """Show these tags; `known` are those of the whole library."""
        for chip in self._chips:
            self._flow.removeWidget(chip)
            chip.deleteLater()
        self._flow.removeWidget(self.field)
        self._chips = []
        for tag in tags:
            tip = tr("Remove the tag {tag}", tag=tag)
            remove = partial(self.removed.emit, tag)
            chip = push_button(f"{tag}  ×", self, remove, kind="chip", tip=tip, name=tip)
            self._flow.addWidget(chip)
            chip.show()
            self._chips.append(chip)
        self._flow.addWidget(self.field)
        self._known.setStringList([tag for tag in known if tag not in tags])
        self.updateGeometry()

    def _on_return(self) -> None:
        text = self.field.text().strip()
        if text:
            self.field.clear()
            self.added.emit(text)
