"""The look: colours, type and style sheet, light and dark."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from string import Template
from typing import Any, ClassVar, cast

from PySide6.QtCore import QSize, Qt
from PySide6.QtGui import (
    QColor,
    QFont,
    QGuiApplication,
    QPainter,
    QPaintEvent,
    QPalette,
    QResizeEvent,
)
from PySide6.QtWidgets import QApplication, QWidget

from emolive import resources
from emolive.labels import PaletteName, Swatch, swatch
from emolive.settings import Settings, ThemeChoice
from emolive.ui.popups import AppStyle

SPACE = 12
RADIUS = 10
# Figures of equal width: nothing moves while a number grows.
_TABULAR = QFont.Tag("tnum")


@dataclass(frozen=True, slots=True)
class Theme:
    """Colours as ``#RRGGBB``; the tints are backgrounds of banners and badges.

    ``palette`` and ``own`` (label and colour) are those of the emotions.
    """

    dark: bool
    window: str
    surface: str
    plot: str
    border: str
    text: str
    muted: str
    faint: str
    accent: str
    accent_hover: str
    on_accent: str
    info_tint: str
    warning: str
    warning_tint: str
    danger: str
    danger_tint: str
    palette: PaletteName = "safe"
    own: tuple[tuple[str, str], ...] = ()

    def with_emotions(self, palette: PaletteName, own: Mapping[str, str]) -> Theme:
        """The same theme with other colours of the emotions."""
        return replace(self, palette=palette, own=tuple(sorted(own.items())))

    def swatch(self, label: str) -> Swatch:
        """A label's colours."""
        return swatch(label, self.palette, dict(self.own))

    def fill(self, label: str) -> QColor:
        """A label's colour on this theme's background."""
        return QColor(self.swatch(label).fill(dark=self.dark))

    def fills(self, labels: Sequence[str]) -> tuple[QColor, ...]:
        """One colour per label."""
        return tuple(map(self.fill, labels))

    def colour(self, name: str, alpha: int = 255) -> QColor:
        """A colour by its field's name, with `alpha` from 0 to 255."""
        colour = QColor(str(getattr(self, name)))
        colour.setAlpha(alpha)
        return colour


LIGHT = Theme(
    dark=False,
    window="#EEF1F6",
    surface="#FFFFFF",
    plot="#F7F9FC",
    border="#DCE2EA",
    text="#141A22",
    muted="#566171",
    faint="#A3ADBA",
    accent="#2857C8",
    accent_hover="#1F48AC",
    on_accent="#FFFFFF",
    info_tint="#E4ECFD",
    warning="#8A4B00",
    warning_tint="#FFF0D6",
    danger="#A8201A",
    danger_tint="#FDE7E5",
)
DARK = Theme(
    dark=True,
    window="#0C1016",
    surface="#171D26",
    plot="#131820",
    border="#2A3340",
    text="#E9EDF3",
    muted="#9CA8B8",
    faint="#5A6676",
    accent="#7AABFF",
    accent_hover="#9AC0FF",
    on_accent="#0B1424",
    info_tint="#1A2842",
    warning="#FFC46B",
    warning_tint="#38290F",
    danger="#FF9085",
    danger_tint="#411C1C",
)


class Themed:
    """A widget that uses the theme itself; `dress` hands it each new one."""

    def __init__(self, theme: Theme, *arguments: Any) -> None:
        """`arguments` are those of the widget."""
        super().__init__(*arguments)
        self.theme = theme

    def set_theme(self, theme: Theme) -> None:
        """Draw in other colours."""
        self.theme = theme
        self._recolour()
        cast(QWidget, self).update()

    def resizeEvent(self, event: QResizeEvent) -> None:
        """Let it share out its room."""
        super().resizeEvent(event)  # type: ignore[misc]
        self._resized()

    def _recolour(self) -> None:
        """What is made of colours beforehand, such as icons."""

    def _resized(self) -> None:
        """What depends on the size."""


class Painted(Themed):
    """A widget that draws itself, with soft edges; `hint` is the size that it would like."""

    hint: ClassVar[tuple[int, int] | None] = None

    def sizeHint(self) -> QSize:
        """As large as `hint` says, or as its kind of widget is."""
        if self.hint is not None:
            return QSize(*self.hint)
        usual: QSize = super().sizeHint()  # type: ignore[misc]
        return usual

    def paintEvent(self, event: QPaintEvent) -> None:  # noqa: ARG002
        """Let it draw."""
        painter = QPainter(cast(QWidget, self))
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        self.paint(painter)
        painter.end()

    @abstractmethod
    def paint(self, painter: QPainter) -> None:
        """Draw all of it."""


def dress(root: QWidget, theme: Theme) -> None:
    """Hand a theme to a widget and all below it."""
    for widget in (root, *root.findChildren(QWidget)):
        if isinstance(widget, Themed):
            widget.set_theme(theme)


def system_theme() -> Theme:
    """What the system prefers; light where it does not say."""
    scheme = QGuiApplication.styleHints().colorScheme()
    return DARK if scheme == Qt.ColorScheme.Dark else LIGHT


def resolve(choice: ThemeChoice) -> Theme:
    """The theme for a choice."""
    return {"light": LIGHT, "dark": DARK}.get(choice) or system_theme()


def font(px: float, *, bold: bool = False) -> QFont:
    """The application's font at `px` pixels, with figures of equal width where it has them."""
    result = QFont(QApplication.font())
    result.setPixelSize(max(1, round(px)))
    result.setWeight(QFont.Weight.DemiBold if bold else QFont.Weight.Normal)
    result.setFeature(_TABULAR, 1)
    return result


def apply(app: QApplication, theme: Theme) -> None:
    """Dress the whole application; in what it wears already, nothing is dressed anew."""
    sheet = _style_sheet(theme)
    if app.styleSheet() == sheet:
        return
    if not app.styleSheet():  # under a style sheet nobody can see which style it is
        app.setStyle(AppStyle())
    figures = QFont(app.font())
    figures.setFeature(_TABULAR, 1)
    app.setFont(figures)
    roles = QPalette.ColorRole
    palette = QPalette()
    for role, name in (
        (roles.Window, "window"),
        (roles.Base, "surface"),
        (roles.AlternateBase, "plot"),
        (roles.Button, "surface"),
        (roles.ToolTipBase, "surface"),
        (roles.Text, "text"),
        (roles.WindowText, "text"),
        (roles.ButtonText, "text"),
        (roles.ToolTipText, "text"),
        (roles.PlaceholderText, "muted"),
        (roles.Highlight, "accent"),
        (roles.HighlightedText, "on_accent"),
        (roles.Accent, "accent"),
        (roles.Link, "accent"),
        (roles.Mid, "border"),
    ):
        palette.setColor(role, theme.colour(name))
    for role in (roles.Text, roles.WindowText, roles.ButtonText):
        palette.setColor(QPalette.ColorGroup.Disabled, role, theme.colour("faint"))
    app.setPalette(palette)
    app.setStyleSheet(sheet)


def _style_sheet(theme: Theme) -> str:
    """The style sheet in the colours of a theme."""
    tick = resources.asset(f"tick-{'dark' if theme.dark else 'light'}.svg").as_posix()
    template = Template(resources.asset(resources.STYLE).read_text(encoding="utf-8"))
    return template.substitute(asdict(theme), tick=tick)


def theme_of(settings: Settings) -> Theme:
    """The theme that the settings ask for, with their own colours of emotions."""
    look = settings.look
    theme = resolve(look.theme)
    if look.palette == theme.palette and not look.colours:
        return theme
    return theme.with_emotions(look.palette, look.colours)
