"""Putting packets where they belong: exact to the sample, every loss counted, no drift."""

from __future__ import annotations

from bisect import insort
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from emolive.types import FloatArray

# How far a time stamp may be off before it is believed over the count of packets.
_SNAP_S = 0.03
_SILENCE_S = 1.0
# A sender whose packets are behind for so long, without one in time, has begun to count anew.
_ANEW_S = 3.0


@dataclass(frozen=True, slots=True, eq=False)
class Packet:
    """Audio of one channel, or of all: float32 ``(n, 1)`` or ``(n, channels)``.

    `channel` None: all of them. `position` is the sample at which it begins (None: behind what came
    before), `number` counts the packets of its channel (None: they are not numbered).
    """

    samples: FloatArray
    channel: int | None = None
    position: int | None = None
    number: int | None = None


@dataclass(frozen=True, slots=True)
class PlacementStatus:
    """What went wrong with packets so far, summed over channels.

    `gaps` are stretches of `lost_samples` in all that nothing arrived for in time and that are
    silent now; `late_packets` came after their place was given up, or twice; `stray_packets` had
    an impossible time (of the future, or of a clock that began anew) and were put behind what came
    before.
    """

    gaps: int = 0
    lost_samples: int = 0
    late_packets: int = 0
    stray_packets: int = 0


class _Channel:
    """What has arrived of one channel: everything before `frontier`, and islands beyond it."""

    __slots__ = ("anchor", "begun", "behind", "frontier", "given_up", "islands")

    def __init__(self) -> None:
        self.begun = False
        self.frontier = 0
        self.behind = 0  # samples that came since the last one in time, all of them too late
        self.given_up = -1  # where the last gap ends
        self.islands: list[tuple[int, int]] = []
        self.anchor: tuple[int, int, int] | None = None  # number, position, length

    @property
    def end(self) -> int:
        return max(self.frontier, self.islands[-1][1]) if self.islands else self.frontier

    def merge(self) -> None:
        """Take in the islands that the frontier has reached."""
        while self.islands and self.islands[0][0] <= self.frontier:
            self.frontier = max(self.frontier, self.islands.pop(0)[1])


class Placement:
    """Makes one gapless stream of packets that may come late, twice, in disorder, or never.

    A sample is handed out once all channels have it, or once some channel is `hold_s` ahead of it:
    what is missing by then is silence, and counted. A channel's silence before its first packet is
    no loss. Buffer: `hold_s` of all channels, and one packet more.
    """

    def __init__(self, rate: int, channels: int, *, hold_s: float = 0.2) -> None:
        """Begin at sample 0 with `channels` channels at `rate` Hz."""
        self.rate = rate
        self._hold = round(hold_s * rate)
        self._snap = round(_SNAP_S * rate)
        self._anew = round(_ANEW_S * rate)
        self._channels = tuple(_Channel() for _ in range(channels))
        self._buffer = np.zeros((4 * self._hold + 1, channels), np.float32)
        self.position = 0  # handed out so far
        self._gaps = self._lost = self._late = self._stray = 0

    @property
    def end(self) -> int:
        """The sample behind the newest that has arrived."""
        return max(channel.end for channel in self._channels)

    @property
    def status(self) -> PlacementStatus:
        """What went wrong so far."""
        return PlacementStatus(self._gaps, self._lost, self._late, self._stray)

    def accept(self, packet: Packet, horizon: int) -> Sequence[FloatArray]:
        """Take a packet; returns what can be handed out, float32 ``(n, channels)``.

        No packet can begin at `horizon` or later: one that claims to has a broken clock.
        """
        n = len(packet.samples)
        if not n:
            return ()
        if packet.channel is None:
            group = self._channels
            position = self._place(group[0], packet, horizon, max(c.frontier for c in group))
            if all(c.frontier == position and not c.islands for c in group) and (
                position == self.position
            ):
                # The usual case, straight through.
                for channel in group:
                    channel.frontier, channel.begun = position + n, True
                self.position = position + n
                return (packet.samples,)
        else:
            group = (self._channels[packet.channel],)
            position = self._place(group[0], packet, horizon, group[0].frontier)
        first = max(position, self.position)
        if first >= position + n:
            self._late += 1
            return ()
        # So far ahead that some has to be given up for it.
        given = list(self._give(position + n - self._hold))
        self._room(position + n - self.position)
        known = False
        for channel in group:
            column = self._channels.index(channel) if packet.channel is None else packet.channel
            known |= self._store(channel, column, first, packet.samples[first - position :])
        if first > position or not known:
            self._late += 1
        given += self._give(min(channel.frontier for channel in self._channels))
        return given

    def skip(self, samples: int) -> Iterator[FloatArray]:
        """Silence on all channels, of which the sender said that it is none of a loss."""
        yield from self.finish()
        yield from self._silence(samples)
        for channel in self._channels:
            channel.frontier = self.position
            channel.anchor = None

    def finish(self) -> Iterator[FloatArray]:
        """Hand out everything that has arrived; what is missing in between is given up."""
        yield from self._give(self.end)

    def _place(self, channel: _Channel, packet: Packet, horizon: int, frontier: int) -> int:
        """Where a packet begins."""
        position = frontier if packet.position is None else packet.position
        n = len(packet.samples)
        channel.behind = channel.behind + n if position + n <= frontier else 0
        if packet.position is not None and (
            packet.position >= horizon or channel.behind > self._anew
        ):
            self._stray += 1
            position = frontier
        elif packet.number is not None:
            if channel.anchor is not None:
                number, at, length = channel.anchor
                counted = at + (packet.number - number) * length
                if abs(counted - position) <= self._snap:
                    position = counted
            if channel.anchor is None or packet.number > channel.anchor[0]:
                channel.anchor = packet.number, position, len(packet.samples)
        elif abs(frontier - position) <= self._snap and channel.begun:
            position = frontier
        return max(0, position)

    def _store(self, channel: _Channel, column: int, first: int, samples: FloatArray) -> bool:
        """Write one channel's samples into the buffer; whether any of them was new."""
        end = first + len(samples)
        if not channel.begun:
            # What was before it began is silence, and none of it was lost.
            channel.begun, channel.frontier = True, max(channel.frontier, self.position, first)
        source = 0 if samples.shape[1] == 1 else column
        new = 0
        at = first
        for begin, stop in (*channel.islands, (end, end)):
            # Never over what is there already: the first to come is kept.
            lower, upper = max(at, channel.frontier), min(begin, end)
            if lower < upper:
                new += upper - lower
                self._buffer[lower - self.position : upper - self.position, column] = samples[
                    lower - first : upper - first, source
                ]
            at = max(at, stop)
        if first <= channel.frontier:
            channel.frontier = max(channel.frontier, end)
        else:
            insort(channel.islands, (first, end))
            joined: list[tuple[int, int]] = []
            for begin, stop in channel.islands:
                if joined and begin <= joined[-1][1]:
                    joined[-1] = joined[-1][0], max(joined[-1][1], stop)
                else:
                    joined.append((begin, stop))
            channel.islands = joined
        channel.merge()
        return new > 0

    def _give(self, end: int) -> Iterator[FloatArray]:
        """Hand out everything before `end`, and count what never came."""
        if end <= self.position:
            return
        for channel in self._channels:
            self._give_up(channel, end)
        arrived = min(end, max((c.end for c in self._channels), default=end))
        n = min(arrived - self.position, len(self._buffer))
        if n > 0:
            block = self._buffer[:n].copy()
            self._buffer[:-n] = self._buffer[n:].copy() if n < len(self._buffer) else 0.0
            self._buffer[len(self._buffer) - n :] = 0.0
            self.position += n
            yield block
        yield from self._silence(end - self.position)

    def _give_up(self, channel: _Channel, end: int) -> None:
        while channel.frontier < end:
            until = min(end, channel.islands[0][0]) if channel.islands else end
            if channel.begun:
                # One that is given up piece by piece is one.
                self._gaps += channel.frontier != channel.given_up
                self._lost += until - channel.frontier
                channel.given_up = until
            channel.frontier = until
            channel.merge()

    def _silence(self, samples: int) -> Iterator[FloatArray]:
        step = round(_SILENCE_S * self.rate)
        while samples > 0:
            n = min(samples, step)
            self.position += n
            samples -= n
            yield np.zeros((n, len(self._channels)), np.float32)

    def _room(self, frames: int) -> None:
        if frames > len(self._buffer):
            grown = np.zeros((2 * frames, len(self._channels)), np.float32)
            grown[: len(self._buffer)] = self._buffer
            self._buffer = grown
