"""The order of the wall: urgent first, calm, and stable."""

from __future__ import annotations

from pathlib import Path

from hypothesis import given
from hypothesis import strategies as st

from emolive.labels import is_negative
from emolive.monitoring.call_feed import Digest
from emolive.monitoring.sources import CallChoice, CallKind
from emolive.types import Alert, EngineState, EngineStatus, Severity
from emolive.ui.calls.grid import RESORT_S, UrgencyOrder
from emolive.ui.calls.model import CallInfo, CallModel
from tests.ui import feed


def call(name: str, negative: float = 0.0, severity: Severity | None = None) -> CallModel:
    choice = CallChoice(CallKind.STEREO_FILE, name, files=(Path(name),))
    model = CallModel(CallInfo(name, name, choice, feed.run_facts(), {}))
    model.apply(Digest(status=feed.status(EngineState.RUNNING, ("customer",))))
    model.streams["customer"].negative = negative
    if severity is not None:
        digest = Digest()
        digest.alerts.append(Alert("r", "emotion", severity, None, None, 0, 0, 0, "message"))
        model.apply(digest)
    return model


def test_alerts_come_first_by_severity_then_the_mood() -> None:
    calm, upset = call("calm", 0.1), call("upset", 0.9)
    info, critical = call("info", 0.0, Severity.INFO), call("critical", 0.0, Severity.CRITICAL)
    order = UrgencyOrder().arrange([calm, info, upset, critical], 0.0)
    assert order == ["critical", "info", "upset", "calm"]


def test_an_acknowledged_alert_counts_no_more() -> None:
    loud, quiet = call("loud", 0.0, Severity.CRITICAL), call("quiet")
    order = UrgencyOrder()
    assert order.arrange([quiet, loud], 0.0)[0] == "loud"
    loud.acknowledge()
    quiet.streams["customer"].negative = 0.9
    assert order.arrange([quiet, loud], RESORT_S)[0] == "quiet"


def test_places_are_kept_between_sortings_and_while_held() -> None:
    one, two = call("one", 0.9), call("two", 0.1)
    order = UrgencyOrder()
    assert order.arrange([one, two], 10.0) == ["one", "two"]
    two.streams["customer"].negative, one.streams["customer"].negative = 0.95, 0.0
    assert order.arrange([one, two], 10.0 + RESORT_S / 2) == ["one", "two"]
    assert order.arrange([one, two], 20.0, hold=True) == ["one", "two"]
    assert order.arrange([one, two], 20.0) == ["two", "one"]


def test_a_mood_that_trembles_around_a_step_moves_nothing() -> None:
    one, two = call("one", 0.42), call("two", 0.41)
    order = UrgencyOrder()
    before = order.arrange([one, two], 0.0)
    for turn in range(1, 20):
        one.streams["customer"].negative = 0.38 if turn % 2 else 0.43
        assert order.arrange([one, two], turn * RESORT_S) == before


def test_those_that_are_over_go_last() -> None:
    over, going = call("over", 0.9), call("going", 0.0)
    over.apply(Digest(status=EngineStatus(EngineState.STOPPED)))
    assert UrgencyOrder().arrange([over, going], 0.0) == ["going", "over"]


@given(st.lists(st.floats(0, 1), min_size=1, max_size=12), st.integers(0, 12))
def test_every_call_has_one_place_whoever_comes_and_goes(moods: list[float], gone: int) -> None:
    models = [call(f"c{i}", mood) for i, mood in enumerate(moods)]
    order = UrgencyOrder()
    assert sorted(order.arrange(models, 0.0)) == sorted(m.info.id for m in models)
    left = models[:gone]
    assert sorted(order.arrange(left, RESORT_S)) == sorted(m.info.id for m in left)


def test_unpleasant_emotions_are_those_of_negative_valence() -> None:
    found = {label for label in feed.LABELS if is_negative(label)}
    assert found == {"sad", "angry", "fearful", "disgust"}
