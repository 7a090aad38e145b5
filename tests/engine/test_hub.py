from __future__ import annotations

import threading

import pytest

from emolive.engine import Hub, Mailbox
from emolive.types import EngineState, EngineStatus, Segment


def segment(number: int) -> Segment:
    return Segment("mono", number, number + 1, "happy", 0.5)


def status(state: EngineState = EngineState.RUNNING, elapsed_s: float = 0.0) -> EngineStatus:
    return EngineStatus(state, elapsed_s=elapsed_s)


def test_every_mailbox_gets_every_event_in_order() -> None:
    hub = Hub()
    first, second = hub.subscribe(10), hub.subscribe(10)
    for number in range(3):
        hub.publish(segment(number))
    wanted = [segment(number) for number in range(3)]
    assert first.drain() == second.drain() == wanted
    assert first.drain() == []


def test_a_full_mailbox_drops_the_oldest_and_counts() -> None:
    hub = Hub()
    slow, quick = hub.subscribe(2), hub.subscribe(10)
    for number in range(5):
        hub.publish(segment(number))
    assert slow.drain() == [segment(3), segment(4)]
    assert len(quick.drain()) == 5
    assert slow.dropped == hub.dropped == 3


def test_conflate_keeps_only_the_newest_status() -> None:
    hub = Hub()
    mailbox = hub.subscribe(10, "conflate")
    for event in (status(elapsed_s=1), segment(1), status(elapsed_s=2), segment(2)):
        hub.publish(event)
    assert mailbox.drain() == [segment(1), status(elapsed_s=2), segment(2)]
    assert mailbox.dropped == 0


def test_without_conflation_every_status_arrives() -> None:
    hub = Hub()
    mailbox = hub.subscribe(10)
    hub.publish(status(elapsed_s=1))
    hub.publish(status(elapsed_s=2))
    assert len(mailbox.drain()) == 2


def test_the_last_status_arrives_at_the_slowest_consumer() -> None:
    hub = Hub()
    mailbox = hub.subscribe(1)
    for number in range(100):
        hub.publish(segment(number))
    hub.publish(status(EngineState.STOPPED))
    assert mailbox.drain() == [status(EngineState.STOPPED)]


def test_a_mailbox_that_left_gets_nothing_but_its_losses_stay() -> None:
    hub = Hub()
    mailbox = hub.subscribe(1)
    hub.publish(segment(1))
    hub.publish(segment(2))
    hub.unsubscribe(mailbox)
    hub.unsubscribe(mailbox)
    hub.publish(segment(3))
    assert mailbox.drain() == [segment(2)]
    assert hub.dropped == 1


def test_get_waits_for_an_event_from_another_thread() -> None:
    hub = Hub()
    mailbox = hub.subscribe(10)
    thread = threading.Timer(0.05, lambda: hub.publish(segment(7)))
    thread.start()
    assert mailbox.get(60) == segment(7)
    thread.join()


def test_get_gives_up_in_time() -> None:
    assert Hub().subscribe(10).get(0.01) is None


def test_many_publishers_lose_nothing_uncounted() -> None:
    hub = Hub()
    mailbox = hub.subscribe(50)

    def publish() -> None:
        for number in range(500):
            hub.publish(segment(number))

    threads = [threading.Thread(target=publish) for _ in range(4)]
    for thread in threads:
        thread.start()
    seen = 0
    while any(thread.is_alive() for thread in threads):
        seen += len(mailbox.drain())
    seen += len(mailbox.drain())
    assert seen + mailbox.dropped == 2_000


def test_a_mailbox_needs_room() -> None:
    with pytest.raises(ValueError, match="room"):
        Mailbox(0, "drop_oldest")
