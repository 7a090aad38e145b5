from __future__ import annotations

import time
from contextlib import suppress
from datetime import UTC, datetime, timedelta, timezone

import pytest
from hypothesis import given
from hypothesis import strategies as st

from emolive.errors import SessionError
from emolive.session.library import Library
from emolive.session.query_text import parse_query, taken_as_text
from emolive.session.records import Annotation
from emolive.session.search import SearchQuery
from emolive.types import Role
from tests.session.filled import RATE, fill, segment

NOW = datetime(2025, 3, 12, 15, 30, tzinfo=timezone(timedelta(hours=1)))  # a Wednesday
LABELS = ("angry", "sad", "happy", "Very Calm")


def day(month: int, number: int) -> datetime:
    return datetime(2025, month, number, tzinfo=NOW.tzinfo)


def ago(**span: float) -> datetime:
    return NOW - timedelta(**span)


@pytest.mark.parametrize(
    ("text", "query"),
    [
        ("", SearchQuery()),
        (
            "angry longer than 10 s last week",
            SearchQuery(labels=("angry",), min_duration_s=10, since=ago(days=7)),
        ),
        (
            "ANGRY or Sad for more than 1.5 minutes",
            SearchQuery(labels=("angry", "sad"), min_duration_s=90),
        ),
        ("customer sad > 2 min", SearchQuery(
            labels=("sad",), roles=(Role.CUSTOMER,), min_duration_s=120)),
        ("at least 0,5h", SearchQuery(min_duration_s=1800)),
        ("happy over 60% yesterday", SearchQuery(
            labels=("happy",), min_confidence=0.6, since=day(3, 11), until=day(3, 12))),
        ("p>0.7 today", SearchQuery(min_confidence=0.7, since=day(3, 12), until=day(3, 13))),
        ("this week", SearchQuery(since=day(3, 10))),
        ("in the last 36 hours", SearchQuery(since=ago(hours=36))),
        ("past 2 months", SearchQuery(since=ago(days=60))),
        ("since 2025-01-02 until 2025-02-03", SearchQuery(since=day(1, 2), until=day(2, 4))),
        ("after 2025-01-02 before 2025-02-03", SearchQuery(since=day(1, 3), until=day(2, 3))),
        ("note: 2", SearchQuery(texts=("note:", "2"))),
        ("on 2025-03-01", SearchQuery(since=day(3, 1), until=day(3, 2))),
        ("refund \"not happy, at all\"", SearchQuery(texts=("not happy, at all", "refund"))),
        ("saddened angrily", SearchQuery(texts=("saddened", "angrily"))),
        ("label:angry,sad longer:10s p:60% role:agent,customer stream:left tag:vip tag:x by:human",
         SearchQuery(labels=("angry", "sad"), min_duration_s=10, min_confidence=0.6,
                     roles=(Role.AGENT, Role.CUSTOMER), streams=("left",), tags=("vip", "x"),
                     annotated=True)),
        ("from:2025-01-02T10:30 to:2025-01-02 last:7d", SearchQuery(
            since=ago(days=7), until=day(1, 3))),
        ('label:unknown "x:y"', SearchQuery(labels=("unknown",), texts=("x:y",))),
    ],
)  # fmt: skip
def test_what_people_write_is_understood(text: str, query: SearchQuery) -> None:
    assert parse_query(text, LABELS, NOW) == query


def test_an_emotion_is_found_by_its_other_names_and_its_own_goes_first() -> None:
    assert parse_query("anger Joy", LABELS, NOW).labels == ("angry", "happy")
    assert parse_query("calm", ("calm", "relaxed"), NOW).labels == ("calm",)
    assert parse_query("relaxed", ("calm", "relaxed"), NOW).labels == ("relaxed",)
    assert parse_query("boredom", LABELS, NOW).texts == ("boredom",)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("colour:red", "nothing to search by"),
        ("longer:soon", "no length"),
        ("p:2", "no probability"),
        ("from:2025-13-01", "no date"),
        ("since 2025-02-30", "no date"),
        ("last:ever", "no span"),
        ("role:boss", "no role"),
        ("by:magic", "by:human"),
    ],
)
def test_nonsense_is_one_sentence(text: str, message: str) -> None:
    with pytest.raises(SessionError, match=message):
        parse_query(text, LABELS, NOW)


@pytest.fixture
def filled(library: Library) -> Library:
    """Three sessions, a day apart."""
    start = datetime(2025, 3, 1, 12, tzinfo=UTC)
    fill(
        library,
        "Reklamation",
        [
            segment("agent", 0, 30, "not_inferred"),
            segment("customer", 0, 9.5, "angry", 0.9),
            segment("customer", 9.5, 20, "angry", 0.5),
            segment("customer", 20, 30, "silence"),
        ],
        at=start,
    )
    two = fill(
        library,
        "second",
        [segment("agent", 0, 12, "angry", 0.8), segment("customer", 0, 30, "happy", 0.7)],
        at=start + timedelta(days=1),
    )
    three = fill(library, "third", at=start + timedelta(days=2))
    library.add_tag(two.id, "Größe")
    library.add_note(two.id, "wants a REFUND now")
    library.change_annotations(
        three.id,
        put=[
            Annotation("a", 0, 5 * RATE, "angry", "sarcastic?", "customer"),
            Annotation("b", RATE, 2 * RATE, "sad"),
            Annotation("c", RATE, 2 * RATE, None, "no label"),
        ],
    )
    return library


@pytest.mark.parametrize(
    ("query", "found"),
    [
        (SearchQuery(), {"third": [], "second": [], "Reklamation": []}),
        (SearchQuery(labels=("angry",)),
         {"second": [(0, 12)], "Reklamation": [(0, 9.5), (9.5, 20)]}),
        (SearchQuery(labels=("angry",), min_duration_s=10),
         {"second": [(0, 12)], "Reklamation": [(9.5, 20)]}),
        (SearchQuery(labels=("angry",), min_duration_s=9.5, min_confidence=0.9),
         {"Reklamation": [(0, 9.5)]}),
        (SearchQuery(labels=("angry",), roles=(Role.AGENT,)), {"second": [(0, 12)]}),
        (SearchQuery(streams=("customer",), min_duration_s=15), {"second": [(0, 30)]}),
        (SearchQuery(labels=("silence",)), {"Reklamation": [(20, 30)]}),
        (SearchQuery(min_duration_s=25), {"second": [(0, 30)]}),
        (SearchQuery(labels=("angry", "happy"), since=datetime(2025, 3, 2, tzinfo=UTC)),
         {"second": [(0, 12), (0, 30)]}),
        (SearchQuery(until=datetime(2025, 3, 2, tzinfo=UTC)), {"Reklamation": []}),
        (SearchQuery(since=datetime(2025, 3, 2, 12, tzinfo=UTC)), {"third": [], "second": []}),
        (SearchQuery(texts=("refund",)), {"second": []}),
        (SearchQuery(texts=("GRÖSSE",)), {"second": []}),
        (SearchQuery(texts=("reklam",)), {"Reklamation": []}),
        (SearchQuery(texts=("SARCASTIC",)), {"third": []}),
        (SearchQuery(texts=("refund", "sarcastic")), {}),
        (SearchQuery(texts=("%",)), {}),
        (SearchQuery(tags=("grösse",)), {"second": []}),
        (SearchQuery(tags=("größ",)), {}),
        (SearchQuery(annotated=True), {"third": [(0, 5), (1, 2)]}),
        (SearchQuery(annotated=True, labels=("angry",), streams=("customer",)),
         {"third": [(0, 5)]}),
        (SearchQuery(annotated=True, labels=("angry",), roles=(Role.AGENT,)), {}),
        (SearchQuery(annotated=True, labels=("sad",), roles=(Role.AGENT,)), {"third": [(1, 2)]}),
        (SearchQuery(annotated=True, min_duration_s=3), {"third": [(0, 5)]}),
    ],
)  # fmt: skip
def test_search_finds_sessions_with_the_segments_that_match(
    filled: Library, query: SearchQuery, found: dict[str, list[tuple[float, float]]]
) -> None:
    hits = filled.search(query)
    assert [hit.session.title for hit in hits] == list(found)
    for hit in hits:
        spans = [(s.start_sample / RATE, s.end_sample / RATE) for s in hit.segments]
        assert sorted(spans) == sorted(found[hit.session.title])


@pytest.mark.parametrize(
    "text",
    [
        "until 9999-12-31",
        "after 9999-12-31",
        "on 9999-12-31",
        "to:9999-12-31",
        "last 99999999999 weeks",
        "last:99999999999w",
        "last 3000 weeks last:900000d",
        f"last {'9' * 400} days",
        f"past {'9' * 5_000} hours",
    ],
)
@pytest.mark.parametrize("now", [NOW, NOW.replace(tzinfo=None)])
def test_dates_beyond_the_calendar_are_one_sentence(text: str, now: datetime) -> None:
    with pytest.raises(SessionError) as caught:
        parse_query(text, LABELS, now)
    assert len(str(caught.value)) < 200


@given(
    st.lists(
        st.sampled_from(
            f"last past before since on {'9' * 12} {'9' * 400} 0 weeks hours 0001-01-01 9999-12-31 "
            '0000-00-00 from: to: last: longer: p: % min today yesterday : " -1 1e9 \0'.split(" ")
        ),
        max_size=6,
    ),
    st.sampled_from([" ", ""]),
    st.sampled_from([NOW, NOW.replace(tzinfo=None)]),
)
def test_any_words_are_a_search_or_one_sentence(
    words: list[str], between: str, now: datetime
) -> None:
    with suppress(SessionError):
        query = parse_query(between.join(words), LABELS, now)
        for moment in (query.since, query.until):
            assert moment is None or moment.astimezone(UTC)


@pytest.mark.skipif(not hasattr(time, "tzset"), reason="the zone can be set on POSIX only")
def test_days_begin_by_the_rules_of_their_own_date(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TZ", "Europe/Berlin")
    time.tzset()
    try:
        now = datetime(2025, 3, 12, 15, 30)  # winter: +1
        summer = parse_query("on 2024-07-01", LABELS, now)
        assert summer.since == datetime(2024, 6, 30, 22, tzinfo=UTC)
        assert summer.until == datetime(2024, 7, 1, 22, tzinfo=UTC)
        longest = parse_query("on 2024-10-27", LABELS, now)  # the clocks go back: 25 hours
        assert longest.since == datetime(2024, 10, 26, 22, tzinfo=UTC)
        assert longest.until == datetime(2024, 10, 27, 23, tzinfo=UTC)
        after = datetime(2025, 4, 1, 12)  # summer: +2
        week = parse_query("from:2025-03-24T09:00 last 48h", LABELS, after)
        assert week.since == datetime(2025, 3, 30, 10, tzinfo=UTC)
        assert parse_query("from:2025-03-24T09:00", LABELS, after).since == datetime(
            2025, 3, 24, 8, tzinfo=UTC
        )
        assert parse_query("this week", LABELS, datetime(2025, 3, 30, 12)).since == datetime(
            2025, 3, 23, 23, tzinfo=UTC
        )
    finally:
        monkeypatch.undo()
        time.tzset()


def test_words_that_are_looked_for_as_text_are_said() -> None:
    query = parse_query("angryy longer than 5 s", ["angry"], datetime(2026, 1, 1, tzinfo=UTC))
    said = taken_as_text(query)
    assert said == "Looked for in titles, notes, tags and comments: “angryy”."
    assert taken_as_text(parse_query("angry", ["angry"], datetime(2026, 1, 1, tzinfo=UTC))) is None
