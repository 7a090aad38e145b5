"""The page: sections under each other, and a list to jump to them."""

from __future__ import annotations

import time
from collections.abc import Sequence
from functools import partial

from PySide6.QtGui import QResizeEvent
from PySide6.QtWidgets import QApplication, QWidget

from emolive.audio.devices import InputDevice
from emolive.audio.level_probe import LevelProbe, MakeProbe
from emolive.i18n import tr
from emolive.settings import Settings
from emolive.ui.controls import ScrollColumn, label, push_button
from emolive.ui.layouts import STRETCH, hbox, vbox
from emolive.ui.library_controller import LibraryController
from emolive.ui.preferences import Preferences
from emolive.ui.settings.alerts_section import AlertsSection
from emolive.ui.settings.analysis_section import AnalysisSection
from emolive.ui.settings.audit_section import AuditSection
from emolive.ui.settings.baseline_section import BaselineSection
from emolive.ui.settings.form import Section
from emolive.ui.settings.input_section import InputSection
from emolive.ui.settings.look_section import LookSection
from emolive.ui.settings.privacy_section import PrivacySection
from emolive.ui.settings.recording_section import RecordingSection
from emolive.ui.settings.sound_section import SoundSection
from emolive.ui.theme import SPACE, Theme

# From these widths on, sections stand in two columns, and in three.
TWO_COLUMNS_PX, _THREE_COLUMNS_PX = 1400, 2400
_WIDEST_PX = 1100  # a name is not far from what it names


class SettingsPage(QWidget):
    """What is changed here is saved at once."""

    def __init__(
        self,
        preferences: Preferences,
        controller: LibraryController,
        theme: Theme,
        make_probe: MakeProbe = LevelProbe,
        parent: QWidget | None = None,
    ) -> None:
        super().__init__(parent)
        self.title = tr("Settings")
        self.icon_name = "settings"
        self._count = 0
        self.input = InputSection(preferences, theme, make_probe, self)
        self.sound = SoundSection(preferences, theme, self)
        self.analysis = AnalysisSection(preferences, theme, self)
        self.baseline = BaselineSection(preferences, theme, self)
        self.look = LookSection(preferences, theme, self)
        self.recording = RecordingSection(preferences, controller, theme, self)
        self.alerts = AlertsSection(preferences, self)
        self.privacy = PrivacySection(preferences, theme, self)
        self.audit = AuditSection(controller, theme, self)
        self._shows = (
            self.input,
            self.sound,
            self.analysis,
            self.baseline,
            self.look,
            self.recording,
            self.alerts,
            self.privacy,
        )
        self.sections: tuple[Section, ...] = (*self._shows, self.audit)
        self._lay_out()
        preferences.changed.connect(self.show_settings)
        self._preferences = preferences
        self.show_settings(preferences.effective)

    def set_devices(self, devices: Sequence[InputDevice]) -> None:
        """Offer these inputs."""
        self.input.set_devices(devices)

    def show_settings(self, settings: Settings) -> None:
        """Show what is set."""
        for section in self._shows:
            section.show_settings(settings)

    def shown(self) -> None:
        """In front: what can be played on is looked for anew."""
        self.sound.output.look()
        self.audit.look()

    def hidden(self) -> None:
        """Another page is in front: let the input go."""
        self.input.stop_test()

    def end(self, deadline: float) -> None:
        """End the test of the input."""
        self.input.end(max(0.0, deadline - time.monotonic()))
        self.sound.end(max(0.0, deadline - time.monotonic()))
        self.alerts.end(max(0.0, deadline - time.monotonic()))

    def show_section(self, section: Section) -> None:
        """Scroll to a section."""
        self._area.verticalScrollBar().setValue(section.y())

    def show_as(self, other: SettingsPage) -> None:
        """Scroll to where another page is."""
        QApplication.processEvents()  # a bar has no room to move before the page is laid out
        bar, there = self._area.verticalScrollBar(), other._area.verticalScrollBar()
        bar.setValue(round(there.value() * bar.maximum() / max(1, there.maximum())))

    def resizeEvent(self, event: QResizeEvent) -> None:
        """Use a wide window's width."""
        super().resizeEvent(event)
        self._arrange(sum(self.width() >= px for px in (0, TWO_COLUMNS_PX, _THREE_COLUMNS_PX)))

    def _arrange(self, count: int) -> None:
        if count == self._count:
            return
        self._count = count
        self._all.setSpacing(SPACE if count > 1 else 0)
        for place in range(len(self._columns)):
            self._all.setStretch(place, 100 if place < count else 0)
        last = (self.look, self.alerts, self.privacy, self.audit)
        for section in self.sections:
            for column in self._columns:
                column.removeWidget(section)
            place = count - 1 if section in last else 0
            if count > 2 and section in (self.baseline, self.recording):
                place = 1
            column = self._columns[place]
            column.insertWidget(column.count() - 1, section)

    def _lay_out(self) -> None:
        head = label(self.title, self, "page")
        links = (
            push_button(one.title, self, partial(self.show_section, one), kind="jump")
            for one in self.sections
        )
        jumps = vbox(head, 10, *links, STRETCH, gap=2)
        inside = QWidget(self)
        inside.setObjectName("plain")
        self._columns = tuple(vbox((STRETCH, 1), gap=SPACE) for _ in range(3))
        shared = ((column, 1) for column in self._columns)
        self._all = hbox(*shared, (STRETCH, 1), within=inside, margins=(0, 0, 12, 0), gap=SPACE)
        for section in self.sections:
            section.setMaximumWidth(_WIDEST_PX)
        self._arrange(1)
        self._area = ScrollColumn(inside, self)
        hbox(jumps, (self._area, 1), within=self, margins=(4, 2, 0, 0), gap=18)
