"""How long it takes from a condition that is true to the webhook's server having it, measured."""

from __future__ import annotations

import json
import tempfile
import threading
import time
from bisect import bisect_left
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

from emolive.alerts.conditions.emotion import EmotionRule
from emolive.alerts.dispatch import Dispatcher
from emolive.alerts.rules import RuleSet
from emolive.alerts.service import AlertService
from emolive.alerts.webhook_settings import Webhook
from emolive.audio.files import FileSource
from emolive.bench.stages import Timing
from emolive.engine.config import EngineConfig
from emolive.engine.hub import Hub
from emolive.engine.live import LiveEngine
from emolive.engine.run import LiveRun
from emolive.errors import EmoliveError
from emolive.i18n import decimal, mark, tr
from emolive.inference.classifier import Classifier
from emolive.speech.silero import SileroVad
from emolive.types import Alert, EngineState

ALLOWANCE_MS = 100.0
_LEVELS = (0.1, 0.15, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9)
_HOLDS_S = (0.1, 0.2, 0.3, 0.4, 0.7, 1.1)
_LOOK_EVERY_S = 0.002


@dataclass(frozen=True, slots=True)
class AlertTiming:
    """From condition true to webhook received, and `budget_ms`: one hop and 100 ms.

    `raised` alerts were published, `received` of them arrived.
    """

    latency: Timing
    budget_ms: float
    raised: int
    received: int

    @property
    def within(self) -> bool:
        """Whether 99 % are within the budget, and none is missing."""
        return self.latency.p99_ms <= self.budget_ms and self.received == self.raised


def time_alerts(
    path: Path, classifier: Classifier, vad: SileroVad, config: EngineConfig, seconds: float
) -> AlertTiming:
    """Run everything for real: `path` arrives in real time, a local server gets the alerts.

    Rules on every emotion, with several levels and hold times, make many alerts. A condition counts
    as true from when its sample was in the ring on, to within 2 ms.

    Raises:
        EmoliveError: the engine failed, or nothing was raised.
    """
    with tempfile.TemporaryDirectory() as folder, _Receiver() as receiver:
        rules = _rules(classifier.metadata.labels, receiver.url)
        service = AlertService(rules, Dispatcher(rules, Path(folder)))
        hub = Hub()
        mailbox = hub.subscribe(100_000)
        source = FileSource(path, paced=True, block_s=0.02, loop=True)
        engine = LiveEngine(classifier, vad, config)
        run = engine.add("bench", source, hub=hub)
        service.start()
        service.watch(run, "bench")
        arrivals = _Arrivals(run)
        run.start()
        engine.start()
        arrivals.start()
        run.wait(seconds)
        engine.stop()
        arrivals.stop()
        service.close(10.0)
        status = run.status()
        if status.state is EngineState.FAILED:
            raise EmoliveError(status.reason or tr("The engine failed."))
        raised = sum(isinstance(event, Alert) for event in mailbox.drain())
        times = [
            1e3 * (at - arrivals.when(round(message["true_s"] * run.facts.rate)))
            for at, message in receiver.first
        ]
    if not times:
        raise EmoliveError(
            "{name} raised no alert in {seconds} s: try longer.",
            name=path.name,
            seconds=decimal(seconds),
        )
    return AlertTiming(
        Timing.of(mark("condition true to webhook received"), times),
        1e3 * config.hop_s + ALLOWANCE_MS,
        raised,
        len(times),
    )


def _rules(labels: tuple[str, ...], url: str) -> RuleSet:
    rules = tuple(
        EmotionRule(
            name=f"{label} {level}",
            emotions=(label,),
            probability=level,
            release=level - 0.05,
            for_s=_HOLDS_S[(i + j) % len(_HOLDS_S)],
            dwell_s=0.0,
            cool_down_s=0.0,
            webhooks=("bench",),
        )
        for i, label in enumerate(labels)
        for j, level in enumerate(_LEVELS)
    )
    webhook = Webhook.model_validate({"name": "bench", "url": url, "secret": "benchmark-secret"})
    return RuleSet.model_validate({"rules": rules, "webhooks": (webhook,)})


class _Arrivals:
    """When audio was in the ring, seen from outside."""

    def __init__(self, run: LiveRun) -> None:
        self._run = run
        self._samples: list[int] = [0]
        self._times: list[float] = [time.monotonic()]
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=self._look, name="emolive arrivals", daemon=True)

    def start(self) -> None:
        """Look from now on."""
        self._thread.start()

    def stop(self) -> None:
        """Look no more."""
        self._stopping.set()
        self._thread.join()

    def when(self, sample: int) -> float:
        """The last time at which the audio before `sample` was not all there."""
        return self._times[min(len(self._times) - 1, bisect_left(self._samples, sample))]

    def _look(self) -> None:
        rate = self._run.facts.rate
        looked = time.monotonic()
        while not self._stopping.wait(_LOOK_EVERY_S):
            before, looked = looked, time.monotonic()
            if (audio := self._run.audio) is None:
                continue
            written = audio.ring.written * rate // audio.source_format.sampling_rate
            if audio.start_sample + written > self._samples[-1]:
                self._samples.append(audio.start_sample + written)
                self._times.append(before)


class _Receiver:
    """A webhook's server that notes what it gets, and when."""

    def __init__(self) -> None:
        found: dict[str, tuple[float, dict[str, Any]]] = {}

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["Content-Length"]))
                found.setdefault(self.headers["webhook-id"], (time.monotonic(), json.loads(body)))
                self.send_response(204)
                self.end_headers()

            def log_message(self, *_: object) -> None:
                pass

        self._found = found
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._server.daemon_threads = True
        self.url = f"http://127.0.0.1:{self._server.server_port}/"

    def __enter__(self) -> _Receiver:
        threading.Thread(
            target=self._server.serve_forever, args=(0.05,), name="emolive receiver", daemon=True
        ).start()
        return self

    def __exit__(self, *_: object) -> None:
        self._server.shutdown()
        self._server.server_close()

    @property
    def first(self) -> list[tuple[float, dict[str, Any]]]:
        """Each message once, with when it came first (`time.monotonic`)."""
        return list(self._found.values())
