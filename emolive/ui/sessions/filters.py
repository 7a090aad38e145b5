"""What is looked for: a text, and filters beside it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime, timedelta

from PySide6.QtCore import QPoint, Signal
from PySide6.QtGui import QAction
from PySide6.QtWidgets import QLineEdit, QMenu, QToolButton, QWidget

from emolive.i18n import decimal, ntr, tr
from emolive.labels import emotion_name
from emolive.session.query_text import parse_date, parse_query
from emolive.session.search import SearchQuery
from emolive.ui.controls import ChoiceBox, MenuButton, push_button, text_field, timer
from emolive.ui.icons import icon
from emolive.ui.layouts import STRETCH, hbox, vbox
from emolive.ui.theme import Theme, Themed

_LENGTHS_S = (3.0, 5.0, 10.0, 30.0, 60.0)
_DELAY_MS = 220


class _Several(MenuButton):
    """A button with a menu in which several entries can be checked."""

    changed = Signal()

    def __init__(self, name: str, parent: QWidget | None = None) -> None:
        super().__init__(name, parent)
        self._name = name
        self._menu = QMenu(self)
        self.setAccessibleName(name)
        self.clicked.connect(self._open)

    def offer(self, entries: Sequence[tuple[str, str]]) -> None:
        """Offer entries (value, text); what is checked stays checked."""
        chosen = set(self.chosen)
        self._menu.clear()
        for value, text in entries:
            action = QAction(text, self._menu)
            action.setCheckable(True)
            action.setData(value)
            action.setChecked(value in chosen)
            action.toggled.connect(self._on_toggled)
            self._menu.addAction(action)
        self.setEnabled(bool(entries))
        self._name_it()

    @property
    def chosen(self) -> tuple[str, ...]:
        """The values that are checked."""
        return tuple(str(a.data()) for a in self._menu.actions() if a.isChecked())

    def choose(self, values: Sequence[str]) -> None:
        """Check these only; tells nobody."""
        for action in self._menu.actions():
            action.blockSignals(True)
            action.setChecked(action.data() in values)
            action.blockSignals(False)
        self._name_it()

    def _open(self) -> None:
        self._menu.popup(self.mapToGlobal(QPoint(0, self.height() + 2)))

    def _on_toggled(self) -> None:
        self._name_it()
        self.changed.emit()

    def _name_it(self) -> None:
        chosen = [a.text() for a in self._menu.actions() if a.isChecked()]
        text = self._name
        if len(chosen) == 1:
            text = chosen[0]
        elif chosen:
            text = ntr("{first} + {count}", "{first} + {count}", len(chosen) - 1, first=chosen[0])
        self.setText(text)
        self.setAccessibleDescription(", ".join(chosen))


class FilterBar(Themed, QWidget):
    """`changed` follows what a person does, after a short pause."""

    changed = Signal()

    def __init__(self, theme: Theme, parent: QWidget | None = None) -> None:
        super().__init__(theme, parent)
        self._labels: tuple[str, ...] = ()
        self.text = text_field(
            tr("Search sessions"),
            self,
            placeholder=tr("Search: angry longer than 10 s last week"),
            tip=tr(
                "Words of titles, notes, tags and comments; emotions, lengths and times are "
                "understood: angry longer than 10 s last week, tag:pilot, role:customer, by:human"
            ),
        )
        self.text.setClearButtonEnabled(True)
        self._glass = self.text.addAction(
            icon("search", theme.muted), QLineEdit.ActionPosition.LeadingPosition
        )
        for button in self.text.findChildren(QToolButton):
            glass = button.defaultAction() is self._glass
            button.setAccessibleName(tr("Search") if glass else tr("Clear the search"))
        self.emotions = _Several(tr("Emotion"), self)
        lengths = [(tr("over {seconds} s", seconds=decimal(s)), s) for s in _LENGTHS_S]
        any_length = (tr("any length"), 0.0)
        self.length = ChoiceBox(tr("Shortest segment"), self, [any_length, *lengths])
        times = [
            (tr("any time"), None),
            (tr("today"), 0),
            (tr("last 7 days"), 7),
            (tr("last 30 days"), 30),
            (tr("last 12 months"), 365),
        ]
        self.when = ChoiceBox(tr("When it was recorded"), self, times)
        self.tags = _Several(tr("Tag"), self)
        tip = tr("Look in what people marked instead of the model's segments")
        self.by_hand = push_button(tr("marked by hand"), self, kind="chip", tip=tip, checkable=True)
        self.clear_button = push_button(tr("Clear"), self, self.clear, kind="quiet")
        self._delay = timer(self, _DELAY_MS, self.changed, once=True)
        filters = hbox(
            self.emotions,
            self.length,
            self.when,
            self.tags,
            self.by_hand,
            STRETCH,
            self.clear_button,
            gap=8,
        )
        vbox(self.text, filters, within=self, gap=8)
        self.text.textChanged.connect(self._on_change)
        self.text.returnPressed.connect(self._now)
        self.emotions.changed.connect(self._on_change)
        self.tags.changed.connect(self._on_change)
        self.length.activated.connect(self._on_change)
        self.when.activated.connect(self._on_change)
        self.by_hand.toggled.connect(self._on_change)
        self._on_change()
        self._delay.stop()

    def _recolour(self) -> None:
        self._glass.setIcon(icon("search", self.theme.muted))

    def offer(self, labels: Sequence[str], tags: Sequence[str]) -> None:
        """Offer the emotions and tags that there are."""
        self._labels = tuple(labels)
        self.emotions.offer([(name, emotion_name(name)) for name in labels])
        self.tags.offer([(tag, tag) for tag in tags])

    @property
    def active(self) -> bool:
        """Whether anything restricts what is shown."""
        return bool(
            self.text.text().strip()
            or self.emotions.chosen
            or self.tags.chosen
            or self.length.currentData()
            or self.when.currentData() is not None
            or self.by_hand.isChecked()
        )

    def query(self, now: datetime) -> SearchQuery:
        """What is looked for; text and filters both have to match. `now` as in `parse_query`.

        Raises:
            SessionError: a part of the text makes no sense.
        """
        text = parse_query(self.text.text(), self._labels, now)
        since = text.since
        days = self.when.currentData()
        if days is not None:
            start = parse_date(f"{now - timedelta(days=days):%Y-%m-%d}", now)
            since = start if since is None else max(since, start)
        return replace(
            text,
            labels=tuple(dict.fromkeys((*text.labels, *self.emotions.chosen))),
            min_duration_s=max(text.min_duration_s, float(self.length.currentData())),
            annotated=text.annotated or self.by_hand.isChecked(),
            since=since,
            tags=tuple(dict.fromkeys((*text.tags, *self.tags.chosen))),
        )

    def clear(self) -> None:
        """Restrict nothing any more."""
        for part in (self.text, self.length, self.when, self.by_hand):
            part.blockSignals(True)
        self.text.clear()
        self.length.setCurrentIndex(0)
        self.when.setCurrentIndex(0)
        self.by_hand.setChecked(False)
        for part in (self.text, self.length, self.when, self.by_hand):
            part.blockSignals(False)
        self.emotions.choose(())
        self.tags.choose(())
        self._on_change()
        self._now()

    def _on_change(self) -> None:
        self.clear_button.setEnabled(self.active)
        self._delay.start()

    def _now(self) -> None:
        self._delay.stop()
        self.changed.emit()
