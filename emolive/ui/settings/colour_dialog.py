"""Choosing a colour: from a palette, or as the web writes it."""

from __future__ import annotations

from PySide6.QtCore import QRectF, QRegularExpression, QSize, Qt, Signal
from PySide6.QtGui import QColor, QPainter, QPaintEvent, QPen, QRegularExpressionValidator
from PySide6.QtWidgets import QAbstractButton, QGridLayout, QWidget

from emolive.i18n import tr
from emolive.ui.controls import label, push_button, text_field
from emolive.ui.dialog import Dialog
from emolive.ui.layouts import STRETCH, fill, hbox
from emolive.ui.painting import fill_rounded
from emolive.ui.theme import Theme

_COLUMNS = 12
_HEX = QRegularExpression("#[0-9A-Fa-f]{6}")


def palette() -> tuple[QColor, ...]:
    """Hues around the circle, each from pale to deep, and a row of greys."""
    shades = ((0.45, 0.98), (0.72, 0.92), (0.85, 0.66))
    hues = [
        QColor.fromHsvF(i / _COLUMNS, saturation, value)
        for saturation, value in shades
        for i in range(_COLUMNS)
    ]
    greys = [QColor.fromHsvF(0.0, 0.0, 0.18 + 0.72 * i / (_COLUMNS - 1)) for i in range(_COLUMNS)]
    return (*hues, *greys)


class Swatch(QAbstractButton):
    """A square of colour; the chosen one, and the one with the focus, have a ring."""

    def __init__(self, colour: QColor, theme: Theme, parent: QWidget) -> None:
        super().__init__(parent)
        self.colour = colour
        self._theme = theme
        self.setCheckable(True)
        self.setFixedSize(QSize(32, 32))
        self.setCursor(Qt.CursorShape.PointingHandCursor)
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        self.setAccessibleName(colour.name().upper())

    def paintEvent(self, event: QPaintEvent) -> None:  # noqa: ARG002
        """Draw the colour and the ring."""
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        fill_rounded(painter, QRectF(self.rect()).adjusted(5, 5, -5, -5), 5, self.colour)
        if self.isChecked() or self.hasFocus():
            ring = "text" if self.isChecked() else "accent"
            painter.setPen(QPen(self._theme.colour(ring), 2))
            painter.setBrush(Qt.BrushStyle.NoBrush)
            painter.drawRoundedRect(QRectF(self.rect()).adjusted(1.5, 1.5, -1.5, -1.5), 8, 8)
        painter.end()


class ColourDialog(Dialog):
    """`chosen` carries ``#RRGGBB``."""

    chosen = Signal(str)

    def __init__(
        self, theme: Theme, heading: str, colour: QColor, parent: QWidget | None = None
    ) -> None:
        """`colour` is the one in use."""
        super().__init__(theme, heading, "", parent, _COLUMNS * 34 + 44)
        grid = QGridLayout()
        grid.setSpacing(2)
        self.swatches = [Swatch(one, theme, self) for one in palette()]
        for i, swatch in enumerate(self.swatches):
            swatch.clicked.connect(lambda _=False, one=swatch.colour: self._show(one))
            grid.addWidget(swatch, i // _COLUMNS, i % _COLUMNS)
        self.body.addLayout(grid)
        self.sample = Swatch(colour, theme, self)
        self.sample.setEnabled(False)
        self.field = text_field(tr("Colour as #RRGGBB"), self)
        self.field.setValidator(QRegularExpressionValidator(_HEX, self.field))
        self.field.setMaximumWidth(120)
        self.field.textEdited.connect(self._on_text)
        row = hbox(
            self.sample, self.field, label(tr("Colour as #RRGGBB"), self, "caption"), STRETCH
        )
        self.body.addLayout(row)
        self.use = push_button(tr("Use it"), self, self.accept, kind="primary")
        fill(self.buttons, push_button(tr("Cancel"), self, self.reject), self.use)
        self.use.setDefault(True)
        self.accepted.connect(lambda: self.chosen.emit(self.sample.colour.name().upper()))
        self._show(colour)

    def _show(self, colour: QColor) -> None:
        self.field.setText(colour.name().upper())
        self._take(colour)

    def _on_text(self, text: str) -> None:
        whole = _HEX.match(text).captured() == text and len(text) == 7
        self.use.setEnabled(whole)
        if whole:
            self._take(QColor(text))

    def _take(self, colour: QColor) -> None:
        self.use.setEnabled(True)
        self.sample.colour = colour
        self.sample.update()
        for swatch in self.swatches:
            swatch.setChecked(swatch.colour.name() == colour.name())
