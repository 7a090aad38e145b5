"""Chat services take only messages of their own shape; these servers are as strict as they."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

import pytest

from emolive.alerts.rule_file import parse_rules
from emolive.alerts.webhook import Delivered, Refused, WebhookClient, payload
from emolive.alerts.webhook_settings import Webhook
from emolive.errors import EmoliveError
from emolive.types import Alert, Role, Severity
from emolive.wording import severity_name
from tests.alerts.server import WebhookServer

NOW = datetime(2025, 3, 1, 12, tzinfo=UTC)


def alert(rule: str = "Upset", severity: Severity = Severity.CRITICAL) -> str:
    raised = Alert(
        rule=rule,
        kind="emotion",
        severity=severity,
        stream="customer",
        role=Role.CUSTOMER,
        start_sample=0,
        true_sample=16_000,
        fired_sample=95 * 16_000,
        message=f"{rule}: angry at 90% for 5.0 s (the customer).",
        values=(("probability", 0.9),),
        sound=False,
    )
    return payload(
        raised, message_id="m", at=NOW, rate=16_000, call_id="1", call_name="Line <7>",
        session_id=None,
    )  # fmt: skip


def slack_takes(message: dict[str, Any]) -> bool:
    """What incoming webhooks document: text or blocks, and the limits of these blocks."""
    assert set(message) <= {"text", "blocks"}
    if not message.get("text"):
        return False
    for block in message["blocks"]:
        texts = block.get("elements") or [block["text"]]
        most = {"header": 150, "section": 3_000, "context": 3_000}[block["type"]]
        for text in texts:
            assert text["type"] == "plain_text"
            if not 1 <= len(text["text"]) <= most:
                return False
    return len(message["blocks"]) <= 50


def teams_takes(message: dict[str, Any]) -> bool:
    """What a workflow's trigger documents: a message with Adaptive Cards."""
    if message.get("type") != "message":
        return False
    (attachment,) = message["attachments"]
    card = attachment["content"]
    shape = [(item["type"], [run["type"] for run in item["inlines"]]) for item in card["body"]]
    return (
        attachment["contentType"] == "application/vnd.microsoft.card.adaptive"
        and attachment["contentUrl"] is None
        and (card["type"], card["version"]) == ("AdaptiveCard", "1.4")
        and shape == [("RichTextBlock", ["TextRun"])] * 3
        and len(json.dumps(message)) < 28_000
    )


Takes = Callable[[dict[str, Any]], bool]


def strict(server: WebhookServer, takes: Takes, taken: int) -> None:
    server.judge = lambda message: taken if takes(message) else 400


@pytest.mark.parametrize(
    ("form", "takes", "taken"), [("slack", slack_takes, 200), ("teams", teams_takes, 202)]
)
@pytest.mark.parametrize("rule", ["Upset", "<!channel> *x* [y](http://z) & ", "x" * 80])
@pytest.mark.parametrize("severity", Severity)
def test_a_chat_service_takes_its_own_shape(
    server: WebhookServer, form: str, takes: Takes, taken: int, rule: str, severity: Severity
) -> None:
    strict(server, takes, taken)
    client = WebhookClient(Webhook(name="chat", url=server.url, format=form))  # type: ignore[arg-type]
    assert client.send("msg_1", alert(rule, severity), NOW) == Delivered()
    (received,) = server.received
    assert received.headers["content-type"] == "application/json"
    assert not [name for name in received.headers if name.startswith("webhook-")]
    text = json.dumps(received.json, ensure_ascii=False)
    for said in ("angry at 90% for 5.0 s", "at 1:35", severity_name(severity)):
        assert said in text


def test_slack_calls_nobody_and_shows_names_as_they_are(server: WebhookServer) -> None:
    client = WebhookClient(Webhook(name="chat", url=server.url, format="slack"))
    client.send("m", alert("<!channel> & co"), NOW)
    message = server.received[0].json
    assert message["text"].startswith("&lt;!channel&gt; &amp; co (critical): angry at 90%")
    assert message["blocks"][0]["text"]["text"] == "<!channel> & co (critical)"
    where = message["blocks"][2]["elements"][0]["text"]
    assert where == "Line <7>, at 1:35 · 2025-03-01 12:00:00 UTC"


def test_the_signed_format_is_not_for_a_chat_service(server: WebhookServer) -> None:
    server.judge = lambda message: 200 if "text" in message else 400
    server.text = b"no_text\x1b[2J"
    signed = Webhook(name="chat", url=server.url, secret="0123456789abcdef")
    answer = WebhookClient(signed).send("m", alert(), NOW)
    assert answer == Refused("answered 400 Bad Request (no_text [2J)")


RULES = """
[[webhook]]
name = "chat"
url = "https://hooks.example.org/services/T0/B0/s3cret"
"""


def test_formats_in_a_rules_file() -> None:
    for form in ("slack", "teams"):
        (webhook,) = parse_rules(f'{RULES}format = "{form}"'.encode(), "r.toml").webhooks
        assert webhook.problem is None
        assert "s3cret" not in repr(webhook)
    with pytest.raises(EmoliveError, match="'format' must be 'signed', 'slack' or 'teams'"):
        parse_rules(f'{RULES}format = "irc"'.encode(), "r.toml")
    with pytest.raises(EmoliveError, match="format 'slack' has no signature: leave out secret"):
        parse_rules(f'{RULES}format = "slack"\nsecret_env = "X"'.encode(), "r.toml")
    with pytest.raises(EmoliveError, match="set exactly one of secret, secret_env and secret_fil"):
        parse_rules(f'{RULES}format = "signed"'.encode(), "r.toml")
