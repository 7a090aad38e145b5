"""One request to a webhook: signed after the Standard Webhooks specification, or a chat message.

``webhook-id`` names the message and stays the same when it is sent again: receivers leave out what
they have seen. ``webhook-timestamp`` is when it is sent (Unix seconds), ``webhook-signature`` is
``v1,`` and the base64 of the HMAC-SHA256 over ``id.timestamp.body``
(https://www.standardwebhooks.com). A chat service gets a message of its own shape instead, at an
address that only those know who may write there.

The client is the standard library's: one small POST now and then needs no connection pool, and the
opener below has nothing that follows redirects (a signed message about people goes nowhere else)
and nothing but http and https, with one deadline for the whole request.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import http.client
import urllib.error
import urllib.request
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol
from urllib.parse import urlsplit

from emolive import __version__
from emolive.alerts.timed_http import TimedHandler, TimedTlsHandler
from emolive.alerts.webhook_formats import body
from emolive.alerts.webhook_settings import Webhook, is_loopback
from emolive.i18n import decimal, tr

# 4xx that may well work later.
_LATER = {408: "timed out", 425: "too early", 429: "too many requests"}
_LONGEST_RETRY_AFTER_S = 300.0
# Of an answer that refuses: chat services say there why.
_MOST_SAID = 200


@dataclass(frozen=True, slots=True)
class Delivered:
    """The server took it."""


@dataclass(frozen=True, slots=True)
class Refused:
    """The server will not take it, now or later."""

    reason: str


@dataclass(frozen=True, slots=True)
class Unreached:
    """It did not work this time; the server may have said when to come back (seconds)."""

    reason: str
    retry_after_s: float | None = None


Answer = Delivered | Refused | Unreached

Send = Callable[[str, str, datetime], Answer]
"""Sends a message (its id and its JSON text) at a time; never raises for what a server does."""


class _Opened(Protocol):
    status: int
    headers: http.client.HTTPMessage

    def read(self, amount: int, /) -> bytes: ...


def signature(key: bytes, message_id: str, timestamp: int, body: bytes) -> str:
    """The value of the header ``webhook-signature``."""
    content = b".".join((message_id.encode(), str(timestamp).encode(), body))
    return "v1," + base64.b64encode(hmac.digest(key, content, hashlib.sha256)).decode()


class WebhookClient:
    """Sends messages to one webhook. One thread owns it."""

    def __init__(self, webhook: Webhook) -> None:
        """Prepare; nothing is opened yet."""
        self._webhook = webhook
        self._opener: urllib.request.OpenerDirector | None = None

    def send(self, message_id: str, payload: str, now: datetime) -> Answer:
        """POST a message; it takes at most the webhook's `timeout_s`, whatever the server does."""
        webhook = self._webhook
        content = body(webhook.format, payload)
        headers = {"Content-Type": "application/json", "User-Agent": f"emolive/{__version__}"}
        try:
            opener = self._opener or self._make_opener()
            if not webhook.is_chat:
                timestamp = int(now.timestamp())
                headers["webhook-id"] = message_id
                headers["webhook-timestamp"] = str(timestamp)
                headers["webhook-signature"] = signature(
                    webhook.key(), message_id, timestamp, content
                )
        except ValueError as error:
            # A person can put that right while the message waits.
            return Unreached(str(error))
        request = urllib.request.Request(webhook.url, content, headers, method="POST")
        try:
            with opener.open(request, timeout=webhook.timeout_s) as response:
                return _answer(response)
        except TimeoutError:
            return Unreached(
                tr("no answer within {timeout_s} s", timeout_s=decimal(webhook.timeout_s))
            )
        except urllib.error.URLError as error:
            if isinstance(error.reason, TimeoutError):
                return Unreached(
                    tr("no connection within {timeout_s} s", timeout_s=decimal(webhook.timeout_s))
                )
            return Unreached(tr("no connection ({reason})", reason=_printable(str(error.reason))))
        except (OSError, http.client.HTTPException, ValueError) as error:
            what = _printable(str(error)) or type(error).__name__
            return Unreached(tr("the connection broke ({what})", what=what[:_MOST_SAID]))

    def _make_opener(self) -> urllib.request.OpenerDirector:
        opener = urllib.request.OpenerDirector()
        host = urlsplit(self._webhook.url).hostname or ""
        # What is on this computer is not reached through a proxy.
        proxies: dict[str, str] | None = {} if is_loopback(host) else None
        opener.add_handler(urllib.request.ProxyHandler(proxies))
        opener.add_handler(TimedHandler())
        opener.add_handler(TimedTlsHandler(self._webhook.trusted()))
        self._opener = opener
        return opener


def _answer(response: _Opened) -> Answer:
    status = response.status
    if 200 <= status < 300:
        return Delivered()
    if 300 <= status < 400:
        target = _printable(response.headers.get("Location", "nowhere"))
        return Refused(
            tr(
                "redirected ({status}) to {target}: set the url to where it should go",
                status=status,
                target=target,
            )
        )
    reason = f"answered {status} {http.client.responses.get(status, '')}".rstrip()
    if status in _LATER or status >= 500:
        return Unreached(reason, _retry_after(response.headers.get("Retry-After")))
    why = _said(response)
    return Refused(f"{reason} ({why})" if why else reason)


def _said(response: _Opened) -> str:
    """The beginning of an answer's text."""
    try:
        text = response.read(_MOST_SAID).decode(errors="replace")
    except (OSError, http.client.HTTPException, ValueError):
        return ""
    return _printable(text)


def _printable(text: str) -> str:
    """What a server says, as one line for a terminal."""
    return " ".join("".join(c if c.isprintable() else " " for c in text).split())


def _retry_after(text: str | None) -> float | None:
    try:
        seconds = float(text or "")
    except ValueError:  # a date, or nothing
        return None
    return min(_LONGEST_RETRY_AFTER_S, seconds) if seconds >= 0 else None
