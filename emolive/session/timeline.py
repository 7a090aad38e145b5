"""One document for what was found and said about a recording: what every export starts from.

A file that was analysed and a session of a library both become a `Timeline`.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING

from emolive.engine.offline import FileAnalysis, pooled
from emolive.session.records import AlertRecord, Annotation, Gap, Note, Trace
from emolive.session.summary import familiarity_shares
from emolive.types import Baseline, Familiarity, FloatArray, Prediction, Segment, Stream

if TYPE_CHECKING:
    from emolive.session.library_reader import LibraryReader


@dataclass(frozen=True, slots=True)
class StreamAudio:
    """Where a stream's sound is: a channel (from 0) of a file, or all of its channels mixed."""

    path: Path
    channel: int | None = None


@dataclass(frozen=True, slots=True, eq=False)
class TimelineStream(Stream):
    """One stream: the model's windows and segments in the order of time, and its sound.

    `audio` is None where no sound is kept.
    """

    windows: tuple[Prediction, ...] = ()
    segments: tuple[Segment, ...] = ()
    audio: StreamAudio | None = None

    @classmethod
    def of(
        cls,
        stream: Stream,
        windows: Iterable[Prediction],
        segments: Iterable[Segment],
        audio: StreamAudio | None,
    ) -> TimelineStream:
        """With what is about it among all streams' `windows` and `segments`."""
        return cls(
            stream.name,
            stream.native_rate,
            stream.role,
            stream.emotion,
            stream.band,
            tuple(one for one in windows if one.stream == stream.name),
            tuple(one for one in segments if one.stream == stream.name),
            audio,
        )


@dataclass(frozen=True, slots=True, eq=False)
class Timeline:
    """A recording's timeline.

    Every sample index counts from the recording's start at `rate` (Hz), the model's; `sample_rate`
    (Hz) and `duration_s` are the recording's own. `source` is the file or device, `title` what to
    call it. `started_at` is known for sessions only (None: a file). `labels` are in the order of
    the windows' probabilities. Annotations are people's, kept apart from the model's segments.
    """

    title: str
    source: str
    model: str
    labels: tuple[str, ...]
    rate: int
    sample_rate: int
    duration_s: float
    streams: tuple[TimelineStream, ...]
    started_at: datetime | None = None
    annotations: tuple[Annotation, ...] = ()
    gaps: tuple[Gap, ...] = ()
    alerts: tuple[AlertRecord, ...] = ()
    notes: tuple[Note, ...] = ()
    tags: tuple[str, ...] = ()
    recovered: bool = False
    traces: tuple[Trace, ...] = ()

    @classmethod
    def of_analysis(cls, analysis: FileAnalysis) -> Timeline:
        """The timeline of a file that was analysed."""
        streams: dict[str, Stream] = {one.name: one for one in analysis.streams}
        names = [one.stream for one in analysis.windows]
        names += [one.stream for one in analysis.segments]
        streams |= {name: Stream(name) for name in names if name not in streams}
        return cls(
            title=analysis.file.name,
            source=str(analysis.file),
            model=analysis.model,
            labels=analysis.labels,
            rate=analysis.metadata.front_end.sampling_rate,
            sample_rate=analysis.sample_rate,
            duration_s=analysis.duration_s,
            streams=tuple(
                TimelineStream.of(
                    stream, analysis.windows, analysis.segments, _audio_of(analysis.file, name)
                )
                for name, stream in streams.items()
            ),
        )

    @classmethod
    def of_session(cls, library: LibraryReader, session_id: str) -> Timeline:
        """The timeline of a session; `session_id` as `LibraryReader.get` takes it.

        Raises:
            SessionError: there is no such session.
        """
        info = library.get(session_id)
        windows = library.windows(info.id)
        segments = library.segments(info.id)
        streams = []
        for stream in info.streams:
            path = library.audio_path(info.id, stream.name)
            audio = None if path is None else StreamAudio(path)
            streams.append(TimelineStream.of(stream, windows, segments, audio))
        return cls(
            title=info.title or info.id,
            source=info.source,
            model=info.model,
            labels=info.labels,
            rate=info.rate,
            sample_rate=info.streams[0].native_rate if info.streams else info.rate,
            duration_s=info.duration_s,
            streams=tuple(streams),
            started_at=info.started_at,
            annotations=tuple(library.annotations(info.id)),
            gaps=tuple(library.gaps(info.id)),
            alerts=tuple(library.alerts(info.id)),
            notes=tuple(library.notes(info.id)),
            tags=info.tags,
            recovered=info.recovered,
            traces=tuple(library.traces(info.id)),
        )

    @property
    def end_sample(self) -> int:
        """Where the timeline ends: nothing in it ends later."""
        ends = [annotation.end_sample for annotation in self.annotations]
        ends += [gap.end_sample for gap in self.gaps]
        ends += [segment.end_sample for stream in self.streams for segment in stream.segments]
        ends += [window.end_sample for stream in self.streams for window in stream.windows]
        return max([round(self.duration_s * self.rate), *ends])

    @property
    def plain(self) -> bool:
        """Whether this is one stream of a file, with nothing but the model's answers."""
        return (
            self.started_at is None
            and len(self.streams) <= 1
            and not (self.annotations or self.gaps or self.traces)
        )

    @property
    def windows(self) -> tuple[Prediction, ...]:
        """All streams' windows in the order of time."""
        found = (window for stream in self.streams for window in stream.windows)
        return tuple(sorted(found, key=lambda window: (window.end_sample, window.start_sample)))

    @property
    def segments(self) -> tuple[Segment, ...]:
        """All streams' segments in the order of time."""
        found = (segment for stream in self.streams for segment in stream.segments)
        return tuple(sorted(found, key=lambda segment: segment.start_sample))

    @property
    def probabilities(self) -> FloatArray | None:
        """The mean over all windows with an answer, float32 ``(n_classes,)``; None without any."""
        return pooled([window.probabilities for window in self.windows])

    @property
    def raw_probabilities(self) -> FloatArray | None:
        """The same before answers were adapted to their source; None where none was."""
        if not self.baselines:
            return None
        return pooled([one.raw_probabilities for one in self.windows])

    @property
    def baselines(self) -> dict[str, Baseline]:
        """How far the answers of each stream are adapted, as it was last; only those that are."""
        windows = (window for stream in self.streams for window in stream.windows)
        return {one.stream: one.baseline for one in windows if one.baseline is not None}

    @property
    def familiarity(self) -> dict[Familiarity, float]:
        """How its sound compares with what the model was trained on (`familiarity_shares`)."""
        return familiarity_shares(self.windows)

    @property
    def label(self) -> str | None:
        """The leading emotion of `probabilities`, or None."""
        shares = self.probabilities
        return None if shares is None else self.labels[int(shares.argmax())]


def _audio_of(file: Path, stream: str) -> StreamAudio | None:
    """Where an analysed file has a stream; None where its name does not tell."""
    if stream == "mono":
        return StreamAudio(file)
    if stream in ("left", "right"):
        return StreamAudio(file, ("left", "right").index(stream))
    numbered = re.fullmatch(r"ch([1-9]\d*)", stream)
    return StreamAudio(file, int(numbered[1]) - 1) if numbered else None
