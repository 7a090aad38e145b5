"""Files and folders become sessions at full speed, beside whatever else goes on."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from PySide6.QtCore import QObject, Qt, Signal

from emolive.archive.inputs import AudioInput
from emolive.archive.messages import Advanced, Begun, Done, Failed, Message
from emolive.archive.sessions import files_to_sessions
from emolive.audio.decoding import ChannelUse
from emolive.engine import EngineConfig
from emolive.inference.decision import DecisionConfig
from emolive.ui.background import Background

_TELL_EVERY_S = 0.2
_MOST_TOLD = 200  # sentences about files that failed; further ones are counted


@dataclass(frozen=True, slots=True)
class Wish:
    """What is to become of files: which of them, and how; `library` is a folder."""

    files: tuple[AudioInput, ...]
    library: Path
    model: Path | None
    hop_s: float
    decision: DecisionConfig
    channels: ChannelUse
    audio: bool


@dataclass(frozen=True, slots=True)
class Progress:
    """How far it is: files done and in all, the share of the work (0 to 1), and its speed.

    `speed` is in seconds of sound a second (0: not known yet), `file` the one begun last.
    """

    done: int
    total: int
    share: float
    speed: float
    file: str


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of it: ids of sessions, sentences about files that failed, and whether stopped.

    `more` failures are not told.
    """

    sessions: tuple[str, ...]
    failures: tuple[str, ...]
    more: int
    stopped: bool


class Analysing(QObject):
    """At most one batch at a time, on a thread of its own with a process for each core but one.

    `advanced` carries a `Progress`, `ended` an `Outcome`, `failed` one sentence: nothing could be
    had from any file.
    """

    advanced = Signal(object)
    ended = Signal(object)
    failed = Signal(str)
    _told = Signal(object)

    def __init__(
        self, parent: QObject | None = None, run: Callable[..., None] = files_to_sessions
    ) -> None:
        super().__init__(parent)
        self.active = False  # whether files are being analysed
        self._run = run
        self._background = Background("analysing", self)
        self._stopped = threading.Event()
        self._told.connect(self.advanced, Qt.ConnectionType.QueuedConnection)

    def start(self, wish: Wish) -> None:
        """Begin, unless a batch is in work."""
        if not self.active:
            self.active = True
            self._stopped = stopped = threading.Event()
            self._background.ask(lambda: self._work(wish, stopped), self._on_ended, self._on_failed)

    def stop(self) -> None:
        """Give up what is in work; what is finished stays. `ended` follows."""
        self._stopped.set()

    def end(self, deadline: float) -> None:
        """The window closes."""
        self._stopped.set()
        self._background.close(max(0.0, deadline - time.monotonic()))

    def _work(self, wish: Wish, stopped: threading.Event) -> Outcome:
        """On the thread."""
        count = _Count(wish.files)
        last = 0.0

        def tell(message: Message) -> None:
            nonlocal last
            count.take(message)
            if time.monotonic() - last >= _TELL_EVERY_S:
                last = time.monotonic()
                self._told.emit(count.progress())

        self._run(
            wish.files,
            wish.library,
            wish.model,
            EngineConfig(hop_s=wish.hop_s, decision=wish.decision),
            tell,
            channels=wish.channels,
            audio=wish.audio,
            stopped=stopped,
        )
        return count.outcome(stopped=stopped.is_set())

    def _on_ended(self, outcome: Outcome) -> None:
        self.active = False
        self.ended.emit(outcome)

    def _on_failed(self, problem: str) -> None:
        self.active = False
        self.failed.emit(problem)


class _Count:
    """Adds up what is told."""

    def __init__(self, files: Sequence[AudioInput]) -> None:
        self._files = files
        self._begun_at = time.monotonic()
        self._total = sum(max(1, file.size) for file in files)
        self._finished = 0
        self._shares: dict[AudioInput, float] = {}
        self._seconds: dict[AudioInput, float] = {}
        self._sound_s = 0.0
        self._file = ""
        self._sessions: list[str] = []
        self._failures: list[str] = []
        self._n_failed = 0

    def take(self, message: Message) -> None:
        if isinstance(message, Begun):
            self._file = message.item.path.name
        elif isinstance(message, Advanced):
            self._seconds[message.item] = message.done_s
            if message.total_s:
                self._shares[message.item] = min(1.0, message.done_s / message.total_s)
        elif isinstance(message, Done | Failed):
            self._shares.pop(message.item, None)
            heard_s = self._seconds.pop(message.item, 0.0)
            self._finished += max(1, message.item.size)
            if isinstance(message, Done):
                self._sound_s += message.result.duration_s
                self._sessions += message.result.outputs
            else:
                self._sound_s += heard_s
                self._n_failed += 1
                if len(self._failures) < _MOST_TOLD:
                    self._failures.append(message.sentence)

    def progress(self) -> Progress:
        at_work = sum(share * max(1, item.size) for item, share in self._shares.items())
        sound_s = self._sound_s + sum(self._seconds.values())
        passed_s = time.monotonic() - self._begun_at
        return Progress(
            len(self._sessions) + self._n_failed,
            len(self._files),
            (self._finished + at_work) / max(1, self._total),
            sound_s / passed_s if passed_s > 1.0 else 0.0,
            self._file,
        )

    def outcome(self, *, stopped: bool) -> Outcome:
        more = self._n_failed - len(self._failures)
        return Outcome(tuple(self._sessions), tuple(self._failures), more, stopped)
