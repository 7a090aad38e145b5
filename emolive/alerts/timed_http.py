"""HTTP and HTTPS connections whose `timeout` is for the whole request.

The standard library's holds for each step, so that a server which sends a byte now and then keeps
its client for ever. Here name, connection, TLS, sending and answer share one deadline.
"""

from __future__ import annotations

import http.client
import math
import queue
import socket
import ssl
import threading
import time
import urllib.request
from typing import Any

_USUAL_S = 5.0

Address = tuple[Any, ...]


class _TimedSocket(socket.socket):
    """A socket that has what is left until `deadline` (`time.monotonic`) for each step."""

    deadline = math.inf

    def recv_into(self, *args: Any) -> int:
        self.settimeout(_left(self.deadline))
        return super().recv_into(*args)

    def sendall(self, *args: Any) -> None:
        self.settimeout(_left(self.deadline))
        super().sendall(*args)


class _TimedTlsSocket(ssl.SSLSocket):
    """The same for TLS, whose `sendall` goes through `send`."""

    deadline = math.inf

    def recv_into(self, *args: Any) -> int:
        self.settimeout(_left(self.deadline))
        return super().recv_into(*args)

    def send(self, *args: Any) -> int:
        self.settimeout(_left(self.deadline))
        return super().send(*args)


class _Connection(http.client.HTTPConnection):
    def __init__(self, host: str, *, timeout: float = _USUAL_S, **arguments: Any) -> None:
        super().__init__(host, timeout=timeout, **arguments)
        self._deadline = time.monotonic() + timeout
        self._create_connection = self._dial  # what `connect` opens its socket with

    def _dial(self, address: tuple[str, int], *_: object) -> _TimedSocket:
        return _dialled(address, self._deadline)


class _TlsConnection(_Connection, http.client.HTTPSConnection):
    def connect(self) -> None:
        super().connect()
        assert isinstance(self.sock, _TimedTlsSocket)
        self.sock.deadline = self._deadline


class TimedHandler(urllib.request.HTTPHandler):
    """Opens ``http``."""

    def http_open(self, req: urllib.request.Request) -> http.client.HTTPResponse:
        """Send a request; `TimeoutError` (or a `URLError` of it) once its timeout is over."""
        return self.do_open(_Connection, req)


class TimedTlsHandler(urllib.request.HTTPSHandler):
    """Opens ``https``."""

    def __init__(self, context: ssl.SSLContext) -> None:
        """Trust what `context` trusts; it is this handler's from now on."""
        context.sslsocket_class = _TimedTlsSocket
        super().__init__(context=context)
        self._timed_context = context

    def https_open(self, req: urllib.request.Request) -> http.client.HTTPResponse:
        """Send a request; `TimeoutError` (or a `URLError` of it) once its timeout is over."""
        return self.do_open(_TlsConnection, req, context=self._timed_context)


def _left(deadline: float) -> float:
    """Seconds until `deadline`.

    Raises:
        TimeoutError: it is over.
    """
    left = deadline - time.monotonic()
    if left <= 0:
        raise TimeoutError("timed out")
    return left


def _dialled(address: tuple[str, int], deadline: float) -> _TimedSocket:
    found = _looked_up(address, deadline)
    problem: OSError = OSError("the name has no address")
    for tried, (family, kind, protocol, _, target) in enumerate(found):
        made = _TimedSocket(family, kind, protocol)
        made.deadline = deadline
        try:
            # An address that says nothing leaves time for those after it.
            made.settimeout(_left(deadline) / (len(found) - tried))
            made.connect(target)
            made.settimeout(_left(deadline))  # TLS begins with it
        except OSError as error:
            made.close()
            problem = error
        else:
            return made
    raise problem


def _looked_up(address: tuple[str, int], deadline: float) -> list[Address]:
    """The addresses of a name, asked for on a thread: the system's resolver knows no deadline.

    The thread ends when the resolver gives up, which takes it some seconds.
    """
    answers: queue.SimpleQueue[list[Address] | OSError] = queue.SimpleQueue()

    def ask() -> None:
        try:
            answers.put(list(socket.getaddrinfo(*address, type=socket.SOCK_STREAM)))
        except OSError as error:
            answers.put(error)
        except UnicodeError:  # a label that is empty or too long
            answers.put(OSError(f"{address[0]} is not a host's name"))

    threading.Thread(target=ask, name=f"emolive look up {address[0]}", daemon=True).start()
    try:
        answer = answers.get(timeout=_left(deadline))
    except queue.Empty:
        raise TimeoutError("timed out") from None
    if isinstance(answer, OSError):
        raise answer
    return answer
