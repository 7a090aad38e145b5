"""The tiers of a library: what can be marked beside the emotions, with labels of one's own."""

from __future__ import annotations

from collections.abc import Sequence

from PySide6.QtCore import Qt
from PySide6.QtWidgets import QWidget

from emolive.errors import EmoliveError
from emolive.i18n import tr
from emolive.session.library_settings import LibrarySettings, TierSettings, tier_of, with_tier
from emolive.ui.controls import IconButton, discard, push_button, text_field
from emolive.ui.dialog import Dialog
from emolive.ui.layouts import fill, hbox, vbox
from emolive.ui.theme import Theme


class _Row(QWidget):
    """A tier's name and its labels."""

    def __init__(self, theme: Theme, parent: QWidget) -> None:
        super().__init__(parent)
        self.name = text_field(
            tr("Name of the tier"), self, placeholder=tr("Name, such as engagement")
        )
        self.name.setFixedWidth(210)
        self.labels = text_field(
            tr("Labels of the tier"), self, placeholder=tr("Labels, such as low, medium, high")
        )
        self.remove = IconButton("trash", tr("Remove this tier"), theme, self)
        hbox(self.name, (self.labels, 1), self.remove, within=self, gap=8)

    @property
    def empty(self) -> bool:
        """Whether nothing is written in it."""
        return not (self.name.text().strip() or self.labels.text().strip())


class TiersDialog(Dialog):
    """Edits a copy of the tiers; `tiers` are those to be kept once it was accepted."""

    def __init__(
        self, theme: Theme, tiers: Sequence[TierSettings], parent: QWidget | None = None
    ) -> None:
        super().__init__(
            theme,
            tr("Tiers and their labels"),
            tr(
                "What can be marked beside the emotion, in every session of this library. Keys 1 "
                "to 9 stand for the labels in this order. What was marked in a tier that is "
                "removed stays."
            ),
            parent,
            620,
        )
        self.tiers: tuple[TierSettings, ...] = tuple(tiers)
        self.rows: list[_Row] = []
        self._rows = vbox(gap=8)
        self.body.addLayout(self._rows)
        for tier in tiers:
            row = self.add()
            row.name.setText(tier.name)
            row.labels.setText(", ".join(tier.labels))
        if not tiers:
            self.add()
        self.add_button = push_button(tr("Add a tier"), self, self._on_add, kind="quiet")
        self.body.addWidget(self.add_button, 0, Qt.AlignmentFlag.AlignLeft)
        self.cancel_button = push_button(tr("Cancel"), self, self.reject)
        self.save_button = push_button(tr("Save"), self, self._on_save, kind="primary")
        fill(self.buttons, self.cancel_button, self.save_button)

    def add(self) -> _Row:
        """One more row."""
        row = _Row(self.theme, self)
        row.remove.clicked.connect(lambda: self._on_remove(row))
        self.rows.append(row)
        self._rows.addWidget(row)
        return row

    def _on_add(self) -> None:
        row = self.add()
        self.fit()
        row.name.setFocus()

    def _on_remove(self, row: _Row) -> None:
        self.rows.remove(row)
        self._rows.removeWidget(row)
        discard(row)
        self.fit()

    def _on_save(self) -> None:
        settings = LibrarySettings()
        names: list[str] = []
        try:
            for row in self.rows:
                if not row.empty:
                    tier = tier_of(row.name.text(), row.labels.text())
                    if tier.name in names:
                        raise EmoliveError("There are two tiers {name}.", name=tier.name)
                    names.append(tier.name)
                    settings = with_tier(settings, tier)
        except EmoliveError as error:
            self.show_problem(str(error))
            return
        self.tiers = settings.tiers
        self.accept()
