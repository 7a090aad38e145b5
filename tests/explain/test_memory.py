"""The bounded memory of audio: it gives back what came in, or says that it cannot."""

from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from emolive.explain.explainer import AudioMemory
from tests.memory import array_bytes

RATE = 100


def ramp(start: int, end: int) -> np.ndarray:
    return np.arange(start, end, dtype=np.float32)


@given(
    st.lists(st.tuples(st.integers(1, 400), st.integers(0, 3)), max_size=30),
    st.integers(0, 2000),
    st.integers(1, 300),
)
def test_what_is_read_is_what_was_written_there(
    blocks: list[tuple[int, int]], start: int, length: int
) -> None:
    memory = AudioMemory(RATE, 3.0)
    end = 0
    held: dict[int, float] = {}
    for size, kind in blocks:
        gap = 37 if kind == 3 else 0
        first = end + gap
        end = first + size
        memory.add(end, ramp(first, end))
        held |= {i: float(i) for i in range(first, end)}
    before = array_bytes(memory)
    got = memory.read(start, start + length)
    wanted = [held.get(i) for i in range(start, start + length)]
    kept = start >= end - memory.capacity and start + length <= end
    if kept and None not in wanted:
        assert got is not None
        assert got.tolist() == wanted
    else:
        assert got is None
    assert array_bytes(memory) == before == 4 * 3 * RATE


def test_many_gaps_are_bounded_and_nothing_wrong_is_read() -> None:
    memory = AudioMemory(RATE, 100.0)
    at = 0
    for _ in range(600):
        at += 4
        memory.add(at + 8, ramp(at, at + 8))
        at += 8
    assert len(memory._gaps) <= 256
    for start in range(memory.start, at - 8):
        got = memory.read(start, start + 8)
        assert got is None or got.tolist() == ramp(start, start + 8).tolist()


def test_audio_that_was_heard_already_is_not_heard_again() -> None:
    memory = AudioMemory(RATE, 3.0)
    memory.add(100, ramp(0, 100))
    memory.add(120, np.concatenate([np.full(30, -1, np.float32), ramp(100, 120)])[-50:])
    assert memory.end == 120
    got = memory.read(0, 120)
    assert got is not None
    assert got.tolist() == ramp(0, 120).tolist()
