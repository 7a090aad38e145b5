"""The longest stretch that one party spoke without the other really coming in."""

from __future__ import annotations


class Monologue:
    """One party's longest monologue, in samples; what the other does comes in as well.

    It begins with the party's speech and lasts until the party's last word before the other says
    something longer than a backchannel, or before a long mutual silence. One thread owns it.
    """

    def __init__(self, backchannel: int, pause: int) -> None:
        """Limits in samples: of the other's utterances, and of mutual silence."""
        self._backchannel = backchannel
        self._pause = pause
        self._longest = 0
        self._start: int | None = None
        self._end = 0  # of the party's last word
        self._other_onset: int | None = None
        self._end_before_other = 0
        self._ended_by_other = False
        self._quiet_since: int | None = None  # both of them

    @property
    def longest(self) -> int:
        """The longest so far, the current one included."""
        return self._longest

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
            self._longest = max(self._longest, end - self._start)

    def _close(self, end: int) -> None:
        self._count(end)
        self._start = None
