"""From a client's socket to a call that runs: one session per connection."""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Iterable
from typing import Any, Protocol

from emolive.errors import EmoliveError
from emolive.server.access import Access, Refused
from emolive.server.host import CallRequest
from emolive.server.placement import Packet, Placement
from emolive.server.served_call import ServedCall
from emolive.server.switchboard import Switchboard
from emolive.server.taps.tap import (
    Began,
    Closing,
    Ended,
    Paused,
    Reply,
    Skipped,
    Tap,
    TapError,
    TapEvent,
)
from emolive.server.tokens import Grant, Scope
from emolive.types import FloatArray

_log = logging.getLogger(__name__)

# A client may be so far ahead of real time, and its clock so much faster.
_LEAD_S = 1.0
_FASTER = 1.02
_PIECE_S = 0.5
# No packet can be from further in the future.
_FUTURE_S = 10.0
# Who was told to close has so long to do it.
_CLOSING_S = 3.0
_FIRST_WORDS_S = 10.0


class Wire(Protocol):
    """A client's connection."""

    async def receive(self) -> str | bytes | None:
        """The next message, or what the socket brought; None: it is closed."""
        ...

    async def send(self, data: str | bytes) -> None:
        """Send something; a client that is gone is no error."""
        ...

    async def close(self, closing: Closing, reason: str) -> None:
        """Close it, with a reason that the client can see where the protocol has room for one."""
        ...


class TapSession:
    """One client of one tap, from its first message to its call's end."""

    def __init__(
        self,
        board: Switchboard,
        access: Access,
        tap: Tap,
        name: str,
        wire: Wire,
        grant: Grant | None,
    ) -> None:
        """`grant` None: the client's token comes inside the protocol."""
        self._board = board
        self._access = access
        self._tap = tap
        self._name = name
        self._wire = wire
        self._grant = grant
        self._call: ServedCall | None = None
        self._placement: Placement | None = None
        self._begun_at = 0.0
        self._written = 0
        self._paused = False
        self._over = False
        self._stop: asyncio.Future[tuple[Closing, str]] | None = None
        self.heard_at = time.monotonic()

    @property
    def call(self) -> ServedCall | None:
        """Its call, once it has begun."""
        return self._call

    @property
    def grant(self) -> Grant | None:
        """Whose it is."""
        return self._grant

    def silent_s(self, now: float) -> float:
        """For how long nothing has come; 0 while it is paused, or held back."""
        return 0.0 if self._paused else now - self.heard_at

    def end(self, closing: Closing, reason: str) -> None:
        """Have it end; returns at once."""
        if self._stop is not None and not self._stop.done():
            self._stop.set_result((closing, reason))

    async def run(self) -> None:
        """Serve the client until it leaves, or is sent away."""
        self._stop = asyncio.get_running_loop().create_future()
        listening = asyncio.create_task(self._listen())
        reason: str | None = None
        try:
            both: set[asyncio.Future[Any]] = {listening, self._stop}
            await asyncio.wait(both, return_when=asyncio.FIRST_COMPLETED)
            if self._stop.done():
                closing, reason = self._stop.result()
                await self._say(self._tap.close(closing, reason))
                await asyncio.wait({listening}, timeout=_CLOSING_S if self._answers else 0.0)
                await self._wire.close(closing, reason)
            else:
                reason = listening.result()
        finally:
            listening.cancel()
            await asyncio.wait({listening})
            self._finish(reason)

    @property
    def _answers(self) -> bool:
        """Whether the client closes by itself once it is asked to."""
        return self._name == "audiohook"

    async def _listen(self) -> str | None:
        """Take what comes; why it ended, None: as it should."""
        try:
            while (data := await self._wire.receive()) is not None:
                self.heard_at = time.monotonic()
                for event in self._tap.receive(data):
                    if isinstance(event, Packet):
                        await self._hear(event)
                    else:
                        await self._handle(event)
                if self._over:
                    await self._wire.close(Closing.COMPLETED, "the call is over")
                    return None
        except TapError as error:
            return await self._send_away(Closing.ERROR, str(error))
        except (EmoliveError, Refused) as error:
            return await self._send_away(Closing.REFUSED, str(error))
        return None if self._over else "The connection was closed."

    async def _send_away(self, closing: Closing, reason: str) -> str:
        _log.warning("A client of the tap %s was sent away: %s", self._name, closing.value)
        await self._say(self._tap.close(closing, reason))
        await self._wire.close(closing, reason)
        return reason

    async def _handle(self, event: TapEvent) -> None:
        if isinstance(event, Reply):
            await self._wire.send(event.data)
        elif isinstance(event, Began):
            await self._begin(event)
        elif isinstance(event, Paused):
            self._paused = event.paused
        elif isinstance(event, Skipped):
            if self._placement is not None and self._call is not None:
                samples = round(event.seconds * self._placement.rate)
                # No longer than it can have been.
                most = max(0, self._horizon(self._placement) - self._placement.end)
                await self._write(self._placement.skip(min(samples, most)), self._call)
        elif isinstance(event, Ended):
            self._over = True

    async def _begin(self, began: Began) -> None:
        if self._grant is None:
            self._grant = self._access.token_grant(began.token or "", "inside the protocol")
        self._access.require(self._grant, Scope.INGEST)
        request = CallRequest(
            self._board.free_id(began.key),
            began.name,
            self._name,
            began.rate,
            began.streams,
            began.roles,
            began.consent,
            self._grant.name,
            began.key,
        )
        self._call = await self._board.open(request)
        self._placement = self._call.placed = Placement(began.rate, len(began.streams))
        self._begun_at = self.heard_at = time.monotonic()
        await self._say(self._tap.began(self._call.id))

    async def _hear(self, packet: Packet) -> None:
        placement, call = self._placement, self._call
        if placement is None or call is None:
            return
        await self._write(placement.accept(packet, self._horizon(placement)), call)

    async def _write(self, blocks: Iterable[FloatArray], call: ServedCall) -> None:
        """Hand on what came, no faster than real time.

        Nothing more is read meanwhile, which the client's socket feels.
        """
        rate = call.request.rate
        step = round(_PIECE_S * rate)
        for block in blocks:
            for at in range(0, len(block), step):
                piece = block[at : at + step]
                call.hosted.write(piece)
                self._written += len(piece)
                now = time.monotonic()
                ahead_s = self._written / rate - _LEAD_S - _FASTER * (now - self._begun_at)
                if ahead_s > 0:
                    call.held_back_s += ahead_s
                    self.heard_at = now + ahead_s
                    await asyncio.sleep(ahead_s)

    def _horizon(self, placement: Placement) -> int:
        elapsed_s = time.monotonic() - self._begun_at
        return round((_FASTER * elapsed_s + _FUTURE_S) * placement.rate)

    def _finish(self, reason: str | None) -> None:
        if self._call is None or self._placement is None:
            return
        for block in self._placement.finish():
            self._call.hosted.write(block)
        self._call.hosted.finish(reason, self._placement.status.gaps)

    async def _say(self, replies: Iterable[Reply]) -> None:
        for reply in replies:
            await self._wire.send(reply.data)


class Sessions:
    """All clients of all taps: sends away who stalls or may no more, and all of them in the end."""

    def __init__(self, access: Access, stall_s: float) -> None:
        """A client that sends nothing for `stall_s` seconds is sent away."""
        self._access = access
        self._stall_s = stall_s
        self._sessions: set[TapSession] = set()

    def __len__(self) -> int:
        return len(self._sessions)

    async def serve(self, session: TapSession) -> None:
        """Serve one client until it is gone."""
        self._sessions.add(session)
        try:
            await session.run()
        finally:
            self._sessions.discard(session)

    def end(self, call: ServedCall, closing: Closing, reason: str) -> bool:
        """End one call; whether somebody brings it."""
        found = [one for one in self._sessions if one.call is call]
        for session in found:
            session.end(closing, reason)
        return bool(found)

    def end_all(self, reason: str) -> None:
        """End all of them, because the server goes down."""
        for session in self._sessions:
            session.end(Closing.DRAINING, reason)

    def tick(self) -> None:
        """Look at all of them."""
        now = time.monotonic()
        for session in self._sessions:
            allowed_s = self._stall_s if session.call else min(self._stall_s, _FIRST_WORDS_S)
            if session.silent_s(now) > allowed_s:
                session.end(Closing.ERROR, f"Nothing came for {allowed_s:g} seconds.")
            elif session.grant is not None and not self._access.holds(session.grant):
                session.end(Closing.REFUSED, "The token was revoked.")
