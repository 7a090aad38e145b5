"""One signed request to a webhook, after the Standard Webhooks specification.

``webhook-id`` names the message and stays the same when it is sent again: receivers leave out what
they have seen. ``webhook-timestamp`` is when it is sent (Unix seconds), ``webhook-signature`` is
``v1,`` and the base64 of the HMAC-SHA256 over ``id.timestamp.body``
(https://www.standardwebhooks.com).

The client is the standard library's: one small POST now and then needs no connection pool, and the
opener below has nothing that follows redirects (a signed message about people goes nowhere else)
and nothing but http and https.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import http.client
import ssl
import urllib.error
import urllib.request
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol
from urllib.parse import urlsplit

from emolive import __version__
from emolive.alerts.webhook_settings import Webhook, is_loopback
from emolive.errors import EmoliveError

# 4xx that may well work later.
_LATER = {408: "timed out", 425: "too early", 429: "too many requests"}
_LONGEST_RETRY_AFTER_S = 300.0


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
        """POST a message; every step takes at most the webhook's `timeout_s`."""
        body = payload.encode()
        timestamp = int(now.timestamp())
        try:
            opener = self._opener or self._make_opener()
            key = self._webhook.key()
        except EmoliveError as error:
            # A person can put that right while the message waits.
            return Unreached(str(error))
        request = urllib.request.Request(
            self._webhook.url,
            data=body,
            method="POST",
            headers={
                "Content-Type": "application/json",
                "User-Agent": f"emolive/{__version__}",
                "webhook-id": message_id,
                "webhook-timestamp": str(timestamp),
                "webhook-signature": signature(key, message_id, timestamp, body),
            },
        )
        try:
            with opener.open(request, timeout=self._webhook.timeout_s) as response:
                return _answer(response)
        except TimeoutError:
            return Unreached(f"no answer within {self._webhook.timeout_s:g} s")
        except urllib.error.URLError as error:
            if isinstance(error.reason, TimeoutError):
                return Unreached(f"no connection within {self._webhook.timeout_s:g} s")
            return Unreached(f"no connection ({error.reason})")
        except (OSError, http.client.HTTPException, ValueError) as error:
            return Unreached(f"the connection broke ({str(error) or type(error).__name__})")

    def _make_opener(self) -> urllib.request.OpenerDirector:
        opener = urllib.request.OpenerDirector()
        host = urlsplit(self._webhook.url).hostname or ""
        # What is on this computer is not reached through a proxy.
        proxies: dict[str, str] | None = {} if is_loopback(host) else None
        opener.add_handler(urllib.request.ProxyHandler(proxies))
        opener.add_handler(urllib.request.HTTPHandler())
        try:
            context = ssl.create_default_context(cafile=self._webhook.ca_file)
        except OSError as error:
            raise EmoliveError(
                f"The certificates of webhook {self._webhook.name!r} cannot be read from "
                f"{self._webhook.ca_file} ({error}): put them there, as PEM."
            ) from error
        opener.add_handler(urllib.request.HTTPSHandler(context=context))
        self._opener = opener
        return opener


def _answer(response: _Opened) -> Answer:
    status = response.status
    if 200 <= status < 300:
        return Delivered()
    if 300 <= status < 400:
        target = response.headers.get("Location", "nowhere")
        return Refused(f"redirected ({status}) to {target}: set the url to where it should go")
    reason = f"answered {status} {http.client.responses.get(status, '')}".rstrip()
    if status in _LATER or status >= 500:
        return Unreached(reason, _retry_after(response.headers.get("Retry-After")))
    return Refused(reason)


def _retry_after(text: str | None) -> float | None:
    try:
        seconds = float(text or "")
    except ValueError:  # a date, or nothing
        return None
    return min(_LONGEST_RETRY_AFTER_S, seconds) if seconds >= 0 else None
