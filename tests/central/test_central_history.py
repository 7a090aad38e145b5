"""The central history on a real PostgreSQL and on SQLite: the same code, the same answers."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from sqlalchemy import func, select, update

from emolive.central import schema
from emolive.central.records import (
    AlertOver,
    AlertRaised,
    Audited,
    Record,
    SegmentHeard,
    ServerBegan,
    StretchBegan,
    StretchEnded,
    StretchRecorded,
)
from emolive.central.search import CallQuery, CentralSearch
from emolive.central.store import CentralStore
from emolive.central.writer import HistoryWriter
from emolive.errors import EmoliveError
from emolive.i18n import in_language, parts_of, said_from, tr
from tests.postgres import Postgres, missing, postgres_server
from tests.waiting import until

T0 = datetime(2026, 3, 29, 0, 30, tzinfo=UTC)  # half an hour before summer time in Europe


@pytest.fixture(scope="module")
def postgres() -> Iterator[Postgres]:
    if reason := missing():
        pytest.skip(reason)
    with postgres_server() as server:
        yield server


def emptied(postgres: Postgres) -> CentralStore:
    store = CentralStore(postgres.url)
    with store.engine.begin() as connection:
        schema.metadata.drop_all(connection)
    return store


@pytest.fixture(params=["sqlite", "postgresql"])
def store(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[CentralStore]:
    if request.param == "sqlite":
        store = CentralStore(f"sqlite:///{tmp_path}/deep/history.db")
    else:
        store = emptied(request.getfixturevalue("postgres"))
    yield store
    store.close()


def began(stretch: str, key: str, at: datetime = T0, server: str = "one") -> StretchBegan:
    streams = ({"stream": "agent", "role": "agent"}, {"stream": "customer", "role": "customer"})
    return StretchBegan(
        stretch, key, f"Support {key}", "pcm", server, "m", at, streams, True, "pbx"
    )


def heard(
    stretch: str, start_s: float, end_s: float, label: str = "angry", *, still: bool = False
) -> SegmentHeard:
    return SegmentHeard(stretch, "customer", start_s, end_s, label, 0.75, still)


def alert(stretch: str, number: int = 1, fired_s: float = 4.0) -> AlertRaised:
    return AlertRaised(
        stretch, number, "Anger", "emotion", "critical", "customer", 1.0, fired_s, "Angry.", T0
    )


CALL: tuple[Record, ...] = (
    began("s1", "CA1"),
    heard("s1", 0.0, 2.0, "neutral"),
    heard("s1", 2.0, 5.0, still=True),
    heard("s1", 2.0, 9.0),
    alert("s1"),
    AlertOver("s1", 1, 9.0),
    StretchEnded("s1", T0 + timedelta(seconds=10), None, "20260329-003000"),
    Audited("one", 1, T0, "call.monitored", "pbx", {"call": "CA1"}),
)


def count(store: CentralStore) -> dict[str, int]:
    with store.engine.connect() as connection:
        return {
            table.name: connection.execute(select(func.count()).select_from(table)).scalar() or 0
            for table in schema.metadata.sorted_tables
        }


def test_a_call_comes_back_as_it_was_however_often_it_was_written(store: CentralStore) -> None:
    store.write(CALL)
    once = count(store)
    search = CentralSearch(store)
    found = search.call("s1")
    store.write(CALL)
    for record in CALL:
        store.write([record])
    assert count(store) == once
    assert search.call("s1") == found
    assert found is not None
    assert (found["name"], found["duration_s"]) == ("Support CA1", 10.0)
    assert found["started_at"] == "2026-03-29T00:30:00+00:00"
    assert [(s["start_s"], s["end_s"], s["label"]) for s in found["segments"]] == [
        (0.0, 2.0, "neutral"), (2.0, 9.0, "angry"),
    ]  # fmt: skip
    assert [(a["rule"], a["fired_s"], a["end_s"]) for a in found["alerts"]] == [("Anger", 4.0, 9.0)]
    assert found["stretches"][0]["session"] == "20260329-003000"
    assert found["stretches"][0]["streams"][1] == {"stream": "customer", "role": "customer"}
    assert [line["action"] for line in search.audit()] == ["call.monitored"]
    assert search.audit()[0]["details"] == {"call": "CA1"}


def test_a_call_whose_server_died_is_one_call(store: CentralStore) -> None:
    later = T0 + timedelta(seconds=31)
    store.write([began("s1", "CA1"), heard("s1", 0.0, 20.0, "sad"), heard("s1", 20.0, 29.5,
                 still=True)])  # fmt: skip
    store.write([began("s2", "CA1", later, "two"), heard("s2", 0.0, 4.0), alert("s2")])
    found = CentralSearch(store).find(CallQuery(key="CA1"))
    assert found.total == 1
    call = CentralSearch(store).call(found.calls[0]["id"])
    assert call is not None
    assert [(s["server"], s["start_s"], s["ended_at"]) for s in call["stretches"]] == [
        ("one", 0.0, None), ("two", 31.0, None),
    ]  # fmt: skip
    # The last words of the one that died are there, on one time axis with the rest.
    assert [(s["start_s"], s["end_s"]) for s in call["segments"]] == [
        (0.0, 20.0), (20.0, 29.5), (31.0, 35.0),
    ]  # fmt: skip
    assert [a["fired_s"] for a in call["alerts"]] == [35.0]
    # The same line on another day is another call, and so is one without a name of its own.
    store.write([began("s3", "CA1", T0 + timedelta(days=1)), began("s4", ""), began("s5", "")])
    assert CentralSearch(store).find(CallQuery()).total == 4


def test_a_call_whose_server_died_ends_with_a_reason_and_what_was_heard(
    store: CentralStore,
) -> None:
    search = CentralSearch(store)
    at = T0 + timedelta(seconds=30)
    for stretch in ("told", "silent"):
        store.write([began(stretch, stretch), StretchRecorded(stretch, f"session-{stretch}"),
                     heard(stretch, 0.0, 8.0, still=True)])  # fmt: skip
    ended = began("ended", "ended")
    store.write([ended, StretchEnded("ended", T0 + timedelta(seconds=9), "Ended by me.")])
    # Somebody who watched tells the end; of the other nobody, until its server begins again.
    store.write([StretchEnded("told", at, "The worker is lost.", lost=True)])
    store.write([StretchEnded("ended", at, "The worker is lost.", lost=True)])
    store.write([began("elsewhere", "elsewhere", server="two"), ServerBegan("one", at)])

    def stretch(call: str) -> dict[str, object]:
        found = search.call(call)
        assert found is not None
        assert all(one["end_s"] == 8.0 for one in found["segments"])
        assert len(found["segments"]) == (call in ("told", "silent"))
        (one,) = found["stretches"]
        return one

    assert stretch("told")["reason"] == "The worker is lost."
    assert stretch("told")["ended_at"] == at.isoformat()
    assert stretch("told")["session"] == "session-told"
    assert stretch("silent")["reason"] == "The server was lost."
    assert stretch("silent")["ended_at"] == (T0 + timedelta(seconds=8)).isoformat()
    assert stretch("ended")["reason"] == "Ended by me."
    assert stretch("elsewhere")["ended_at"] is None


def test_calls_are_found_by_time_name_emotion_and_alert(store: CentralStore) -> None:
    hour = timedelta(hours=1)
    store.write([began("s1", "CA1"), heard("s1", 0.0, 3.0, "sad"), alert("s1")])
    store.write([began("s2", "Ca%2", T0 + hour), heard("s2", 0.0, 12.0, "angry")])
    store.write([began("s3", "CA3", T0 + 2 * hour), heard("s3", 0.0, 7.0, still=True)])
    search = CentralSearch(store)

    def ids(**wanted: object) -> list[str]:
        return [call["id"] for call in search.find(CallQuery(**wanted)).calls]  # type: ignore[arg-type]

    assert ids() == ["s3", "s2", "s1"]
    assert ids(since=T0 + hour, until=T0 + 2 * hour) == ["s2"]
    assert ids(name="support ca") == ["s3", "s2", "s1"]
    assert ids(name="%") == ["s2"]
    assert ids(labels=("angry",)) == ["s3", "s2"]
    assert ids(labels=("angry",), min_duration_s=10) == ["s2"]
    assert ids(min_duration_s=5) == ["s3", "s2"]
    assert ids(min_confidence=0.8) == []
    assert ids(rule="Anger") == ids(severity="critical") == ["s1"]
    assert ids(rule="Anger", severity="info") == []
    page = search.find(CallQuery(), limit=1, offset=1)
    assert ([call["id"] for call in page.calls], page.total) == (["s2"], 3)
    assert search.call("nowhere") is None
    assert search.labels() == ("angry", "sad")


def test_many_servers_begin_at_once(store: CentralStore) -> None:
    url = store.engine.url.render_as_string(hide_password=False).replace("+psycopg", "")
    stores = [CentralStore(url) for _ in range(4)]
    with ThreadPoolExecutor(4) as pool:
        list(pool.map(CentralStore.prepare, stores))
    with ThreadPoolExecutor(4) as pool:
        list(pool.map(lambda n: stores[n].write([began(f"s{n}", f"CA{n}")]), range(4)))
    for one in stores:
        one.close()
    assert CentralSearch(store).find(CallQuery()).total == 4


def test_a_newer_program_s_history_is_left_alone(store: CentralStore) -> None:
    store.prepare()
    with store.engine.begin() as connection:
        connection.execute(update(schema.about).values(value="99"))
    store._ready = False
    with pytest.raises(EmoliveError, match="has version 99, this program knows 2"):
        store.write(CALL)


def test_sentences_are_told_in_the_readers_language(store: CentralStore) -> None:
    text = tr("{source} is gone.", source="Line 3")
    said = {"message": parts_of(text)}
    store.write(
        [
            began("s1", "CA1"),
            replace(alert("s1"), message=text, said=said),
            alert("s1", 2, 5.0),
            StretchEnded("s1", T0, text, said={"reason": parts_of(text)}),
        ]
    )
    call = CentralSearch(store).call("s1")
    assert call is not None
    alerts, [stretch] = call["alerts"], call["stretches"]
    assert [(one["message"], one["said"]) for one in alerts] == [(text, said), ("Angry.", None)]
    for parts in (alerts[0]["said"]["message"], stretch["said"]["reason"]):
        assert in_language("de", said_from(parts)) == "Line 3 ist weg."


def test_a_history_of_an_earlier_program_is_brought_up_to_date(store: CentralStore) -> None:
    store.write(CALL)
    with store.engine.begin() as connection:
        for table in ("alerts", "stretches"):
            connection.exec_driver_sql(f"ALTER TABLE emolive_{table} DROP COLUMN said")
        connection.execute(update(schema.about).values(value="1"))
    later = CentralStore(store.engine.url.render_as_string(hide_password=False))
    later.write([began("s2", "CA2"), replace(alert("s2"), said={"message": "Angry."})])
    search = CentralSearch(later)
    for call, said in (("s1", None), ("s2", {"message": "Angry."})):
        found = search.call(call)
        assert found is not None
        assert [one["said"] for one in found["alerts"]] == [said]
    later.close()


def test_nothing_is_lost_when_postgresql_is_killed_and_comes_back(postgres: Postgres) -> None:
    writer = HistoryWriter(emptied(postgres))
    try:
        writer.put(began(f"s{n}", f"CA{n}") for n in range(5))
        until(lambda: not writer.status.waiting)
        for second in range(160):
            writer.put(heard(f"s{n}", second, second + 1.0) for n in range(5))
            if second == 40:
                postgres.kill()
            if second == 120:
                until(lambda: writer.status.problem)
                problem = writer.status.problem
                assert problem is not None
                assert "The history at postgresql+psycopg://emolive@127.0.0.1" in problem
                postgres.start()
        until(lambda: not writer.status.waiting)
        assert (writer.status.dropped, writer.status.refused) == (0, 0)
        assert writer.status.problem is None
        assert writer.status.written == 5 + 5 * 160
    finally:
        writer.close()
    store = CentralStore(postgres.url)
    for n in range(5):
        call = CentralSearch(store).call(f"s{n}")
        assert call is not None
        assert [s["start_s"] for s in call["segments"]] == [float(s) for s in range(160)]
    store.close()


def test_the_spool_is_bounded_and_what_it_drops_is_counted() -> None:
    store = CentralStore("postgresql://emolive@127.0.0.1:1/nowhere")
    writer = HistoryWriter(store, spool=100)
    writer.put(heard("s", n, n + 1) for n in range(250))
    until(lambda: writer.status.problem)
    assert writer.status.waiting == 100
    assert writer.status.dropped == 150
    assert writer.close(within_s=0.0).dropped == 250


def test_what_no_database_takes_is_refused_alone(store: CentralStore) -> None:
    writer = HistoryWriter(store)
    writer.put([began("s1", "CA1"), heard("nowhere", 0.0, 1.0), heard("s1", 0.0, 1.0)])
    status = writer.close()
    assert (status.written, status.refused, status.dropped) == (2, 1, 0)


@pytest.mark.parametrize("address", ["", "history.db", "mysql://x/y", "postgresql:/x", "http://x"])
def test_wrong_addresses_are_one_sentence(address: str) -> None:
    with pytest.raises(EmoliveError, match="correct --history"):
        CentralStore(address)
    with pytest.raises(EmoliveError, match="correct --history"):
        CentralStore("postgresql://emolive@127.0.0.1:1/nowhere").prepare()
