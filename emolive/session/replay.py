"""A stored session's timeline, handed out as it went by."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterable

import numpy as np

from emolive.session.library import Library
from emolive.session.records import SessionInfo
from emolive.types import FeatureBlock, Prediction, Segment, SpeechActivity

_QUIETEST_DBFS = -120.0


class Replay:
    """A session's answers, segments and levels, to be asked for a stretch at a time.

    It holds the whole timeline (two windows a second and stream), no audio.
    """

    def __init__(self, library: Library, session: SessionInfo) -> None:
        """Read the timeline.

        Raises:
            SessionError: the library cannot be used.
        """
        self._windows = sorted(library.windows(session.id), key=lambda w: w.centre_sample)
        self._centres = [window.centre_sample for window in self._windows]
        self._segments = sorted(library.segments(session.id), key=lambda s: s.end_sample)
        self._ends = [segment.end_sample for segment in self._segments]
        self._levels = {
            stream.name: _Levels(library.activity(session.id, stream.name))
            for stream in session.streams
        }

    def answers(self, after: int, until: int) -> list[Prediction]:
        """The windows whose middle, which they speak for, is in ``(after, until]``."""
        first, last = (bisect_right(self._centres, sample) for sample in (after, until))
        return self._windows[first:last]

    def closed(self, after: int, until: int) -> list[Segment]:
        """The segments that end in ``(after, until]``."""
        first, last = (bisect_right(self._ends, sample) for sample in (after, until))
        return self._segments[first:last]

    def levels(self, sample: int) -> list[FeatureBlock]:
        """How loud each stream is at a sample, and whether somebody speaks; without features."""
        return [levels.at(name, sample) for name, levels in self._levels.items()]


class _Levels:
    """One stream's voice activity, looked up by sample."""

    def __init__(self, parts: Iterable[SpeechActivity]) -> None:
        self._parts = sorted(parts, key=lambda part: part.start_sample)
        self._starts = [part.start_sample for part in self._parts]

    def at(self, stream: str, sample: int) -> FeatureBlock:
        index = bisect_right(self._starts, sample) - 1
        level, speech = _QUIETEST_DBFS, False
        if index >= 0 and sample < self._parts[index].end_sample:
            part = self._parts[index]
            chunk = (sample - part.start_sample) // part.chunk_samples
            level, speech = float(part.level_dbfs[chunk]), bool(part.speech[chunk])
        nothing = np.empty((0, 0), np.float32)
        return FeatureBlock(stream, sample, sample, nothing, level, level, speech)


def next_segment(
    segments: Iterable[Segment],
    label: str,
    sample: int,
    *,
    stream: str | None = None,
    backwards: bool = False,
) -> Segment | None:
    """The next segment with this label that begins after `sample`; None: there is none.

    `segments` are in any order; `label` is an emotion, silence or uncertain. `backwards`: the last
    one that is over by `sample` instead, so that jumping back from inside a segment or from its
    start leads to the one before.
    """
    found = [
        segment
        for segment in segments
        if segment.label == label and stream in (None, segment.stream)
    ]
    if backwards:
        over = [segment for segment in found if segment.end_sample <= sample]
        return max(over, key=lambda segment: segment.start_sample, default=None)
    coming = [segment for segment in found if segment.start_sample > sample]
    return min(coming, key=lambda segment: segment.start_sample, default=None)
