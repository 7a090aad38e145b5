"""Small controls that several pages use."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from PySide6.QtCore import (
    QObject,
    QPoint,
    QPointF,
    QSignalBlocker,
    QSize,
    Qt,
    QTimer,
    Signal,
    SignalInstance,
)
from PySide6.QtGui import (
    QFontMetrics,
    QIcon,
    QPainter,
    QPaintEvent,
    QPalette,
    QPen,
    QPolygonF,
    QResizeEvent,
)
from PySide6.QtWidgets import (
    QAbstractSpinBox,
    QComboBox,
    QFormLayout,
    QFrame,
    QLabel,
    QLayout,
    QLineEdit,
    QPushButton,
    QScrollArea,
    QSizePolicy,
    QToolButton,
    QWidget,
)

from emolive.ui.icons import icon, pixmap
from emolive.ui.layouts import Margins, Part, vbox
from emolive.ui.theme import Theme, Themed, font

_CHOICE_PADDING = 22
_FIELD_PX = 34
LARGE_PX = 2_400  # from this width on, a page that is empty speaks louder


class IconButton(Themed, QToolButton):
    """A square button with an icon, a tip and a name for screen readers."""

    def __init__(
        self,
        shape: str,
        name: str,
        theme: Theme,
        parent: QWidget | None = None,
        *,
        keys: str = "",
        colour: str = "text",
    ) -> None:
        """`colour` is the theme's; `keys` are shown in the tip."""
        super().__init__(theme, parent)
        self._shape = shape
        self._colour = colour
        self.setAccessibleName(name)
        self.setToolTip(f"{name}  ({keys})" if keys else name)
        self.setFocusPolicy(Qt.FocusPolicy.TabFocus)
        self.setIconSize(QSize(18, 18))
        self.set_theme(theme)

    def _recolour(self) -> None:
        mode = QIcon.Mode
        picture = icon(self._shape, str(getattr(self.theme, self._colour)))
        picture.addPixmap(pixmap(self._shape, self.theme.faint), mode.Disabled)
        picture.addPixmap(pixmap(self._shape, self.theme.accent), mode.Normal, QIcon.State.On)
        self.setIcon(picture)

    def set_shape(self, shape: str, name: str, keys: str = "") -> None:
        """Become another button."""
        if (shape, name) != (self._shape, self.accessibleName()):
            self._shape = shape
            self.setAccessibleName(name)
            self.setToolTip(f"{name}  ({keys})" if keys else name)
            self.set_theme(self.theme)


class ChoiceButton(QPushButton):
    """A small button in a row of which one is chosen: a text or an icon, and a tip."""

    def __init__(self, text: str, tip: str, parent: QWidget, *, checkable: bool = True) -> None:
        super().__init__(text, parent)
        self.setProperty("segment", True)
        self.setCheckable(checkable)
        self.setFocusPolicy(Qt.FocusPolicy.TabFocus)
        self.setToolTip(tip)
        if text:
            # The chosen one is bold: room for it, so that nothing moves and nothing is cut.
            metrics = QFontMetrics(font(12, bold=True))
            self.setMinimumWidth(metrics.horizontalAdvance(text) + _CHOICE_PADDING)
        else:
            self.setAccessibleName(tip)
            self.setFixedWidth(30)


class PictureChoice(Themed, ChoiceButton):
    """The same with a picture, in the accent's colour while it is chosen."""

    def __init__(
        self, shape: str, tip: str, theme: Theme, parent: QWidget, *, checkable: bool = True
    ) -> None:
        super().__init__(theme, "", tip, parent)
        self.setCheckable(checkable)
        self._shape = shape
        self.toggled.connect(lambda _: self._recolour())
        self._recolour()

    def _recolour(self) -> None:
        colour = self.theme.accent if self.isChecked() else self.theme.muted
        self.setIcon(icon(self._shape, colour))


Entries = Sequence[tuple[str, Any]]
"""Texts, and the values that they stand for."""


class ChoiceBox(QComboBox):
    """One of a few values; `picked` tells of a choice by the person.

    It draws the arrow that the style sheet leaves out.
    """

    picked = Signal(object)

    def __init__(self, name: str, parent: QWidget | None = None, entries: Entries = ()) -> None:
        super().__init__(parent)
        self.setAccessibleName(name)
        self.setFocusPolicy(Qt.FocusPolicy.TabFocus)
        self.offer(entries)
        self.activated.connect(lambda row: self.picked.emit(self.itemData(row)))

    def offer(self, entries: Entries) -> None:
        """Offer these instead; tells nobody."""
        with QSignalBlocker(self):
            self.clear()
            for text, value in entries:
                self.addItem(text, value)

    @property
    def values(self) -> list[Any]:
        """What is offered."""
        return [self.itemData(row) for row in range(self.count())]

    def value(self) -> Any:
        """What is chosen; None without a choice."""
        return self.currentData()

    def show_value(self, value: object) -> None:
        """Show `value`, if it is offered."""
        if value in (values := self.values):
            self.setCurrentIndex(values.index(value))

    def paintEvent(self, event: QPaintEvent) -> None:
        """Draw the box, then the arrow."""
        super().paintEvent(event)
        paint_arrow(self)


class MenuButton(QPushButton):
    """A button that opens a menu, with an arrow."""

    def __init__(self, text: str, parent: QWidget | None = None) -> None:
        super().__init__(text, parent)
        self.setProperty("menu", True)
        self.setFocusPolicy(Qt.FocusPolicy.TabFocus)

    def paintEvent(self, event: QPaintEvent) -> None:
        """Draw the button, then the arrow."""
        super().paintEvent(event)
        paint_arrow(self)


def paint_arrow(widget: QWidget) -> None:
    """A small arrow at the right end of a widget."""
    painter = QPainter(widget)
    painter.setRenderHint(QPainter.RenderHint.Antialiasing)
    group = QPalette.ColorGroup.Normal if widget.isEnabled() else QPalette.ColorGroup.Disabled
    painter.setPen(QPen(widget.palette().color(group, QPalette.ColorRole.Text), 1.5))
    x, y = widget.width() - 15.0, widget.height() / 2
    tip = [QPointF(x - 3.5, y - 1.75), QPointF(x, y + 1.75), QPointF(x + 3.5, y - 1.75)]
    painter.drawPolyline(QPolygonF(tip))
    painter.end()


def push_button(
    text: str,
    parent: QWidget,
    pressed: Callable[[], object] | SignalInstance | None = None,
    *,
    kind: str = "",
    tip: str = "",
    name: str = "",
    checkable: bool = False,
) -> QPushButton:
    """A button of a kind the style sheet knows: "primary", "quiet", "danger", "segment"...

    `name` is for screen readers, where it is not the text.
    """
    button = QPushButton(text, parent)
    if kind:
        button.setProperty(kind, True)
    # A click must not take the focus: Space and Enter belong to the page.
    button.setFocusPolicy(Qt.FocusPolicy.TabFocus)
    if tip:
        button.setToolTip(tip)
    button.setAccessibleName(name)
    button.setCheckable(checkable)
    button.pressed.connect(lambda: take_typed(button.window()))
    if pressed is not None:
        act = pressed.emit if isinstance(pressed, SignalInstance) else pressed
        button.clicked.connect(lambda _checked=False: act())
    return button


def take_typed(window: QWidget) -> None:
    """A number that is being typed in a window holds from now on, though it keeps the focus."""
    if isinstance(field := window.focusWidget(), QAbstractSpinBox):
        field.interpretText()


def label(
    text: str, parent: QWidget, role: str = "", *, wrap: bool = False, plain: bool = False
) -> QLabel:
    """A label in a role the style sheet knows: "heading", "caption", "muted"...

    `plain`: what looks like markup in the text is none.
    """
    made = QLabel(text, parent)
    if role:
        made.setProperty("role", role)
    made.setWordWrap(wrap)
    if plain:
        made.setTextFormat(Qt.TextFormat.PlainText)
    return made


class Notice(QLabel):
    """A text that wraps; seen while there is something to say."""

    def __init__(self, parent: QWidget, role: str = "") -> None:
        """`role` is one that the style sheet knows."""
        super().__init__(parent)
        if role:
            self.setProperty("role", role)
        self.setWordWrap(True)
        self.hide()

    def say(self, text: str) -> None:
        """Say this; "" hides it."""
        self.setText(text)
        self.setVisible(bool(text))


def text_field(
    name: str,
    parent: QWidget,
    *,
    text: str = "",
    placeholder: str = "",
    longest: int = 32_767,
    tip: str = "",
) -> QLineEdit:
    """A line of text, named for screen readers; `longest` is in letters."""
    field = QLineEdit(parent)
    field.setMaxLength(longest)
    field.setText(text)
    field.setPlaceholderText(placeholder)
    field.setAccessibleName(name)
    field.setToolTip(tip)
    return field


def timer(
    parent: QObject,
    every_ms: int,
    due: Callable[[], object] | SignalInstance,
    *,
    once: bool = False,
) -> QTimer:
    """A timer that waits to be started; `once`: it rests after it was due."""
    made = QTimer(parent)
    made.setInterval(every_ms)
    made.setSingleShot(once)
    made.timeout.connect(due)
    return made


def keep_room(made: QLabel, widest: str) -> None:
    """Room for `widest` at any time, so that nothing beside a label moves while its text grows."""
    made.ensurePolished()
    text = made.text()
    made.setText(widest)
    made.setMinimumWidth(made.sizeHint().width() + 2)  # a figure may stand out by a pixel
    made.setText(text)


def under_box(text: str, parent: QWidget) -> QLabel:
    """What is to be said about the box above, in line with its text."""
    made = label(text, parent, "caption", wrap=True)
    made.setContentsMargins(26, 0, 0, 0)
    return made


class ElidedLabel(QLabel):
    """One line that ends in an ellipsis where it has no room; its tip says it all."""

    def __init__(self, parent: QWidget, role: str) -> None:
        """`role` is one that the style sheet knows."""
        super().__init__(parent)
        self.setProperty("role", role)
        self.setSizePolicy(QSizePolicy.Policy.Ignored, QSizePolicy.Policy.Fixed)
        self._whole = ""

    def show_whole(self, text: str) -> None:
        """Show as much of `text` as fits."""
        self._whole = text
        self.setToolTip(text)
        self.setAccessibleName(text)
        self._elide()

    def _elide(self) -> None:
        room = self.contentsRect().width()
        self.setText(self.fontMetrics().elidedText(self._whole, Qt.TextElideMode.ElideRight, room))

    def resizeEvent(self, event: QResizeEvent) -> None:
        """Fit the text."""
        super().resizeEvent(event)
        self._elide()


class Fields(QFormLayout):
    """Fields below one another, each beside its name."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setHorizontalSpacing(14)
        self.setVerticalSpacing(8)
        self.setFieldGrowthPolicy(QFormLayout.FieldGrowthPolicy.AllNonFixedFieldsGrow)

    def add(self, name: str, field: QWidget) -> None:
        """A field; its name stands in the middle of it, or of its first line."""
        self.addRow(name, field)
        made = self.labelForField(field)
        made.ensurePolished()
        made.setMinimumHeight(min(_FIELD_PX, field.sizeHint().height()))


class ScrollColumn(QScrollArea):
    """Scrolls up and down alone, without a frame; what is in it has the focus, not itself."""

    def __init__(self, inside: QWidget | None = None, parent: QWidget | None = None) -> None:
        """`inside` is what scrolls; it may come later."""
        super().__init__(parent)
        self.setWidgetResizable(True)
        self.setFrameShape(QFrame.Shape.NoFrame)
        self.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.setFocusPolicy(Qt.FocusPolicy.NoFocus)
        self.viewport().setAutoFillBackground(False)
        if inside is not None:
            self.setWidget(inside)

    def setWidget(self, widget: QWidget) -> None:
        """Have this in it from now on; the ground is that of the scroll area's parent."""
        super().setWidget(widget)
        widget.setAutoFillBackground(False)


def restyle(*widgets: QWidget) -> None:
    """A property that their style depends on is another one."""
    for widget in widgets:
        widget.style().unpolish(widget)
        widget.style().polish(widget)


def flagged(widget: QWidget, name: str, on: bool) -> bool:
    """Switch a property on or off that the style sheet looks at; whether it was otherwise."""
    if bool(widget.property(name)) == on:
        return False
    widget.setProperty(name, on)
    restyle(widget)
    return True


def enlarge(root: QWidget, large: bool) -> None:
    """Words and buttons in `root` as large as an empty wide window wants them, or as usual."""
    if flagged(root, "large", large):
        restyle(*root.findChildren(QWidget))


def discard(*widgets: QWidget) -> None:
    """Out of sight at once, and gone soon."""
    for widget in widgets:
        widget.hide()
        widget.deleteLater()


def empty_out(box: QLayout) -> None:
    """Discard all that stands in a row, column or grid."""
    while (item := box.takeAt(0)) is not None:
        if (widget := item.widget()) is not None:
            discard(widget)


def open_under(popup: QWidget, button: QWidget) -> None:
    """Show a pop-up below a button, inside the window."""
    popup.adjustSize()
    window = button.window()
    corner = button.mapToGlobal(QPoint(0, button.height() + 4))
    most = window.mapToGlobal(QPoint(window.width() - popup.width() - 8, 0)).x()
    popup.move(min(corner.x(), most), corner.y())
    popup.show()


def side_width(page: int) -> int:
    """How wide a panel beside the main thing is on a page of this width."""
    return max(348, round(0.17 * page))


def card(
    parent: QWidget, *parts: Part, margins: Margins | None = 1, gap: int | None = None
) -> QFrame:
    """A frame with the look of a card, and what stands in it, one below the other."""
    frame = QFrame(parent)
    frame.setProperty("card", True)
    if parts:
        vbox(*parts, within=frame, margins=margins, gap=gap)
    return frame
