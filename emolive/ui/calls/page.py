"""The calls page: the wall, one call opened from it, and what brings calls and rules in."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from pathlib import Path

from PySide6.QtCore import Qt, QTimer, Signal
from PySide6.QtGui import QKeyEvent
from PySide6.QtWidgets import QWidget

from emolive.alerts.rules import RuleSet
from emolive.audio.call_devices import FindsDevices, find_call_devices
from emolive.audio.level_probe import LevelProbe, MakeProbe
from emolive.i18n import ntr, tr
from emolive.labels import USUAL
from emolive.monitoring import CallMonitor
from emolive.monitoring.sources import CallChoice
from emolive.session.library import Library
from emolive.settings import Settings
from emolive.types import Severity
from emolive.ui.calls.call_view import CallView
from emolive.ui.calls.chime import Chime
from emolive.ui.calls.controller import CallsController
from emolive.ui.calls.model import AlertEntry, CallModel
from emolive.ui.calls.rules_dialog import RulesDialog
from emolive.ui.calls.shift_dialog import ShiftDialog
from emolive.ui.calls.start_dialog import Known, StartDialog
from emolive.ui.calls.wall import WallView
from emolive.ui.dialog import ConsentDialog
from emolive.ui.files import TakesFiles
from emolive.ui.hearing import Hearing
from emolive.ui.layouts import stack, vbox
from emolive.ui.messages import LOOKS, Action, Message
from emolive.ui.preferences import Preferences
from emolive.ui.shortcuts import CALLS_KEYS, bind_key
from emolive.ui.theme import Theme, Themed

# The timeline of an opened call flows; cards say something new a few times a second; out of sight
# only alerts matter.
_OPEN_MS, _WALL_MS, _HIDDEN_MS = 33, 200, 500
_KNOWN_NAMES = 500


class CallsPage(TakesFiles, Themed, QWidget):
    """Everything about calls. The window gives it a library when there is one.

    `message` carries what happened, `alerting` the gravest alert that nobody has seen to (None:
    there is none), told again and again.
    """

    message = Signal(object)
    alerting = Signal(object)
    session_wanted = Signal(str, int)

    def __init__(
        self,
        preferences: Preferences,
        theme: Theme,
        parent: QWidget | None = None,
        *,
        monitor: CallMonitor | None = None,
        chime: Chime | None = None,
        find_devices: FindsDevices = find_call_devices,
        make_probe: MakeProbe = LevelProbe,
    ) -> None:
        """`monitor`, `chime`, `find_devices` and `make_probe` are for tests."""
        super().__init__(theme, parent)
        self.title = tr("Calls")
        self.keys = CALLS_KEYS
        self.icon_name = "calls"
        self.preferences = preferences
        self.chime = chime or Chime(lambda: preferences.effective.sound.output)
        self._find_devices = find_devices
        self._make_probe = make_probe
        self._visible = False
        self._known = Known()
        self.controller = CallsController(
            lambda: preferences.effective, monitor or CallMonitor(), self
        )
        self.hearing = Hearing(preferences, self)
        self.wall = WallView(theme, self)
        self.call = CallView(theme, self)
        self.stack = stack(self, self.wall, self.call)
        vbox(self.stack, within=self)
        self.setAcceptDrops(True)
        self._timer = QTimer(self)
        self._timer.timeout.connect(self.tick)
        self._connect()
        self._on_settings(preferences.effective)

    # What the window asks of a page.

    def set_library(self, library: Library | None) -> None:
        """The library that holds the audit log and what rules are tried on."""
        self.controller.recording.library = library

    def shown(self) -> None:
        """The page is in front."""
        self._visible = True
        self._pace()
        self.controller.look_again()
        if self.stack.currentIndex() == 0:
            self.wall.grid.focus_first()

    def hidden(self) -> None:
        """Another page is in front."""
        self._visible = False
        self._pace()

    def end(self, deadline: float) -> None:
        """End all threads before `deadline` (monotonic)."""
        self._timer.stop()
        self.chime.close(0.1)
        self.hearing.end(deadline)
        self.call.why.shutdown(0.1)
        self.controller.end(deadline)

    # What can be done with it.

    def start(
        self, choices: Sequence[CallChoice], *, infer_agent: bool = False, record: bool = False
    ) -> None:
        """Monitor calls, and record them."""
        self.message.emit(None)
        self.controller.start(choices, infer_agent=infer_agent, record=record)

    def open_call(self, call_id: str) -> None:
        """Show one call."""
        model = next((one for one in self.controller.models if one.info.id == call_id), None)
        if model is None:
            return
        self.hearing.stop()
        self.call.rules_known = self.controller.rules is not None
        self.call.show_call(model, self.controller.explainer(model))
        self.stack.setCurrentIndex(1)
        self.call.back.setFocus(Qt.FocusReason.OtherFocusReason)
        self._pace()

    def show_wall(self) -> None:
        """Back to all calls."""
        before = self.call.model
        self.hearing.stop()
        self.call.show_call(None)
        self.stack.setCurrentIndex(0)
        tiles = self.wall.grid.tiles
        for tile in tiles.values():
            tile.refresh()
        if before is not None and before.info.id in tiles:
            tiles[before.info.id].setFocus(Qt.FocusReason.OtherFocusReason)
        self._pace()

    def open_most_urgent(self) -> None:
        """Show the call whose alert waits longest among the gravest."""
        order = self.wall.order.arrange(self.controller.models, time.monotonic())
        if order:
            self.open_call(order[0])

    def ask_for_call(self, paths: Sequence[Path] = ()) -> StartDialog:
        """Open the dialog that asks for a call, with files if there are some."""
        dialog = StartDialog(
            self.theme,
            self.window(),
            preferences=self.preferences,
            make_probe=self._make_probe,
            find=self._find_devices,
            auditable=self.controller.recording.library is not None,
            save_audio=self.preferences.effective.recording.save_audio,
            known=self._known,
        )
        dialog.chosen.connect(
            lambda calls, agent, record: self._on_chosen(
                calls, dialog.page, agent=agent, record=record
            )
        )
        dialog.declined.connect(self.controller.decline)
        if paths:
            dialog.look_into(list(paths))
        return dialog.ask()

    def _on_chosen(self, calls: list[CallChoice], page: int, *, agent: bool, record: bool) -> None:
        agents = (*self._known.agents, *(call.agent_name for call in calls))
        teams = (*self._known.teams, *(call.team for call in calls))
        self._known = Known(
            tuple(dict.fromkeys(filter(None, agents)))[-_KNOWN_NAMES:],
            tuple(dict.fromkeys(filter(None, teams)))[-_KNOWN_NAMES:],
            page,
        )
        self.start(calls, infer_agent=agent, record=record)

    def show_shift(self) -> ShiftDialog | None:
        """Open the shift's numbers."""
        if (library := self.controller.recording.library) is None:
            return None
        dialog = ShiftDialog(self.theme, library, self.window())
        dialog.opened.connect(self.session_wanted)
        return dialog.ask()

    def ask_for_rules(self) -> RulesDialog:
        """Open the editor of rules."""
        models = self.controller.models
        labels = models[0].info.facts.labels if models else USUAL
        dialog = RulesDialog(
            self.theme,
            labels,
            self.preferences.effective.alerts.rules_file,
            self.controller.recording.library,
            self.window(),
        )
        dialog.saved.connect(self._on_rules_saved)
        return dialog.ask()

    def tick(self) -> None:
        """Take what is new and draw it where it is seen."""
        changed = self.controller.tick()
        if self.controller.idle:
            self._timer.stop()
        if not self._visible:
            return
        if self.stack.currentIndex() == 0:
            self.wall.show_calls(self.controller.models, changed)
        else:
            self.call.refresh()
            if (model := self.call.model) is not None:
                self.call.show_held(self.controller.held_s(model.info.id))
        self._show_problems()

    # What follows.

    def _connect(self) -> None:
        controller, wall, call = self.controller, self.wall, self.call
        controller.added.connect(self._on_added)
        controller.removed.connect(self._on_removed)
        controller.alerted.connect(lambda _, fresh: self._on_alerts(fresh))
        controller.said.connect(self.message)
        controller.recording.ask = lambda text, answer: ConsentDialog(
            self.theme, text, answer, self.window()
        ).ask()
        controller.ruled.connect(self._on_ruled)
        controller.busy_changed.connect(lambda: wall.show_opening(controller.opening))
        wall.add_wanted.connect(lambda: self.ask_for_call())
        wall.rules_wanted.connect(lambda: self.ask_for_rules())
        wall.shift_wanted.connect(lambda: self.show_shift())
        bind_key(self, "S", lambda: self.show_shift())
        wall.cleared.connect(self._clear)
        wall.grid.opened.connect(self.open_call)
        wall.grid.removed.connect(controller.remove)
        wall.grid.acknowledged.connect(lambda call_id: self._acknowledge(call_id, None))
        call.back_wanted.connect(self.show_wall)
        call.stop_wanted.connect(lambda: self._with_call(controller.stop))
        call.record_wanted.connect(self._record)
        call.listen_wanted.connect(self._listen)
        call.keep_wanted.connect(self._keep)
        call.remarks.noted.connect(self._note)
        call.remarks.tagged.connect(self._tag)
        call.remarks.untagged.connect(self._untag)
        self.hearing.changed.connect(
            lambda: call.show_listening(self.hearing.active, self.hearing.problem)
        )
        call.again_wanted.connect(self._start_again)
        call.acknowledged.connect(
            lambda entry: self._with_call(lambda call_id: self._acknowledge(call_id, entry))
        )
        call.alerts.rules_wanted.connect(lambda: self.ask_for_rules())
        self.preferences.changed.connect(self._on_settings)
        bind_key(self, "Escape", self._on_escape)
        bind_key(self, "R", self._record)
        bind_key(self, "L", call.listen.click)
        bind_key(self, "K", self._keep)
        bind_key(self, "W", call.explain_here)
        bind_key(self, ",", lambda: call.why.step(-1))
        bind_key(self, ".", lambda: call.why.step(1))
        bind_key(self, "N", lambda: self.ask_for_call())
        bind_key(self, "A", lambda: self._with_call(lambda call: self._acknowledge(call, None)))

    def _on_escape(self) -> None:
        if self.call.model is not None and not self.call.why.close_drawer():
            self.show_wall()

    def _pace(self) -> None:
        """One timer: fast for an opened call, slow out of sight, none without calls."""
        if self.controller.idle:
            self._timer.stop()
            return
        every = _HIDDEN_MS
        if self._visible:
            every = _WALL_MS if self.stack.currentIndex() == 0 else _OPEN_MS
        if not self._timer.isActive() or self._timer.interval() != every:
            self._timer.start(every)

    def _on_ruled(self, rules: RuleSet | None) -> None:
        self.wall.show_rules(rules)
        self._show_problems()

    def _show_problems(self) -> None:
        """What is out of order stands above the calls, and beside an opened one."""
        self.wall.problems.show_problems(self.controller.problems)
        if (model := self.call.model) is not None:
            self.call.alert_problems.show_problems(self.controller.problems_in(model))

    def _on_added(self, model: CallModel) -> None:
        self.wall.add_call(model)
        self._pace()
        self.tick()

    def _on_removed(self, model: CallModel) -> None:
        if self.call.model is model:
            self.show_wall()
        self.wall.remove_call(model.info.id)
        self.wall.show_calls(self.controller.models, ())
        self._say_alerts()
        self._pace()

    def _on_alerts(self, fresh: list[AlertEntry]) -> None:
        heard = [entry.alert.severity for entry in fresh if entry.alert.sound]
        if heard:
            self.chime.play(max(heard, key=list(Severity).index))
        self._say_alerts()

    def _acknowledge(self, call_id: str, entry: AlertEntry | None) -> None:
        for model in self.controller.models:
            if model.info.id == call_id:
                model.acknowledge(entry)
                self.wall.show_calls(self.controller.models, [model])
        if self.call.model is not None:
            self.call.refresh()
        self._say_alerts()

    def _with_call(self, action: Callable[[str], object]) -> None:
        """Do something with the call that is opened, or has (or last had) the focus on the wall."""
        opened = self.call.model
        if (
            call_id := opened.info.id if opened is not None else self.wall.grid.current
        ) is not None:
            action(call_id)

    def _record(self) -> None:
        if (model := self.call.model) is not None:
            self.controller.recording.toggle(model)

    def _listen(self, on: bool) -> None:
        """Silent until a person asks, for each call anew."""
        model = self.call.model
        run = self.controller.heard(model.info.id) if on and model is not None else None
        if run is not None:
            self.hearing.hear(run)
        else:
            self.hearing.stop()

    def _keep(self) -> None:
        if (model := self.call.model) is not None and not model.recorded:
            self.controller.keep(model)

    def _note(self, text: str) -> None:
        if (model := self.call.model) is not None:
            self.controller.note(model, text)
            self.call.refresh()

    def _tag(self, tag: str) -> None:
        if (model := self.call.model) is not None:
            self.controller.recording.tag(model, tag)
            self.call.refresh()

    def _untag(self, tag: str) -> None:
        if (model := self.call.model) is not None:
            self.controller.recording.untag(model, tag)
            self.call.refresh()

    def _start_again(self) -> None:
        model = self.call.model
        if model is not None:
            self.show_wall()
            self.controller.remove(model.info.id)
            self.start([model.info.choice])

    def _clear(self) -> None:
        for model in self.controller.models:
            if model.over:
                self.controller.remove(model.info.id)

    def _say_alerts(self) -> None:
        """The banner: the gravest alert nobody has seen to, of all calls."""
        waiting = [
            (entry, model) for model in self.controller.models for entry in model.open_alerts
        ]
        if not waiting:
            self.alerting.emit(None)
            return
        order = list(Severity)
        entry, model = max(
            waiting, key=lambda one: (order.index(one[0].alert.severity), one[0].number)
        )
        text = f"{model.info.name}: {entry.alert.message}"
        if len(waiting) > 1:
            more = ntr("{count} more waits.", "{count} more wait.", len(waiting) - 1)
            text = f"{text} {more}"
        occasion = f"{model.info.id} {entry.number}"
        severity = LOOKS[entry.alert.severity]
        self.alerting.emit(Message(severity, text, Action.OPEN_CALL, occasion=occasion))

    def _on_settings(self, settings: Settings) -> None:
        self.controller.use_rules_of(settings.alerts.rules_file)

    def _on_rules_saved(self, path: Path) -> None:
        self.controller.reload_rules(path)
        self.preferences.change("alerts", rules_file=path)

    def keyPressEvent(self, event: QKeyEvent) -> None:
        """What no control wanted is for the opened call, or for the wall."""
        opened = self.call.model is not None
        if opened and event.key() == Qt.Key.Key_Delete:
            self._with_call(self.controller.remove)
        elif opened or not self.wall.grid.take_key(event):
            super().keyPressEvent(event)

    def take_files(self, paths: Sequence[Path]) -> None:
        """Ask about the calls in them."""
        self.ask_for_call(paths)
