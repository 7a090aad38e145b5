"""Turn-taking on hand-made timelines whose numbers can be counted by eye (half a second a sign)."""

from __future__ import annotations

import pytest

from emolive.conversation import ConversationMetrics, Stretches
from emolive.types import Role
from tests.conversation.timelines import measured


def adds_up(metrics: ConversationMetrics) -> None:
    assert metrics.talk_s - metrics.overtalk_s + metrics.silence_s == pytest.approx(
        metrics.observed_s
    )
    if metrics.talk_s:
        assert sum(p.talk_share or 0.0 for p in metrics.parties) == pytest.approx(1.0)


def test_a_gap_a_pause_and_the_talk_times() -> None:
    metrics = measured(
        "..####..####......",
        "..........  ..####".replace(" ", "."),
    )
    adds_up(metrics)
    agent, customer = metrics.parties
    assert metrics.duration_s == metrics.observed_s == 9.0
    assert (agent.talk_s, customer.talk_s) == (4.0, 2.0)
    assert (agent.talk_share, customer.talk_share) == (pytest.approx(2 / 3), pytest.approx(1 / 3))
    assert metrics.silence_s == 3.0  # 1 before, 1 pause, 1 gap
    assert metrics.longest_silence_s == 1.0
    assert agent.pauses == Stretches(1, 1.0)
    assert customer.pauses == Stretches(0, 0.0)
    assert metrics.gaps == Stretches(1, 1.0)
    assert (agent.turns, customer.turns) == (1, 1)
    assert (customer.responses.count, customer.responses.gaps) == (1, 1)
    assert customer.responses.mean_s == customer.responses.median_s == 1.0
    assert agent.responses.count == 0
    assert agent.responses.median_s is None
    assert agent.longest_monologue_s == 5.0
    assert customer.longest_monologue_s == 2.0
    assert metrics.overtalk_s == metrics.overtalk_share == 0.0


def test_an_overlap_between_speakers_is_a_negative_offset() -> None:
    metrics = measured("####....", "...#####")
    adds_up(metrics)
    agent, customer = metrics.parties
    assert (metrics.overtalk_s, metrics.overlaps) == (0.5, 1)
    assert metrics.overlaps_between == Stretches(1, 0.5)
    assert metrics.overlaps_within == Stretches(0, 0.0)
    assert customer.responses.mean_s == -0.5
    assert (customer.responses.overlaps, customer.responses.gaps) == (1, 0)
    # Half a second is the threshold: the customer came in and went on alone.
    assert (customer.interruptions, customer.interruption_attempts) == (1, 0)
    assert (agent.interruptions, agent.interruption_attempts) == (0, 0)


def test_a_short_overlap_is_no_interruption() -> None:
    metrics = measured("####....", "...#####", unit_s=0.4)
    assert metrics.overlaps_between.count == 1
    assert metrics.party(Role.CUSTOMER).interruptions == 0


def test_butting_in_does_not_take_the_floor() -> None:
    metrics = measured("##########", "...##.....")
    adds_up(metrics)
    agent, customer = metrics.parties
    assert metrics.overlaps_within == Stretches(1, 1.0)
    assert metrics.overlaps_between == Stretches(0, 0.0)
    assert (customer.interruptions, customer.interruption_attempts) == (0, 1)
    assert customer.turns == 0
    assert agent.longest_monologue_s == 5.0  # a backchannel does not end it
    assert customer.longest_monologue_s == 0.0  # it spoke into the agent's speech only


def test_both_falling_silent_is_an_attempt_whoever_goes_on() -> None:
    for agent_after, customer_after in (("##", ".."), ("..", "##")):
        metrics = measured("######.." + agent_after, "...###.." + customer_after)
        assert metrics.party("customer").interruption_attempts == 1
        assert metrics.party("customer").interruptions == 0


def test_beginning_at_the_same_time_interrupts_nobody() -> None:
    metrics = measured("##..####", "....##..")
    assert metrics.overlaps == 1
    for party in metrics.parties:
        assert (party.interruptions, party.interruption_attempts) == (0, 0)
    # The last thing before the agent spoke alone again was overlap; silence came first.
    assert metrics.overlaps_within == Stretches(1, 1.0)
    assert metrics.party("agent").pauses == Stretches(1, 1.0)


def test_the_floor_changes_without_gap_or_overlap() -> None:
    metrics = measured("####....", "....####")
    customer = metrics.party("customer")
    assert customer.responses.count == 1
    assert customer.responses.mean_s == 0.0
    assert (customer.responses.gaps, customer.responses.overlaps) == (0, 0)
    assert metrics.gaps.count == metrics.overlaps_between.count == 0


def test_what_comes_right_before_the_next_speaker_is_the_offset() -> None:
    # The customer speaks into the agent's speech, both stop, and then the customer takes over.
    metrics = measured("######......", "...###...###")
    customer = metrics.party("customer")
    assert customer.responses.mean_s == 1.5
    assert metrics.overlaps_between == Stretches(1, 1.5)
    assert metrics.gaps == Stretches(1, 1.5)


def test_medians_and_turns_of_a_longer_talk() -> None:
    # The customer answers after 0.5, 1 and 2 s, the agent at once each time.
    metrics = measured("##...##....##......", "...##....##......##")
    agent, customer = metrics.parties
    assert [agent.turns, customer.turns] == [3, 3]
    assert customer.responses.count == 3
    assert customer.responses.mean_s == pytest.approx((0.5 + 1.0 + 2.0) / 3)
    assert customer.responses.median_s == 1.0
    assert customer.responses.p90_s == 2.0
    assert agent.responses.mean_s == 0.0


def test_a_long_answer_ends_a_monologue_a_short_one_does_not() -> None:
    short = measured("####..####", "....##....")
    assert short.party("agent").longest_monologue_s == 5.0
    long = measured("####...####", "....###....")
    assert long.party("agent").longest_monologue_s == 2.0


def test_a_long_silence_ends_a_monologue() -> None:
    hold = "######"
    waits = measured("###" + "." * 6 + hold, "." * 15)  # 3 s: not longer than the limit
    assert waits.party("agent").longest_monologue_s == 7.5
    on_hold = measured("###" + "." * 7 + hold, "." * 16)
    assert on_hold.party("agent").longest_monologue_s == 3.0
    assert on_hold.longest_silence_s == 3.5


def test_talking_on_through_a_long_interruption_begins_a_new_monologue() -> None:
    metrics = measured("############", "....####....")
    assert metrics.party("agent").longest_monologue_s == 2.0
    assert metrics.party("customer").interruption_attempts == 1


def test_silence_now_is_known_while_it_lasts() -> None:
    quiet = measured("##......", "........")
    assert quiet.current_silence_s == quiet.longest_silence_s == 3.0
    assert measured("##....##", "........").current_silence_s == 0.0


def test_nobody_ever_speaks() -> None:
    metrics = measured("......", "......")
    adds_up(metrics)
    assert metrics.silence_share == 1.0
    for party in metrics.parties:
        assert party.talk_share is None
        assert party.level_dbfs is None
        assert party.syllables_per_s is None
        assert party.turns == 0


def test_one_party_has_no_turns_to_take() -> None:
    metrics = measured("..##..##")
    adds_up(metrics)
    assert not metrics.separable
    (only,) = metrics.parties
    assert (only.talk_s, metrics.silence_s, only.pauses) == (2.0, 2.0, Stretches(1, 1.0))
    assert (metrics.overlaps, metrics.gaps.count) == (0, 0)
