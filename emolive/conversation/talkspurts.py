"""One party's talkspurts: voice activity with short silences filled in and short sounds left out.

Talkspurts and pauses are those of Brady (1968), "A statistical analysis of on-off patterns in 16
conversations", Bell System Technical Journal 47(1), 73-91: silence of up to 200 ms is filled in,
since the closure of a stop consonant is that long; sounds too short for speech are thrown away
(Brady: 15 ms; here 100 ms, three chunks of the detector).
"""

from __future__ import annotations

from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass
from enum import Enum, auto


class Voice(Enum):
    """What a party does; UNOBSERVED: its audio was lost."""

    SILENT = auto()
    TALKING = auto()
    UNOBSERVED = auto()


@dataclass(frozen=True, slots=True)
class Run:
    """A party does one thing from `start` to `end` (samples)."""

    start: int
    end: int
    voice: Voice


class Talkspurts:
    """One party's runs, settled as soon as later audio cannot change them.

    That takes at most the longer of the two thresholds. It holds a few numbers; one thread owns it.
    """

    def __init__(self, fill_in: int, throwaway: int) -> None:
        """Thresholds in samples."""
        self._fill_in = fill_in
        self._throwaway = throwaway
        self.position = 0  # end of what came in
        self._settled = 0  # end of what was handed on
        self._talking = False
        self._onset: int | None = None  # of what may become a talkspurt
        self._last_sound = 0

    def accept(self, start: int, end: int, *, speech: bool) -> list[Run]:
        """Add the stretch ``[start, end)``, all speech or all silence; return what is settled.

        What lies between the newest audio and `start` was not observed.

        Raises:
            ValueError: it does not come after what came before.
        """
        if not self.position <= start < end:
            raise ValueError(f"[{start}, {end}) does not come after {self.position}")
        runs = self._close(start) if start > self.position else []
        self.position = end
        if speech:
            if self._onset is None and not self._talking:
                self._onset = start
            self._last_sound = end
            if self._onset is not None and end - self._onset >= self._throwaway:
                self._talking = True
                self._onset = None
            if self._talking:
                runs += self._settle(end, Voice.TALKING)
        elif self._onset is None and not self._talking:
            runs += self._settle(end, Voice.SILENT)
        elif end - self._last_sound >= self._fill_in:
            self._talking = False
            self._onset = None
            runs += self._settle(end, Voice.SILENT)
        return runs

    def finish(self) -> list[Run]:
        """The audio is over: settle the rest."""
        return self._close(self.position)

    def _close(self, resume: int) -> list[Run]:
        """Settle everything before `resume`, where the audio goes on."""
        # What is pending is a silence that nothing can fill in any more, or a sound too short.
        self._talking = False
        self._onset = None
        return self._settle(self.position, Voice.SILENT) + self._settle(resume, Voice.UNOBSERVED)

    def _settle(self, end: int, voice: Voice) -> list[Run]:
        start, self._settled = self._settled, end
        return [Run(start, end, voice)] if end > start else []


def next_joint(
    queues: Sequence[deque[Run]], position: int, horizon: int
) -> tuple[int, tuple[Voice, ...]]:
    """What each party does from `position` on, and until when (`horizon` at most, samples).

    Runs that are over are taken off their queues; what is missing counts as unobserved.
    """
    end = horizon
    voices = []
    for queue in queues:
        while queue and queue[0].end <= position:
            queue.popleft()
        if queue and queue[0].start <= position:
            voices.append(queue[0].voice)
            end = min(end, queue[0].end)
        else:  # not delivered in time
            voices.append(Voice.UNOBSERVED)
            end = min(end, queue[0].start) if queue else end
    return end, tuple(voices)
