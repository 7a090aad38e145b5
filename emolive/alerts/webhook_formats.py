"""What webhooks get: the alert as it is, or as a message of the chat service that reads it.

Slack: `text` for notifications and `blocks` to show (docs.slack.dev, *Sending messages using
incoming webhooks*). Teams: the *Workflows* app takes a message with one Adaptive Card as its
attachment. Rules and calls are named by people and machines: their names are shown as they are
written, never read as markup.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Any, Literal

from emolive.i18n import moment_text, tr
from emolive.times import clock_text
from emolive.types import Severity
from emolive.wording import severity_name

Format = Literal["signed", "slack", "teams"]
Json = Mapping[str, Any]

# Slack refuses longer ones.
_SLACK_HEADER = 150
_SLACK_SECTION = 3_000


def body(form: Format, payload: str) -> bytes:
    """What to send for an alert, whose JSON text `payload` is."""
    if form == "signed":
        return payload.encode()
    return json.dumps(_FORMS[form](json.loads(payload)), ensure_ascii=False).encode()


def _slack(alert: Json) -> Json:
    def plain(text: str, most: int) -> Json:
        return {"type": "plain_text", "text": _cut(text, most), "emoji": False}

    # Unlike the blocks, it is read as markup: "<!channel>" would call everybody.
    text = _cut(f"{_head(alert)}: {_sentence(alert)}", _SLACK_SECTION)
    for sign, name in (("&", "&amp;"), ("<", "&lt;"), (">", "&gt;")):
        text = text.replace(sign, name)
    return {
        "text": text,
        "blocks": [
            {"type": "header", "text": plain(_head(alert), _SLACK_HEADER)},
            {"type": "section", "text": plain(_sentence(alert), _SLACK_SECTION)},
            {"type": "context", "elements": [plain(_where(alert), _SLACK_SECTION)]},
        ],
    }


_TEAMS_COLOURS = {"info": "Accent", "warning": "Warning", "critical": "Attention"}


def _teams(alert: Json) -> Json:
    def line(text: str, **style: object) -> Json:
        # Text runs, unlike text blocks, are not read as Markdown.
        return {"type": "RichTextBlock", "inlines": [{"type": "TextRun", "text": text, **style}]}

    colour = _TEAMS_COLOURS.get(alert["severity"], "Default")
    card = {
        "$schema": "http://adaptivecards.io/schemas/adaptive-card.json",
        "type": "AdaptiveCard",
        "version": "1.4",
        "body": [
            line(_head(alert), weight="Bolder", size="Medium", color=colour),
            line(_sentence(alert)),
            line(_where(alert), isSubtle=True, size="Small"),
        ],
    }
    attachment = {
        "contentType": "application/vnd.microsoft.card.adaptive",
        "contentUrl": None,
        "content": card,
    }
    return {"type": "message", "attachments": [attachment]}


_FORMS: dict[Format, Callable[[Json], Json]] = {"slack": _slack, "teams": _teams}


def _head(alert: Json) -> str:
    return f"{alert['rule']} ({severity_name(Severity(alert['severity']))})"


def _sentence(alert: Json) -> str:
    return str(alert["message"]).removeprefix(f"{alert['rule']}: ")


def _where(alert: Json) -> str:
    return tr(
        "{call}, at {moment} · {when} UTC",
        call=alert["call"]["name"],
        moment=clock_text(alert["fired_s"]),
        when=moment_text(datetime.fromisoformat(alert["at"]), seconds=True),
    )


def _cut(text: str, most: int) -> str:
    return text if len(text) <= most else text[: most - 1] + "…"
