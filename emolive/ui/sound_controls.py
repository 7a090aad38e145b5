"""Volume, mute and output: in a pop-up under a button, and in the settings."""

from __future__ import annotations

import logging
from collections.abc import Callable, Sequence

from PySide6.QtCore import Qt
from PySide6.QtWidgets import QFrame, QGridLayout, QSlider, QWidget

from emolive.audio.output import OutputDevice, list_outputs
from emolive.i18n import tr
from emolive.settings import Settings, SoundSettings
from emolive.ui.background import Background
from emolive.ui.controls import IconButton, Notice, label, open_under
from emolive.ui.preferences import Preferences
from emolive.ui.settings.form import Choice, Switch
from emolive.ui.theme import Theme

_log = logging.getLogger(__name__)

Outputs = Callable[[], Sequence[OutputDevice]]


class VolumeSlider(QSlider):
    """From nothing to full, in percent."""

    def __init__(self, preferences: Preferences, parent: QWidget | None = None) -> None:
        super().__init__(Qt.Orientation.Horizontal, parent)
        self.setRange(0, 100)
        self.setSingleStep(5)
        self.setPageStep(20)
        self.setMinimumWidth(180)
        self.setAccessibleName(tr("Volume"))
        self.valueChanged.connect(lambda value: preferences.change("sound", volume=value / 100))

    def show_value(self, volume: float) -> None:
        """Show a volume without telling of it."""
        self.blockSignals(True)
        self.setValue(round(100 * volume))
        self.setToolTip(f"{round(100 * volume)} %")
        self.blockSignals(False)


class OutputChoice(Choice):
    """The outputs of this computer; looked for when it is asked to, off the window's thread."""

    def __init__(
        self,
        preferences: Preferences,
        parent: QWidget | None = None,
        outputs: Outputs = list_outputs,
    ) -> None:
        super().__init__(tr("Output"), [(tr("System default"), None)], parent)
        self._preferences = preferences
        self._outputs = outputs
        self._work = Background("outputs", self)
        self.picked.connect(lambda value: preferences.change("sound", output=value))

    def look(self) -> None:
        """Find out what there is now."""
        self._work.ask(self._outputs, self._show, _log.warning, key="outputs")

    def show_wanted(self) -> None:
        """Show what is set, there or not."""
        wanted = self._preferences.effective.sound.output
        if wanted is not None and wanted not in self.values:
            name = wanted.partition(":")[2] or wanted.rsplit(", ", 1)[0]
            self.addItem(tr("{name} (not there)", name=name), wanted)
        self.show_value(wanted)

    def end(self, timeout: float) -> None:
        """Ask no more."""
        self._work.close(timeout)

    def _show(self, outputs: Sequence[OutputDevice]) -> None:
        default = next((output.name for output in outputs if output.is_default), None)
        first = tr("System default")
        if default is not None:
            first = tr("System default ({name})", name=default)
        self.offer([(first, None), *((output.name, output.key) for output in outputs)])
        self.show_wanted()


class SoundPopup(QFrame):
    """Heard or not, how loud, and where; what is set holds at once."""

    def __init__(
        self,
        preferences: Preferences,
        theme: Theme,
        parent: QWidget,
        outputs: Outputs = list_outputs,
    ) -> None:
        super().__init__(parent, Qt.WindowType.Popup)
        self.setObjectName("popup")
        self.setAttribute(Qt.WidgetAttribute.WA_TranslucentBackground, False)
        self._preferences = preferences
        self.on = Switch(theme, self)
        self.on.setAccessibleName(tr("Files and the demo are heard"))
        self.on.clicked.connect(lambda on: preferences.change("sound", muted=not on))
        self.volume = VolumeSlider(preferences, self)
        self.output = OutputChoice(preferences, self, outputs)
        self.problem = Notice(self, "note")
        grid = QGridLayout(self)
        grid.setContentsMargins(16, 12, 16, 14)
        grid.setHorizontalSpacing(16)
        grid.setVerticalSpacing(8)
        for row, (text, control) in enumerate(
            (
                (tr("Files and the demo are heard"), self.on),
                (tr("Volume"), self.volume),
                (tr("Output"), self.output),
            )
        ):
            grid.addWidget(label(text, self), row, 0)
            side = Qt.AlignmentFlag.AlignRight if control is self.on else Qt.AlignmentFlag(0)
            grid.addWidget(control, row, 1, side)
        grid.addWidget(self.problem, 3, 0, 1, 2)
        preferences.changed.connect(self.show_settings)
        self.show_settings(preferences.effective)

    def show_settings(self, settings: Settings) -> None:
        """Show what is set."""
        self.on.setChecked(not settings.sound.muted)
        self.volume.show_value(settings.sound.volume)
        self.output.show_wanted()

    def open_under(self, button: QWidget, problem: str | None) -> None:
        """Show it below a button, inside the window."""
        self.problem.say(problem or "")
        self.output.look()
        open_under(self, button)
        self.volume.setFocus(Qt.FocusReason.PopupFocusReason)

    def end(self, timeout: float) -> None:
        """Ask for outputs no more."""
        self.hide()
        self.output.end(timeout)


class SoundButton(IconButton):
    """Says whether what plays is heard."""

    def __init__(self, theme: Theme, parent: QWidget | None = None) -> None:
        super().__init__("sound", tr("Sound: on"), theme, parent, keys="M")

    def show_sound(self, sound: SoundSettings, problem: str | None) -> None:
        """Muted, heard, or wanted and not possible."""
        shape, name = "sound", tr("Sound: on")
        if sound.muted or sound.volume == 0.0:
            shape, name = "muted", tr("Sound: off")
        elif problem:
            shape, name = "warning", problem
        self.set_shape(shape, name, "" if problem else "M")
