"""A worker: a whole server in a Ray actor. Calls are brought to its own sockets."""

from __future__ import annotations

import logging
import threading
from collections.abc import Sequence
from contextlib import ExitStack
from dataclasses import replace
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from emolive.baseline import SourceProfile
from emolive.cluster.live.news import CallNews, Outbox, WorkerNews
from emolive.cluster.live.profiles import CarriedProfiles, SourceHeard
from emolive.cluster.live.replicas import RemoteClassifier, Replicas
from emolive.cluster.parcels import ModelParcel, unpacked
from emolive.cluster.ray_runtime import MODELS, own_folder
from emolive.inference.classifier import Classifier
from emolive.inference.fallback import FallbackClassifier
from emolive.inference.loading import load_classifier
from emolive.monitoring import BaselineChoice, CallMonitor, MonitoredCall
from emolive.server.host import CallEvent, CallRequest, ModelFacts
from emolive.server.local_host import LocalCall, LocalHost
from emolive.server.names import worker_name
from emolive.server.placement import PlacementStatus
from emolive.server.serving import EmoliveServer
from emolive.server.settings import ServerSettings
from emolive.server.source import TapSource
from emolive.session.library import Library

_log = logging.getLogger(__name__)

_START_WITHIN_S = 120.0
_WAIT_S = 0.1
_ANYWHERE = ("0.0.0.0", "::")


class ToldCall(LocalCall):
    """A call that also tells the front what it tells its own server."""

    def __init__(
        self,
        request: CallRequest,
        outbox: Outbox,
        calls: CallMonitor,
        call: MonitoredCall,
        source: TapSource,
        by: str | None,
    ) -> None:
        """Its beginning is told at once."""
        super().__init__(calls, call, source, by)
        self.request = request
        self._outbox = outbox
        self._placement = PlacementStatus()
        self.tell_all()

    def take(self) -> Sequence[CallEvent]:
        """What has happened since the last time."""
        events = super().take()
        if events:
            self._outbox.put(CallNews(self.request.id, events=tuple(events)))
        return events

    def tell_all(self) -> None:
        """Tell that it is there, to a front that does not know."""
        self._told = self.state
        status = self.monitored.live.status()
        self._outbox.put(CallNews(self.request.id, self.request, (status,), self._told))

    def tell_state(self, placement: PlacementStatus) -> None:
        """Tell what has changed beside the events."""
        now = self.state
        if (now, placement) != (self._told, self._placement):
            self._told, self._placement = now, placement
            self._outbox.put(CallNews(self.request.id, None, (placement,), now))


class WorkerHost(LocalHost):
    """A `LocalHost` with a part of the machine, and classifiers of others where there are some.

    Its calls are told to the front, too.
    """

    def __init__(
        self,
        settings: ServerSettings,
        library: Library,
        cores: float,
        replicas: Replicas,
        profiles: CarriedProfiles,
        outbox: Outbox,
    ) -> None:
        """Use `cores` at most."""
        self._replicas = replicas
        self._profiles = profiles
        self._outbox = outbox
        self.told: dict[str, ToldCall] = {}
        super().__init__(settings, library)
        self._admission.limit = cores

    async def forget(self, call_id: str) -> None:
        """A call is over and was looked at for long enough."""
        if (call := self.told.pop(call_id, None)) is not None:
            over = replace(call.state, recording=False, over=True)
            self._outbox.put(CallNews(call_id, state=over))
        await super().forget(call_id)

    def _hosted_call(
        self, request: CallRequest, call: MonitoredCall, source: TapSource, by: str | None
    ) -> LocalCall:
        told = ToldCall(request, self._outbox, self.calls, call, source, by)
        self.told[request.id] = told
        return told

    def _baseline(self, request: CallRequest) -> BaselineChoice | None:
        """The profiles are the front's."""
        choice = super()._baseline(request)
        return choice and replace(choice, profiles=self._profiles)

    def _load(self, model: Path | None, provider: str) -> Classifier:
        """Replicas, and once they fail a model of its own."""
        if not self._replicas:
            return super()._load(model, provider)
        return FallbackClassifier(
            RemoteClassifier(self._replicas), lambda: load_classifier(model, "cpu")
        )


class IngestWorker:
    """The actor. Its methods may be called at the same time."""

    def __init__(
        self,
        settings: ServerSettings,
        model: ModelParcel,
        cores: float,
        replicas: Sequence[Any] = (),
        profiles: Sequence[SourceProfile] = (),
    ) -> None:
        """Load the model and listen; takes seconds.

        Calls are run with `model` in place of that of the settings, on `cores`, by `replicas`
        (handles of classifiers; none: one of its own); `profiles` are what is known of taps.

        Raises:
            EmoliveError: something cannot be used.
        """
        self._cores = cores
        self._outbox = Outbox()
        self._replicas = Replicas(replicas)
        self._profiles = CarriedProfiles(profiles, self._tell_heard)
        self._host: WorkerHost | None = None
        with ExitStack() as files:
            folder = files.enter_context(own_folder(MODELS))
            settings = replace(settings, model=unpacked(model, folder))
            self._server = EmoliveServer(settings, _log.info, self._make_host)
            self._files = files.pop_all()
        self._thread = threading.Thread(target=self._run, name="emolive server", daemon=True)
        self._thread.start()
        self._server.started.wait(_START_WITHIN_S)

    def address(self) -> tuple[str, int | None]:
        """Where calls are brought to: for WebSockets, and AudioSocket's port."""
        import ray

        parts = urlsplit(self._server.url)
        where = parts.hostname
        if where in _ANYWHERE:
            where = str(ray.util.get_node_ip_address())  # type: ignore[no-untyped-call, unused-ignore]
        scheme = "wss" if parts.scheme == "https" else "ws"
        host = f"[{where}]" if where and ":" in where else where
        return f"{scheme}://{host}:{parts.port}", self._server.audiosocket_port

    def model(self) -> ModelFacts:
        """What calls are run with."""
        assert self._host is not None
        return self._host.model

    def take(self, after: int | None) -> WorkerNews:
        """What is new since number `after`, waiting a little for it; None: to whom all is new."""
        assert self._host is not None
        board = self._server.board
        for call in tuple(self._host.told.values()):
            served = None if board is None else board.call(call.request.id)
            call.tell_state(PlacementStatus() if served is None else served.placement)
            if after is None:
                call.tell_all()
        upto, news, dropped = self._outbox.take(after or 0, _WAIT_S)
        load = board.load if board is not None else self._host.load()
        refusal = None if board is None else board.refusal()
        return WorkerNews(upto, news, load, refusal, dropped)

    def use_replicas(self, handles: Sequence[Any]) -> None:
        """From now on these classify."""
        self._replicas.use(handles)

    def know(self, profiles: Sequence[SourceProfile]) -> None:
        """From now on this is known of taps."""
        self._profiles.know(profiles)

    def end(self, call_id: str, reason: str) -> bool:
        """End a call; whether it goes on here."""
        return self._server.end_call(call_id, reason)

    def drain(self) -> None:
        """Take no more calls, let those that go on for as long as the settings say, and end."""
        self._server.stop()

    def ended(self) -> bool:
        """Whether that is done."""
        return not self._thread.is_alive()

    def _run(self) -> None:
        with self._files:
            self._server.run()

    def _tell_heard(self, heard: SourceHeard) -> None:
        self._outbox.put(CallNews("", heard=(heard,)))

    def _make_host(self, settings: ServerSettings, library: Library) -> WorkerHost:
        self._host = WorkerHost(
            settings, library, self._cores, self._replicas, self._profiles, self._outbox
        )
        return self._host


def worker_settings(
    settings: ServerSettings, name: str, library: Path, port: int
) -> ServerSettings:
    """The settings of one worker: a name, a library and a port of its own.

    Tokens are those of the front's library; `audiosocket_port` is any that is free. It is reached
    by no proxy.
    """
    audiosocket = None if settings.audiosocket_port is None else 0
    return replace(
        settings,
        port=port,
        name=worker_name(name, settings.name),
        library=library / "workers" / name,
        tokens_in=library,
        audiosocket_port=audiosocket,
        public_url=None,
    )
