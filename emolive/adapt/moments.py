"""Which moments of the library to label next: those whose label would teach most.

A moment is a window that the session's model was unsure of. Of these, the ones are taken that are
also unlike each other and unlike what is labelled already, by what the base model makes of them;
the emotions that they were taken for come in turn, those with the fewest labels first.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from emolive.adapt.examples import Heard, Listener, Progress
from emolive.adapt.labelled import Labelled, Origin, Stretch, session_fingerprint
from emolive.engine.config import AgentPermission, EngineConfig
from emolive.errors import EmoliveError
from emolive.session.library_reader import LibraryReader
from emolive.session.records import Annotation, SessionInfo, SessionState
from emolive.types import FloatArray, Prediction

# How many moments are listened to, for each that is wanted.
_CANDIDATES = 6
_MOST_CANDIDATES = 600
_LEAST_APART_S = 3.0


@dataclass(frozen=True, slots=True)
class Moment:
    """A window of a session; `leading` is what it was taken for, `doubt` 0 (sure) to 1."""

    session: SessionInfo
    stream: str
    start_sample: int
    end_sample: int
    leading: str
    doubt: float

    @property
    def start_s(self) -> float:
        """Where it begins, in seconds of the session."""
        return self.start_sample / self.session.rate

    @property
    def end_s(self) -> float:
        """Where it ends."""
        return self.end_sample / self.session.rate


def next_moments(
    library: LibraryReader,
    listener: Listener,
    wanted: int,
    *,
    labelled: Sequence[Heard] = (),
    permission: AgentPermission | None = None,
    progress: Progress | None = None,
) -> list[Moment]:
    """At most `wanted` moments, the most telling first.

    Only where sound is kept and emotion was inferred, of agents with `permission`.

    Raises:
        EmoliveError: there are none.
        ModelError: the base model failed.
    """
    most = min(_MOST_CANDIDATES, _CANDIDATES * wanted)
    candidates = _balanced(doubtful_moments(library, permission), most)
    stretches = [_stretch(library, moment) for moment in candidates]
    asked = Labelled(tuple(one for one in stretches if one is not None))
    heard, _ = listener.hear(asked, progress)
    features = {(one.stretch.path, one.stretch.start_s): one.features[0] for one in heard}
    there = [
        (moment, features[stretch.path, stretch.start_s])
        for moment, stretch in zip(candidates, stretches, strict=True)
        if stretch is not None and (stretch.path, stretch.start_s) in features
    ]
    if not there:
        raise EmoliveError(
            "No moments to label were found: record sessions with their sound, or "
            "unlabelled ones are used up."
        )
    known = [one.features.mean(axis=0) for one in labelled]
    counts = Counter(one.stretch.label for one in labelled)
    order = telling_order(
        np.stack([row for _, row in there]),
        np.array([moment.doubt for moment, _ in there]),
        [moment.leading for moment, _ in there],
        np.stack(known) if known else None,
        counts,
        wanted,
    )
    return [there[i][0] for i in order]


def doubtful_moments(
    library: LibraryReader, permission: AgentPermission | None = None
) -> list[Moment]:
    """Windows of all sessions that nobody has labelled, not overlapping, most doubtful first."""
    config = EngineConfig(agent_permission=permission)
    found: list[Moment] = []
    for info in library.sessions():
        if info.state is not SessionState.COMPLETE:
            continue
        marks = [mark for mark in library.annotations(info.id) if mark.label and not mark.tier]
        for stream in info.streams:
            if not (stream.emotion and stream.audio_file and config.infers_emotion(stream.role)):
                continue
            windows = library.windows(info.id, stream.name)
            found += _of_stream(info, stream.name, windows, marks)
    return sorted(found, key=lambda moment: -moment.doubt)


def telling_order(
    features: FloatArray,
    doubt: npt.NDArray[np.float64],
    leading: Sequence[str],
    labelled: FloatArray | None,
    counts: Counter[str],
    wanted: int,
) -> list[int]:
    """Rows in the order in which to label them: doubtful, unlike those before, emotions in turn."""
    everything = features if labelled is None else np.concatenate((features, labelled))
    spread = everything.std(axis=0)
    spread[spread < 1e-6] = 1.0
    x = features / spread
    distance = np.full(len(x), np.inf)
    for row in () if labelled is None else labelled / spread:
        distance = np.minimum(distance, np.linalg.norm(x - row, axis=1))
    counts = counts.copy()
    left = set(range(len(x)))
    order: list[int] = []
    while left and len(order) < wanted:
        fewest = min(counts[leading[i]] for i in left)
        rows = [i for i in sorted(left) if counts[leading[i]] == fewest]
        far = np.where(np.isfinite(distance[rows]), distance[rows], 1.0)
        best = rows[int(np.argmax(doubt[rows] * far))]
        order.append(best)
        left.remove(best)
        counts[leading[best]] += 1
        distance = np.minimum(distance, np.linalg.norm(x - x[best], axis=1))
    return order


def _of_stream(
    info: SessionInfo, stream: str, windows: Sequence[Prediction], marks: Sequence[Annotation]
) -> list[Moment]:
    taken = [
        (mark.start_sample, mark.end_sample) for mark in marks if mark.stream in (None, stream)
    ]
    apart = round(_LEAST_APART_S * info.rate)
    found: list[Moment] = []
    doubts = [
        (_doubt(window.probabilities), window)
        for window in windows
        if window.probabilities is not None and window.start_sample >= 0
    ]
    for doubt, window in sorted(doubts, key=lambda pair: (-pair[0], pair[1].start_sample)):
        start, end = window.start_sample, min(window.end_sample, info.duration_samples)
        if any(start < last and first < end for first, last in taken) or start >= end:
            continue
        taken.append((start, max(end, start + apart)))
        assert window.probabilities is not None
        leading = info.labels[int(window.probabilities.argmax())]
        found.append(Moment(info, stream, start, end, leading, doubt))
    return found


def _doubt(probabilities: FloatArray) -> float:
    """How near the two likeliest are: 0 (sure) to 1."""
    first, second = np.sort(probabilities)[-1:-3:-1]
    return float(1.0 - (first - second))


def _balanced(moments: Sequence[Moment], most: int) -> list[Moment]:
    """As many of each leading emotion as there are, in turn, the most doubtful first."""
    rank: Counter[str] = Counter()
    ranked = []
    for moment in moments:
        ranked.append((rank[moment.leading], moment))
        rank[moment.leading] += 1
    ranked.sort(key=lambda pair: (pair[0], -pair[1].doubt))
    return [moment for _, moment in ranked[:most]]


def _stretch(library: LibraryReader, moment: Moment) -> Stretch | None:
    path = library.audio_path(moment.session.id, moment.stream)
    if path is None:
        return None
    origin = Origin("session", session_fingerprint(moment.session.id))
    group = f"{moment.session.id}/{moment.stream}"
    return Stretch(path, "", moment.start_s, moment.end_s, group, origin)
