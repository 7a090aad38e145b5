"""What is wrong with the channels of a recording: the same sound twice, or clipped."""

from __future__ import annotations

from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from emolive.i18n import decimal, tr
from emolive.types import FloatArray
from emolive.wording import percent, stream_name

# A channel this much like the loudest one, but for its sign, is the same sound turned over.
_OPPOSITE = -0.5


class Mixer:
    """The mean of all channels; those in opposite phase to the loudest are turned over first.

    What a mean of them would leave is the difference of two copies of one voice: nothing. Judged by
    all that was heard so far. It holds the channels' covariance; one thread owns it.
    """

    def __init__(self, channels: int) -> None:
        self._n = 0
        self._sums = np.zeros(channels)
        self._products = np.zeros((channels, channels))
        self.turned = False

    def accept(self, block: FloatArray) -> FloatArray:
        """Mix the next frames, float32 ``(n, channels)`` → ``(n, 1)``."""
        exact = block.astype(np.float64)
        self._n += len(block)
        self._sums += np.ones(len(block)) @ exact  # twenty times as fast as a sum over the rows
        self._products += exact.T @ exact
        # Around the mean: two channels with the same offset are not alike for that.
        alike = self._products - np.outer(self._sums, self._sums) / self._n
        powers = np.maximum(np.diagonal(alike), 0.0)
        loudest = int(powers.argmax())
        opposite = alike[loudest] < _OPPOSITE * np.sqrt(powers[loudest] * powers)
        if not opposite.any():
            return _mean(block)
        self.turned = True
        signs = np.where(opposite, np.float32(-1.0), np.float32(1.0))
        return _mean(block * signs)


def _mean(block: FloatArray) -> FloatArray:
    # Column by column, which is many times as fast as a mean over rows of a few.
    mixed = block[:, 0].copy()
    for channel in block.T[1:]:
        mixed += channel
    mixed /= np.float32(block.shape[1])
    return mixed[:, None]


_RATE = 4_000  # at about which channels are compared
_PIECE_S = 0.5
_LARGEST_LAG_S = 0.1
_NOTABLE_LAG_S = 0.001
# What is quieter, or this much quieter than the loudest piece, tells nothing.
_QUIET_POWER = 1e-8
_QUIET_SHARE = 1e-2
# The same sound, whatever coding and noise added; an echo of the other party is quieter than this.
_ALIKE = 0.9
_UNLIKE = 0.5  # between them noise may have made different what is alike: that tells nothing
_LARGEST_GAIN = 3.2
# Pieces that differ before channels count as different, and beside how many that are alike.
_DIFFERENT = 2
_DIFFERENT_SHARE = 0.02
_ENOUGH_DIFFERENT = 10
_SPEECH_POWER = 3e-5  # what is louder is hardly the noise before a call
# What was heard before the last so many pieces does not count any more.
_MOST_KEPT = 200
# After so many pieces that are alike, or enough that differ, one of some is looked at.
_ENOUGH_ALIKE = 60
_ONE_OF = 4
_ONE_OF_DIFFERENT = 8
# Two parties have become one sound after so many pieces in a row.
_ROW = 10

_FLAT = 0.998  # of the highest peak
_LOUD = 0.05
_CLIPPED_SHARE = 1e-3


@dataclass(frozen=True, slots=True)
class _Piece:
    """Whether a piece is alike on both channels, and how loud it is."""

    alike: bool
    power: float


class ChannelComparison:
    """Whether two channels carry the same sound, perhaps louder, later or turned over.

    They do from the first piece of half a second on in which they do, until it is clear that they
    do not; and again once they have for some seconds. Of what is clear, only samples are looked at.
    Buffer: less than a second. One thread owns it.
    """

    def __init__(self, rate: int) -> None:
        """Compare audio at `rate` samples per second."""
        self._step = max(1, rate // _RATE)
        self._rate = rate / self._step
        self._piece = round(_PIECE_S * self._rate)
        self._lag = round(_LARGEST_LAG_S * self._rate)
        self._size = self._piece + 2 * self._lag
        self._pending = np.empty((0, 2), np.float32)
        self._to_skip = 0
        self._loudest = 0.0
        self._pieces: deque[_Piece] = deque(maxlen=_MOST_KEPT)
        self._row = 0  # the newest pieces that are alike, none that differs between them
        self._lag_found = 0

    @property
    def same(self) -> bool:
        """Whether both carry the same sound, as far as was heard."""
        alike = self._alike
        different = len(self._pieces) - alike
        return alike > 0 and different < _DIFFERENT + _DIFFERENT_SHARE * alike

    @property
    def lag_s(self) -> float:
        """How much later the second channel is, where they are the same."""
        return self._lag_found / self._rate

    @property
    def _alike(self) -> int:
        return sum(piece.alike for piece in self._pieces)

    @property
    def _one_of(self) -> int:
        """How many pieces come until the next that is looked at."""
        if self._row < _ROW and self._surely_different:
            return 1 if self._row else _ONE_OF_DIFFERENT
        return _ONE_OF if self._alike >= _ENOUGH_ALIKE else 1

    @property
    def _surely_different(self) -> bool:
        loud = sum(not one.alike and one.power > _SPEECH_POWER for one in self._pieces)
        return loud >= _ENOUGH_DIFFERENT and not self.same

    def remark(self, names: Sequence[str]) -> str | None:
        """That the channels with these names are the same, as a clause that follows a name."""
        if not self.same:
            return None
        said = tr("carries the same sound on both channels")
        if abs(self.lag_s) < _NOTABLE_LAG_S:
            return said
        first, second = map(stream_name, names if self.lag_s >= 0 else names[::-1])
        return tr(
            "{said}, {second} {lag_s} ms after {first}",
            said=said,
            second=second,
            lag_s=decimal(1000 * abs(self.lag_s), 0),
            first=first,
        )

    def accept(self, frames: FloatArray) -> None:
        """The next frames, float32 ``(n, 2)``."""
        signal = np.concatenate((self._pending, frames)) if len(self._pending) else frames
        begin, needed = self._to_skip, self._size * self._step
        while len(signal) - begin >= needed:
            thin = signal[begin : begin + needed].reshape(self._size, self._step, 2).sum(axis=1)
            self._compare(thin / np.float32(self._step))
            begin += self._piece * self._step * self._one_of
        self._to_skip = max(0, begin - len(signal))
        self._pending = signal[begin:].copy()

    def _compare(self, frames: FloatArray) -> None:
        left, right = (channel - channel.mean() for channel in np.ascontiguousarray(frames.T))
        middle = left[self._lag : self._lag + self._piece]
        power = float(middle @ middle)
        sums = np.concatenate(([0.0], np.cumsum(right * right, dtype=np.float64)))
        powers = sums[self._piece :] - sums[: -self._piece]
        loudest = max(power, float(powers[self._lag])) / self._piece
        self._loudest = max(self._loudest, loudest)
        quiet = max(_QUIET_POWER, _QUIET_SHARE * self._loudest)
        if loudest < quiet:
            return
        spectrum = np.conj(np.fft.rfft(middle, self._size)) * np.fft.rfft(right, self._size)
        products = np.fft.irfft(spectrum, self._size)[: 2 * self._lag + 1]
        likeness = np.abs(products) / np.sqrt(np.maximum(power * powers, 1e-30))
        best = int(likeness.argmax())
        gain = abs(products[best]) / max(power, 1e-30)
        if likeness[best] > _ALIKE and 1 / _LARGEST_GAIN < gain < _LARGEST_GAIN:
            self._lag_found = best - self._lag
            self._judged(_Piece(True, loudest), quiet)
        elif likeness[best] < _UNLIKE or likeness[best] > _ALIKE:
            self._judged(_Piece(False, loudest), quiet)

    def _judged(self, piece: _Piece, quiet: float) -> None:
        """Remember a piece; forget those that differed and have turned out to be `quiet` noise."""
        self._pieces.append(piece)
        self._row = self._row + 1 if piece.alike else 0
        became_one = self._row >= _ROW and self._surely_different
        kept = [one for one in self._pieces if one.alike or (one.power >= quiet and not became_one)]
        self._pieces = deque(kept, maxlen=_MOST_KEPT)


class ClippingMeter:
    """How much of each channel is cut off flat at its highest peaks. One thread owns it."""

    def __init__(self, channels: int) -> None:
        self._peaks = np.zeros(channels)
        self._flat = np.zeros(channels, np.int64)
        self._n = 0

    @property
    def any_flat(self) -> bool:
        """Whether anything is flat at the top of a channel, if only as much as any sound is."""
        return bool(self._flat.any())

    @property
    def shares(self) -> npt.NDArray[np.float64]:
        """Share of each channel's samples, 0 to 1; 0 where it is no more than any sound has."""
        shares = self._flat / max(1, self._n)
        return np.where((shares >= _CLIPPED_SHARE) & (self._peaks >= _LOUD), shares, 0.0)

    def accept(self, frames: FloatArray) -> None:
        """The next frames, float32 ``(n, channels)``."""
        self._n += len(frames)
        for channel, samples in enumerate(np.ascontiguousarray(frames.T)):
            sizes = np.abs(samples)
            peak = float(sizes.max())
            if peak > self._peaks[channel] / _FLAT:
                self._flat[channel] = 0  # what was flat before was not the top
            self._peaks[channel] = max(self._peaks[channel], peak)
            if peak >= _FLAT * self._peaks[channel]:
                equal = (samples[2:] == samples[1:-1]) & (samples[1:-1] == samples[:-2])
                top = sizes[2:] >= _FLAT * self._peaks[channel]
                self._flat[channel] += np.count_nonzero(equal & top)


class ChannelCheck:
    """Both of these for the channels of a recording. One thread owns it."""

    def __init__(self, names: Sequence[str], rate: int, *, compare: bool) -> None:
        """Watch channels with these names; `compare` two of them."""
        self._names = tuple(names)
        self._clipping = ClippingMeter(len(names))
        self._comparison = ChannelComparison(rate) if compare and len(names) == 2 else None

    def accept(self, frames: FloatArray) -> None:
        """The next frames, float32 ``(n, channels)``."""
        self._clipping.accept(frames)
        if self._comparison is not None:
            self._comparison.accept(frames)

    def remarks(self, *, compared: bool = True) -> list[str]:
        """What is wrong, in clauses that follow a name; `compared`: that two are the same, too."""
        said = []
        # Asked for as often as a source is looked at, which is far more often than this is news.
        shares = self._clipping.shares if self._clipping.any_flat else ()
        for name, share in zip(self._names, shares, strict=False):
            if share:
                where = (
                    ""
                    if len(self._names) == 1
                    else tr(" on its {name} channel", name=stream_name(name))
                )
                said.append(
                    tr(
                        "is clipped{where} ({share} of it): it was recorded too loudly",
                        where=where,
                        share=percent(share, 1),
                    )
                )
        same = self._comparison.remark(self._names) if self._comparison and compared else None
        return [*said, same] if same else said
