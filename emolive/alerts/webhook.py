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
import json
import secrets
import urllib.error
import urllib.request
import uuid
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from urllib.parse import urlsplit

from emolive import __version__
from emolive.alerts.timed_http import TimedHandler, TimedTlsHandler
from emolive.alerts.webhook_formats import body
from emolive.alerts.webhook_settings import SECRET_PREFIX, Webhook, is_loopback
from emolive.errors import EmoliveError
from emolive.i18n import decimal, tr
from emolive.types import Alert, Severity

FORMAT_VERSION = 1


def payload(
    alert: Alert,
    *,
    message_id: str,
    at: datetime,
    rate: int,
    call_id: str,
    call_name: str,
    session_id: str | None,
) -> str:
    """The JSON text for one alert, raised at the time `at`; seconds count from the run's start."""
    return json.dumps(
        {
            "type": "alert",
            "version": FORMAT_VERSION,
            "id": message_id,
            "at": at.isoformat(timespec="milliseconds"),
            "rule": alert.rule,
            "kind": alert.kind,
            "severity": alert.severity.value,
            "message": alert.message,
            "call": {"id": call_id, "name": call_name, "session": session_id},
            "stream": alert.stream,
            "role": alert.role,
            "start_s": round(alert.start_sample / rate, 6),
            "true_s": round(alert.true_sample / rate, 6),
            "fired_s": round(alert.fired_sample / rate, 6),
            "values": {name: round(value, 6) for name, value in alert.values},
        },
        ensure_ascii=False,
    )


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


def signature(key: bytes, message_id: str, timestamp: int, body: bytes) -> str:
    """The value of the header ``webhook-signature``."""
    content = b".".join((message_id.encode(), str(timestamp).encode(), body))
    return "v1," + base64.b64encode(hmac.digest(key, content, hashlib.sha256)).decode()


class WebhookClient:
    """Sends messages to one webhook. One thread owns it."""

    def __init__(self, webhook: Webhook) -> None:
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


def _answer(response: http.client.HTTPResponse) -> Answer:
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


def _said(response: http.client.HTTPResponse) -> str:
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


_RATE = 16_000
_SECRET_BYTES = 24


def new_secret() -> str:
    """A secret that nobody can guess, as receivers want it: ``whsec_`` and base64."""
    return SECRET_PREFIX + base64.b64encode(secrets.token_bytes(_SECRET_BYTES)).decode()


def try_webhook(webhook: Webhook) -> str:
    """Send a message that says it is a test; returns that it was taken. Blocks for `timeout_s`.

    Raises:
        EmoliveError: it was not taken, and why.
    """
    now = datetime.now(UTC)
    message_id = f"test_{uuid.uuid4().hex}"
    text = tr("This is a test from emolive: alerts arrive here.")
    alert = Alert(tr("Test"), "test", Severity.INFO, None, None, 0, 0, 0, text)
    message = payload(
        alert,
        message_id=message_id,
        at=now,
        rate=_RATE,
        call_id="test",
        call_name=tr("Test"),
        session_id=None,
    )
    answer = WebhookClient(webhook).send(message_id, message, now)
    if isinstance(answer, Delivered):
        return tr("{name} took the test message.", name=webhook.name)
    raise EmoliveError(
        "{name} did not take the test message: {reason}.", name=webhook.name, reason=answer.reason
    )
