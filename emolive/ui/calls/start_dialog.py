"""Which call to monitor: a stereo device, a microphone and its counterpart, or recordings."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from PySide6.QtCore import Qt, Signal
from PySide6.QtWidgets import (
    QBoxLayout,
    QButtonGroup,
    QCheckBox,
    QCompleter,
    QLineEdit,
    QVBoxLayout,
    QWidget,
)

from emolive.audio.call_devices import CallDevices, FindsDevices, find_call_devices
from emolive.audio.level_probe import LevelProbe, MakeProbe
from emolive.i18n import mark, ntr, tr
from emolive.monitoring.sources import CallChoice, look_into
from emolive.ui.background import Background
from emolive.ui.calls.agent_switch import AgentSwitch
from emolive.ui.calls.device_forms import LoopbackForm, StereoForm
from emolive.ui.calls.recordings import ChoosesFiles, RecordingsForm, choose_recordings
from emolive.ui.controls import ChoiceButton, card, label, push_button, text_field, under_box
from emolive.ui.device_finder import DeviceWatch
from emolive.ui.dialog import DIALOG_MARGINS, Dialog, texts_within
from emolive.ui.files import TakesFiles
from emolive.ui.layouts import STRETCH, fill, hbox, stack, vbox
from emolive.ui.popups import dress_suggestions
from emolive.ui.preferences import Preferences
from emolive.ui.theme import Theme

_LONGEST_NAME = 80


@dataclass(frozen=True, slots=True)
class Known:
    """What was chosen before, to be offered again: names, and the kind of source."""

    agents: tuple[str, ...] = ()
    teams: tuple[str, ...] = ()
    page: int = 0


class WhoForm(QWidget):
    """Two fields; both may stay empty. One agent is of one call, a team of many."""

    def __init__(self, known: Known, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.agent = _field(tr("Agent's name (optional)"), known.agents, self)
        self.team = _field(tr("Team (optional)"), known.teams, self)
        self.about = label("", self, "caption", wrap=True)
        vbox(self.agent, self.team, self.about, STRETCH, within=self, gap=6)
        self.offer(())

    def offer(self, calls: Sequence[CallChoice]) -> None:
        """An agent can be named for one call that has one."""
        several = len(calls) > 1
        alone = all(call.has_agent for call in calls)
        self.agent.setEnabled(alone and not several)
        if several:
            text = tr("The team is that of all calls; an agent is named in a call started alone.")
        elif not alone:
            text = tr("Both parties are on one channel: nobody can be told to be the agent.")
        else:
            text = tr("Seen on the card, and kept with a recording, to be found again.")
        self.about.setText(text)

    def named(self, calls: Sequence[CallChoice]) -> list[CallChoice]:
        """The calls with the names that were given."""
        agent = self.agent.text().strip() if self.agent.isEnabled() else ""
        team = self.team.text().strip()
        return [replace(call, agent_name=agent, team=team) for call in calls]


def _field(name: str, known: Sequence[str], parent: QWidget) -> QLineEdit:
    field = text_field(name, parent, placeholder=name, longest=_LONGEST_NAME)
    completer = QCompleter(list(known), field)
    dress_suggestions(completer)
    completer.setCaseSensitivity(Qt.CaseSensitivity.CaseInsensitive)
    field.setCompleter(completer)
    return field


_PAGES = (mark("Recordings"), mark("Stereo device"), mark("Microphone and computer"))
_MISSING = (
    mark("Choose the recordings, or drop them here."),
    mark("There is no stereo device to listen to."),
    mark("There is no microphone, or nothing that tells what this computer plays."),
)
_BETWEEN, _WITHIN = 10, 2 * 16  # room between cards, and a card's margins
# Before the call itself opens the devices.
_LET_GO_S = 0.3


class StartDialog(TakesFiles, Dialog):
    """Asks which calls, and how.

    `chosen` carries them, whether the agent's emotions were confirmed, and whether to record.

    `declined` carries the name of a call for which a person read the statement and declined.
    """

    chosen = Signal(list, bool, bool)
    declined = Signal(str)

    def __init__(
        self,
        theme: Theme,
        parent: QWidget | None = None,
        *,
        preferences: Preferences | None = None,
        make_probe: MakeProbe = LevelProbe,
        find: FindsDevices = find_call_devices,
        choose: ChoosesFiles = choose_recordings,
        auditable: bool = True,
        save_audio: bool = True,
        known: Known | None = None,
    ) -> None:
        """`find` lists devices, `choose` asks for files; `auditable`: there is an audit log.

        `preferences` know the devices; `make_probe` makes what measures levels before the start.
        `save_audio`: a recording keeps the sound, too. `known`: names that came before.
        """
        heading = tr("Monitor a call")
        super().__init__(theme, heading, "", parent, 760)
        self.setAcceptDrops(True)
        self._work = Background("call sources", self)
        self.pages: list[ChoiceButton] = []
        group = QButtonGroup(self)
        for index, text in enumerate(_PAGES):
            button = ChoiceButton(tr(text), tr(text), self)
            button.clicked.connect(lambda _=False, index=index: self.show_page(index))
            group.addButton(button)
            self.pages.append(button)
        self.recordings = RecordingsForm(theme, choose, self)
        self.recordings.files_chosen.connect(self.look_into)
        self.recordings.changed.connect(self._on_changed)
        preferences = preferences or Preferences(parent=self)
        self.stereo = StereoForm(theme, preferences, make_probe, self)
        self.loopback = LoopbackForm(theme, preferences, make_probe, self)
        self._meters = (*self.stereo.meters, *self.loopback.meters)
        self.stack = stack(self, self.recordings, self.stereo, self.loopback)
        self.agent = AgentSwitch(theme, self, auditable=auditable)
        self.agent.declined.connect(lambda: self.declined.emit(self._name()))
        self._beside = hbox(gap=_BETWEEN)
        where = self._group(self.body, tr("Where are the two parties heard?"))
        self.body.addLayout(self._beside)
        fill(where, hbox(*self.pages, STRETCH, gap=4), self.stack)
        self.who = WhoForm(known or Known(), self)
        self._group(self._beside, tr("Who is it?")).addWidget(self.who)
        self.record = QCheckBox(self)
        self.record.setEnabled(auditable)
        kept = (
            tr("Kept are the timeline and the sound; the settings say what and for how long.")
            if save_audio
            else tr("Kept is the timeline alone; the settings say what and for how long.")
        )
        if not auditable:
            kept = tr("The library, which takes recordings, is not open.")
        self.record.setAccessibleDescription(kept)
        what = self._group(self._beside, tr("What is done with it?"))
        what.setSpacing(2)
        fill(what, self.record, under_box(kept, self), self.agent, STRETCH)
        self.missing = label("", self, "caption", wrap=True)
        self.buttons.insertWidget(0, self.missing, 1)
        self.cancel = push_button(tr("Cancel"), self, self.reject)
        self.begin = push_button("", self, self._on_begin, kind="primary")
        self.begin.setDefault(True)
        fill(self.buttons, self.cancel, self.begin)
        for form in (self.stereo, self.loopback):
            form.changed.connect(self._on_changed)
        self.finished.connect(self._on_finished)
        self._find = find
        self._watch = DeviceWatch(self)
        self._watch.changed.connect(self._look_for_devices)
        self._watch.watch(True)
        self._look_for_devices()
        self.show_page(known.page if known is not None else 0)

    @property
    def choices(self) -> list[CallChoice]:
        """The calls that are chosen now."""
        index = self.stack.currentIndex()
        if index == 0:
            return self.recordings.calls
        form = self.stereo if index == 1 else self.loopback
        choice = form.choice
        return [choice] if choice is not None else []

    def fit(self) -> None:
        """Texts within the forms, too, tell their height late."""
        whole = self.width() - DIALOG_MARGINS - _WITHIN
        half = (self.width() - DIALOG_MARGINS - _BETWEEN) // 2 - _WITHIN
        for text in texts_within(self):
            self.fit_texts((text,), whole if self.stack.isAncestorOf(text) else half)
        super().fit()

    def show_page(self, index: int) -> None:
        """Show one kind of source."""
        self.stack.setCurrentIndex(index)
        self.pages[index].setChecked(True)
        if any(page.hasFocus() for page in self.pages):
            self.pages[index].setFocus()
        self._on_changed()

    def look_into(self, paths: Sequence[Path]) -> None:
        """Find the calls in files; they are listed when that is done."""
        self.show_page(0)
        self.recordings.show_looking(True)
        known = [path for call in self.recordings.calls for path in call.files]
        wanted = [*known, *(Path(path) for path in paths)]
        self._work.ask(lambda: look_into(wanted), self._on_calls, self._on_no_calls, key="files")

    def take_files(self, paths: Sequence[Path]) -> None:
        """Find the calls in them."""
        self.look_into(paths)

    @property
    def page(self) -> int:
        """The kind of source that is chosen."""
        return self.stack.currentIndex()

    def _group(self, place: QBoxLayout, title: str) -> QVBoxLayout:
        """A card with this heading."""
        frame = card(self)
        frame.setAccessibleName(title)
        column = vbox(label(title, frame, "heading"), within=frame, margins=(16, 12, 16, 14), gap=8)
        place.addWidget(frame, 1)
        return column

    def _name(self) -> str:
        return self.choices[0].name if self.choices else ""

    def _on_calls(self, found: tuple[list[CallChoice], list[str]]) -> None:
        calls, problems = found
        self.recordings.show_looking(False)
        self.recordings.show_calls(calls)
        self.show_problem(" ".join(problems[:3]))
        self._on_changed()

    def _on_no_calls(self, problem: str) -> None:
        self.recordings.show_looking(False)
        self.show_problem(problem)

    def _look_for_devices(self) -> None:
        for meter in self._meters:
            meter.pause()
        self._work.ask(self._find, self._on_devices, self.show_problem, key="devices")

    def _on_devices(self, found: CallDevices) -> None:
        self.stereo.show_devices(found)
        self.loopback.show_devices(found)
        for meter in self._meters:
            meter.resume()
        self._on_changed()

    def _on_changed(self) -> None:
        calls = self.choices
        several = len(calls) > 1
        many = ntr("Start {count} call", "Start {count} calls", len(calls))
        self.begin.setText(many if several else tr("Start"))
        self.begin.setEnabled(bool(calls))
        self.missing.setText("" if calls else tr(_MISSING[self.page]))
        self.record.setText(tr("Record these calls") if several else tr("Record this call"))
        self.agent.offer(calls)
        self.who.offer(calls)
        self.fit()

    def _on_begin(self) -> None:
        calls = self.choices
        if calls:
            for form in (self.stereo, self.loopback):
                if self.stack.currentWidget() is form:
                    form.remember()
            for meter in self._meters:
                meter.end(_LET_GO_S)
            calls = self.who.named(calls)
            self.chosen.emit(calls, self.agent.confirmed, self.record.isChecked())
            self.accept()

    def _on_finished(self) -> None:
        for meter in self._meters:
            meter.end(0.0)
        self._watch.end(0.0)
        self._work.close(0.0)
