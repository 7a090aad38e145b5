"""Two AudioSocket connections as one call: the agent's and the customer's, put on one clock."""

from __future__ import annotations

import time
import uuid
from collections.abc import Callable, Iterable

from emolive.server.placement import Packet
from emolive.server.taps.audiosocket import AudioSocketTap
from emolive.server.taps.tap import Began, Closing, Ended, Reply, TapError, TapEvent
from emolive.types import Role

PARTIES = (Role.AGENT, Role.CUSTOMER)
# A party that is so far behind the clock was silent for a while; one that is so far ahead of it
# brings late what its silence has the place of.
_BEHIND_S = 0.2
_AHEAD_S = 0.1


class AudioSocketParties:
    """What both connections bring, each piece behind a byte that tells whose it is.

    The byte is the party's number in `PARTIES`; alone it says that this connection is closed. The
    protocol has no times, so what a party says has its place by when it came: the first packet and
    those after a silence by the clock, others behind the one before.
    """

    def __init__(
        self,
        key: uuid.UUID,
        *,
        slin_rate: int = 8_000,
        name: str | None = None,
        consent: bool | None = None,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        """`key`: the UUID of one of both; `slin_rate`: of frames of type 0x10."""
        self._key = str(key)
        self._name = name or f"Asterisk {self._key[:8]}"
        self._consent = consent
        self._clock = clock
        self._taps = tuple(AudioSocketTap(role, slin_rate=slin_rate) for role in PARTIES)
        self._heard: set[int] = set()
        self._over: set[int] = set()
        self._next: dict[int, int] = {}
        self._rate = 0
        self._begun_at = 0.0

    def receive(self, data: str | bytes) -> Iterable[TapEvent]:
        """Take what one of both sockets brought."""
        assert isinstance(data, bytes)
        party, piece = data[0], data[1:]
        if not piece or party in self._over:
            return
        self._heard.add(party)
        for event in self._taps[party].receive(piece):
            if isinstance(event, Began):
                yield from self._begin(event.rate)
            elif isinstance(event, Packet):
                yield from self._place(party, event)
            elif isinstance(event, Ended):
                self._over.add(party)
                if self._over >= self._heard:
                    yield event
            else:
                yield event

    def began(self, call_id: str) -> Iterable[Reply]:  # noqa: ARG002
        """Asterisk is told nothing."""
        return ()

    def close(self, closing: Closing, reason: str) -> Iterable[Reply]:
        """Have Asterisk hang up both sockets."""
        return self._taps[0].close(closing, reason)

    def _begin(self, rate: int) -> Iterable[Began]:
        if self._rate:
            if rate != self._rate:
                raise TapError("Both parties of a call have to come with the same sampling rate.")
            return
        self._rate, self._begun_at = rate, self._clock()
        streams = tuple(role.value for role in PARTIES)
        yield Began(self._key, self._name, rate, streams, PARTIES, self._consent)

    def _place(self, party: int, packet: Packet) -> Iterable[Packet]:
        n = len(packet.samples)
        now = round((self._clock() - self._begun_at) * self._rate)
        position = self._next.get(party)
        if position is None or now - n - position > _BEHIND_S * self._rate:
            # The first packet of all has been spoken before the call began.
            position = max(0, now - n, position or 0)
        elif position - now > _AHEAD_S * self._rate:
            return
        self._next[party] = position + n
        yield Packet(packet.samples, channel=party, position=position)
