"""Renders the window in its states, to be looked at: ``python -m tests.ui.shots FOLDER``."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

from tests.ui.scratch import scratch_folder

os.environ.setdefault("QT_QPA_PLATFORM", "offscreen")
os.environ.setdefault("EMOLIVE_LIBRARY", str(scratch_folder()))

import numpy as np
import soundfile
from PySide6.QtWidgets import QApplication

from emolive import resources
from emolive.audio.devices import NO_INPUT, InputDevice
from emolive.audio.level_probe import ProbeStatus, StreamLevel
from emolive.audio.ring import SampleRing
from emolive.audio.source import SourceFormat
from emolive.consent.permission import grant_confirmed
from emolive.engine.config import EngineConfig
from emolive.engine.hub import Hub
from emolive.engine.monitor import Monitor
from emolive.explain.explainer import Explainer
from emolive.history.model import MonitorModel
from emolive.inference.bundled import model_path
from emolive.inference.classifier import OnnxClassifier
from emolive.session.library_settings import CONSENT_TEXT
from emolive.session.records import SessionInfo, SessionState
from emolive.settings import ThemeChoice
from emolive.speech.silero import SileroVad
from emolive.types import (
    Baseline,
    EngineState,
    Event,
    FeatureBlock,
    FloatArray,
    Role,
    SpeechState,
    StreamStatus,
)
from emolive.ui.analysing import Progress
from emolive.ui.app import make_application
from emolive.ui.language import speak
from emolive.ui.live.sources import DEMO
from emolive.ui.main_window import MainWindow
from emolive.ui.messages import session_message
from emolive.ui.recorded_session import NameDialog
from emolive.ui.settings.audit_section import AuditDialog
from emolive.ui.settings.colour_dialog import ColourDialog
from tests.ui import feed
from tests.ui.picture_file import picture_of, save_picture

DEVICES = [
    InputDevice(0, "Jabra Evolve2 65", "Core Audio", 1, 16_000, True),
    InputDevice(1, "Scarlett 2i2 USB", "Core Audio", 2, 48_000, False),
]


def demo_audio() -> FloatArray:
    samples, rate = soundfile.read(resources.asset(resources.DEMO_AUDIO), dtype="float32")
    assert rate == feed.RATE
    return np.asarray(samples, np.float32)


def feed_demo(window: MainWindow, streams: tuple[str, ...], seconds: float) -> None:
    window.live.start()
    wait(lambda: window.runner.model is not None)
    put = feed_runs.run.inbox.put
    put(feed.status(EngineState.RUNNING, streams))
    audio = demo_audio()
    audio = np.concatenate([audio] * (1 + int(seconds * feed.RATE / len(audio))))
    for i, stream in enumerate(streams):
        heard = np.roll(audio, i * 5 * feed.RATE)[: int(seconds * feed.RATE)]
        put(*feed.audio_events(heard, stream))
        put(*feed.mood_events(seconds, stream, seed=7 + i))
    settle(window)


def settle(window: MainWindow) -> None:
    for _ in range(40):
        window.runner.bridge.tick()
    QApplication.processEvents()


def wait(condition: Callable[[], bool]) -> None:
    while not condition():
        QApplication.processEvents()


feed_runs = feed.FakeRuns()


def idle(window: MainWindow) -> None:
    wait(lambda: window.live.header.picker.findText(DEVICES[0].name) >= 0)


def running(window: MainWindow) -> None:
    feed_demo(window, ("mono",), 83)


def heard_level(*streams: str) -> ProbeStatus:
    """The level of the demo while somebody speaks."""
    heard = demo_audio()[8 * feed.RATE :][: feed.RATE]
    dbfs = 20 * float(np.log10(np.sqrt(np.mean(heard**2))))
    return ProbeStatus(dbfs, streams=tuple(StreamLevel(stream, dbfs) for stream in streams))


def level(window: MainWindow) -> None:
    """The input's level, before the start."""
    idle(window)
    window.preferences.change("privacy", level_before=True)
    header = window.live.header
    header.select(header.picker.microphone(DEVICES[0].name))
    wait(lambda: bool(feed.FakeProbe.made))
    feed.FakeProbe.made[-1].now = heard_level("mono")
    wait(lambda: bool(window.live.header.meter.accessibleDescription()))


def devices(window: MainWindow) -> None:
    """The list of inputs, open."""
    idle(window)
    window.live.header.picker.showPopup()


def compact(window: MainWindow) -> None:
    """The small window on top of all others."""
    surprised(window)
    window.set_compact(True)
    settle(window)


def details(window: MainWindow) -> None:
    """How the engine does, in figures."""
    uncertain(window)
    window.live.header.health.click()


def lane_menu(window: MainWindow) -> None:
    running(window)
    window.live.workspace.lanes.open()


def analyse(window: MainWindow) -> None:
    """Files that are to become sessions."""
    idle(window)
    wait(lambda: window.library_controller.library is not None)
    dialog = window.analysis.ask(window.theme, [resources.asset(resources.DEMO_AUDIO)])
    assert dialog is not None
    wait(lambda: dialog.begin.isEnabled())


def analysing(window: MainWindow) -> None:
    running(window)
    window.analysis.bar.show_progress(Progress(12, 40, 0.31, 46.0, "interview_0013.wav"))
    settle(window)


def name_session(window: MainWindow) -> None:
    recorded(window)
    NameDialog(window.theme, "Jabra Evolve2 65, 2026-03-03 09:41", window).open()


def colour(window: MainWindow) -> None:
    settings(window)
    ColourDialog(window.theme, "Angry", window.theme.fill("angry"), window).open()


def audit_log(window: MainWindow) -> None:
    settings(window)
    library = window.library_controller.library
    assert library is not None
    grant_confirmed(library, "Line 7")
    library.audit("call.listened_in", {"call": "Line 7"})
    dialog = AuditDialog(window.theme, library, window)
    dialog.open()
    wait(lambda: dialog.table.rowCount() > 0)


def settings_end(window: MainWindow) -> None:
    settings(window)
    bar = window.settings_page._area.verticalScrollBar()
    settle(window)
    bar.setValue(bar.maximum())


def early(window: MainWindow) -> None:
    feed_demo(window, ("mono",), 12)


def silence(window: MainWindow) -> None:
    running(window)
    ends = range(83 * feed.RATE, 89 * feed.RATE, feed.RATE // 2)
    quiet = np.random.default_rng(0).normal(0, 1e-4, 6 * feed.RATE).astype(np.float32)
    feed_runs.run.inbox.put(*feed.audio_events(quiet, start=83 * feed.RATE))
    feed_runs.run.inbox.put(*(feed.prediction(end, SpeechState.SILENCE) for end in ends))
    settle(window)


def uncertain(window: MainWindow) -> None:
    running(window)
    ends = range(83 * feed.RATE, 90 * feed.RATE, feed.RATE // 2)
    shares = np.full(len(feed.LABELS), 0.035, np.float32)
    shares[feed.LABELS.index("angry")], shares[feed.LABELS.index("sad")] = 0.41, 0.38
    doubt = (feed.prediction(end, SpeechState.UNCERTAIN, "angry", 0.41) for end in ends)
    feed_runs.run.inbox.put(*(replace(one, probabilities=shares) for one in doubt))
    feed_runs.run.inbox.put(
        feed.status(EngineState.RUNNING, overflows=3, windows_skipped=12, events_dropped=4)
    )
    settle(window)


def surprised(window: MainWindow) -> None:
    running(window)
    feed_runs.run.inbox.put(feed.prediction(84 * feed.RATE, label="surprised", share=0.83))
    settle(window)


def mixed(window: MainWindow) -> None:
    running(window)
    shares = np.full(len(feed.LABELS), 0.04, np.float32)
    shares[feed.LABELS.index("sad")], shares[feed.LABELS.index("fearful")] = 0.45, 0.31
    answer = feed.prediction(84 * feed.RATE, label="sad", share=0.45)
    feed_runs.run.inbox.put(replace(answer, probabilities=shares))
    settle(window)


def reconnecting(window: MainWindow) -> None:
    running(window)
    reason = "Jabra Evolve2 65 delivers no audio any more: check that it is plugged in."
    feed_runs.run.inbox.put(feed.status(EngineState.RECONNECTING, reason=reason, reconnects=1))
    settle(window)


def failed(window: MainWindow) -> None:
    from emolive.errors import AudioDeviceError

    feed_runs.error = AudioDeviceError(NO_INPUT)
    window.live.start()
    wait(lambda: window.runner.state is EngineState.FAILED)


def hint(window: MainWindow) -> None:
    early(window)
    text = (
        "Jabra Evolve2 65 delivers only digital silence, as a microphone without permission does: "
        "allow it in System Settings > Privacy & Security > Microphone, then start again."
    )
    feed_runs.run.inbox.put(feed.status(EngineState.RUNNING, hint=text))
    settle(window)


def ended(window: MainWindow) -> None:
    window.live.header.select(DEMO)
    running(window)
    feed_runs.run.inbox.put(feed.status(EngineState.STOPPED))
    settle(window)
    wait(lambda: window.runner.state is EngineState.STOPPED)


def earlier(window: MainWindow) -> None:
    running(window)
    axis = window.live.workspace.axis
    axis.pan(-axis.width // 3)
    window.live.workspace.show_view("lines")
    window.live.present.insight.show_view("trend")
    settle(window)


def lanes(window: MainWindow) -> None:
    """The voice of real speech, as Praat measures it."""
    window.preferences.change("look", lanes=("pitch", "intensity", "formants", "rate"))
    feed_demo(window, ("mono",), 62)
    voice = window.live.voices.of("mono")
    audio = demo_audio()[: 62 * feed.RATE]
    audio = np.tile(audio, 1 + 62 * feed.RATE // len(audio))[: 62 * feed.RATE]
    for event in feed.audio_events(audio, heard=True):
        assert isinstance(event, FeatureBlock)
        voice.add(event)
        if event.end_sample % (5 * feed.RATE) < feed.BLOCK:
            wait(lambda: voice.complete)
    voice.finish()
    wait(lambda: voice.complete)
    settle(window)


def lanes_without_praat(window: MainWindow) -> None:
    sys.modules["parselmouth"] = None  # type: ignore[assignment]
    try:
        window.preferences.change("look", lanes=("pitch", "rate"))
        feed_demo(window, ("mono",), 12)
        voice = window.live.voices.of("mono")
        for event in feed.audio_events(demo_audio()[: feed.RATE], heard=True):
            assert isinstance(event, FeatureBlock)
            voice.add(event)
        wait(lambda: bool(voice.problem))
        settle(window)
    finally:
        del sys.modules["parselmouth"]


def plane(window: MainWindow) -> None:
    running(window)
    window.live.present.insight.show_view("plane")
    settle(window)


def big(window: MainWindow) -> None:
    surprised(window)
    window._set_big(True)
    settle(window)


def why(window: MainWindow) -> None:
    """Real speech through the real pipeline and the bundled model, and a real explanation."""
    model = OnnxClassifier(model_path(None), "cpu")
    events = analysed_demo(model)
    hub = Hub()
    explainer = Explainer(hub.subscribe(50_000), model.metadata, lambda: model, budget_s=20.0)
    for event in events:
        hub.publish(event)
    feed_runs.explainer = explainer
    window.live.start()
    wait(lambda: window.runner.model is not None)
    feed_runs.run.inbox.put(feed.status(EngineState.RUNNING, model="emolive-resnet34"), *events)
    settle(window)
    window.live.explain("mono", 29.5)
    wait(lambda: bool(window.live.drawer.decisive.text()))
    settle(window)


def analysed_demo(model: OnnxClassifier) -> list[Event]:
    """The demo clip, all windows answered."""
    audio = demo_audio()
    ring = SampleRing(len(audio) + 1, 1)
    source = SourceFormat(feed.RATE, ("mono",))
    monitor = Monitor(source, ring, model, SileroVad(), EngineConfig(), lossless=True)
    events: list[Event] = []
    for first in range(0, len(audio), feed.BLOCK):
        ring.write(audio[first : first + feed.BLOCK, None])
        events += monitor.step()
    return [*events, *monitor.finish()]


def guide(window: MainWindow) -> None:
    window.guide.set_devices(DEVICES)
    window.show_guide()
    settle(window)
    for _ in range(8):
        window.guide._look()


def settings(window: MainWindow) -> None:
    wait(lambda: window.library_controller.library is not None)
    window.show_settings()
    settle(window)


def settings_looks(window: MainWindow) -> None:
    settings(window)
    window.preferences.change("look", colours={"calm": "#2E9E8F"})
    window.settings_page.show_section(window.settings_page.look)
    settle(window)


def settings_baseline(window: MainWindow) -> None:
    settings(window)
    window.preferences.change("baseline", mix="own", neutral=0.6, group="German")
    window.settings_page.show_section(window.settings_page.baseline)
    settle(window)


def adapted(window: MainWindow) -> None:
    running(window)
    known = Baseline("Jabra Evolve2 65", 42.3, 9, 0.485, 0.45)
    answer = feed.prediction(84 * feed.RATE, label="surprised", share=0.83)
    feed_runs.run.inbox.put(replace(answer, baseline=known))
    settle(window)


def settings_recording(window: MainWindow) -> None:
    settings(window)
    window.settings_page.show_section(window.settings_page.recording)
    settle(window)


def consent(window: MainWindow) -> None:
    running(window)
    window._ask_consent(CONSENT_TEXT, lambda _: None)
    settle(window)


def keys(window: MainWindow) -> None:
    running(window)
    window.show_keys()
    settle(window)


def two_streams(window: MainWindow) -> None:
    feed_demo(window, ("left", "right"), 83)


def two_in_doubt(window: MainWindow) -> None:
    two_streams(window)
    ends = range(83 * feed.RATE, 90 * feed.RATE, feed.RATE // 2)
    put = feed_runs.run.inbox.put
    put(*feed.audio_events(demo_audio()[: 3 * feed.RATE], "left", start=87 * feed.RATE))
    put(*feed.audio_events(demo_audio()[: 3 * feed.RATE], "right", start=87 * feed.RATE))
    for stream, state in (("left", SpeechState.UNCERTAIN), ("right", SpeechState.SILENCE)):
        put(*(feed.prediction(end, state, "surprised", 0.31, stream) for end in ends))
    settle(window)


def two_at_first(window: MainWindow) -> None:
    feed_demo(window, ("left", "right"), 1.5)


def call(window: MainWindow) -> None:
    """An agent whose emotions are not inferred, and a customer."""
    window.live.start()
    wait(lambda: window.runner.model is not None)
    put = feed_runs.run.inbox.put
    roles = {"agent": Role.AGENT, "customer": Role.CUSTOMER}
    streams = tuple(
        StreamStatus(name, role=role, emotion=role is Role.CUSTOMER) for name, role in roles.items()
    )
    put(replace(feed.status(EngineState.RUNNING), streams=streams))
    audio = np.concatenate([demo_audio()] * 3)[: 83 * feed.RATE]
    put(*feed.audio_events(np.roll(audio, 9 * feed.RATE), "agent"))
    put(*feed.audio_events(audio, "customer"))
    for answer in feed.mood_events(83, "agent", seed=7):
        if answer.state is not SpeechState.SILENCE:
            answer = feed.prediction(answer.end_sample, SpeechState.NOT_INFERRED, stream="agent")
        put(answer)
    put(*feed.mood_events(83, "customer", seed=11))
    settle(window)


def sound(window: MainWindow) -> None:
    """The pop-up of the sound, on top of the demo."""
    window.live.header.select(DEMO)
    feed_demo(window, ("mono",), 30)
    window.sound.popup.open_under(window.live.header.sound, None)
    wait(lambda: not window.sound.popup.output._work.busy)


def recorded(window: MainWindow) -> None:
    """What can be done once a recording is stored."""
    running(window)
    info = stored_info("Jabra Evolve2 65, 2026-03-03 09:41")
    window.show_message("recording", session_message(info))
    settle(window)


def stored_info(title: str) -> SessionInfo:
    return SessionInfo(
        id="20260303-094100-aaaa", title=title, started_at=datetime(2026, 3, 3, 9, 41, tzinfo=UTC),
        rate=feed.RATE, labels=feed.LABELS, hop_samples=8_000, window_samples=feed.WINDOW,
        model="tiny", provider="CPU", source="Jabra Evolve2 65", streams=(),
        duration_samples=83 * feed.RATE, state=SessionState.COMPLETE, recovered=False,
    )  # fmt: skip


def eight_hours(window: MainWindow) -> None:
    window.live.start()
    wait(lambda: window.runner.model is not None)
    model = window.runner.model
    assert isinstance(model, MonitorModel)
    hours = 8 * 3600
    settle(window)
    model.apply([feed.status(EngineState.RUNNING, elapsed_s=hours)])
    for at in range(0, hours * feed.RATE, 8 * feed.BLOCK):
        level = -30 + 14 * np.sin(at / feed.RATE / 900) + 6 * np.sin(at / 7e4)
        fields = {"level_dbfs": level, "peak_dbfs": level + 9, "speech": level > -36}
        model.apply([feed.block(at, 8 * feed.BLOCK, log_mel=QUIET, **fields)])
    model.apply(feed.mood_events(hours, seed=3))
    window.runner.bridge.received.emit([feed.status(EngineState.RUNNING, elapsed_s=hours)])
    window.live.workspace.spans.show_span("All")
    settle(window)


QUIET = np.full((feed.SPEC.n_mels, 8 * feed.BLOCK // feed.SPEC.hop_length), -9, np.float32)

SCENES = {
    scene.__name__: scene
    for scene in (
        idle,
        level,
        devices,
        compact,
        details,
        lane_menu,
        analyse,
        analysing,
        name_session,
        colour,
        audit_log,
        settings_end,
        early,
        running,
        silence,
        uncertain,
        surprised,
        mixed,
        reconnecting,
        failed,
        hint,
        ended,
        earlier,
        lanes,
        lanes_without_praat,
        plane,
        big,
        why,
        keys,
        guide,
        settings,
        settings_looks,
        settings_recording,
        settings_baseline,
        adapted,
        consent,
        two_streams,
        two_in_doubt,
        two_at_first,
        call,
        sound,
        recorded,
        eight_hours,
    )
}


def main(
    folder: Path,
    wanted: Sequence[str],
    sizes: Sequence[tuple[int, int]] = ((1024, 640), (1920, 1080)),
    themes: Sequence[ThemeChoice] = ("dark", "light"),
) -> None:
    global feed_runs
    folder.mkdir(parents=True, exist_ok=True)
    app = make_application()
    speak("en")
    for name in wanted or SCENES:
        for theme in themes:
            feed_runs = feed.FakeRuns()
            window = MainWindow(
                feed_runs,
                feed.preferences(theme),
                lister=lambda: DEVICES,
                make_probe=feed.FakeProbe,
                make_player=feed.FakePlayer,
            )
            window.resize(1024, 640)
            window.show()
            SCENES[name](window)
            for width, height in sizes:
                window.resize(width, height)
                app.processEvents()
                settle(window)
                save_picture(picture_of(window), folder / f"{name}-{theme}-{width}.png")
            if (popup := QApplication.activePopupWidget()) is not None:
                popup.close()
            if (dialog := QApplication.activeModalWidget()) is not None:
                dialog.close()
            window.close()
            window.deleteLater()
            app.processEvents()


if __name__ == "__main__":
    main(Path(sys.argv[1]), sys.argv[2:])
