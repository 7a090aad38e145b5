"""The picker of inputs: devices, the demo clip, files."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path

from PySide6.QtCore import QPointF, Qt, Signal
from PySide6.QtGui import QPainter, QPaintEvent, QPalette, QPen, QPolygonF, QStandardItemModel
from PySide6.QtWidgets import QComboBox, QStyle, QStyleOptionComboBox, QStylePainter, QWidget

from emolive.audio.beside import computer_is_heard
from emolive.audio.devices import InputDevice
from emolive.audio.inputs import input_key
from emolive.i18n import mark, tr
from emolive.monitoring.sources import SourceChoice, SourceKind
from emolive.ui.files import audio_file

FileChooser = Callable[[QWidget], Path | None]

# Their titles are translated where they are shown.
DEMO = SourceChoice(SourceKind.DEMO, mark("Demo clip"), channels=1)
DEFAULT_INPUT = SourceChoice(SourceKind.MICROPHONE, mark("System default input"))
_WIDEST_PX = 560
_OPEN_FILE = "open file"
_ANALYSE = "analyse"
_LOOK_AGAIN = "look again"


def choose_file(parent: QWidget) -> Path | None:
    """Ask for an audio file."""
    return audio_file(parent, tr("Open audio file"))


def file_choice(path: Path) -> SourceChoice:
    """The entry for a file."""
    return SourceChoice(SourceKind.FILE, path.name, path=path)


class SourcePicker(QComboBox):
    """Inputs first, then the demo clip and files. `chosen` tells of a choice by the user.

    What this computer plays stands apart from microphones; the one that was chosen last is offered
    together with it.
    """

    chosen = Signal(object)
    refresh = Signal()
    analyse = Signal()

    def __init__(self, choose: FileChooser = choose_file, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._choose = choose
        self._files: list[SourceChoice] = []
        self._devices: list[SourceChoice] = [DEFAULT_INPUT]
        self._played: list[SourceChoice] = []
        self._computer = False
        self._microphone = DEFAULT_INPUT
        self.choice = DEFAULT_INPUT
        self._refreshable = True
        self.setFocusPolicy(Qt.FocusPolicy.TabFocus)
        self.setAccessibleName(tr("Audio input"))
        self.setSizeAdjustPolicy(QComboBox.SizeAdjustPolicy.AdjustToMinimumContentsLengthWithIcon)
        self.setMinimumContentsLength(14)
        self.activated.connect(self._on_activated)
        self._fill()

    def microphone(self, device: str | int | None, *, computer: bool = False) -> SourceChoice:
        """The entry for a device, or one for a device that is not there (now)."""
        listed = (choice for choice in self._inputs() if choice.device == device)
        found = next(listed, None)
        if found is None:
            name = str(device).split(", ")[0]
            found = SourceChoice(SourceKind.MICROPHONE, name, device)
        return _beside(found) if computer else found

    def select(self, choice: SourceChoice) -> None:
        """Select `choice`, adding it when it is a file or a device that is not listed."""
        if choice.kind is SourceKind.FILE:
            self._files = [choice, *(f for f in self._files if f.path != choice.path)][:5]
        self._take(choice)
        self._fill()

    def set_devices(self, devices: Sequence[InputDevice]) -> None:
        """Offer these; the selection stays, even if its device is gone."""
        default = next((d for d in devices if d.is_default), None)
        first = DEFAULT_INPUT
        if default is not None:
            title = tr("System default ({name})", name=default.name)
            first = SourceChoice(SourceKind.MICROPHONE, title, channels=default.channels)
        self._devices, self._played = [first], []
        for device in devices:
            key = input_key(device, devices)
            choice = SourceChoice(SourceKind.MICROPHONE, device.name, key, channels=device.channels)
            (self._played if device.is_loopback else self._devices).append(choice)
        self._computer = computer_is_heard(devices)
        self._microphone = self.microphone(self._microphone.device)
        if self.choice.kind is SourceKind.MICROPHONE:
            self._take(self.microphone(self.choice.device, computer=self.choice.computer))
        self._fill()

    def set_refreshable(self, refreshable: bool) -> None:
        """Whether it may be asked to look for inputs again (not while one is in use)."""
        if refreshable != self._refreshable:
            self._refreshable = refreshable
            self._fill()

    def open_file(self) -> None:
        """Ask for a file and select it."""
        path = self._choose(self)
        if path is not None:
            self.select(file_choice(path))
            self.chosen.emit(self.choice)
        else:
            self._fill()

    def showPopup(self) -> None:
        """As wide as the longest name, whatever room the box itself has."""
        self.view().setMinimumWidth(min(_WIDEST_PX, self.view().sizeHintForColumn(0) + 40))
        super().showPopup()

    def paintEvent(self, event: QPaintEvent) -> None:  # noqa: ARG002
        """Elide a long name (a style sheet would cut it off), and draw the arrow it leaves out."""
        painter = QStylePainter(self)
        option = QStyleOptionComboBox()
        self.initStyleOption(option)
        painter.drawComplexControl(QStyle.ComplexControl.CC_ComboBox, option)
        room = self.rect().adjusted(13, 0, -30, 0)
        text = self.fontMetrics().elidedText(
            self.currentText(), Qt.TextElideMode.ElideMiddle, room.width()
        )
        colour = self.palette().color(QPalette.ColorRole.Text)
        painter.setPen(QPen(colour, 1.6))
        painter.drawText(room, Qt.AlignmentFlag.AlignVCenter, text)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        x, y = self.width() - 18.0, self.height() / 2
        tip = [QPointF(x - 4, y - 2), QPointF(x, y + 2), QPointF(x + 4, y - 2)]
        painter.drawPolyline(QPolygonF(tip))
        painter.end()

    def _inputs(self) -> list[SourceChoice]:
        return [*self._devices, *self._played]

    def _take(self, choice: SourceChoice) -> None:
        self.choice = choice
        if choice.kind is SourceKind.MICROPHONE and choice not in self._played:
            self._microphone = self.microphone(choice.device)

    def _fill(self) -> None:
        self.blockSignals(True)
        self.clear()
        for choice in self._devices:
            self.addItem(tr(choice.title), choice)
        if self._computer:
            both = _beside(self._microphone)
            self.addItem(both.title, both)
        absent = self._row(self.choice) < 0 and self.choice not in self._played
        if absent and self.choice.kind is SourceKind.MICROPHONE:
            self.addItem(tr(self.choice.title), self.choice)
        if self._refreshable:
            self.addItem(tr("Look for inputs again"), _LOOK_AGAIN)
        if self._played:
            self._add_heading(tr("What this computer plays"))
        for choice in self._played:
            self.addItem(choice.title, choice)
        self.insertSeparator(self.count())
        for choice in (DEMO, *self._files):
            self.addItem(tr(choice.title), choice)
        self.addItem(tr("Open file…"), _OPEN_FILE)
        self.addItem(tr("Analyse files into sessions…"), _ANALYSE)
        self.setCurrentIndex(self._row(self.choice))
        self.setToolTip(tr(self.choice.title))
        self.blockSignals(False)

    def _row(self, choice: SourceChoice) -> int:
        return next((row for row in range(self.count()) if self.itemData(row) == choice), -1)

    def _add_heading(self, text: str) -> None:
        """A line that cannot be chosen."""
        self.insertSeparator(self.count())
        self.addItem(text)
        model = self.model()
        assert isinstance(model, QStandardItemModel)
        model.item(self.count() - 1).setEnabled(False)

    def _on_activated(self, row: int) -> None:
        data = self.itemData(row)
        if data == _OPEN_FILE:
            self.open_file()
        elif data == _LOOK_AGAIN:
            self._fill()
            self.refresh.emit()
        elif data == _ANALYSE:
            self._fill()
            self.analyse.emit()
        elif isinstance(data, SourceChoice):
            self._take(data)
            self._fill()
            self.chosen.emit(data)


def _beside(microphone: SourceChoice) -> SourceChoice:
    """The entry for a microphone and what this computer plays."""
    title = tr("{name} + what this computer plays", name=tr(microphone.title))
    return SourceChoice(SourceKind.MICROPHONE, title, microphone.device, channels=2, computer=True)
