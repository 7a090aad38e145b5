"""A shift adds up what was recorded: agents by their conversations alone, emotions of customers."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import numpy as np
import pytest

from emolive.session.library import Library
from emolive.session.records import AlertRecord
from emolive.session.shift import AgentRow, shift
from emolive.types import Segment, SpeechActivity
from tests.session.filled import CALL, RATE, new_session

NOON = datetime(2026, 3, 3, 12, 0, tzinfo=UTC)
CHUNK = 512


def activity(start_s: float, end_s: float, total_s: float = 60.0) -> SpeechActivity:
    """Of a whole call, speech from `start_s` to `end_s`."""
    at = np.arange(round(total_s * RATE / CHUNK)) * CHUNK / RATE
    spoken = (at >= start_s) & (at < end_s)
    level = np.where(spoken, -20, -70).astype(np.float32)
    return SpeechActivity(0, CHUNK, spoken, spoken.astype(np.float32), level)


def call(
    library: Library, at: datetime, *tags: str, agent_label: str = "angry", seconds: int = 60
) -> str:
    """The agent speaks for 20 s, the customer for 10 s; then nobody."""
    record = replace(new_session("A call", at, CALL), tags=tags)
    writer = library.create(record, audio=False)
    writer.add_segments(
        [
            Segment("agent", 0, 20 * RATE, agent_label, 0.9),
            Segment("customer", 20 * RATE, 28 * RATE, "sad", 0.9),
            Segment("customer", 28 * RATE, 30 * RATE, "happy", 0.9),
            Segment("customer", 30 * RATE, 60 * RATE, "silence", 0.9),
        ]
    )
    writer.add_activity("agent", activity(0, 20))
    writer.add_activity("customer", activity(20.5, 30.5))
    writer.add_alert(AlertRecord("Customer upset", 25 * RATE, "upset", stream="customer"))
    return writer.finish(seconds * RATE).id


@pytest.fixture
def library(tmp_path: Path) -> Iterator[Library]:
    with Library.open(tmp_path / "library") as opened:
        yield opened


def test_hours_agents_emotions_and_alerts(library: Library) -> None:
    first = call(library, NOON, "agent:Jane", "team:Billing")
    call(library, NOON + timedelta(minutes=90), "agent:Jane", "team:Sales")
    call(library, NOON + timedelta(minutes=95), "agent:Bob", "team:Billing")
    call(library, NOON - timedelta(days=2), "agent:Old")
    writer = library.create(new_session("No call", NOON, CALL[:1]), audio=False)
    writer.add_segments([Segment("agent", 0, RATE, "angry", 0.9)])
    writer.finish(RATE)
    found = shift(library, NOON - timedelta(hours=1), NOON + timedelta(hours=4))
    assert found.teams == ("Billing", "Sales")
    assert sum(row.calls for row in found.hours) == found.calls
    assert found.hours == tuple(sorted(found.hours, key=lambda row: row.start))
    assert sum(row.alerts for row in found.hours) == len(found.alerts) == 3
    assert found.emotions == pytest.approx({"sad": 24.0, "happy": 6.0})
    assert "angry" not in found.emotions, "the agent's, whatever was inferred"
    bob, jane = found.agents
    assert (bob.name, bob.calls, jane.name, jane.calls) == ("Bob", 1, "Jane", 2)
    assert jane.talk_share == pytest.approx(2 / 3, abs=0.02)
    assert jane.silence_share == pytest.approx(0.5, abs=0.02)
    assert not {"emotion", "label", "angry"} & set(AgentRow.__slots__)
    assert found.alerts[-1].session.id == first
    assert found.alerts[-1].at == NOON + timedelta(seconds=25)
    billing = shift(library, NOON - timedelta(hours=1), NOON + timedelta(hours=4), team="Billing")
    assert [row.name for row in billing.agents] == ["Bob", "Jane"]
    assert billing.agents[1].calls == 1
    assert billing.teams == ("Billing", "Sales"), "the others can still be chosen"


def test_an_empty_shift_is_no_error(library: Library) -> None:
    found = shift(library, NOON, NOON + timedelta(hours=1))
    assert (found.calls, found.hours, found.agents, found.alerts) == (0, (), (), ())
