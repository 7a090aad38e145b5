"""One channel's way from native-rate audio to analysis windows."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable

import numpy as np

from emolive.acoustics import SPECTROGRAM, BandDetector, ChunkLevel, dbfs
from emolive.audio.dc import DcBlocker
from emolive.audio.resampling import StreamResampler
from emolive.audio.zeros import ZeroDetector
from emolive.engine.config import EngineConfig
from emolive.features import StreamingLogMel, open_front_end, window_features
from emolive.inference.metadata import ModelMetadata
from emolive.inference.providers import CPU_BATCH
from emolive.speech.gate import SpeechGate
from emolive.speech.silero import SileroVad
from emolive.types import (
    Band,
    BoolArray,
    FeatureBlock,
    FeatureWindow,
    FloatArray,
    Role,
    SpeechActivity,
)

_NOT_MADE = np.empty(0, np.float32)


class StreamPipeline:
    """From an offset taken away to acoustics, voice activity and a model's windows: one stream.

    What a window sees does not depend on how the audio came in. Complete windows wait in a queue of
    `max_due`; overflow policy: the oldest is skipped and counted. One thread owns it.
    """

    def __init__(
        self,
        stream: str,
        native_rate: int,
        metadata: ModelMetadata,
        vad: SileroVad,
        config: EngineConfig,
        *,
        role: Role | None = None,
        first_rate: int | None = None,
        listened: bool = True,
        max_batch: int = CPU_BATCH,
    ) -> None:
        """Begin at sample 0, with audio at `native_rate` Hz.

        `vad` is shared. `first_rate` is what the audio had before its source resampled it (None:
        `native_rate`). `listened` False: nobody wants feature blocks, so that frames are only
        computed where a window needs them. `max_batch` windows at most are read for at once.

        Raises:
            EmoliveError: the hop does not fit the model's front end.
        """
        spec = metadata.front_end
        self.stream = stream
        self.role = role
        self.infers_emotion = config.infers_emotion(role)
        self.first_rate = first_rate or native_rate
        self.spec = spec
        self.window_samples = metadata.window_samples
        self.hop_samples = config.hop_samples(spec)
        # What a driver that loses nothing reads at once, and what the end of the audio may add.
        self.max_due = max_batch + 2
        self.windows_skipped = 0
        self.samples_lost = 0
        self._listened = listened
        self._zeros_after_s = config.zeros_after_s
        self._set_rate(native_rate)
        self._heard_frames = SPECTROGRAM.n_frames(self.window_samples)
        # As far beyond a window as audio may end beyond the newest one.
        beyond = self.hop_samples + spec.grid
        kept = self._heard_frames + 1 + beyond // SPECTROGRAM.hop_length
        self._mel = StreamingLogMel(SPECTROGRAM, kept)
        self._front_end = open_front_end(spec, self.window_samples, self._mel, beyond)
        self.voice = vad.stream()
        self._gate = SpeechGate(config.gate, rate=spec.sampling_rate)
        self._levels = ChunkLevel(self.voice.chunk_samples)
        self._band = BandDetector(self.first_rate)
        self._judged: list[tuple[BoolArray, FloatArray, FloatArray]] = []
        self._due: deque[FeatureWindow] = deque()
        # Kept only until the first window is complete, for audio that is shorter than that.
        self._opening: list[FloatArray] | None = None
        self._begin(0)

    @property
    def input_position(self) -> int:
        """Where the newest audio that came in ends (model rate); resampling is behind this."""
        return self._origin + self._native * self.spec.sampling_rate // self._native_rate

    @property
    def due(self) -> tuple[int, ...]:
        """The ends of the windows that are complete and not taken yet, oldest first."""
        return tuple(window.end_sample for window in self._due)

    @property
    def missing_samples(self) -> int:
        """How much later than what came in the next window ends (model rate; may be negative)."""
        return self._next_end - self.input_position

    @property
    def speaking(self) -> bool:
        """Whether someone speaks right now."""
        return self._gate.speaking

    @property
    def band(self) -> Band | None:
        """How far up its sound reaches; None until enough speech was heard."""
        return self._band.band

    @property
    def silent_zeros(self) -> bool:
        """Whether only digital zeros have been coming for a while."""
        return self._zeros.silent_zeros

    def accept(self, samples: FloatArray, *, newest_only: bool = False) -> FeatureBlock | None:
        """Add native-rate audio, float32 ``(n,)``; return the spectrogram frames it completed.

        Levels are in dB relative to full scale, not below -120; None where nobody listens, too.
        `newest_only`: of the windows that
        it completes, and of those that wait, only the newest is kept; the others count as skipped.
        """
        ready = self.bring_in(samples, newest_only=newest_only)
        return self.hear(ready, self.voice.accept(ready), at_once=newest_only)

    def bring_in(self, samples: FloatArray, *, newest_only: bool = False) -> FloatArray:
        """The first half of `accept`: what comes of the audio at the model's rate, ``(n,)``.

        To be judged by `voice`, perhaps together with other streams', and handed to `hear`.
        """
        self._zeros.accept(samples)
        self._native += len(samples)
        ready = self._resampler.accept(self._dc.accept(samples))
        if newest_only:
            self._pass_over(self.position + len(ready) - self._to_drop)
        return self._from_grid(ready)

    def hear(
        self, samples: FloatArray, voice: FloatArray, *, at_once: bool = False
    ) -> FeatureBlock | None:
        """The second half of `accept`: the audio that was brought in, and what `voice` said of it.

        `at_once`: no more than one window ends in it.
        """
        if not len(samples):
            return None
        first_frame = self._mel.n_frames
        first_chunk = self._gate.n_chunks
        blocks = []
        begin = 0
        while begin < len(samples):
            judged = self._gate.n_chunks - first_chunk
            piece = (
                samples[begin:] if at_once else samples[begin:][: self._next_end - self.position]
            )
            begin += len(piece)
            blocks.append(self._accept_piece(piece, voice[judged:]))
        if not self._listened:
            return None
        power = float(np.mean(np.square(samples, dtype=np.float64)))
        peak = float(np.abs(samples).max())
        return FeatureBlock(
            self.stream,
            self._base + first_frame * SPECTROGRAM.hop_length,
            self.position,
            blocks[0] if len(blocks) == 1 else np.concatenate(blocks, axis=1),
            level_dbfs=dbfs(power**0.5),
            peak_dbfs=dbfs(peak),
            speech=self._gate.speaking,
            activity=self._activity(first_chunk),
            samples=np.ascontiguousarray(samples),
        )

    def take_windows(self) -> list[FeatureWindow]:
        """The complete windows, oldest first."""
        windows = list(self._due)
        self._due.clear()
        return windows

    def admits(self, window: FeatureWindow) -> bool:
        """Whether a window holds enough speech to say something; to be asked in time order."""
        return self._gate.admit(window.speech_ratio)

    def gap(
        self, n_samples: int, native_rate: int | None = None, first_rate: int | None = None
    ) -> None:
        """Let time pass without audio: forget the past, go on `n_samples` (model rate) later.

        `native_rate`: of the audio from now on, None: as before; `first_rate`: what it had before
        its source resampled it.
        """
        if n_samples < 0:
            raise ValueError(f"time cannot go back by {-n_samples} samples")
        self.samples_lost += n_samples
        resume_at = self.input_position + n_samples
        self._set_rate(native_rate or self._native_rate)
        if native_rate and (first_rate or native_rate) != self.first_rate:
            self.first_rate = first_rate or native_rate
            self._band = BandDetector(self.first_rate)
        self.voice.reset()
        self._gate.reset()
        self._levels.reset()
        self._begin(resume_at)

    def skip(self, n_samples: int) -> None:
        """Leave out `n_samples` (model rate) of audio; windows that needed it count as skipped."""
        due = self._next_end
        self.gap(n_samples)
        self.windows_skipped += (self._next_end - due) // self.hop_samples

    def finish(self) -> FeatureBlock | None:
        """The audio is over: flush, and let one last window end with it.

        Audio shorter than a window is put in the middle of zeros, as in training; its speech share
        is that of the audio alone.
        """
        ready = self._from_grid(self._resampler.finish())
        block = self.hear(ready, self.voice.accept(ready))
        self._flush_vad()
        start, end = self._base, self.position
        if self._opening is not None:
            if end > start:
                padded = self._padded(np.concatenate(self._opening))
                ratio = self._gate.speech_ratio(start - self._base, end - self._base)
                self._judge_band(lambda: window_features(padded, SPECTROGRAM), ratio)
                features = window_features(padded, self.spec)
                self._due_now(FeatureWindow(self.stream, start, end, features, ratio))
            self._opening = None
            return block
        # The last window lies on the front end's grid, so up to one step of it may be left over.
        last = (end - self.window_samples) // self.spec.grid * self.spec.grid
        if last + self.window_samples > self._next_end - self.hop_samples:
            self._window_due(last)
        return block

    def _set_rate(self, native_rate: int) -> None:
        self._native_rate = native_rate
        # Before resampling, whose onset would turn an offset into a click.
        self._dc = DcBlocker(native_rate)
        self._resampler = StreamResampler(native_rate, self.spec.sampling_rate)
        self._zeros = ZeroDetector(native_rate, self._zeros_after_s)

    def _begin(self, origin: int) -> None:
        """Start a stretch of audio without gaps whose first sample is `origin`."""
        self._origin = origin
        self._native = 0
        # Frames lie on a grid that is fixed for the whole stream, so windows do, too.
        self._base = -(-origin // SPECTROGRAM.hop_length) * SPECTROGRAM.hop_length
        self.position = self._base  # samples at the model rate that passed so far, gaps included
        self._to_drop = self._base - origin
        hops = max(0, -(-self._base // self.hop_samples))
        self._next_end = hops * self.hop_samples + self.window_samples
        self._opening = []
        self._new_hops = 1
        self._mel.reset()
        self._front_end.reset(self._base)

    def _pass_over(self, end: int) -> None:
        """Skip all windows but the newest of those that are complete once audio reaches `end`."""
        if end >= self._next_end:
            passed = (end - self._next_end) // self.hop_samples
            self._next_end += passed * self.hop_samples
            self._new_hops = passed + 1
            self.windows_skipped += passed + len(self._due)
            self._due.clear()

    def _from_grid(self, ready: FloatArray) -> FloatArray:
        """Without what comes before the grid on which a stretch of audio begins."""
        kept = ready[self._to_drop :]
        self._to_drop -= len(ready) - len(kept)
        return kept

    def _activity(self, first_chunk: int) -> SpeechActivity | None:
        """The chunks judged since the last time; the first of them is number `first_chunk`."""
        judged, self._judged = self._judged, []
        flags, probabilities, levels = (
            np.concatenate(parts) for parts in zip(*judged, strict=True)
        )
        if not flags.size:
            return None
        chunk = self.voice.chunk_samples
        return SpeechActivity(self._base + first_chunk * chunk, chunk, flags, probabilities, levels)

    def _accept_piece(self, piece: FloatArray, voice: FloatArray) -> FloatArray:
        """Add audio that less than a hop of comes after the next window; return the new frames.

        `voice`: the probabilities of the chunks from here on, more of them than it completes.
        """
        new = _NOT_MADE
        if self._listened:
            new = self._mel.accept(piece)
        else:
            self._mel.hold(piece)
        if self.infers_emotion:
            self._front_end.accept(piece)
        end = self.position + len(piece) - self._base
        probabilities = voice[: end // self.voice.chunk_samples - self._gate.n_chunks]
        flags = self._gate.accept(probabilities)
        if self._listened:
            self._judged.append((flags, probabilities, self._levels.accept(piece)))
        self.position += len(piece)
        if self._opening is not None:
            self._opening.append(piece)
        if self.position >= self._next_end:
            self._opening = None
            self._window_due(self._next_end - self.window_samples)
            self._next_end += self.hop_samples
        return new

    def _window_due(self, start: int) -> None:
        """The window that begins at `start` is complete."""
        end = start + self.window_samples
        ratio = self._gate.speech_ratio(start - self._base, end - self._base)
        # Where the model's grid is another one, from the frame on that begins just before it.
        last_frame = (start - self._base) // SPECTROGRAM.hop_length + self._heard_frames
        self._judge_band(lambda: self._mel.window(last_frame, self._heard_frames), ratio)
        features = self._front_end.window(start) if self.infers_emotion else _NOT_MADE
        self._due_now(FeatureWindow(self.stream, start, end, features, ratio))

    def _judge_band(self, heard: Callable[[], FloatArray], ratio: float) -> None:
        """Judge a window by its share of speech and, where that counts, by its spectrogram.

        `heard` makes that, float32 ``(n_mels, n_frames)``.
        """
        new = min(self.window_samples, self._new_hops * self.hop_samples)
        self._new_hops = 1
        if ratio >= self._gate.config.enter_ratio and not self._band.by_rate:
            self._band.accept(heard(), ratio * new / self.spec.sampling_rate)

    def _due_now(self, window: FeatureWindow) -> None:
        if len(self._due) == self.max_due:
            self._due.popleft()
            self.windows_skipped += 1
        self._due.append(window)

    def _padded(self, samples: FloatArray) -> FloatArray:
        """Audio in the middle of a window of zeros."""
        signal = np.zeros(self.window_samples, np.float32)
        begin = (self.window_samples - len(samples)) // 2
        signal[begin : begin + len(samples)] = samples
        return signal

    def _flush_vad(self) -> None:
        rest = -(self.position - self._base) % self.voice.chunk_samples
        if rest:
            self._gate.accept(self.voice.accept(np.zeros(rest, np.float32)))
