"""The parties' voice activity, joined: who talks at every moment.

Talkspurts are those of the conversation metrics, so that a rule and a number on the screen mean the
same.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np

from emolive.conversation import ConversationConfig
from emolive.conversation.talkspurts import Run, Talkspurts, Voice, next_joint
from emolive.types import SpeechActivity

_MAX_WAIT_S = 30.0


@dataclass(frozen=True, slots=True)
class JointRun:
    """What each party does from `start` to `end` (samples), in the order of the streams."""

    start: int
    end: int
    voices: tuple[Voice, ...]


class Voices:
    """Joins the voice activity of all streams of a call.

    Buffer: runs of the streams that are ahead, at most 30 s of them; overflow policy: what another
    stream has not delivered by then counts as unobserved. One thread owns it.
    """

    def __init__(self, streams: Sequence[str], rate: int) -> None:
        """Join `streams`, whose samples come at `rate`."""
        config = ConversationConfig()
        self.position = 0
        self._probability = config.speech_probability
        self._max_wait = round(_MAX_WAIT_S * rate)
        self._index = {name: index for index, name in enumerate(streams)}
        self._talkspurts = [
            Talkspurts(round(config.fill_in_s * rate), round(config.throwaway_s * rate))
            for _ in streams
        ]
        self._queues: list[deque[Run]] = [deque() for _ in streams]

    def accept(self, stream: str, activity: SpeechActivity) -> list[JointRun]:
        """Add a stream's next activity; return what is known of all streams now.

        What a stream says about a time that is already counted (it was too late) is left out.
        """
        index = self._index[stream]
        talkspurts = self._talkspurts[index]
        flags = activity.speech & (activity.probability >= self._probability)
        borders = [0, *(np.flatnonzero(np.diff(flags)) + 1).tolist(), len(flags)]
        at, chunk = activity.start_sample, activity.chunk_samples
        for first, last in pairwise(borders):
            start, end = max(at + first * chunk, talkspurts.position), at + last * chunk
            if start < end:
                runs = talkspurts.accept(start, end, speech=bool(flags[first]))
                self._queues[index].extend(runs)
        return self._join()

    def finish(self) -> list[JointRun]:
        """The audio is over: settle the rest, as far as all streams go."""
        for talkspurts, queue in zip(self._talkspurts, self._queues, strict=True):
            queue.extend(talkspurts.finish())
        return self._join()

    def _join(self) -> list[JointRun]:
        ends = [queue[-1].end if queue else self.position for queue in self._queues]
        horizon = max(min(ends), max(ends) - self._max_wait)
        joined: list[JointRun] = []
        while self.position < horizon:
            end, voices = next_joint(self._queues, self.position, horizon)
            joined.append(JointRun(self.position, end, voices))
            self.position = end
        return joined
