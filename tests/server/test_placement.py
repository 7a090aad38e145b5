"""Packets in any order, lost, late or twice: every sample where it belongs, every loss counted."""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from emolive.server.placement import Packet, Placement
from emolive.types import FloatArray

RATE = 8_000
N = 160  # a packet of 20 ms
FAR = 10**12


def voice(n: int, offset: int = 0) -> FloatArray:
    """Samples that tell where they belong."""
    return (np.arange(offset, offset + n, dtype=np.float32) + 1)[:, np.newaxis]


def packet(number: int, channel: int | None = 0, *, jitter: int = 0) -> Packet:
    at = number * N
    return Packet(voice(N, at), channel, max(0, at + jitter), number + 1)


def run(placement: Placement, packets: Iterable[Packet]) -> FloatArray:
    blocks = [b for p in packets for b in placement.accept(p, FAR)] + list(placement.finish())
    return np.concatenate(blocks) if blocks else np.empty((0, 1), np.float32)


def test_packets_in_order_come_out_as_they_are() -> None:
    placement = Placement(RATE, 1)
    out = run(placement, [packet(i) for i in range(50)])
    np.testing.assert_array_equal(out, voice(50 * N))
    assert placement.status.gaps == placement.status.late_packets == 0


def test_time_stamps_that_wobble_move_nothing() -> None:
    rng = np.random.default_rng(1)
    placement = Placement(RATE, 1)
    wobbly = [packet(i, jitter=int(rng.integers(-120, 120))) for i in range(500)]
    out = run(placement, wobbly)
    np.testing.assert_array_equal(out, voice(500 * N))
    assert placement.status.gaps == 0


@given(st.data())
def test_disorder_loss_and_repeats_put_every_sample_where_it_belongs(data: st.DataObject) -> None:
    n = data.draw(st.integers(1, 40))
    lost = data.draw(st.sets(st.integers(1, n - 1), max_size=n // 2)) if n > 1 else set()
    # Packets are shuffled within what is held: eight packets of 20 ms in 200 ms.
    delay = {i: data.draw(st.integers(0, 6)) for i in range(1, n)} | {0: 0}
    order = sorted((i for i in range(n) if i not in lost), key=lambda i: (i + delay[i], i))
    twice = data.draw(st.lists(st.sampled_from(order), max_size=3))
    placement = Placement(RATE, 1)
    out = run(placement, [packet(i) for i in order + twice])
    last = max(order) + 1
    wanted = voice(last * N)
    for i in lost:
        wanted[i * N : (i + 1) * N] = 0
    np.testing.assert_array_equal(out, wanted[: last * N])
    gone = [i for i in lost if i < last]
    stretches = sum(1 for i in gone if i - 1 not in lost)
    status = placement.status
    assert status.lost_samples == len(gone) * N
    assert status.gaps == stretches
    assert status.late_packets == len(twice)


@given(st.data())
def test_two_channels_stay_together(data: st.DataObject) -> None:
    n = data.draw(st.integers(1, 40))
    lag = data.draw(st.integers(0, 8))
    lost = data.draw(st.sets(st.tuples(st.integers(0, 1), st.integers(1, n)), max_size=10))
    sent = [
        (when, channel, i)
        for channel in (0, 1)
        for i in range(n)
        if (channel, i) not in lost
        for when in [i + (lag if channel else 0)]
    ]
    placement = Placement(RATE, 2)
    out = run(placement, [packet(i, c) for _, c, i in sorted(sent)])
    for channel in (0, 1):
        wanted = voice(len(out))[:, 0]
        for i in range(len(out) // N):
            if (channel, i) in lost or i >= n:
                wanted[i * N : (i + 1) * N] = 0
        np.testing.assert_array_equal(out[:, channel], wanted)
    assert len(out) == N * (1 + max(i for _, _, i in sent))


def test_a_channel_that_stays_away_holds_the_other_back_no_longer_than_agreed() -> None:
    placement = Placement(RATE, 2, hold_s=0.2)
    out = [b for i in range(100) for b in placement.accept(packet(i, 0), FAR)]
    assert sum(map(len, out)) == 100 * N - round(0.2 * RATE)
    assert placement.status.gaps == 0, "a channel that has not begun loses nothing"
    late = list(placement.accept(packet(3, 1), FAR))
    assert not late
    assert placement.status.late_packets == 1


def test_a_long_hole_is_silence_of_its_length_and_one_gap() -> None:
    placement = Placement(RATE, 1)
    out = run(placement, [packet(0), packet(1), packet(3_002)])
    assert len(out) == 3_003 * N
    assert placement.status.gaps == 1
    assert placement.status.lost_samples == 3_000 * N
    np.testing.assert_array_equal(out[-N:], voice(N, 3_002 * N))
    assert not out[2 * N : -N].any()


def test_an_impossible_time_is_put_behind_what_came_before() -> None:
    placement = Placement(RATE, 1)
    blocks = list(placement.accept(packet(0), 10 * RATE))
    blocks += placement.accept(Packet(voice(N, N), 0, 10**14, 2), 10 * RATE)
    blocks += placement.accept(packet(2), 10 * RATE)
    np.testing.assert_array_equal(np.concatenate(blocks), voice(3 * N))
    assert placement.status.stray_packets == 1
    assert placement.status.gaps == 0


@pytest.mark.parametrize("before", [100, 400, 3_000])
def test_a_sender_that_counts_anew_is_heard_again(before: int) -> None:
    placement = Placement(RATE, 1)
    out = run(placement, [packet(i) for i in [*range(before), *range(1_000)]])
    deaf = 150 if before >= 150 else before  # three seconds, or until its count is where it was
    assert len(out) == (before + 1_000 - deaf) * N
    np.testing.assert_array_equal(out[-N:], voice(N, 999 * N))
    assert placement.status.late_packets == deaf
    assert placement.status.gaps == 0


def test_a_party_that_is_always_later_than_the_other_is_heard() -> None:
    placement = Placement(RATE, 2)
    pairs = [(packet(i, 0), packet(i - 50, 1)) for i in range(50, 600)]
    out = run(placement, [one for pair in pairs for one in pair])
    assert out[-100 * N : -10 * N, 1].all()  # the last 0.2 s are held for more


def test_packets_without_times_follow_each_other_and_skips_are_no_loss() -> None:
    placement = Placement(RATE, 2)
    stereo = np.ones((N, 2), np.float32)
    blocks = list(placement.accept(Packet(stereo), FAR))
    blocks += placement.skip(5 * RATE)
    blocks += placement.accept(Packet(2 * stereo), FAR)
    out = np.concatenate(blocks)
    assert len(out) == 2 * N + 5 * RATE
    assert (out[:N] == 1).all()
    assert not out[N:-N].any()
    assert (out[-N:] == 2).all()
    assert placement.status.gaps == 0


@given(
    st.lists(
        st.tuples(
            st.sampled_from([None, 0, 1]),
            st.one_of(st.none(), st.integers(0, 10**9)),
            st.one_of(st.none(), st.integers(0, 10**6)),
            st.integers(0, 700),
        ),
        max_size=40,
    )
)
def test_nothing_a_client_claims_breaks_it(claims: list[tuple[int | None, int, int, int]]) -> None:
    placement = Placement(RATE, 2)
    given_out = 0
    for channel, position, number, n in claims:
        samples = np.ones((n, 2 if channel is None else 1), np.float32)
        for block in placement.accept(
            Packet(samples, channel, position, number), given_out + 5 * RATE
        ):
            assert block.shape[1] == 2
            assert len(block) > 0
            given_out += len(block)
        assert placement.position == given_out
        assert len(placement._buffer) <= 4 * (4 * round(0.2 * RATE) + 700)
    given_out += sum(map(len, placement.finish()))
    assert placement.position == given_out == placement.end


def test_a_slow_drift_of_the_senders_clock_is_followed_and_never_piles_up() -> None:
    placement = Placement(RATE, 1)
    # Time stamps run one percent faster than the samples that come.
    out = run(placement, [Packet(voice(N), 0, round(i * N * 1.01), i + 1) for i in range(3_000)])
    assert abs(len(out) - 3_000 * N * 1.01) <= 0.03 * RATE + N
    assert placement.status.lost_samples == pytest.approx(3_000 * N * 0.01, rel=0.1)
