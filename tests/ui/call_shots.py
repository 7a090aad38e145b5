"""Renders the calls page in its states: ``python -m tests.ui.call_shots FOLDER``."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterable, Sequence
from contextlib import closing
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

from tests.ui.scratch import scratch_folder

os.environ.setdefault("QT_QPA_PLATFORM", "offscreen")
os.environ.setdefault("EMOLIVE_CONFIG", str(scratch_folder()))

import numpy as np
import soundfile
from PySide6.QtWidgets import QApplication, QDialog

from emolive import resources
from emolive.alerts.rule_file import example, load_rules
from emolive.audio.call_devices import CallDevices
from emolive.audio.devices import InputDevice
from emolive.audio.loopback import LoopbackDevice, LoopbackKind
from emolive.conversation import ConversationMeter, Party
from emolive.engine.config import AgentPermission
from emolive.engine.hints import one_sound_hint
from emolive.engine.hub import Hub
from emolive.inference.bundled import model_path
from emolive.inference.classifier import OnnxClassifier
from emolive.inference.loading import load_classifier
from emolive.monitoring import MonitoredCall
from emolive.monitoring.call_feed import CallFeed
from emolive.monitoring.sources import CallChoice, CallKind
from emolive.session.library import Library
from emolive.session.why import HeardExplainer
from emolive.settings import ThemeChoice
from emolive.types import (
    Alert,
    AlertEnded,
    Band,
    EngineState,
    EngineStatus,
    Event,
    FeatureBlock,
    FloatArray,
    Prediction,
    Role,
    Severity,
    SpeechState,
    StreamStatus,
)
from emolive.ui.app import make_application
from emolive.ui.calls.agent_switch import StatementDialog
from emolive.ui.calls.model import CallInfo, CallModel
from emolive.ui.calls.page import CallsPage
from emolive.ui.calls.rules_dialog import RulesDialog
from emolive.ui.calls.shift_dialog import ShiftDialog
from emolive.ui.input_meter import InputMeter
from emolive.ui.language import speak
from emolive.ui.theme import apply, resolve
from tests.session.test_shift import call as add_shift_call
from tests.ui import feed
from tests.ui.picture_file import Widened, picture_of, save_picture
from tests.ui.shots import heard_level
from tests.ui.stored_sessions import Part, store

LIBRARIES: list[Library] = []
NAMES = (
    "Line 3 · Meyer",
    "Line 1 · Okafor",
    "auto_repairs_40",
    "Line 7 · Lindqvist",
    "Support, second level",
    "Line 2 · Castellanos",
    "Line 5 · Nguyen",
    "returns_0093",
    "Line 9 · O'Brien",
)
with closing(OnnxClassifier(model_path(None), "cpu", 1)) as _model:
    TELEPHONE = _model.metadata.telephone_scores
DEVICES = CallDevices(
    (
        InputDevice(0, "Jabra Evolve2 65", "Core Audio", 1, 16_000, True),
        InputDevice(1, "Scarlett 2i2 USB", "Core Audio", 2, 48_000, False),
    ),
    (LoopbackDevice("speakers.monitor", "Built-in speakers", LoopbackKind.PULSE, 2, 48_000, True),),
)


def status(state: EngineState, agent_on: bool, **fields: Any) -> EngineStatus:
    streams = (
        StreamStatus(
            "agent", role=Role.AGENT, emotion=agent_on, native_rate=8_000, band=Band.NARROW
        ),
        StreamStatus(
            "customer", role=Role.CUSTOMER, emotion=True, native_rate=8_000, band=Band.NARROW
        ),
    )
    return EngineStatus(state, source="call", model="emolive-resnet34", streams=streams, **fields)


def events(seconds: float, seed: int, agent_on: bool) -> Iterable[Event]:
    """A conversation: parties take turns, moods wander."""
    block = feed.RATE // 10
    turn_s = 5 + seed % 4
    for start in range(0, round(seconds * feed.RATE), block):
        at = start / feed.RATE
        turn = int(at / turn_s) % 3
        for stream, talks in (("agent", turn == 0 or at % 11 < 0.8), ("customer", turn == 1)):
            level = -22.0 + 5 * ((start // block * 7919) % 10 / 10) if talks else -58.0
            fields = {"level_dbfs": level, "peak_dbfs": level + 9, "speech": talks}
            yield feed.block(start, block, stream, **fields)
    yield from feed.mood_events(seconds, "customer", seed=seed)
    if agent_on:
        yield from feed.mood_events(seconds, "agent", seed=seed + 50)
        return
    for end in range(feed.WINDOW, round(seconds * feed.RATE), feed.RATE // 2):
        talks = int((end - feed.WINDOW / 2) / feed.RATE / turn_s) % 3 == 0
        state = SpeechState.NOT_INFERRED if talks else SpeechState.SILENCE
        ratio = 0.8 if talks else 0.0
        yield Prediction("agent", end - feed.WINDOW, end, None, state, None, 0.0, ratio, 0.01)


def add_call(
    page: CallsPage, index: int, seconds: float, *, agent_on: bool = False, **fields: Any
) -> CallModel:
    choice = CallChoice(CallKind.STEREO_FILE, NAMES[index], files=(Path(f"{NAMES[index]}.wav"),))
    permission = None
    if agent_on:
        permission = AgentPermission(granted_by="dana", granted_at=datetime.now(UTC), statement="x")
    info = CallInfo(
        f"call-{index}",
        NAMES[index],
        choice,
        replace(feed.run_facts(), model="emolive-resnet34"),
        TELEPHONE,
        permission,
    )
    model = CallModel(info)
    hub = Hub()
    live: Any = SimpleNamespace(
        hub=hub,
        facts=SimpleNamespace(rate=feed.RATE),
        status=lambda: EngineStatus(EngineState.RUNNING),
        ask_to_stop=lambda: None,
        over=False,
    )
    call = MonitoredCall(
        cast(Any, SimpleNamespace(live=live, recent=None, alerts=SimpleNamespace(watch=None))),
        CallFeed(live),
    )
    state = fields.pop("state", EngineState.RUNNING)
    alike = fields.pop("alike", False)
    now = status(state, agent_on, **fields)
    meter = ConversationMeter(
        [Party("agent", Role.AGENT), Party("customer", Role.CUSTOMER)], feed.RATE
    )
    hub.publish(now)
    for event in events(seconds, index + 3, agent_on):
        hub.publish(event)
        if isinstance(event, FeatureBlock):
            end = event.end_sample
            streams = ("agent", "customer") if alike else (event.stream,)
            for stream in streams if not alike or event.stream == "customer" else ():
                meter.accept_flags(stream, event.start_sample, end, speech=event.speech)
        if (
            call.feed._mailbox.capacity - len(call.feed._mailbox._events) < 8
        ):  # not to lose any here
            call.feed.step(0.0)
            model.apply(call.feed.take())
    call.feed.step(0.0)
    model.apply(call.feed.take())
    metrics = meter.snapshot()
    parties = tuple(
        replace(p, level_dbfs=-23.4 + i, syllables_per_s=4.3 + 0.6 * i)
        for i, p in enumerate(metrics.parties)
    )
    model.metrics = replace(metrics, parties=parties)
    page.controller._calls[info.id] = call, model
    page.controller.added.emit(model)
    return model


def alert(call: MonitoredCall, at_s: float, rule: str, severity: Severity, text: str) -> Alert:
    at = round(at_s * feed.RATE)
    made = Alert(
        rule, "emotion", severity, "customer", Role.CUSTOMER, at - 5 * feed.RATE, at, at, text
    )
    call.live.hub.publish(made)
    call.feed.step(1.0)
    return made


def empty(page: CallsPage) -> None:
    pass


def wall(page: CallsPage) -> None:
    for index, seconds in enumerate((754, 212, 95, 431, 33, 290, 171, 64, 122)):
        fields: dict[str, Any] = {}
        if index == 3:
            fields = {"state": EngineState.RECONNECTING, "reason": "gone"}
        if index == 7:
            fields = {"state": EngineState.STOPPED}
        if index == 5:
            fields = {"lag_s": 2.4}
        add_call(page, index, seconds, **fields)
    calls = page.controller._calls
    text = "angry + disgust ≥ 60 % for 6.5 s on customer"
    alert(calls["call-4"][0], 30, "Customer upset", Severity.CRITICAL, text)
    alert(calls["call-6"][0], 150, "Dead air", Severity.INFO, "Nobody speaks for 15 s")
    alert(
        calls["call-1"][0],
        200,
        "Overtalk",
        Severity.WARNING,
        "Overtalk 4 times in 60 s",
    )
    page.wall.order._sorted_at = -9.0
    page.tick()


def wall_list(page: CallsPage) -> None:
    wall(page)
    page.wall.show_list(True)


def call(page: CallsPage, *, agent_on: bool = False) -> None:
    model = add_call(page, 0, 200, agent_on=agent_on)
    opened, _ = page.controller._calls["call-0"]
    text = "angry + disgust ≥ 60 % for 6.5 s on customer"
    first = alert(opened, 150, "Customer upset", Severity.CRITICAL, text)
    opened.live.hub.publish(
        AlertEnded(first.rule, first.stream, first.fired_sample, 158 * feed.RATE)
    )
    alert(opened, 171, "Overtalk", Severity.WARNING, "Overtalk 4 times in 60 s")
    alert(opened, 190, "Dead air", Severity.INFO, "Nobody speaks for 15 s")
    page.tick()
    model.acknowledge(model.alerts[0])
    page.controller.rules = load_rules(_example())
    page.open_call("call-0")


@dataclass(frozen=True)
class DemoHeard:
    """The demo, over and over, as what was heard of a call."""

    samples: FloatArray
    rate: int = feed.RATE

    def windows(self, stream: str) -> list[Prediction]:
        ends = range(feed.WINDOW, 60 * feed.RATE, 3 * feed.RATE)
        return [feed.prediction(end, stream=stream) for end in ends]

    def read(self, stream: str, start_sample: int, n_samples: int) -> FloatArray:
        del stream
        return self.samples.take(np.arange(start_sample, start_sample + n_samples), mode="wrap")


def call_why(page: CallsPage) -> None:
    """Real speech and the bundled model say why."""
    samples, _ = soundfile.read(resources.asset(resources.DEMO_AUDIO), dtype="float32")
    heard = DemoHeard(samples)
    explainer = HeardExplainer(heard, lambda: load_classifier(None, "cpu", threads=1))
    page.controller.explainer = lambda model: explainer  # type: ignore[method-assign]  # noqa: ARG005
    call(page)
    (model,) = page.controller.models
    rows = model.streams["customer"].decisions.rows(0, 200)
    page.call.why.explain(float(rows.centre_s[rows.probabilities.any(axis=1)][-4]))
    _wait(lambda: bool(page.call.drawer.decisive.text() or page.call.drawer.problem.text()))


def webhooks(page: CallsPage) -> None:
    rules(page)
    dialog = QApplication.activeModalWidget()
    assert isinstance(dialog, RulesDialog)
    made = dialog.ask_for_webhooks()
    made.add.click()
    made.test.click()


def webhooks_empty(page: CallsPage) -> None:
    rules(page)
    dialog = QApplication.activeModalWidget()
    assert isinstance(dialog, RulesDialog)
    dialog.ask_for_webhooks()


def rules_empty(page: CallsPage) -> None:
    page.set_library(_library())
    page.ask_for_rules()


def rules_menu(page: CallsPage) -> None:
    rules(page)
    dialog = QApplication.activeModalWidget()
    assert isinstance(dialog, RulesDialog)
    dialog.adding.click()


def shift(page: CallsPage) -> None:
    library = Library.open(scratch_folder())
    LIBRARIES.append(library)
    now = datetime.now(UTC)
    for i, (agent, team) in enumerate((("Jane", "Billing"), ("Bob", "Sales"), ("Ana", "Billing"))):
        for hours in range(i, 9, 1 + i):
            add_shift_call(library, now - timedelta(hours=hours), f"agent:{agent}", f"team:{team}")
    dialog = ShiftDialog(page.theme, library, page)
    dialog.open()
    dialog.show_days(7)
    _wait(lambda: dialog.agents.rowCount() > 2)


def call_agent(page: CallsPage) -> None:
    call(page, agent_on=True)


def call_over(page: CallsPage) -> None:
    reason = "Line 3.wav cannot be decoded after 0:45: the file is damaged."
    add_call(page, 0, 45, state=EngineState.FAILED, reason=reason)
    page.open_call("call-0")


def lost_processor(page: CallsPage) -> None:
    """A wall whose graphics card was lost."""
    note = "CUDA was lost in the middle of a run (CUDA error 719: unspecified launch failure): "
    for index, seconds in enumerate((754, 212, 95)):
        add_call(page, index, seconds, provider="CPU", provider_note=f"{note}the CPU goes on.")
    page.tick()


def call_lost_processor(page: CallsPage) -> None:
    lost_processor(page)
    page.open_call("call-1")


def one_sound(page: CallsPage) -> None:
    """A call whose channels carry the same sound."""
    hint = one_sound_hint(NAMES[0], "carries the same sound on both channels", call=True)
    add_call(page, 0, 60, hint=hint, one_sound=True, alike=True)
    page.open_call("call-0")


def wall_problems(page: CallsPage) -> None:
    _use_unusable_rules(page)
    wall(page)


def call_problems(page: CallsPage) -> None:
    _use_unusable_rules(page)
    call(page)


def _use_unusable_rules(page: CallsPage) -> None:
    """Rules whose webhook has no secret."""
    path = _example()
    text = path.read_text(encoding="utf-8").replace('# webhooks = ["team"]', 'webhooks = ["team"]')
    begin = text.index("# [[webhook]]")
    more = text[begin:].replace("# [[", "[[").replace("\n# ", "\n")
    path.write_text(text[:begin] + more, encoding="utf-8")
    page.preferences.change("alerts", rules_file=path)
    _wait(lambda: page.controller.rules is not None)


def start(page: CallsPage) -> None:
    page.set_library(_library())
    dialog = page.ask_for_call()
    folder = Path("/calls")
    dialog._on_calls(
        (
            [
                CallChoice(
                    CallKind.TWO_FILES,
                    "auto_repairs_40",
                    files=(
                        folder / "auto_repairs_40_agent.flac",
                        folder / "auto_repairs_40_caller.flac",
                    ),
                ),
                CallChoice(CallKind.STEREO_FILE, "returns_0093", files=(folder / "a.wav",)),
                CallChoice(CallKind.MONO_FILE, "voicemail", files=(folder / "b.wav",)),
            ],
            [],
        )
    )


def start_one(page: CallsPage) -> None:
    page.set_library(_library())
    dialog = page.ask_for_call()
    _wait(lambda: dialog.stereo.device.count() > 0 and dialog.stereo.choice is not None)
    dialog.show_page(1)
    _hear(dialog.stereo.meters, "left", "right")


def _hear(meters: Sequence[InputMeter], *streams: str) -> None:
    _wait(lambda: sum(probe.open for probe in feed.FakeProbe.made) == len(meters))
    for probe in feed.FakeProbe.made:
        probe.now = heard_level(*streams)
    _wait(lambda: all(meter.accessibleDescription() for meter in meters))


def start_loopback(page: CallsPage) -> None:
    dialog = page.ask_for_call()
    _wait(lambda: dialog.loopback.choice is not None)
    dialog.show_page(2)
    _hear(dialog.loopback.meters, "mono")


def statement(page: CallsPage) -> None:
    dialog = StatementDialog(page.theme, page.window())
    dialog.taken.setChecked(True)
    dialog.open()


def rules(page: CallsPage) -> None:
    page.set_library(_library())
    page.preferences.change("alerts", rules_file=_example())
    dialog = page.ask_for_rules()
    _wait(lambda: len(dialog.drafts.rules) == 4)
    from emolive.alerts.trial import Trial

    sentence = "Would have fired 2.4 times per hour (12 in 5.0 h, in 7 of the calls)."
    dialog._on_tried(
        Trial(9, 5.0, 4.1, dict.fromkeys((r.name for r in dialog.drafts.rules), sentence))
    )
    _wait(lambda: bool(dialog.trial.words.text()))


def shift_empty(page: CallsPage) -> None:
    dialog = ShiftDialog(page.theme, Library.open(scratch_folder()), page)
    dialog.open()
    _wait(dialog.empty.isVisible)


def rules_wrong(page: CallsPage) -> None:
    rules(page)
    dialog = QApplication.activeModalWidget()
    assert isinstance(dialog, RulesDialog)
    dialog.list.setCurrentRow(1)
    dialog._on_edited({"name": "Dead air"})


def _library() -> Library:
    """One call in it, in which somebody is upset."""
    if not LIBRARIES:
        LIBRARIES.append(Library.open(Path(os.environ["EMOLIVE_CONFIG"]) / "library"))
        store(LIBRARIES[0], (Part("customer", 1, Role.CUSTOMER),), title="Line 3 · Meyer")
    return LIBRARIES[0]


def _example() -> Path:
    path = Path(os.environ["EMOLIVE_CONFIG"]) / "rules.toml"
    path.write_text(example(), encoding="utf-8")
    return path


def _wait(condition: Any) -> None:
    while not condition():
        QApplication.processEvents()


SCENES = {
    scene.__name__: scene
    for scene in (
        empty,
        wall,
        wall_list,
        wall_problems,
        call_problems,
        call,
        call_why,
        call_agent,
        call_over,
        lost_processor,
        call_lost_processor,
        one_sound,
        start,
        start_one,
        start_loopback,
        statement,
        rules,
        rules_wrong,
        rules_empty,
        rules_menu,
        webhooks,
        webhooks_empty,
        shift,
        shift_empty,
    )
}


def main(
    folder: Path,
    wanted: Sequence[str],
    sizes: Sequence[tuple[int, int]] = ((1024, 640), (1920, 1080)),
    themes: Sequence[ThemeChoice] = ("dark", "light"),
) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    app = make_application()
    speak("en")
    for name in wanted or SCENES:
        for shade in themes:
            theme = resolve(shade)
            apply(app, theme)
            preferences = feed.preferences("dark", privacy={"level_before": True})
            page = CallsPage(
                preferences, theme, find_devices=lambda: DEVICES, make_probe=feed.FakeProbe
            )
            host = Widened(page)
            host.be_in(1024, 640)
            host.show()
            page.shown()
            SCENES[name](page)
            for width, height in sizes:
                host.be_in(width, height)
                for _ in range(6):
                    app.processEvents()
                    page.tick()
                save_picture(picture_of(host), folder / f"{name}-{shade}-{width}.png")
            if (popup := QApplication.activePopupWidget()) is not None:
                popup.close()
            while isinstance(dialog := QApplication.activeModalWidget(), QDialog):
                dialog.done(0)  # whether or not something in it is not saved
            page.end(0.0)
            host.close()
            host.deleteLater()
            app.processEvents()


if __name__ == "__main__":
    main(Path(sys.argv[1]), sys.argv[2:])
    for opened in LIBRARIES:
        opened.close()
