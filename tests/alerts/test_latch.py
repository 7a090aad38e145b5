from __future__ import annotations

from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from emolive.alerts.latch import Latch, Over, Raised

HOLD, DWELL, COOL_DOWN = 5, 4, 30


def test_raises_when_it_has_held_and_is_over_after_the_dwell() -> None:
    latch = Latch(HOLD, DWELL, COOL_DOWN)
    latch.on(10)
    assert latch.advance(14) is None
    assert latch.advance(20) == Raised(10, 15, 15)
    assert latch.raised
    assert latch.off(16) is None  # dwell until 19
    assert latch.advance(18) is None
    assert latch.advance(40) == Over(15, 19)
    assert not latch.raised


def test_known_later_is_fired_later() -> None:
    latch = Latch(HOLD, DWELL, COOL_DOWN)
    latch.on(10)
    assert latch.advance(18, known_from=18) == Raised(10, 15, 18)


def test_a_condition_that_breaks_off_is_not_raised() -> None:
    latch = Latch(HOLD, DWELL, COOL_DOWN)
    latch.on(10)
    latch.off(14)
    latch.on(16)
    assert latch.advance(20) is None
    assert latch.advance(21) == Raised(16, 21, 21)


def test_off_and_on_within_the_dwell_is_one_alert() -> None:
    latch = Latch(0, 10, 0)
    latch.on(0)
    assert latch.advance(0) == Raised(0, 0, 0)
    latch.off(3)
    assert latch.on(8) is None
    assert latch.advance(100) is None
    assert latch.off(100) == Over(0, 100)


def test_the_cool_down_delays_what_still_holds() -> None:
    latch = Latch(HOLD, DWELL, COOL_DOWN)
    latch.on(0)
    assert latch.advance(6) == Raised(0, 5, 5)
    latch.off(10)
    latch.on(12)
    assert latch.advance(34) is None
    assert latch.advance(50) == Raised(12, 35, 35)


def test_the_end_ends_everything() -> None:
    latch = Latch(0, 100, 0)
    latch.on(0)
    latch.advance(1)
    assert latch.end(7) == Over(0, 7)
    assert latch.end(8) is None


steps = st.lists(st.tuples(st.integers(0, 12), st.sampled_from(["on", "off", "pass"])), max_size=80)


@given(steps, st.integers(0, 10), st.integers(0, 10), st.integers(0, 40))
def test_invariants(moves: list[tuple[int, str]], hold: int, dwell: int, cool_down: int) -> None:
    """Never two alerts within the cool-down; each ends once, after its dwell, before the next."""
    latch = Latch(hold, dwell, cool_down)
    now, on = 0, None
    seen: list[Raised | Over] = []
    for passed, move in moves:
        now += passed
        found = [latch.advance(now), latch.advance(now)]
        if move == "on":
            found.append(latch.on(now))
            on = now if on is None else on
        elif move == "off":
            found.append(latch.off(now))
            on = None
        found.append(latch.advance(now))
        seen += [item for item in found if item is not None]
        for item in found:
            if isinstance(item, Raised):
                assert item.true - item.start >= hold
                assert item.fired <= now
    if over := latch.end(now):
        seen.append(over)
    raised = [item for item in seen if isinstance(item, Raised)]
    for one, two in pairwise(raised):
        assert two.fired - one.fired >= cool_down
    # Raised and over in turn, in order.
    assert all(isinstance(item, Raised) == (i % 2 == 0) for i, item in enumerate(seen))
    overs = [item for item in seen if isinstance(item, Over)]
    assert len(overs) == len(raised)
    for start, over in zip(raised, overs, strict=True):
        assert over.fired == start.fired
        assert over.end >= start.fired + dwell or over.end == now
