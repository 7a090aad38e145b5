"""Calls on the window's thread: has them opened, and takes what is new."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from pathlib import Path

from PySide6.QtCore import QObject, Signal

from emolive.alerts.dispatch import unusable_ways
from emolive.alerts.rule_file import exposed_secrets, load_rules
from emolive.alerts.rules import RuleSet
from emolive.consent.permission import decline
from emolive.engine.run import LiveRun
from emolive.inference.loading import load_classifier
from emolive.monitoring import (
    CallMonitor,
    MonitoredCall,
    RecordingChoice,
    RunDescription,
    RunSettings,
)
from emolive.monitoring.call_monitor import call_permission
from emolive.monitoring.sources import CallChoice
from emolive.session.recent import RecentRun
from emolive.session.why import HeardExplainer
from emolive.settings import Settings
from emolive.ui.background import Background
from emolive.ui.calls.model import AlertEntry, CallInfo, CallModel
from emolive.ui.calls.recording_controller import CallRecordingController
from emolive.ui.messages import Action, Message, Severity

LISTENED = "call.listened_in"
# Remarks of one call that are shown; overflow policy: the oldest is shown no more.
MOST_REMARKS = 200


class CallsController(QObject):
    """All calls of the window. Signals arrive on its thread; nothing here waits.

    `added` and `removed` carry a `CallModel`, `alerted` a `CallModel` and its new `AlertEntry`s,
    `said` what the banner is to say, `ruled` the `RuleSet` in use (None: none).
    """

    added = Signal(object)
    removed = Signal(object)
    alerted = Signal(object, list)
    said = Signal(object)
    ruled = Signal(object)
    busy_changed = Signal()

    def __init__(
        self, settings: Callable[[], Settings], monitor: CallMonitor, parent: QObject | None = None
    ) -> None:
        """`settings` tells those in force."""
        super().__init__(parent)
        self.rules: RuleSet | None = None
        self.opening = 0
        self._settings = settings
        self._monitor = monitor
        self._work = Background("calls", self)
        self.recording = CallRecordingController(
            monitor, self._work, lambda: settings().recording.save_audio, self
        )
        self.recording.said.connect(self.said)
        self._calls: dict[str, tuple[MonitoredCall, CallModel]] = {}
        self._asked_for: tuple[Path | None] | None = None
        # Before there is a call to watch; what is watched says itself what does not work.
        self._rules_unusable: tuple[str, ...] = ()

    @property
    def idle(self) -> bool:
        """Whether nothing can be new."""
        return not self._calls and not self.recording.pending

    @property
    def busy(self) -> bool:
        """Whether there are calls, or one is being opened, recorded or kept."""
        return bool(self._calls) or self.opening > 0 or self.recording.busy

    @property
    def problems(self) -> tuple[str, ...]:
        """A lost processor, and what keeps alerts from anybody: file, rule or a way to tell."""
        alerts = self._monitor.alerts
        rules = self._rules_unusable if alerts is None else alerts.problems()
        return (*_processor_problems(self.models), *rules)

    def problems_in(self, model: CallModel) -> tuple[str, ...]:
        """The same of one call."""
        lost = _processor_problems([model])
        alerts, opened = self._monitor.alerts, self._calls.get(model.info.id)
        watch = opened[0].run.alerts.watch if opened is not None else None
        if alerts is None or watch is None or model.over:
            return (*lost, *self._rules_unusable)
        return (*lost, *alerts.dispatcher.problems, *watch.status.problems)

    @property
    def models(self) -> list[CallModel]:
        """All calls, in the order in which they came."""
        return [model for _, model in self._calls.values()]

    def start(
        self, choices: Sequence[CallChoice], *, infer_agent: bool = False, record: bool = False
    ) -> None:
        """Monitor calls; `added` follows for each. `infer_agent`: it was confirmed, for one.

        `record` them, too, if everybody agreed; they are monitored in any case.
        """
        if not record:
            self._start(choices, infer_agent=infer_agent, record=False)
            return
        self.recording.when_agreed(
            lambda agreed: self._start(choices, infer_agent=infer_agent, record=agreed)
        )

    def _start(self, choices: Sequence[CallChoice], *, infer_agent: bool, record: bool) -> None:
        settings, library = RunSettings.of(self._settings()), self.recording.library
        assert len(choices) == 1 or not infer_agent
        for choice in choices:
            self._count(1)

            recording = self.recording.choice(choice.name, choice.tags) if record else None

            def opens(
                choice: CallChoice = choice, recording: RecordingChoice | None = recording
            ) -> MonitoredCall:
                permission = None
                if choice.has_agent:
                    permission = call_permission(choice.name, library, infer_agent=infer_agent)
                description = RunDescription(
                    choice, settings, choice.name, permission=permission, recording=recording
                )
                return self._monitor.open(description)

            self._work.ask(opens, self._on_open, self._on_problem)

    def stop(self, call_id: str) -> None:
        """End a call, and keep it on the wall."""
        if (opened := self._calls.get(call_id)) is not None:
            opened[0].live.ask_to_stop()

    def remove(self, call_id: str) -> None:
        """End a call and take it from the wall."""
        if (opened := self._calls.pop(call_id, None)) is not None:
            self.recording.leave(opened[1])
            self._work.ask(lambda: self._monitor.remove(call_id), _nothing, self._on_failure)
            self.removed.emit(opened[1])

    def heard(self, call_id: str) -> LiveRun | None:
        """What can be listened to of a call that goes on; the audit log gets to know who does."""
        opened, library = self._calls.get(call_id), self.recording.library
        if opened is None or opened[1].over:
            return None
        if library is not None:
            details = {"call": opened[1].info.name}
            self._work.ask(lambda: library.audit(LISTENED, details), _nothing, self._on_failure)
        return opened[0].live

    def held_s(self, call_id: str) -> float:
        """How much of a call is in memory, in seconds."""
        recent = self._recent(call_id)
        return 0.0 if recent is None else recent.held_s

    def keep(self, model: CallModel) -> None:
        """Make a session of what is in memory of a call, also once it is over."""
        if (recent := self._recent(model.info.id)) is not None:
            self.recording.keep_of(model, recent)

    def explainer(self, model: CallModel) -> HeardExplainer | None:
        """Explains moments of a call, also once it is over; None: no sound of it is kept."""
        opened, recent = self._calls.get(model.info.id), self._recent(model.info.id)
        if opened is None or recent is None:
            return None
        wanted = opened[0].run.description.settings.model
        # A model of its own, on the CPU alone: the calls must not wait for it.
        return HeardExplainer(recent, lambda: load_classifier(wanted, "cpu", threads=1))

    def note(self, model: CallModel, text: str) -> None:
        """Note something about a call that goes on."""
        opened = self._calls.get(model.info.id)
        if opened is not None and not model.over:
            model.remarks.append(opened[0].remark(text))
            del model.remarks[:-MOST_REMARKS]

    def _recent(self, call_id: str) -> RecentRun | None:
        opened = self._calls.get(call_id)
        return None if opened is None else opened[0].run.recent

    def decline(self, name: str) -> None:
        """A person has read the statement and did not confirm it: the audit log gets to know."""
        if (library := self.recording.library) is not None:
            self._work.ask(lambda: decline(library, name), _nothing, self._on_failure)

    def use_rules_of(self, path: Path | None) -> None:
        """Watch for the rules in a file (None: none), unless that is done already."""
        if self._asked_for == (path,):
            return
        self.reload_rules(path)

    def reload_rules(self, path: Path | None) -> None:
        """Read the rules (again) and watch for them; `ruled` follows."""
        self._asked_for = (path,)
        folder = self._settings().recording.library

        def reads() -> tuple[RuleSet | None, list[str], tuple[str, ...]]:
            self._monitor.use_rules(None, folder)
            rules = load_rules(path) if path is not None else None
            exposed = exposed_secrets(rules, path) if rules is not None and path is not None else []
            notes = [*exposed, *self._monitor.use_rules(rules, folder)]
            return rules, notes, unusable_ways(rules) if rules is not None else ()

        self._work.ask(reads, lambda found: self._on_rules(*found), self._on_no_rules, key="rules")

    def look_again(self) -> None:
        """Somebody looks: what was not there may be there now."""
        if (rules := self.rules) is not None:
            self._work.ask(lambda: unusable_ways(rules), self._on_ways, self._on_failure)

    def tick(self) -> list[CallModel]:
        """Take what is new; returns the calls that changed."""
        changed = []
        for call, model in list(self._calls.values()):
            digest = call.feed.take()
            if not digest:
                continue
            changed.append(model)
            fresh: list[AlertEntry] = model.apply(digest)
            if fresh:
                self.alerted.emit(model, fresh)
        changed += (one for one in self.recording.show(self.models) if one not in changed)
        return changed

    def end(self, deadline: float) -> None:
        """End all threads before `deadline` (monotonic)."""
        self.recording.stop_all()
        for call, _ in self._calls.values():
            call.live.ask_to_stop()
        if self._work.close(max(0.1, (deadline - time.monotonic()) / 2)):
            self._monitor.close(max(0.2, deadline - time.monotonic()))
            self.recording.end(self.models)

    def _count(self, by: int) -> None:
        self.opening += by
        self.busy_changed.emit()

    def _on_open(self, call: MonitoredCall) -> None:
        self._count(-1)
        model = CallModel(CallInfo.of(call))
        self._calls[call.id] = call, model
        self.added.emit(model)
        self._say_notes(call.notes)

    def _on_problem(self, text: str) -> None:
        self._count(-1)
        self._on_failure(text)

    def _on_failure(self, text: str) -> None:
        self.said.emit(Message(Severity.ERROR, text))

    def _on_rules(self, rules: RuleSet | None, notes: list[str], unusable: tuple[str, ...]) -> None:
        self.rules = rules
        self._rules_unusable = unusable
        self.ruled.emit(rules)
        self._say_notes(notes)

    def _on_ways(self, unusable: tuple[str, ...]) -> None:
        self._rules_unusable = unusable
        self.ruled.emit(self.rules)

    def _on_no_rules(self, text: str) -> None:
        self.rules = None
        self._rules_unusable = (text,)
        self.ruled.emit(None)
        self.said.emit(Message(Severity.WARNING, text, Action.SETTINGS))

    def _say_notes(self, notes: Sequence[str]) -> None:
        if notes:
            self.said.emit(Message(Severity.WARNING, " ".join(notes)))


def _nothing(_: object) -> None:
    """Nothing follows."""


def _processor_problems(models: Sequence[CallModel]) -> tuple[str, ...]:
    """Each once: calls share their model."""
    found = (model.processor_problem for model in models)
    return tuple(dict.fromkeys(problem for problem in found if problem is not None))
