from __future__ import annotations

import time
from collections.abc import Iterator

import psutil
import pytest

from emolive.bench.alerts import time_alerts
from emolive.engine.config import EngineConfig
from emolive.inference.bundled import BUNDLED
from emolive.inference.classifier import OnnxClassifier
from emolive.resources import DEMO_AUDIO, asset
from emolive.speech.silero import SileroVad

pytestmark = pytest.mark.alone

TRIES = 3
OTHERS = 0.25  # of a processor: with more taken by other programs, the times are theirs


class OtherWork:
    """How busy other programs keep the processors from now on."""

    def __init__(self) -> None:
        self._began, self._before = time.monotonic(), self._used()

    def processors(self) -> float:
        """The mean number of processors in use by others."""
        return (self._used() - self._before) / (time.monotonic() - self._began)

    def _used(self) -> float:
        machine, own = psutil.cpu_times(), psutil.Process().cpu_times()
        idle = machine.idle + getattr(machine, "iowait", 0.0)
        # A guest's time is in its host's already.
        guests = getattr(machine, "guest", 0.0) + getattr(machine, "guest_nice", 0.0)
        return sum(machine) - idle - guests - own.user - own.system


@pytest.fixture
def classifier() -> Iterator[OnnxClassifier]:
    classifier = OnnxClassifier(BUNDLED[0].path, "cpu")
    yield classifier
    classifier.close()


def test_99_of_100_alerts_arrive_within_a_hop_and_100_ms(classifier: OnnxClassifier) -> None:
    """From the condition being true to the server having it, with the shipped model, live."""
    found = []
    for _ in range(TRIES):
        work = OtherWork()
        timing = time_alerts(asset(DEMO_AUDIO), classifier, SileroVad(), EngineConfig(), 18.0)
        # None is ever missing, however slow the machine.
        assert timing.received == timing.raised >= 10
        if timing.within:
            return
        found.append((timing.latency, work.processors()))
    if all(others > OTHERS for _, others in found):
        pytest.skip(f"other programs keep this machine busy: {found}")
    pytest.fail(f"over budget: {found}")
