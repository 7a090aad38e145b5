"""Silero voice activity detection on ONNX Runtime, streaming and free of torch.

The model judges chunks of 512 samples (32 ms at 16 kHz), each with the last 64 samples before it as
context, and carries an LSTM state from chunk to chunk. The bundled graph takes a run of chunks in
one call, which costs far less than a call for each. Each chunk is brought to an even level first
(see `emolive.speech.gain`).
"""

from __future__ import annotations

import numpy as np

from emolive.onnx_runtime import onnx_runtime, session_options
from emolive.resources import VAD_MODEL, asset
from emolive.speech.gain import AutoGain
from emolive.types import FloatArray

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

    def run(
        self, chunks: FloatArray, hidden: FloatArray, cell: FloatArray
    ) -> tuple[FloatArray, FloatArray, FloatArray]:
        """One call of the graph.

        Args:
            chunks: float32 ``(n, 576)``, consecutive chunks, each after its context.
            hidden: LSTM state, float32 ``(1, 1, 128)``.
            cell: LSTM state, float32 ``(1, 1, 128)``.

        Returns:
            Speech probabilities ``(n,)`` and the new ``hidden`` and ``cell``.
        """
        probabilities, hidden, cell = self._session.run(
            ["speech_probs", "hn", "cn"], {"input": chunks, "h": hidden, "c": cell}
        )
        return probabilities, hidden, cell


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
        self._hidden = np.zeros((1, 1, 128), np.float32)
        self._cell = np.zeros((1, 1, 128), np.float32)
        # What is pending: the context, then the samples that do not fill a chunk yet.
        self._pending = np.zeros(CONTEXT, np.float32)

    def accept(self, samples: FloatArray) -> FloatArray:
        """Add audio, float32 ``(n,)`` at 16 kHz in any chunking.

        Returns:
            The speech probability of each chunk that it completed, float32 ``(n_chunks,)``.
        """
        signal = np.concatenate((self._pending, samples))
        n_chunks = (signal.size - CONTEXT) // CHUNK
        self._pending = signal[n_chunks * CHUNK :].copy()
        found = [np.empty(0, np.float32)]
        for first in range(0, n_chunks, _MAX_CHUNKS):
            n = min(_MAX_CHUNKS, n_chunks - first)
            part = signal[first * CHUNK : (first + n) * CHUNK + CONTEXT]
            # Rows overlap by the context: row i is [context of chunk i, chunk i].
            rows = np.lib.stride_tricks.sliding_window_view(part, CONTEXT + CHUNK)[::CHUNK]
            rows = rows * self._gain.gains(rows[:, CONTEXT:])[:, None]
            probabilities, self._hidden, self._cell = self._vad.run(rows, self._hidden, self._cell)
            found.append(probabilities)
        return np.concatenate(found)
