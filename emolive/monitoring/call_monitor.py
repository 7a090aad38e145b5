"""Many calls at once: what each runs on and says, their recordings, and the rules they share."""

from __future__ import annotations

import threading
import time
from dataclasses import dataclass, field, replace
from datetime import datetime
from itertools import count
from pathlib import Path

from emolive.alerts.rules import RuleSet
from emolive.alerts.service import AlertService
from emolive.consent.permission import agent_permission
from emolive.consent.policy import load_policy
from emolive.engine.config import AgentPermission
from emolive.engine.run import LiveRun
from emolive.errors import EmoliveError
from emolive.monitoring.call_feed import CallFeed, FeedLoop
from emolive.monitoring.description import RecordingChoice, RunDescription
from emolive.monitoring.runs import MonitoredRun, Monitoring
from emolive.session.library import Library
from emolive.session.recorder import Recorder, RecorderStatus
from emolive.session.records import SessionInfo
from emolive.settings_folder import settings_folder
from emolive.types import Remark


class CallRecorders:
    """Recorders by the id of their call, at most one each. Methods may be called from any thread.

    A recorder runs on a thread of its own and ends by itself with its call; none of this disturbs a
    call. One that has ended stays until `take_ended`, at most one for each call.
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._recorders: dict[str, Recorder] = {}
        self._closed = False

    @property
    def active(self) -> bool:
        """Whether a recording runs or is being finished."""
        return any(not recorder.status().state.over for recorder in self._all())

    def begin(self, call_id: str, run: MonitoredRun, recording: RecordingChoice) -> None:
        """Record a call from now on, unless that is done already.

        Raises:
            EmoliveError: the call is over, or its last recording is still being stored.
        """
        with self._lock:
            if not self._closed:
                self._recorders[call_id] = run.record(recording)

    def ask_to_stop(self, call_id: str) -> None:
        """End a call's recording here; its recorder stores what is left."""
        with self._lock:
            recorder = self._recorders.get(call_id)
        if recorder is not None:
            recorder.ask_to_stop()

    def ask_all_to_stop(self) -> None:
        """End all recordings here."""
        for recorder in self._all():
            recorder.ask_to_stop()

    def look(self) -> dict[str, RecorderStatus]:
        """How all of them are doing, those that ended, too."""
        with self._lock:
            recorders = dict(self._recorders)
        return {call_id: recorder.status() for call_id, recorder in recorders.items()}

    def session(self, call_id: str) -> SessionInfo | None:
        """The session that a call is recorded into, once it has begun; None: there is none."""
        with self._lock:
            recorder = self._recorders.get(call_id)
        return None if recorder is None else recorder.session

    def take_ended(self, call_id: str) -> SessionInfo | None:
        """Forget a recorder that has ended; the session that it made, None: none."""
        with self._lock:
            recorder = self._recorders.pop(call_id, None)
        return None if recorder is None else recorder.session

    def close(self, deadline: float) -> bool:
        """End all and wait until `deadline` (monotonic); whether everything is stored."""
        with self._lock:
            self._closed = True
        self.ask_all_to_stop()
        for recorder in self._all():
            recorder.wait(max(0.0, deadline - time.monotonic()))
        return not self.active

    def _all(self) -> list[Recorder]:
        with self._lock:
            return list(self._recorders.values())


@dataclass(slots=True)
class MonitoredCall:
    """A call that goes on, or is over and not removed yet.

    ``feed`` gathers what it says, small enough for a screen. ``notes`` are sentences on what does
    not work beside it: its recording, or its rules.
    """

    run: MonitoredRun
    feed: CallFeed
    notes: list[str] = field(default_factory=list)

    @property
    def live(self) -> LiveRun:
        """The engine's run: `hub` has its events, `status` tells how it is doing."""
        return self.run.live

    def remark(self, text: str) -> Remark:
        """Note something about this moment: whatever records the call gets to know."""
        heard = (stream.samples for stream in self.live.status().streams)
        remark = Remark(text, max(heard, default=0))
        self.live.hub.publish(remark)
        return remark

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
        self.alerts: AlertService | None = None
        self._calls: dict[str, MonitoredCall] = {}
        self._numbers = count(1)

    @property
    def calls(self) -> tuple[MonitoredCall, ...]:
        """All calls that were not removed, oldest first."""
        return tuple(self._calls.values())

    def open(self, description: RunDescription, *, call_id: str | None = None) -> MonitoredCall:
        """Begin to monitor a call.

        It is watched for the rules of `use_rules`, not for those of its description, and it is not
        explained before somebody asks. A recording that cannot be made does not disturb it.

        Raises:
            ModelError: the model cannot be used.
            EmoliveError: the source cannot be used, or as many calls go on as may.
        """
        recording, settings = description.recording, description.settings
        used = self._begin_rules()
        settings = replace(settings, explain=False, rules=used, library=self._outbox)
        description = replace(description, settings=settings, recording=None)
        call_id = call_id or f"call-{next(self._numbers)}"
        run = self._monitoring.prepare(description, run_id=call_id)
        call = self._calls[call_id] = MonitoredCall(run, CallFeed(run.live))
        self._feeds.add(call.feed)
        if recording is not None:
            try:
                self.recorders.begin(call_id, run, recording)
            except EmoliveError as error:
                call.notes.append(str(error))
        run.start()
        if run.alerts.unusable is not None:
            call.notes.append(run.alerts.unusable)
        return call

    def record(self, call_id: str, recording: RecordingChoice) -> None:
        """Record a call from now on; one that is not there is none.

        Raises:
            EmoliveError: the call is over, or its last recording is still being stored.
        """
        if (call := self._calls.get(call_id)) is not None:
            self.recorders.begin(call_id, call.run, recording)

    def remove(self, call_id: str) -> None:
        """End a call and forget it; one that is not there is none."""
        call = self._calls.pop(call_id, None)
        if call is None:
            return
        self.recorders.ask_to_stop(call_id)
        self._monitoring.forget(call.run)
        if call.run.recent is not None:
            call.run.recent.close(0.0)
        self._feeds.remove(call.feed)

    def use_rules(self, rules: RuleSet | None, library: Path | None) -> list[str]:
        """Watch all calls for other rules from now on; returns what is to be said about it.

        The outbox of their alerts lies in `library` (None: the usual one).
        """
        before, self.alerts = self.alerts, None
        self._rules, self._outbox = rules, library
        if before is not None:  # all at once: each may wait for its next event
            self._end_rules(before, 1.0)
        going = [call for call in self._calls.values() if not call.live.over]
        used = self._begin_rules() if going else None
        for call in self._calls.values():
            call.run.alerts.use(used if call in going else None, library)
            call.run.alerts.start()
        notes = (call.run.alerts.unusable for call in going)
        return list(dict.fromkeys(note for note in notes if note is not None))

    def close(self, timeout: float) -> bool:
        """End everything; whether it ended within `timeout` seconds."""
        deadline = time.monotonic() + timeout
        self.recorders.ask_all_to_stop()
        self._feeds.ask_to_stop()
        alerts, self.alerts = self.alerts, None
        ending: threading.Thread | None = None
        if alerts is not None:  # beside the calls' end: each waits for what the other does not
            ends, name = (alerts, timeout / 2), "emolive calls end"
            ending = threading.Thread(target=self._end_rules, args=ends, name=name, daemon=True)
            ending.start()
        for call in self._calls.values():
            if call.run.recent is not None:
                call.run.recent.close(0.0)
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

    def _end_rules(self, alerts: AlertService, timeout: float) -> None:
        alerts.close(timeout)
        self._monitoring.rules.release(alerts, timeout)

    def _begin_rules(self) -> RuleSet | None:
        """With the first call, not before: webhooks are somebody else's until then."""
        if self._rules is None or not self._rules.enabled:
            return None
        if self.alerts is None:
            self.alerts = self._monitoring.rules.hold(self._rules, self._outbox)
        return self._rules


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
                "The library, which holds the audit log, is not open: choose a folder for "
                "it in the settings, or leave the agent's emotions off."
            )
        return None
    call = f"{name}, {datetime.now().astimezone():%Y-%m-%d %H:%M:%S}"
    return agent_permission(
        library, call, policy, wanted=infer_agent, confirm=lambda _: infer_agent
    )
