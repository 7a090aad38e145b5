"""The top of the window: input, start and stop, time, and how the engine is doing."""

from __future__ import annotations

from collections.abc import Sequence

from PySide6.QtCore import Qt, Signal
from PySide6.QtWidgets import QFrame, QPushButton, QSizePolicy, QWidget

from emolive.audio.devices import InputDevice
from emolive.audio.level_probe import LevelProbe, MakeProbe
from emolive.i18n import tr
from emolive.monitoring.sources import SourceChoice, SourceKind, open_source
from emolive.session.recorder_status import RecorderStatus
from emolive.settings import InputSettings
from emolive.times import clock_text
from emolive.types import EngineState, EngineStatus
from emolive.ui.controls import IconButton, flagged, keep_room, label, push_button
from emolive.ui.icons import icon
from emolive.ui.input_meter import InputMeter
from emolive.ui.layouts import STRETCH, hbox
from emolive.ui.live.health import HealthButton, Stat
from emolive.ui.live.sources import FileChooser, SourcePicker, choose_file
from emolive.ui.sound_controls import SoundButton
from emolive.ui.theme import Theme, Themed, font
from emolive.wording import size_text

_WIDE_PX = 1_200


class RecordButton(Themed, QPushButton):
    """Starts and stops a recording; while it records, it says how long and how large."""

    def __init__(self, theme: Theme, parent: QWidget | None = None) -> None:
        super().__init__(theme, parent)
        self._recording = False
        self.setProperty("toggle", True)
        self.setFocusPolicy(Qt.FocusPolicy.TabFocus)
        self.show_recording(None)

    def _recolour(self) -> None:
        self.setIcon(icon("stop" if self._recording else "record", self.theme.danger))

    def show_recording(self, status: RecorderStatus | None) -> None:
        """Elapsed time and size while it records; None: it does not."""
        recording = status is not None
        if recording != self._recording or not self.accessibleName():
            self._become(recording)
        text = tr("Record")
        if status is not None:
            size = size_text(status.audio_bytes) if status.audio_bytes else ""
            text = " · ".join(filter(None, (clock_text(status.elapsed_s), size)))
        self.setText(f" {text}")

    def _become(self, recording: bool) -> None:
        self._recording = recording
        flagged(self, "recording", recording)
        tip = tr("Stop recording (R)") if recording else tr("Record this run (R)")
        self.setToolTip(tip)
        self.setAccessibleName(tr("Stop recording") if recording else tr("Record"))
        self.set_theme(self.theme)
        # What stands beside it must not move as the numbers grow.
        self.setMinimumWidth(0)
        if recording:
            self.setText(f" {clock_text(36_000)} · {size_text(888_800_000)}")
            self.setMinimumWidth(self.sizeHint().width())


class Header(Themed, QFrame):
    """Controls and counters. It shows what it is told and tells what the user wants."""

    start_stop = Signal()
    record = Signal()
    source_chosen = Signal(object)
    split_chosen = Signal(bool)
    refresh_devices = Signal()

    def __init__(
        self,
        theme: Theme,
        choose: FileChooser = choose_file,
        parent: QWidget | None = None,
        *,
        make_probe: MakeProbe = LevelProbe,
    ) -> None:
        super().__init__(theme, parent)
        self._state = EngineState.IDLE
        self._level = True
        self._want_split = False
        self.stored = InputSettings()  # as it was when it was looked at last
        self.picker = SourcePicker(choose, self)
        self.picker.setMinimumWidth(150)
        self.picker.setMaximumWidth(420)
        self.picker.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)
        self.picker.chosen.connect(self._on_chosen)
        self.picker.refresh.connect(self.refresh_devices)
        self.meter = InputMeter(theme, self, make_probe=make_probe)
        self.meter.setSizePolicy(QSizePolicy.Policy.Fixed, QSizePolicy.Policy.Fixed)
        tip, name = (
            tr("Left and right as two streams, each with its own timeline"),
            tr("Keep two channels apart"),
        )
        self.split = push_button(
            tr("2 channels"), self, kind="toggle", tip=tip, name=name, checkable=True
        )
        self.split.clicked.connect(self._on_split)
        self.button = push_button("", self, self.start_stop, kind="primary")
        self.button.setMinimumWidth(104)
        self.recording = RecordButton(theme, self)
        self.recording.clicked.connect(self.record)
        self.keep = IconButton("keep", "", theme, self, keys="K")
        self.show_held(0.0)
        self.sound = SoundButton(theme, self)
        self.elapsed = label("0:00", self, "elapsed")
        self.elapsed.setFont(font(18, bold=True))
        self.elapsed.setAccessibleName(tr("Elapsed time"))
        keep_room(self.elapsed, clock_text(359_999))
        self.elapsed.setAlignment(Qt.AlignmentFlag.AlignLeft | Qt.AlignmentFlag.AlignVCenter)
        self.health = HealthButton(self)
        self.rules = Stat(tr("Alerts"), "", self)
        self.rules.show_value(tr("trouble"), alert=True)
        self.rules.hide()
        hbox(
            (self.picker, 3),
            self.meter,
            self.split,
            self.button,
            self.recording,
            self.keep,
            self.sound,
            self.elapsed,
            STRETCH,  # what the name of the input leaves
            self.rules,
            self.health,
            within=self,
            gap=8,
        )
        self.show_level(True)
        self.set_theme(theme)

    def _resized(self) -> None:
        # Where there is little room, the name of the input needs it more than its level.
        self.meter.set_bar(120 if self.width() > _WIDE_PX else 0)

    def want_split(self, split: bool) -> None:
        """Two channels, as soon as an input that may have two is selected."""
        self._want_split = split
        self._on_choice(self.picker.choice)

    def show_level(self, wanted: bool) -> None:
        """Whether the level of an input is shown before it starts."""
        self._level = wanted
        policy = self.meter.sizePolicy()
        policy.setRetainSizeWhenHidden(wanted)  # what stands beside it must not move
        self.meter.setSizePolicy(policy)
        self._on_choice(self.picker.choice)

    def select(self, choice: SourceChoice) -> None:
        """Select an input."""
        self.picker.select(choice)
        self._on_choice(choice)

    def follow(self, stored: InputSettings) -> None:
        """Select what is stored where that is another input now; what was chosen here stays."""
        if not self._state.at_rest:
            return
        before, self.stored = self.stored, stored
        if self.picker.choice.kind is not SourceKind.MICROPHONE:
            return
        if (stored.device, stored.computer) != (before.device, before.computer):
            self.select(self.picker.microphone(stored.device, computer=stored.computer))
        if stored.channels != before.channels:
            self.want_split(stored.channels == 2)

    def set_devices(self, devices: Sequence[InputDevice]) -> None:
        """Offer these inputs."""
        self.picker.set_devices(devices)
        self._on_choice(self.picker.choice)

    def show_state(self, state: EngineState) -> None:
        """What the button does, and what may be changed, in this state."""
        self._state = state
        self.button.setEnabled(state is not EngineState.STOPPING)
        self.picker.set_refreshable(state.at_rest)
        self._on_choice(self.picker.choice)
        self._recolour()

    def show_elapsed(self, seconds: float) -> None:
        """Time on the stream's own clock."""
        text = clock_text(seconds)
        if text != self.elapsed.text():
            self.elapsed.setText(text)

    def show_held(self, seconds: float) -> None:
        """How much of the run is in memory, in whole minutes from the second on."""
        self.keep.setEnabled(seconds >= 1.0)
        name = tr("Keep what was heard so far as a session")
        if (minutes := int(seconds // 60)) > 1:
            name = tr("Keep the last {minutes} minutes as a session", minutes=minutes)
        elif seconds < 1.0:
            name = tr("Nothing is in memory to be kept")
        self.keep.set_shape("keep", name, "K")

    def show_status(self, status: EngineStatus | None, rate: int) -> None:
        """How the engine is doing; `rate` is that of samples."""
        self.health.show_status(status, rate)

    def show_rules(self, problem: str | None) -> None:
        """What keeps alerts from anybody, for as long as it does: the banner may be closed."""
        self.rules.setToolTip(problem or "")
        self.rules.setAccessibleDescription(problem or "")
        self.rules.setVisible(problem is not None)

    def _on_chosen(self, choice: SourceChoice) -> None:
        self._on_choice(choice)
        self.source_chosen.emit(choice)

    def _on_choice(self, choice: SourceChoice) -> None:
        """Two channels can be asked for where there may be two."""
        possible = choice.kind is not SourceKind.DEMO and choice.channels != 1
        possible = possible and not choice.computer
        idle = self._state.at_rest
        self.split.setEnabled(possible and idle)
        self.split.setChecked(possible and self._want_split)
        device = choice.kind is SourceKind.MICROPHONE
        if device:
            split = self.split.isChecked()
            wanted = (choice.device, choice.computer, split)
            self.meter.hear(wanted, lambda: open_source(choice, split=split))
        self.meter.setVisible(self._level and device and idle)
        # A microphone is not played back: it would hear itself.
        self.sound.setEnabled(choice.kind is not SourceKind.MICROPHONE)

    def _on_split(self, split: bool) -> None:
        self._want_split = split
        self._on_choice(self.picker.choice)
        self.split_chosen.emit(split)

    def _recolour(self) -> None:
        stop = not self._state.at_rest
        self.button.setText(f" {tr('Stop') if stop else tr('Start')}")
        self.button.setIcon(icon("stop" if stop else "start", self.theme.on_accent))
        self.button.setToolTip(tr("Stop (Space)") if stop else tr("Start (Space)"))
        self.button.setAccessibleName(tr("Stop monitoring") if stop else tr("Start monitoring"))
