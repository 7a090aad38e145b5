"""The wall: a pool of calls on a thread, with its sources opened beside it."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable

from emolive.audio.jobs import Beside
from emolive.audio.source import AudioSource
from emolive.engine.config import EngineConfig
from emolive.engine.hub import Hub
from emolive.engine.pool import MonitorPool, PooledCall, PoolStatus
from emolive.inference.classifier import Classifier
from emolive.speech.silero import SileroVad

POLL_S = 0.05


class WallEngine:
    """Monitors many calls live, until they end or are removed.

    One thread steps all of them; opening a device, which may take seconds, happens on others. All
    methods may be called from any thread; the classifier stays the caller's to close.
    """

    def __init__(
        self,
        classifier: Classifier,
        vad: SileroVad,
        config: EngineConfig,
        *,
        max_calls: int = 64,
        poll_s: float = POLL_S,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        """Prepare; nothing runs before `start`.

        `poll_s` is how often the thread looks for new audio of all calls, which is what an answer
        may come later for; rarer looks cost less.

        Raises:
            EmoliveError: the hop does not fit the model's front end.
        """
        self._pool = MonitorPool(
            classifier, vad, config, max_calls=max_calls, clock=clock, opener=Beside("emolive open")
        )
        self._poll_s = poll_s
        self._stop = threading.Event()
        self._thread: threading.Thread | None = None

    @property
    def calls(self) -> tuple[PooledCall, ...]:
        """All calls that were not removed, in the order in which they were added."""
        return self._pool.calls

    def call(self, call_id: str) -> PooledCall:
        """The call with this id.

        Raises:
            KeyError: there is none.
        """
        return self._pool.call(call_id)

    def add(
        self,
        call_id: str,
        source: AudioSource,
        *,
        name: str | None = None,
        config: EngineConfig | None = None,
        hub: Hub | None = None,
    ) -> PooledCall:
        """A new call, opened soon; see `MonitorPool.add`."""
        return self._pool.add(call_id, source, name=name, config=config, hub=hub)

    def remove(self, call_id: str) -> None:
        """End a call and forget it, soon; one that is not there is none."""
        self._pool.remove(call_id)

    def status(self) -> PoolStatus:
        """All calls together."""
        return self._pool.status()

    def start(self) -> None:
        """Begin; returns at once.

        Raises:
            RuntimeError: it was started before.
        """
        if self._thread is not None:
            raise RuntimeError("the wall was started before")
        self._thread = threading.Thread(target=self._loop, name="emolive wall", daemon=True)
        self._thread.start()

    def wait(self, timeout: float | None = None) -> bool:
        """Wait until all calls are over, at most `timeout` seconds; whether they are."""
        deadline = None if timeout is None else time.monotonic() + timeout
        while any(not call.over for call in self.calls):
            if deadline is not None and time.monotonic() >= deadline:
                return False
            if self._stop.wait(self._poll_s):
                break
        return all(call.over for call in self.calls)

    def stop(self, timeout: float = 2.0) -> bool:
        """End all calls; whether that worked within `timeout` seconds. There is no other start."""
        self._stop.set()
        if self._thread is not None:
            self._thread.join(timeout)
        return self._thread is None or not self._thread.is_alive()

    def _loop(self) -> None:
        while not self._stop.is_set():
            begin = time.monotonic()
            self._pool.step()
            self._stop.wait(max(0.0, self._poll_s - (time.monotonic() - begin)))
        self._pool.close()
