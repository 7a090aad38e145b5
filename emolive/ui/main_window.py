"""The window: puts the parts together and passes messages between them."""

from __future__ import annotations

import time
from collections.abc import Sequence
from pathlib import Path

from PySide6.QtCore import Qt
from PySide6.QtGui import (
    QCloseEvent,
    QDragEnterEvent,
    QDropEvent,
    QKeySequence,
    QResizeEvent,
    QShortcut,
    QShowEvent,
)
from PySide6.QtWidgets import (
    QAbstractButton,
    QApplication,
    QComboBox,
    QMainWindow,
    QVBoxLayout,
    QWidget,
)

from emolive.types import EngineState, EngineStatus, Event
from emolive.ui import messages
from emolive.ui.banner import Banner
from emolive.ui.bridge import EngineBridge
from emolive.ui.controller import RunController
from emolive.ui.history.model import FollowClock, MonitorModel
from emolive.ui.live.header import Header
from emolive.ui.live.present import AT_REST, MAX_STREAMS, Present
from emolive.ui.live.sources import (
    DEFAULT_INPUT,
    DEMO,
    DeviceFinder,
    FileChooser,
    Lister,
    choose_file,
    file_choice,
    look_for_devices,
)
from emolive.ui.messages import Action, Message
from emolive.ui.runs import Run, Runs, SourceChoice
from emolive.ui.theme import SPACE, Theme, ThemeChoice, apply, resolve
from emolive.ui.timeline.workspace import Workspace


class MainWindow(QMainWindow):
    """Shows one run at a time of whatever `runs` prepares."""

    def __init__(
        self,
        runs: Runs,
        *,
        theme: ThemeChoice = "system",
        source: SourceChoice = DEFAULT_INPUT,
        lister: Lister = look_for_devices,
        choose: FileChooser = choose_file,
    ) -> None:
        super().__init__()
        self.setWindowTitle("emolive")
        self.setMinimumSize(1024, 640)
        self.resize(1280, 800)
        self.setAcceptDrops(True)
        self.theme = resolve(theme)
        self.state = EngineState.IDLE
        self.model: MonitorModel | None = None
        self._theme_choice: ThemeChoice = theme
        self._clock = FollowClock()
        self._shown_streams: tuple[str, ...] = ()
        self._over: EngineStatus | None = None
        self._note: Message | None = None  # stays until dismissed or the next start
        self._dismissed: Message | None = None
        self._running_choice = source
        self.controller = RunController(runs, self)
        self.bridge = EngineBridge(self)
        self.finder = DeviceFinder(lister, self)
        self._build(choose)
        self._connect()
        self.header.select(source)
        self.set_theme(self.theme)
        self._enter(EngineState.IDLE)
        self.finder.look()

    # What can be done with it.

    def start(self) -> None:
        """Start the selected input."""
        if self.controller.active:
            return
        self._note = self._over = self._dismissed = None
        self._running_choice = self.header.picker.choice
        self._forget()
        self._enter(EngineState.STARTING)
        self.controller.start(self._running_choice, split=self.header.split.isChecked())

    def stop(self) -> None:
        """Stop what runs or is being started."""
        if self.controller.active:
            self._enter(EngineState.STOPPING)
            self.controller.stop()

    def toggle(self) -> None:
        """Start, or stop."""
        if self.controller.active:
            self.stop()
        else:
            self.start()

    def play(self, choice: SourceChoice) -> None:
        """Select an input and start it, unless something runs."""
        if not self.controller.active:
            self.header.select(choice)
            self.start()

    def set_theme(self, theme: Theme) -> None:
        """Dress everything anew."""
        self.theme = theme
        app = QApplication.instance()
        if isinstance(app, QApplication):
            apply(app, theme)
        self.header.set_theme(theme)
        self.banner.set_theme(theme)
        self.present.set_theme(theme)
        self.workspace.set_theme(theme)

    # How it is put together.

    def _build(self, choose: FileChooser) -> None:
        self.root = root = QWidget(self)
        root.setObjectName("root")
        root.setFocusPolicy(Qt.FocusPolicy.ClickFocus)
        self.header = Header(self.theme, choose, root)
        self.banner = Banner(self.theme, root)
        self.present = Present(self.theme, root)
        self.workspace = Workspace(self.theme, root)
        column = QVBoxLayout(root)
        column.setContentsMargins(SPACE, SPACE, SPACE, SPACE)
        column.setSpacing(SPACE)
        column.addWidget(self.header)
        column.addWidget(self.banner)
        column.addWidget(self.present)
        column.addWidget(self.workspace, 1)
        self.setCentralWidget(root)

    def _connect(self) -> None:
        self.header.start_stop.connect(self.toggle)
        self.header.refresh_devices.connect(self.finder.look)
        self.finder.found.connect(self.header.set_devices)
        self.finder.problem.connect(self._on_device_problem)
        self.banner.acted.connect(self._on_action)
        self.banner.dismissed.connect(self._on_dismissed)
        self.workspace.demo.connect(lambda: self.play(DEMO))
        self.controller.started.connect(self._on_started)
        self.controller.failed.connect(self._on_failed)
        self.controller.stopped.connect(self._on_stopped)
        self.bridge.received.connect(self._on_events)
        self.bridge.frame.connect(self._on_frame)
        hints = QApplication.styleHints()
        hints.colorSchemeChanged.connect(self._on_system_theme)
        axis = self.workspace.axis
        for key, slot in (
            (Qt.Key.Key_Space, self._on_space),
            (Qt.Key.Key_F5, self.finder.look),
            (Qt.Key.Key_L, axis.follow_live),
            (Qt.Key.Key_Plus, lambda: axis.zoom(0.5, axis.width / 2)),
            (Qt.Key.Key_Minus, lambda: axis.zoom(2.0, axis.width / 2)),
            (Qt.Key.Key_Left, lambda: axis.pan(-axis.width // 8)),
            (Qt.Key.Key_Right, lambda: axis.pan(axis.width // 8)),
        ):
            QShortcut(QKeySequence(key), self).activated.connect(slot)
        open_file = QShortcut(QKeySequence(QKeySequence.StandardKey.Open), self)
        open_file.activated.connect(self.header.picker.open_file)
        close = QShortcut(QKeySequence(QKeySequence.StandardKey.Quit), self)
        close.activated.connect(self.close)

    # What the engine says.

    def _on_started(self, run: Run) -> None:
        self.model = MonitorModel(run.info)
        self._clock = FollowClock()
        self.bridge.attach(run.inbox)

    def _on_failed(self, text: str) -> None:
        self._note = messages.failure_message(text, self._running_choice)
        self._enter(EngineState.FAILED)

    def _on_stopped(self) -> None:
        self.bridge.detach()
        over, self._over = self._over, None
        if over is not None:
            self._note = messages.ended_message(over, self._running_choice)
        self._enter(EngineState.STOPPED)
        self._on_frame()

    def _on_events(self, events: Sequence[Event]) -> None:
        if self.model is None:
            return
        self.model.apply(events)
        if tuple(self.model.streams) != self._shown_streams:
            self._show_streams(self.model)
        for event in events:
            if isinstance(event, EngineStatus):
                self._on_status(event)

    def _on_status(self, status: EngineStatus) -> None:
        note = self.model.info.provider_note if self.model else None
        self.header.show_status(status, note)
        if self._over is not None or self.state in (EngineState.STOPPING, *AT_REST):
            return
        if status.state in (EngineState.STOPPED, EngineState.FAILED):
            self._over = status
            self.controller.stop()
        elif status.state is not EngineState.STOPPING:
            self._enter(status.state)

    def _on_frame(self) -> None:
        """Bring all parts up to date; each draws only what changed."""
        model = self.model
        if model is None:
            return
        now_s = model.end_s
        if self.state is EngineState.RUNNING:
            now_s = self._clock.step(model.end_s, time.monotonic())
        self.header.show_elapsed(now_s)
        self.workspace.refresh(now_s, model.oldest_s)
        self.present.refresh(model, self.state)

    # What follows from it.

    def _enter(self, state: EngineState) -> None:
        self.state = state
        self.header.show_state(state)
        self.workspace.empty.show_starting(state is EngineState.STARTING)
        self._show_message()
        self.present.refresh(self.model, state)

    def _show_message(self) -> None:
        status = self.model.status if self.model else None
        live = messages.running_message(status) if self.controller.active else None
        self.banner.show_message(live if live and live != self._dismissed else self._note)

    def _show_streams(self, model: MonitorModel) -> None:
        streams = list(model.streams.values())[:MAX_STREAMS]
        self._shown_streams = tuple(model.streams)
        self.workspace.set_streams(model.info, streams)
        self.present.set_streams(model.info, streams)

    def _forget(self) -> None:
        self.model = None
        self._shown_streams = ()
        self.workspace.clear()
        self.present.set_streams(None, ())
        self.header.show_elapsed(0.0)
        self.header.show_status(None)

    # What the user does.

    def _on_space(self) -> None:
        # Whoever reached a control with Tab means that control.
        focus = QApplication.focusWidget()
        if isinstance(focus, QAbstractButton):
            focus.click()
        elif isinstance(focus, QComboBox):
            focus.showPopup()
        else:
            self.toggle()

    def _on_action(self, action: Action) -> None:
        self._note = None
        self._show_message()
        if action is Action.DEMO:
            self.play(DEMO)
        elif action is Action.REFRESH:
            self.finder.look()
        else:
            self.start()

    def _on_dismissed(self) -> None:
        self._dismissed = self.banner.message
        self._note = None
        self._show_message()

    def _on_device_problem(self, problem: str) -> None:
        if self._note is None and not self.controller.active:
            self._note = messages.device_message(problem)
            self._show_message()

    def _on_system_theme(self) -> None:
        if self._theme_choice == "system":
            self.set_theme(resolve("system"))

    def dragEnterEvent(self, event: QDragEnterEvent) -> None:
        """Accept a file."""
        if _dropped_file(event) is not None:
            event.acceptProposedAction()

    def dropEvent(self, event: QDropEvent) -> None:
        """Play a file."""
        if (path := _dropped_file(event)) is not None:
            self.play(file_choice(path))

    def showEvent(self, event: QShowEvent) -> None:
        """Leave the focus to no control at first: Space belongs to start and stop."""
        super().showEvent(event)
        self.root.setFocus()

    def resizeEvent(self, event: QResizeEvent) -> None:
        """Give the present its share of a taller window."""
        self.present.setFixedHeight(max(150, min(250, round(self.height() * 0.235))))
        super().resizeEvent(event)

    def closeEvent(self, event: QCloseEvent) -> None:
        """End all threads, out of sight."""
        self.hide()
        self.bridge.detach()
        self.controller.shutdown()
        self.finder.close(0.2)
        super().closeEvent(event)


def _dropped_file(event: QDropEvent) -> Path | None:
    urls = event.mimeData().urls()
    if len(urls) == 1 and urls[0].isLocalFile():
        return Path(urls[0].toLocalFile())
    return None
