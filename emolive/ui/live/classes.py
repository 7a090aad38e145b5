"""Names and colours of the classes: bars of the newest window, and the timeline's legend."""

from __future__ import annotations

from PySide6.QtCore import QRectF, QSize, Qt
from PySide6.QtGui import QColor, QPainter, QPainterPath, QPaintEvent
from PySide6.QtWidgets import QSizePolicy, QWidget

from emolive.palette import swatches
from emolive.types import FloatArray
from emolive.ui.theme import Theme, font
from emolive.ui.timeline.patterns import hatch


class ClassBars(QWidget):
    """One bar per class: calibrated probabilities of the newest window alone."""

    def __init__(self, theme: Theme, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.theme = theme
        self._labels: tuple[str, ...] = ()
        self._probabilities: FloatArray | None = None
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Expanding)
        self.setAccessibleName("Class probabilities of the newest window")

    def sizeHint(self) -> QSize:
        """Eight rows."""
        return QSize(360, 150)

    def set_theme(self, theme: Theme) -> None:
        """Draw in other colours."""
        self.theme = theme
        self.update()

    def set_labels(self, labels: tuple[str, ...]) -> None:
        """Name the classes."""
        self._labels = labels
        self._probabilities = None
        self.update()

    def show_probabilities(self, probabilities: FloatArray | None) -> None:
        """Show float32 ``(n_classes,)``, or empty bars for None."""
        if probabilities is self._probabilities:
            return
        self._probabilities = probabilities
        if probabilities is not None:
            pairs = zip(self._labels, probabilities.tolist(), strict=True)
            self.setAccessibleDescription(", ".join(f"{name} {p:.0%}" for name, p in pairs))
        else:
            self.setAccessibleDescription("no speech")
        self.update()

    def paintEvent(self, event: QPaintEvent) -> None:  # noqa: ARG002
        """Draw name, bar and percentage of each class."""
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        if not self._labels:
            painter.setFont(font(13))
            painter.setPen(self.theme.colour("muted"))
            text = "Class probabilities appear here"
            painter.drawText(QRectF(self.rect()), Qt.AlignmentFlag.AlignCenter, text)
            painter.end()
            return
        row = self.height() / len(self._labels)
        thick = min(12.0, row * 0.55)
        painter.setFont(font(max(9.0, min(14.0, row * 0.72))))
        metrics = painter.fontMetrics()
        names = max(metrics.horizontalAdvance(label) for label in self._labels) + 14
        numbers = metrics.horizontalAdvance("100 %") + 8
        leading = -1 if self._probabilities is None else int(self._probabilities.argmax())
        for i, (label, swatch) in enumerate(zip(self._labels, swatches(self._labels), strict=True)):
            line = QRectF(0, i * row, self.width(), row)
            painter.setPen(self.theme.colour("text" if i == leading else "muted"))
            painter.drawText(line, Qt.AlignmentFlag.AlignVCenter, label)
            bar = QRectF(
                names, line.center().y() - thick / 2, self.width() - names - numbers, thick
            )
            painter.setPen(Qt.PenStyle.NoPen)
            painter.setBrush(self.theme.colour("border", 110))
            painter.drawRoundedRect(bar, thick / 2, thick / 2)
            if self._probabilities is None:
                continue
            share = float(self._probabilities[i])
            track = QPainterPath()
            track.addRoundedRect(bar, thick / 2, thick / 2)
            painter.save()
            painter.setClipPath(track)  # so that a small share is not rounded up to a dot
            bar.setWidth(bar.width() * min(1.0, share))
            painter.fillRect(bar, QColor(swatch.fill(dark=self.theme.dark)))
            painter.restore()
            painter.setPen(self.theme.colour("text" if i == leading else "muted"))
            end = Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter
            painter.drawText(line, end, f"{share:.0%}".replace("%", " %"))
        painter.end()


class Legend(QWidget):
    """Colour and name of each class, and the patterns of silence and uncertain."""

    def __init__(self, theme: Theme, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.theme = theme
        self._labels: tuple[str, ...] = ()
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)
        self.setFixedHeight(26)
        self.setAccessibleName("Legend")

    def set_theme(self, theme: Theme) -> None:
        """Draw in other colours."""
        self.theme = theme
        self.update()

    def set_labels(self, labels: tuple[str, ...]) -> None:
        """Name the classes."""
        self._labels = labels
        self.setAccessibleDescription(", ".join(labels))
        self.update()

    def paintEvent(self, event: QPaintEvent) -> None:  # noqa: ARG002
        """Draw the entries in one line, closer together where room is short."""
        if not self._labels:
            return
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        names = (*self._labels, "uncertain", "silence")
        box, near = 11.0, 5.0
        for px in (12, 11, 10, 9):
            painter.setFont(font(px))
            metrics = painter.fontMetrics()
            widths = [metrics.horizontalAdvance(name) for name in names]
            free = self.width() - sum(widths) - len(names) * (box + near)
            gap = min(16.0, free / (len(names) - 1))
            if gap >= 8:
                break
        x = 0.0
        colours = swatches(self._labels)
        for i, (name, width) in enumerate(zip(names, widths, strict=True)):
            square = QRectF(x, self.height() / 2 - box / 2, box, box)
            painter.setPen(Qt.PenStyle.NoPen)
            if i < len(colours):
                painter.setBrush(QColor(colours[i].fill(dark=self.theme.dark)))
                painter.drawRoundedRect(square, 3, 3)
            elif name == "uncertain":
                painter.setBrush(self.theme.colour("border"))
                painter.drawRoundedRect(square, 3, 3)
                painter.setBrush(hatch(self.theme.text, 130))
                painter.drawRoundedRect(square, 3, 3)
            else:
                painter.setPen(self.theme.colour("faint"))
                painter.setBrush(hatch(self.theme.faint, 90, 1.0, rising=False))
                painter.drawRoundedRect(square, 3, 3)
            painter.setPen(self.theme.colour("muted"))
            text = QRectF(x + box + near, 0, width + 2, self.height())
            painter.drawText(text, Qt.AlignmentFlag.AlignVCenter, name)
            x += box + near + width + gap
        painter.end()
