"""The ring against a plain list, and against a reader in another thread."""

from __future__ import annotations

import sys
import threading
import time
from collections.abc import Callable
from contextlib import suppress

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from emolive.audio.ring import RingRead, SampleRing
from emolive.types import FloatArray


def frames(start: int, n: int, channels: int) -> FloatArray:
    """Frames that tell which they are: channel c of frame i is ``i + c / 4``."""
    index = np.arange(start, start + n, dtype=np.float32)[:, None]
    return index + np.arange(channels, dtype=np.float32) / 4


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


class Interrupted(np.ndarray):
    """Lets something else happen in the middle of a copy into or out of the ring."""

    hook: Callable[[], None] | None = None

    def __setitem__(self, key: object, value: object) -> None:
        np.asarray(self)[key] = value
        self._interrupt()

    def __getitem__(self, key: object) -> object:
        got = np.asarray(self)[key].copy()
        self._interrupt()
        return got

    def _interrupt(self) -> None:
        hook, type(self).hook = type(self).hook, None
        if hook is not None:
            hook()


@given(
    capacity=st.integers(1, 30),
    before=st.integers(0, 90),
    block=st.integers(1, 90),
    start=st.integers(0, 90),
)
def test_read_in_the_middle_of_a_write_gets_no_torn_frame(
    capacity: int, before: int, block: int, start: int
) -> None:
    ring = SampleRing(capacity, 1)
    ring.write(frames(0, before, 1))
    ring._frames = ring._frames.view(Interrupted)
    reads: list[RingRead] = []
    Interrupted.hook = lambda: reads.append(ring.read(start % (before + 1)))
    ring.write(frames(before, block, 1))
    (got,) = reads
    assert got.lost == got.start - start % (before + 1)
    np.testing.assert_array_equal(got.samples, frames(got.start, len(got.samples), 1))


@given(
    capacity=st.integers(1, 30),
    before=st.integers(0, 90),
    block=st.integers(1, 90),
    start=st.integers(0, 90),
)
def test_write_in_the_middle_of_a_read_loses_frames_but_tears_none(
    capacity: int, before: int, block: int, start: int
) -> None:
    ring = SampleRing(capacity, 1)
    ring.write(frames(0, before, 1))
    ring._frames = ring._frames.view(Interrupted)
    Interrupted.hook = lambda: ring.write(frames(before, block, 1))
    got = ring.read(start % (before + 1))
    assert got.end <= before
    np.testing.assert_array_equal(got.samples, frames(got.start, len(got.samples), 1))
    again = ring.read(got.end)
    assert again.end == before + block
    assert again.lost + got.lost + len(again.samples) + len(got.samples) == (
        before + block - start % (before + 1)
    )


@given(capacity=st.integers(1, 30), before=st.integers(0, 90), block=st.integers(1, 90))
def test_write_that_has_only_begun_during_a_read_tears_none(
    capacity: int, before: int, block: int
) -> None:
    ring = SampleRing(capacity, 1)
    ring.write(frames(0, before, 1))
    ring._frames = ring._frames.view(Interrupted)

    def begin_to_write() -> None:
        # The write stops where it is, as when its thread is put to sleep until the read is over.
        Interrupted.hook = stop
        with suppress(InterruptedError):
            ring.write(frames(before, block, 1))

    def stop() -> None:
        raise InterruptedError

    Interrupted.hook = begin_to_write
    got = ring.read(0)
    assert got.end <= before
    np.testing.assert_array_equal(got.samples, frames(got.start, len(got.samples), 1))


def test_reader_in_another_thread_never_sees_torn_data() -> None:
    """Blocks are large enough for numpy to release the interpreter lock while it copies."""
    capacity, block, rounds = 60_000, 20_000, 800
    ring = SampleRing(capacity, 1)
    base = frames(0, block, 1)
    problems: list[str] = []
    done = threading.Event()
    seen = reads = 0

    def read_all() -> None:
        nonlocal reads, seen
        cursor = 0
        while not done.is_set() or cursor < ring.written:
            got = ring.read(cursor)
            # float32 counts exactly up to 2**24, and the stream stays below that.
            if not np.array_equal(got.samples, frames(got.start, len(got.samples), 1)):
                problems.append(f"torn at {got.start}")
            if got.start != cursor + got.lost:
                problems.append(f"asked for {cursor}, got {got.start}, {got.lost} lost")
            seen += len(got.samples)
            reads += 1
            # Chase the oldest frames, which the writer is about to overwrite.
            cursor = max(got.end - capacity, 0) if reads % 4 else got.end

    interval = sys.getswitchinterval()
    sys.setswitchinterval(1e-5)
    reader = threading.Thread(target=read_all)
    try:
        reader.start()
        for number in range(rounds):
            ring.write(base + np.float32(number * block))
            while reads * 40 < number and reader.is_alive():
                time.sleep(0.0005)  # a busy machine lets the reader run seldom
    finally:
        done.set()
        reader.join()
        sys.setswitchinterval(interval)
    assert ring.written == block * rounds < 2**24
    assert reads > 10
    assert seen > capacity
    assert problems == []
