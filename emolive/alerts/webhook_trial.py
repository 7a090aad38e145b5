"""A test message to a webhook, to see whether it arrives."""

from __future__ import annotations

import base64
import secrets
import uuid
from datetime import UTC, datetime

from emolive.alerts.payload import payload
from emolive.alerts.webhook import Delivered, WebhookClient
from emolive.alerts.webhook_settings import SECRET_PREFIX, Webhook
from emolive.errors import EmoliveError
from emolive.i18n import tr
from emolive.types import Alert, Severity

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
