"""The guide of the first run: choose an input, see the level, hear the demo, start."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Sequence

import soundfile
from PySide6.QtCore import QSize, Qt, Signal
from PySide6.QtGui import QHideEvent, QIcon, QShowEvent
from PySide6.QtWidgets import QFrame, QLabel, QPushButton, QSizePolicy, QWidget

from emolive import resources
from emolive.audio.devices import InputDevice
from emolive.audio.level_probe import LevelProbe, MakeProbe
from emolive.audio.microphone import Microphone
from emolive.audio.output import ChosenOutput
from emolive.i18n import tr
from emolive.session.playback import Track
from emolive.session.player import Player, PlayerState
from emolive.times import clock_text
from emolive.ui.controls import LARGE_PX, card, enlarge, label, timer
from emolive.ui.icons import icon
from emolive.ui.input_meter import InputLevel
from emolive.ui.layouts import STRETCH, hbox, vbox
from emolive.ui.preferences import Preferences
from emolive.ui.settings.form import Choice
from emolive.ui.settings.input_section import offered
from emolive.ui.theme import Theme, Themed

MakePlayer = Callable[[str | None], Player]


def demo_player(output: str | None) -> Player:
    """The bundled clip, on an output (a key of `audio.outputs`; None: the usual one)."""
    path = resources.asset(resources.DEMO_AUDIO)
    facts = soundfile.info(path)
    return Player([Track("demo", path)], facts.samplerate, facts.frames, ChosenOutput(output))


class Guide(Themed, QWidget):
    """Three steps side by side. `started` tells to listen, `demo` to show the demo clip."""

    started = Signal()
    demo = Signal()
    left = Signal()

    def __init__(
        self,
        preferences: Preferences,
        theme: Theme,
        make_probe: MakeProbe = LevelProbe,
        make_player: MakePlayer = demo_player,
        parent: QWidget | None = None,
    ) -> None:
        super().__init__(theme, parent)
        self._preferences = preferences
        self._make_player = make_player
        self._player: Player | None = None
        self._closing: list[threading.Thread] = []
        self._controls: list[QWidget] = []
        self._build(theme, make_probe)
        self._timer = timer(self, 50, self._look)

    def set_devices(self, devices: Sequence[InputDevice]) -> None:
        """Offer these inputs."""
        self.device.offer(offered(devices))
        self.device.show_value(self._preferences.settings.input.device)
        if not devices:
            self.level_text.setText(
                tr("No input was found. Connect one, or begin with the demo clip.")
            )

    def end(self, deadline: float) -> None:
        """Let input and output go."""
        self._let_go()
        self.bar.end(max(0.0, deadline - time.monotonic()))
        for waiting in self._closing:
            waiting.join(max(0.0, deadline - time.monotonic()))

    def _resized(self) -> None:
        large = self.width() >= LARGE_PX
        enlarge(self, large)
        self._middle.setMaximumWidth(2_000 if large else 1_080)
        # In all cards what can be done begins at the same height.
        tallest = max(controls.sizeHint().height() for controls in self._controls)
        for controls in self._controls:
            controls.setMinimumHeight(tallest)

    def showEvent(self, event: QShowEvent) -> None:
        """Listen as long as it is seen."""
        super().showEvent(event)
        self._listen()
        self._timer.start()

    def hideEvent(self, event: QHideEvent) -> None:
        """Stop listening."""
        super().hideEvent(event)
        self._timer.stop()
        self._let_go()

    # The steps.

    def _listen(self) -> None:
        self._let_go()
        self.level_text.setText(tr("Say something: the bar should move."))
        chosen = self._preferences.settings.input
        self.bar.listen(lambda: Microphone(chosen.device, chosen.channels))

    def _on_device(self, value: str | int | None) -> None:
        self._preferences.choose_device(value)
        self._listen()

    def _on_hear(self) -> None:
        if self._player is not None and self._player.status().state is PlayerState.PLAYING:
            self._player.pause()
        else:
            if self._player is None:
                self._player = self._make_player(self._preferences.effective.sound.output)
            self._player.play()
        self._recolour()

    def _look(self) -> None:
        if self._player is not None:
            playing = self._player.status()
            position = clock_text(playing.position / 16_000)
            self.hear_text.setText(playing.error or tr("playing, {time}", time=position))
            self._recolour()

    def _let_go(self) -> None:
        self.bar.let_go()
        self._closing = [thread for thread in self._closing if thread.is_alive()]
        if self._player is not None:
            # Not on the window's thread: a driver may take its time.
            thread = threading.Thread(target=self._player.close, name="emolive guide", daemon=True)
            thread.start()
            self._closing.append(thread)
            self._player = None
        self._recolour()

    def _recolour(self) -> None:
        player = self._player
        playing = player is not None and player.status().state is PlayerState.PLAYING
        self.hear.setText(f" {tr('Stop') if playing else tr('Hear it')}")
        self.hear.setIcon(icon("stop" if playing else "start", self.theme.text))
        self.start.setIcon(icon("start", self.theme.on_accent))
        if player is None:
            self.hear_text.setText(tr("synthetic speech"))

    # How it is put together.

    def _build(self, theme: Theme, make_probe: MakeProbe) -> None:
        picture = QLabel(self)
        picture.setPixmap(QIcon(str(resources.asset(resources.ICON))).pixmap(QSize(64, 64)))
        head = label(tr("Welcome to emolive"), self, "hero")
        text = tr(
            "It listens to speech and shows how it sounds, moment by moment. Everything "
            "happens on this computer; no audio leaves it."
        )
        about = label(text, self, "muted", wrap=True)
        self.device = Choice(tr("Input"), offered(()), self)
        self.device.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)
        self.device.setMinimumWidth(0)
        self.device.setMaximumWidth(16_777_215)
        self.device.picked.connect(self._on_device)
        self.bar = InputLevel(theme, make_probe, self)
        self.level_text = _caption(self)
        self.bar.told.connect(self.level_text.setText)
        self.bar.broken.connect(self.level_text.setText)
        self.hear = QPushButton(self)
        self.hear.clicked.connect(self._on_hear)
        self.hear_text = _caption(self)
        self.show_demo = QPushButton(tr("Show it on the timeline"), self)
        self.show_demo.clicked.connect(self.demo)
        self.start = QPushButton(f" {tr('Start listening')}", self)
        self.start.setProperty("primary", True)
        self.start.clicked.connect(self.started)
        self.skip = QPushButton(tr("Just look around"), self)
        self.skip.setProperty("quiet", True)
        self.skip.clicked.connect(self.left)
        first = tr("Choose what to listen to, and see whether it hears you.")
        second = tr(
            "A support call in five lines, neutral, angry, sad and surprised, spoken by a "
            "computer. Hear it, then see the answers."
        )
        third = tr(
            "Colours show what was decided. Hatched means uncertain: the network says so rather "
            "than guess. Click a moment to see why."
        )
        steps = hbox(
            (self._step(1, tr("Input"), first, self.device, self.bar, self.level_text), 1),
            (self._step(2, tr("Demo"), second, self.hear, self.show_demo, self.hear_text), 1),
            (self._step(3, tr("Start"), third, self.start, self.skip), 1),
            gap=14,
        )
        words = vbox(head, about, gap=4)
        self._middle = middle = QWidget(self)
        vbox(hbox(picture, (words, 1), gap=18), steps, within=middle, margins=None, gap=26)
        row = hbox((STRETCH, 1), (middle, 20), (STRETCH, 1))
        outer = vbox((STRETCH, 2), row, within=self, margins=None)
        outer.addStretch(3)

    def _step(self, number: int, title: str, text: str, *widgets: QWidget) -> QFrame:
        head = label(f"{number}   {title}", self, "title")
        body = label(text, self, "muted", wrap=True)
        body.setAlignment(Qt.AlignmentFlag.AlignTop)
        controls = QWidget(self)
        vbox(*widgets, STRETCH, within=controls, gap=10)
        self._controls.append(controls)
        frame = card(self, head, (body, 1), controls, margins=(22, 18, 22, 20), gap=10)
        frame.setMinimumHeight(260)
        return frame


def _caption(parent: QWidget) -> QLabel:
    caption = label("", parent, "caption", wrap=True)
    caption.setMinimumHeight(30)
    caption.setAlignment(Qt.AlignmentFlag.AlignTop)
    return caption
