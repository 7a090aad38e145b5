"""Inputs are looked for on a worker thread, because sound systems may take their time."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Sequence

from PySide6.QtCore import QObject, Signal
from PySide6.QtWidgets import QWidget

from emolive.audio.arrivals import devices_there
from emolive.audio.devices import InputDevice
from emolive.audio.inputs import list_inputs
from emolive.ui.background import Background
from emolive.ui.controls import timer

Lister = Callable[[], Sequence[InputDevice]]

_EVERY_MS = 2_000


def look_for_devices() -> Sequence[InputDevice]:
    """What is plugged in now."""
    return list_inputs(refresh=True)


class DeviceWatch(QObject):
    """Tells that devices came or went, as long as a widget is in view; asked every two seconds."""

    changed = Signal()

    def __init__(self, widget: QWidget, there: Callable[[], Hashable] = devices_there) -> None:
        """Watch for the sake of `widget`, from `start` on."""
        super().__init__(widget)
        self._widget = widget
        self._ask = there
        self._there: Hashable = None
        self._work = Background("device watch", self)
        self._timer = timer(self, _EVERY_MS, self._look)

    def watch(self, on: bool) -> None:
        """Whether to ask at all; what changes meanwhile is told once it is on again."""
        if on and not self._timer.isActive():
            self._timer.start()
            self._work.ask(self._ask, self._on_there, lambda _: None, key="there")
        elif not on:
            self._timer.stop()

    def end(self, timeout: float) -> None:
        """Ask no more."""
        self._timer.stop()
        self._work.close(timeout)

    def _look(self) -> None:
        if self._widget.isVisible() and not self._work.busy:
            self._work.ask(self._ask, self._on_there, lambda _: None, key="there")

    def _on_there(self, there: Hashable) -> None:
        before, self._there = self._there, there
        if before is not None and there is not None and there != before:
            self.changed.emit()


class DeviceFinder(QObject):
    """Lists inputs. `looking` precedes each look, so that who only measures lets an input go.

    PortAudio finds new devices only while none is open.
    """

    looking = Signal()
    found = Signal(list)
    problem = Signal(str)

    def __init__(self, lister: Lister = look_for_devices, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._lister = lister
        self._work = Background("devices", self)

    def look(self) -> None:
        """Look for devices; `found` follows, and `problem` if there is one to tell."""
        if not self._work.busy:
            self.looking.emit()
            self._work.ask(lambda: list(self._lister()), self.found.emit, self._on_problem)

    def close(self, timeout: float = 1.0) -> None:
        """Say nothing more."""
        self._work.close(timeout)

    def _on_problem(self, problem: str) -> None:
        self.found.emit([])
        self.problem.emit(problem)
