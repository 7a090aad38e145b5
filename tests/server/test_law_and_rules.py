"""What holds on the desk holds for a server: policies, consent, rules, numbers; and its limits."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from emolive.consent.permission import STATEMENT
from emolive.server.admission import Admission, Progress
from emolive.server.client import CallSender, send_paced
from emolive.server.settings import Keeping, ServerSettings
from emolive.session.library import Library
from tests.models import LABELS
from tests.server.running import Running, serving, tiny, two_parties
from tests.waiting import until

RATE = 8_000
POLICY = f"""
version = 1

[agent_emotion]
infer = true
statement = {STATEMENT.version}
responsible = "Jane Doe, data protection officer"
basis = "Safety of dispatchers"
"""
RULES = f"""
version = 1

[[rule]]
name = "Always"
kind = "emotion"
emotions = ["{LABELS[-1]}"]
probability = 0.5
for_s = 0.5
severity = "critical"
"""


@pytest.fixture
def settings(tmp_path: Path) -> ServerSettings:
    return ServerSettings(
        model=tiny(tmp_path), provider="cpu", library=tmp_path / "library", measured=False
    )


def send(running: Running, seconds: float, **about: Any) -> None:
    async def sending() -> None:
        async with CallSender(
            running.ws, running.token, sampling_rate=RATE, channels=2, **about
        ) as call:
            await send_paced(call, two_parties(seconds, RATE), RATE)

    asyncio.run(sending())


def test_a_policy_permits_agents_and_every_call_is_written_down(
    settings: ServerSettings, tmp_path: Path
) -> None:
    policy = tmp_path / "policy.toml"
    policy.write_text(POLICY)
    with serving(replace(settings, policy=policy)) as running, running.watching() as watch:
        send(running, 4.0, call="permitted")
        info = watch.until("call_ended")["info"]
        assert [one["emotion"] for one in info["streams"]] == [True, True]
        assert "Jane Doe" in info["agent_permitted_by"]
        assert any(one["probabilities"] for one in watch.of("prediction", stream="agent"))
    with Library.open(settings.library) as library:
        granted = [one for one in library.audit_log() if one.action == "agent_emotion.granted"]
    assert len(granted) == 1
    assert "permitted" in str(granted[0].details["call"])


def test_only_what_was_consented_to_is_kept(settings: ServerSettings) -> None:
    kept = replace(settings, keeping=Keeping.TIMELINE, only_consented=True)
    with serving(kept) as running, running.watching() as watch:
        for call, consent in (("yes", True), ("no", False), ("untold", None)):
            send(running, 3.2, call=call, title=call, consent=consent)
            watch.until("call_ended", call=call)
        until(lambda: not any(one["recording"] for one in running.calls()))
        sessions = running.get("/v1/sessions")["sessions"]
    assert [one["title"] for one in sessions] == ["yes"]
    assert not any(stream["audio"] for stream in sessions[0]["streams"])


def test_rules_raise_alerts_that_somebody_sees_to(settings: ServerSettings, tmp_path: Path) -> None:
    rules = tmp_path / "rules.toml"
    rules.write_text(RULES)
    with serving(replace(settings, rules=rules)) as running, running.watching() as watch:
        send(running, 6.0, call="angry")
        alert = watch.until("alert", call="angry")
        assert (alert["rule"], alert["severity"], alert["number"]) == ("Always", "critical", 1)
        ended = watch.until("call_ended", call="angry")["info"]
        assert ended["alert_count"] == 1
        assert ended["urgency"] >= 3
        assert ended["alerts"][0]["end_s"] is not None
        assert running.get("/v1/alerts")["alerts"][0]["call"] == "angry"
        answer = running.http.post("/v1/calls/angry/acknowledge", json={"numbers": [1, 7]})
        assert answer.json() == {"numbers": [1]}
        assert watch.until("acknowledged", call="angry")["numbers"] == [1]
        assert running.call("angry")["alerts"][0]["acknowledged"]
        assert running.call("angry")["urgency"] < 1
        numbers = running.http.get("/metrics").text
    assert "emolive_server_calls 0.0" in numbers
    assert "emolive_server_calls_opened_total 1.0" in numbers
    assert 'emolive_tap_gaps_total{call="angry"}' not in numbers, "of calls that go on"


def test_the_answers_of_a_server_are_described(settings: ServerSettings) -> None:
    with serving(settings) as running:
        about = running.get("/v1/appearance")
        assert [one["label"] for one in about["labels"]] == list(LABELS)
        assert about["labels"][LABELS.index("angry")]["negative"] is True
        assert about["streams"]["agent"] == "agent"
        assert {"field", "name", "unit", "text", "source"} == set(about["definitions"][0])
        others = running.get("/v1/appearance?labels=bored,happy")["labels"]
        assert [one["label"] for one in others] == ["bored", "happy"]
        models = running.get("/v1/models")
        assert models["running"]["name"] == "tiny"
        assert len(models["models"]) >= 1
        server = running.get("/v1/server")
        assert server["capacity"] >= 1
        assert 0 < server["cost_per_call"] < 1


class Clock:
    now = 0.0
    spent = 0.0

    def __call__(self) -> float:
        return self.now


def test_admission_follows_what_calls_really_cost() -> None:
    clock = Clock()
    admission = Admission(0.1, hop_s=0.5, limit=1.6, clock=clock, spent=lambda: clock.spent)
    assert admission.capacity == 16
    for _ in range(600):
        clock.now += 1.0
        clock.spent += 10 * 0.04
        admission.look(Progress(10, 0, 0.0))
    assert admission.cost == pytest.approx(0.04, rel=0.05)
    assert admission.capacity == pytest.approx(40, abs=2)
    assert admission.cores == pytest.approx(0.4)
    assert admission.refusal(20) is None
    assert "no more" in (admission.refusal(admission.capacity) or "")


def test_admission_takes_nobody_while_calls_are_late() -> None:
    clock = Clock()
    admission = Admission(0.01, hop_s=0.5, limit=1.6, most=50, clock=clock, spent=clock)
    assert admission.capacity == 50
    admission.look(Progress(10, 3, 0.0))
    assert "late" in (admission.refusal(10) or "")
    clock.now += 11
    admission.look(Progress(10, 3, 0.1))
    assert admission.refusal(10) is None
    admission.look(Progress(10, 3, 1.5))
    assert admission.refusal(10) is not None


def test_nothing_is_learnt_from_a_server_that_does_nothing() -> None:
    clock = Clock()
    admission = Admission(0.1, hop_s=0.5, limit=1.6, clock=clock, spent=lambda: 0.0)
    for _ in range(100):
        clock.now += 1.0
        admission.look(Progress(0, 0, 0.0))
    assert admission.cost == 0.1
