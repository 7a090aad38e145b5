"""Streaming equals offline: in any chunking, and against a plain way of counting."""

from __future__ import annotations

from itertools import groupby

import pytest
from hypothesis import given
from hypothesis import strategies as st

from emolive.conversation import ConversationConfig, ConversationMetrics
from emolive.conversation.floor import Floor, OffsetHistogram
from emolive.conversation.talkspurts import Run, Talkspurts, Voice
from tests.conversation.timelines import PARTIES, RATE, meter, plain

UNIT = 512  # one chunk
# In chunks, so that short timelines have everything in them.
FILL_IN, THROWAWAY, INTERRUPTION, BACKCHANNEL, PAUSE = 3, 2, 4, 5, 8


def seconds(chunks: int) -> float:
    return chunks * UNIT / RATE


CONFIG = ConversationConfig(
    fill_in_s=seconds(FILL_IN),
    throwaway_s=seconds(THROWAWAY),
    interruption_s=seconds(INTERRUPTION),
    backchannel_s=seconds(BACKCHANNEL),
    monologue_pause_s=seconds(PAUSE),
)

stretches = st.lists(st.tuples(st.booleans(), st.integers(1, 14)), min_size=1, max_size=30)


def flags(runs: list[tuple[bool, int]]) -> list[bool]:
    return [speaks for speaks, length in runs for _ in range(length)]


@given(
    first=stretches,
    second=stretches,
    ahead=st.lists(st.integers(1, 40), min_size=1, max_size=8),
)
def test_streaming_equals_counting_whole_timelines(
    first: list[tuple[bool, int]], second: list[tuple[bool, int]], ahead: list[int]
) -> None:
    timelines = [flags(first), flags(second)]
    n = min(map(len, timelines))
    timelines = [line[:n] for line in timelines]
    subject = meter(CONFIG)
    # The parties come in turns, each some chunks at a time, equal chunks joined or not.
    at = [0, 0]
    turn = 0
    while min(at) < n:
        party = turn % 2
        end = min(n, at[party] + ahead[turn % len(ahead)])
        for speaks, group in groupby(timelines[party][at[party] : end]):
            length = len(list(group)) if turn % 3 else 1
            begin = at[party]
            subject.accept_flags(
                PARTIES[party].stream, begin * UNIT, (begin + length) * UNIT, speech=speaks
            )
            at[party] = begin + length
            if turn % 3 == 0:
                break
        turn += 1
        between = subject.snapshot()
        assert between.talk_s - between.overtalk_s + between.silence_s == pytest.approx(
            between.observed_s
        )
    got = subject.finish()
    wanted = plain(
        *timelines,
        fill_in=FILL_IN,
        throwaway=THROWAWAY,
        interruption=INTERRUPTION,
        backchannel=BACKCHANNEL,
        pause=PAUSE,
    )
    assert got.duration_s == got.observed_s == pytest.approx(seconds(n))
    assert got.silence_s == pytest.approx(seconds(wanted.silence))
    assert got.longest_silence_s == pytest.approx(seconds(wanted.longest_silence))
    assert got.overtalk_s == pytest.approx(seconds(wanted.overtalk))
    assert got.overlaps == wanted.overlaps
    assert got.gaps.total_s == pytest.approx(seconds(wanted.gaps))
    assert got.overlaps_between.total_s == pytest.approx(seconds(wanted.between))
    assert got.overlaps_within.total_s == pytest.approx(seconds(wanted.within))
    for index, party in enumerate(got.parties):
        assert party.talk_s == pytest.approx(seconds(wanted.talk[index]))
        assert party.turns == wanted.turns[index]
        assert party.pauses.total_s == pytest.approx(seconds(wanted.pauses[index]))
        assert party.interruptions == wanted.interruptions[index]
        assert party.interruption_attempts == wanted.attempts[index]
        assert party.longest_monologue_s == pytest.approx(seconds(wanted.monologue[index]))
        offsets = wanted.offsets[index]
        assert party.responses.count == len(offsets)
        assert party.responses.gaps == sum(offset > 0 for offset in offsets)
        assert party.responses.overlaps == sum(offset < 0 for offset in offsets)
        if offsets:
            mean = seconds(1) * sum(offsets) / len(offsets)
            assert party.responses.mean_s == pytest.approx(mean)
            lower_median = sorted(offsets)[(len(offsets) - 1) // 2]
            assert party.responses.median_s == pytest.approx(seconds(lower_median), abs=0.0051)


def snapshot_after(gap: bool) -> ConversationMetrics:
    subject = meter()
    for stream in ("agent", "customer"):
        subject.accept_flags(stream, 0, 2 * RATE, speech=stream == "agent")
    resume = 7 * RATE if gap else 2 * RATE
    for stream in ("agent", "customer"):
        subject.accept_flags(stream, resume, resume + 2 * RATE, speech=stream == "customer")
    return subject.finish()


def test_what_was_not_observed_is_not_guessed() -> None:
    with_gap, without = snapshot_after(True), snapshot_after(False)
    assert with_gap.duration_s == 9.0
    assert with_gap.observed_s == 4.0
    assert with_gap.silence_s == 0.0
    assert with_gap.party("customer").talk_s == 2.0
    # Nobody knows how the floor went over.
    assert with_gap.party("customer").responses.count == 0
    assert without.party("customer").responses.count == 1
    assert with_gap.party("agent").longest_monologue_s == 2.0


def test_a_stream_that_stays_away_does_not_hold_up_the_other() -> None:
    subject = meter()
    for second in range(120):
        subject.accept_flags("agent", second * RATE, (second + 1) * RATE, speech=True)
    metrics = subject.snapshot()
    assert metrics.duration_s == pytest.approx(90.0)
    assert metrics.observed_s == 0.0
    assert all(len(queue) < 200 for queue in subject._floor._queues)


def test_time_does_not_go_back() -> None:
    subject = meter()
    subject.accept_flags("agent", 0, RATE, speech=True)
    with pytest.raises(ValueError, match="does not come after"):
        subject.accept_flags("agent", RATE // 2, RATE, speech=True)


@pytest.mark.parametrize("parties", [0, 3])
def test_only_one_or_two_parties(parties: int) -> None:
    with pytest.raises(ValueError, match="one or two"):
        Floor(parties, RATE, interruption=1, backchannel=1, monologue_pause=1, max_wait=1)


def test_talkspurts_settle_as_soon_as_they_can() -> None:
    spurts = Talkspurts(fill_in=200, throwaway=100)
    assert spurts.accept(0, 50, speech=True) == []  # may be a click
    assert spurts.accept(50, 100, speech=True) == [Run(0, 100, Voice.TALKING)]
    assert spurts.accept(100, 250, speech=False) == []  # may be filled in
    assert spurts.accept(250, 260, speech=True) == [Run(100, 260, Voice.TALKING)]
    assert spurts.accept(260, 460, speech=False) == [Run(260, 460, Voice.SILENT)]
    assert spurts.accept(460, 500, speech=True) == []
    assert spurts.accept(500, 700, speech=False) == [Run(460, 700, Voice.SILENT)]
    assert spurts.accept(900, 1000, speech=True) == [
        Run(700, 900, Voice.UNOBSERVED),
        Run(900, 1000, Voice.TALKING),
    ]
    assert spurts.accept(1000, 1100, speech=False) == []
    assert spurts.finish() == [Run(1000, 1100, Voice.SILENT)]


def test_the_histogram_reaches_thirty_seconds_and_counts_what_is_beyond() -> None:
    histogram = OffsetHistogram(RATE)
    for offset_s in (-0.5, 0.25, 0.25, 0.75, 100.0):
        histogram.add(round(offset_s * RATE))
    assert histogram.quantile_s(0.5) == 0.25
    assert histogram.quantile_s(1.0) == OffsetHistogram.REACH_S
    assert histogram.mean_s == pytest.approx(100.75 / 5)
