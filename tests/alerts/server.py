"""A real webhook server on this computer that misbehaves when told to."""

from __future__ import annotations

import json
import socket
import ssl
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from tests.waiting import PATIENCE_S

SECRET = "whsec_MDEyMzQ1Njc4OWFiY2RlZg=="


@dataclass(frozen=True)
class Received:
    """One request, as it came in."""

    at: float  # time.monotonic()
    headers: dict[str, str]
    body: bytes
    answered: int | None

    @property
    def json(self) -> dict[str, Any]:
        return json.loads(self.body)  # type: ignore[no-any-return]

    @property
    def id(self) -> str:
        return self.headers["webhook-id"]


class WebhookServer:
    """Answers as `answer` says: a status, or "hang" (until closed), or "cut" (no answer), or
    "garbage".

    `judge`, if there is one, says the status for a message instead; `text` is what comes with it.
    """

    def __init__(self, port: int = 0, tls: ssl.SSLContext | None = None) -> None:
        self.tls = tls
        self.received: list[Received] = []
        self.answer: Callable[[int], int | str] = lambda _: 204
        self.judge: Callable[[dict[str, Any]], int] | None = None
        self.headers: dict[str, str] = {}
        self.text = b""
        self._changed = threading.Condition()
        self._closing = threading.Event()
        self.port = port
        self._server: ThreadingHTTPServer | None = None
        self.open()

    @property
    def url(self) -> str:
        return f"http{'s' if self.tls else ''}://127.0.0.1:{self.port}/alerts"

    def open(self) -> None:
        """Listen, again on the same port if it did before."""
        outer = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                outer._take(self)

            def log_message(self, *_: object) -> None:
                pass

        class Server(ThreadingHTTPServer):
            daemon_threads = True
            block_on_close = False
            request_queue_size = 64

            def handle_error(self, *_: object) -> None:
                pass

        self._closing.clear()
        self._server = Server(("127.0.0.1", self.port), Handler)
        self.port = self._server.server_address[1]
        if self.tls is not None:
            self._server.socket = self.tls.wrap_socket(self._server.socket, server_side=True)
        threading.Thread(
            target=self._server.serve_forever, args=(0.01,), name="webhook server", daemon=True
        ).start()

    def close(self) -> None:
        """Die: what is under way gets no answer."""
        self._closing.set()
        if self._server is not None:
            self._server.shutdown()
            self._server.server_close()
            self._server = None

    def __enter__(self) -> WebhookServer:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def wait(self, wanted: Callable[[list[Received]], bool], timeout: float = PATIENCE_S) -> None:
        """Wait until what was received is as wanted."""
        with self._changed:
            assert self._changed.wait_for(lambda: wanted(self.received), timeout), [
                (one.id, one.answered) for one in self.received
            ]

    def taken(self) -> list[Received]:
        """The requests that were answered with 2xx."""
        return [one for one in self.received if one.answered and 200 <= one.answered < 300]

    def _take(self, handler: BaseHTTPRequestHandler) -> None:
        body = handler.rfile.read(int(handler.headers["Content-Length"]))
        now = time.monotonic()
        with self._changed:
            answer = self.answer(len(self.received))
            if self.judge is not None:
                answer = self.judge(json.loads(body))
            status = answer if isinstance(answer, int) else None
            headers = {name.lower(): value for name, value in handler.headers.items()}
            self.received.append(Received(now, headers, body, status))
            self._changed.notify_all()
        if status is None:
            if answer == "hang":
                self._closing.wait(60)
            elif answer == "garbage":
                handler.wfile.write(b"\x1b[2J\0 no HTTP\r\n\r\n")
            handler.connection.shutdown(socket.SHUT_RDWR)
            return
        handler.send_response(status)
        for name, value in self.headers.items():
            handler.send_header(name, value)
        text = self.text if status not in (204, 304) else b""
        handler.send_header("Content-Length", str(len(text)))
        handler.end_headers()
        handler.wfile.write(text)
