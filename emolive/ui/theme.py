"""The look: colours, type and style sheet, light and dark."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, ClassVar, cast

from PySide6.QtCore import QSize, Qt
from PySide6.QtGui import QColor, QFont, QGuiApplication, QPainter, QPaintEvent, QPalette
from PySide6.QtWidgets import QApplication, QWidget

from emolive.labels import PaletteName, swatch
from emolive.palette import Swatch
from emolive.settings import Settings, ThemeChoice
from emolive.ui.popups import POPUP_RADIUS, dress_popups
from emolive.ui.widget_styles import widget_style

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

    def _recolour(self) -> None:
        """What is made of colours beforehand, such as icons."""


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
        app.setStyle("Fusion")
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
    dress_popups(app)


def _style_sheet(t: Theme) -> str:
    return f"""
QWidget {{ font-size: 13px; color: {t.text}; outline: none; }}
QWidget#plain {{ background: transparent; }}
QMainWindow, QWidget#root {{ background: {t.window}; }}
QFrame[card="true"] {{
    background: {t.surface}; border: 1px solid {t.border}; border-radius: {RADIUS}px;
}}
QLabel {{ background: transparent; }}
QLabel[role="wordmark"] {{ font-size: 18px; font-weight: 700; }}
QLabel[role="elapsed"] {{ font-size: 18px; font-weight: 600; }}
QLabel[role="caption"] {{ font-size: 11px; color: {t.muted}; }}
QLabel[role="value"] {{ font-size: 13px; font-weight: 600; }}
QLabel[role="value"][alert="true"] {{
    color: {t.surface}; background: {t.warning}; border-radius: 4px;
}}
QPushButton, QComboBox {{
    background: {t.surface}; border: 1px solid {t.border}; border-radius: 8px;
    padding: 0 12px; min-height: 32px;
}}
QPushButton:hover, QComboBox:hover {{ border-color: {t.faint}; }}
QPushButton:focus, QComboBox:focus {{ border: 2px solid {t.accent}; }}
QPushButton:focus {{ padding: 0 11px; }}
QPushButton:disabled, QComboBox:disabled {{ color: {t.faint}; }}
QPushButton[primary="true"] {{
    background: {t.accent}; color: {t.on_accent}; border: 1px solid {t.accent};
    font-weight: 600; padding: 0 16px;
}}
QPushButton[primary="true"]:hover {{ background: {t.accent_hover}; }}
QPushButton[primary="true"]:focus {{ border: 2px solid {t.text}; padding: 0 15px; }}
QPushButton[segment="true"] {{
    min-height: 24px; padding: 0 9px; border-radius: 6px; font-size: 12px;
    background: transparent; border: 1px solid transparent; color: {t.muted};
}}
QPushButton[segment="true"]:hover {{ color: {t.text}; background: {t.plot}; }}
QPushButton[segment="true"]:checked {{
    color: {t.accent}; background: {t.info_tint}; font-weight: 600;
}}
QPushButton[segment="true"][alert="true"] {{
    color: {t.warning}; background: {t.warning_tint}; font-weight: 600;
}}
QPushButton[segment="true"]:focus {{ border: 1px solid {t.accent}; padding: 0 9px; }}
QComboBox::drop-down {{ border: none; width: 26px; }}
QComboBox::down-arrow {{ image: none; }}
QComboBox {{ combobox-popup: 0; }}
QComboBox QAbstractItemView, QListView#suggestions {{
    background: {t.surface}; border: 1px solid {t.border}; border-radius: {POPUP_RADIUS}px;
    padding: 4px; outline: none;
}}
QListView#suggestions {{ padding: 0; }}
QComboBox QAbstractItemView::item, QListView#suggestions::item {{
    min-height: 30px; padding: 0 8px; border-radius: 5px; color: {t.text};
}}
QComboBox QAbstractItemView::item:selected, QListView#suggestions::item:selected {{
    background: {t.info_tint}; color: {t.text};
}}
QComboBox QAbstractItemView::item:disabled {{ color: {t.faint}; }}
QPushButton[toggle="true"] {{ color: {t.muted}; }}
QPushButton[toggle="true"]:disabled {{ color: {t.faint}; }}
QPushButton[toggle="true"]:checked {{
    color: {t.accent}; background: {t.info_tint}; border-color: {t.accent}; font-weight: 600;
}}
QPushButton[toggle="true"][recording="true"] {{
    color: {t.danger}; background: {t.danger_tint}; border-color: {t.danger}; font-weight: 600;
}}
QPushButton[pill="true"] {{ border-radius: 15px; min-height: 28px; padding: 0 14px 0 10px; }}
QPushButton[jump="true"] {{
    background: transparent; border: 1px solid transparent; color: {t.muted};
    text-align: left; min-width: 128px; padding: 0 10px;
}}
QPushButton[jump="true"]:hover {{ color: {t.text}; background: {t.surface}; }}
QPushButton[jump="true"]:focus {{ border: 2px solid {t.accent}; padding: 0 9px; }}
QLabel[role="title"] {{ font-size: 16px; font-weight: 600; }}
QLabel[role="hero"] {{ font-size: 26px; font-weight: 700; }}
QLabel[role="body"] {{ font-size: 13px; }}
QLabel[role="strong"] {{ font-size: 13px; font-weight: 600; }}
QLabel[role="note"] {{
    font-size: 12px; color: {t.warning}; background: {t.warning_tint}; border-radius: 6px;
    padding: 6px 8px;
}}
QFrame#rail {{ background: {t.surface}; border: none; border-right: 1px solid {t.border}; }}
QToolButton[rail="true"] {{
    font-size: 11px; color: {t.muted}; border-radius: 9px; padding: 5px 0 3px 0;
    min-width: 0; min-height: 0;
}}
QToolButton[rail="true"]:hover {{ background: {t.plot}; border-color: transparent; }}
QToolButton[rail="true"]:checked {{
    background: {t.info_tint}; color: {t.accent}; font-weight: 600; border-color: transparent;
}}
QToolButton[rail="true"]:focus {{ border: 2px solid {t.accent}; }}
QLabel[role="key"] {{
    background: {t.surface}; border: 1px solid {t.border}; border-radius: 5px;
    padding: 2px 7px; font-size: 12px; font-weight: 600;
}}
QLabel#frames {{
    background: {t.text}; color: {t.surface}; border-radius: 6px; padding: 4px 8px;
    font-family: monospace; font-size: 11px;
}}
QToolTip {{
    background: {t.surface}; color: {t.text}; border: 1px solid {t.border};
    border-radius: {POPUP_RADIUS}px; padding: 6px 9px; font-size: 12px;
}}
QFrame#banner[severity="info"] {{ background: {t.info_tint}; border-radius: 8px; }}
QFrame#banner[severity="warning"] {{ background: {t.warning_tint}; border-radius: 8px; }}
QFrame#banner[severity="error"] {{ background: {t.danger_tint}; border-radius: 8px; }}
QFrame#banner[severity="info"] QLabel {{ color: {t.text}; }}
QFrame#banner[severity="warning"] QLabel {{ color: {t.warning}; }}
QFrame#banner[severity="error"] QLabel {{ color: {t.danger}; }}
QFrame#banner QPushButton {{ min-height: 26px; background: {t.surface}; }}
{widget_style(t)}
QAbstractSpinBox QLineEdit {{
    background: transparent; border: none; padding: 0 12px; margin: 0; min-height: 0;
}}
QAbstractSpinBox QLineEdit:focus {{ border: none; padding: 0 12px; }}
QAbstractSpinBox::up-button, QAbstractSpinBox::down-button {{ width: 0; border: none; }}
QAbstractSpinBox::up-arrow, QAbstractSpinBox::down-arrow {{ width: 0; height: 0; image: none; }}
QAbstractSpinBox:disabled QLineEdit {{ color: {t.faint}; }}
"""


def theme_of(settings: Settings) -> Theme:
    """The theme that the settings ask for, with their own colours of emotions."""
    look = settings.look
    theme = resolve(look.theme)
    if look.palette == theme.palette and not look.colours:
        return theme
    return theme.with_emotions(look.palette, look.colours)
