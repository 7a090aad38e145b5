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

from emolive.conversation.monologue import Monologue
from emolive.conversation.talkspurts import Run, Voice, next_joint
from emolive.conversation.tallies import OffsetHistogram, Tally


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
