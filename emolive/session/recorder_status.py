"""What a recorder is asked to do, and what it says about itself."""

from __future__ import annotations

import errno
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path

from emolive.i18n import tr


class RecorderState(StrEnum):
    """Lifecycle of a recorder; in TROUBLED it goes on trying, and says what is the matter."""

    IDLE = "idle"
    WAITING = "waiting"
    RECORDING = "recording"
    TROUBLED = "troubled"
    STOPPED = "stopped"
    FAILED = "failed"

    @property
    def over(self) -> bool:
        """Whether it has ended, well or not."""
        return self in (RecorderState.STOPPED, RecorderState.FAILED)


@dataclass(frozen=True, slots=True)
class RecorderStatus:
    """Snapshot of a recorder.

    `elapsed_s` is the session's length by now, `audio_bytes` what its audio takes on the disk.
    `gaps` counts the gaps, `lost_s` is their sum. `error` is one sentence for a person, or None; in
    STOPPED it tells that the end is missing.
    """

    state: RecorderState
    session_id: str | None = None
    elapsed_s: float = 0.0
    audio_bytes: int = 0
    gaps: int = 0
    lost_s: float = 0.0
    error: str | None = None


@dataclass(frozen=True, slots=True)
class RecordingRequest:
    """What to record; without `audio` the timeline alone."""

    title: str = ""
    audio: bool = True
    tags: tuple[str, ...] = ()


def slow_disk(folder: Path) -> str:
    """That the disk does not keep up."""
    return tr(
        "The disk that holds {folder} is very slow: recording keeps up from memory for a "
        "while; use another disk if this stays.",
        folder=folder,
    )


def disk_problem(folder: Path, error: OSError) -> str:
    """Why the recording cannot be written, and what to do."""
    if error.errno in (errno.ENOSPC, getattr(errno, "EDQUOT", errno.ENOSPC)):
        return tr(
            "The disk that holds {folder} is full: free some space; recording goes on as "
            "soon as there is room.",
            folder=folder,
        )
    if isinstance(error, FileNotFoundError):
        return tr(
            "The recording's files in {folder} were removed or moved: stop the recording "
            "and start it again.",
            folder=folder,
        )
    return tr(
        "The recording in {folder} cannot be written ({reason}): check the disk; "
        "recording goes on as soon as that works.",
        folder=folder,
        reason=error.strerror or error,
    )
