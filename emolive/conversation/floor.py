"""Who has the floor: the joint view of two parties, after Heldner and Edlund.

At every moment both are silent, one speaks alone, or both speak. What lies between one party
speaking alone and the next party speaking alone is classified as in Heldner and Edlund (2010),
"Pauses, gaps and overlaps in conversations", Journal of Phonetics 38(4), 555-568: silence is a
*pause* when the same party goes on and a *gap* when the other does; overlap is *within-speaker* or
*between-speakers* likewise. When the floor changes, the floor-transfer offset is the length of the
gap (positive) or of the overlap (negative) right before the next party speaks alone.
"""

from __future__ import annotations

from collections import deque
from enum import Enum, auto

import numpy as np

from emolive.conversation.talkspurts import Run, Voice, next_joint


class Tally:
    """How often something happened, and for how long in all (samples)."""

    def __init__(self) -> None:
        self.count = 0
        self.samples = 0

    def add(self, samples: int, count: int = 1) -> None:
        """It happened `count` more times, for `samples` in all."""
        self.count += count
        self.samples += samples


class OffsetHistogram:
    """Signed durations: an exact mean, quantiles to half a bin.

    Size: bins of `BIN_S` from -`REACH_S` to `REACH_S` seconds; what lies beyond counts in the
    outermost bin.
    """

    BIN_S = 0.01
    REACH_S = 30.0

    def __init__(self, rate: int) -> None:
        """Durations are in samples at `rate`."""
        self._rate = rate
        self._reach = round(self.REACH_S / self.BIN_S)
        self._counts = np.zeros(2 * self._reach + 1, np.int64)
        self._sum = 0
        self.count = 0

    def add(self, samples: int) -> None:
        """One more duration."""
        index = round(samples / self._rate / self.BIN_S)
        self._counts[min(max(index, -self._reach), self._reach) + self._reach] += 1
        self._sum += samples
        self.count += 1

    @property
    def mean_s(self) -> float | None:
        """The mean in seconds, None of nothing."""
        return self._sum / self._rate / self.count if self.count else None

    def quantile_s(self, share: float) -> float | None:
        """The smallest bin that `share` of the durations do not exceed, in seconds."""
        if not self.count:
            return None
        needed = max(1, int(np.ceil(share * self.count)))
        index = int(np.searchsorted(np.cumsum(self._counts), needed))
        return round((index - self._reach) * self.BIN_S, 6)


class _Joint(Enum):
    SILENCE = auto()
    FIRST = auto()
    SECOND = auto()
    OVERLAP = auto()
    UNOBSERVED = auto()


_SOLO = {_Joint.FIRST: 0, _Joint.SECOND: 1}


class PartyTally:
    """What is counted for one party (samples)."""

    def __init__(self, rate: int, backchannel: int, pause: int) -> None:
        self.talk = 0
        self.turns = 0
        self.interruptions = 0
        self.attempts = 0
        self.pauses = Tally()
        self.responses = OffsetHistogram(rate)
        self.gaps_before = 0
        self.overlaps_before = 0
        self.monologue = Monologue(backchannel, pause)


class Monologue:
    """One party's longest monologue, in samples; what the other does comes in as well.

    It begins with the party's speech and lasts until the party's last word before the other says
    something longer than a backchannel, or before a long mutual silence. One thread owns it.
    """

    def __init__(self, backchannel: int, pause: int) -> None:
        """Limits in samples: of the other's utterances, and of mutual silence."""
        self._backchannel = backchannel
        self._pause = pause
        self.longest = 0  # the longest so far, the current one included
        self._start: int | None = None
        self._end = 0  # of the party's last word
        self._other_onset: int | None = None
        self._end_before_other = 0
        self._ended_by_other = False
        self._quiet_since: int | None = None  # both of them

    def accept(self, start: int, end: int, *, talking: bool, other_talking: bool) -> None:
        """Both go on as they are from `start` to `end`; stretches come one after the other."""
        if not other_talking:
            self._other_onset = None
            self._ended_by_other = False
        elif self._other_onset is None:
            self._other_onset = start
            self._end_before_other = self._end
        if (
            self._other_onset is not None
            and not self._ended_by_other
            and end - self._other_onset > self._backchannel
        ):
            self._ended_by_other = True
            self._close(self._end_before_other)
        if talking or other_talking:
            self._quiet_since = None
        else:
            self._quiet_since = start if self._quiet_since is None else self._quiet_since
            if end - self._quiet_since > self._pause:
                self._close(self._end)
        if talking and not self._ended_by_other:
            if self._start is None:
                self._start = start
            self._end = end
            # While the other may be coming in, what counts ends where that began.
            self._count(end if self._other_onset is None else self._end_before_other)
        elif self._other_onset is None:
            # The other's backchannel is over, and was none.
            self._count(self._end)

    def interrupt(self) -> None:
        """Audio was lost or is over: nothing is known about what went on."""
        self._close(self._end)  # as far as it was heard, the other said nothing long
        self._other_onset = None
        self._ended_by_other = False
        self._quiet_since = None

    def _count(self, end: int) -> None:
        if self._start is not None:
            self.longest = max(self.longest, end - self._start)

    def _close(self, end: int) -> None:
        self._count(end)
        self._start = None


class Floor:
    """Joins the runs of one or two parties and counts.

    Buffer: runs of the party that is ahead, at most `max_wait` samples of them; overflow policy:
    what the other one has not delivered by then counts as unobserved. One thread owns it.
    """

    def __init__(
        self,
        parties: int,
        rate: int,
        *,
        interruption: int,
        backchannel: int,
        monologue_pause: int,
        max_wait: int,
    ) -> None:
        """Durations in samples at `rate`.

        Raises:
            ValueError: neither one nor two parties.
        """
        if parties not in (1, 2):
            raise ValueError(f"a conversation has one or two parties here, not {parties}")
        self.parties = tuple(PartyTally(rate, backchannel, monologue_pause) for _ in range(parties))
        self.position = 0
        self.silence = 0
        self.longest_silence = 0
        self.current_silence = 0
        self.overtalk = 0
        self.overlaps = 0
        self.unobserved = 0
        self.gaps = Tally()
        self.between = Tally()
        self.within = Tally()
        self._interruption = interruption
        self._max_wait = max_wait
        self._queues: tuple[deque[Run], ...] = tuple(deque() for _ in range(parties))
        self._state: _Joint | None = None
        self._since = 0  # when the state began
        self._last: int | None = None  # who spoke alone last
        self._between_solos()

    def accept(self, party: int, runs: list[Run]) -> None:
        """Add one party's next runs, and count as far as all parties are known."""
        self._queues[party].extend(runs)
        ends = [queue[-1].end if queue else self.position for queue in self._queues]
        horizon = max(min(ends), max(ends) - self._max_wait)
        while self.position < horizon:
            self._step(horizon)

    def finish(self) -> None:
        """The audio of all parties is over: count the rest, and what is pending no more."""
        ends = [queue[-1].end for queue in self._queues if queue]
        while ends and self.position < max(ends):
            self._step(max(ends))
        for party in self.parties:
            party.monologue.interrupt()

    def _step(self, horizon: int) -> None:
        """Count up to where the first of the parties does something else."""
        end, voices = next_joint(self._queues, self.position, horizon)
        self._count(self.position, end, _joint(voices))
        self.position = end

    def _count(self, start: int, end: int, state: _Joint) -> None:
        n = end - start
        if state is not self._state:
            self._turn_to(state, start)
        if state is _Joint.UNOBSERVED:
            self.unobserved += n
            return
        talking = [state is _Joint.OVERLAP or _SOLO.get(state) == i for i in (0, 1)]
        for index, party in enumerate(self.parties):
            party.talk += n * talking[index]
            party.monologue.accept(
                start, end, talking=talking[index], other_talking=talking[1 - index]
            )
        if state is _Joint.SILENCE:
            self.silence += n
            self.current_silence = end - self._since
            self.longest_silence = max(self.longest_silence, self.current_silence)
        if state is _Joint.OVERLAP:
            self.overtalk += n

    def _turn_to(self, state: _Joint, start: int) -> None:
        """The joint state changes at `start`."""
        before, lasted = self._state, start - self._since
        self._state, self._since = state, start
        self.current_silence = 0
        if before is _Joint.SILENCE:
            self._silences.add(lasted)
        elif before is _Joint.OVERLAP:
            self._both.add(lasted)
            if self._both.count == 1 and not self._silences.count:
                self._cut_in = lasted
        if before in (_Joint.SILENCE, _Joint.OVERLAP):
            self._offset = lasted if before is _Joint.SILENCE else -lasted
        if state is _Joint.OVERLAP:
            self.overlaps += 1
        elif state is _Joint.UNOBSERVED:
            for party in self.parties:
                party.monologue.interrupt()
            # Nobody is known to have the floor.
            self._last = None
            self._between_solos()
        elif state in _SOLO:
            self._take_floor(_SOLO[state])

    def _take_floor(self, speaker: int) -> None:
        """`speaker` speaks alone now: classify what came since somebody did last."""
        last, party = self._last, self.parties[speaker]
        if last is None:
            party.turns += 1
        elif last == speaker:
            party.pauses.add(self._silences.samples, self._silences.count)
            self.within.add(self._both.samples, self._both.count)
        else:
            party.turns += 1
            party.responses.add(self._offset)
            party.gaps_before += self._offset > 0
            party.overlaps_before += self._offset < 0
            self.gaps.add(self._silences.samples, self._silences.count)
            self.between.add(self._both.samples, self._both.count)
        if last is not None and self._cut_in >= self._interruption:
            # The other began while `last` was speaking alone. The floor is won by going on alone.
            other = self.parties[1 - last]
            at_once = self._both.count == 1 and not self._silences.count
            if speaker != last and at_once:
                other.interruptions += 1
            else:
                other.attempts += 1
        self._last = speaker
        self._between_solos()

    def _between_solos(self) -> None:
        self._silences = Tally()
        self._both = Tally()
        self._cut_in = 0  # length of an overlap that began while one party spoke alone
        self._offset = 0


def _joint(voices: tuple[Voice, ...]) -> _Joint:
    if Voice.UNOBSERVED in voices:
        return _Joint.UNOBSERVED
    talking = [index for index, voice in enumerate(voices) if voice is Voice.TALKING]
    if not talking:
        return _Joint.SILENCE
    if len(talking) == 2:
        return _Joint.OVERLAP
    return _Joint.FIRST if talking[0] == 0 else _Joint.SECOND
