"""Conversations with known turns, put together from pieces of the demo clip."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from emolive.audio.ring import SampleRing
from emolive.audio.source import SourceFormat
from emolive.conversation import ConversationMeter, ConversationMetrics
from emolive.engine import EngineConfig, Monitor
from emolive.inference.classifier import Classifier
from emolive.speech.silero import SileroVad
from emolive.types import FloatArray, Role

RATE = 16_000
CALL = SourceFormat(RATE, ("agent", "customer"), (Role.AGENT, Role.CUSTOMER))
# Stretches of the demo clip without pauses of 0.2 s, found by their energy; seconds.
PIECES = {
    "a": (7.56, 9.87),
    "b": (17.06, 19.26),
    "c": (19.82, 22.20),
    "d": (28.30, 30.20),
    "f": (13.10, 14.20),
}


@dataclass(frozen=True)
class Said:
    """A piece, who says it (0: agent, 1: customer), and when it begins."""

    party: int
    piece: str
    start_s: float

    @property
    def end_s(self) -> float:
        begin, end = PIECES[self.piece]
        return self.start_s + end - begin


def spoken(
    speech: FloatArray, said: list[Said], length_s: float, gains: tuple[float, float] = (1.0, 1.0)
) -> FloatArray:
    """The call's audio, float32 ``(n, 2)``, with faint line noise."""
    rng = np.random.default_rng(5)
    audio = rng.normal(0, 1e-4, (round(length_s * RATE), 2)).astype(np.float32)
    for utterance in said:
        begin, end = (round(t * RATE) for t in PIECES[utterance.piece])
        at = round(utterance.start_s * RATE)
        piece = speech[begin:end] * np.float32(gains[utterance.party])
        audio[at : at + len(piece), utterance.party] += piece
    return audio


def metrics_of(
    audio: FloatArray,
    classifier: Classifier,
    vad: SileroVad,
    chunks: list[int],
    source_format: SourceFormat = CALL,
) -> ConversationMetrics:
    """Through a monitor, in blocks of these sizes, over and over."""
    ring = SampleRing(30 * source_format.sampling_rate, audio.shape[1])
    monitor = Monitor(source_format, ring, classifier, vad, EngineConfig(), lossless=True)
    meter = ConversationMeter.of_streams(monitor.streams, classifier.metadata.sampling_rate)
    begin = index = 0
    while begin < len(audio):
        end = begin + chunks[index % len(chunks)]
        ring.write(audio[begin:end])
        for event in monitor.step():
            meter.accept(event)
        begin, index = end, index + 1
    for event in monitor.finish():
        meter.accept(event)
    return meter.finish()
