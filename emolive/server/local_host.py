"""Calls that are run in this process."""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path
from typing import cast

import numpy as np
import soundfile

from emolive.alerts.rule_file import load_rules
from emolive.alerts.rules import RuleSet
from emolive.audio.array import ArraySource
from emolive.audio.call import RecordedCall
from emolive.consent.permission import grant_by_policy
from emolive.consent.policy import PolicyFile, load_policy
from emolive.engine.config import AgentPermission, EngineConfig
from emolive.engine.hub import Mailbox
from emolive.engine.offline import analyze_source
from emolive.inference.classifier import Classifier
from emolive.inference.loading import load_classifier
from emolive.inference.providers import Requested
from emolive.metrics.collector import Metrics, RunMeter
from emolive.monitoring import (
    BaselineChoice,
    CallMonitor,
    MonitoredCall,
    Monitoring,
    RecordingChoice,
    RunDescription,
    RunSettings,
)
from emolive.resources import DEMO_AUDIO, asset
from emolive.server.admission import Admission, Progress, no_more, process_seconds
from emolive.server.host import CallEvent, CallRequest, CallState, HostLoad, ModelFacts
from emolive.server.recordings import TO_BE_MOVED
from emolive.server.settings import Keeping, ServerSettings
from emolive.server.source import TapSource
from emolive.session.library import Library
from emolive.session.recorder import RecordingRequest
from emolive.settings_folder import settings_folder
from emolive.speech.silero import SileroVad
from emolive.types import Alert, AlertEnded, EngineStatus, FloatArray, Prediction, Role, Segment

_log = logging.getLogger(__name__)

MONITORED = "call.monitored"
# A minute of a call's events; overflow policy: the oldest are dropped, and counted in its status.
_MAILBOX_EVENTS = 5_000
_KINDS = (Prediction, Segment, Alert, AlertEnded, EngineStatus)
# So often levels and metrics are asked for where nothing else has come.
_FED_EVERY_S = 0.3
_TRIAL_FRAMES = 96_000
# Live calls come in small pieces, which costs more than a file.
_LIVE_COSTS = 1.5
_CLOSE_WITHIN_S = 60.0


class LocalCall:
    """A `HostedCall` of this process."""

    def __init__(
        self, calls: CallMonitor, call: MonitoredCall, source: TapSource, by: str | None
    ) -> None:
        """Made by `LocalHost.open`."""
        self._calls = calls
        self.monitored = call  # the call as the monitor knows it
        self._source = source
        self._session: str | None = None
        self._mailbox: Mailbox = call.live.hub.subscribe(_MAILBOX_EVENTS, kinds=_KINDS)
        self._fed_at = 0.0
        self._permitted_by = by
        self.meter: RunMeter | None = None

    @property
    def state(self) -> CallState:
        """What is so now."""
        status = self._calls.recorders.look().get(self.monitored.id)
        recording = status is not None and not status.state.over
        if status is not None:
            self._session = self._session or status.session_id
        over = self.monitored.live.over and not recording
        return CallState(self._permitted_by, recording, self._session, over)

    def write(self, block: FloatArray) -> None:
        """Frames, float32 ``(n, channels)``."""
        self._source.write(block)

    def finish(self, reason: str | None, gaps: int) -> None:
        """No more frames come."""
        self._source.count_overflows(gaps)
        self._source.finish(reason)

    def take(self) -> Sequence[CallEvent]:
        """What has happened since the last time."""
        now = time.monotonic()
        if self._mailbox.empty and now - self._fed_at < _FED_EVERY_S:
            return ()
        events = cast(list[CallEvent], self._mailbox.drain())
        self._fed_at = now
        digest = self.monitored.feed.take()
        events += digest.levels
        if digest.metrics is not None:
            events.append(digest.metrics)
        return events


class LocalHost:
    """Runs calls on this computer, all with one model. It is a `CallHost`."""

    def __init__(self, settings: ServerSettings, library: Library) -> None:
        """Load the model, and see what a call will cost; takes seconds.

        Raises:
            EmoliveError: model, rules or policy cannot be used.
        """
        self._settings = settings
        self._library = library
        self._policy = load_policy(settings.policy, settings_folder())
        self._rules: RuleSet | None = None if settings.rules is None else load_rules(settings.rules)
        self._loaded: list[Classifier] = [self._load(settings.model, settings.provider)]
        classifier = self._loaded[0]
        config = EngineConfig(hop_s=settings.hop_s, decision=settings.decision)
        config.hop_samples(classifier.metadata.front_end)
        metadata = classifier.metadata
        self.model = ModelFacts(
            metadata.name,
            classifier.provider,
            classifier.provider_note,
            metadata.labels,
            metadata.sampling_rate,
            settings.hop_s,
            metadata.window_samples / metadata.sampling_rate,
            tuple(metadata.telephone_scores.items()),
        )
        self._admission = Admission(
            _cost_of_a_call(classifier, config), hop_s=settings.hop_s, most=settings.max_calls
        )
        self._measured = settings.measured
        self._monitoring = Monitoring(self._give, max_runs=10_000)
        self.calls = CallMonitor(self._monitoring)
        self.calls.use_rules(self._rules, library.folder)
        self._metrics: Metrics | None = None
        self._hosted: dict[str, LocalCall] = {}
        self._opening = 0
        self._worker = ThreadPoolExecutor(1, thread_name_prefix="emolive host")

    @property
    def metrics(self) -> Metrics:
        """Numbers about the calls, for Prometheus."""
        if self._metrics is None or self._metrics.alerts is not self.calls.alerts:
            before, self._metrics = self._metrics, Metrics(self.calls.alerts)
            for call in self._hosted.values():
                if before is not None and call.meter is not None:
                    before.forget(call.meter)
                call.meter = self._metrics.watch(call.monitored.live, call.monitored.id)
        return self._metrics

    def load(self) -> HostLoad:
        """How busy it is."""
        running = self._running()
        statuses = [call.monitored.live.status() for call in running]
        progress = Progress(
            len(running),
            sum(status.windows_skipped for status in statuses),
            max((status.lag_s for status in statuses), default=0.0),
        )
        self._admission.look(progress)
        problems = self.calls.alerts.problems() if self.calls.alerts is not None else ()
        notes = dict.fromkeys(note for call in running for note in call.monitored.notes)
        latencies = [status.latency_ms for status in statuses if status.latency_ms]
        p50, p99 = np.percentile(latencies, (50, 99)) if latencies else (0.0, 0.0)
        return HostLoad(
            len(running),
            self._admission.capacity,
            self._admission.cost,
            self._admission.cores,
            self._admission.limit,
            sum(stream.windows for status in statuses for stream in status.streams),
            progress.windows_skipped,
            float(p50),
            float(p99),
            (*problems, *notes),
        )

    def refusal(self) -> str | None:
        """Why one more call cannot be run now; None: it can."""
        return self._refusal(len(self._running()) + self._opening)

    def unable(self) -> str | None:
        """What it needs is loaded."""
        return None

    def elsewhere(self) -> str | None:
        """Calls are run here."""
        return None

    async def end(self, call_id: str, reason: str) -> bool:  # noqa: ARG002
        """No call is brought elsewhere."""
        return False

    def drain(self) -> None:
        """Who brings calls here is told by the server itself."""

    def arrivals(self) -> Sequence[tuple[CallRequest, LocalCall]]:
        """All calls are opened here."""
        return ()

    async def open(self, request: CallRequest) -> LocalCall:
        """Run a call.

        Raises:
            EmoliveError: it cannot be run.
        """
        loop = asyncio.get_running_loop()
        self._opening += 1  # those that come meanwhile find less room
        try:
            call = await loop.run_in_executor(self._worker, self._open, request)
        finally:
            self._opening -= 1
        self._hosted[request.id] = call
        if self._metrics is not None:
            call.meter = self.metrics.watch(call.monitored.live, request.id)
        return call

    async def forget(self, call_id: str) -> None:
        """A call is over and was looked at for long enough."""
        call = self._hosted.pop(call_id, None)
        if call is None:
            return
        if self._metrics is not None and call.meter is not None:
            self._metrics.forget(call.meter)
        loop = asyncio.get_running_loop()
        await loop.run_in_executor(self._worker, self._forget, call_id)

    async def expire(self) -> list[str]:
        """Delete what is older than the library keeps; the ids."""
        loop = asyncio.get_running_loop()
        return await loop.run_in_executor(self._worker, self._library.expire)

    async def close(self) -> None:
        """End what runs and store everything."""
        loop = asyncio.get_running_loop()
        await loop.run_in_executor(self._worker, self._close)
        self._worker.shutdown()

    def _refusal(self, calls: int) -> str | None:
        if self._measured:
            return self._admission.refusal(calls)
        most = self._settings.max_calls
        return None if most is None or calls < most else no_more(calls)

    def _running(self) -> list[LocalCall]:
        return [call for call in self._hosted.values() if not call.monitored.live.over]

    # On the worker.

    def _open(self, request: CallRequest) -> LocalCall:
        keeping = self._settings.keeping
        kept = keeping is not Keeping.NOTHING and (
            request.consent is True or not self._settings.only_consented
        )
        self._library.audit(
            MONITORED,
            {
                "call": request.id,
                "name": request.name,
                "tap": request.tap,
                "streams": list(request.streams),
                "kept": keeping.value if kept else Keeping.NOTHING.value,
                "consent": request.consent,
            },
            actor=request.by or None,
        )
        permission = self._permission(request)
        source = TapSource(request.name, request.rate, request.streams, request.roles)
        settings = RunSettings(
            self._settings.model,
            cast(Requested, self._settings.provider),
            self._settings.hop_s,
            self._settings.decision,
            baseline=self._baseline(request),
        )
        tags = (request.tap, *([TO_BE_MOVED] if self._settings.recordings else []))
        recorded = RecordingRequest(request.name, keeping is Keeping.SOUND, tags)
        description = RunDescription(
            source,
            settings,
            name=request.name,
            permission=permission,
            recording=RecordingChoice(self._library, recorded) if kept else None,
        )
        call = self.calls.open(description, call_id=request.id)
        return self._hosted_call(
            request, call, source, None if permission is None else permission.granted_by
        )

    def _hosted_call(
        self, _: CallRequest, call: MonitoredCall, source: TapSource, by: str | None
    ) -> LocalCall:
        return LocalCall(self.calls, call, source, by)

    def _baseline(self, request: CallRequest) -> BaselineChoice | None:
        """A tap is a source, of each who brings calls by it."""
        choice = self._settings.baseline
        return choice and replace(
            choice,
            source=request.tap,
            group=choice.group or request.by,
            library=self._library.folder,
        )

    def _permission(self, request: CallRequest) -> AgentPermission | None:
        """What the policy says; nobody else can be asked here."""
        policy: PolicyFile | None = self._policy
        if policy is None or not policy.permits or Role.AGENT not in request.roles:
            return None
        return grant_by_policy(self._library, f"{request.name}, {request.id}", policy)

    def _forget(self, call_id: str) -> None:
        self.calls.remove(call_id)
        self.calls.recorders.take_ended(call_id)

    def _close(self) -> None:
        if self._metrics is not None:
            self._metrics.close()
        if not self.calls.close(_CLOSE_WITHIN_S):
            _log.error("Not all calls ended in time")
        self._monitoring.close()
        for classifier in self._loaded:
            classifier.close()

    def _load(self, model: Path | None, provider: str) -> Classifier:
        return load_classifier(model, cast(Requested, provider))

    def _give(self, model: Path | None, provider: Requested) -> Classifier:
        """The model that was loaded at the start; later ones are loaded when they are needed."""
        return self._loaded.pop() if self._loaded else self._load(model, provider)


def _cost_of_a_call(classifier: Classifier, config: EngineConfig) -> float:
    """Cores that a call of two parties will take, from a trial with speech."""
    speech, rate = soundfile.read(asset(DEMO_AUDIO), frames=_TRIAL_FRAMES, dtype="float32")
    parties = np.stack([speech, np.roll(speech, len(speech) // 2)], axis=1)
    source = RecordedCall(ArraySource(parties, rate, channels="split"))
    vad = SileroVad()
    before = process_seconds()
    analyze_source(source, "trial", classifier, vad, config)
    return _LIVE_COSTS * (process_seconds() - before) * float(rate) / len(speech)
