"""A stored session decided anew: with another expected mix, or without a baseline.

The model's own probabilities are stored beside the adapted ones, so nothing is heard again.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace

from emolive.baseline import (
    ExpectedMix,
    FixedBaseline,
    ProfileStore,
    SourceProfile,
    pooled_baseline,
)
from emolive.engine.redecision import heard_of, redecided
from emolive.errors import SessionError
from emolive.inference.decision import Decision, DecisionConfig
from emolive.inference.metadata import ModelMetadata
from emolive.session.library import Library
from emolive.session.records import SessionInfo, StreamInfo
from emolive.types import Prediction, Segment


@dataclass(frozen=True, slots=True)
class Readapted:
    """What changed: `windows` with an answer, and how many of them are decided otherwise now.

    `baselines` are in force by now, by the stream; empty where answers are the model's own.
    """

    session: SessionInfo
    windows: int
    changed: int
    baselines: dict[str, FixedBaseline]


def readapt(
    library: Library,
    session_id: str,
    model: ModelMetadata,
    expected: ExpectedMix | None,
    decision: DecisionConfig | None = None,
) -> Readapted:
    """Decide a session's answers anew and store them; the model's own stay beside them.

    Adapted to what the library knows of the session's source by now; where it knows nothing, to
    what the session itself says.

    `library` is changed; its audit log says so. `model` is the session's, whose threshold decides
    unless `decision` has its own; `expected` None: without a baseline.

    Raises:
        SessionError: there is no such session, it has no answers, or it is being recorded.
    """
    info = library.get(session_id)
    if model.labels != info.labels:
        raise SessionError(
            "Session {id} has other labels than {model} has now: analyse it again with "
            "`emolive sessions replay {id} --model`.",
            id=info.id,
            model=model.name,
        )
    before = library.windows(info.id)
    raw = [_raw(window) for window in before]
    streams = [one for one in info.streams if any(w.stream == one.name for w in raw)]
    if not any(window.probabilities is not None for window in raw):
        raise SessionError("Session {id} has no answers that could be decided anew.", id=info.id)
    settings, hop_s = decision or DecisionConfig(), info.hop_samples / info.rate
    profiles = ProfileStore(library.folder).profiles() if expected is not None else []
    windows: list[Prediction] = []
    segments: list[Segment] = []
    baselines: dict[str, FixedBaseline] = {}
    for stream in streams:
        mine = [window for window in raw if window.stream == stream.name]
        if expected is not None:
            titles = {w.baseline.source for w in before if w.stream == stream.name and w.baseline}
            known = [one for one in profiles if _is_of(one, info, stream, titles, model)]
            parts = [(one.evidence, one.sessions) for one in known]
            if not parts:
                parts = [(heard_of(mine, len(model.labels), info.rate).evidence(), 1)]
            title = next(iter(sorted(titles)), info.source or "input")
            baselines[stream.name] = pooled_baseline(title, parts, expected, model.labels)
        decide = Decision(
            model.labels,
            1.0,
            model.abstention_threshold,
            settings,
            hop_s,
            info.rate,
            baseline=baselines.get(stream.name),
        )
        found, named = redecided(stream.name, mine, decide, info.hop_samples, info.duration_samples)
        windows += found
        segments += named
    library.replace_answers(info.id, [one.name for one in streams], windows, segments)
    library.audit(
        "adapted anew",
        {"session": info.id, "baseline": "off" if expected is None else "library"}
        | ({} if expected is None else {"expected_neutral": expected.neutral}),
    )
    return Readapted(info, *_changed(before, windows), baselines)


def _raw(window: Prediction) -> Prediction:
    """With the model's own answer, as if nothing had been adapted."""
    if window.raw_probabilities is None:
        return replace(window, baseline=None)
    return replace(
        window, probabilities=window.raw_probabilities, raw_probabilities=None, baseline=None
    )


def _is_of(
    profile: SourceProfile,
    info: SessionInfo,
    stream: StreamInfo,
    titles: Iterable[str],
    model: ModelMetadata,
) -> bool:
    """Whether a profile is of this stream's source: the one it was adapted to, or would be."""
    source = profile.source
    if (source.model, source.labels) != (model.fingerprint, model.labels):
        return False
    if titles:
        return source.title in titles
    own = "" if stream.role is not None or stream.name == "mono" else stream.name
    return (source.name, source.role, source.stream) == (info.source, stream.role, own)


def _changed(before: Sequence[Prediction], after: Sequence[Prediction]) -> tuple[int, int]:
    labels = {(one.stream, one.start_sample, one.end_sample): one.label for one in before}
    answered = [one for one in after if one.probabilities is not None]
    changed = (
        labels.get((one.stream, one.start_sample, one.end_sample)) != one.label for one in answered
    )
    return len(answered), sum(changed)
