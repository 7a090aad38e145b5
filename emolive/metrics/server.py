"""The local endpoint that Prometheus scrapes: this computer only, and only when asked for."""

from __future__ import annotations

import io
import ipaddress
import logging
import re
import socket
import sys
import threading
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from socketserver import TCPServer, ThreadingMixIn
from typing import TYPE_CHECKING, Any, TextIO
from urllib.parse import urlsplit
from wsgiref.simple_server import WSGIRequestHandler, WSGIServer, make_server

from emolive.alerts.webhook_settings import is_loopback
from emolive.errors import EmoliveError
from emolive.metrics.collector import Metrics, check_metrics

_log = logging.getLogger(__name__)

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIApplication, WSGIEnvironment

_DEFAULT_HOST = "127.0.0.1"


@dataclass(frozen=True, slots=True)
class Endpoint:
    """Where to listen: an address of this computer for itself, and a port (0: any)."""

    host: str
    port: int

    @classmethod
    def parse(cls, text: str) -> Endpoint:
        """Read ``PORT`` or ``HOST:PORT``.

        Raises:
            EmoliveError: it is neither, or the host can be reached from elsewhere.
        """
        match = re.fullmatch(r"(?:(\[.+\]|[^:]+):)?(\d{1,5})", text.strip())
        if match is None or int(match[2]) > 65_535:
            raise EmoliveError(
                "{text} is no place to listen at: use a port such as 9464, or 127.0.0.1:9464.",
                text=repr(text),
            )
        host = (match[1] or _DEFAULT_HOST).strip("[]")
        if not is_loopback(host):
            raise EmoliveError(
                "Metrics are for this computer only, and {host} can be reached from "
                "others: use {here}:{port}.",
                host=host,
                here=_DEFAULT_HOST,
                port=match[2],
            )
        return cls(_DEFAULT_HOST if host.lower() == "localhost" else host, int(match[2]))


class MetricsServer:
    """Serves ``/metrics`` on a thread of its own until it is closed."""

    def __init__(self, metrics: Metrics, endpoint: Endpoint) -> None:
        """Listen; nothing is served before `start`.

        Raises:
            EmoliveError: the library is not installed, or the port is in use.
        """
        check_metrics()
        from prometheus_client import CollectorRegistry, make_wsgi_app

        registry = CollectorRegistry()
        registry.register(metrics)
        version = ipaddress.ip_address(endpoint.host).version
        family = socket.AF_INET6 if version == 6 else socket.AF_INET

        class Server(_Server):
            address_family = family

        try:
            self._server: WSGIServer = make_server(
                endpoint.host,
                endpoint.port,
                _local_only(make_wsgi_app(registry)),
                Server,
                handler_class=_QuietHandler,
            )
        except OSError as error:
            raise EmoliveError(
                "Metrics cannot listen at {host}:{port} ({reason}): choose another port.",
                host=endpoint.host,
                port=endpoint.port,
                reason=error.strerror or error,
            ) from error
        host = f"[{endpoint.host}]" if version == 6 else endpoint.host
        self.url = f"http://{host}:{self._server.server_port}/metrics"
        self._thread = threading.Thread(
            target=self._server.serve_forever, args=(0.1,), name="emolive metrics", daemon=True
        )

    def start(self) -> None:
        """Answer from now on."""
        self._thread.start()

    def close(self) -> None:
        """Stop listening."""
        if self._thread.is_alive():
            self._server.shutdown()
            self._thread.join(2.0)
        self._server.server_close()


class _Server(ThreadingMixIn, WSGIServer):
    daemon_threads = True

    def server_bind(self) -> None:
        # Not HTTPServer's: that asks a name server what this computer is called, which may hang.
        TCPServer.server_bind(self)
        self.server_name, self.server_port = self.server_address[:2]  # type: ignore[assignment]
        self.setup_environ()

    def handle_error(self, request: Any, client_address: Any) -> None:  # noqa: ARG002
        """A client that left in the middle is no fault of ours: the others are served."""
        if not isinstance(sys.exception(), OSError):
            _log.exception("Metrics could not be told")


class _QuietHandler(WSGIRequestHandler):
    timeout = 10

    def log_message(self, *_: Any) -> None:
        """Nothing: standard error is for people."""

    def get_stderr(self) -> TextIO:
        """Nowhere: who asked for what cannot be answered gets status 500."""
        return io.StringIO()


def _local_only(
    app: Callable[[WSGIEnvironment, StartResponse], Iterable[bytes]],
) -> WSGIApplication:
    """Nothing but ``/metrics``, and only under this computer's own names.

    A page in a browser could otherwise read it under a name that it made point here.
    """

    def guarded(environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        if not is_loopback(_host(environ.get("HTTP_HOST", ""))):
            start_response("403 Forbidden", [("Content-Type", "text/plain")])
            return [b"For this computer only.\n"]
        if environ.get("PATH_INFO") not in ("/metrics", "/"):
            start_response("404 Not Found", [("Content-Type", "text/plain")])
            return [b"Try /metrics.\n"]
        return app(environ, start_response)

    return guarded


def _host(header: str) -> str:
    """The name or address in a Host header; "" where there is none or it is broken."""
    try:
        return urlsplit(f"//{header}").hostname or ""
    except ValueError:
        return ""
