"""Sending a call to a server's plain tap, from Python. Needs the package `websockets` alone.

::

    async with CallSender("ws://127.0.0.1:8765", token, sampling_rate=16_000, channels=2) as call:
        await call.send(samples)  # float32 or int16, (n, 2): the agent's and the customer's
"""

from __future__ import annotations

import asyncio
import json
import ssl
import time
from collections.abc import Sequence
from types import TracebackType
from typing import TYPE_CHECKING, Any, Self

import numpy as np
import numpy.typing as npt

from emolive.errors import EmoliveError

if TYPE_CHECKING:
    from websockets.asyncio.client import ClientConnection
    from websockets.exceptions import ConnectionClosed

_PATH = "/v1/taps/pcm"
_ANSWER_S = 30.0
_MOVED = 307
_REDIRECTS = 3


class CallRefusedError(EmoliveError):
    """The server did not take the call, or ended it."""


class CallSender:
    """One call on its way to a server; an asynchronous context manager.

    Samples are interleaved 16-bit numbers on the wire.
    """

    def __init__(
        self,
        url: str,
        token: str,
        *,
        sampling_rate: int,
        channels: int = 1,
        roles: Sequence[str] = (),
        call: str | None = None,
        title: str | None = None,
        consent: bool | None = None,
        tls: ssl.SSLContext | None = None,
    ) -> None:
        """Prepare.

        Args:
            url: the server's, ``ws://`` or ``wss://``.
            token: one with the scope `ingest`.
            sampling_rate: in Hz.
            channels: 1 or 2.
            roles: who speaks on each channel: "agent", "customer", or "mixed" for both in one;
                the customer, or the agent and the customer, where nothing is said.
            call: an id of your own; None: the server makes one.
            title: what people call it.
            consent: whether the parties agreed to be recorded; None: not told.
            tls: for certificates of your own.
        """
        self._url = url.rstrip("/") + _PATH
        self._token = token
        self._tls = tls
        self._header: dict[str, Any] = {
            "type": "start",
            "sampling_rate": sampling_rate,
            "channels": channels,
            "encoding": "s16le",
        }
        optional = {"roles": list(roles), "call": call, "title": title, "consent": consent}
        self._header |= {k: v for k, v in optional.items() if v not in (None, [])}
        self._channels = channels
        self._socket: ClientConnection | None = None
        self.call_id = ""

    async def __aenter__(self) -> Self:
        """Connect, and have the call begin.

        Raises:
            CallRefusedError: the server does not take it, or cannot be reached.
        """
        from websockets.exceptions import InvalidStatus, WebSocketException

        try:
            self._socket = await self._connected()
        except InvalidStatus as error:
            raise CallRefusedError(_sentence(error.response.body)) from error
        except (OSError, WebSocketException) as error:
            raise CallRefusedError(f"{self._url} cannot be reached: {error}.") from error
        await self._socket.send(json.dumps(self._header))
        answer = await self._answer()
        if answer.get("type") != "started":
            raise CallRefusedError(str(answer.get("reason", "The server refused the call.")))
        self.call_id = str(answer["call"])
        return self

    async def _connected(self) -> ClientConnection:
        """A connection to the server, or to the one that it names instead.

        The token goes with it, which a plain redirect would leave out.
        """
        from websockets.asyncio.client import connect
        from websockets.exceptions import InvalidStatus

        class Once(connect):
            """Follows no redirect by itself."""

            def process_redirect(self, exc: Exception) -> Exception:
                return exc

        url = self._url
        for _ in range(_REDIRECTS):
            try:
                return await Once(
                    url,
                    additional_headers={"Authorization": f"Bearer {self._token}"},
                    ssl=self._tls,
                    compression=None,
                    max_queue=16,
                )
            except InvalidStatus as error:
                elsewhere = error.response.headers.get("Location")
                if error.response.status_code != _MOVED or elsewhere is None:
                    raise
                if url.startswith("wss") and not elsewhere.startswith("wss"):
                    raise CallRefusedError(
                        f"{self._url} names a server without TLS: the call is not sent there."
                    ) from error
                url = elsewhere
        raise CallRefusedError(f"{self._url} sends calls from one server to the next.")

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """The call is over."""
        from websockets.exceptions import WebSocketException

        if self._socket is None:
            return
        try:
            if error is None:
                await self._socket.send('{"type": "stop"}')
                await self._socket.wait_closed()
        except WebSocketException:
            pass
        finally:
            await self._socket.close()

    async def send(self, samples: npt.NDArray[Any], *, position: int | None = None) -> None:
        """Send frames, float (full scale 1) or int16, ``(n,)`` or ``(n, channels)``.

        `position`: the frame at which they begin, where some were lost before.

        Raises:
            CallRefusedError: the server has ended the call.
        """
        from websockets.exceptions import ConnectionClosed

        assert self._socket is not None
        frames = np.asarray(samples)
        if frames.dtype.kind == "f":
            frames = np.clip(np.rint(frames * 32_767), -32_768, 32_767)
        data = frames.astype("<i2").reshape(-1, self._channels).tobytes()
        try:
            if position is not None:
                await self._socket.send(json.dumps({"type": "position", "sample": position}))
            await self._socket.send(data)
        except ConnectionClosed as error:
            raise _ended(error) from error

    async def _answer(self) -> dict[str, Any]:
        from websockets.exceptions import ConnectionClosed

        assert self._socket is not None
        try:
            async with asyncio.timeout(_ANSWER_S):
                found: dict[str, Any] = json.loads(await self._socket.recv())
        except ConnectionClosed as error:
            raise _ended(error) from error
        except TimeoutError as error:
            raise CallRefusedError("The server does not answer.") from error
        return found


def _ended(error: ConnectionClosed) -> CallRefusedError:
    reason = error.rcvd.reason if error.rcvd is not None else ""
    return CallRefusedError(reason or "The connection to the server broke off: connect again.")


async def send_paced(
    call: CallSender, samples: npt.NDArray[Any], rate: int, *, block_s: float = 0.02
) -> None:
    """Send a recording as if it were spoken now: a block of `block_s` seconds, and so on."""
    step = round(block_s * rate)
    begun = time.monotonic()
    for at in range(0, len(samples), step):
        await asyncio.sleep(max(0.0, begun + at / rate - time.monotonic()))
        await call.send(samples[at : at + step])


def _sentence(body: bytes | bytearray | None) -> str:
    """What a server says when it refuses."""
    try:
        return str(json.loads(body or b"{}")["error"])
    except (ValueError, KeyError, TypeError):
        return "The server refused the call."
