"""Recording what `live` hears, and telling how that goes."""

from __future__ import annotations

import json
from contextlib import ExitStack
from pathlib import Path
from typing import TextIO

from emolive.cli.loading import open_library, remind_of_consent
from emolive.cli.options import RecordOptions
from emolive.cli.outcome import DONE, SOME_INPUTS_FAILED, tell
from emolive.errors import SessionError
from emolive.i18n import ntr, tr
from emolive.monitoring import MonitoredRun, RecordingChoice
from emolive.session.recorder import Recorder, RecorderState, RecorderStatus, RecordingRequest
from emolive.times import table_time

_STORE_WITHIN_S = 60.0


class Recording:
    """The recording of one run of the command line, as a person is told of it."""

    def __init__(self, options: RecordOptions, library: Path | None, lines: TextIO | None) -> None:
        """Open the library and remind of consent; `choice` is for the run's description.

        With `lines` the recorder's news go there as JSON, too: ``{"type": "recording", ...}``.

        Raises:
            SessionError: the library cannot be used.
        """
        self._open = ExitStack()
        self._library = self._open.enter_context(open_library(library))
        self._lines = lines
        self._told: tuple[RecorderState, str | None] = (RecorderState.IDLE, None)
        remind_of_consent(self._library)
        request = RecordingRequest(options.title, options.audio)
        self.choice = RecordingChoice(self._library, request)
        self._recorder: Recorder | None = None

    def follow(self, run: MonitoredRun) -> None:
        """The run has begun."""
        self._recorder = run.recorder

    def tick(self) -> None:
        """Tell what is new."""
        if self._recorder is None:
            return
        status = self._recorder.status()
        news = (status.state, status.error)
        if news == self._told:
            return
        before, self._told = self._told[1], news
        if status.error:
            tell(status.error)
        elif before:
            tell("Recording goes on.")
        self._line(status)

    def finish(self) -> int:
        """The run is over: wait until all is stored, tell where it is; returns the exit code.

        Raises:
            SessionError: the recording failed.
        """
        recorder = self._recorder
        session = None if recorder is None else recorder.stop(_STORE_WITHIN_S)
        self._open.close()
        if recorder is None:
            return DONE
        status = recorder.status()
        self._line(status)
        if status.state is RecorderState.FAILED:
            raise SessionError(status.error or tr("The recording failed."))
        if status.state is not RecorderState.STOPPED:
            raise SessionError(
                "The recording is not stored yet: the disk that holds {folder} takes too long. "
                "What is there is put right at the next start.",
                folder=self._library.folder,
            )
        if session is None:
            tell("Nothing was recorded: no audio came.")
            return DONE
        if status.error:
            tell(status.error)
        gaps = (
            f" {ntr('with {count} gap', 'with {count} gaps', status.gaps)}" if status.gaps else ""
        )
        tell(
            "Recorded {duration}{gaps} as session {id}.",
            duration=table_time(session.duration_s),
            gaps=gaps,
            id=session.id,
        )
        return SOME_INPUTS_FAILED if status.error else DONE

    def _line(self, status: RecorderStatus) -> None:
        if self._lines is None:
            return
        fields = {
            "type": "recording",
            "state": status.state.value,
            "session": status.session_id,
            "elapsed_s": round(status.elapsed_s, 3),
            "audio_bytes": status.audio_bytes,
            "gaps": status.gaps,
            "lost_s": round(status.lost_s, 3),
            "error": status.error,
        }
        self._lines.write(json.dumps(fields) + "\n")
        self._lines.flush()
