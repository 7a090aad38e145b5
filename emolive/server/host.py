"""Where calls are run: behind this, the taps and the watchers need not know.

Everything that crosses it are plain values that can be pickled.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Protocol
from uuid import uuid4

from emolive.conversation import ConversationMetrics
from emolive.monitoring.call_feed import LevelCell
from emolive.server.placement import PlacementStatus
from emolive.types import Alert, AlertEnded, EngineStatus, FloatArray, Prediction, Role, Segment

if TYPE_CHECKING:
    from prometheus_client.registry import Collector

CallEvent = (
    Prediction
    | Segment
    | Alert
    | AlertEnded
    | EngineStatus
    | LevelCell
    | ConversationMetrics
    | PlacementStatus
)


@dataclass(frozen=True, slots=True)
class CallRequest:
    """A call to be run: who it is, and what will be written.

    `consent`: whether the parties agreed to be recorded (None: not told); `by`: the name of the
    token that brought it; `rate` in Hz; `key`: what the telephone system itself calls it;
    `stretch`: what this connection is called in the central history, `server`: what the server that
    has it is called there.
    """

    id: str
    name: str
    tap: str
    rate: int
    streams: tuple[str, ...]
    roles: tuple[Role, ...]
    consent: bool | None = None
    by: str = ""
    key: str = ""
    stretch: str = field(default_factory=lambda: uuid4().hex)
    server: str = ""


@dataclass(frozen=True, slots=True)
class ModelFacts:
    """The model that calls are run with; times in seconds, `rate` in Hz is that of all samples."""

    name: str
    provider: str
    provider_note: str | None
    labels: tuple[str, ...]
    rate: int
    hop_s: float
    window_s: float
    telephone: tuple[tuple[str, float], ...] = ()


@dataclass(frozen=True, slots=True)
class HostLoad:
    """How busy a host is.

    `capacity` calls can be run at once, of which there are `calls`; `cost_per_call` is measured in
    cores, `cores` are in use, `limit` may be. `problems` are sentences on what does not work beside
    the calls: rules, webhooks.
    """

    calls: int
    capacity: int
    cost_per_call: float
    cores: float
    limit: float
    windows: int = 0
    windows_skipped: int = 0
    latency_p50_ms: float = 0.0
    latency_p99_ms: float = 0.0
    problems: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class CallState:
    """A call beside its events.

    `permitted_by`: who permitted that the agent's emotions are inferred (None: they are not);
    `session`: the one that it is, or was, recorded into; `over`: it has ended, and its recording is
    stored.
    """

    permitted_by: str | None = None
    recording: bool = False
    session: str | None = None
    over: bool = False


class HostedCall(Protocol):
    """A call that runs somewhere. `write` and `finish` belong to one thread."""

    @property
    def state(self) -> CallState:
        """What is so now, beside what `take` tells."""

    def write(self, block: FloatArray) -> None:
        """Frames, float32 ``(n, channels)``; never waits."""

    def finish(self, reason: str | None, gaps: int) -> None:
        """No more frames come; `gaps` stretches of it never did."""

    def take(self) -> Sequence[CallEvent]:
        """What has happened since the last time, in order; never waits."""


class CallHost(Protocol):
    """Runs calls. Its methods are called on one event loop, and never hold it up."""

    @property
    def model(self) -> ModelFacts:
        """What calls are run with."""

    def load(self) -> HostLoad:
        """How busy it is."""

    def refusal(self) -> str | None:
        """Why one more call cannot be run now, in a sentence; None: it can."""

    def unable(self) -> str | None:
        """Why it can run no call at all, however few there are; None: it can."""

    def elsewhere(self) -> str | None:
        """The address of the server that is to take the next call; None: this one."""

    def arrivals(self) -> Sequence[tuple[CallRequest, HostedCall]]:
        """Calls that have begun without being opened here; each is told once."""

    async def open(self, request: CallRequest) -> HostedCall:
        """Run a call.

        Raises:
            EmoliveError: it cannot be run.
        """

    async def end(self, call_id: str, reason: str) -> bool:
        """End a call that was brought elsewhere; whether it goes on there."""

    def drain(self) -> None:
        """No more calls are taken: those that were brought elsewhere are to end, too."""

    async def forget(self, call_id: str) -> None:
        """A call is over and was looked at for long enough; one that is not there is none."""

    async def close(self) -> None:
        """End what runs and store everything."""


class ServerHost(CallHost, Protocol):
    """What a whole server stands on."""

    @property
    def metrics(self) -> Collector:
        """Numbers about the calls, for Prometheus."""

    async def expire(self) -> list[str]:
        """Delete what is older than may be kept; the ids."""
