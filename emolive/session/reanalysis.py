"""A stored session's audio through another model or other settings."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TypeVar

from emolive.audio.decoding import FileDecoder
from emolive.audio.ring import SampleRing
from emolive.audio.source import SourceFormat
from emolive.baseline import Baselines, KnownSources, ProfileStore
from emolive.engine.config import EngineConfig
from emolive.engine.monitor import Monitor
from emolive.errors import SessionError
from emolive.inference.classifier import Classifier
from emolive.inference.metadata import ModelMetadata
from emolive.session.comparison import Comparison, compare
from emolive.session.library import Library
from emolive.session.records import Gap, GapKind, SessionInfo, StreamInfo
from emolive.speech.silero import SileroVad
from emolive.types import Event, FloatArray, Prediction, Segment

_BLOCK_S = 0.5

_Spoken = TypeVar("_Spoken", Prediction, Segment)

Progress = Callable[[float, float], None]
"""Told the seconds done and in all; what it raises ends the work."""


@dataclass(frozen=True, slots=True, eq=False)
class Reanalysis:
    """What another model says about a session; samples are the session's.

    `streams` are those that were analysed again, `problems` sentences about audio that broke off.
    A recording may begin in the middle of a run, whose decisions remembered what went before:
    `settled` tells the sample of a stream from which on that is forgotten.
    """

    session: SessionInfo
    metadata: ModelMetadata
    streams: tuple[str, ...]
    windows: tuple[Prediction, ...]
    segments: tuple[Segment, ...]
    problems: tuple[str, ...] = ()
    settled: Mapping[str, int] = field(default_factory=dict)

    def compare(self, old: Iterable[Segment]) -> Comparison:
        """Beside the session's own timeline, from where both have heard the same."""
        comparable = (
            replace(s, start_sample=max(s.start_sample, self.settled.get(s.stream, 0)))
            for s in old
            if s.stream in self.streams and s.end_sample > self.settled.get(s.stream, 0)
        )
        return compare(comparable, self.segments)


def reanalyze(
    library: Library,
    session: SessionInfo,
    classifier: Classifier,
    vad: SileroVad,
    config: EngineConfig,
    progress: Progress | None = None,
) -> Reanalysis:
    """Analyse a session's audio as if it were heard again; nothing is stored.

    Every stream whose audio was kept and whose emotions were, and may be, inferred. What was
    adapted to its source is again, by what the library knows of it by now. Where the recording has
    a gap the analysis has one, too. Memory for audio does not grow with the length.

    Raises:
        SessionError: there is no such audio.
        AudioFileError: it cannot be read at all.
        EmoliveError: the model stopped working, or the hop does not fit it.
    """
    tracks = [
        (stream, path)
        for stream in session.streams
        if stream.emotion
        and config.infers_emotion(stream.role)
        and (path := library.audio_path(session.id, stream.name)) is not None
    ]
    if not tracks:
        raise SessionError(
            "No audio of session {id} is kept that could be analysed again: record "
            "sessions with audio to compare models on them.",
            id=session.id,
        )
    gaps = library.gaps(session.id)
    answered = library.windows(session.id)
    adapted = {one.stream: one.baseline for one in answered if one.baseline is not None}
    baselines = KnownSources(ProfileStore(library.folder), adapted)
    same_hop = round(config.hop_s * session.rate) == session.hop_samples
    windows: list[Prediction] = []
    segments: list[Segment] = []
    problems: list[str] = []
    settled: dict[str, int] = {}
    scale = session.rate / classifier.metadata.front_end.sampling_rate
    for number, (stream, path) in enumerate(tracks):

        def advance(done_s: float, number: int = number) -> None:
            if progress is not None:
                progress(number * session.duration_s + done_s, len(tracks) * session.duration_s)

        lead = _lead(session, stream, answered) if same_hop else 0
        events, problem = _analyze(
            path,
            stream,
            _gaps_of(stream, gaps),
            lead,
            session.rate,
            classifier,
            vad,
            config,
            advance,
            baselines,
        )
        if lead:
            # A decision is drawn in the middle of its window.
            drawn = (e.start_sample + e.end_sample for e in events if isinstance(e, Prediction))
            begins = next(drawn, 0) * scale / 2
            settled[stream.name] = round(begins + _remembered(config, session))
        windows += [_scaled(e, scale) for e in events if isinstance(e, Prediction)]
        segments += [_scaled(e, scale) for e in events if isinstance(e, Segment)]
        if problem is not None:
            problems.append(problem)
    names = tuple(stream.name for stream, _ in tracks)
    return Reanalysis(
        session,
        classifier.metadata,
        names,
        tuple(windows),
        tuple(segments),
        tuple(problems),
        settled,
    )


def _analyze(
    path: Path,
    stream: StreamInfo,
    gaps: Sequence[tuple[int, int]],
    lead: int,
    rate: int,
    classifier: Classifier,
    vad: SileroVad,
    config: EngineConfig,
    advance: Callable[[float], None],
    baselines: Baselines,
) -> tuple[list[Prediction | Segment], str | None]:
    """One stream: its predictions and segments, and what is wrong with its file.

    `lead` samples (at `rate`) of the run passed before the recording began.
    """
    decoder = FileDecoder(path, _BLOCK_S, "mix")
    try:
        native = decoder.format.sampling_rate
        source_format = SourceFormat(
            native, (stream.name,), (stream.role,), (stream.native_rate,), recorded=True
        )
        batch_s = config.batch_on(classifier.provider) * config.hop_s
        stride = round(native * max(_BLOCK_S, batch_s))
        ring = SampleRing(stride + 2 * round(native * _BLOCK_S), 1)
        monitor = Monitor(
            source_format, ring, classifier, vad, config,
            lossless=True, listened=False, baselines=baselines,
        )  # fmt: skip
        model_rate = classifier.metadata.front_end.sampling_rate
        led = round(lead * model_rate / rate)
        events = _answers(monitor.gap(led))
        stepped = 0
        frames = [(start * native // rate, end * native // rate) for start, end in gaps]
        for block, gap_end in _around(decoder, frames):
            ring.write(block)
            if ring.written - stepped >= stride or gap_end is not None:
                stepped = ring.written
                events += _answers(monitor.step())
                advance(monitor.elapsed_s)
            if gap_end is not None:
                now = round(monitor.elapsed_s * model_rate)
                events += _answers(monitor.gap(max(0, gap_end * model_rate // native + led - now)))
        events += _answers(monitor.finish())
        advance(monitor.elapsed_s)
        return [
            replace(e, start_sample=e.start_sample - led, end_sample=e.end_sample - led)
            for e in events
        ], decoder.error
    finally:
        decoder.close()


def _around(
    decoder: FileDecoder, gaps: Sequence[tuple[int, int]]
) -> Iterator[tuple[FloatArray, int | None]]:
    """The audio between the gaps (in frames); with the last of it, the end of the gap to come."""
    position = 0
    left = deque(gaps)
    while (block := decoder.read()) is not None:
        begin, end = position, position + len(block)
        while left and left[0][0] < end:
            gap_start, gap_end = left[0]
            if gap_start >= begin:
                yield block[begin - position : gap_start - position], gap_end
            begin = min(gap_end, end)
            if gap_end > end:
                break
            left.popleft()
        yield block[begin - position :], None
        position = end


def _gaps_of(stream: StreamInfo, gaps: Sequence[Gap]) -> list[tuple[int, int]]:
    """Where its audio is missing, in order, gaps that touch as one."""
    found: list[tuple[int, int]] = []
    for gap in sorted(gaps, key=lambda gap: gap.start_sample):
        if gap.kind is GapKind.EVENTS or gap.stream not in (None, stream.name):
            continue
        start, end = gap.start_sample, gap.end_sample
        if found and start <= found[-1][1]:
            start, end = found[-1][0], max(end, found.pop()[1])
        found.append((start, end))
    return found


def _lead(session: SessionInfo, stream: StreamInfo, answered: Sequence[Prediction]) -> int:
    """Samples of the run, less than a hop, by which its windows lie off the recording's start.

    Windows lie on the run's own grid, and a recording may begin in the middle of a run: with this
    lead the same model is asked about the same windows again.
    """
    starts = (w.start_sample for w in answered if w.stream == stream.name and w.start_sample > 0)
    return -next(starts, 0) % session.hop_samples


def _remembered(config: EngineConfig, session: SessionInfo) -> float:
    """Samples for which a decision may go on remembering: smoothing decays to 5 %, then dwell."""
    decision = config.decision
    return (3 * decision.smoothing_s + decision.min_dwell_s) * session.rate


def _answers(events: Iterable[Event]) -> list[Prediction | Segment]:
    """Without feature blocks and embeddings, which are the most of it."""
    return [
        event.without_embedding() if isinstance(event, Prediction) else event
        for event in events
        if isinstance(event, Prediction | Segment)
    ]


def _scaled(event: _Spoken, scale: float) -> _Spoken:
    return replace(
        event,
        start_sample=round(event.start_sample * scale),
        end_sample=round(event.end_sample * scale),
    )
