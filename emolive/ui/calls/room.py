"""What runs behind the calls page: one model, a pool of calls, rules. No Qt; everything blocks."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING

from emolive.errors import EmoliveError
from emolive.i18n import tr
from emolive.settings import settings_folder
from emolive.ui.calls.choices import CallChoice, open_call
from emolive.ui.calls.model import CallInfo, CallModel
from emolive.ui.calls.recorders import CallRecorders
from emolive.ui.calls.tap import CallTap, TapLoop
from emolive.ui.runs import RunSettings, open_model

if TYPE_CHECKING:
    from emolive.alerts.rules import RuleSet
    from emolive.alerts.service import AlertService, CallWatch
    from emolive.audio.source import AudioSource
    from emolive.engine.config import AgentPermission
    from emolive.engine.live import LiveEngine
    from emolive.engine.run import LiveRun
    from emolive.inference.classifier import Classifier
    from emolive.inference.providers import Requested
    from emolive.session.library import Library
    from emolive.session.recorder import RecordingRequest
    from emolive.speech.silero import SileroVad

MAX_CALLS = 64
Opens = Callable[[CallChoice], "AudioSource"]
Loads = Callable[[Path | None, "Requested"], "Classifier"]


@dataclass(slots=True)
class OpenCall:
    """A call of the room: what it runs on, and what the window shows of it."""

    call: LiveRun
    tap: CallTap
    model: CallModel
    watch: CallWatch | None = None
    notes: list[str] = field(default_factory=list)


class CallRoom:
    """Opens and ends calls. One thread at a time uses it; `stop` may come from any."""

    def __init__(self, opens: Opens = open_call, loads: Loads = open_model) -> None:
        """Nothing is loaded before the first call."""
        self.recorders = CallRecorders()
        self._opens = opens
        self._loads = loads
        self._classifier: Classifier | None = None
        self._loaded: tuple[Path | None, Requested] | None = None
        self._provider_note: str | None = None
        self._vad: SileroVad | None = None
        self._wall: LiveEngine | None = None
        self._loop = TapLoop()
        self._rules: RuleSet | None = None
        self._folder: Path | None = None
        self._alerts: AlertService | None = None
        self._calls: dict[str, OpenCall] = {}
        self._number = 0

    def open(
        self,
        choice: CallChoice,
        settings: RunSettings,
        library: Library | None,
        *,
        infer_agent: bool,
        recording: RecordingRequest | None = None,
    ) -> OpenCall:
        """Begin to monitor a call, and to record it if there is a request for that.

        `infer_agent`: a person has just confirmed the statement.

        Raises:
            EmoliveError: a model, source, policy or audit log that cannot be used.
        """
        from emolive.engine import EngineConfig

        classifier, wall = self._ready(settings)
        config = EngineConfig(hop_s=settings.hop_s, decision=settings.decision)
        permission = self._permission(choice, library, infer_agent=infer_agent)
        if permission is not None:
            config = config.model_copy(update={"agent_permission": permission})
        source = self._opens(choice)
        metadata = classifier.metadata
        self._number += 1
        call_id = f"call-{self._number}"
        info = CallInfo(
            id=call_id,
            name=choice.name,
            choice=choice,
            model=metadata.name,
            labels=metadata.labels,
            sampling_rate=metadata.sampling_rate,
            hop_s=settings.hop_s,
            telephone=metadata.telephone_scores,
            permission=permission,
            provider_note=self._provider_note,
        )
        tap = CallTap(metadata.sampling_rate)
        call = wall.add(call_id, source, name=choice.name, config=config, hub=tap.hub)
        tap.follow(call)
        opened = OpenCall(call, tap, CallModel(info))
        self._calls[call_id] = opened
        self._loop.add(tap)
        call.start()
        problem = ""
        if recording is not None and library is not None:
            try:
                self.recorders.begin(call_id, call, library, recording)
            except EmoliveError as error:  # a recording never disturbs its call
                problem = str(error)
        try:
            self._begin_rules()
        except EmoliveError as error:  # the call goes on without
            opened.notes.append(str(error))
        else:
            self._watch(opened)
        if problem:
            opened.notes.append(problem)
        return opened

    def record(self, call_id: str, library: Library, request: RecordingRequest) -> None:
        """Record a call from now on; one that is not there is none.

        Raises:
            EmoliveError: the call is over, or its last recording is still being stored.
        """
        if (opened := self._calls.get(call_id)) is not None:
            self.recorders.begin(call_id, opened.call, library, request)

    def remove(self, call_id: str) -> None:
        """End a call and forget it; one that is not there is none."""
        opened = self._calls.pop(call_id, None)
        if opened is None:
            return
        self.recorders.ask_to_stop(call_id)
        if self._wall is not None:
            self._wall.remove(call_id)
        if opened.watch is not None and self._alerts is not None:
            self._alerts.forget(opened.watch)
        self._loop.remove(opened.tap)

    def use_rules(self, rules: RuleSet | None, library: Path | None) -> list[str]:
        """Watch all calls for other rules from now on; returns what is to be said about it.

        Raises:
            EmoliveError: the rules need something that is not there. None are watched then.
        """
        before, self._alerts = self._alerts, None
        self._rules, self._folder = rules, library
        for opened in self._calls.values():
            opened.watch = None
        if before is not None:
            before.close(1.0)
        going = [opened for opened in self._calls.values() if not opened.call.over]
        if going:
            self._begin_rules()
        for opened in going:
            self._watch(opened)
        return list(dict.fromkeys(note for one in going for note in one.notes))

    @property
    def alerts(self) -> AlertService | None:
        """What watches the calls; None: there is no call yet, or there are no rules."""
        return self._alerts

    def close(self, timeout: float) -> bool:
        """End everything; whether it ended within `timeout` seconds."""
        deadline = time.monotonic() + timeout
        self.recorders.ask_all_to_stop()
        self._loop.ask_to_stop()
        alerts, self._alerts = self._alerts, None
        ending: threading.Thread | None = None
        if alerts is not None:  # beside the wall's end: each waits for what the other does not
            ending = threading.Thread(
                target=alerts.close, args=(timeout / 2,), name="emolive calls end", daemon=True
            )
            ending.start()
        ended = self._wall is None or self._wall.stop(max(0.1, deadline - time.monotonic()))
        ended &= self._loop.join(max(0.1, deadline - time.monotonic()))
        if ending is not None:
            ending.join(max(0.1, deadline - time.monotonic()))
            ended &= not ending.is_alive()
        ended &= self.recorders.close(deadline)
        if ended and self._classifier is not None:
            self._classifier.close()
            self._classifier = self._loaded = None
        return ended

    def _ready(self, settings: RunSettings) -> tuple[Classifier, LiveEngine]:
        from emolive.engine import EngineConfig
        from emolive.engine.live import LiveEngine
        from emolive.speech.silero import SileroVad

        wanted = (settings.model, settings.provider)
        running = any(not opened.call.over for opened in self._calls.values())
        # A graphics card that was lost is tried anew once no call needs the CPU in its place.
        lost = (
            self._classifier is not None and self._classifier.provider_note != self._provider_note
        )
        if self._wall is not None and (lost or wanted != self._loaded) and not running:
            self._wall.stop(2.0)
            if self._classifier is not None:
                self._classifier.close()
            self._wall = self._classifier = None
        if self._classifier is None:
            self._classifier = self._loads(settings.model, settings.provider)
            self._provider_note = self._classifier.provider_note
            self._loaded = wanted
        if self._vad is None:
            self._vad = SileroVad()
        if self._wall is None:
            config = EngineConfig(hop_s=settings.hop_s)
            self._wall = LiveEngine(self._classifier, self._vad, config, max_runs=MAX_CALLS)
            self._wall.start()
        return self._classifier, self._wall

    def _permission(
        self, choice: CallChoice, library: Library | None, *, infer_agent: bool
    ) -> AgentPermission | None:
        from emolive.consent.permission import agent_permission
        from emolive.consent.policy import load_policy

        if not choice.has_agent:
            return None
        policy = load_policy(None, settings_folder())
        if library is None:
            if infer_agent:
                raise EmoliveError(
                    tr(
                        "The library, which holds the audit log, is not open: choose a folder for "
                        "it in the settings, or leave the agent's emotions off."
                    )
                )
            return None
        call = f"{choice.name}, {datetime.now().astimezone():%Y-%m-%d %H:%M:%S}"
        return agent_permission(
            library, call, policy, wanted=infer_agent, confirm=lambda _: infer_agent
        )

    def _begin_rules(self) -> None:
        """With the first call, not before: webhooks are somebody else's until then."""
        from emolive.alerts.dispatch import Dispatcher
        from emolive.alerts.service import AlertService

        if self._alerts is not None or self._rules is None or not self._rules.enabled:
            return
        service = AlertService(self._rules, Dispatcher(self._rules, self._folder))
        service.start()
        self._alerts = service

    def _watch(self, opened: OpenCall) -> None:
        opened.notes = []
        if self._alerts is None:
            return
        info = opened.model.info
        try:
            opened.watch = self._alerts.watch(
                opened.call,
                info.id,
                name=info.name,
                session=lambda: self.recorders.session_id(info.id),
            )
        except EmoliveError as error:  # rules for another model: the call goes on without
            opened.notes.append(str(error))
