"""Between a decoder and an output: what is ready, and what is heard when."""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass

from emolive.session.playback import Piece
from emolive.types import FloatArray

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
