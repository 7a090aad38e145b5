"""The picker of inputs: devices, the demo clip, files."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable, Sequence
from pathlib import Path

from PySide6.QtCore import QObject, QPointF, Qt, Signal
from PySide6.QtGui import QPainter, QPaintEvent, QPalette, QPen, QPolygonF
from PySide6.QtWidgets import (
    QComboBox,
    QFileDialog,
    QStyle,
    QStyleOptionComboBox,
    QStylePainter,
    QWidget,
)

from emolive.audio.devices import InputDevice, list_devices
from emolive.errors import EmoliveError
from emolive.i18n import mark, tr
from emolive.monitoring.sources import SourceChoice, SourceKind

_log = logging.getLogger(__name__)

Lister = Callable[[], Sequence[InputDevice]]
FileChooser = Callable[[QWidget], Path | None]

# Their titles are translated where they are shown.
DEMO = SourceChoice(SourceKind.DEMO, mark("Demo clip"), channels=1)
DEFAULT_INPUT = SourceChoice(SourceKind.MICROPHONE, mark("System default input"))
_OPEN_FILE = "open file"
_ANALYSE = "analyse"
_LOOK_AGAIN = "look again"


def look_for_devices() -> Sequence[InputDevice]:
    """What is plugged in now."""
    return list_devices(refresh=True)


def choose_file(parent: QWidget) -> Path | None:
    """Ask for an audio file."""
    from emolive.audio.decoding import audio_extensions

    kinds = " ".join(f"*.{name} *.{name.upper()}" for name in sorted(audio_extensions()))
    chosen, _ = QFileDialog.getOpenFileName(
        parent,
        tr("Open audio file"),
        "",
        f"{tr('Audio')} ({kinds});;{tr('All files')} (*)",
        options=QFileDialog.Option.HideNameFilterDetails,
    )
    return Path(chosen) if chosen else None


def file_choice(path: Path) -> SourceChoice:
    """The entry for a file."""
    return SourceChoice(SourceKind.FILE, path.name, path=path)


def device_key(device: InputDevice, devices: Sequence[InputDevice]) -> str | int:
    """What names a device from now on and after it was unplugged.

    By name, because indices change when something is plugged in; twins only by index.
    """
    name = _full_name(device)
    twins = sum(1 for other in devices if _full_name(other) == name)
    return name if twins == 1 else device.index


def _full_name(device: InputDevice) -> str:
    return f"{device.name}, {device.host_api}"


class DeviceFinder(QObject):
    """Lists devices on a worker thread, because sound systems may take their time."""

    found = Signal(list)
    problem = Signal(str)
    _listed = Signal(list, str)

    def __init__(self, lister: Lister = look_for_devices, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._lister = lister
        self._worker: threading.Thread | None = None
        self._looking = False
        self._closed = False
        self._listed.connect(self._on_listed, Qt.ConnectionType.QueuedConnection)

    def look(self) -> None:
        """Look for devices; `found` follows, and `problem` if there is one to tell."""
        if not self._looking:
            self._looking = True
            self._worker = threading.Thread(target=self._list, name="emolive devices", daemon=True)
            self._worker.start()

    def close(self, timeout: float = 1.0) -> None:
        """Say nothing more."""
        self._closed = True
        if self._worker is not None:
            self._worker.join(timeout)

    def _list(self) -> None:
        devices: list[InputDevice] = []
        problem = ""
        try:
            devices = list(self._lister())
        except EmoliveError as error:
            problem = str(error)
        except Exception as error:  # a worker must not die unseen
            _log.exception("The audio inputs cannot be listed")
            problem = tr("The audio inputs cannot be listed ({error}): try again.", error=error)
        if not self._closed:
            self._listed.emit(devices, problem)

    def _on_listed(self, devices: list[InputDevice], problem: str) -> None:
        self._looking = False
        self.found.emit(devices)
        if problem:
            self.problem.emit(problem)


class SourcePicker(QComboBox):
    """Devices first, then the demo clip and files. `chosen` tells of a choice by the user."""

    chosen = Signal(object)
    refresh = Signal()
    analyse = Signal()

    def __init__(self, choose: FileChooser = choose_file, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._choose = choose
        self._files: list[SourceChoice] = []
        self._devices: list[SourceChoice] = [DEFAULT_INPUT]
        self._current = DEFAULT_INPUT
        self._refreshable = True
        self.setFocusPolicy(Qt.FocusPolicy.TabFocus)
        self.setAccessibleName(tr("Audio input"))
        self.setSizeAdjustPolicy(QComboBox.SizeAdjustPolicy.AdjustToMinimumContentsLengthWithIcon)
        self.setMinimumContentsLength(14)
        self.activated.connect(self._on_activated)
        self._fill()

    @property
    def choice(self) -> SourceChoice:
        """What is selected."""
        return self._current

    def microphone(self, device: str | int | None) -> SourceChoice:
        """The entry for a device, or one for a device that is not there (now)."""
        listed = next((choice for choice in self._devices if choice.device == device), None)
        if listed is not None:
            return listed
        return SourceChoice(SourceKind.MICROPHONE, str(device).split(", ")[0], device)

    def select(self, choice: SourceChoice) -> None:
        """Select `choice`, adding it when it is a file or a device that is not listed."""
        if choice.kind is SourceKind.FILE:
            self._files = [choice, *(f for f in self._files if f.path != choice.path)][:5]
        elif choice.kind is SourceKind.MICROPHONE and choice not in self._devices:
            self._devices.append(choice)
        self._current = choice
        self._fill()

    def set_devices(self, devices: Sequence[InputDevice]) -> None:
        """Offer these; the selection stays, even if its device is gone."""
        default = next((d for d in devices if d.is_default), None)
        first = DEFAULT_INPUT
        if default is not None:
            title = tr("System default ({name})", name=default.name)
            first = SourceChoice(SourceKind.MICROPHONE, title, channels=default.channels)
        several_apis = len({device.host_api for device in devices}) > 1
        self._devices = [first]
        for device in devices:
            title = _full_name(device) if several_apis else device.name
            wanted = device_key(device, devices)
            self._devices.append(
                SourceChoice(SourceKind.MICROPHONE, title, wanted, channels=device.channels)
            )
        if self._current.kind is SourceKind.MICROPHONE:
            same = next((d for d in self._devices if d.device == self._current.device), None)
            if same is None:
                self._devices.append(self._current)
            else:
                self._current = same
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
            self.chosen.emit(self._current)
        else:
            self._fill()

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

    def _fill(self) -> None:
        self.blockSignals(True)
        self.clear()
        for choice in self._devices:
            self.addItem(tr(choice.title), choice)
        if self._refreshable:
            self.addItem(tr("Look for inputs again"), _LOOK_AGAIN)
        self.insertSeparator(self.count())
        for choice in (DEMO, *self._files):
            self.addItem(tr(choice.title), choice)
        self.addItem(tr("Open file…"), _OPEN_FILE)
        self.addItem(tr("Analyse files into sessions…"), _ANALYSE)
        for row in range(self.count()):
            if self.itemData(row) == self._current:
                self.setCurrentIndex(row)
        self.setToolTip(self._current.title)
        self.blockSignals(False)

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
            self._current = data
            self.setToolTip(data.title)
            self.chosen.emit(data)
