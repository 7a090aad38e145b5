"""Asterisk's connections: the calls that are expected, and the port they come to."""

from __future__ import annotations

import asyncio
import contextlib
import ssl
import time
import uuid
from collections import OrderedDict
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from uuid import UUID

from emolive.errors import EmoliveError
from emolive.server.access import Access
from emolive.server.ingest import Sessions, TapSession
from emolive.server.placement import Packet
from emolive.server.protocols import ConnectionLimits
from emolive.server.switchboard import Switchboard
from emolive.server.taps.audiosocket import AudioSocketTap
from emolive.server.taps.tap import Began, Closing, Ended, Reply, Tap, TapError, TapEvent
from emolive.server.tokens import Grant, Scope
from emolive.types import Role

PARTIES = (Role.AGENT, Role.CUSTOMER)
# A party that is so far behind the clock was silent for a while; one that is so far ahead of it
# brings late what its silence has the place of.
_BEHIND_S = 0.2
_AHEAD_S = 0.1


class AudioSocketParties(Tap):
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


_READ = 65_536
_HELD = 4 * _READ
_EXPECTED_S = 3_600.0
_MOST_EXPECTED = 10_000
_FIRST_FRAME = 3 + 16
_FIRST_WORDS_S = 10.0


@dataclass(frozen=True, slots=True)
class ExpectedCall:
    """What Asterisk's UUID stands for; `slin_rate` in Hz is that of frames of type 0x10.

    `parties`: the connection is one of two that bring one call (None: it brings one alone).
    """

    grant: Grant
    name: str | None = None
    role: Role = Role.CUSTOMER
    slin_rate: int = 8_000
    consent: bool | None = None
    parties: PartiesWire | None = None


class PartiesWire:
    """The connections of both parties of a call as one `Wire`: see `AudioSocketParties`.

    Buffer: a piece of each socket; overflow policy: the sockets are not read.
    """

    def __init__(self, key: UUID) -> None:
        """`key`: one of both UUIDs."""
        self.key = key
        self.closed = False
        self._pieces: asyncio.Queue[bytes | None] = asyncio.Queue(2)
        self._writers: list[asyncio.StreamWriter] = []
        self._open = 0

    @property
    def begun(self) -> bool:
        """Whether one of both is there, or was."""
        return bool(self._writers)

    async def bring(
        self, role: Role, first: bytes, reader: asyncio.StreamReader, writer: asyncio.StreamWriter
    ) -> None:
        """Read one party's connection until it is over."""
        party = bytes([PARTIES.index(role)])
        self._open += 1
        self._writers.append(writer)
        piece = first
        while piece and not self.closed:
            await self._pieces.put(party + piece)
            try:
                piece = await reader.read(_READ)
            except OSError:
                piece = b""
        self._open -= 1
        if not self._open and not self.closed:
            await self._pieces.put(None)

    async def receive(self) -> bytes | None:
        """What the next socket brought; None: all are closed."""
        return await self._pieces.get()

    async def send(self, data: str | bytes) -> None:
        """Send something to both."""
        assert isinstance(data, bytes)
        for writer in self._writers:
            with contextlib.suppress(OSError):
                writer.write(data)
                await writer.drain()

    async def close(self, closing: Closing, reason: str) -> None:  # noqa: ARG002
        """Close both, and let go of who reads them."""
        self.closed = True
        for writer in self._writers:
            writer.close()
        while not self._pieces.empty():
            self._pieces.get_nowait()


class AudioSocketCalls:
    """Calls that were announced, each for an hour and once.

    10,000 at most; overflow policy: the oldest are forgotten.
    """

    def __init__(self) -> None:
        self._expected: OrderedDict[UUID, tuple[ExpectedCall, float]] = OrderedDict()

    def expect(self, uuid: UUID, call: ExpectedCall) -> None:
        """A connection with this UUID will come."""
        self._expected[uuid] = call, time.monotonic() + _EXPECTED_S
        self._expected.move_to_end(uuid)
        while len(self._expected) > _MOST_EXPECTED:
            self._expected.popitem(last=False)

    def take(self, uuid: UUID) -> ExpectedCall | None:
        """It has come; None: it was not expected."""
        found = self._expected.pop(uuid, None)
        return found[0] if found is not None and found[1] >= time.monotonic() else None


class _StreamWire:
    """A TCP connection as a `Wire`."""

    def __init__(
        self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, first: bytes
    ) -> None:
        self._reader = reader
        self._writer = writer
        self._first = first

    async def receive(self) -> bytes | None:
        if self._first:
            first, self._first = self._first, b""
            return first
        try:
            return await self._reader.read(_READ) or None
        except OSError:
            return None

    async def send(self, data: str | bytes) -> None:
        assert isinstance(data, bytes)
        with contextlib.suppress(OSError):
            self._writer.write(data)
            await self._writer.drain()

    async def close(self, closing: Closing, reason: str) -> None:  # noqa: ARG002
        """The protocol has no room for reasons."""
        self._writer.close()


class AudioSocketPort:
    """Listens for Asterisk.

    A client has no token, so others than this computer need TLS and an announced UUID.
    """

    def __init__(
        self,
        board: Switchboard,
        access: Access,
        sessions: Sessions,
        expected: AudioSocketCalls,
        *,
        local: bool,
        limits: ConnectionLimits,
    ) -> None:
        """`local`: nobody else can reach it, so that any UUID is taken."""
        self._board = board
        self._access = access
        self._sessions = sessions
        self._expected = expected
        self._local = local
        self._limits = limits
        self._server: asyncio.Server | None = None
        self._tasks: dict[asyncio.Task[None], str] = {}

    @property
    def port(self) -> int:
        """Where it listens."""
        assert self._server is not None
        port: int = self._server.sockets[0].getsockname()[1]
        return port

    @property
    def connections(self) -> int:
        """How many there are."""
        return len(self._tasks)

    async def listen(self, host: str, port: int, tls: ssl.SSLContext | None) -> None:
        """Take connections from now on.

        Raises:
            EmoliveError: it cannot listen there.
        """
        try:
            self._server = await asyncio.start_server(
                self._serve,
                host,
                port,
                ssl=tls,
                limit=_HELD,
                ssl_handshake_timeout=_FIRST_WORDS_S if tls else None,
            )
        except OSError as error:
            raise EmoliveError(
                "AudioSocket cannot listen at {host}:{port} ({reason}): choose "
                "another --audiosocket-port.",
                host=host,
                port=port,
                reason=error.strerror or error,
            ) from error

    async def close(self) -> None:
        """Take no more; those that are there are ended by whoever ends their calls."""
        if self._server is not None:
            self._server.close()
        if self._tasks:
            await asyncio.wait(self._tasks, timeout=_FIRST_WORDS_S)

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        address = (writer.get_extra_info("peername") or ("",))[0]
        self._tasks[task] = address
        try:
            if self._limits.refusal(address, self._tasks.values()) is None:
                await self._connection(reader, writer)
        finally:
            del self._tasks[task]
            writer.close()
            with contextlib.suppress(OSError):
                await writer.wait_closed()

    async def _connection(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        refused = self._board.refusal()
        try:
            async with asyncio.timeout(_FIRST_WORDS_S):
                first = await reader.readexactly(_FIRST_FRAME)
        except (TimeoutError, OSError, asyncio.IncompleteReadError):
            return
        expected = self._expected.take(UUID(bytes=first[3:])) if first[0] == 0x01 else None
        if expected is None and self._local:
            expected = ExpectedCall(Grant("AudioSocket", frozenset({Scope.INGEST})))
        parties = None if expected is None else expected.parties
        # Of a call that goes on the other party is always taken.
        joins = parties is not None and parties.begun and not parties.closed
        if expected is None or (refused is not None and not joins) or (parties and parties.closed):
            with contextlib.suppress(OSError):
                writer.write(b"\x00\x00\x00")
                await writer.drain()
            return
        if parties is not None:
            bringing = asyncio.create_task(parties.bring(expected.role, first, reader, writer))
            if not joins:
                try:
                    await self._serve_parties(parties, expected)
                finally:
                    await parties.close(Closing.COMPLETED, "the call is over")
            await bringing
            return
        tap = AudioSocketTap(
            expected.role,
            slin_rate=expected.slin_rate,
            name=expected.name,
            consent=expected.consent,
        )
        wire = _StreamWire(reader, writer, first)
        session = TapSession(self._board, self._access, tap, "audiosocket", wire, expected.grant)
        await self._sessions.serve(session)

    async def _serve_parties(self, parties: PartiesWire, expected: ExpectedCall) -> None:
        tap = AudioSocketParties(
            parties.key,
            slin_rate=expected.slin_rate,
            name=expected.name,
            consent=expected.consent,
        )
        session = TapSession(self._board, self._access, tap, "audiosocket", parties, expected.grant)
        await self._sessions.serve(session)
