"""What a library holds, as frozen records.

Sample indices count from the session's start at `SessionInfo.rate`, the model's sampling rate.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from enum import StrEnum

from emolive.i18n import mark, tr
from emolive.types import AnalysisFacts, FloatArray, Stream

# Letters of what people write, so that every export can hold it.
LONGEST_NAME = 1_000
LONGEST_TEXT = 100_000


class SessionState(StrEnum):
    """Whether a session still grows; DELETING is one whose deletion was cut off."""

    RECORDING = "recording"
    COMPLETE = "complete"
    DELETING = "deleting"


class GapKind(StrEnum):
    """Why nothing was kept for a while."""

    OVERRUN = "overrun"  # the recorder was too slow for the capture ring
    SOURCE = "source"  # the device was gone
    DISK = "disk"  # the disk was full or away, for longer than can be held in memory
    EVENTS = "events"  # answers of the engine were lost; its audio is there


_GAPS = {
    GapKind.OVERRUN: mark("the computer was too slow"),
    GapKind.SOURCE: mark("the input was gone"),
    GapKind.DISK: mark("the disk was full or away"),
    GapKind.EVENTS: mark("answers were lost"),
}


def gap_name(kind: GapKind) -> str:
    """Why nothing was kept for a while, for people."""
    return tr(_GAPS[kind])


@dataclass(frozen=True, slots=True)
class StreamInfo(Stream):
    """One channel of a session.

    `audio_file` is relative to the session's folder, None where no audio is kept; the file has
    `native_rate` and one channel, and its first frame is the session's sample 0.
    """

    audio_file: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class SessionInfo(AnalysisFacts):
    """One session, without its timeline.

    `started_at` is in UTC. `duration_samples` is what is safely stored so far while `state` is
    RECORDING. `recovered` tells that the program was cut off and the end was put right later.
    A session is begun with such a record by `Library.create`, which gives it an id where it has
    none, and its streams the names of their files.
    """

    id: str = ""
    title: str = ""
    started_at: datetime = field(default_factory=lambda: datetime.now(UTC))
    duration_samples: int = 0
    state: SessionState = SessionState.RECORDING
    recovered: bool = False
    streams: tuple[StreamInfo, ...]
    tags: tuple[str, ...] = ()

    @property
    def duration_s(self) -> float:
        """Length in seconds."""
        return self.duration_samples / self.rate

    @property
    def has_audio(self) -> bool:
        """Whether any stream's audio is kept."""
        return any(stream.audio_file for stream in self.streams)

    def stream(self, name: str) -> StreamInfo:
        """The stream of this name.

        Raises:
            KeyError: there is none.
        """
        for stream in self.streams:
            if stream.name == name:
                return stream
        raise KeyError(name)


@dataclass(frozen=True, slots=True)
class Gap:
    """A stretch of which nothing (or no answer, `GapKind.EVENTS`) was kept; audio is silent there.

    `stream` None: all streams.
    """

    start_sample: int
    end_sample: int
    kind: GapKind
    stream: str | None = None


@dataclass(frozen=True, slots=True)
class Annotation:
    """What a person says about a stretch; kept apart from the model's segments.

    `stream` None: about all streams. `label` None: a comment only. `id` stays the same through
    edits and undo. `tier` names what is labelled where that is not the emotion ("").
    """

    id: str
    start_sample: int
    end_sample: int
    label: str | None = None
    comment: str = ""
    stream: str | None = None
    annotator: str = ""
    tier: str = ""

    def __post_init__(self) -> None:
        if not 0 <= self.start_sample < self.end_sample:
            raise ValueError(f"no stretch: {self.start_sample} to {self.end_sample}")


class Dimension(StrEnum):
    """What is rated continuously, from -1 to 1."""

    VALENCE = "valence"
    AROUSAL = "arousal"


@dataclass(frozen=True, slots=True, eq=False)
class Trace:
    """What a person rated while it played: one value per `step_samples` from the session's start.

    ``values`` float32 ``(n,)`` from -1 to 1, NaN where nothing was rated. There is one trace for
    each annotator and dimension of a session.
    """

    annotator: str
    dimension: Dimension
    step_samples: int
    values: FloatArray


@dataclass(frozen=True, slots=True)
class Note:
    """A text about a session, at `at_sample` or about all of it (None)."""

    text: str
    at_sample: int | None = None
    id: int = 0
    created_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class AlertRecord:
    """One alert that was raised during a session; `end_sample` None: at one moment.

    `details` is JSON-serialisable.
    """

    rule: str
    at_sample: int
    message: str
    severity: str = "warning"
    end_sample: int | None = None
    stream: str | None = None
    details: Mapping[str, object] = field(default_factory=dict, hash=False)


@dataclass(frozen=True, slots=True)
class AuditEntry:
    """One line of the audit log, which is only ever appended to."""

    at: datetime
    actor: str
    action: str
    details: Mapping[str, object] = field(default_factory=dict, hash=False)
