"""Rows of a form: what is set, what that means, and the control."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from PySide6.QtCore import QPointF, QRectF, Qt, Signal
from PySide6.QtGui import QPainter, QWheelEvent
from PySide6.QtWidgets import (
    QAbstractButton,
    QDoubleSpinBox,
    QFrame,
    QPushButton,
    QSizePolicy,
    QWidget,
)

from emolive.i18n import tr
from emolive.settings import Settings
from emolive.ui.controls import ChoiceBox, Entries, label
from emolive.ui.layouts import hbox, vbox
from emolive.ui.painting import fill_rounded
from emolive.ui.preferences import Preferences
from emolive.ui.theme import Painted, Theme

CONTROL_WIDTH = 232


class Section(QFrame):
    """A card with a heading and rows."""

    def __init__(self, title: str, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.title = title
        self.setProperty("card", True)
        self.setAccessibleName(title)
        head = label(title, self, "title")
        self._column = vbox(head, within=self, margins=(20, 14, 20, 16), gap=12)

    def row(self, name: str, about: str, control: QWidget) -> QWidget:
        """Add a row; the control is named after it for screen readers."""
        line = QWidget(self)
        texts = vbox(label(name, line, wrap=True), gap=1)
        if about:
            texts.addWidget(label(about, line, "caption", wrap=True))
        hbox((texts, 1), (control, 0, Qt.AlignmentFlag.AlignVCenter), within=line, gap=18)
        for part in (control, *control.findChildren(QWidget)):
            takes_focus = part.focusPolicy() != Qt.FocusPolicy.NoFocus
            if (part is control or takes_focus) and not _says_its_name(part):
                part.setAccessibleName(name)
        if not control.accessibleDescription():
            control.setAccessibleDescription(about)
        self._column.addWidget(line)
        return line

    def button(
        self, text: str, pressed: Callable[[], object], name: str, about: str
    ) -> QPushButton:
        """A row with a button."""
        made = QPushButton(text, self)
        made.clicked.connect(lambda _=False: pressed())
        self.row(name, about, made)
        return made

    def add(self, widget: QWidget) -> None:
        """Add something as wide as the card."""
        self._column.addWidget(widget)


class SettingsSection(Section):
    """Rows that show values of the settings, by part and name, and change them at once."""

    def __init__(
        self, title: str, preferences: Preferences, theme: Theme, parent: QWidget | None = None
    ) -> None:
        super().__init__(title, parent)
        self._preferences = preferences
        self._theme = theme
        self._shown: list[tuple[str, str, Switch | Choice | Number]] = []

    def switch(self, part: str, name: str, title: str, about: str) -> Switch:
        """A row with a switch."""
        box = Switch(self._theme, self)
        box.clicked.connect(lambda on: self._preferences.change(part, **{name: on}))
        self._add(box, part, name, title, about)
        return box

    def choice(self, part: str, name: str, title: str, about: str, values: Entries) -> Choice:
        """A row with one of a few values."""
        box = Choice(title, values, self)
        box.picked.connect(lambda value: self._preferences.change(part, **{name: value}))
        self._add(box, part, name, title, about)
        return box

    def number(
        self,
        part: str,
        name: str,
        title: str,
        about: str,
        bounds: tuple[float, float],
        step: float,
        unit: str,
    ) -> Number:
        """A row with a number."""
        box = Number(bounds, step, unit, self)
        box.valueChanged.connect(
            lambda value: self._preferences.change(part, **{name: round(value, 3)})
        )
        self._add(box, part, name, title, about)
        return box

    def show_settings(self, settings: Settings) -> None:
        """Show what is set."""
        for part, name, control in self._shown:
            control.show_value(getattr(getattr(settings, part), name))

    def _add(
        self, control: Switch | Choice | Number, part: str, name: str, title: str, about: str
    ) -> None:
        self._shown.append((part, name, control))
        self.row(title, about, control)


def _says_its_name(widget: QWidget) -> bool:
    """Whether a screen reader has a name for it: its own, or the text that it shows."""
    return bool(widget.accessibleName() or (isinstance(widget, QPushButton) and widget.text()))


class Switch(Painted, QAbstractButton):
    """On or off."""

    hint = (46, 28)  # a pill

    def __init__(self, theme: Theme, parent: QWidget | None = None) -> None:
        super().__init__(theme, parent)
        self.setCheckable(True)
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        self.setCursor(Qt.CursorShape.PointingHandCursor)
        self.setSizePolicy(QSizePolicy.Policy.Fixed, QSizePolicy.Policy.Fixed)

    def show_value(self, on: bool) -> None:
        """Be on or off; tells nobody."""
        self.setChecked(on)

    def paint(self, painter: QPainter) -> None:
        """Draw track, knob, and the ring of the focus."""
        on = self.isChecked()
        track = QRectF(3, 3, 40, 22)
        if self.hasFocus():
            fill_rounded(painter, track.adjusted(-3, -3, 3, 3), 14, self.theme.colour("accent", 90))
        fill_rounded(painter, track, 11, self.theme.colour("accent" if on else "faint"))
        painter.setBrush(self.theme.colour("on_accent" if on else "surface"))
        painter.drawEllipse(QPointF(32 if on else 14, 14), 8, 8)


class Choice(ChoiceBox):
    """One of a few values, as wide as the other controls of a form."""

    def __init__(self, name: str, entries: Entries, parent: QWidget | None = None) -> None:
        super().__init__(name, parent, entries)
        self.setFixedWidth(CONTROL_WIDTH)

    def wheelEvent(self, event: QWheelEvent) -> None:
        """Leave it to the page: scrolling must change nothing."""
        event.ignore()


class Number(QDoubleSpinBox):
    """A number with its unit."""

    def __init__(
        self, bounds: tuple[float, float], step: float, unit: str, parent: QWidget | None = None
    ) -> None:
        super().__init__(parent)
        self.setRange(*bounds)
        self.setSingleStep(step)
        self.setDecimals(max(0, len(f"{step:g}".partition(".")[2])))
        self.setSuffix(f" {unit}" if unit else "")
        self.setFixedWidth(CONTROL_WIDTH // 2)
        self.setKeyboardTracking(False)
        self.setAlignment(Qt.AlignmentFlag.AlignCenter)

    def wheelEvent(self, event: QWheelEvent) -> None:
        """Leave it to the page: scrolling must change nothing."""
        event.ignore()

    def show_value(self, value: float) -> None:
        """Show a value without telling of it; what is being typed is left if that is no other."""
        if value == self.value():
            return
        self.blockSignals(True)
        self.setValue(value)
        self.blockSignals(False)


class PathField(QWidget):
    """A file or folder: its name, a button to choose another, and one back to the usual."""

    choose = Signal()
    reset = Signal()

    def __init__(self, usual: str, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._usual = usual
        self._name = label(usual, self, "muted")
        self._name.setAlignment(Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter)
        self._name.setSizePolicy(QSizePolicy.Policy.Ignored, QSizePolicy.Policy.Preferred)
        self._name.setMinimumWidth(150)
        self.button = QPushButton(tr("Choose…"), self)
        self.button.clicked.connect(self.choose)
        self.clear = QPushButton(tr("Usual"), self)
        self.clear.setProperty("quiet", True)
        self.clear.clicked.connect(self.reset)
        hbox((self._name, 1), self.clear, self.button, within=self, gap=8)
        self.setMinimumWidth(340)

    def show_path(self, path: Path | None) -> None:
        """Show `path`; None is the usual."""
        text = self._usual if path is None else str(path)
        width = max(self._name.width(), 150) - 4
        elided = self._name.fontMetrics().elidedText(text, Qt.TextElideMode.ElideLeft, width)
        self._name.setText(elided)
        self._name.setToolTip(text)
        self._name.setAccessibleName(text)
        self.clear.setVisible(path is not None)
