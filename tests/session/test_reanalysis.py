from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from itertools import pairwise
from pathlib import Path
from typing import ClassVar

import numpy as np
import pytest
import soundfile as sf
import soxr
from hypothesis import given
from hypothesis import strategies as st

from emolive.audio.ring import SampleRing
from emolive.audio.source import SourceFormat
from emolive.baseline import ExpectedMix, ProfileStore, Source
from emolive.baseline.evidence import SessionEvidence, moved
from emolive.engine import EngineConfig, FileAnalysis, analyze_file
from emolive.engine.monitor import Monitor
from emolive.errors import SessionError
from emolive.inference.classifier import OnnxClassifier
from emolive.resources import DEMO_AUDIO, asset
from emolive.session.library import Library
from emolive.session.reanalysis import _around, reanalyze
from emolive.session.records import Gap, GapKind, SessionInfo, StreamInfo
from emolive.session.timeline import Timeline
from emolive.speech.silero import SileroVad
from emolive.types import Baseline, FloatArray, Prediction, Role, Segment, SpeechState
from tests.models import LABELS, tiny_metadata, tiny_model
from tests.session.filled import session_record

RATE = 16_000
CONFIG = EngineConfig()
MONO = (StreamInfo("mono", RATE),)


@pytest.fixture(scope="module")
def speech() -> FloatArray:
    return sf.read(asset(DEMO_AUDIO), dtype="float32", frames=20 * RATE)[0]


@pytest.fixture(scope="module")
def sad(tmp_path_factory: pytest.TempPathFactory) -> Iterator[OnnxClassifier]:
    """A model to which all speech is sad."""
    path = tmp_path_factory.mktemp("model") / "sad.onnx"
    tiny_model(path, bias=[1000.0 * (label == "sad") for label in LABELS])
    classifier = OnnxClassifier(path, "cpu", threads=1)
    yield classifier
    classifier.close()


@pytest.fixture(scope="module")
def analysis(
    speech: FloatArray,
    classifier: OnnxClassifier,
    vad: SileroVad,
    tmp_path_factory: pytest.TempPathFactory,
) -> FileAnalysis:
    path = tmp_path_factory.mktemp("audio") / "talk.flac"
    sf.write(path, speech, RATE, subtype="PCM_24")
    return analyze_file(path, classifier, vad, CONFIG)


def store(
    library: Library,
    audio: dict[str, FloatArray],
    streams: tuple[StreamInfo, ...] = MONO,
    segments: tuple[Segment, ...] = (),
    gaps: tuple[Gap, ...] = (),
    windows: tuple[Prediction, ...] = (),
) -> SessionInfo:
    writer = library.create(
        session_record(
            streams=streams,
            labels=LABELS,
        ),
        audio=bool(audio),
    )
    duration = 0
    for stream in streams:
        if stream.name in audio:
            path = writer.audio_path(stream.name)
            assert path is not None
            sf.write(path, audio[stream.name], stream.native_rate, subtype="PCM_24")
            duration = len(audio[stream.name]) * RATE // stream.native_rate
    writer.add_segments(segments)
    writer.add_windows(windows)
    for gap in gaps:
        writer.add_gap(gap)
    return writer.finish(duration or 20 * RATE)


def same_windows(got: tuple[Prediction, ...], wanted: tuple[Prediction, ...]) -> None:
    assert [(w.start_sample, w.end_sample, w.label) for w in got] == [
        (w.start_sample, w.end_sample, w.label) for w in wanted
    ]
    for one, other in zip(got, wanted, strict=True):
        if other.probabilities is not None:
            np.testing.assert_allclose(one.probabilities, other.probabilities, atol=1e-5)


def test_the_same_model_says_the_same(
    library: Library,
    speech: FloatArray,
    analysis: FileAnalysis,
    classifier: OnnxClassifier,
    vad: SileroVad,
) -> None:
    session = store(library, {"mono": speech}, segments=analysis.segments)
    told: list[tuple[float, float]] = []
    again = reanalyze(library, session, classifier, vad, CONFIG, lambda *now: told.append(now))
    same_windows(again.windows, analysis.windows)
    assert again.segments == analysis.segments
    comparison = again.compare(library.segments(session.id))
    assert comparison.observed == 1.0
    assert comparison.changed == ()
    assert comparison.compared == 20 * RATE
    assert told[-1] == (20.0, 20.0)
    assert (again.streams, again.problems) == (("mono",), ())


def test_another_model_is_seen_side_by_side(
    library: Library,
    speech: FloatArray,
    analysis: FileAnalysis,
    sad: OnnxClassifier,
    vad: SileroVad,
) -> None:
    session = store(library, {"mono": speech}, segments=analysis.segments)
    again = reanalyze(library, session, sad, vad, CONFIG)
    assert {segment.label for segment in again.segments} <= {"sad", "silence"}
    comparison = again.compare(library.segments(session.id))
    assert comparison.observed is not None
    assert comparison.observed < 1
    assert {stretch.new for stretch in comparison.changed} == {"sad"}
    assert sum(stretch.samples for stretch in comparison.changed) == round(
        (1 - comparison.observed) * comparison.compared
    )


def test_a_call_leaves_out_the_agent_and_takes_each_rate_as_it_is(
    library: Library, speech: FloatArray, sad: OnnxClassifier, vad: SileroVad
) -> None:
    streams = (
        StreamInfo("agent", RATE, Role.AGENT, emotion=False),
        StreamInfo("customer", 44_100, Role.CUSTOMER),
    )
    high = soxr.resample(speech, RATE, 44_100).astype(np.float32)
    session = store(library, {"agent": speech, "customer": high}, streams)
    again = reanalyze(library, session, sad, vad, CONFIG)
    assert again.streams == ("customer",)
    assert {window.stream for window in again.windows} == {"customer"}
    assert again.segments[-1].end_sample == pytest.approx(20 * RATE, abs=2)


@pytest.mark.parametrize("native", [RATE, 44_100])
def test_a_gap_is_a_gap_again(
    library: Library, speech: FloatArray, classifier: OnnxClassifier, vad: SileroVad, native: int
) -> None:
    """As if it were live: time passes, and everything begins afresh."""
    audio = speech if native == RATE else soxr.resample(speech, RATE, native).astype(np.float32)
    start, end = 7 * RATE + 123, 10 * RATE + 45
    cut = (start * native // RATE, end * native // RATE)
    audio = audio.copy()
    audio[slice(*cut)] = 0.0
    stored = (
        Gap(start, start + 2000, GapKind.OVERRUN, "mono"),
        Gap(start + 1000, end, GapKind.SOURCE),
        Gap(2 * RATE, 3 * RATE, GapKind.EVENTS),
        Gap(4 * RATE, 5 * RATE, GapKind.OVERRUN, "another"),
    )
    session = store(library, {"mono": audio}, (StreamInfo("mono", native),), gaps=stored)
    again = reanalyze(library, session, classifier, vad, CONFIG)
    crossing = [w for w in again.windows if w.start_sample < end - 2 and w.end_sample > start + 2]
    assert crossing == []

    quantized, _ = sf.read(library.audio_path(session.id, "mono"), dtype="float32")
    ring = SampleRing(len(audio), 1)
    monitor = Monitor(SourceFormat(native, ("mono",)), ring, classifier, vad, CONFIG, lossless=True)
    ring.write(quantized[: cut[0], None])
    events = monitor.step()
    events += monitor.gap(cut[1] * RATE // native - cut[0] * RATE // native)
    ring.write(quantized[cut[1] :, None])
    events += monitor.step()
    events += monitor.finish()
    same_windows(again.windows, tuple(e for e in events if isinstance(e, Prediction)))
    assert again.segments == tuple(e for e in events if isinstance(e, Segment))


def test_without_audio_it_is_one_sentence(
    library: Library, classifier: OnnxClassifier, vad: SileroVad
) -> None:
    session = store(library, {})
    with pytest.raises(SessionError, match="No audio of session"):
        reanalyze(library, session, classifier, vad, CONFIG)


def test_audio_that_breaks_off_is_told(
    library: Library, speech: FloatArray, classifier: OnnxClassifier, vad: SileroVad
) -> None:
    session = store(library, {"mono": speech})
    path = library.audio_path(session.id, "mono")
    assert path is not None
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])
    again = reanalyze(library, session, classifier, vad, CONFIG)
    (problem,) = again.problems
    assert "cut short" in problem
    assert again.windows


class Blocks:
    """A decoder of consecutive numbers in blocks of given sizes."""

    path: ClassVar = Path("none")

    def __init__(self, sizes: list[int]) -> None:
        ends = np.cumsum([0, *sizes])
        self._blocks = [np.arange(a, b, dtype=np.float32)[:, None] for a, b in pairwise(ends)]

    def read(self) -> FloatArray | None:
        return self._blocks.pop(0) if self._blocks else None


@given(
    sizes=st.lists(st.integers(1, 10), min_size=1, max_size=10),
    borders=st.lists(st.integers(0, 110), max_size=8, unique=True),
)
def test_gaps_are_cut_out_however_blocks_fall(sizes: list[int], borders: list[int]) -> None:
    borders.sort()
    gaps = list(zip(borders[::2], borders[1::2], strict=False))
    heard: list[float] = []
    ends = []
    for block, gap_end in _around(Blocks(sizes), gaps):  # type: ignore[arg-type]
        heard += block[:, 0].tolist()
        if gap_end is not None:
            ends.append((len(heard), gap_end))
    total = sum(sizes)
    missing = {sample for start, end in gaps for sample in range(start, end)}
    assert heard == [sample for sample in range(total) if sample not in missing]
    begun = [(start, end) for start, end in gaps if start < total]
    assert [end for _, end in ends] == [end for _, end in begun]
    for (count, _), (start, _) in zip(ends, begun, strict=True):
        assert count == sum(sample not in missing for sample in range(start))


def test_a_session_that_began_in_the_middle_of_a_run_is_like_itself(
    library: Library,
    speech: FloatArray,
    analysis: FileAnalysis,
    classifier: OnnxClassifier,
    vad: SileroVad,
) -> None:
    """The same windows are asked about again, and not those of another grid."""
    began = 4 * RATE + 3_217  # between two windows
    writer = library.create(
        session_record(
            streams=MONO,
            labels=LABELS,
        ),
        audio=True,
    )
    path = writer.audio_path("mono")
    assert path is not None
    sf.write(path, speech[began:], RATE, subtype="PCM_24")
    heard = [
        replace(w, start_sample=w.start_sample - began, end_sample=w.end_sample - began)
        for w in analysis.windows
        if w.start_sample >= began
    ]
    writer.add_windows(heard)
    # What the run went on to show at first was decided by what it had heard before.
    shown = [
        replace(s, start_sample=max(0, s.start_sample - began), end_sample=s.end_sample - began)
        for s in analysis.segments
        if s.end_sample > began
    ]
    warm = replace(shown[0], start_sample=0, end_sample=4 * RATE, label="happy")
    later = [replace(s, start_sample=max(s.start_sample, warm.end_sample)) for s in shown]
    writer.add_segments([warm, *(s for s in later if s.end_sample > warm.end_sample)])
    session = writer.finish(len(speech) - began)
    again = reanalyze(library, session, classifier, vad, CONFIG)
    spoken = {w.start_sample: w for w in again.windows}
    assert {w.start_sample for w in heard} <= set(spoken)
    same = 0
    for window in heard:
        other = spoken[window.start_sample]
        if window.probabilities is not None and other.probabilities is not None:
            np.testing.assert_allclose(other.probabilities, window.probabilities, atol=1e-4)
            same += 1
    assert same > 10
    found = again.compare(Timeline.of_session(library, session.id).segments)
    assert found.compared > 8 * RATE
    assert found.changed == ()


def test_what_was_adapted_is_adapted_again(
    library: Library,
    speech: FloatArray,
    classifier: OnnxClassifier,
    vad: SileroVad,
    tmp_path: Path,
) -> None:
    """So that a model is compared with itself, and no bias of a source with none."""
    metadata = classifier.metadata
    heard = SessionEvidence(len(LABELS))
    for _ in range(200):
        heard.add(np.array([0.05, *[0.95 / 7] * 7], np.float32), 3.0)
    store_ = ProfileStore(library.folder)
    source = Source(name="Headset", model=metadata.fingerprint, labels=metadata.labels)
    profile = store_.add(source, heard.evidence(), 10.0)
    told = Baseline("Headset", 10.0, 1, 0.3, 0.6)
    session = store(library, {"mono": speech}, windows=(adapted_window(told),))
    again = reanalyze(library, session, classifier, vad, CONFIG)
    vector = profile.evidence.vector(ExpectedMix(0.6), metadata.labels)
    spoken = [one for one in again.windows if one.probabilities is not None]
    assert spoken
    for one in spoken:
        assert one.raw_probabilities is not None
        np.testing.assert_allclose(one.probabilities, moved(one.raw_probabilities, vector))
    # Of another model nothing is known there.
    tiny_model(tmp_path / "other.onnx", tiny_metadata(name="other"))
    unknown = OnnxClassifier(tmp_path / "other.onnx", "cpu", threads=1)
    other = reanalyze(library, session, unknown, vad, CONFIG)
    unknown.close()
    assert all(one.baseline is None for one in other.windows)


def adapted_window(told: Baseline) -> Prediction:
    shares = np.full(len(LABELS), 1 / len(LABELS), np.float32)
    return Prediction(
        "mono", 0, 3 * RATE, shares, SpeechState.UNCERTAIN, None, 0.2, 0.9, 0.0,
        raw_probabilities=shares, baseline=told,
    )  # fmt: skip
