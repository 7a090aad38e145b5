"""Which call to monitor: a stereo device, a microphone and its counterpart, or recordings."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from PySide6.QtCore import Signal
from PySide6.QtWidgets import QButtonGroup, QCheckBox, QHBoxLayout, QLabel, QStackedWidget, QWidget

from emolive.audio.call_devices import CallDevices, FindsDevices, find_call_devices
from emolive.i18n import mark, ntr, tr
from emolive.monitoring.call_choices import CallChoice, look_into
from emolive.ui.background import Background
from emolive.ui.calls.agent_switch import AgentSwitch
from emolive.ui.calls.device_forms import LoopbackForm, StereoForm
from emolive.ui.calls.recordings import ChoosesFiles, RecordingsForm, choose_recordings
from emolive.ui.calls.who_form import Known, WhoForm
from emolive.ui.controls import ChoiceButton, push_button
from emolive.ui.sessions.dialog import SessionDialog
from emolive.ui.theme import Theme

_PAGES = (mark("Recordings"), mark("Stereo device"), mark("Microphone and computer"))


class StartDialog(SessionDialog):
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
        find: FindsDevices = find_call_devices,
        choose: ChoosesFiles = choose_recordings,
        auditable: bool = True,
        save_audio: bool = True,
        known: Known | None = None,
    ) -> None:
        """`find` lists devices, `choose` asks for files; `auditable`: there is an audit log.

        `save_audio`: a recording keeps the sound, too. `known`: names that came before.
        """
        heading = tr("Monitor a call")
        super().__init__(theme, heading, tr("Where are the two parties heard?"), parent, 620)
        self._work = Background("call sources", self)
        self.pages: list[ChoiceButton] = []
        group = QButtonGroup(self)
        row = QHBoxLayout()
        row.setSpacing(4)
        self.stack = QStackedWidget(self)
        for index, text in enumerate(_PAGES):
            button = ChoiceButton(tr(text), tr(text), self)
            button.clicked.connect(lambda _=False, index=index: self.show_page(index))
            group.addButton(button)
            self.pages.append(button)
            row.addWidget(button)
        row.addStretch()
        self.recordings = RecordingsForm(theme, choose, self)
        self.recordings.files_chosen.connect(self.look_into)
        self.recordings.changed.connect(self._on_changed)
        self.stereo = StereoForm(self)
        self.loopback = LoopbackForm(self)
        for form in (self.recordings, self.stereo, self.loopback):
            self.stack.addWidget(form)
        self.agent = AgentSwitch(theme, self, auditable=auditable)
        self.agent.declined.connect(lambda: self.declined.emit(self._name()))
        self.body.addLayout(row)
        self.body.addWidget(self.stack)
        self.who = WhoForm(known or Known(), self)
        self.body.addWidget(self.who)
        self._kept = tr("timeline and sound") if save_audio else tr("timeline only")
        self.record = QCheckBox(self)
        self.record.setToolTip(tr("What a recording keeps is chosen in the settings."))
        self.record.setEnabled(auditable)
        if not auditable:
            self.record.setToolTip(tr("The library, which takes recordings, is not open."))
        self.body.addWidget(self.record)
        self.body.addWidget(self.agent)
        self.cancel = push_button(tr("Cancel"), self, self.reject)
        self.begin = push_button("", self, self._on_begin, kind="primary")
        self.begin.setDefault(True)
        self.buttons.addWidget(self.cancel)
        self.buttons.addWidget(self.begin)
        self.finished.connect(self._on_finished)
        self._work.ask(find, self._on_devices, self.show_problem, key="devices")
        self.show_page(0)

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
        for text in self.stack.findChildren(QLabel):
            if text.wordWrap():
                text.setMinimumHeight(max(0, text.heightForWidth(self.width() - 44)))
        self.agent.fit(self.width() - 44)
        super().fit()

    def show_page(self, index: int) -> None:
        """Show one kind of source."""
        self.stack.setCurrentIndex(index)
        self.pages[index].setChecked(True)
        self._on_changed()

    def look_into(self, paths: Sequence[Path]) -> None:
        """Find the calls in files; they are listed when that is done."""
        self.show_page(0)
        self.recordings.show_looking(True)
        known = [path for call in self.recordings.calls for path in call.files]
        wanted = [*known, *(Path(path) for path in paths)]
        self._work.ask(lambda: look_into(wanted), self._on_calls, self._on_no_calls, key="files")

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

    def _on_devices(self, found: CallDevices) -> None:
        self.stereo.show_devices(found)
        self.loopback.show_devices(found)
        self._on_changed()

    def _on_changed(self) -> None:
        calls = self.choices
        text = tr("Start")
        if len(calls) > 1:
            text = ntr("Start {count} call", "Start {count} calls", len(calls))
        self.begin.setText(text)
        self.begin.setEnabled(bool(calls))
        text = tr("Record these calls") if len(calls) > 1 else tr("Record this call")
        self.record.setText(f"{text} ({self._kept})")
        self.agent.offer(calls)
        self.who.offer(calls)
        self.fit()

    def _on_begin(self) -> None:
        calls = self.choices
        if calls:
            calls = self.who.named(calls)
            self.chosen.emit(calls, self.agent.confirmed, self.record.isChecked())
            self.accept()

    def _on_finished(self) -> None:
        self._work.close(0.0)
