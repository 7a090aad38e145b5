from __future__ import annotations

from collections.abc import Iterator

import pytest

from emolive.bench.alerts import time_alerts
from emolive.engine.config import EngineConfig
from emolive.inference.bundled import BUNDLED
from emolive.inference.classifier import OnnxClassifier
from emolive.resources import DEMO_AUDIO, asset
from emolive.speech.silero import SileroVad

TRIES = 3  # other load on the machine shows in the numbers


@pytest.fixture
def classifier() -> Iterator[OnnxClassifier]:
    classifier = OnnxClassifier(BUNDLED[0].path, "cpu")
    yield classifier
    classifier.close()


def test_99_of_100_alerts_arrive_within_a_hop_and_100_ms(classifier: OnnxClassifier) -> None:
    """From the condition being true to the server having it, with the shipped model, live."""
    found = []
    for _ in range(TRIES):
        timing = time_alerts(asset(DEMO_AUDIO), classifier, SileroVad(), EngineConfig(), 18.0)
        # None is ever missing, however slow the machine.
        assert timing.received == timing.raised >= 10
        found.append(timing.latency)
        if timing.within:
            return
    pytest.fail(f"over budget: {found}")
