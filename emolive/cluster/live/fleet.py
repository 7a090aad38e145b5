"""The workers: started, watched, replaced when they die, restarted one after the other."""

from __future__ import annotations

import logging
import socket
import threading
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from types import ModuleType
from typing import Any
from urllib.parse import urlsplit

from emolive.cluster.live.news import WorkerNews
from emolive.cluster.live.profiles import FrontProfiles, SourceHeard
from emolive.cluster.live.replicas import ReplicaSet
from emolive.cluster.live.worker import IngestWorker, worker_settings
from emolive.cluster.parcels import packed
from emolive.errors import EmoliveError
from emolive.i18n import mark, tr
from emolive.server.host import HostLoad, ModelFacts
from emolive.server.settings import ServerSettings

_log = logging.getLogger(__name__)

NO_HEAD = mark(
    "The cluster's head is lost: the workers go on with their calls and take new ones, but none "
    "that is lost is replaced. Start the server again when it suits."
)
_NAMESPACE = "emolive"
_SHARE = 0.8  # of the cores, as one server leaves the rest for peaks
_START_WITHIN_S = 180.0
_END_WITHIN_S = 90.0
_ASK_WITHIN_S = 5.0
_SILENT_S = 30.0
_LOOK_S = 0.2
_SHARE_EVERY_S = 1.0
# A call that was sent to a worker and has not come is counted for so long.
_PLACED_S = 10.0
_TRIES = 3
_KNOCK_EVERY_S = 2.0
_KNOCK_WITHIN_S = 2.0
_KNOCKS = 3
_JOIN_WITHIN_S = 5.0


@dataclass(frozen=True, slots=True)
class FleetSettings:
    """How many `workers`, and replicas of the classifier: `least` to `most` (0: one per worker)."""

    workers: int = 2
    least: int = 0
    most: int = 0
    detached: bool = False


@dataclass(slots=True, eq=False)
class Member:
    """A worker as the front knows it; `placed`: when calls were sent there that have not come."""

    name: str
    handle: Any
    url: str
    audiosocket_port: int | None
    load: HostLoad
    refusal: str | None = None
    draining: bool = False
    gone: bool = False
    dropped: int = 0
    placed: list[float] = field(default_factory=list)

    def fullness(self, now: float) -> float:
        """Share of its capacity that is taken or promised."""
        self.placed = [at for at in self.placed if now - at < _PLACED_S]
        return (self.load.calls + len(self.placed)) / max(1, self.load.capacity)


class Listener:
    """Who is told what workers say; on the thread of each worker."""

    def news(self, member: Member, news: WorkerNews) -> None:
        """A worker has told something."""

    def lost(self, member: Member, reason: str) -> None:
        """A worker and its calls are gone."""


class Fleet:
    """Starts workers on a cluster, and keeps as many of them as are wanted."""

    def __init__(
        self,
        ray: ModuleType,
        settings: ServerSettings,
        library: Path,
        wish: FleetSettings,
        tell: Callable[[str], None],
    ) -> None:
        """Pack the model; nothing runs before `start`.

        Raises:
            EmoliveError: there is no such model.
        """
        self._ray = ray
        self._settings = settings
        self._library = library
        self._wish = wish
        # Others may run on the same cluster, with workers of the same names.
        self._namespace = f"{_NAMESPACE}-{settings.name}"
        self._tell = tell
        self._members: list[Member] = []
        self._model = ray.put(packed(settings.model))
        self.replicas = ReplicaSet(ray, self._model, settings.provider, wish.least, wish.most)
        self._profiles = FrontProfiles(library) if settings.baseline is not None else None
        self._lock = threading.Lock()
        self._restarting = threading.Lock()
        self._ending = threading.Event()
        self._threads: list[threading.Thread] = []
        self._listener = Listener()
        self.model: ModelFacts | None = None
        self.problem: str | None = None
        self.without_head = False
        self.when_lost: Callable[[], None] = lambda: None
        cpus = ray.cluster_resources().get("CPU", 1.0)
        self._cores = max(0.1, (cpus - self.replicas.cores) / wish.workers)
        # Half of it is asked for, so that a worker that takes another's place fits in beside it;
        # Ray knows whole cores, or a part of one.
        asked = self._cores / 2
        self._cpus = float(int(asked)) if asked >= 1 else round(asked, 2)

    @property
    def members(self) -> tuple[Member, ...]:
        """Workers that are there."""
        with self._lock:
            return tuple(member for member in self._members if not member.gone)

    def start(self, listener: Listener) -> None:
        """Start all of them, or go on with those that an earlier front has left.

        Raises:
            EmoliveError: one cannot start.
        """
        self._listener = listener
        self.replicas.start()
        names = [f"worker-{number + 1}a" for number in range(self._wish.workers)]
        beginning = [self._left(name) or (name, self._begin(name)) for name in names]
        for name, handle in beginning:
            self._join(name, handle)
        self._spawn(self._watch_head, "emolive head")
        if self._wish.most:
            self._spawn(
                lambda: self.replicas.scale(
                    self._ending, lambda: self.without_head, self._use_replicas
                ),
                "emolive replicas",
            )
        if self._profiles is not None:
            self._spawn(self._share_profiles, "emolive profiles")

    def place(self) -> str | None:
        """The address of the worker that is to take the next call; None: there is no room."""
        now = time.monotonic()
        with self._lock:
            ready = [m for m in self._members if not (m.gone or m.draining or m.refusal)]
            if not ready:
                return None
            member = min(ready, key=lambda m: m.fullness(now))
            member.placed.append(now)
            return member.url

    def refusal(self) -> str | None:
        """Why no worker takes a call; None: one does."""
        refusals = [member.refusal for member in self.members if not member.draining]
        return self.unable() or (None if None in refusals else next(iter(refusals), None))

    def unable(self) -> str | None:
        """Why there is no worker that could take a call; None: there is."""
        if self.problem or any(not member.draining for member in self.members):
            return self.problem
        return tr("No worker runs just now: try again in a few seconds.")

    def restart(self) -> None:
        """Replace each worker by a new one; the old ends once its calls have.

        New calls go to the new worker at once, so none is dropped.
        """
        if self.without_head:
            self._tell(tr("{lost} So none is replaced now.", lost=tr(NO_HEAD)))
            return
        if not self._restarting.acquire(blocking=False):
            return
        try:
            for old in self.members:
                new = _successor(old.name)
                self._tell(tr("{name} is being replaced by {new}.", name=old.name, new=new))
                self._join(new, self._begin(new))
                old.draining = True
                self._ended(old)
            self._tell(tr("All workers have been replaced."))
        except EmoliveError as error:
            self._tell(tr("{error} The others go on as they are.", error=error))
        finally:
            self._restarting.release()

    def end(self, member: Member, call_id: str, reason: str) -> bool:
        """Have a worker end a call; whether it goes on there."""
        exceptions = self._ray.exceptions
        try:
            return bool(self._ray.get(member.handle.end.remote(call_id, reason), timeout=_SILENT_S))
        except (exceptions.RayError, exceptions.GetTimeoutError):
            return False  # it is lost, and the call with it

    def enter(self, heard: Sequence[SourceHeard]) -> None:
        """What calls of a worker brought of their taps."""
        if self._profiles is not None:
            self._profiles.enter(heard)

    def drain(self) -> None:
        """Have all workers end their calls; returns at once."""
        self._ending.set()
        for member in self.members:
            member.draining = True
            member.handle.drain.remote()

    def close(self) -> None:
        """End all workers, waiting for what they store."""
        self.drain()
        deadline = time.monotonic() + self._settings.drain_s + _END_WITHIN_S
        for member in self.members:
            self._wait_for_end(member, deadline)
        for thread in self._threads:
            thread.join(_JOIN_WITHIN_S)
        self.replicas.close()

    def _left(self, name: str) -> tuple[str, Any] | None:
        """A worker that an earlier front has left, of this name or its successor's."""
        for known in (name, _successor(name)) if self._wish.detached else ():
            try:
                return known, self._ray.get_actor(known, namespace=self._namespace)
            except ValueError:
                continue
        return None

    def _begin(self, name: str) -> Any:
        """An actor that starts."""
        ray = self._ray
        number = int(name.removeprefix("worker-")[:-1]) - 1
        port = 0
        if self._settings.port:
            port = self._settings.port + 1 + number + self._wish.workers * name.endswith("b")
        options: dict[str, Any] = {
            "num_cpus": self._cpus, "max_concurrency": 8, "max_restarts": 0,
            "scheduling_strategy": "SPREAD",
        }  # fmt: skip
        if self._wish.detached:
            options |= {"lifetime": "detached", "name": name, "namespace": self._namespace}
        settings = worker_settings(self._settings, name, self._library, port)
        actor = ray.remote(IngestWorker).options(**options)
        profiles = self._profiles.all() if self._profiles is not None else []
        return actor.remote(
            settings, self._model, _SHARE * self._cores, self.replicas.handles, profiles
        )

    def _join(self, name: str, handle: Any) -> Member:
        """A worker has started, and is listened to from now on.

        Raises:
            EmoliveError: it has not.
        """
        ray = self._ray
        try:
            url, audiosocket = self._first_answer(name, handle.address.remote())
            self.model = ray.get(handle.model.remote(), timeout=_SILENT_S)
            news = ray.get(handle.take.remote(None), timeout=_SILENT_S)
        except ray.exceptions.RayError as error:
            raise EmoliveError(
                "{name} cannot start: {why}", name=name, why=_cause(error)
            ) from error
        member = Member(name, handle, url, audiosocket, news.load, news.refusal)
        with self._lock:
            self._members.append(member)
        self._heard(member, news)
        self._spawn(lambda: self._listen(member, news.upto), f"emolive {name}")
        return member

    def _first_answer(self, name: str, answer: Any) -> Any:
        """What a worker that starts says first; one that no head starts never does.

        Raises:
            EmoliveError: there is no head, or it takes too long.
        """
        deadline = time.monotonic() + _START_WITHIN_S
        while not self._ray.wait([answer], timeout=1.0)[0]:
            if self.without_head or time.monotonic() >= deadline:
                no_head = self.without_head
                why = tr("the cluster has no head") if no_head else tr("it does not answer")
                raise EmoliveError("{name} cannot start: {why}.", name=name, why=why)
        return self._ray.get(answer)

    def _listen(self, member: Member, after: int) -> None:
        ray = self._ray
        heard_at = time.monotonic()
        while True:
            try:
                news = ray.get(member.handle.take.remote(after), timeout=_ASK_WITHIN_S)
                ended = member.draining and ray.get(
                    member.handle.ended.remote(), timeout=_ASK_WITHIN_S
                )
                if ended:  # and with it everything has been told
                    news = ray.get(member.handle.take.remote(after), timeout=_ASK_WITHIN_S)
            except (ray.exceptions.RayError, ray.exceptions.GetTimeoutError) as error:
                # Without a head nobody tells that a worker has died: its own port does.
                slow = isinstance(error, ray.exceptions.GetTimeoutError) and _listens(member.url)
                if slow and time.monotonic() - heard_at < _SILENT_S:
                    continue
                self._lost(member, error)
                return
            after, heard_at = news.upto, time.monotonic()
            self._heard(member, news)
            if ended:
                self._remove(member)
                ray.kill(member.handle)
                return

    def _heard(self, member: Member, news: WorkerNews) -> None:
        with self._lock:
            member.load, member.refusal, member.dropped = news.load, news.refusal, news.dropped
            come = sum(one.request is not None for one in news.calls)
            member.placed = member.placed[come:]
        self._listener.news(member, news)

    def _remove(self, member: Member) -> None:
        with self._lock:
            member.gone = True
            self._members.remove(member)

    def _lost(self, member: Member, error: Exception) -> None:
        """A worker died: its calls are over here, and another takes its place."""
        self._remove(member)
        self._listener.lost(
            member,
            tr("The worker {name} is lost.", name=member.name),
        )
        with suppress(self._ray.exceptions.RayError):
            self._ray.kill(member.handle)  # should it only hang: its name and port are needed
        if self._ending.is_set() or member.draining:
            return
        _log.warning("A worker is lost", exc_info=error)
        problem = tr("no worker is left")
        if self.without_head:
            self._tell(
                tr("{name} is lost, and without a head none takes its place.", name=member.name)
            )
        else:
            self._tell(tr("{name} is lost; another is started in its place.", name=member.name))
        tries = 0
        while tries < _TRIES and (self.members or not self.without_head):
            if self.without_head:
                if self._ending.wait(1.0):
                    return
                continue
            tries += 1
            try:
                self._join(member.name, self._begin(member.name))
            except Exception as error:
                _log.warning("A worker could not be started again", exc_info=True)
                problem = str(error) if isinstance(error, EmoliveError) else _cause(error)
            else:
                self._tell(tr("{name} runs again.", name=member.name))
                return
            if self._ending.wait(1.0):
                return
        if not self.members and not self.problem:
            self.problem = tr("The cluster is lost ({why}): start the server again.", why=problem)
            self._tell(self.problem)
            self.when_lost()

    def _watch_head(self) -> None:
        """Without its head Ray starts nothing, and what runs goes on."""
        address = f"tcp://{self._ray.get_runtime_context().gcs_address}"
        missed = 0
        while not self._ending.wait(_KNOCK_EVERY_S):
            missed = 0 if _listens(address) else missed + 1
            if self.without_head != (missed >= _KNOCKS) and missed in (0, _KNOCKS):
                self.without_head = missed == _KNOCKS
                self._tell(tr(NO_HEAD) if self.without_head else tr("The cluster's head is back."))

    def _ended(self, member: Member) -> None:
        """Have a worker end once its calls have, or after the time that calls are left."""
        deadline = time.monotonic() + self._settings.drain_s
        while member.load.calls and time.monotonic() < deadline and not member.gone:
            time.sleep(_LOOK_S)
        if not member.gone:
            member.handle.drain.remote()
            self._wait_for_end(member, time.monotonic() + _END_WITHIN_S)

    def _wait_for_end(self, member: Member, deadline: float) -> None:
        while not member.gone and time.monotonic() < deadline:
            time.sleep(_LOOK_S)
        if not member.gone:
            self._ray.kill(member.handle)

    def _use_replicas(self, handles: list[Any]) -> None:
        for member in self.members:
            member.handle.use_replicas.remote(handles)

    def _share_profiles(self) -> None:
        """Workers know of taps what the library does, whoever changes that."""
        while not self._ending.wait(_SHARE_EVERY_S):
            if self._profiles and (found := self._profiles.changed()) is not None:
                for member in self.members:
                    member.handle.know.remote(found)

    def _spawn(self, run: Callable[[], None], name: str) -> None:
        thread = threading.Thread(target=run, name=name, daemon=True)
        self._threads = [one for one in self._threads if one.is_alive()]
        self._threads.append(thread)
        thread.start()


def _successor(name: str) -> str:
    """What the worker is called that takes another's place in a restart."""
    return name[:-1] + ("b" if name.endswith("a") else "a")


def _listens(url: str) -> bool:
    """Whether somebody listens at an address."""
    parts = urlsplit(url)
    try:
        socket.create_connection((parts.hostname or "", parts.port or 0), _KNOCK_WITHIN_S).close()
    except OSError:
        return False
    return True


def _cause(error: Exception) -> str:
    """What went wrong in an actor, in a sentence."""
    cause = getattr(error, "cause", None) or error
    if isinstance(cause, EmoliveError):
        return str(cause)
    text = str(cause).strip()
    return f"{type(cause).__name__}: {text.splitlines()[-1] if text else ''}"
