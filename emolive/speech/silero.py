"""Silero voice activity detection on ONNX Runtime, streaming and free of torch.

The model judges chunks of 512 samples (32 ms at 16 kHz), each with the last 64 samples before it as
context, and carries an LSTM state from chunk to chunk. The bundled graph takes a run of chunks in
one call, and runs of several streams, each with its own state: that costs less than a call for
each. Each chunk is brought to an even level first.

Silero's answer depends on the level: on quiet acted speech (about -39 dBFS) that is played another
20 dB down, one speech chunk in seven is lost, and noise 20 dB up is taken for speech two to five
times as often. With every chunk brought to the level of what was heard lately, both effects
disappear: the flags are the same from -40 to +20 dB, and false alarms on noise fall as well. A
classifier that ignores the level would be of little use behind a gate that does not.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from emolive.onnx_runtime import onnx_runtime, session_options
from emolive.resources import VAD_MODEL, asset
from emolive.types import FloatArray

TARGET_DBFS = -20.0
RELEASE_S = 2.0
MAX_GAIN_DB = 60.0
MIN_GAIN_DB = -40.0


def _amplitude(db: float) -> float:
    return math.pow(10.0, db / 20.0)


class AutoGain:
    """A gain for each chunk, from that chunk and those before it only.

    The level follows a louder chunk at once and falls off with a time constant of `RELEASE_S`: fast
    enough to recover from a slammed door, slow enough that the noise of a pause is not blown up to
    speech. Because it is constant within a chunk, streaming equals offline. One thread owns it.
    """

    def __init__(self, chunk_samples: int, rate: int) -> None:
        """Chunks of `chunk_samples` at `rate` samples per second."""
        self._decay = math.exp(-chunk_samples / rate / RELEASE_S)
        self.reset()

    def reset(self) -> None:
        """Forget the level."""
        self._level = 0.0

    def gains(self, chunks: FloatArray) -> FloatArray:
        """The factors for the next chunks, ``(n, chunk_samples)`` → float32 ``(n,)``."""
        powers: npt.NDArray[np.float64] = np.square(chunks, dtype=np.float64).mean(axis=1)
        levels = np.empty(len(chunks))
        for i, rms in enumerate(np.sqrt(powers).tolist()):
            self._level = max(rms, self._level * self._decay)
            levels[i] = self._level
        # The floor only keeps the division finite: the gain is limited right after.
        gains = _amplitude(TARGET_DBFS) / np.maximum(levels, 1e-12)
        return np.clip(gains, _amplitude(MIN_GAIN_DB), _amplitude(MAX_GAIN_DB)).astype(np.float32)


SAMPLING_RATE = 16_000
CHUNK = 512
CONTEXT = 64
_MAX_CHUNKS = 512  # per call: bounds the memory when a long signal comes at once


class SileroVad:
    """The model, shared by any number of streams; each stream keeps its own state.

    One ONNX Runtime session with one thread on the CPU. `stream` may be called from any thread.
    """

    sampling_rate = SAMPLING_RATE
    chunk_samples = CHUNK

    def __init__(self) -> None:
        """Load the bundled model.

        Raises:
            EmoliveError: it is missing.
        """
        self._session = onnx_runtime().InferenceSession(
            str(asset(VAD_MODEL)), session_options(1), providers=["CPUExecutionProvider"]
        )

    def stream(self) -> SileroStream:
        """A new stream, at its sample 0."""
        return SileroStream(self)

    def judge(self, sounds: Sequence[Sound]) -> list[FloatArray]:
        """Add audio to streams of this model, all of them different, and judge it together.

        Returns:
            The speech probability of each chunk that was completed, float32 ``(n_chunks,)`` of each
            stream, as `SileroStream.accept` of each alone says.
        """
        waiting = [stream.completed(samples) for stream, samples in sounds]
        found = [[np.empty(0, np.float32)] for _ in sounds]
        at_once = max(1, _MAX_CHUNKS // max(1, len(sounds)))
        for first in range(0, max(map(len, waiting), default=0), at_once):
            some = [i for i, rows in enumerate(waiting) if len(rows) > first]
            streams = [sounds[i][0] for i in some]
            runs = [
                stream.levelled(waiting[i][first : first + at_once])
                for i, stream in zip(some, streams, strict=True)
            ]
            lengths = np.array([len(run) for run in runs], np.int32)
            chunks = np.zeros((lengths.max(), len(runs), CONTEXT + CHUNK), np.float32)
            for column, run in enumerate(runs):
                chunks[: len(run), column] = run
            hidden, cell = (
                np.concatenate([stream.state[part] for stream in streams], axis=1)
                for part in (0, 1)
            )
            probabilities, hidden, cell = self.run(chunks, hidden, cell, lengths)
            for column, (i, stream) in enumerate(zip(some, streams, strict=True)):
                found[i].append(probabilities[: lengths[column], column])
                stream.state = (hidden[:, column : column + 1], cell[:, column : column + 1])
        return [np.concatenate(parts) for parts in found]

    def run(
        self,
        chunks: FloatArray,
        hidden: FloatArray,
        cell: FloatArray,
        lengths: npt.NDArray[np.int32],
    ) -> tuple[FloatArray, FloatArray, FloatArray]:
        """One call of the graph.

        `chunks`, float32 ``(n, n_streams, 576)``, are consecutive, each after its context;
        `lengths`, ``(n_streams,)``, says how many of a stream count. The LSTM states are float32
        ``(1, n_streams, 128)``.

        Returns:
            Speech probabilities ``(n, n_streams)`` and the new ``hidden`` and ``cell``.
        """
        rows = chunks.reshape(-1, CONTEXT + CHUNK)
        probabilities, hidden, cell = self._session.run(
            ["speech_probs", "hn", "cn"],
            {"input": rows, "h": hidden, "c": cell, "lengths": lengths},
        )
        return probabilities.reshape(chunks.shape[:2]), hidden, cell


class SileroStream:
    """One stream's detector. It holds less than one chunk of audio; one thread owns it."""

    chunk_samples = CHUNK

    def __init__(self, vad: SileroVad) -> None:
        """Start at sample 0 of a stream that `vad` judges."""
        self._vad = vad
        self._gain = AutoGain(CHUNK, SAMPLING_RATE)
        self.reset()

    def reset(self) -> None:
        """Forget everything; the next sample is sample 0 again."""
        self._gain.reset()
        self.state = (np.zeros((1, 1, 128), np.float32), np.zeros((1, 1, 128), np.float32))
        # What is pending: the context, then the samples that do not fill a chunk yet.
        self._pending = np.zeros(CONTEXT, np.float32)

    def accept(self, samples: FloatArray) -> FloatArray:
        """Add audio, float32 ``(n,)`` at 16 kHz in any chunking.

        Returns:
            The speech probability of each chunk that it completed, float32 ``(n_chunks,)``.
        """
        return self._vad.judge([(self, samples)])[0]

    def completed(self, samples: FloatArray) -> FloatArray:
        """Add audio; a view of the chunks that it completed, each after its context, ``(n, 576)``.

        For `SileroVad.judge`, as is what follows.
        """
        signal = np.concatenate((self._pending, samples))
        n_chunks = (signal.size - CONTEXT) // CHUNK
        self._pending = signal[n_chunks * CHUNK :].copy()
        if not n_chunks:
            return np.empty((0, CONTEXT + CHUNK), np.float32)
        # Rows overlap by the context: row i is [context of chunk i, chunk i].
        return np.lib.stride_tricks.sliding_window_view(signal, CONTEXT + CHUNK)[::CHUNK]

    def levelled(self, rows: FloatArray) -> FloatArray:
        """The next of the completed chunks, brought to an even level."""
        louder: FloatArray = rows * self._gain.gains(rows[:, CONTEXT:])[:, None]
        return louder


Sound = tuple[SileroStream, FloatArray]
"""A stream, and audio that comes next in it: float32 ``(n,)`` at 16 kHz."""
