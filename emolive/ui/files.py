"""Files and folders: asked for in the system's own dialogs, or dropped."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Sequence
from pathlib import Path

from PySide6.QtGui import QDragEnterEvent, QDropEvent
from PySide6.QtWidgets import QFileDialog, QWidget

from emolive.i18n import tr


def audio_files(parent: QWidget, title: str) -> Sequence[Path]:
    """Ask for audio files; none where the person gave up."""
    chosen, _ = QFileDialog.getOpenFileNames(
        parent, title, "", _audio_kinds(), options=QFileDialog.Option.HideNameFilterDetails
    )
    return [Path(path) for path in chosen]


def audio_file(parent: QWidget, title: str) -> Path | None:
    """Ask for one audio file."""
    chosen, _ = QFileDialog.getOpenFileName(
        parent, title, "", _audio_kinds(), options=QFileDialog.Option.HideNameFilterDetails
    )
    return Path(chosen) if chosen else None


def _audio_kinds() -> str:
    from emolive.audio.decoding import audio_extensions

    kinds = " ".join(f"*.{name} *.{name.upper()}" for name in sorted(audio_extensions()))
    return f"{tr('Audio')} ({kinds});;{tr('All files')} (*)"


class TakesFiles:
    """A widget on which files and folders can be dropped."""

    def dragEnterEvent(self, event: QDragEnterEvent) -> None:
        """Accept files and folders."""
        if _dropped(event):
            event.acceptProposedAction()

    def dropEvent(self, event: QDropEvent) -> None:
        """Take them."""
        if paths := _dropped(event):
            self.take_files(paths)

    @abstractmethod
    def take_files(self, paths: Sequence[Path]) -> None:
        """These were dropped."""


def _dropped(event: QDropEvent) -> list[Path]:
    return [Path(url.toLocalFile()) for url in event.mimeData().urls() if url.isLocalFile()]
