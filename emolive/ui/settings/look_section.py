"""Settings of the looks: theme, colours, size, language."""

from __future__ import annotations

from functools import partial

from PySide6.QtCore import QRectF, Qt
from PySide6.QtGui import QColor, QPainter, QPen
from PySide6.QtWidgets import QAbstractButton, QGridLayout, QWidget

from emolive.i18n import SYSTEM, language_name, languages, tr
from emolive.labels import USUAL, emotion_name
from emolive.settings import Settings
from emolive.ui.painting import fill_rounded
from emolive.ui.preferences import Preferences
from emolive.ui.settings.colour_dialog import ColourDialog
from emolive.ui.settings.form import SettingsSection
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


class LookSection(SettingsSection):
    """Everything here holds at once, except the size."""

    def __init__(
        self, preferences: Preferences, theme: Theme, parent: QWidget | None = None
    ) -> None:
        super().__init__(tr("Looks"), preferences, theme, parent)
        themes = [(tr("As the system"), "system"), (tr("Light"), "light"), (tr("Dark"), "dark")]
        self.theme_choice = self.choice("look", "theme", tr("Theme"), "", themes)
        about = tr("Every pair of safe colours stays apart with any kind of colour blindness.")
        palettes = [(tr("Safe for colour blindness"), "safe"), (tr("Vivid"), "vivid")]
        self.palette_choice = self.choice(
            "look", "palette", tr("Colours of emotions"), about, palettes
        )
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
        about = tr("A click on an emotion gives it a colour of your own.")
        text, reset = tr("Colours of the palette"), partial(preferences.change, "look", colours={})
        self.usual = self.button(text, reset, tr("Own colours"), about)
        views = [(tr("Stacked areas"), "areas"), (tr("Lines"), "lines")]
        self.view = self.choice("look", "view", tr("Timeline"), "", views)
        about = tr("Enlarges everything, from the next start of the program on.")
        scales = [(percent(s), s) for s in SCALES]
        self.scale = self.choice("look", "scale", tr("Size"), about, scales)
        about = tr("At once; while something runs, as soon as it has ended.")
        names = [(language_name(code), code) for code in languages()]
        names.insert(0, (tr("As the system"), SYSTEM))
        self.language = self.choice("look", "language", tr("Language"), about, names)

    def show_settings(self, settings: Settings) -> None:
        """Show what is set."""
        super().show_settings(settings)
        look = settings.look
        for label, button in self.colours.items():
            button.own = label in look.colours
            button.update()
        self.usual.setEnabled(bool(look.colours))

    def _choose(self, label: str) -> None:
        button = self.colours[label]
        dialog = ColourDialog(button.theme, button.accessibleName(), button.colour, self.window())
        dialog.chosen.connect(lambda colour: self._give(label, colour))
        dialog.ask()

    def _give(self, label: str, colour: str) -> None:
        own = {**self._preferences.settings.look.colours, label: colour}
        self._preferences.change("look", colours=own)
