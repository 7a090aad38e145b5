"""From a client's socket to a call that runs: one session per connection."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import time
from collections.abc import Iterable
from typing import Any, Protocol

from emolive.errors import EmoliveError
from emolive.i18n import decimal, in_language, tr
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
# So long a client may take to begin a call, whatever it sends meanwhile.
_BEGUN_WITHIN_S = 60.0
# Taps whose vendors end a call by closing the connection.
_CLOSING_ENDS = ("audiosocket", "freeswitch")


class Wire(Protocol):
    """A client's connection."""

    async def receive(self) -> str | bytes | None:
        """The next message, or what the socket brought; None: it is closed."""

    async def send(self, data: str | bytes) -> None:
        """Send something; a client that is gone is no error."""

    async def close(self, closing: Closing, reason: str) -> None:
        """Close it, with a reason that the client can see where the protocol has room for one."""


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
        address: str = "",
    ) -> None:
        """`grant` None: the token of the client at `address` comes inside the protocol."""
        self._board = board
        self._faster = _FASTER * board.pace
        self._access = access
        self._tap = tap
        self._name = name
        self._wire = wire
        self.grant = grant  # whose it is
        self._address = address
        self.call: ServedCall | None = None  # its call, once it has begun
        self._placement: Placement | None = None
        self._begun_at = 0.0
        self._written = 0
        self._paused = False
        self._over = False
        self._reason: str | None = None
        self._stop: asyncio.Future[tuple[Closing, str]] | None = None
        self.came_at = self.heard_at = time.monotonic()

    @property
    def begun_within_s(self) -> float:
        """How long it may take to begin its call: less for one that has shown no token."""
        return _FIRST_WORDS_S if self.grant is None else _BEGUN_WITHIN_S

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
                self._reason = reason
                told = in_language("en", reason)
                await self._say(self._tap.close(closing, told))
                if self._answers:
                    await asyncio.wait({listening}, timeout=_CLOSING_S)
                    if closing is Closing.DRAINING and not listening.done():
                        # Not every client can come back: this one is asked to close, then.
                        await self._say(self._tap.close(Closing.COMPLETED, told))
                        await asyncio.wait({listening}, timeout=_CLOSING_S)
                await self._wire.close(closing, told)
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
                        for block in self._placed(event):
                            if (ahead_s := self._hand_on(block)) > 0:
                                await self._hold_back(ahead_s)
                    else:
                        await self._handle(event)
                if self._over:
                    self._finish(self._reason)
                    await self._hear_out()
                    await self._wire.close(Closing.COMPLETED, "the call is over")
                    return self._reason
        except TapError as error:
            return await self._send_away(Closing.ERROR, str(error))
        except Refused as error:
            return await self._send_away(Closing.REFUSED, str(error))
        except EmoliveError as error:
            return await self._send_away(Closing.BUSY, str(error))
        return None if self._name in _CLOSING_ENDS else tr("The connection was closed.")

    async def _send_away(self, closing: Closing, reason: str) -> str:
        _log.warning("A client of the tap %s was sent away: %s", self._name, closing.value)
        told = in_language("en", reason)  # what programs of others are told
        await self._say(self._tap.close(closing, told))
        await self._hear_out()
        await self._wire.close(closing, told)
        return reason

    async def _hear_out(self) -> None:
        """Let a client that closes by itself say its last words."""
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(_CLOSING_S):
                while self._answers and (data := await self._wire.receive()) is not None:
                    with contextlib.suppress(TapError):
                        for event in self._tap.receive(data):
                            if isinstance(event, Reply):
                                await self._wire.send(event.data)

    async def _handle(self, event: TapEvent) -> None:
        if isinstance(event, Reply):
            await self._wire.send(event.data)
        elif isinstance(event, Began):
            await self._begin(event)
        elif isinstance(event, Paused):
            self._paused = event.paused
        elif isinstance(event, Skipped):
            if self._placement is not None and self.call is not None:
                samples = round(event.seconds * self._placement.rate)
                # No longer than it can have been.
                most = max(0, self._horizon(self._placement) - self._placement.end)
                for block in self._placement.skip(min(samples, most)):
                    if (ahead_s := self._hand_on(block)) > 0:
                        await self._hold_back(ahead_s)
        elif isinstance(event, Ended):
            self._over, self._reason = True, self._reason or event.reason

    async def _begin(self, began: Began) -> None:
        if self.grant is None:
            self.grant = self._access.token_grant(began.token or "", self._address)
        self._access.require(self.grant, Scope.INGEST)
        request = CallRequest(
            self._board.free_id(began.key),
            began.name,
            self._name,
            began.rate,
            began.streams,
            began.roles,
            began.consent,
            self.grant.name,
            began.key,
            server=self._board.name,
        )
        opening = asyncio.create_task(self._board.open(request))
        try:
            self.call = await asyncio.shield(opening)
        except asyncio.CancelledError:
            # Sent away meanwhile: what was begun for it has to end, too.
            opening.add_done_callback(_end_unheard)
            raise
        self._placement = self.call.placed = Placement(began.rate, len(began.streams))
        self._begun_at = self.heard_at = time.monotonic()
        await self._say(self._tap.began(self.call.id))

    def _placed(self, packet: Packet) -> Iterable[FloatArray]:
        """What a packet brings, in pieces that are short enough to be held back one by one."""
        placement = self._placement
        if placement is None:
            return
        step = round(_PIECE_S * placement.rate)
        for block in placement.accept(packet, self._horizon(placement)):
            if len(block) <= step:
                yield block
            else:
                yield from (block[at : at + step] for at in range(0, len(block), step))

    def _hand_on(self, block: FloatArray) -> float:
        """Have a block heard; by how much that is ahead of real time."""
        call = self.call
        assert call is not None
        call.hosted.write(block)
        self._written += len(block)
        elapsed_s = self.heard_at - self._begun_at
        return self._written / call.request.rate - _LEAD_S - self._faster * elapsed_s

    async def _hold_back(self, ahead_s: float) -> None:
        """Wait for real time; nothing is read meanwhile, which the client's socket feels."""
        assert self.call is not None
        self.call.held_back_s += ahead_s
        self.heard_at += ahead_s
        await asyncio.sleep(self.heard_at - time.monotonic())
        self.heard_at = max(self.heard_at, time.monotonic())

    def _horizon(self, placement: Placement) -> int:
        elapsed_s = self.heard_at - self._begun_at
        return round((self._faster * elapsed_s + _FUTURE_S) * placement.rate)

    def _finish(self, reason: str | None) -> None:
        placement, self._placement = self._placement, None
        if self.call is None or placement is None:
            return
        for block in placement.finish():
            self.call.hosted.write(block)
        self.call.hosted.finish(reason, placement.status.gaps)

    async def _say(self, replies: Iterable[Reply]) -> None:
        for reply in replies:
            await self._wire.send(reply.data)


def _end_unheard(opening: asyncio.Task[ServedCall]) -> None:
    if not opening.cancelled() and opening.exception() is None:
        opening.result().hosted.finish(tr("The connection was closed."), 0)


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
                session.end(
                    Closing.ERROR,
                    tr("Nothing came for {allowed_s} seconds.", allowed_s=decimal(allowed_s)),
                )
            elif session.call is None and now - session.came_at > session.begun_within_s:
                session.end(
                    Closing.ERROR,
                    tr(
                        "No call began in {begun_within_s} seconds.",
                        begun_within_s=decimal(session.begun_within_s),
                    ),
                )
            elif session.grant is not None and not self._access.holds(session.grant):
                session.end(Closing.REFUSED, tr("The token was revoked."))
