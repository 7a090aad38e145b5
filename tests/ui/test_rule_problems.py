"""What keeps alerts from anybody stands on the calls page until it is mended."""

from __future__ import annotations

import importlib.util
from collections.abc import Iterator
from pathlib import Path

import pytest
from pytestqt.qtbot import QtBot

from emolive.alerts.conditions.emotion import EmotionRule
from emolive.alerts.rule_file import save_rules
from emolive.alerts.rules import RuleSet
from emolive.alerts.webhook_settings import Webhook
from emolive.types import Role
from emolive.ui.calls.page import CallsPage
from tests.ui import call_scenes, feed
from tests.ui.test_calls_page import opened_page

SECRET = "EMOLIVE_TEST_SECRET"
NO_SECRET = (
    f"Webhook 'team' gets no alerts: it has no usable secret, the variable {SECRET} must hold a "
    "secret of at least 16 bytes."
)


def angry(name: str, *emotions: str, **fields: object) -> EmotionRule:
    return EmotionRule(
        name=name,
        emotions=emotions,
        role=Role.CUSTOMER,
        probability=0.5,
        for_s=0.5,
        **fields,  # type: ignore[arg-type]
    )


@pytest.fixture
def page(qtbot: QtBot, tmp_path: Path) -> Iterator[CallsPage]:
    with opened_page(qtbot, feed.preferences("dark"), tmp_path) as made:
        yield made


def use(page: CallsPage, qtbot: QtBot, path: Path, *rules: EmotionRule, **fields: object) -> None:
    save_rules(RuleSet(rule=rules, **fields), path)  # type: ignore[arg-type]
    page.preferences.change("alerts", rules_file=path)
    qtbot.waitUntil(lambda: page.controller.rules is not None, timeout=20_000)


def test_a_channel_that_is_missing_is_said_before_the_first_call_and_stops_no_banner(
    page: CallsPage, qtbot: QtBot, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    real = importlib.util.find_spec
    monkeypatch.setattr(
        importlib.util, "find_spec", lambda n, *a: None if n == "desktop_notifier" else real(n, *a)
    )
    use(page, qtbot, tmp_path / "rules.toml", angry("Upset", "angry", desktop=True))
    assert not page.wall.problems.isHidden()
    assert page.wall.problems.text().startswith("Desktop notifications need the notify extra")
    page.start([call_scenes.stereo_call(tmp_path / "call.wav", 30)])
    qtbot.waitUntil(
        lambda: bool(page.controller.models and page.controller.models[0].alerts), timeout=60_000
    )
    assert "notify extra" in page.wall.problems.text()


def test_a_problem_stands_until_it_is_mended(
    page: CallsPage, qtbot: QtBot, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv(SECRET, raising=False)
    # Nobody listens there: with the secret it is the server that is missing.
    team = Webhook(name="team", url="http://127.0.0.1:9/", secret_env=SECRET)
    rule = angry("Calm", "happy", webhooks=("team",))
    use(page, qtbot, tmp_path / "rules.toml", rule, webhook=(team,))
    assert page.wall.problems.text() == NO_SECRET
    monkeypatch.setenv(SECRET, "0123456789abcdef")
    page.shown()
    qtbot.waitUntil(lambda: page.wall.problems.isHidden(), timeout=20_000)
    monkeypatch.delenv(SECRET)
    page.start([call_scenes.stereo_call(tmp_path / "call.wav", 60)])
    qtbot.waitUntil(lambda: page.wall.problems.text() == NO_SECRET, timeout=60_000)
    page.open_call(page.controller.models[0].info.id)
    qtbot.waitUntil(lambda: page.call.alert_problems.text() == NO_SECRET, timeout=20_000)
    monkeypatch.setenv(SECRET, "0123456789abcdef")
    qtbot.waitUntil(lambda: page.call.alert_problems.isHidden(), timeout=20_000)


def test_a_rule_that_watches_nothing_is_named_and_the_others_fire(
    page: CallsPage, qtbot: QtBot, tmp_path: Path
) -> None:
    path = tmp_path / "rules.toml"
    use(page, qtbot, path, angry("Bored", "bored"), angry("Upset", "angry"))
    page.start([call_scenes.stereo_call(tmp_path / "call.wav", 30)])
    qtbot.waitUntil(
        lambda: bool(page.controller.models and page.controller.models[0].alerts), timeout=60_000
    )
    sentence = "Rule 'Bored' has nothing to watch: the model tiny does not know 'bored'."
    qtbot.waitUntil(lambda: page.wall.problems.text() == sentence, timeout=20_000)
    (model,) = page.controller.models
    assert {entry.alert.rule for entry in model.alerts} == {"Upset"}


def test_a_file_that_cannot_be_read_stands_there_too(
    page: CallsPage, qtbot: QtBot, tmp_path: Path
) -> None:
    path = tmp_path / "rules.toml"
    path.write_text("version = 2")
    page.preferences.change("alerts", rules_file=path)
    qtbot.waitUntil(lambda: not page.wall.problems.isHidden(), timeout=20_000)
    assert page.wall.problems.text() == f"{path}: 'version' must be 1, not 2."
    path.write_text("version = 1")
    page.controller.reload_rules(path)
    qtbot.waitUntil(lambda: page.wall.problems.isHidden(), timeout=20_000)
