"""Calls that a program feeds itself: watched, recorded, read and ended through one object."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime
from functools import partial
from pathlib import Path

import numpy as np
import pytest
import soundfile

from emolive.alerts.conditions.emotion import EmotionRule
from emolive.alerts.rules import RuleSet
from emolive.audio.source import SourceFormat
from emolive.engine.config import AgentPermission
from emolive.errors import EmoliveError, ModelError
from emolive.inference.classifier import Classifier
from emolive.inference.loading import load_classifier
from emolive.inference.providers import Requested
from emolive.monitoring import (
    CallMonitor,
    MonitoredCall,
    Monitoring,
    RecordingChoice,
    RunDescription,
    RunSettings,
)
from emolive.monitoring.wire import event_fields
from emolive.resources import DEMO_AUDIO, asset
from emolive.session.library import Library
from emolive.session.recorder import RecordingRequest
from emolive.types import (
    Alert,
    EngineState,
    EngineStatus,
    Event,
    FloatArray,
    Prediction,
    Role,
    SpeechState,
)
from tests import models
from tests.engine.fakes import FakeSource
from tests.waiting import until

RATE = 16_000
PARTIES = SourceFormat(RATE, ("agent", "customer"), roles=(Role.AGENT, Role.CUSTOMER))


@pytest.fixture
def settings(tmp_path: Path) -> RunSettings:
    """A model that hears the last label in everything."""
    bias = np.zeros(len(models.LABELS), np.float32)
    bias[-1] = 5.0
    path = tmp_path / "tiny.onnx"
    models.tiny_model(path, weights=np.zeros((128, len(models.LABELS)), np.float32), bias=bias)
    return RunSettings(path, "cpu")


@pytest.fixture
def calls() -> Iterator[CallMonitor]:
    monitor = CallMonitor()
    yield monitor
    assert monitor.close(60)


def line(name: str) -> FakeSource:
    source = FakeSource(name=name)
    source.format = PARTIES
    return source


def _has_heard(call: MonitoredCall, seconds: float) -> bool:
    return call.live.status().elapsed_s >= seconds


def talk(seconds: int) -> FloatArray:
    """Two people at once, ``(n, 2)``."""
    samples, _ = soundfile.read(asset(DEMO_AUDIO), frames=2 * seconds * RATE, dtype="float32")
    return np.stack(np.split(samples, 2), axis=1)


def test_a_call_fed_by_a_program_is_answered_alerted_recorded_and_removed(
    calls: CallMonitor, settings: RunSettings, tmp_path: Path
) -> None:
    label = models.LABELS[-1]
    rule = EmotionRule(name="Always", emotions=(label,), probability=0.5, for_s=0.5)
    calls.use_rules(RuleSet(rule=(rule,)), tmp_path / "library")
    source = line("line 7")
    with Library.open(tmp_path / "library") as library:
        recording = RecordingChoice(library, RecordingRequest("Line 7"))
        call = calls.open(RunDescription(source, settings, recording=recording), call_id="line-7")
        events = call.live.hub.subscribe(5_000)
        assert (call.id, call.name, call.notes) == ("line-7", "line 7", [])
        assert calls.calls == (call,)
        for second in np.split(talk(8), 8):  # as it is spoken: what comes at once is skipped
            until_s = call.live.status().elapsed_s + 0.9
            source.feed(second)
            until(partial(_has_heard, call, until_s))
        source.end()
        assert call.live.wait(60)
        heard: list[Event] = []
        until(lambda: heard.extend(events.drain()) or any(isinstance(one, Alert) for one in heard))
        answers = [one for one in heard if isinstance(one, Prediction)]
        customer = [one for one in answers if one.stream == "customer"]
        assert any(one.label == label for one in customer)
        assert all(
            one.state in (SpeechState.NOT_INFERRED, SpeechState.SILENCE)
            for one in answers
            if one.stream == "agent"
        ), "nobody permitted it"
        facts = call.live.facts
        for event in (*answers, *(one for one in heard if isinstance(one, EngineStatus | Alert))):
            fields = event_fields(event, facts.labels, facts.rate)
            assert fields["type"] in ("prediction", "status", "alert")
        until(lambda: not calls.recorders.active)
        session = calls.recorders.take_ended(call.id)
        assert session is not None
        assert session.title == "Line 7"
        digest = call.feed.take()
        assert {one.stream for one in digest.decisions} == {"agent", "customer"}
        assert [one.rule for one in digest.alerts if isinstance(one, Alert)] == ["Always"]
        calls.remove(call.id)
    assert calls.calls == ()
    assert source.closed


def test_an_agent_is_inferred_with_a_permission(calls: CallMonitor, settings: RunSettings) -> None:
    permission = AgentPermission(granted_by="dana", granted_at=datetime.now(UTC), statement="x")
    source = line("line")
    call = calls.open(RunDescription(source, settings, permission=permission))
    events = call.live.hub.subscribe(5_000)
    source.feed(talk(6))
    source.end()
    assert call.live.wait(60)
    agent = [e for e in events.drain() if isinstance(e, Prediction) and e.stream == "agent"]
    assert any(one.state is SpeechState.SPEECH for one in agent)


def test_calls_share_a_model_and_one_that_fails_ends_alone(
    settings: RunSettings, tmp_path: Path
) -> None:
    loaded: list[Path | None] = []

    def loads(path: Path | None, provider: Requested) -> Classifier:
        loaded.append(path)
        return load_classifier(path, provider, 1)

    calls = CallMonitor(Monitoring(loads))
    broken, fine = line("broken"), line("fine")
    broken.refusals.append(EmoliveError("There is nobody on that line."))
    first = calls.open(RunDescription(broken, settings))
    second = calls.open(RunDescription(fine, settings))
    assert first.live.wait(60)
    assert first.live.status().state is EngineState.FAILED
    assert first.live.status().reason == "There is nobody on that line."
    until(lambda: second.live.status().state is EngineState.RUNNING)
    with pytest.raises(ModelError):
        calls.open(RunDescription(line("line"), RunSettings(tmp_path / "none.onnx")))
    assert len(calls.calls) == 2
    assert loaded == [settings.model, tmp_path / "none.onnx"]
    assert calls.close(60)
    assert second.live.over
    assert fine.closed


def test_rules_are_swapped_under_a_call_and_an_unusable_file_stops_nothing(
    calls: CallMonitor, settings: RunSettings, tmp_path: Path
) -> None:
    rule = EmotionRule(name="Always", emotions=(models.LABELS[-1],), probability=0.5, for_s=0.5)
    first, second = RuleSet(rule=(rule,)), RuleSet(rule=(rule,))
    calls.use_rules(first, tmp_path / "library")
    one, two = (calls.open(RunDescription(line(name), settings)) for name in "ab")
    service = one.run.alerts.service
    assert service is two.run.alerts.service is calls.alerts, "one set of couriers for all"
    assert calls.use_rules(second, tmp_path / "library") == []
    assert one.run.alerts.service is two.run.alerts.service is calls.alerts
    assert calls.alerts is not service
    assert {watch.name for watch in calls.alerts.watches} == {"a", "b"}
    calls.remove(one.id)
    assert {watch.name for watch in calls.alerts.watches} == {"b"}
    assert calls.use_rules(None, None) == []
    assert calls.alerts is two.run.alerts.service is None
