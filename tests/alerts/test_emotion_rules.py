from __future__ import annotations

from dataclasses import replace
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from emolive.alerts.conditions.emotion import EmotionRule
from emolive.alerts.conditions.trend import TrendRule
from emolive.alerts.engine import AlertEngine
from emolive.alerts.rules import RuleSet
from emolive.types import EngineState, EngineStatus, Role, Severity, Stream, StreamStatus
from tests.alerts.calls import (
    AGENT,
    CALL,
    CUSTOMER,
    FORMAT,
    HOP,
    RATE,
    WINDOW,
    evaluate,
    window,
    windows,
)


def anger(**fields: object) -> RuleSet:
    fields = {"cool_down_s": 0, "dwell_s": 0, "probability": 0.6, "release": 0.4} | fields
    return RuleSet(rules=(EmotionRule(name="angry", emotions=("angry", "disgust"), **fields),))  # type: ignore[arg-type]


def rise(**fields: object) -> RuleSet:
    fields = {"cool_down_s": 0, "dwell_s": 0, "rise_per_minute": 1.0, "window_s": 10} | fields
    return RuleSet(rules=(TrendRule(name="rising", emotions=("angry",), **fields),))  # type: ignore[arg-type]


def at(index: int) -> int:
    """Where window `index` ends."""
    return WINDOW + index * HOP


def test_fires_once_it_has_held_for_long_enough() -> None:
    values = [0.1, 0.7, 0.5, 0.7, 0.65, 0.6, 0.6, 0.1]
    alerts, ended = evaluate(anger(for_s=2.0), windows(values))
    # 0.5 is between release and level: hysteresis keeps it.
    (alert,) = alerts
    assert alert.start_sample == at(1)
    assert alert.true_sample == alert.fired_sample == at(5)
    assert alert.stream == "customer"
    assert alert.role is Role.CUSTOMER
    assert alert.severity is Severity.WARNING
    assert alert.message == "angry: angry or disgust at 60\u00a0% for 2.0 s (the customer)."
    assert dict(alert.values) == {"probability": pytest.approx(0.6), "held_s": 2.0}
    assert [over.end_sample for over in ended] == [at(7)]


def test_at_the_release_level_it_starts_again() -> None:
    values = [0.7, 0.7, 0.4, 0.7, 0.7, 0.7, 0.7, 0.7]
    alerts, _ = evaluate(anger(for_s=2.0), windows(values))
    assert [(a.start_sample, a.fired_sample) for a in alerts] == [(at(3), at(7))]


def test_true_is_when_it_had_held_and_fired_when_that_was_heard() -> None:
    (alert,) = evaluate(anger(for_s=1.2), windows([0.9] * 5))[0]
    assert alert.true_sample == at(0) + round(1.2 * RATE)
    assert alert.fired_sample == at(3)


def test_a_pause_is_bridged_and_a_long_one_is_not() -> None:
    values = [0.9, 0.9, None, None, None, None, 0.9, 0.9, 0.9]
    assert len(evaluate(anger(for_s=3.0, bridge_s=2.0), windows(values))[0]) == 1
    assert evaluate(anger(for_s=3.0, bridge_s=1.5), windows(values))[0] == []


def test_nothing_is_raised_in_a_pause() -> None:
    values = [0.9, 0.9, None, None, None, 0.1]
    assert evaluate(anger(for_s=1.5, bridge_s=3.0), windows(values))[0] == []


def test_windows_left_out_are_a_pause() -> None:
    events = windows([0.9] * 12)
    kept = [*events[:3], *events[10:]]
    assert evaluate(anger(for_s=4.0, bridge_s=2.0), kept)[0] == []
    assert len(evaluate(anger(for_s=4.0, bridge_s=5.0), kept)[0]) == 1


def test_smoothing_needs_more_evidence() -> None:
    values = [0.0, 0.0, 0.9, 0.9, 0.0, 0.0]
    assert len(evaluate(anger(for_s=0.0), windows(values))[0]) == 1
    assert evaluate(anger(for_s=0.0, smoothing_s=2.0), windows(values))[0] == []


def test_each_stream_is_watched_on_its_own() -> None:
    streams = (Stream("left"), Stream("right"))
    events = [
        event
        for pair in zip(windows([0.9] * 5, "left"), windows([0.1] * 5, "right"), strict=True)
        for event in pair
    ]
    alerts, _ = evaluate(anger(for_s=1.0), events, streams)
    assert [a.stream for a in alerts] == ["left"]
    alerts, _ = evaluate(anger(for_s=1.0, stream="right"), events, streams)
    assert alerts == []


def test_roles_choose_the_stream_and_a_rule_without_one_says_so() -> None:
    engine = AlertEngine(anger(role="customer"), [Stream("mono")], FORMAT)
    assert engine.notes == ("Rule 'angry' has nothing to watch: there is no customer here.",)
    assert AlertEngine(anger(role="customer"), CALL, FORMAT).notes == ()


def test_nothing_runs_where_emotion_is_not_inferred() -> None:
    """Even if probabilities came along."""
    events = windows([0.99] * 20, "agent")
    for role in (None, "agent"):
        assert evaluate(anger(role=role), events)[0] == []
        assert evaluate(rise(role=role, rise_per_minute=0.01), events)[0] == []
    engine = AlertEngine(anger(role="agent"), CALL, FORMAT)
    assert engine.notes == (
        "Rule 'angry' has nothing to watch: emotion is not inferred for the agent.",
    )


def status(*streams: Stream) -> EngineStatus:
    return EngineStatus(
        EngineState.RUNNING,
        streams=tuple(StreamStatus(s.name, role=s.role, emotion=s.emotion) for s in streams),
    )


def test_a_status_turns_inference_on_and_off() -> None:
    engine = AlertEngine(anger(for_s=1.0), CALL, FORMAT)
    events = windows([0.9] * 30, "agent")
    assert not [a for event in events[:5] for a in engine.accept(event)]
    engine.accept(status(replace(AGENT, emotion=True), CUSTOMER))
    assert [a.fired_sample for e in events[5:10] for a in engine.accept(e)] == [at(7)]
    assert engine.raised == (("angry", "agent"),)
    engine.accept(status(AGENT, CUSTOMER))
    assert engine.raised == ()
    assert [over.end_sample for over in engine.take_ended()] == [at(9)]
    assert not [a for event in events[10:] for a in engine.accept(event)]


def test_an_emotion_the_model_does_not_know_stops_its_rule_alone() -> None:
    unknown = EmotionRule(name="x", emotions=("angry", "bored"), probability=0.5)
    off = EmotionRule(name="off", enabled=False, emotions=("bored",), probability=0.5)
    rules = RuleSet(rules=(unknown, off, *anger(for_s=1.0).rules))
    engine = AlertEngine(rules, CALL, FORMAT)
    assert engine.notes == ("Rule 'x' has nothing to watch: the model tiny does not know 'bored'.",)
    alerts = [a for event in windows([0.9] * 4) for a in engine.accept(event)]
    assert [alert.rule for alert in alerts] == ["angry"]


def test_a_rise_is_noticed_and_a_high_level_is_not_a_rise() -> None:
    rising = [min(0.9, 0.02 * i) for i in range(40)]  # 0.04 a second: 2.4 a minute
    (alert,) = evaluate(rise(), windows(rising))[0]
    values = dict(alert.values)
    assert values["rise_per_minute"] == pytest.approx(2.4)
    assert values["probability"] == pytest.approx(0.02 * (alert.fired_sample - WINDOW) / HOP)
    assert alert.message.startswith("rising: angry rising by 240\u00a0% per minute, now at ")
    assert evaluate(rise(), windows([0.9] * 40))[0] == []
    assert evaluate(rise(), windows(reversed(rising)))[0] == []


def test_a_rise_must_lead_somewhere() -> None:
    low = [min(0.2, 0.02 * i) for i in range(60)]
    assert len(evaluate(rise(), windows(low))[0]) == 1
    assert evaluate(rise(probability=0.25), windows(low))[0] == []


def test_a_rise_needs_enough_speech() -> None:
    sparse = [0.02 * i if i % 4 == 0 else None for i in range(40)]
    assert evaluate(rise(speech_share=0.5), windows(sparse))[0] == []
    assert len(evaluate(rise(speech_share=0.2), windows(sparse))[0]) == 1


answers = st.lists(st.none() | st.floats(0, 1, width=32), max_size=80)


@given(
    answers,
    st.sampled_from([0.0, 0.7, 1.0, 3.0]),
    st.sampled_from([0.0, 1.0, 4.0]),
    st.sampled_from([0.0, 1.0, 10.0]),
    st.sampled_from([0.0, 1.3, 8.0]),
)
def test_never_two_alerts_within_the_cool_down(
    values: list[float | None], for_s: float, bridge_s: float, cool_down_s: float, dwell_s: float
) -> None:
    fields = {"for_s": for_s, "bridge_s": bridge_s, "cool_down_s": cool_down_s, "dwell_s": dwell_s}
    alerts, ended = evaluate(anger(**fields), windows(values))
    for one, two in pairwise(alerts):
        assert two.fired_sample - one.fired_sample >= cool_down_s * RATE
    for alert, over in zip(alerts, ended, strict=True):
        assert alert.fired_sample == over.fired_sample <= over.end_sample
        assert alert.start_sample + for_s * RATE <= alert.true_sample <= alert.fired_sample
        # It began and was raised at windows that held speech, and never let go in between.
        first, last = ((s - WINDOW) // HOP for s in (alert.start_sample, alert.fired_sample))
        held = values[first : last + 1]
        assert held[0] is not None
        assert held[-1] is not None
        assert held[0] >= 0.6 - 1e-6
        assert all(v is None or v > 0.4 - 1e-6 for v in held)


@given(answers, answers, st.randoms(use_true_random=False))
def test_the_order_of_streams_does_not_matter(
    left: list[float | None], right: list[float | None], random: object
) -> None:
    rules = RuleSet(rules=(*anger(for_s=0.5, cool_down_s=2).rules, *rise().rules))
    streams = (Stream("left"), Stream("right"))
    one, two = windows(left, "left"), windows(right, "right")
    whole = evaluate(rules, [*one, *two], streams)
    mixed = []
    waiting = [list(one), list(two)]
    while any(waiting):
        mixed.append(random.choice([w for w in waiting if w]).pop(0))  # type: ignore[attr-defined]
    key = lambda a: (a.fired_sample, a.rule, a.stream)  # noqa: E731
    for ours, theirs in zip(whole, evaluate(rules, mixed, streams), strict=True):
        assert sorted(ours, key=key) == sorted(theirs, key=key)


def test_memory_is_bounded() -> None:
    engine = AlertEngine(rise(window_s=10), (CUSTOMER,), FORMAT)
    for i in range(2_000):
        engine.accept(window(at(i), 0.5))
    (watch,) = engine._emotional["customer"]
    assert len(watch._points) <= 21  # type: ignore[union-attr]
