"""Files that become sessions of the library, on all cores."""

from __future__ import annotations

import threading
from collections.abc import Sequence
from pathlib import Path
from typing import Self

from emolive.archive.inputs import AudioInput
from emolive.archive.messages import FileResult, Message, Tell
from emolive.archive.processes import run_in_processes, usable_cores
from emolive.archive.settings import ArchiveSettings
from emolive.archive.work import attempt
from emolive.audio.decoding import ChannelUse
from emolive.engine import EngineConfig
from emolive.engine.offline import Progress
from emolive.inference.bundled import model_path
from emolive.inference.classifier import Classifier
from emolive.inference.loading import load_classifier
from emolive.session.file_recording import session_of_file
from emolive.session.library import Library
from emolive.session.recorder_status import RecordingRequest
from emolive.speech.silero import SileroVad

# What `ArchiveSettings.formats` says: a session keeps the sound, too.
WITH_SOUND = "sound"


class SessionWork:
    """Makes a session of one file after another; the library is the settings' output folder."""

    def __init__(self, classifier: Classifier, library: Library, settings: ArchiveSettings) -> None:
        self._classifier = classifier
        self._library = library
        self._settings = settings
        self._vad = SileroVad()

    @classmethod
    def load(cls, settings: ArchiveSettings) -> Self:
        """Load the model for one core, and open the library.

        Raises:
            EmoliveError: one of them cannot be used.
        """
        classifier = load_classifier(settings.model, "cpu", threads=1)
        return cls(classifier, Library.open(settings.out), settings)

    def attempt(self, item: AudioInput, tell: Tell) -> None:
        """One file, told; `Done.result.outputs` is the id of its session.

        Raises:
            EmoliveError: nothing can be had from any file.
        """
        attempt(item, lambda progress: self._session_of(item, progress), tell)

    def _session_of(self, item: AudioInput, progress: Progress) -> FileResult:
        info, analysis = session_of_file(
            item.path,
            self._library,
            self._classifier,
            self._vad,
            self._settings.engine,
            RecordingRequest(audio=WITH_SOUND in self._settings.formats),
            channels=self._settings.channels,
            progress=progress,
        )
        return FileResult.of(analysis, (info.id,))


def files_to_sessions(
    items: Sequence[AudioInput],
    library: Path,
    model: Path | None,
    engine: EngineConfig,
    tell: Tell,
    *,
    channels: ChannelUse = "mix",
    audio: bool = True,
    stopped: threading.Event | None = None,
) -> None:
    """Make sessions of files; one core is left for what goes on beside it.

    `tell` is called in this thread. `channels`: "split" keeps each as a stream; `audio`: sessions
    keep the sound, too. Once `stopped` is set, what is in work is given up; what is finished stays.

    Raises:
        EmoliveError: nothing can be had from any file.
    """
    formats = (WITH_SOUND,) if audio else ()
    settings = ArchiveSettings.of(model_path(model), engine, library, formats, channels)

    def listen(message: Message) -> None:
        tell(message)
        if stopped is not None and stopped.is_set():
            raise _Stopped

    try:
        run_in_processes(settings, items, max(1, usable_cores() - 1), listen, load=SessionWork.load)
    except _Stopped:
        return


class _Stopped(BaseException):
    """No more is wanted."""
