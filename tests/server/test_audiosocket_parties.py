"""Two connections of Asterisk, each with one party, are one call."""

from __future__ import annotations

import contextlib
import uuid
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
import soundfile
from hypothesis import given
from hypothesis import strategies as st

from emolive.server.audiosocket import AudioSocketParties
from emolive.server.placement import Packet
from emolive.server.settings import Keeping, ServerSettings
from emolive.server.taps.tap import Began, Ended, TapError, TapEvent
from emolive.session.library import Library
from emolive.types import Role
from tests.server.running import Running, serving, tiny
from tests.server.vendors import AudioSocket, linear, paced
from tests.waiting import until

RATE = 8_000
FRAME = RATE // 50


@pytest.fixture
def running(tmp_path: Path) -> Iterator[Running]:
    with serving(
        ServerSettings(
            model=tiny(tmp_path), provider="cpu", library=tmp_path / "library", measured=False,
            audiosocket_port=0, keeping=Keeping.SOUND,
        )
    ) as found:  # fmt: skip
        yield found


def announced(running: Running, **more: object) -> tuple[uuid.UUID, uuid.UUID]:
    customer, agent = uuid.uuid4(), uuid.uuid4()
    body = {"title": "Line 7", "role": "customer", "other": str(agent), **more}
    assert running.http.put(f"/v1/audiosocket/{customer}", json=body).status_code == 204
    return customer, agent


def client(running: Running, known: uuid.UUID) -> AudioSocket:
    assert running.server.audiosocket_port is not None
    return AudioSocket(running.server.audiosocket_port, known.bytes)


def test_both_parties_are_one_call_on_one_clock(running: Running, tmp_path: Path) -> None:
    known, other = announced(running, consent=True)
    # Noise, since no part of it is like another.
    said = linear(np.random.default_rng(7).normal(0, 0.1, 4 * RATE).astype(np.float32))
    customer, agent = client(running, known), None
    for number in paced(200):
        frame = said[number * 2 * FRAME : (number + 1) * 2 * FRAME]
        if number < 150:
            customer.send(0x10, frame)
        if number == 50:
            agent = client(running, other)
        # The agent speaks from 1 s to 2 s, is on hold, and speaks again from 3 s on.
        if agent is not None and (number < 100 or number >= 150):
            agent.send(0x10, frame)
        if number == 150:
            customer.send(0x00)  # one party hangs up first
    assert agent is not None
    agent.send(0x00)
    assert (customer.ended(), agent.ended()) == (b"", b"")
    call = str(known)
    until(lambda: running.call(call)["ended_at"] and not running.call(call)["recording"])
    info = running.call(call)
    assert info["name"] == "Line 7"
    assert info["state"] == "stopped"
    assert info["reason"] is None
    assert info["consent"] is True
    assert {one["stream"]: one["emotion"] for one in info["streams"]} == {
        "agent": False, "customer": True,
    }  # fmt: skip
    assert len(running.calls()) == 1
    with Library.open(tmp_path / "library") as library:
        heard = {}
        for party in ("agent", "customer"):
            path = library.audio_path(info["session"], party)
            assert path is not None
            heard[party], _ = soundfile.read(path, dtype="float32")
    spoken = np.frombuffer(said, "<i2").astype(np.float32) / 32_768

    def at(party: str, first: int, last: int) -> int:
        """Where these samples of what was said are in the recording."""
        match = np.correlate(heard[party], spoken[first:last], "valid")
        return int(np.argmax(match))

    # The clocks of a busy machine; a second is what would be wrong without it.
    slack = round(0.5 * RATE)
    assert abs(at("customer", 0, RATE) - 0) <= slack
    assert abs(at("agent", RATE, 2 * RATE) - RATE) <= slack
    assert abs(at("agent", 3 * RATE, 4 * RATE) - 3 * RATE) <= slack


def test_a_party_alone_a_second_time_and_a_call_that_is_over(running: Running) -> None:
    known, other = announced(running)
    first = client(running, known)
    for _ in paced(25):
        first.send(0x10, bytes(2 * FRAME))
    first.socket.close()
    until(lambda: running.calls() and running.call(str(known))["ended_at"])
    assert running.call(str(known))["reason"] is None, "so Asterisk ends a call"
    late = client(running, other)
    assert late.ended() == b"\0\0\0", "its call is over"
    assert len(running.calls()) == 1
    same = {"role": "agent", "other": str(known)}
    assert running.http.put(f"/v1/audiosocket/{known}", json=same).status_code == 400


def test_a_call_that_is_ended_here_closes_both(running: Running) -> None:
    known, other = announced(running)
    both = client(running, known), client(running, other)
    with contextlib.suppress(OSError):
        for _ in paced(50):
            for one in both:
                one.send(0x10, bytes(2 * FRAME))
    until(lambda: running.http.delete(f"/v1/calls/{known}").status_code == 202)
    assert [one.ended() for one in both] == [b"\0\0\0"] * 2


def test_another_rate_is_told(running: Running) -> None:
    known, other = announced(running)
    both = client(running, known), client(running, other)
    both[0].send(0x10, bytes(320))
    until(lambda: len(running.calls()) == 1)
    both[1].send(0x12, bytes(640))
    until(lambda: running.call(str(known))["ended_at"])
    assert "same sampling rate" in running.call(str(known))["reason"]
    for one in both:
        one.ended()


PIECE = st.tuples(
    st.sampled_from((0, 1)),
    st.one_of(
        st.binary(max_size=40),
        st.builds(
            lambda kind, payload: bytes([kind]) + len(payload).to_bytes(2, "big") + payload,
            st.sampled_from((0x00, 0x01, 0x03, 0x10, 0x12, 0x77, 0xFF)),
            st.one_of(st.binary(min_size=16, max_size=16), st.just(bytes(320))),
        ),
    ),
    st.floats(0.0, 3.0),
)


@given(pieces=st.lists(PIECE, max_size=30))
def test_whatever_comes_is_placed_or_refused(pieces: list[tuple[int, bytes, float]]) -> None:
    now = 0.0
    key = uuid.uuid4()
    tap = AudioSocketParties(key, clock=lambda: now)
    events: list[TapEvent] = []
    ends: dict[int | None, int] = {}
    with contextlib.suppress(TapError):
        for party, piece, after_s in [(0, b"\1\0\x10" + key.bytes, 0.0), *pieces]:
            now += after_s
            for event in tap.receive(bytes([party]) + piece):
                events.append(event)
                if isinstance(event, Packet):
                    assert event.position is not None
                    assert event.position >= ends.get(event.channel, 0), "nothing overlaps"
                    ends[event.channel] = event.position + len(event.samples)
                    # Never ahead of the clock by more than a packet and the slack.
                    assert event.position <= now * 48_000 + 48_000
    begun = [event for event in events if isinstance(event, Began)]
    assert len(begun) <= 1
    assert all(one.roles == (Role.AGENT, Role.CUSTOMER) for one in begun)
    assert sum(isinstance(event, Ended) for event in events) <= 2
