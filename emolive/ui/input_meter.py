"""The level of an input that is about to be used, seen before anything starts."""

from __future__ import annotations

import math
from collections.abc import Hashable, Sequence

from PySide6.QtCore import QRectF, QSize, QSizeF, Qt, Signal
from PySide6.QtGui import QFontMetrics, QHideEvent, QPainter, QShowEvent
from PySide6.QtWidgets import QSizePolicy, QWidget

from emolive.audio.level_probe import LevelProbe, MakeProbe, MakeSource, ProbeStatus, StreamLevel
from emolive.i18n import tr
from emolive.ui.controls import timer
from emolive.ui.painting import fill_rounded
from emolive.ui.theme import Painted, Theme, font
from emolive.wording import stream_name

_FLOOR_DBFS = -60.0
_HEARD_DBFS = -45.0
_EVERY_MS = 50
_ROW_PX = 16
_BAR_PX = 6
_LEAST_BAR_PX = 40
_GAP_PX = 6


class InputMeter(Painted, QWidget):
    """One bar for each stream of an input, with a word where it is silent or too loud.

    The input is open only while the meter is in view, is allowed to, and does not pause; what is
    heard is measured and goes nowhere.
    """

    def __init__(
        self,
        theme: Theme,
        parent: QWidget | None = None,
        *,
        names: Sequence[str] = (),
        make_probe: MakeProbe = LevelProbe,
    ) -> None:
        """`names`, of the streams in their order; none: those they have, if there are several."""
        super().__init__(theme, parent)
        self._names = tuple(names)
        self._make_probe = make_probe
        self._wanted: Hashable = None
        self._make: MakeSource | None = None
        self._bar_px = 2 * _LEAST_BAR_PX
        self._allowed = True
        self._paused = False
        self._probe: LevelProbe | None = None
        self._closing: list[LevelProbe] = []
        self._status = ProbeStatus()
        self._shown: list[float] = []
        self._timer = timer(self, _EVERY_MS, self._look)
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)
        self.setAccessibleName(tr("Level before the start"))
        self._describe()

    def sizeHint(self) -> QSize:
        """As high as its rows, one at least."""
        least = self.minimumSizeHint()
        return QSize(least.width() + max(0, self._bar_px - _LEAST_BAR_PX), least.height())

    def minimumSizeHint(self) -> QSize:
        """Room for names, words, and a bar that can be read."""
        rows = max(1, len(self._status.streams), len(self._names))
        width = self._names_px() + _LEAST_BAR_PX + _GAP_PX + self._words_px()
        return QSize(width, rows * _ROW_PX)

    def hear(self, wanted: Hashable, make: MakeSource | None = None) -> None:
        """Show the level of the input that `make` makes; `wanted` tells inputs apart, None: none.

        `make` is called on the thread of the probe: it may take its time.
        """
        if wanted != self._wanted:
            self._let_go()
            self._wanted, self._make = wanted, make
            self._follow()

    def set_bar(self, px: int) -> None:
        """How long the bar would like to be."""
        if px != self._bar_px:
            self._bar_px = px
            self.updateGeometry()

    def set_names(self, names: Sequence[str]) -> None:
        """Who is heard, in the order of the streams."""
        self._names = tuple(names)
        self._describe()
        self.update()

    def set_allowed(self, allowed: bool) -> None:
        """Whether an input may be opened for this at all."""
        self._allowed = allowed
        self._follow()

    def pause(self) -> None:
        """Let the input go until `resume`."""
        self._paused = True
        self._follow()

    def resume(self) -> None:
        """Go on."""
        self._paused = False
        self._follow()

    def end(self, timeout: float) -> None:
        """Let the input go for good, waiting for at most `timeout` seconds."""
        self._allowed = False
        self.let_go(timeout)

    def let_go(self, timeout: float) -> None:
        """Let the input go, so that something else can have it; it comes back when next shown."""
        self._let_go()
        for probe in self._closing:
            probe.close(timeout)

    def showEvent(self, event: QShowEvent) -> None:
        """Listen as long as it is seen."""
        super().showEvent(event)
        self._follow()

    def hideEvent(self, event: QHideEvent) -> None:
        """Stop listening."""
        super().hideEvent(event)
        self._follow()

    def _follow(self) -> None:
        wanted = self._allowed and not self._paused and self.isVisible() and not self._minimised()
        if not wanted or self._make is None:
            self._let_go()
        elif self._probe is None:
            self._probe = self._make_probe(self._make)
            self._probe.start()
        # It goes on while minimised, to see when that is over.
        waiting = self._probe is None and wanted is False and self._minimised()
        self._timer.start() if self._probe is not None or waiting else self._timer.stop()

    def _minimised(self) -> bool:
        return self.window().isMinimized()

    def _let_go(self) -> None:
        # Not waited for: a driver may take its time.
        self._closing = [probe for probe in self._closing if not probe.close(0.0)]
        if self._probe is not None:
            probe, self._probe = self._probe, None
            if not probe.close(0.0):
                self._closing.append(probe)
        self._show(ProbeStatus())

    def _look(self) -> None:
        if self._minimised() == (self._probe is not None):
            self._follow()
        if self._probe is not None:
            self._show(self._probe.status())

    def _show(self, status: ProbeStatus) -> None:
        rows = len(self._status.streams)
        self._status = status
        if len(self._shown) != len(status.streams):
            self._shown = [_FLOOR_DBFS] * len(status.streams)
        for index, stream in enumerate(status.streams):
            level = min(0.0, max(_FLOOR_DBFS, stream.level_dbfs))
            fall = self._shown[index] + 0.25 * (level - self._shown[index])
            self._shown[index] = max(level, fall)
        if len(status.streams) != rows:
            self.updateGeometry()
        self._describe()
        self.update()

    # What it looks like, and what is said of it.

    def paint(self, painter: QPainter) -> None:
        """Draw a row for each stream."""
        painter.setFont(font(10))
        streams = self._status.streams
        rows = max(1, len(streams), len(self._names))
        top = (self.height() - rows * _ROW_PX) / 2
        left, right = self._names_px(), self._words_px()
        side = Qt.AlignmentFlag.AlignLeft | Qt.AlignmentFlag.AlignVCenter
        for row in range(rows):
            y = top + row * _ROW_PX
            painter.setPen(self.theme.colour("muted"))
            painter.drawText(QRectF(0, y, left, _ROW_PX), side, self._name(row))
            width = self.width() - left - right - _GAP_PX
            bar = QRectF(left, y + (_ROW_PX - _BAR_PX) / 2, width, _BAR_PX)
            stream = streams[row] if row < len(streams) else None
            self._paint_bar(painter, bar, self._shown[row] if stream else _FLOOR_DBFS, stream)
            painter.setPen(self.theme.colour("danger" if stream and stream.clipped else "muted"))
            beside = QRectF(bar.right() + _GAP_PX, y, right, _ROW_PX)
            painter.drawText(beside, side, self._word(stream))

    def _paint_bar(
        self, painter: QPainter, bar: QRectF, level: float, stream: StreamLevel | None
    ) -> None:
        fill_rounded(painter, bar, _BAR_PX / 2, self.theme.colour("border", 160))
        share = 1 - level / _FLOOR_DBFS
        if stream is not None and share > 0.01:
            clipped = "danger" if stream.clipped else "accent"
            painter.setBrush(self.theme.colour(clipped))
            filled = QRectF(
                bar.topLeft(), QSizeF(max(float(_BAR_PX), bar.width() * share), _BAR_PX)
            )
            painter.drawRoundedRect(filled, _BAR_PX / 2, _BAR_PX / 2)

    def _name(self, row: int) -> str:
        if row < len(self._names):
            return self._names[row]
        streams = self._status.streams
        return stream_name(streams[row].stream) if len(streams) > 1 else ""

    def _word(self, stream: StreamLevel | None) -> str:
        if self._status.problem is not None:
            return tr("no input")
        if stream is None:
            return ""
        return tr("too loud") if stream.clipped else tr("silent") if stream.silent else ""

    def _names_px(self) -> int:
        rows = max(len(self._names), len(self._status.streams))
        metrics = QFontMetrics(font(10))
        widest = max((metrics.horizontalAdvance(self._name(row)) for row in range(rows)), default=0)
        return widest + _GAP_PX if widest else 0

    def _words_px(self) -> int:
        metrics = QFontMetrics(font(10))
        words = (tr("no input"), tr("too loud"), tr("silent"))
        return 2 + max(metrics.horizontalAdvance(word) for word in words)

    def _describe(self) -> None:
        """For those who hear it read, in steps: they are told of every change."""
        told = []
        for row, stream in enumerate(self._status.streams):
            if math.isfinite(stream.level_dbfs):
                level = tr("about {level} dBFS", level=6 * round(stream.level_dbfs / 6))
                told.append(" ".join(filter(None, (self._name(row), level, self._word(stream)))))
        if (description := "; ".join(told)) != self.accessibleDescription():
            self.setAccessibleDescription(description)
        privacy = tr(
            "The input is open for as long as this is in view: what is heard is measured, and "
            "neither kept nor sent anywhere. Settings, Privacy switches it off."
        )
        self.setToolTip(" ".join(filter(None, (self._advice(), privacy))))

    def _advice(self) -> str:
        status = self._status
        if status.problem is not None:
            return status.problem
        if status.zeros:
            return _zeros_text()
        if any(stream.clipped for stream in status.streams):
            return tr("It is too loud to be recorded cleanly: turn the input down.")
        if any(stream.silent for stream in status.streams):
            return tr("Nothing is heard: speak, or choose another input.")
        return ""


class InputLevel(Painted, QWidget):
    """A level as a lying bar: of an input that is listened to as long as it is asked to.

    `told` says in words what is heard, `broken` why nothing can be.
    """

    told = Signal(str)
    broken = Signal(str)

    hint = (160, 14)  # a slim bar

    def __init__(self, theme: Theme, make_probe: MakeProbe, parent: QWidget | None = None) -> None:
        super().__init__(theme, parent)
        self._make_probe = make_probe
        self._probe: LevelProbe | None = None
        self._last: LevelProbe | None = None
        self._heard = False
        self._timer = timer(self, _EVERY_MS, self._look)
        self._shown = _FLOOR_DBFS
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)
        self.setAccessibleName(tr("Level"))

    def show_level(self, dbfs: float | None) -> None:
        """Show a level in dBFS; None: nothing is measured."""
        level = _FLOOR_DBFS if dbfs is None or not math.isfinite(dbfs) else dbfs
        level = min(0.0, max(_FLOOR_DBFS, level))
        fall = self._shown + 0.25 * (level - self._shown)
        self._shown = level if dbfs is None else max(level, fall)
        # In steps: assistive technology is told of every change.
        text = "" if dbfs is None else tr("about {level} dBFS", level=6 * round(level / 6))
        if text != self.accessibleDescription():
            self.setAccessibleDescription(text)
        self.update()

    def paint(self, painter: QPainter) -> None:
        """Draw track and bar."""
        bar = QRectF(0, self.height() / 2 - 5, self.width(), 10)
        fill_rounded(painter, bar, 5, self.theme.colour("border", 160))
        share = 1 - self._shown / _FLOOR_DBFS
        if share > 0.01:
            bar.setWidth(max(10.0, bar.width() * share))
            painter.setBrush(self.theme.colour("accent"))
            painter.drawRoundedRect(bar, 5, 5)

    def listen(self, make: MakeSource) -> None:
        """Measure the input that `make` makes, on the thread of the probe."""
        self.let_go()
        self._heard = False
        self._probe = self._make_probe(make)
        self._probe.start()
        self._timer.start()

    def let_go(self) -> None:
        """Let the input go, without waiting for that: a driver may take its time."""
        self._timer.stop()
        self.show_level(None)
        if self._probe is not None:
            self._probe.close(0.0)
            self._last, self._probe = self._probe, None

    def end(self, timeout: float) -> None:
        """Let the input go, and wait for that."""
        self.let_go()
        if self._last is not None:
            self._last.close(timeout)

    def _look(self) -> None:
        status = self._probe.status() if self._probe is not None else ProbeStatus()
        if status.problem is not None:
            self.let_go()
            self.broken.emit(status.problem)
            return
        self.show_level(status.level_dbfs)
        if status.zeros:
            self.told.emit(_zeros_text())
        elif status.level_dbfs > _HEARD_DBFS and not self._heard:
            self._heard = True
            self.told.emit(tr("You are heard."))


def _zeros_text() -> str:
    return tr(
        "Only digital silence comes in: check that the microphone is not muted, and that "
        "this program may use it."
    )
