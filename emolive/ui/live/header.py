"""The top of the window: input, start and stop, time, and how the engine is doing."""

from __future__ import annotations

from collections.abc import Sequence

from PySide6.QtCore import Qt, Signal
from PySide6.QtWidgets import (
    QFrame,
    QHBoxLayout,
    QLabel,
    QPushButton,
    QSizePolicy,
    QVBoxLayout,
    QWidget,
)

from emolive.audio.devices import InputDevice
from emolive.types import EngineState, EngineStatus
from emolive.ui.icons import icon
from emolive.ui.live.sources import FileChooser, SourcePicker, choose_file
from emolive.ui.runs import SourceChoice, SourceKind
from emolive.ui.theme import SPACE, Theme, font
from emolive.ui.timeline.time_axis import clock_text

_GOING = (EngineState.STARTING, EngineState.RUNNING, EngineState.RECONNECTING)


class Stat(QWidget):
    """A small value under its name; a count that is not zero stands out."""

    def __init__(self, name: str, help_text: str, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._name = name
        caption = QLabel(name, self)
        caption.setProperty("role", "caption")
        self.value = QLabel("–", self)
        self.value.setProperty("role", "value")
        self.value.setFont(font(13, bold=True))
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(1)
        column.addWidget(caption)
        column.addWidget(self.value, 0, Qt.AlignmentFlag.AlignLeft)
        self.setToolTip(help_text)
        self.setAccessibleName(name)
        self.setSizePolicy(QSizePolicy.Policy.Minimum, QSizePolicy.Policy.Fixed)

    def show_value(self, text: str, *, alert: bool = False) -> None:
        """Show `text`, as an alert or not."""
        if self.value.text() != text:
            self.value.setText(text)
            self.setAccessibleDescription(f"{self._name} {text}")
        if bool(self.value.property("alert")) != alert:
            self.value.setProperty("alert", alert)
            self.value.style().unpolish(self.value)
            self.value.style().polish(self.value)
            # Here and not in the style sheet, whose padding a label does not reckon with.
            self.value.setContentsMargins(*((6, 0, 6, 0) if alert else (0, 0, 0, 0)))


class Header(QFrame):
    """Controls and counters. It shows what it is told and tells what the user wants."""

    start_stop = Signal()
    source_chosen = Signal(object)
    refresh_devices = Signal()

    def __init__(
        self, theme: Theme, choose: FileChooser = choose_file, parent: QWidget | None = None
    ) -> None:
        super().__init__(parent)
        self.theme = theme
        self._state = EngineState.IDLE
        self.picker = SourcePicker(choose, self)
        self.picker.setMinimumWidth(170)
        self.picker.setMaximumWidth(420)
        self.picker.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)
        self.picker.chosen.connect(self._on_chosen)
        self.refresh = QPushButton(self)
        self.refresh.setFixedWidth(36)
        self.refresh.setStyleSheet("padding: 0;")
        self.refresh.setToolTip("Look for inputs again (F5)")
        self.refresh.setAccessibleName("Look for audio inputs again")
        self.refresh.clicked.connect(self.refresh_devices)
        self.split = QPushButton("2 channels", self)
        self.split.setCheckable(True)
        self.split.setProperty("toggle", True)
        self.split.setToolTip("Left and right as two streams, each with its own timeline")
        self.split.setAccessibleName("Keep two channels apart")
        self.button = QPushButton(self)
        self.button.setProperty("primary", True)
        self.button.setMinimumWidth(104)
        self.button.clicked.connect(self.start_stop)
        for control in (self.refresh, self.split, self.button):
            # A click must not take the focus: Space belongs to start and stop.
            control.setFocusPolicy(Qt.FocusPolicy.TabFocus)
        self.elapsed = QLabel("0:00", self)
        self.elapsed.setProperty("role", "elapsed")
        self.elapsed.setFont(font(18, bold=True))
        self.elapsed.setAccessibleName("Elapsed time")
        self.elapsed.setMinimumWidth(62)
        self.elapsed.setAlignment(Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter)
        self.provider = Stat("Provider", "The processor that runs the network, as it reports", self)
        self.latency = Stat(
            "Latency", "From the end of a window to its answer (without the window itself)", self
        )
        self.overflows = Stat("Overflows", "Blocks of audio lost before they were analysed", self)
        self.skipped = Stat("Skipped", "Windows jumped over to keep up with the present", self)
        self.dropped = Stat("Dropped", "Events that the window was too slow to show", self)
        self.dropped.hide()
        row = QHBoxLayout(self)
        row.setContentsMargins(0, 0, 0, 0)
        row.setSpacing(8)
        for widget in (self.picker, self.refresh, self.split, self.button, self.elapsed):
            row.addWidget(widget, 3 if widget is self.picker else 0)
            if widget is self.button:
                row.addSpacing(6)
        row.addStretch(1)
        for stat in (self.provider, self.latency, self.overflows, self.skipped, self.dropped):
            row.addSpacing(SPACE - 4)
            row.addWidget(stat)
        self._on_choice(self.picker.choice)
        self.set_theme(theme)

    def set_theme(self, theme: Theme) -> None:
        """Draw the icons in other colours."""
        self.theme = theme
        self.refresh.setIcon(icon("refresh", theme.muted))
        self._dress_button()

    def select(self, choice: SourceChoice) -> None:
        """Select an input."""
        self.picker.select(choice)
        self._on_choice(choice)

    def set_devices(self, devices: Sequence[InputDevice]) -> None:
        """Offer these inputs."""
        self.picker.set_devices(devices)
        self._on_choice(self.picker.choice)

    def show_state(self, state: EngineState) -> None:
        """What the button does, and what may be changed, in this state."""
        self._state = state
        going = state in _GOING
        stopping = state is EngineState.STOPPING
        self.button.setEnabled(not stopping)
        self.refresh.setEnabled(not going and not stopping)
        self._on_choice(self.picker.choice)
        self._dress_button()

    def show_elapsed(self, seconds: float) -> None:
        """Time on the stream's own clock."""
        text = clock_text(seconds)
        if text != self.elapsed.text():
            self.elapsed.setText(text)

    def show_status(self, status: EngineStatus | None, note: str | None = None) -> None:
        """Counters and provider; `note` says why it is that provider."""
        if status is None:
            for stat in (self.provider, self.latency, self.overflows, self.skipped):
                stat.show_value("–")
            self.dropped.hide()
            return
        self.provider.show_value(status.provider or "–")
        about = f"{status.model} on {status.provider}" if status.model else status.provider
        self.provider.setToolTip(f"{about}. {note}" if note else about)
        self.latency.show_value(f"{status.latency_ms:.0f} ms" if status.latency_ms else "–")
        for stat, count in (
            (self.overflows, status.overflows),
            (self.skipped, status.windows_skipped),
            (self.dropped, status.events_dropped),
        ):
            stat.show_value(f"{count:,}", alert=count > 0)
        # Every drop is visible, but a third zero would only take room.
        self.dropped.setVisible(status.events_dropped > 0)

    def _on_chosen(self, choice: SourceChoice) -> None:
        self._on_choice(choice)
        self.source_chosen.emit(choice)

    def _on_choice(self, choice: SourceChoice) -> None:
        """Two channels can be asked for where there may be two."""
        possible = choice.kind is not SourceKind.DEMO and choice.channels != 1
        idle = self._state not in _GOING and self._state is not EngineState.STOPPING
        self.split.setEnabled(possible and idle)
        if not possible:
            self.split.setChecked(False)

    def _dress_button(self) -> None:
        stop = self._state in _GOING or self._state is EngineState.STOPPING
        self.button.setText(" Stop" if stop else " Start")
        self.button.setIcon(icon("stop" if stop else "start", self.theme.on_accent))
        self.button.setToolTip("Stop (Space)" if stop else "Start (Space)")
        self.button.setAccessibleName("Stop monitoring" if stop else "Start monitoring")
