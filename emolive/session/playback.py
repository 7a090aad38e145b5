"""A recording from any moment on, at any speed, cut into pieces that know where they belong."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import soundfile as sf

from emolive.audio.resampling import StreamResampler
from emolive.audio.stretch import TimeStretcher
from emolive.types import FloatArray

_READ_S = 0.1
_PIECE_S = 0.05
_FADE_S = 0.005  # against clicks where sound begins or ends in the middle of a wave


@dataclass(frozen=True, slots=True)
class Track:
    """The audio of one stream; without a file it is silent.

    Of a file with several channels `channel` is heard, None: their mean.
    """

    stream: str
    path: Path | None
    channel: int | None = None


@dataclass(frozen=True, slots=True, eq=False)
class Piece:
    """Audio to be played, float32 ``(n,)``, whose first sample is the recording's `start`.

    `start` may lie between samples; each sample of the piece is `step` later than the one before.
    """

    samples: FloatArray
    start: float
    step: float

    @property
    def end(self) -> float:
        """The recording's sample after the last one."""
        return self.start + len(self.samples) * self.step


@dataclass(frozen=True, slots=True)
class Passage:
    """What is to be played: from `start` to `end`, or from `start` into a loop, over and over."""

    start: int
    end: int
    loop: tuple[int, int] | None = None
    speed: float = 1.0


class Playback:
    """Reads tracks for an output; memory does not grow with their length. One thread owns it."""

    def __init__(self, tracks: Sequence[Track], rate: int, output_rate: int) -> None:
        """Mix `tracks`, whose samples are counted at `rate`, for an output at `output_rate`.

        Raises:
            OSError: a file cannot be opened.
            soundfile.SoundFileError: it holds no audio.
        """
        self._rate = rate
        self._output_rate = output_rate
        self._readers: list[_Reader] = []
        try:
            for track in tracks:
                if track.path is not None:
                    self._readers.append(_Reader(track.path, track.channel, output_rate))
        except BaseException:
            self.close()
            raise

    def pieces(self, passage: Passage) -> Iterator[Piece]:
        """The audio of a passage, in pieces of about 50 ms."""
        start, end = passage.start, passage.end
        while True:
            if passage.loop is not None:
                end = passage.loop[1]
            yield from self._stretch(start, end, passage.speed)
            if passage.loop is None:
                return
            start = passage.loop[0]

    def close(self) -> None:
        """Close the files."""
        for reader in self._readers:
            reader.close()
        self._readers.clear()

    def _stretch(self, start: int, end: int, speed: float) -> Iterator[Piece]:
        for reader in self._readers:
            reader.seek(start / self._rate)
        step = speed * self._rate / self._output_rate
        left = round((end - start) * self._output_rate / self._rate)
        stretcher = TimeStretcher(self._output_rate, speed)
        block = max(1, round(self._output_rate * _PIECE_S))
        fade = np.linspace(0.0, 1.0, max(1, round(self._output_rate * _FADE_S)), dtype=np.float32)
        sent = 0
        while left > 0:
            n = min(block, left)
            left -= n
            ready = stretcher.accept(self._mix(n))
            if not left:
                ready = np.concatenate((ready, stretcher.finish()))
                _scale(ready[::-1], fade)
            if not sent:
                _scale(ready, fade)
            if len(ready):
                yield Piece(ready, start + sent * step, step)
                sent += len(ready)

    def _mix(self, n: int) -> FloatArray:
        mixed = np.zeros(n, np.float32)
        for reader in self._readers:
            mixed += reader.read(n)
        return np.clip(mixed, -1.0, 1.0)


def _scale(samples: FloatArray, fade: FloatArray) -> None:
    n = min(len(samples), len(fade))
    samples[:n] *= fade[:n]


class _Reader:
    """One file from any second on, at the output's rate; after its end (or damage) silence."""

    def __init__(self, path: Path, channel: int | None, output_rate: int) -> None:
        self._file = sf.SoundFile(path)
        self._channel = channel
        self._resampler = StreamResampler(self._file.samplerate, output_rate)
        self._ready = np.empty(0, np.float32)
        self._over = False

    def seek(self, second: float) -> None:
        frame = round(second * self._file.samplerate)
        self._resampler.reset()
        self._ready = np.empty(0, np.float32)
        self._over = frame >= self._file.frames
        if not self._over:
            try:
                self._file.seek(frame)
            except sf.SoundFileError:
                self._over = True

    def read(self, n: int) -> FloatArray:
        """Exactly `n` samples."""
        parts, ready = [self._ready], len(self._ready)
        while ready < n and not self._over:
            parts.append(self._next())
            ready += len(parts[-1])
        samples = np.concatenate(parts)
        if len(samples) < n:
            samples = np.concatenate((samples, np.zeros(n - len(samples), np.float32)))
        self._ready = samples[n:]
        return samples[:n]

    def close(self) -> None:
        self._file.close()

    def _next(self) -> FloatArray:
        wanted = max(1, round(self._file.samplerate * _READ_S))
        try:
            frames = self._file.read(wanted, dtype="float32", always_2d=True)
        except sf.SoundFileError:
            frames = np.empty((0, 1), np.float32)
        if not len(frames):
            self._over = True
            return self._resampler.finish()
        if self._channel is None:
            return self._resampler.accept(frames.mean(axis=1))
        return self._resampler.accept(np.ascontiguousarray(frames[:, self._channel]))


_REMEMBERED = 1024  # of the newest blocks that were handed out; more than any output holds back


@dataclass(frozen=True, slots=True)
class _Heard:
    """`n` samples that are heard from `at` to `until` (seconds), from the session's `start` on."""

    at: float
    until: float
    start: float
    end: float

    def position(self, now: float) -> float:
        if now >= self.until:
            return self.end
        return self.start + (now - self.at) / (self.until - self.at) * (self.end - self.start)


class PlaybackBuffer:
    """Audio between the decoder (`add`) and the output (`fill`), each in its own thread.

    Neither waits for the other. It holds what the decoder keeps ready, 0.3 s and a piece.
    """

    def __init__(self) -> None:
        self.complete = False
        self.underruns = 0
        self._pieces: deque[Piece] = deque()
        self._added = 0
        self._taken = 0
        self._offset = 0  # into the first piece
        self._log: deque[_Heard] = deque(maxlen=_REMEMBERED)

    @property
    def ready(self) -> int:
        """Samples that wait to be played."""
        return self._added - self._taken

    @property
    def heard_from(self) -> bool:
        """Whether the output took anything yet."""
        return bool(self._log)

    def add(self, piece: Piece | None) -> None:
        """What comes next; None: nothing more will."""
        if piece is None:
            self.complete = True
        else:
            self._pieces.append(piece)
            self._added += len(piece.samples)

    def fill(self, out: FloatArray, heard_at: float, rate: int) -> None:
        """Take as much as there is; silence beyond that."""
        done = 0
        while done < len(out) and self._pieces:
            piece = self._pieces[0]
            n = min(len(out) - done, len(piece.samples) - self._offset)
            out[done : done + n] = piece.samples[self._offset : self._offset + n]
            start = piece.start + self._offset * piece.step
            at = heard_at + done / rate
            self._log.append(_Heard(at, at + n / rate, start, start + n * piece.step))
            done += n
            self._offset += n
            self._taken += n
            if self._offset == len(piece.samples):
                self._pieces.popleft()
                self._offset = 0
        if done < len(out):
            out[done:] = 0.0
            if self._log and not self.complete:
                self.underruns += 1

    def heard(self, now: float) -> float | None:
        """The session's sample that is heard at `now`, None: not any of these yet."""
        found = None
        for heard in tuple(self._log):
            if found is not None and heard.at > now:
                break
            if heard.at <= now:
                found = heard
        return None if found is None else found.position(now)

    def over(self, now: float) -> bool:
        """Whether all that there was is heard."""
        return not self._pieces and (not self._log or now >= self._log[-1].until)
