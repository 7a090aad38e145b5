"""Settings of the looks: theme, colours, size, language."""

from __future__ import annotations

from PySide6.QtCore import QRectF, Qt
from PySide6.QtGui import QColor, QPainter, QPen
from PySide6.QtWidgets import (
    QAbstractButton,
    QGridLayout,
    QPushButton,
    QWidget,
)

from emolive.i18n import SYSTEM, language_name, languages, tr
from emolive.labels import USUAL, emotion_name
from emolive.settings import Settings
from emolive.ui.painting import fill_rounded
from emolive.ui.preferences import Preferences
from emolive.ui.settings.colour_dialog import ColourDialog
from emolive.ui.settings.form import Choice, Section
from emolive.ui.theme import Painted, Theme, font
from emolive.wording import percent

SCALES = (1.0, 1.25, 1.5, 1.75, 2.0)


class ColourButton(Painted, QAbstractButton):
    """An emotion and its colour; a click chooses another."""

    hint = (124, 34)  # a square and a name

    def __init__(self, label: str, theme: Theme, parent: QWidget | None = None) -> None:
        super().__init__(theme, parent)
        self.label = label
        self.own = False
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        self.setCursor(Qt.CursorShape.PointingHandCursor)
        name = tr("Colour of {emotion}", emotion=emotion_name(label))
        self.setAccessibleName(name)
        self.setToolTip(name)
        self.setMinimumWidth(100)
        self.setFixedHeight(34)

    @property
    def colour(self) -> QColor:
        """What it shows."""
        return self.theme.fill(self.label)

    def paint(self, painter: QPainter) -> None:
        """Draw the square, the name, and a mark for an own colour."""
        frame = QRectF(self.rect()).adjusted(1, 1, -1, -1)
        painter.setPen(QPen(self.theme.colour("accent" if self.hasFocus() else "border"), 1.5))
        painter.setBrush(self.theme.colour("plot"))
        painter.drawRoundedRect(frame, 8, 8)
        square = QRectF(9, self.height() / 2 - 8, 16, 16)
        fill_rounded(painter, square, 4, self.colour)
        painter.setFont(font(12, bold=self.own))
        painter.setPen(self.theme.colour("text"))
        text = frame.adjusted(32, 0, -6, 0)
        painter.drawText(text, Qt.AlignmentFlag.AlignVCenter, emotion_name(self.label))


class LookSection(Section):
    """Everything here holds at once, except the size."""

    def __init__(
        self, preferences: Preferences, theme: Theme, parent: QWidget | None = None
    ) -> None:
        super().__init__(tr("Looks"), parent)
        self._preferences = preferences

        def choice(key: str, name: str, values: list[tuple[str, object]]) -> Choice:
            made = Choice(name, values, self)
            made.picked.connect(lambda value: preferences.change("look", **{key: value}))
            return made

        self.theme_choice = choice(
            "theme",
            tr("Theme"),
            [(tr("As the system"), "system"), (tr("Light"), "light"), (tr("Dark"), "dark")],
        )
        self.row(tr("Theme"), "", self.theme_choice)
        self.palette_choice = choice(
            "palette",
            tr("Colours of emotions"),
            [(tr("Safe for colour blindness"), "safe"), (tr("Vivid"), "vivid")],
        )
        about = tr("Every pair of safe colours stays apart with any kind of colour blindness.")
        self.row(tr("Colours of emotions"), about, self.palette_choice)
        grid_box = QWidget(self)
        grid = QGridLayout(grid_box)
        grid.setContentsMargins(0, 0, 0, 0)
        grid.setSpacing(8)
        self.colours = {label: ColourButton(label, theme, self) for label in USUAL}
        for i, (label, button) in enumerate(self.colours.items()):
            button.clicked.connect(lambda _=False, label=label: self._choose(label))
            grid.addWidget(button, i // 4, i % 4)
        grid_box.setFixedHeight(2 * 34 + 8)
        self.add(grid_box)
        self.usual = QPushButton(tr("Colours of the palette"), self)
        self.usual.clicked.connect(lambda: preferences.change("look", colours={}))
        about = tr("A click on an emotion gives it a colour of your own.")
        self.row(tr("Own colours"), about, self.usual)
        self.view = choice(
            "view",
            tr("Timeline"),
            [(tr("Stacked areas"), "areas"), (tr("Lines"), "lines")],
        )
        self.row(tr("Timeline"), "", self.view)
        scales: list[tuple[str, object]] = [(percent(s), s) for s in SCALES]
        self.scale = choice("scale", tr("Size"), scales)
        about = tr("Enlarges everything, from the next start of the program on.")
        self.row(tr("Size"), about, self.scale)
        names: list[tuple[str, object]] = [(tr("As the system"), SYSTEM)]
        names += [(language_name(code), code) for code in languages()]
        self.language = choice("language", tr("Language"), names)
        about = tr("At once; while something runs, as soon as it has ended.")
        self.row(tr("Language"), about, self.language)

    def show_settings(self, settings: Settings) -> None:
        """Show what is set."""
        look = settings.look
        self.theme_choice.show_value(look.theme)
        self.palette_choice.show_value(look.palette)
        self.view.show_value(look.view)
        self.scale.show_value(look.scale)
        self.language.show_value(look.language)
        for label, button in self.colours.items():
            button.own = label in look.colours
            button.update()
        self.usual.setEnabled(bool(look.colours))

    def _choose(self, label: str) -> None:
        button = self.colours[label]
        dialog = ColourDialog(button.theme, button.accessibleName(), button.colour, self.window())
        dialog.chosen.connect(lambda colour: self._give(label, colour))
        dialog.finished.connect(dialog.deleteLater)
        dialog.open()

    def _give(self, label: str, colour: str) -> None:
        own = {**self._preferences.settings.look.colours, label: colour}
        self._preferences.change("look", colours=own)
