"""Over the list of marks: who marks, in which tier, and whether others' marks are seen."""

from __future__ import annotations

from collections.abc import Sequence

from PySide6.QtCore import Qt, Signal
from PySide6.QtWidgets import QCheckBox, QGridLayout, QWidget

from emolive.i18n import tr
from emolive.session.library_settings import TierSettings
from emolive.session.records import LONGEST_NAME
from emolive.ui.controls import ChoiceBox, IconButton, label
from emolive.ui.theme import Theme


class AnnotatorBar(QWidget):
    """Tells what a person chooses; the page keeps it."""

    named = Signal(str)
    tier_chosen = Signal(str)  # "": the emotions
    others_shown = Signal(bool)
    tiers_wanted = Signal()

    def __init__(self, theme: Theme, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.who = ChoiceBox(tr("Marks by"), self)
        self.who.setEditable(True)
        self.who.setInsertPolicy(ChoiceBox.InsertPolicy.NoInsert)
        self.who.setToolTip(tr("Whose marks you make now: choose a name, or write a new one"))
        line = self.who.lineEdit()
        assert line is not None
        line.setMaxLength(LONGEST_NAME)
        line.setAccessibleName(tr("Marks by"))
        line.editingFinished.connect(self._on_name)
        self.who.activated.connect(self._on_name)
        self.tier = ChoiceBox(tr("Tier"), self)
        self.tier.setToolTip(tr("What you label: the emotion, or something of your own"))
        self.tier.picked.connect(self.tier_chosen.emit)
        self.edit = IconButton("edit", tr("Tiers and their labels"), theme, self)
        self.edit.clicked.connect(self.tiers_wanted)
        self.others = QCheckBox(tr("Show others' marks"), self)
        self.others.setToolTip(tr("Off: mark without seeing what others have marked"))
        self.others.setChecked(True)
        self.others.setFocusPolicy(Qt.FocusPolicy.TabFocus)
        self.others.toggled.connect(self.others_shown)
        self._me = ""
        grid = QGridLayout(self)
        grid.setContentsMargins(0, 0, 0, 0)
        grid.setHorizontalSpacing(8)
        grid.setVerticalSpacing(6)
        grid.addWidget(label(tr("Marks by"), self, "caption"), 0, 0)
        grid.addWidget(self.who, 0, 1, 1, 2)
        grid.addWidget(label(tr("Tier"), self, "caption"), 1, 0)
        grid.addWidget(self.tier, 1, 1)
        grid.addWidget(self.edit, 1, 2)
        grid.addWidget(self.others, 2, 0, 1, 3)
        grid.setColumnStretch(1, 1)

    def set_people(self, names: Sequence[str], me: str) -> None:
        """Offer those who have marked anything, and say who marks now."""
        self._me = me
        self.who.clear()
        self.who.addItems(sorted({me, *names} - {""}))
        self.who.setCurrentText(me)

    def set_tiers(self, tiers: Sequence[TierSettings], chosen: str) -> None:
        """Offer the emotions and these."""
        self.tier.offer([(tr("Emotion"), ""), *((tier.name, tier.name) for tier in tiers)])
        self.choose_tier(chosen)

    def choose_tier(self, name: str) -> None:
        """Show which one is labelled; tells nobody."""
        self.tier.setCurrentIndex(max(0, self.tier.findData(name)))

    def _on_name(self) -> None:
        name = " ".join(self.who.currentText().split())
        if not name:
            self.who.setCurrentText(self._me)
        elif name != self._me:
            self._me = name
            if self.who.findText(name) < 0:
                self.who.addItem(name)
            self.named.emit(name)
