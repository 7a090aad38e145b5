from __future__ import annotations

import threading
from datetime import UTC, datetime, timedelta
from pathlib import Path

from emolive.alerts.outbox import Depth, Outbox
from emolive.session.library import Library
from emolive.session.records import StreamInfo
from tests.session.filled import session_record

NOW = datetime(2025, 3, 1, 12, tzinfo=UTC)
LEASE = timedelta(seconds=10)


def put(outbox: Outbox, *ids: str, webhook: str = "team", session: str | None = None) -> None:
    for message_id in ids:
        outbox.put(message_id, webhook, f'{{"id": "{message_id}"}}', NOW, session)


def claim(outbox: Outbox, at: datetime = NOW, webhook: str = "team") -> str | None:
    message = outbox.claim(webhook, at, LEASE)
    return None if message is None else message.id


def test_in_order_each_once_and_gone_when_delivered(outbox: Outbox) -> None:
    put(outbox, "a", "b")
    put(outbox, "x", webhook="other")
    first = outbox.claim("team", NOW, LEASE)
    assert first is not None
    assert (first.id, first.payload, first.attempts) == ("a", '{"id": "a"}', 1)
    assert claim(outbox) == "b"
    assert claim(outbox) is None
    outbox.delivered(first)
    assert outbox.depth() == Depth(waiting=2, failed=0, dropped=0)
    assert claim(outbox, webhook="other") == "x"


def test_what_was_claimed_and_never_settled_is_due_after_the_lease(outbox: Outbox) -> None:
    put(outbox, "a")
    assert claim(outbox) == "a"
    assert claim(outbox, NOW + LEASE / 2) is None
    assert outbox.next_due("team") == NOW + LEASE
    assert claim(outbox, NOW + LEASE) == "a"


def test_what_never_works_holds_up_nothing_else(outbox: Outbox) -> None:
    put(outbox, "poison")
    poison = outbox.claim("team", NOW, LEASE)
    assert poison is not None
    outbox.postpone(poison, NOW, "500")
    put(outbox, "a", "b")
    assert [claim(outbox), claim(outbox), claim(outbox)] == ["a", "b", "poison"]


def test_failed_messages_stay_and_can_be_tried_again(outbox: Outbox) -> None:
    put(outbox, "a")
    message = outbox.claim("team", NOW, LEASE)
    assert message is not None
    outbox.give_up(message, "answered 404 Not Found")
    assert outbox.depth() == Depth(waiting=0, failed=1, dropped=0)
    assert claim(outbox, NOW + timedelta(days=1)) is None
    (kept,) = outbox.messages()
    assert (kept.state, kept.last_error) == ("failed", "answered 404 Not Found")
    assert outbox.retry_failed(NOW + timedelta(days=1)) == 1
    assert claim(outbox, NOW + timedelta(days=1)) == "a"


def test_a_server_that_is_back_gets_everything_at_once(outbox: Outbox) -> None:
    put(outbox, "a", "b")
    for _ in range(2):
        message = outbox.claim("team", NOW, LEASE)
        assert message is not None
        outbox.postpone(message, NOW + timedelta(minutes=1), "500")
    assert claim(outbox) is None
    outbox.hasten("team", NOW)
    assert {claim(outbox), claim(outbox)} == {"a", "b"}


def test_a_full_outbox_drops_the_oldest_and_counts_for_ever(library: Path) -> None:
    outbox = Outbox.open(library, capacity=3)
    put(outbox, "a", "b", "c")
    message = outbox.claim("team", NOW, LEASE)
    second = outbox.claim("team", NOW, LEASE)
    assert message is not None
    assert second is not None
    outbox.give_up(second, "404")
    put(outbox, "d")  # the failed one goes first
    assert [m.id for m in outbox.messages()] == ["a", "c", "d"]
    put(outbox, "e", "f")
    assert [m.id for m in outbox.messages()] == ["d", "e", "f"]
    outbox.delivered(message)  # it is gone already: nothing to do
    outbox.close()
    again = Outbox.open(library, capacity=3)
    assert again.depth() == Depth(waiting=3, failed=0, dropped=3)
    again.close()


def test_the_same_id_twice_is_one_message(outbox: Outbox) -> None:
    put(outbox, "a", "a")
    assert outbox.depth().waiting == 1


def test_a_clock_put_back_does_not_hold_messages_for_ever(outbox: Outbox) -> None:
    put(outbox, "a")
    assert claim(outbox, NOW - timedelta(days=2)) == "a"


def test_messages_go_with_their_session(library: Path, outbox: Outbox) -> None:
    with Library.open(library) as sessions:
        new = session_record(
            streams=(StreamInfo("mono", 16_000),),
            labels=("x",),
        )
        writer = sessions.create(new)
        writer.finish(16_000)
        put(outbox, "a", session=writer.info.id)
        put(outbox, "b", session="gone")
        assert outbox.depth().waiting == 2
        sessions.delete(writer.info.id)
    assert [message.id for message in outbox.messages()] == ["b"]


def test_two_processes_never_claim_the_same(library: Path) -> None:
    """Two connections, as two processes have."""
    boxes = [Outbox.open(library), Outbox.open(library)]
    put(boxes[0], *(f"m{i}" for i in range(40)))
    claimed: list[str] = []

    def work(box: Outbox) -> None:
        while (message := claim(box)) is not None:
            claimed.append(message)

    threads = [threading.Thread(target=work, args=(box,)) for box in boxes]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(claimed) == sorted(f"m{i}" for i in range(40))
    for box in boxes:
        box.close()
