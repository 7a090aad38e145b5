"""Asks which files are to become sessions, and shows how far that is."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path

from PySide6.QtCore import QObject, Qt, Signal
from PySide6.QtWidgets import QFileDialog, QFrame, QProgressBar, QSizePolicy, QWidget

from emolive.archive.inputs import AudioInput, FoundInputs, find_inputs
from emolive.audio.decoding import ChannelUse
from emolive.i18n import decimal, ntr, tr
from emolive.monitoring import RunSettings
from emolive.settings import Settings
from emolive.ui.analysing import Analysing, Outcome, Progress, Wish
from emolive.ui.background import Background
from emolive.ui.controls import ElidedLabel, label, push_button
from emolive.ui.dialog import Dialog
from emolive.ui.files import audio_files
from emolive.ui.layouts import STRETCH, fill, hbox
from emolive.ui.library_controller import LibraryController
from emolive.ui.messages import Action, Message, Severity
from emolive.ui.settings.form import Choice
from emolive.ui.theme import Theme
from emolive.wording import size_text

_TOLD_FAILURES = 2
ChoosesPaths = Callable[[QWidget], Sequence[Path]]


def choose_files(parent: QWidget) -> Sequence[Path]:
    """Ask for audio files."""
    return audio_files(parent, tr("Analyse audio files"))


def choose_folder(parent: QWidget) -> Sequence[Path]:
    """Ask for a folder."""
    chosen = QFileDialog.getExistingDirectory(parent, tr("Analyse a folder"))
    return [Path(chosen)] if chosen else []


class AnalyseDialog(Dialog):
    """Which files, and one timeline for each or one for each channel; `chosen` carries both."""

    chosen = Signal(tuple, str)

    def __init__(
        self,
        theme: Theme,
        parent: QWidget | None,
        *,
        audio: bool,
        files: ChoosesPaths = choose_files,
        folder: ChoosesPaths = choose_folder,
    ) -> None:
        """`audio`: sessions keep the sound, too."""
        text = tr(
            "Each file becomes a session, at full speed, while the live page goes on. "
            "Folders are searched in depth."
        )
        super().__init__(theme, tr("Analyse files into sessions"), text, parent, 560)
        self._work = Background("search", self)
        self._paths: list[Path] = []
        self.files: tuple[AudioInput, ...] = ()
        self.add_files = push_button(tr("Choose files…"), self, lambda: self.look(files(self)))
        self.add_folder = push_button(tr("Choose a folder…"), self, lambda: self.look(folder(self)))
        self.found = label("", self, wrap=True)
        values: list[tuple[str, object]] = [
            (tr("One timeline (channels mixed)"), "mix"),
            (tr("One timeline per channel"), "split"),
        ]
        self.channels = Choice(tr("Channels"), values, self)
        self.channels.setFixedWidth(300)
        kept = tr("The sound is kept in the library, too.")
        if not audio:
            kept = tr("The sound is not kept, only the timeline (Settings, Recording).")
        fill(
            self.body,
            hbox(self.add_files, self.add_folder, STRETCH, gap=8),
            self.found,
            self.channels,
            label(kept, self, "caption"),
        )
        self.cancel = push_button(tr("Cancel"), self, self.reject)
        self.begin = push_button(tr("Analyse"), self, self._on_begin, kind="primary")
        self.begin.setDefault(True)
        fill(self.buttons, self.cancel, self.begin)
        self.finished.connect(lambda: self._work.close(0.0))
        self._show(FoundInputs((), ()))

    def look(self, paths: Sequence[Path]) -> None:
        """Add what is in these files and folders."""
        if not paths:
            return
        self._paths += [path for path in paths if path not in self._paths]
        wanted = tuple(self._paths)
        self.found.setText(tr("Looking for audio…"))
        self.begin.setEnabled(False)
        self._work.ask(lambda: find_inputs(wanted), self._show, self.show_problem, key="search")

    def _show(self, found: FoundInputs) -> None:
        self.files = found.files
        count = len(found.files)
        text = tr("Nothing chosen yet; files and folders can also be dropped on the window.")
        if count:
            size = size_text(sum(file.size for file in found.files))
            text = ntr("{count} file, {size}", "{count} files, {size}", count, size=size)
        self.found.setText(text)
        self.begin.setEnabled(count > 0)
        self.show_problem(" ".join((*found.problems, *found.left_out)[:2]))

    def _on_begin(self) -> None:
        channels: ChannelUse = "split" if self.channels.value() == "split" else "mix"
        self.chosen.emit(self.files, channels)
        self.accept()


class AnalysisBar(QFrame):
    """How far it is, in one line; hidden while nothing is analysed."""

    def __init__(self, stop: Callable[[], None], parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setProperty("card", True)
        self.text = ElidedLabel(self, "strong")
        self.bar = QProgressBar(self)
        self.bar.setRange(0, 1000)
        self.bar.setTextVisible(False)
        self.bar.setFixedWidth(220)
        self.bar.setAccessibleName(tr("Files that are analysed"))
        # Its widest, so that the bar does not move as numbers grow.
        self.speed = label("", self, "muted")
        self.speed.setAlignment(Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter)
        widest = self.speed.fontMetrics().horizontalAdvance(_speed_text(8888.0))
        self.speed.setMinimumWidth(widest)
        self.stop = push_button(tr("Stop"), self, stop)
        hbox(
            (self.text, 1),
            self.bar,
            self.speed,
            self.stop,
            within=self,
            margins=(14, 6, 8, 6),
            gap=12,
        )
        self.setSizePolicy(QSizePolicy.Policy.Preferred, QSizePolicy.Policy.Fixed)
        self.hide()

    def show_progress(self, progress: Progress) -> None:
        """Show it."""
        self.text.show_whole(
            tr(
                "Analysing: {done} of {total} files, {file}",
                done=progress.done,
                total=progress.total,
                file=progress.file,
            )
        )
        self.bar.setValue(round(1000 * progress.share))
        self.speed.setText(_speed_text(progress.speed) if progress.speed else "")
        self.stop.setEnabled(True)
        self.show()


class AnalysisFlow(QObject):
    """The dialog, the bar and what runs; `said` is for the banner, `stored` tells of sessions."""

    said = Signal(object)
    stored = Signal()

    def __init__(
        self, settings: Callable[[], Settings], library: LibraryController, window: QWidget
    ) -> None:
        super().__init__(window)
        self._settings = settings
        self._library = library
        self._window = window
        self.analysing = Analysing(self)
        self.bar = AnalysisBar(self._on_stop, window)
        self.analysing.advanced.connect(self.bar.show_progress)
        self.analysing.ended.connect(self._on_ended)
        self.analysing.failed.connect(self._on_failed)

    def ask(self, theme: Theme, paths: Sequence[Path] = ()) -> AnalyseDialog | None:
        """Open the dialog, with files and folders if there are some."""
        if self.analysing.active:
            text = tr("Files are being analysed already: wait for them, or stop that first.")
            self.said.emit(Message(Severity.INFO, text))
            return None
        if self._library.library is None:
            text = self._library.problem or tr(
                "The library of sessions is still being opened: try again."
            )
            self.said.emit(Message(Severity.ERROR, text, Action.SETTINGS))
            return None
        dialog = AnalyseDialog(theme, self._window, audio=self._settings().recording.save_audio)
        dialog.chosen.connect(self._start)
        dialog.look(paths)
        return dialog.ask()

    def end(self, deadline: float) -> None:
        """The window closes."""
        self.analysing.end(deadline)

    def _start(self, files: tuple[AudioInput, ...], channels: ChannelUse) -> None:
        if (library := self._library.library) is None:
            return
        settings = self._settings()
        run = RunSettings.of(settings)
        self.said.emit(None)
        self.bar.show_progress(Progress(0, len(files), 0.0, 0.0, files[0].path.name))
        self.analysing.start(
            Wish(
                files, library.folder, run.model, run.hop_s, run.decision, channels,
                settings.recording.save_audio,
            )
        )  # fmt: skip

    def _on_stop(self) -> None:
        self.bar.stop.setEnabled(False)
        self.analysing.stop()

    def _on_ended(self, outcome: Outcome) -> None:
        self.bar.hide()
        self.stored.emit()
        count = len(outcome.sessions)
        text = ntr("{count} session was made.", "{count} sessions were made.", count)
        if outcome.stopped:
            text = f"{tr('Stopped.')} {text}"
        failed = len(outcome.failures) + outcome.more
        severity = Severity.INFO
        if failed:
            severity = Severity.WARNING
            told = " ".join(outcome.failures[:_TOLD_FAILURES])
            many = ntr("{count} file failed:", "{count} files failed:", failed)
            text = f"{text} {many} {told}"
        action = Action.OPEN_SESSION if count == 1 else Action.RESULTS if count else None
        session = outcome.sessions[0] if count == 1 else None
        self.said.emit(
            Message(severity, text, action, session=session, sessions=tuple(outcome.sessions))
        )

    def _on_failed(self, text: str) -> None:
        self.bar.hide()
        self.stored.emit()
        self.said.emit(Message(Severity.ERROR, text))


def _speed_text(speed: float) -> str:
    return tr("{speed} × real time", speed=decimal(speed, 0))
