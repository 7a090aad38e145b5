from __future__ import annotations

from collections import deque

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from emolive.alerts.conditions.overtalk import OvertalkRule
from emolive.alerts.conditions.silence import SilenceRule
from emolive.alerts.engine import AlertEngine
from emolive.alerts.rules import RuleSet
from emolive.types import EngineState, EngineStatus, Event, Role, Stream, StreamStatus
from tests.alerts.calls import CALL, CHUNK, FORMAT, RATE, activity, block, evaluate, spans, talk

S = RATE


def silence(**fields: object) -> RuleSet:
    return RuleSet(rules=(SilenceRule(name="quiet", cool_down_s=0, **fields),))  # type: ignore[arg-type]


def overtalk(**fields: object) -> RuleSet:
    fields = {"cool_down_s": 0, "dwell_s": 0} | fields
    return RuleSet(rules=(OvertalkRule(name="both", **fields),))  # type: ignore[arg-type]


def near(sample: int) -> object:
    return pytest.approx(sample, abs=CHUNK)


def test_mutual_silence_fires_in_the_middle_of_it() -> None:
    flags = {"agent": spans(40, (1, 5), (30, 35)), "customer": spans(40, (5, 9))}
    alerts, ended = evaluate(silence(longer_than_s=10), talk(flags))
    assert [a.fired_sample for a in alerts] == [near(19 * S)]
    alert = alerts[0]
    assert alert.stream is None
    assert alert.start_sample == near(9 * S)
    assert alert.true_sample == alert.fired_sample
    assert alert.message == "quiet: nobody has spoken for 10.0 s."
    assert alert.values == (("silence_s", 10.0),)
    assert [over.end_sample for over in ended] == [near(30 * S)]


def test_one_partys_silence_goes_on_while_the_other_talks() -> None:
    flags = {"agent": spans(40, (5, 40)), "customer": spans(40, (1, 5))}
    alerts, _ = evaluate(silence(longer_than_s=10, role="customer"), talk(flags))
    assert [(a.stream, a.role, a.fired_sample) for a in alerts] == [
        ("customer", Role.CUSTOMER, near(15 * S))
    ]
    assert alerts[0].message == "quiet: the customer has not spoken for 10.0 s."
    assert evaluate(silence(longer_than_s=10), talk(flags))[0] == []


@pytest.mark.parametrize(("from_start", "fired"), [(False, []), (True, [10 * S])])
def test_silence_before_anybody_spoke_counts_only_if_wanted(
    from_start: bool, fired: list[int]
) -> None:
    flags = {"agent": spans(20), "customer": spans(20)}
    alerts, _ = evaluate(silence(longer_than_s=10, from_start=from_start), talk(flags))
    assert [a.fired_sample for a in alerts] == fired


def test_a_cough_does_not_end_silence_and_a_word_does() -> None:
    quiet = spans(40, (1, 3), (8, 8.2))
    alerts, _ = evaluate(
        silence(longer_than_s=10, speech_s=0.5), talk({"agent": quiet, "customer": spans(40)})
    )
    assert [a.fired_sample for a in alerts] == [near(13 * S)]
    word = spans(40, (1, 3), (8, 9))
    alerts, _ = evaluate(
        silence(longer_than_s=10, speech_s=0.5), talk({"agent": word, "customer": spans(40)})
    )
    assert [a.fired_sample for a in alerts] == [near(19 * S)]


def test_lost_audio_is_not_silence() -> None:
    before = talk({"agent": spans(6, (1, 3)), "customer": spans(6)})
    n = round(6 * S / CHUNK)
    lost = round(20 * S / CHUNK)
    after: list[Event] = [
        block(stream, activity(np.zeros(round(8 * S / CHUNK), bool), n + lost))
        for stream in ("agent", "customer")
    ]
    assert evaluate(silence(longer_than_s=10), [*before, *after])[0] == []
    alerts, _ = evaluate(silence(longer_than_s=7), [*before, *after])
    assert [a.start_sample for a in alerts] == [(n + lost) * CHUNK]


def test_one_stream_alone_has_silence_too() -> None:
    alerts, _ = evaluate(
        silence(longer_than_s=5), talk({"mono": spans(20, (1, 4))}), (Stream("mono"),)
    )
    assert [a.fired_sample for a in alerts] == [near(9 * S)]


def test_a_stream_that_delivers_nothing_holds_nothing_up_for_ever() -> None:
    """Nor is it taken for silent."""
    alerts, _ = evaluate(silence(longer_than_s=5, role="agent"), talk({"agent": spans(60, (1, 4))}))
    assert [a.fired_sample for a in alerts] == [near(9 * S)]
    assert evaluate(silence(longer_than_s=5), talk({"agent": spans(60, (1, 4))}))[0] == []


def test_overtalk_counts_times_in_a_window() -> None:
    agent = spans(100, (0, 100))
    customer = spans(100, (5, 6), (10, 10.3), (15, 16), (20, 21), (80, 81))
    rules = overtalk(count=3, window_s=30, each_s=0.5, release=0)
    alerts, ended = evaluate(rules, talk({"agent": agent, "customer": customer}))
    # The third time that is long enough counts half a second in.
    assert [a.fired_sample for a in alerts] == [near(round(20.5 * S))]
    assert alerts[0].message == "both: overtalk 3 times in 30 s."
    # Over when the last has left the window.
    assert [over.end_sample for over in ended] == [near(round(50.5 * S))]


def test_one_sound_on_both_channels_is_no_overtalk() -> None:
    """Neither of what came before that is known, nor of what comes after."""
    said = spans(40, (1, 3), (5, 7), (9, 11), (20, 22), (24, 26))
    events = talk({"agent": said, "customer": said})
    streams = tuple(StreamStatus(who.name, role=who.role, emotion=who.emotion) for who in CALL)
    same = EngineStatus(EngineState.RUNNING, streams=streams, one_sound=True)
    other = EngineStatus(EngineState.RUNNING, streams=streams)
    rules = overtalk(count=1)
    engine = AlertEngine(rules, CALL, FORMAT)
    early = next(i for i, event in enumerate(events) if engine.accept(event)) + 1
    assert engine.accept(same) == []
    assert [over.rule for over in engine.take_ended()] == ["both"]
    assert engine.notes == (
        "Rule 'both' has nothing to watch: both channels carry the same sound.",
    )
    half = len(events) // 2
    assert not any(engine.accept(event) for event in events[early:half])
    engine.accept(other)
    assert engine.notes == ()
    assert any(engine.accept(event) for event in events[half:])


def test_overtalk_measures_time_in_a_window() -> None:
    agent = spans(100, (0, 100))
    customer = spans(100, (5, 8), (15, 18), (60, 61))
    rules = overtalk(seconds=5.0, window_s=30, release=1.0)
    alerts, ended = evaluate(rules, talk({"agent": agent, "customer": customer}))
    assert [a.fired_sample for a in alerts] == [near(17 * S)]
    assert dict(alerts[0].values)["overtalk_s"] == pytest.approx(5.0)
    # 3 s have left at 38, two of the others at 47.
    assert [over.end_sample for over in ended] == [near(47 * S)]


def test_overtalk_needs_two_parties() -> None:
    from emolive.alerts.engine import AlertEngine
    from tests.alerts.calls import FORMAT

    engine = AlertEngine(overtalk(count=1), [Stream("mono")], FORMAT)
    assert engine.notes == ("Rule 'both' has nothing to watch: there is one party only.",)


# Against definitions written down sample by sample, at a coarse chunk.


@st.composite
def calls(draw: st.DrawFn) -> tuple[np.ndarray, np.ndarray]:
    """Chunk flags of two parties, of any temper."""
    rng = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    n = draw(st.integers(40, 900))
    talking, pausing = draw(st.integers(2, 60)), draw(st.integers(2, 60))

    def flags() -> np.ndarray:
        out = np.zeros(n, np.bool_)
        at, on = 0, bool(rng.integers(2))
        while at < n:
            length = 1 + int(rng.exponential(talking if on else pausing))
            out[at : at + length] = on
            at, on = at + length, not on
        return out

    return flags(), flags()


FILL, THROW = 7, 4  # 200 ms and 100 ms in whole chunks of 32 ms


def talkspurts(flags: np.ndarray) -> np.ndarray:
    """Gaps shorter than `fill_in` filled in, then sounds shorter than `throwaway` left out.

    A sound that begins inside a filled-in stretch belongs to it.
    """
    out = np.zeros(len(flags), np.bool_)
    at = 0
    while at < len(flags):
        if not flags[at]:
            at += 1
            continue
        last = at
        for i in range(at, len(flags)):
            if flags[i]:
                last = i
            elif i - last >= FILL:
                break
        if last + 1 - at >= THROW:
            out[at : last + 1] = True
        at = last + 1
    return out


@given(calls(), st.integers(30, 90), st.integers(0, 20))
def test_silence_equals_its_definition(
    flags: tuple[np.ndarray, np.ndarray], longer: int, speech: int
) -> None:
    chunk_s = CHUNK / RATE
    rules = silence(longer_than_s=max(1.0, longer * chunk_s), speech_s=speech * chunk_s, dwell_s=0)
    needed = max(round(1.0 * RATE), longer * CHUNK)
    alerts, _ = evaluate(rules, talk({"agent": flags[0], "customer": flags[1]}, 50))
    anyone = talkspurts(flags[0]) | talkspurts(flags[1])
    expected, begun, since, spoken, raised = [], False, None, 0, False
    for i, speaks in enumerate(anyone):
        if speaks:
            spoken += 1
            if spoken >= speech:
                begun, since, raised = True, None, False
        else:
            spoken = 0
            if begun and since is None:
                since = i
            if since is not None and not raised and (i + 1 - since) * CHUNK >= needed:
                raised = True
                expected.append((since * CHUNK, max(since * CHUNK + needed, i * CHUNK)))
    assert [(a.start_sample, a.fired_sample) for a in alerts] == expected


@given(calls(), st.integers(1, 4), st.integers(40, 120), st.integers(4, 10))
def test_overtalk_count_equals_its_definition(
    flags: tuple[np.ndarray, np.ndarray], count: int, window: int, each: int
) -> None:
    chunk_s = CHUNK / RATE
    rules = overtalk(
        count=count, window_s=window * chunk_s, each_s=each * chunk_s, release=count - 1
    )
    alerts, _ = evaluate(rules, talk({"agent": flags[0], "customer": flags[1]}, 50))
    both = talkspurts(flags[0]) & talkspurts(flags[1])
    expected, run, times, raised = [], 0, deque[int](), False
    for i, together in enumerate(both):
        run = run + 1 if together else 0
        at = i + 1  # the end of this chunk
        while times and times[0] + window < at:
            times.popleft()
            raised &= len(times) > count - 1
        if run == each:
            if times and times[0] + window == at:  # leaves as the new one comes
                times.popleft()
                raised &= len(times) > count - 1
            times.append(at)
            if len(times) >= count and not raised:
                raised = True
                expected.append(at * CHUNK)
        elif times and times[0] + window == at:
            times.popleft()
            raised &= len(times) > count - 1
    assert [a.fired_sample for a in alerts] == expected


@given(calls(), st.integers(4, 30), st.integers(40, 120), st.integers(1, 20))
def test_overtalk_time_equals_its_definition(
    flags: tuple[np.ndarray, np.ndarray], level: int, window: int, gap: int
) -> None:
    chunk_s = CHUNK / RATE
    release = max(0, level - gap)
    rules = overtalk(seconds=level * chunk_s, window_s=window * chunk_s, release=release * chunk_s)
    alerts, _ = evaluate(rules, talk({"agent": flags[0], "customer": flags[1]}, 50))
    both = talkspurts(flags[0]) & talkspurts(flags[1])
    expected, raised = [], False
    for at in range(1, len(both) + 1):  # levels are whole chunks, so crossings are on the grid
        total = int(both[max(0, at - window) : at].sum())
        if total >= level and not raised:
            raised = True
            expected.append(at * CHUNK)
        elif total <= release:
            raised = False
    assert [a.fired_sample for a in alerts] == expected


talk_rules = RuleSet(
    rules=(
        SilenceRule(name="quiet", longer_than_s=1.0, cool_down_s=1.5, dwell_s=0.5),
        SilenceRule(name="customer quiet", longer_than_s=1.2, role=Role.CUSTOMER, cool_down_s=0),
        OvertalkRule(name="times", count=2, window_s=3.0, each_s=0.2, cool_down_s=1.0),
        OvertalkRule(name="time", seconds=0.7, window_s=2.5, cool_down_s=0.3, dwell_s=0.1),
    )
)


@given(calls(), st.randoms(use_true_random=False))
def test_any_chunking_gives_the_same(flags: tuple[np.ndarray, np.ndarray], random: object) -> None:
    """Streamed in random blocks, streams in random order, equals everything at once."""
    streams = {"agent": flags[0], "customer": flags[1]}
    whole = evaluate(talk_rules, talk(streams, chunks=10_000))
    events: list[Event] = []
    at = dict.fromkeys(streams, 0)
    while left := [s for s in streams if at[s] < len(streams[s])]:
        stream = random.choice(left)  # type: ignore[attr-defined]
        part = streams[stream][at[stream] :][: random.randint(1, 12)]  # type: ignore[attr-defined]
        events.append(block(stream, activity(part, at[stream])))
        at[stream] += len(part)
    alerts, ended = evaluate(talk_rules, events)
    key = lambda a: (a.fired_sample, a.rule)  # noqa: E731
    assert sorted(alerts, key=key) == sorted(whole[0], key=key)
    assert sorted(ended, key=key) == sorted(whole[1], key=key)
