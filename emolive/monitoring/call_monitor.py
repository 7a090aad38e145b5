"""Many calls at once: what each runs on and says, their recordings, and the rules they share."""

from __future__ import annotations

import threading
import time
from dataclasses import dataclass, field, replace
from datetime import datetime
from itertools import count
from pathlib import Path

from emolive.alerts.dispatch import Dispatcher
from emolive.alerts.rules import RuleSet
from emolive.alerts.service import AlertService, CallWatch
from emolive.consent.permission import agent_permission
from emolive.consent.policy import load_policy
from emolive.engine.config import AgentPermission
from emolive.engine.run import LiveRun
from emolive.errors import EmoliveError
from emolive.i18n import tr
from emolive.monitoring.call_feed import CallFeed, FeedLoop
from emolive.monitoring.description import RunDescription
from emolive.monitoring.monitor import MonitoredRun, Monitoring
from emolive.monitoring.recorders import CallRecorders
from emolive.session.library import Library
from emolive.session.recorder import RecordingRequest
from emolive.settings import settings_folder


@dataclass(slots=True)
class MonitoredCall:
    """A call that goes on, or is over and not removed yet.

    ``feed`` gathers what it says, small enough for a screen. ``notes`` are sentences on what does
    not work beside it: its recording, or its rules.
    """

    run: MonitoredRun
    feed: CallFeed
    watch: CallWatch | None = None
    notes: list[str] = field(default_factory=list)

    @property
    def live(self) -> LiveRun:
        """The engine's run: `hub` has its events, `status` tells how it is doing."""
        return self.run.live

    @property
    def id(self) -> str:
        """What tells it apart from all other calls."""
        return self.run.live.id

    @property
    def name(self) -> str:
        """What people call it."""
        return self.run.live.name


class CallMonitor:
    """Opens and ends calls. One thread at a time uses it, and everything blocks.

    `close` may come from any thread.
    """

    def __init__(self, monitoring: Monitoring | None = None) -> None:
        """`monitoring`: may be shared with others; None: one of its own."""
        self._monitoring = monitoring or Monitoring()
        self.recorders = CallRecorders()
        self._feeds = FeedLoop()
        self._rules: RuleSet | None = None
        self._outbox: Path | None = None
        self._alerts: AlertService | None = None
        self._calls: dict[str, MonitoredCall] = {}
        self._numbers = count(1)

    @property
    def calls(self) -> tuple[MonitoredCall, ...]:
        """All calls that were not removed, oldest first."""
        return tuple(self._calls.values())

    @property
    def alerts(self) -> AlertService | None:
        """What watches the calls; None: there is no call yet, or there are no rules."""
        return self._alerts

    def open(
        self,
        description: RunDescription,
        *,
        call_id: str | None = None,
        library: Library | None = None,
        recording: RecordingRequest | None = None,
    ) -> MonitoredCall:
        """Begin to monitor a call, and to record it into `library` if there is a request for that.

        It is watched for the rules of `use_rules`, not for those of its description, and it is not
        explained.

        Raises:
            ModelError: the model cannot be used.
            EmoliveError: the source cannot be used, or as many calls go on as may.
        """
        settings = replace(description.settings, keep_s=0.0, rules=None)
        description = replace(description, settings=settings)
        call_id = call_id or f"call-{next(self._numbers)}"
        run = self._monitoring.prepare(description, run_id=call_id)
        call = self._calls[call_id] = MonitoredCall(run, CallFeed(run.live))
        self._feeds.add(call.feed)
        problem = ""
        if recording is not None and library is not None:
            try:
                self.recorders.begin(call_id, run, library, recording)
            except EmoliveError as error:  # a recording never disturbs its call
                problem = str(error)
        try:
            self._begin_rules()
        except EmoliveError as error:  # the call goes on without
            call.notes.append(str(error))
        else:
            self._watch(call)
        if problem:
            call.notes.append(problem)
        run.start()
        return call

    def record(self, call_id: str, library: Library, request: RecordingRequest) -> None:
        """Record a call from now on; one that is not there is none.

        Raises:
            EmoliveError: the call is over, or its last recording is still being stored.
        """
        if (call := self._calls.get(call_id)) is not None:
            self.recorders.begin(call_id, call.run, library, request)

    def remove(self, call_id: str) -> None:
        """End a call and forget it; one that is not there is none."""
        call = self._calls.pop(call_id, None)
        if call is None:
            return
        self.recorders.ask_to_stop(call_id)
        self._monitoring.forget(call.run)
        if call.watch is not None and self._alerts is not None:
            self._alerts.forget(call.watch)
        self._feeds.remove(call.feed)

    def use_rules(self, rules: RuleSet | None, library: Path | None) -> list[str]:
        """Watch all calls for other rules from now on; returns what is to be said about it.

        The outbox of their alerts lies in `library` (None: the usual one).

        Raises:
            EmoliveError: the rules need something that is not there. None are watched then.
        """
        before, self._alerts = self._alerts, None
        self._rules, self._outbox = rules, library
        for call in self._calls.values():
            call.watch = None
        if before is not None:
            before.close(1.0)
        going = [call for call in self._calls.values() if not call.live.over]
        if going:
            self._begin_rules()
        for call in going:
            self._watch(call)
        return list(dict.fromkeys(note for one in going for note in one.notes))

    def close(self, timeout: float) -> bool:
        """End everything; whether it ended within `timeout` seconds."""
        deadline = time.monotonic() + timeout
        self.recorders.ask_all_to_stop()
        self._feeds.ask_to_stop()
        alerts, self._alerts = self._alerts, None
        ending: threading.Thread | None = None
        if alerts is not None:  # beside the calls' end: each waits for what the other does not
            ending = threading.Thread(
                target=alerts.close, args=(timeout / 2,), name="emolive calls end", daemon=True
            )
            ending.start()
        runs = [call.live for call in self._calls.values()]
        for run in runs:
            run.ask_to_stop()
        ended = all(run.wait(max(0.1, deadline - time.monotonic())) for run in runs)
        ended &= self._feeds.join(max(0.1, deadline - time.monotonic()))
        if ending is not None:
            ending.join(max(0.1, deadline - time.monotonic()))
            ended &= not ending.is_alive()
        ended &= self.recorders.close(deadline)
        ended &= self._monitoring.free_idle(max(0.1, deadline - time.monotonic()))
        return ended

    def _begin_rules(self) -> None:
        """With the first call, not before: webhooks are somebody else's until then."""
        if self._alerts is not None or self._rules is None or not self._rules.enabled:
            return
        service = AlertService(self._rules, Dispatcher(self._rules, self._outbox))
        service.start()
        self._alerts = service

    def _watch(self, call: MonitoredCall) -> None:
        call.notes = []
        if self._alerts is None:
            return
        try:
            call.watch = self._alerts.watch(
                call.live,
                call.id,
                name=call.name,
                session=lambda: self.recorders.session_id(call.id),
            )
        except EmoliveError as error:  # rules for another model: the call goes on without
            call.notes.append(str(error))


def call_permission(
    name: str, library: Library | None, *, infer_agent: bool
) -> AgentPermission | None:
    """Permission to infer the agent's emotions in the call of this name; None: there is none.

    The policy file decides first, then `infer_agent`: a person has just confirmed the statement.
    Either way the audit log, which is in `library`, gets to know.

    Raises:
        EmoliveError: the policy forbids it or cannot be used, or there is no audit log.
    """
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
    call = f"{name}, {datetime.now().astimezone():%Y-%m-%d %H:%M:%S}"
    return agent_permission(
        library, call, policy, wanted=infer_agent, confirm=lambda _: infer_agent
    )
