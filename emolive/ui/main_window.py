"""The window: puts the pages together and passes messages between them."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path

from PySide6.QtCore import Qt
from PySide6.QtGui import QCloseEvent
from PySide6.QtWidgets import QAbstractButton, QApplication, QComboBox, QGraphicsView, QWidget

from emolive.audio.devices import InputDevice
from emolive.audio.level_probe import LevelProbe, MakeProbe
from emolive.monitoring import CallMonitor, Monitoring, RunSettings
from emolive.monitoring.sources import SourceChoice, SourceKind
from emolive.session.library import Library
from emolive.session.player import Player, session_player
from emolive.session.records import SessionInfo
from emolive.settings import Settings, TimelineView
from emolive.types import EngineState
from emolive.ui import messages
from emolive.ui.analysis_flow import AnalysisFlow
from emolive.ui.calls.page import CallsPage
from emolive.ui.device_finder import DeviceFinder, DeviceWatch, Lister, look_for_devices
from emolive.ui.dialog import ConsentDialog
from emolive.ui.files import TakesFiles
from emolive.ui.guide import Guide, MakePlayer, demo_player
from emolive.ui.library_controller import LibraryController
from emolive.ui.live.page import LivePage
from emolive.ui.live.recording_controller import RecordingController
from emolive.ui.live.runner import LiveRunner
from emolive.ui.live.sound import LiveSound
from emolive.ui.live.sources import DEFAULT_INPUT, DEMO, FileChooser, choose_file, file_choice
from emolive.ui.messages import Action, Message, Severity
from emolive.ui.preferences import Preferences
from emolive.ui.recorded_session import RecordedSession
from emolive.ui.recording import Answers
from emolive.ui.runs import Runs
from emolive.ui.sessions.page import SessionsPage
from emolive.ui.settings.page import SettingsPage
from emolive.ui.shell import Actions, Shell
from emolive.ui.shortcuts import KEYS, LIVE_GROUPS, ShortcutsDialog, bind
from emolive.ui.theme import theme_of


class MainWindow(TakesFiles, Shell):
    """The live page and its keys, the settings, the guide, and the library they share."""

    def __init__(
        self,
        runs: Runs,
        preferences: Preferences | None = None,
        *,
        source: SourceChoice | None = None,
        lister: Lister = look_for_devices,
        choose: FileChooser = choose_file,
        make_probe: MakeProbe = LevelProbe,
        make_player: MakePlayer = demo_player,
        monitoring: Monitoring | None = None,
    ) -> None:
        """`monitoring`: what `runs` use, for the calls as well."""
        self.preferences = preferences or Preferences()
        settings = self.preferences.effective
        super().__init__(theme_of(settings))
        self.preferences.setParent(self)
        self.setAcceptDrops(True)
        self.finder = DeviceFinder(lister, self)
        self.watch = DeviceWatch(self)
        self.runner = LiveRunner(runs, self)
        self.library_controller = LibraryController(self)
        self.recording = RecordingController(
            self.library_controller, lambda: self.preferences.effective.recording.save_audio, self
        )
        self.analysis = AnalysisFlow(
            lambda: self.preferences.effective, self.library_controller, self
        )
        self.recorded = RecordedSession(self.library_controller, self)
        self.live = LivePage(
            self.runner, self.theme, choose, settings.look.view, self, make_probe=make_probe
        )
        self.sound = LiveSound(self.preferences, self.runner, self.live.header, self.theme, self)
        self.sessions = SessionsPage(
            self.theme,
            self,
            make_player=self._player,
            decision=lambda: RunSettings.of(self.preferences.effective).decision,
        )
        self.calls = CallsPage(self.preferences, self.theme, self, monitor=CallMonitor(monitoring))
        self.settings_page = SettingsPage(
            self.preferences, self.library_controller, self.theme, make_probe
        )
        self.guide = Guide(self.preferences, self.theme, make_probe, make_player, self)
        bind(self, self.live, self._actions())
        self._connect()
        self.add_page(self.live)
        self.add_page(self.sessions)
        self.add_page(self.calls)
        self.add_page(self.settings_page, bottom=True)
        self.add_other(self.guide)
        self.add_bar(self.analysis.bar)
        self._restore(settings, source)
        self.set_theme(self.theme)
        self.watch.watch(True)
        self.finder.look()
        self.library_controller.open(settings.recording.library)

    # What can be done with it.

    def bring(self, widget: QWidget) -> None:
        """Bring a page to the front; the state alone is for the live page, and hides the rail."""
        if widget is not self.live:
            self._set_big(False)
        super().bring(widget)

    def play(self, choice: SourceChoice) -> None:
        """Select an input and start it, on the live page."""
        self.bring(self.live)
        self.live.play(choice)

    def show_settings(self) -> None:
        """Bring the settings to the front."""
        self.bring(self.settings_page)

    def show_guide(self) -> None:
        """Bring the guide of the first run to the front, unless something runs."""
        if not self.runner.active:
            self.bring(self.guide)

    def show_keys(self) -> None:
        """Open the list of shortcuts: those of the window, and of the page in front (`keys`)."""
        front = self._stack.currentWidget()
        keys = [key for key in KEYS if front is self.live or key.group not in LIVE_GROUPS]
        dialog = ShortcutsDialog([*getattr(front, "keys", ()), *keys], self)
        dialog.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        dialog.open()

    @property
    def busy(self) -> bool:
        """Whether something runs that the end of this window would end."""
        pages = self.calls.controller.busy or self.sessions.busy
        own = self.runner.active or self.recording.busy or self.analysis.analysing.active
        return own or pages

    def show_in_place_of(self, before: MainWindow) -> None:
        """Appear where another window is, with the settings in front, where they were."""
        self.setGeometry(before.geometry())
        self.setWindowState(before.windowState())
        self.show_settings()
        self.show()
        self.settings_page.show_as(before.settings_page)

    # How it is put together.

    def _connect(self) -> None:
        header = self.live.header
        header.refresh_devices.connect(self.finder.look)
        header.source_chosen.connect(self._on_source)
        header.split_chosen.connect(self._on_split)
        header.record.connect(self._on_record)
        header.keep.clicked.connect(self._on_keep)
        header.picker.analyse.connect(lambda: self.analysis.ask(self.theme))
        self.analysis.said.connect(lambda message: self.show_message("analysis", message))
        self.analysis.stored.connect(self.sessions.refresh)
        self.recorded.changed.connect(self._on_session_changed)
        self.watch.changed.connect(self.finder.look)
        self.finder.looking.connect(header.meter.pause)
        self.finder.found.connect(self._on_devices)
        self.finder.problem.connect(self._on_device_problem)
        self.banner.acted.connect(self._on_action)
        self.rail.help_wanted.connect(self.show_keys)
        self.live.demo.connect(lambda: self.play(DEMO))
        self.live.guide.connect(self.show_guide)
        self.compact_changed.connect(self._set_big)
        self.live.big_left.connect(lambda: self._set_big(False))
        workspace, change = self.live.workspace, self.preferences.change
        workspace.view_chosen.connect(lambda view: change("look", view=view))
        workspace.lanes_chosen.connect(lambda lanes: change("look", lanes=lanes))
        self.guide.started.connect(lambda: self._leave_guide(self.live.start))
        self.guide.demo.connect(lambda: self._leave_guide(lambda: self.live.play(DEMO)))
        self.guide.left.connect(lambda: self._leave_guide(lambda: None))
        self.runner.noted.connect(self.show_state)
        self.runner.forgotten.connect(self.begin_anew)
        self.runner.began.connect(self.recording.begin)
        self.runner.state_changed.connect(self._on_run_state)
        meter = self.runner.bridge.meter
        self.runner.bridge.frame.connect(lambda: self.frames.refresh(meter))
        self.recording.shown.connect(header.recording.show_recording)
        self.recording.said.connect(lambda message: self.show_message("recording", message))
        self.library_controller.said.connect(lambda message: self.show_message("library", message))
        self.library_controller.opened.connect(self._on_library)
        self.calls.alerting.connect(lambda message: self.show_state("calls' alerts", message))
        self.calls.session_wanted.connect(self._open_session)
        self.recording.ask = self._ask_consent
        for recording in (self.recording, self.calls.controller.recording):
            recording.recorded.connect(lambda _: self.sessions.refresh())
            self.library_controller.serve(recording)
        self.sessions.record_wanted.connect(lambda: self.bring(self.live))
        self.sessions.model_chosen.connect(
            lambda name: self.preferences.change("model", file=Path(name))
        )
        if annotator := self.preferences.settings.marking.annotator:
            self.sessions.replay.marking.annotator = annotator
        self.sessions.annotator_named.connect(
            lambda name: self.preferences.change("marking", annotator=name)
        )
        self.sessions.retry_library.connect(self.library_controller.open_again)
        self.preferences.changed.connect(self._on_settings)
        self.preferences.problem.connect(self._on_settings_problem)
        QApplication.styleHints().colorSchemeChanged.connect(self._on_system_theme)

    def _actions(self) -> Actions:
        axis = self.live.workspace.axis
        insight = self.live.present.insight
        return {
            "toggle": self._on_space,
            "record": self._on_record,
            "keep": self._on_keep,
            "analyse": lambda: self.analysis.ask(self.theme),
            "open": self.live.header.picker.open_file,
            "devices": self.finder.look,
            "mute": self.sound.switch,
            "split": self.live.header.split.click,
            "live": axis.follow_live,
            "zoom_in": lambda: axis.zoom(0.5, axis.width / 2),
            "zoom_out": lambda: axis.zoom(2.0, axis.width / 2),
            "earlier": lambda: axis.pan(-axis.width // 8),
            "later": lambda: axis.pan(axis.width // 8),
            "all": axis.show_whole,
            "view": self._switch_view,
            "lanes": self.live.workspace.lanes.open,
            **{view: partial(insight.show_view, view) for view in insight.views},
            "why": self.live.why.explain_here,
            "before": lambda: self.live.step(-1),
            "after": lambda: self.live.step(1),
            "escape": self._on_escape,
            "big": lambda: self._set_big(not self.live.big),
            "compact": lambda: self.set_compact(not self.compact),
            "full": self.switch_full_screen,
            "theme": self._switch_theme,
            "settings": self.show_settings,
            "help": self.show_keys,
            "frames": lambda: self.frames.switch(self.runner.bridge.meter),
            "quit": self.close,
        }

    def _restore(self, settings: Settings, source: SourceChoice | None) -> None:
        self.live.show_look(settings.look)
        window = settings.window
        self.resize(window.width or 1280, window.height or 800)
        if window.maximised:
            self.setWindowState(Qt.WindowState.WindowMaximized)
        if settings.privacy.remember_files:
            for path in reversed(window.files):
                self.live.header.picker.select(file_choice(path))
        if source is None:
            source = DEFAULT_INPUT
            if settings.privacy.remember_input:
                source = self.live.header.picker.microphone(
                    settings.input.device, computer=settings.input.computer
                )
            self.live.header.want_split(settings.input.channels == 2)
        self.live.header.show_level(settings.privacy.level_before)
        self.live.header.select(source)
        self.live.header.stored = settings.input

    # What the person does.

    def _on_space(self) -> None:
        # Whoever reached a control with Tab means that control.
        focus = QApplication.focusWidget()
        if isinstance(focus, QAbstractButton):
            focus.click()
        elif isinstance(focus, QComboBox):
            focus.showPopup()
        else:
            self.live.toggle()

    def _set_big(self, big: bool) -> None:
        if big != self.live.big:
            self.live.set_big(big)
        self.rail.setVisible(not big)
        if not big:
            self.set_compact(False)

    def _on_escape(self) -> None:
        if self.live.big:
            self._set_big(False)
        else:
            self.live.why.close_drawer()

    def _on_record(self) -> None:
        run = self.runner.run if self.runner.active else None
        if not self.recording.toggle(run) and not self.runner.active:
            self.live.start()

    def _on_keep(self) -> None:
        if self.runner.recent is not None and self.live.header.keep.isEnabled():
            self.recording.keep(self.runner.recent, "")

    def _player(self, library: Library, session: SessionInfo) -> Player:
        return session_player(library, session, chosen=self.preferences.effective.sound.output)

    def _ask_consent(self, text: str, answer: Answers) -> None:
        ConsentDialog(self.theme, text, answer, self).ask()

    def _leave_guide(self, then: Callable[[], None]) -> None:
        self.preferences.change("window", guide_done=True)
        self.bring(self.live)
        then()

    def _on_source(self, choice: SourceChoice) -> None:
        settings = self.preferences.settings
        if choice.kind is SourceKind.MICROPHONE and settings.privacy.remember_input:
            self.preferences.choose_device(choice.device, computer=choice.computer)
        elif choice.path is not None and settings.privacy.remember_files:
            files = [choice.path, *(f for f in settings.window.files if f != choice.path)]
            self.preferences.change("window", files=files[:5])

    def _on_split(self, split: bool) -> None:
        self.preferences.change("input", channels=2 if split else 1)

    def _on_action(self, action: Action) -> None:
        message = self.banner.message
        session = message.session if message is not None else None
        if message is not None and self.recorded.act(action, message, self.theme):
            return
        self.dismiss()
        if action is Action.DEMO:
            self.play(DEMO)
        elif action is Action.REFRESH:
            self.finder.look()
        elif action is Action.STOP_RECORDING:
            self.recording.stop()
        elif action is Action.SETTINGS:
            self.show_settings()
        elif action is Action.RESULTS and message is not None:
            self.bring(self.sessions)
            self.sessions.show_results_of(message.sessions)
        elif action is Action.OPEN_SESSION and session is not None:
            self._open_session(session)
        elif action is Action.OPEN_CALL:
            self.bring(self.calls)
            self.calls.open_most_urgent()
        else:
            if action is Action.BUNDLED_MODEL:
                self.preferences.change("model", file=None)
            # What the message is about, whatever was selected since.
            self.play(self.runner.choice or self.live.header.picker.choice)

    def _switch_view(self) -> None:
        view: TimelineView = "lines" if self.live.workspace.view == "areas" else "areas"
        self.live.workspace.show_view(view)
        self.preferences.change("look", view=view)

    def _switch_theme(self) -> None:
        self.preferences.change("look", theme="light" if self.theme.dark else "dark")

    # What follows from elsewhere.

    def _on_run_state(self, state: EngineState) -> None:
        self.watch.watch(state.at_rest)
        if state.at_rest:
            self.recording.disarm()
            self.live.header.follow(self.preferences.effective.input)

    def _open_session(self, session_id: str, at_sample: int | None = None) -> None:
        self.bring(self.sessions)
        self.sessions.open_session(session_id, at_sample)

    def _on_session_changed(self, before: Message, message: Message | None) -> None:
        """The one that was just recorded has another name, or is gone; others may speak by now."""
        self.show_message(self.board.part_of(before) or "session", message)
        self.sessions.refresh()

    def _on_library(self, library: Library | None) -> None:
        self.recording.library = library
        self.calls.set_library(library)
        if library is None and self.library_controller.problem is not None:
            self.sessions.set_problem(self.library_controller.problem)
        else:
            self.sessions.set_library(library)

    def _on_settings(self, settings: Settings) -> None:
        self.runner.runs.use(RunSettings.of(settings))
        self.library_controller.use(settings.recording.library)
        if (theme := theme_of(settings)) != self.theme:
            self.set_theme(theme)
        self.live.header.follow(settings.input)
        self.live.header.show_level(settings.privacy.level_before)
        self.live.show_look(settings.look)

    def _on_settings_problem(self, text: str | None) -> None:
        message = Message(Severity.WARNING, text) if text else None
        self.show_message("settings", message)

    def _on_devices(self, devices: Sequence[InputDevice]) -> None:
        for part in (self.live.header, self.settings_page, self.guide):
            part.set_devices(devices)
        self.live.header.meter.resume()
        self.show_state("devices", None)

    def _on_device_problem(self, problem: str) -> None:
        if not self.runner.active:
            self.show_state("devices", messages.device_message(problem))

    def _on_system_theme(self) -> None:
        settings = self.preferences.effective
        if settings.look.theme == "system":
            self.set_theme(theme_of(settings))

    def take_files(self, paths: Sequence[Path]) -> None:
        """Play one file; many, a folder, or one beside what runs, become sessions."""
        if len(paths) == 1 and not paths[0].is_dir() and not self.runner.active:
            self.play(file_choice(paths[0]))
        else:
            self.analysis.ask(self.theme, paths)

    def closeEvent(self, event: QCloseEvent) -> None:
        """Remember the window, and let a recording be finished while the rest ends."""
        if not self._ended:
            self.set_compact(False)
            place = self.normalGeometry()
            self.preferences.change(
                "window",
                width=place.width() or None,
                height=place.height() or None,
                maximised=self.isMaximized(),
            )
            self.recording.stop()
            self.calls.controller.recording.stop_all()
        super().closeEvent(event)

    def end(self, deadline: float) -> None:
        """End what the pages share."""
        for plot in self.findChildren(QGraphicsView):
            plot.close()  # takes its items apart itself: Qt's own order breaks those in Python
        self.analysis.end(deadline)
        self.sound.end(deadline)
        self.recording.end(deadline)
        self.library_controller.end(max(0.1, deadline - time.monotonic()))
        self.watch.end(0.1)
        self.finder.close(0.1)
        self.preferences.close(max(0.1, deadline - time.monotonic()))
