from __future__ import annotations

import threading
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import pytest

from emolive.alerts.conditions.emotion import EmotionRule
from emolive.alerts.conditions.silence import SilenceRule
from emolive.alerts.desktop import Desktop, DesktopNotifier
from emolive.alerts.dispatch import Dispatcher
from emolive.alerts.rules import RuleSet
from emolive.alerts.service import AlertService
from emolive.alerts.webhook_settings import Webhook
from emolive.errors import SessionError
from emolive.types import AlertEnded, EngineState, Prediction, Severity
from tests.alerts.calls import AGENT, CUSTOMER, RATE, windows
from tests.alerts.runs import FakeRun
from tests.alerts.server import SECRET, WebhookServer
from tests.waiting import until

ANGRY = windows([0.9] * 4)
CALM = windows([0.0] * 12)[4:]


def rules(*webhooks: Webhook, **fields: object) -> RuleSet:
    fields = {"for_s": 1.0, "cool_down_s": 0, "dwell_s": 0, "probability": 0.6} | fields
    rule = EmotionRule(
        name="upset",
        emotions=("angry",),
        webhooks=tuple(webhook.name for webhook in webhooks),
        **fields,  # type: ignore[arg-type]
    )
    return RuleSet(rules=(rule,), webhooks=webhooks)


def hook(server: WebhookServer, name: str = "team", timeout_s: float = 10.0) -> Webhook:
    return Webhook(name=name, url=server.url, secret=SECRET, timeout_s=timeout_s)


@pytest.fixture
def services() -> Iterator[list[AlertService]]:
    """Services to be closed in the end."""
    made: list[AlertService] = []
    yield made
    for service in made:
        service.close()


def begin(
    services: list[AlertService], rule_set: RuleSet, library: Path | None = None, **fields: object
) -> AlertService:
    service = AlertService(rule_set, Dispatcher(rule_set, library, **fields))  # type: ignore[arg-type]
    services.append(service)
    service.start()
    return service


def test_an_alert_is_published_and_delivered_and_its_end_is_told(
    services: list[AlertService], library: Path, server: WebhookServer
) -> None:
    run = FakeRun()
    service = begin(services, rules(hook(server), severity="critical", sound=True), library)
    watch = service.watch(run, "call-1", name="Line 1", session=lambda: None)
    run.start()
    run.say(*ANGRY)
    alert = run.alert()
    assert (alert.rule, alert.severity, alert.sound) == ("upset", Severity.CRITICAL, True)
    server.wait(lambda got: len(got) == 1)
    message = server.received[0].json
    assert message.pop("id") == server.received[0].id
    assert message.pop("at")
    assert message == {
        "type": "alert", "version": 1, "rule": "upset", "kind": "emotion",
        "severity": "critical", "message": "upset: angry at 90\u00a0% for 1.0 s (the customer).",
        "call": {"id": "call-1", "name": "Line 1", "session": None},
        "stream": "customer", "role": "customer",
        "start_s": 3.0, "true_s": 4.0, "fired_s": 4.0,
        "values": {"probability": 0.9, "held_s": 1.0},
    }  # fmt: skip
    assert watch.status.active == (("upset", "customer"),)
    run.say(*CALM)
    ended = run.heard(lambda event: isinstance(event, AlertEnded))
    assert ended == AlertEnded("upset", "customer", 4 * RATE, CALM[0].end_sample)
    run.enter(EngineState.STOPPED)
    service.close()
    assert watch.status.raised == (("upset", 1),)
    assert watch.status.active == ()
    assert watch.status.problem is None
    status = service.dispatcher.status()
    assert status.couriers[0].delivered == 1


def test_each_webhook_gets_all_and_one_that_hangs_holds_up_no_other(
    services: list[AlertService], library: Path, server: WebhookServer
) -> None:
    with WebhookServer() as hanging:
        hanging.answer = lambda _: "hang"
        run = FakeRun()
        both = rules(hook(hanging, "slow", timeout_s=4), hook(server))
        service = begin(services, both, library)
        service.watch(run, "c")
        run.start()
        for second in range(20):
            start = second * 10 * RATE
            run.say(*(shifted(w, start) for w in (*ANGRY, *CALM)))
        server.wait(lambda got: len({one.id for one in got}) == 20)
        hanging.wait(lambda got: len(got) >= 1)
        service.close(1.0)
        status = service.dispatcher.status()
        assert {c.webhook: c.delivered for c in status.couriers} == {"slow": 0, "team": 20}
        assert status.waiting == (("slow", 20),)
        assert {one.id for one in hanging.received}.isdisjoint(one.id for one in server.received)


def shifted(window: Prediction, samples: int) -> Prediction:
    start, end = window.start_sample + samples, window.end_sample + samples
    return replace(window, start_sample=start, end_sample=end)


def test_several_runs_are_watched_apart(services: list[AlertService]) -> None:
    service = begin(services, rules())
    one, two = FakeRun(), FakeRun()
    first, second = service.watch(one, "1"), service.watch(two, "2")
    one.start()
    two.start()
    two.say(*CALM)
    one.say(*ANGRY)
    one.alert()
    assert service.watches == (first, second)
    service.forget(first)
    assert service.watches == (second,)
    service.close()
    assert first.status.raised == (("upset", 1),)
    assert second.status.raised == ()


def test_a_run_that_starts_again_is_a_new_call(services: list[AlertService]) -> None:
    service = begin(services, rules(cool_down_s=3600))
    run = FakeRun()
    service.watch(run, "c")
    run.start()
    run.say(*ANGRY)
    run.alert()
    run.enter(EngineState.STOPPED)
    run.heard(lambda event: isinstance(event, AlertEnded))
    run.start()
    run.say(*ANGRY)
    assert run.alert().fired_sample == 4 * RATE


def test_watching_begins_in_the_middle_of_a_run(services: list[AlertService]) -> None:
    service = begin(services, rules())
    run = FakeRun()
    run.start()
    service.watch(run, "c")
    run.say(*ANGRY)
    run.alert()


def test_emotion_that_is_not_inferred_is_noted(services: list[AlertService]) -> None:
    service = begin(services, rules(role="agent"))
    run = FakeRun(AGENT, CUSTOMER)
    watch = service.watch(run, "c")
    run.start()
    run.say(*windows([0.9] * 20, "agent"))
    run.enter(EngineState.STOPPED)
    service.close()
    assert watch.status.notes == (
        "Rule 'upset' has nothing to watch: emotion is not inferred for the agent.",
    )
    assert watch.status.raised == ()


def test_rules_for_another_model_stop_no_others(services: list[AlertService]) -> None:
    other = EmotionRule(name="x", emotions=("bored",), probability=0.5)
    service = begin(services, RuleSet(rules=(other, *rules().rules)))
    run = FakeRun()
    service.watch(run, "c")
    run.start()
    run.say(*ANGRY)
    assert run.alert().rule == "upset"
    assert service.problems() == (
        "Rule 'x' has nothing to watch: the model tiny does not know 'bored'.",
    )


def test_what_is_wrong_in_some_runs_only_begins_with_their_names(
    services: list[AlertService],
) -> None:
    service = begin(services, rules(role="agent"))
    mono, call = FakeRun(CUSTOMER), FakeRun(replace(AGENT, emotion=True), CUSTOMER)
    service.watch(mono, "1", name="Line 1")
    service.watch(call, "2", name="Line 2")
    mono.start()
    call.start()
    call.say(*windows([0.9] * 4, "agent"))
    call.alert()
    sentence = "Rule 'upset' has nothing to watch: there is no agent here."
    mono.say(*CALM)
    until(lambda: service.problems() == (f"Line 1: {sentence}",))
    mono.enter(EngineState.STOPPED)
    until(lambda: service.problems() == ())
    assert service.problems(over=True) == (f"Line 1: {sentence}",)


def test_a_session_that_is_recorded_is_named(
    services: list[AlertService], library: Path, server: WebhookServer
) -> None:
    run = FakeRun()
    service = begin(services, rules(hook(server)), library)
    service.watch(run, "c", session=lambda: "20250101-x")
    run.start()
    run.say(*ANGRY)
    server.wait(lambda got: len(got) == 1)
    assert server.received[0].json["call"]["session"] == "20250101-x"


def test_a_database_that_is_away_delays_messages_and_loses_none(
    services: list[AlertService],
    library: Path,
    server: WebhookServer,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    service = begin(services, rules(hook(server)), library)
    outbox = service.dispatcher._outbox
    assert outbox is not None
    away = threading.Event()
    away.set()
    tried = threading.Event()
    real = outbox.put

    def put(*arguments: object) -> None:
        if away.is_set():
            tried.set()
            raise SessionError("The disk is full.")
        real(*arguments)  # type: ignore[arg-type]

    monkeypatch.setattr(outbox, "put", put)
    run = FakeRun()
    service.watch(run, "c")
    run.start()
    run.say(*ANGRY)
    run.alert()
    assert tried.wait(60)
    assert service.dispatcher.status().unstored == 1
    away.clear()
    server.wait(lambda got: len(got) == 1)
    assert service.dispatcher.status().unstored == 0


def test_what_another_run_left_is_delivered(
    services: list[AlertService], library: Path, server: WebhookServer
) -> None:
    server.answer = lambda _: 500
    first = begin(services, rules(hook(server)), library)
    run = FakeRun()
    first.watch(run, "c")
    run.start()
    run.say(*ANGRY)
    server.wait(lambda got: len(got) >= 1)
    first.close()
    left = server.received[0].id
    server.answer = lambda _: 204
    begin(services, rules(hook(server)), library)
    server.wait(lambda got: any(one.id == left and one.answered == 204 for one in got))


def test_without_webhooks_no_library_is_touched(tmp_path: Path) -> None:
    dispatcher = Dispatcher(rules(), tmp_path / "none")
    dispatcher.start()
    dispatcher.close()
    assert not (tmp_path / "none").exists()
    assert dispatcher.status().depth is None


def test_a_secret_that_is_missing_is_told_from_the_start_until_it_is_there(
    services: list[AlertService],
    library: Path,
    server: WebhookServer,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.delenv("EMOLIVE_TEST_SECRET", raising=False)
    without = Webhook(name="team", url=server.url, secret_env="EMOLIVE_TEST_SECRET", timeout_s=5)
    with WebhookServer() as other:
        service = begin(services, rules(without, hook(other, "crm")), library)
        sentence = (
            "Webhook 'team' gets no alerts: it has no usable secret, the variable "
            "EMOLIVE_TEST_SECRET must hold a secret of at least 16 bytes."
        )
        assert service.dispatcher.status().problems == (sentence,)
        run = FakeRun()
        service.watch(run, "c")
        run.start()
        run.say(*ANGRY)
        other.wait(lambda got: len(got) == 1)
        assert service.dispatcher.status().problems == (sentence,)
        monkeypatch.setenv("EMOLIVE_TEST_SECRET", SECRET)
        server.wait(lambda got: len(got) == 1)
    service.close()
    assert service.dispatcher.status().problems == ()


def test_a_library_that_cannot_be_used_stops_no_banner_and_loses_no_message(
    services: list[AlertService],
    tmp_path: Path,
    server: WebhookServer,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("emolive.alerts.dispatch._OPEN_EVERY_S", 0.1)
    place = tmp_path / "library"
    place.write_text("a file where the folder should be")
    service = begin(services, rules(hook(server)), place)
    run = FakeRun()
    service.watch(run, "c")
    run.start()
    run.say(*ANGRY)
    assert run.alert().rule == "upset"
    (problem,) = service.dispatcher.status().problems
    assert problem.startswith("Webhooks get no alerts: ")
    assert str(place) in problem
    place.unlink()
    server.wait(lambda got: len(got) == 1)
    assert service.dispatcher.status().problems == ()


def test_what_waits_is_counted_for_its_own_webhook(
    services: list[AlertService], library: Path
) -> None:
    from emolive.alerts.outbox import Outbox
    from emolive.cli.alerting import left_over

    with WebhookServer() as good, WebhookServer() as bad:
        bad.answer = lambda _: 503
        outbox = Outbox.open(library)
        outbox.put("m1", "removed", "{}", datetime.now(UTC), None)
        outbox.close()
        service = begin(services, rules(hook(good, "good"), hook(bad, "bad")), library)
        run = FakeRun()
        service.watch(run, "c")
        run.start()
        run.say(*ANGRY)
        good.wait(lambda got: len(got) == 1)
        bad.wait(lambda got: len(got) >= 1)
        service.close()
    status = service.dispatcher.status()
    assert status.waiting == (("bad", 1), ("removed", 1))
    assert left_over(status) == [
        "1 message for webhook 'bad' waits in the library (answered 503 Service Unavailable): the "
        "next start goes on, or `emolive alerts deliver`.",
        "1 message for webhook 'removed' waits in the library: the rules name no such webhook, add "
        "it and run `emolive alerts deliver`.",
    ]
    assert status.problems == ("Webhook 'bad' gets no alerts: answered 503 Service Unavailable.",)


def test_silence_is_watched_live_too(services: list[AlertService]) -> None:
    from tests.alerts.calls import spans, talk

    quiet = RuleSet(rules=(SilenceRule(name="quiet", longer_than_s=3),))
    service = begin(services, quiet)
    run = FakeRun()
    service.watch(run, "c")
    run.start()
    run.say(*talk({"agent": spans(10, (1, 2)), "customer": spans(10, (2, 3))}))
    assert run.alert().message == "quiet: nobody has spoken for 3.0 s."


# The desktop.


class Shown:
    """A desktop that fails when told to."""

    def __init__(self) -> None:
        self.texts: list[tuple[str, str, Severity]] = []
        self.broken = False
        self.shown = threading.Event()
        self.connected = self.closed = 0

    def connect(self) -> Desktop:
        self.connected += 1
        return self

    def show(self, title: str, text: str, severity: Severity) -> None:
        self.shown.set()
        if self.broken:
            raise OSError("no notification service")
        self.texts.append((title, text, severity))

    def close(self) -> None:
        self.closed += 1


def test_the_desktop_is_told_where_the_rule_wants_it(services: list[AlertService]) -> None:
    desktop = Shown()
    for wanted in (False, True):
        service = begin(services, rules(desktop=wanted), desktop=DesktopNotifier(desktop.connect))
        run = FakeRun()
        service.watch(run, "c")
        run.start()
        run.say(*ANGRY)
        run.alert()
        service.close()
    # The title names the rule, the text does not again.
    assert desktop.texts == [
        ("upset", "angry at 90\u00a0% for 1.0 s (the customer).", Severity.WARNING)
    ]
    assert (desktop.connected, desktop.closed) == (1, 1)


def test_a_desktop_that_fails_hurts_nothing(services: list[AlertService]) -> None:
    desktop = Shown()
    desktop.broken = True
    service = begin(services, rules(desktop=True), desktop=DesktopNotifier(desktop.connect))
    run = FakeRun()
    service.watch(run, "c")
    run.start()
    run.say(*ANGRY)
    run.alert()
    assert desktop.shown.wait(60)
    service.close()
    assert service.problems() == ("The desktop did not show an alert: no notification service.",)


def test_a_slow_desktop_drops_the_oldest_and_counts() -> None:
    going = threading.Event()
    titles: list[str] = []

    class Slow(Shown):
        def show(self, title: str, _text: str, _severity: Severity) -> None:
            assert going.wait(60)
            titles.append(title)

    notifier = DesktopNotifier(Slow)
    from emolive.types import Alert

    for i in range(30):
        notifier.show(Alert(f"r{i}", "emotion", Severity.INFO, None, None, 0, 0, 0, "m"))
    assert notifier.dropped == 10
    notifier.start()
    going.set()
    notifier.close(60)
    assert titles == [f"r{i}" for i in range(10, 30)]


def test_without_the_library_for_notifications_everything_else_goes_on(
    services: list[AlertService],
    library: Path,
    server: WebhookServer,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("importlib.util.find_spec", lambda _: None)
    service = begin(services, rules(hook(server), desktop=True), library)
    run = FakeRun()
    service.watch(run, "c")
    run.start()
    run.say(*ANGRY)
    assert run.alert().rule == "upset"
    server.wait(lambda got: len(got) == 1)
    assert service.problems() == (
        "Desktop notifications need the notify extra: run `pip install 'emolive[notify]'`, or set "
        "desktop = false in the rules.",
    )
