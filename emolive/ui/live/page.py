"""The live page: controls, the present, the timeline, and the drawer that explains a moment."""

from __future__ import annotations

from collections.abc import Sequence

from PySide6.QtCore import Qt, Signal
from PySide6.QtWidgets import QWidget

from emolive.audio.level_probe import LevelProbe, MakeProbe
from emolive.history.model import StreamModel
from emolive.i18n import tr
from emolive.monitoring.sources import SourceChoice
from emolive.settings import LookSettings, TimelineView
from emolive.types import EngineState, EngineStatus
from emolive.ui.controls import push_button, side_width
from emolive.ui.invitation import Ghost, Invitation
from emolive.ui.layouts import hbox, vbox
from emolive.ui.live.header import Header
from emolive.ui.live.present import MAX_STREAMS, Present
from emolive.ui.live.runner import LiveRunner
from emolive.ui.live.sources import FileChooser
from emolive.ui.live.voices import LiveVoices
from emolive.ui.messages import Message
from emolive.ui.theme import SPACE, Theme, Themed
from emolive.ui.timeline.workspace import Workspace
from emolive.ui.why.controller import WhyController
from emolive.ui.why.drawer import WhyDrawer

# A device that only one program may open at a time is given up before it is started.
_LET_GO_S = 0.3


class LivePage(Themed, QWidget):
    """Shows what the runner knows, and passes on what the person does."""

    demo = Signal()
    guide = Signal()
    big_left = Signal()

    def __init__(
        self,
        runner: LiveRunner,
        theme: Theme,
        choose: FileChooser,
        view: TimelineView = "areas",
        parent: QWidget | None = None,
        *,
        make_probe: MakeProbe = LevelProbe,
    ) -> None:
        super().__init__(theme, parent)
        self.title = tr("Live")
        self.icon_name = "live"
        self.runner = runner
        self.big = False
        self.empty = EmptyState(self, theme)
        self.header = Header(theme, choose, self, make_probe=make_probe)
        self.present = Present(theme, self)
        self.workspace = Workspace(theme, self.empty, view, self)
        self.voices = LiveVoices(runner, self)
        self.drawer = WhyDrawer(theme, self)
        self.why = WhyController(self.drawer, self.workspace.axis, self)
        row = hbox((vbox(self.present, (self.workspace, 1), gap=SPACE), 1), self.drawer, gap=SPACE)
        self.leave_big = push_button(
            f"{tr('Show everything')}  (B)", self, self.big_left.emit, kind="quiet"
        )
        self.leave_big.hide()
        leave = (self.leave_big, 0, Qt.AlignmentFlag.AlignRight)
        vbox(self.header, leave, (row, 1), within=self, gap=SPACE)
        self._connect()
        self._on_state(EngineState.IDLE)

    # What can be done with it.

    def start(self) -> None:
        """Start the selected input."""
        self.header.meter.let_go(_LET_GO_S)
        self.runner.start(self.header.picker.choice, split=self.header.split.isChecked())

    def toggle(self) -> None:
        """Start, or stop."""
        if self.runner.active:
            self.runner.stop()
        else:
            self.start()

    def play(self, choice: SourceChoice) -> None:
        """Select an input and start it, unless something runs."""
        if not self.runner.active:
            self.header.select(choice)
            self.start()

    def explain(self, stream: str, at_s: float) -> None:
        """Open the drawer for the decision nearest to `at_s`."""
        self.why.explain(at_s, stream)

    def step(self, steps: int) -> None:
        """Explain the decision after (or before) the chosen one."""
        if self.why.chosen_s is None:
            self.why.explain_here()
        else:
            self.why.step(steps)

    def show_look(self, look: LookSettings) -> None:
        """Show the timeline as the settings say."""
        self.workspace.show_view(look.view)
        self.show_lanes(look.lanes)

    def show_lanes(self, lanes: Sequence[str]) -> None:
        """Measure and show these of the voice."""
        self.voices.switch(bool(lanes))
        self.workspace.show_lanes(lanes)

    def set_big(self, big: bool) -> None:
        """Show the state alone, to be read from across a room."""
        self.big = big
        self.header.setVisible(not big)
        self.leave_big.setVisible(big)
        self.workspace.setVisible(not big)
        if big:
            self.why.close_drawer()
        self.present.set_big(big)
        self._share_height()

    def end(self, deadline: float) -> None:
        """End all threads."""
        self.voices.end(deadline)
        self.header.meter.end(0.0)
        self.runner.shutdown(deadline)

    def _resized(self) -> None:
        # Give the present its share of a taller window.
        self.drawer.setFixedWidth(side_width(self.width()))
        self._share_height()

    # What follows from what the runner says.

    def _connect(self) -> None:
        runner = self.runner
        runner.state_changed.connect(self._on_state)
        runner.streams_changed.connect(self._on_streams)
        runner.status.connect(self._on_status)
        runner.frame.connect(self._on_frame)
        runner.noted.connect(self._on_noted)
        runner.explained.connect(self.drawer.show_explanation)
        self.header.start_stop.connect(self.toggle)
        self.workspace.picked.connect(self.explain)
        self.workspace.lanes_chosen.connect(self.show_lanes)

    def _on_noted(self, part: str, message: Message | None) -> None:
        if part == "rules":
            self.header.show_rules(message.text if message is not None else None)

    def _on_state(self, state: EngineState) -> None:
        self.header.show_state(state)
        self.empty.show_starting(state is EngineState.STARTING)
        self.present.refresh(self.runner.model, state)

    def _on_streams(self) -> None:
        model = self.runner.model
        if model is None:
            self.why.follow(None, tuple, None, several=False)
            self.workspace.clear()
            self.present.set_streams((), ())
            self.header.show_elapsed(0.0)
            return
        streams: Sequence[StreamModel] = list(model.streams.values())[:MAX_STREAMS]
        self.workspace.set_streams(model.facts.labels, streams, self.voices.of)
        self.present.set_streams(model.facts.labels, streams)
        ask = self.runner.ask if self.runner.can_explain else None
        held = list(model.streams.values())
        self.why.follow(model.facts, lambda: held, ask, several=len(streams) > 1)

    def _on_status(self, status: EngineStatus | None) -> None:
        model = self.runner.model
        self.header.show_status(status, model.facts.rate if model is not None else 1)
        recent = self.runner.recent
        self.header.show_held(recent.held_s if recent is not None else 0.0)

    def _on_frame(self, now_s: float) -> None:
        """Bring all parts up to date; each draws only what changed."""
        model = self.runner.model
        if model is not None:
            self.header.show_elapsed(now_s)
            if not self.big:
                self.workspace.advance(now_s, model.oldest_s)
            self.present.refresh(model, self.runner.state)

    def _share_height(self) -> None:
        if self.big:
            self.present.setMaximumHeight(16_777_215)
        else:
            self.present.setFixedHeight(max(168, min(290, round(self.height() * 0.27))))


class EmptyState(Invitation):
    """Says what to do first, and offers to listen, the demo and the guide."""

    def __init__(self, page: LivePage, theme: Theme) -> None:
        super().__init__(theme, Ghost.TIMELINE, page)
        self.start_button = self.add_button(tr("Start listening"), page.start, "primary")
        self.button = self.add_button(tr("Play the demo clip"), page.demo.emit)
        self.guide_button = self.add_button(tr("Show me around"), page.guide.emit)
        self.show_starting(False)

    def show_starting(self, starting: bool) -> None:
        """Whether the timeline is about to come, or a choice is needed first."""
        if starting:
            self.say(tr("Getting ready…"), "")
            return
        self.say(
            tr("The emotion timeline appears here"),
            tr(
                "Choose an input above and press Space to start.\n"
                "Everything is analysed on this computer; no audio leaves it."
            ),
            tr("An audio file can be dropped here, too; several, or a folder, become sessions."),
            self.start_button,
            self.button,
            self.guide_button,
        )
