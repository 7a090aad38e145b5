"""What the live path costs on this machine, measured on the real stages and real speech."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import psutil
import soundfile

from emolive.acoustics import SPECTROGRAM
from emolive.audio.files import FileSource
from emolive.audio.ring import SampleRing
from emolive.audio.source import SourceFormat, stream_names
from emolive.engine.config import EngineConfig
from emolive.engine.hub import Hub
from emolive.engine.live import LiveEngine
from emolive.engine.monitor import Monitor
from emolive.engine.offline import analyze_file
from emolive.errors import EmoliveError
from emolive.features import StreamingLogMel, normalize, open_front_end
from emolive.i18n import decimal, mark, tr
from emolive.inference.classifier import Classifier
from emolive.inference.decision import Decision
from emolive.speech.gate import SpeechGate
from emolive.speech.silero import SileroVad
from emolive.types import EngineState, FeatureWindow, FloatArray, Prediction

_MEGABYTE = 1e6


@dataclass(frozen=True, slots=True)
class Timing:
    """Milliseconds of `n` repetitions of one thing."""

    name: str
    n: int
    median_ms: float
    p99_ms: float

    @classmethod
    def of(cls, name: str, times_ms: list[float]) -> Timing:
        """Summarise; `times_ms` must not be empty."""
        median, p99 = np.percentile(times_ms, (50, 99))
        return cls(name, len(times_ms), float(median), float(p99))


@dataclass(frozen=True, slots=True)
class Capacity:
    """How many live streams one core carries: audio seconds per second of processor time."""

    streams: int
    hop_s: float
    classified_share: float
    streams_per_core: float


@dataclass(frozen=True, slots=True)
class Archive:
    """How fast one core analyses files: audio seconds per second of processor time.

    `usual_way` is the same for the usual way, which treats every window afresh; None: not measured.
    """

    hop_s: float
    classified_share: float
    speed: float
    usual_way: float | None = None


@dataclass(frozen=True, slots=True)
class Soak:
    """A long stream pushed flat out; memory in MB, after warm-up (a tenth) and at its highest."""

    hours: float
    windows: int
    wall_s: float
    warm_mb: float
    peak_mb: float

    @property
    def growth(self) -> float:
        """Share by which memory grew after warm-up."""
        return self.peak_mb / self.warm_mb - 1.0


def resident_mb() -> float:
    """Memory of this process that is in RAM."""
    return float(psutil.Process().memory_info().rss) / _MEGABYTE


def read_speech(path: Path, rate: int) -> FloatArray:
    """A mono clip at the model's rate, float32 ``(n,)``.

    Raises:
        EmoliveError: it has another rate.
    """
    samples, found = soundfile.read(path, dtype="float32", always_2d=True)
    if found != rate:
        raise EmoliveError(
            "{name} has {found} Hz, the model needs {rate} Hz for a benchmark.",
            name=path.name,
            found=found,
            rate=rate,
        )
    speech: FloatArray = np.ascontiguousarray(samples.mean(axis=1))
    return speech


class _Stopwatch:
    """Collects times per stage; a lap is one hop."""

    def __init__(self) -> None:
        self.times: dict[str, list[float]] = {}

    @contextmanager
    def __call__(self, stage: str) -> Iterator[None]:
        start = time.perf_counter()
        yield
        self.times.setdefault(stage, []).append(1e3 * (time.perf_counter() - start))


def time_stages(
    speech: FloatArray, classifier: Classifier, vad: SileroVad, config: EngineConfig, hops: int
) -> list[Timing]:
    """Time each stage of the streaming path per hop, every window classified (the worst case).

    `speech` is repeated as often as `hops` hops need.
    """
    metadata = classifier.metadata
    spec, hop = metadata.front_end, config.hop_samples(metadata.front_end)
    mel = StreamingLogMel(SPECTROGRAM, SPECTROGRAM.n_frames(metadata.window_samples) + 1)
    front_end = open_front_end(spec, metadata.window_samples, mel)
    voice, gate = vad.stream(), SpeechGate(config.gate)
    decision = Decision(
        metadata.labels,
        metadata.temperature,
        metadata.abstention_threshold,
        config.decision,
        config.hop_s,
        spec.sampling_rate,
    )
    stopwatch = _Stopwatch()
    lead_in = -(-metadata.window_samples // hop) + 1
    for i in range(hops + lead_in):
        end = (i + 1) * hop
        block = np.take(speech, np.arange(i * hop, (i + 1) * hop), mode="wrap")
        if i < lead_in:
            mel.accept(block)
            front_end.accept(block)
            gate.accept(voice.accept(block))
            continue
        with stopwatch(mark("whole hop")):
            with stopwatch(mark("log-mel, new frames only")):
                mel.accept(block)
                front_end.accept(block)
            with stopwatch(mark("voice activity")):
                gate.accept(voice.accept(block))
            with stopwatch(mark("normalisation")):
                features = normalize(front_end.window(end - metadata.window_samples), spec)
            with stopwatch(mark("network")):
                output = classifier.predict(features[None])
            with stopwatch(mark("decision")):
                start = end - metadata.window_samples
                decision.decide(FeatureWindow("bench", start, end, features, 1.0), output)
    order = [*(stage for stage in stopwatch.times if stage != "whole hop"), "whole hop"]
    return [Timing.of(stage, stopwatch.times[stage]) for stage in order]


def time_latency(
    path: Path, classifier: Classifier, vad: SileroVad, config: EngineConfig, seconds: float
) -> Timing:
    """Window end to prediction in the running engine, `path` arriving in real time.

    Raises:
        EmoliveError: the engine failed, or no window held speech.
    """
    hub = Hub()
    mailbox = hub.subscribe(100_000)
    source = FileSource(path, paced=True, block_s=0.02, loop=True)
    engine = LiveEngine(classifier, vad, config)
    run = engine.add("bench", source, hub=hub)
    run.start()
    engine.start()
    run.wait(seconds)
    engine.stop()
    status = run.status()
    if status.state is EngineState.FAILED:
        raise EmoliveError(status.reason or tr("The engine failed."))
    times = [
        1e3 * event.latency_s
        for event in mailbox.drain()
        if isinstance(event, Prediction) and event.probabilities is not None
    ]
    if not times:
        raise EmoliveError(
            "{name} gave no window with speech in {seconds} s.",
            name=path.name,
            seconds=decimal(seconds),
        )
    return Timing.of(mark("window end to prediction, live"), times)


def measure_capacity(
    speech: FloatArray,
    classifier: Classifier,
    vad: SileroVad,
    config: EngineConfig,
    *,
    streams: int = 8,
    seconds: float = 30.0,
) -> Capacity:
    """Push `streams` streams flat out and divide audio by processor time.

    Processor time counts all threads, so the answer is for one core whatever else runs.
    """
    rate = classifier.metadata.front_end.sampling_rate
    monitor, ring = lossless_monitor(classifier, vad, config, streams)
    # Each stream begins elsewhere in the clip, so that pauses do not fall together.
    shifts = [i * speech.size // streams for i in range(streams)]
    answered = classified = 0
    begin = time.process_time()
    for block in range(round(seconds)):
        where = np.arange(block * rate, (block + 1) * rate)
        channels = [np.take(speech, where + shift, mode="wrap") for shift in shifts]
        ring.write(np.stack(channels, axis=1))
        for event in monitor.step():
            if isinstance(event, Prediction):
                answered += 1
                classified += event.probabilities is not None
    spent = time.process_time() - begin
    return Capacity(
        streams=streams,
        hop_s=config.hop_s,
        classified_share=classified / max(1, answered),
        streams_per_core=streams * round(seconds) / spent,
    )


def measure_archive(
    path: Path,
    classifier: Classifier,
    vad: SileroVad,
    config: EngineConfig,
    *,
    seconds: float = 60.0,
) -> Archive:
    """Analyse `path` again and again, decoding included, until that was `seconds` of audio.

    Processor time counts all threads, so the answer is for one core whatever else runs.
    """
    audio = 0.0
    answered = classified = 0
    begin = time.process_time()
    while audio < seconds:
        analysis = analyze_file(path, classifier, vad, config)
        audio += analysis.duration_s
        answered += len(analysis.windows)
        classified += sum(window.probabilities is not None for window in analysis.windows)
    spent = time.process_time() - begin
    return Archive(config.hop_s, classified / max(1, answered), audio / spent)


def soak(
    speech: FloatArray,
    classifier: Classifier,
    vad: SileroVad,
    config: EngineConfig,
    hours: float,
    progress: Callable[[float], None] | None = None,
) -> Soak:
    """Push `hours` of one stream flat out through the pipeline and watch the memory.

    `progress` is told the share that is done.
    """
    rate = classifier.metadata.front_end.sampling_rate
    monitor, ring = lossless_monitor(classifier, vad, config, 1)
    blocks = max(20, round(hours * 3600))
    warm = peak = 0.0
    windows = 0
    begin = time.monotonic()
    for block in range(blocks):
        where = np.arange(block * rate, (block + 1) * rate)
        ring.write(np.take(speech, where, mode="wrap")[:, None])
        windows += sum(isinstance(event, Prediction) for event in monitor.step())
        if block == blocks // 10:
            warm = peak = resident_mb()
        elif block > blocks // 10 and block % 10 == 0:
            peak = max(peak, resident_mb())
        if progress is not None and block % 10 == 0:
            progress(block / blocks)
    peak = max(peak, resident_mb())
    return Soak(blocks / 3600, windows, time.monotonic() - begin, warm, peak)


def lossless_monitor(
    classifier: Classifier, vad: SileroVad, config: EngineConfig, streams: int
) -> tuple[Monitor, SampleRing]:
    """A pipeline that is stepped by hand and answers every window of what its ring is given."""
    rate = classifier.metadata.front_end.sampling_rate
    ring = SampleRing(8 * rate, streams)
    source_format = SourceFormat(rate, stream_names(streams))
    return Monitor(source_format, ring, classifier, vad, config, lossless=True), ring
