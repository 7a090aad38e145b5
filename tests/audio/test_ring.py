"""The ring against a plain list, and against a reader in another thread."""

from __future__ import annotations

import sys
import threading

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from emolive.audio.ring import SampleRing
from emolive.types import FloatArray


def frames(start: int, n: int, channels: int) -> FloatArray:
    """Frames that tell which they are: channel c of frame i is ``i + c / 4``."""
    index = np.arange(start, start + n, dtype=np.float32)[:, None]
    return index + np.arange(channels, dtype=np.float32) / 4


@settings(deadline=None)
@given(
    capacity=st.integers(1, 40),
    channels=st.integers(1, 3),
    steps=st.lists(
        st.one_of(
            st.tuples(st.just("write"), st.integers(0, 90)),
            st.tuples(st.just("read"), st.integers(0, 400)),
            st.tuples(st.just("read some"), st.integers(0, 400)),
        ),
        max_size=30,
    ),
)
def test_reads_what_a_list_would_hold(
    capacity: int, channels: int, steps: list[tuple[str, int]]
) -> None:
    ring = SampleRing(capacity, channels)
    written = 0
    for what, number in steps:
        if what == "write":
            ring.write(frames(written, number, channels))
            written += number
        else:
            start = number % (written + 1)
            limit = number // 7 if what == "read some" else None
            got = ring.read(start, limit)
            first = max(start, written - capacity)
            last = written if limit is None else min(written, first + limit)
            assert got.start == first
            assert got.lost == first - start
            assert got.end == last
            np.testing.assert_array_equal(got.samples, frames(first, last - first, channels))
            assert got.samples.dtype == np.float32
        assert ring.written == written


@settings(deadline=None)
@given(blocks=st.lists(st.integers(0, 25), max_size=30), capacity=st.integers(1, 30))
def test_cursor_that_follows_sees_every_frame_or_counts_it_as_lost(
    blocks: list[int], capacity: int
) -> None:
    ring = SampleRing(capacity, 1)
    cursor = seen = lost = 0
    for number, n in enumerate(blocks):
        ring.write(frames(ring.written, n, 1))
        if number % 2:
            got = ring.read(cursor)
            seen += len(got.samples)
            lost += got.lost
            cursor = got.end
    got = ring.read(cursor)
    assert seen + len(got.samples) + lost + got.lost == sum(blocks) == got.end


def test_read_returns_a_copy() -> None:
    ring = SampleRing(4, 1)
    ring.write(frames(0, 4, 1))
    kept = ring.read(0).samples
    ring.write(frames(4, 4, 1))
    np.testing.assert_array_equal(kept, frames(0, 4, 1))


@pytest.mark.parametrize("start", [-1, 5])
def test_start_outside_the_stream_is_refused(start: int) -> None:
    ring = SampleRing(8, 1)
    ring.write(frames(0, 4, 1))
    with pytest.raises(ValueError, match="outside the stream of 4"):
        ring.read(start)


@pytest.mark.parametrize("shape", [(4,), (4, 1), (4, 3)])
def test_block_of_another_shape_is_refused(shape: tuple[int, ...]) -> None:
    ring = SampleRing(8, 2)
    with pytest.raises(ValueError, match="2 channels"):
        ring.write(np.zeros(shape, np.float32))
    assert ring.written == 0


@pytest.mark.parametrize(("capacity", "channels"), [(0, 1), (1, 0)])
def test_ring_without_room_is_refused(capacity: int, channels: int) -> None:
    with pytest.raises(ValueError, match="needs room"):
        SampleRing(capacity, channels)


def test_reader_in_another_thread_never_sees_torn_data() -> None:
    """Blocks are large enough for numpy to release the interpreter lock while it copies."""
    capacity, block, rounds = 60_000, 20_000, 400
    ring = SampleRing(capacity, 2)
    base = frames(0, block, 2)
    problems: list[str] = []
    done = threading.Event()
    reads = 0

    def read_all() -> None:
        nonlocal reads
        cursor = 0
        while not done.is_set() or cursor < ring.written:
            got = ring.read(cursor)
            # float32 counts exactly up to 2**24, and the stream stays below that.
            if not np.array_equal(got.samples, frames(got.start, len(got.samples), 2)):
                problems.append(f"torn at {got.start}")
            if got.start != cursor + got.lost:
                problems.append(f"asked for {cursor}, got {got.start}, {got.lost} lost")
            # Mostly chase the oldest frames, which the writer is about to overwrite.
            cursor = got.end if reads % 3 else max(cursor, ring.written - capacity)
            reads += 1

    interval = sys.getswitchinterval()
    sys.setswitchinterval(1e-5)
    reader = threading.Thread(target=read_all)
    try:
        reader.start()
        for number in range(rounds):
            ring.write(base + np.float32(number * block))
        done.set()
        reader.join()
    finally:
        done.set()
        sys.setswitchinterval(interval)
    assert ring.written == block * rounds < 2**24
    assert reads > 10
    assert problems == []
