"""What the supervisor notes about a call while it goes on: notes with their time, and tags."""

from __future__ import annotations

from PySide6.QtCore import Qt, Signal
from PySide6.QtWidgets import QWidget

from emolive.i18n import tr
from emolive.times import clock_text
from emolive.ui.calls.model import CallModel
from emolive.ui.controls import ScrollColumn, label, text_field
from emolive.ui.layouts import vbox
from emolive.ui.sessions.tag_editor import TagEditor

_LONGEST = 1000


class RemarksPanel(QWidget):
    """Tells what is noted; shows what the call has."""

    noted = Signal(str)
    tagged = Signal(str)
    untagged = Signal(str)

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._shown: tuple[object, ...] = ()
        self.field = text_field(
            tr("Note about this moment of the call"),
            self,
            longest=_LONGEST,
            placeholder=tr("Note this moment, then Enter"),
        )
        self.field.returnPressed.connect(self._on_return)
        self.list = label("", self, wrap=True)
        self.list.setTextFormat(Qt.TextFormat.PlainText)
        self.list.setAlignment(Qt.AlignmentFlag.AlignTop)
        self.list.setTextInteractionFlags(Qt.TextInteractionFlag.TextSelectableByMouse)
        self._scroll = ScrollColumn(self.list, self)
        self.tags = TagEditor(self)
        self.tags.added.connect(self.tagged)
        self.tags.removed.connect(self.untagged)
        vbox(
            label(tr("Notes and tags"), self, "heading"),
            self.field,
            (self._scroll, 1),
            self.tags,
            within=self,
            margins=(12, 8, 12, 10),
            gap=6,
        )

    def show_call(self, model: CallModel) -> None:
        """Show a call's; free if nothing is new."""
        state = (model.info.id, tuple(model.remarks), tuple(model.tags), model.over)
        if state == self._shown:
            return
        self._shown = state
        rate = model.info.facts.rate
        lines = [f"{clock_text(one.at_sample / rate)}  {one.text}" for one in model.remarks]
        self.list.setText("\n".join(reversed(lines)))
        self._scroll.setVisible(bool(lines))
        self.field.setEnabled(not model.over)
        self.tags.show_tags(model.tags, ())

    def _on_return(self) -> None:
        if text := self.field.text().strip():
            self.field.clear()
            self.noted.emit(text)
