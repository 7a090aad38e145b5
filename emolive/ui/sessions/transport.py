"""The bar under the timeline: play, jump, loop, speed, zoom, undo."""

from __future__ import annotations

from collections.abc import Sequence

from PySide6.QtCore import QSize, Signal
from PySide6.QtWidgets import QWidget

from emolive.i18n import decimal, tr
from emolive.labels import emotion_name
from emolive.times import clock_tenths, length_text
from emolive.ui.controls import ChoiceBox, IconButton, keep_room, label
from emolive.ui.layouts import STRETCH, hbox
from emolive.ui.sessions.playing import SPEEDS
from emolive.ui.theme import Theme
from emolive.wording import stream_name


class Transport(QWidget):
    """Controls; what they do is the page's."""

    play = Signal()
    jump = Signal(bool)  # backwards
    loop = Signal(bool)
    speed = Signal(float)
    hear = Signal(tuple)  # names of streams
    zoom = Signal(float)  # factor; 0 shows everything
    undo = Signal()
    redo = Signal()

    def __init__(self, theme: Theme, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._shown = ""
        self.play_button = IconButton("start", tr("Play"), theme, self, keys=tr("Space"),
                                      colour="on_accent")  # fmt: skip
        self.play_button.setProperty("round", True)
        self.play_button.setIconSize(QSize(20, 20))
        self.before = IconButton("previous", tr("Previous segment"), theme, self, keys="Ctrl+←")
        self.after = IconButton("following", tr("Next segment"), theme, self, keys="Ctrl+→")
        self.target = ChoiceBox(tr("Which segments to jump to"), self)
        self.target.setToolTip(tr("Which segments to jump to"))
        self.loop_button = IconButton("loop", tr("Repeat the selection"), theme, self, keys="L")
        self.loop_button.setCheckable(True)
        self.clock = label(clock_tenths(0.0), self, "clock")
        self.clock.setAccessibleName(tr("Position"))
        self.length = label("", self, "muted")
        self.speeds = ChoiceBox(tr("Speed"), self)
        self.speeds.setToolTip(tr("Speed  (< and >)"))
        self.speeds.offer([(f"{decimal(speed)}×", speed) for speed in SPEEDS])
        self.speeds.setCurrentIndex(SPEEDS.index(1.0))
        self.streams = ChoiceBox(tr("Which streams to hear"), self)
        self.streams.setToolTip(tr("Which streams to hear"))
        self.undo_button = IconButton("undo", tr("Undo"), theme, self, keys="Ctrl+Z")
        self.redo_button = IconButton("redo", tr("Redo"), theme, self, keys="Ctrl+Shift+Z")
        self.closer = IconButton("zoom in", tr("Zoom in"), theme, self, keys="+")
        self.farther = IconButton("zoom out", tr("Zoom out"), theme, self, keys="−")
        self.whole = IconButton("fit", tr("Show the whole session"), theme, self, keys="0")
        self._lay_out()
        self._connect()
        self.set_edits("", "")

    def show_session(
        self, duration_s: float, labels: Sequence[str], streams: Sequence[str], *, audio: bool
    ) -> None:
        """Offer what a session has."""
        keep_room(self.clock, clock_tenths(duration_s))
        self.length.setText(f"/ {length_text(duration_s)}" + ("" if audio else tr("  ·  no audio")))
        named = [(emotion_name(name), name) for name in labels]
        self.target.offer([(tr("any emotion"), None), *named])
        each = [(tr("hear {stream}", stream=stream_name(name)), (name,)) for name in streams]
        self.streams.offer([(tr("hear all"), tuple(streams)), *each] if len(each) > 1 else ())
        self.streams.setVisible(len(streams) > 1)
        self.speeds.setCurrentIndex(SPEEDS.index(1.0))
        self.loop_button.setChecked(False)
        self.show_position(0.0)

    def show_playing(self, playing: bool) -> None:
        """Be a play or a pause button."""
        shape, name = ("pause", tr("Pause")) if playing else ("start", tr("Play"))
        self.play_button.set_shape(shape, name, tr("Space"))

    def show_position(self, at_s: float) -> None:
        """Show the time to a tenth."""
        text = clock_tenths(at_s)
        if text != self._shown:
            self._shown = text
            self.clock.setText(text)

    def set_edits(self, undo: str, redo: str) -> None:
        """What can be undone and redone, by name; "" for nothing."""
        for button, name, verb, keys in (
            (self.undo_button, undo, tr("Undo"), "Ctrl+Z"),
            (self.redo_button, redo, tr("Redo"), "Ctrl+Shift+Z"),
        ):
            button.setEnabled(bool(name))
            button.setToolTip(f"{verb} {name}  ({keys})".replace("  ", " ", 1))

    def step_speed(self, steps: int) -> None:
        """Choose a faster or slower speed."""
        row = min(max(0, self.speeds.currentIndex() + steps), len(SPEEDS) - 1)
        self.speeds.setCurrentIndex(row)
        self.speed.emit(SPEEDS[row])

    @property
    def target_label(self) -> str | None:
        """The emotion to jump to; None: any."""
        data = self.target.currentData()
        return data if isinstance(data, str) else None

    def _lay_out(self) -> None:
        hbox(
            self.play_button,
            6,
            self.clock,
            self.length,
            10,
            self.before,
            self.target,
            self.after,
            6,
            self.loop_button,
            self.speeds,
            self.streams,
            (STRETCH, 1),
            self.undo_button,
            self.redo_button,
            8,
            self.farther,
            self.closer,
            self.whole,
            within=self,
            margins=(12, 5, 12, 5),
            gap=4,
        )
        self.clock.setMinimumWidth(
            self.clock.fontMetrics().horizontalAdvance("0:00:00.0") // 2 + 44
        )

    def _connect(self) -> None:
        self.play_button.clicked.connect(lambda: self.play.emit())
        self.before.clicked.connect(lambda: self.jump.emit(True))
        self.after.clicked.connect(lambda: self.jump.emit(False))
        self.loop_button.clicked.connect(lambda on: self.loop.emit(on))
        self.speeds.activated.connect(lambda row: self.speed.emit(SPEEDS[row]))
        self.streams.activated.connect(lambda row: self.hear.emit(self.streams.itemData(row)))
        self.undo_button.clicked.connect(lambda: self.undo.emit())
        self.redo_button.clicked.connect(lambda: self.redo.emit())
        self.closer.clicked.connect(lambda: self.zoom.emit(0.5))
        self.farther.clicked.connect(lambda: self.zoom.emit(2.0))
        self.whole.clicked.connect(lambda: self.zoom.emit(0.0))
