"""Several devices as one source: a microphone and what the loudspeakers play, say.

Each device has a clock of its own. All are laid on the computer's monotonic clock (see
`emolive.audio.aligned_input`), so their timelines stay together for as long as the call lasts,
whichever of them is unplugged and comes back. What is left is the constant difference of the
devices' own delays, which is some tens of milliseconds and which no program is told reliably.
"""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable, Sequence
from concurrent.futures import Future
from dataclasses import dataclass

import numpy as np

from emolive.audio.aligned_input import AlignedInput
from emolive.audio.jobs import Beside, Runner
from emolive.audio.ring import SampleRing
from emolive.audio.source import AudioSource, SourceFormat, SourceState, SourceStatus
from emolive.errors import AudioDeviceError, EmoliveError
from emolive.i18n import tr
from emolive.types import Role

_log = logging.getLogger(__name__)

# How far behind the present the timeline is written: what blocks may be late.
_DELAY_S = 0.2
# How long one device that is late is waited for before the others go on without it.
_PATIENCE_S = 0.5
_POLL_S = 0.01
_RING_S = 10.0
_REOPEN_EVERY_S = 1.0
# PortAudio finds new devices only while none is open: for the sake of one that does not come back,
# the others are opened anew as well, after so long, and then three times as long each time.
_OPEN_ALL_AFTER_S = 10.0
_GIVE_WAY_S = 0.3


@dataclass(frozen=True, slots=True)
class Input:
    """A device and the stream it becomes."""

    source: AudioSource
    stream: str
    role: Role | None = None


class _Member:
    """An input and how it is."""

    def __init__(self, member: Input) -> None:
        self.source = member.source
        self.stream = member.stream
        self.format: SourceFormat | None = None
        self.aligned: AlignedInput | None = None
        self.away = False
        self.gave_way = False  # away, but for another's sake
        self.ended = False
        self.message: str | None = None
        self.overflows = 0
        self.opening: Future[tuple[SourceFormat, SampleRing]] | None = None
        self.retry_at = 0.0

    def close_late(self, _: object) -> None:
        """Close what was opened when nobody wanted it any more."""
        self.source.close()

    def open(self) -> tuple[SourceFormat, SampleRing]:
        """Open and start the device; may take seconds."""
        found = self.source.open()
        ring = SampleRing(round(_RING_S * found.sampling_rate), len(found.streams))
        self.source.start(ring)
        return found, ring


class AlignedSource:
    """Devices that run on clocks of their own, one stream each, at the highest of their rates.

    A thread writes what all of them have delivered, 0.2 s behind the present. One that fails or is
    unplugged becomes silence, which `status` tells, while the others go on; it is opened again
    every second and then takes its place in time. Only when all are gone is the source LOST.
    `status` may be called from any thread.
    """

    def __init__(
        self,
        inputs: Sequence[Input],
        *,
        clock: Callable[[], float] = time.monotonic,
        runner: Runner | None = None,
        threaded: bool = True,
    ) -> None:
        """Devices as `inputs`; unless `threaded`, the caller calls `step` every some milliseconds.

        `runner`: what opens devices that come back; None: a thread for each.
        """
        if not inputs or len({member.stream for member in inputs}) < len(inputs):
            raise ValueError("every input needs a stream of its own, and there must be one")
        self._inputs = tuple(inputs)
        self._members = tuple(_Member(member) for member in inputs)
        self._clock = clock
        self._runner = runner or Beside("emolive reopen")
        self._threaded = threaded
        self._thread: threading.Thread | None = None
        self._stop = threading.Event()
        self._state = SourceState.CLOSED
        self._status = SourceStatus(SourceState.CLOSED)

    @property
    def name(self) -> str:
        """All of their names."""
        return " + ".join(member.source.name for member in self._members)

    def open(self) -> SourceFormat:
        """Open all devices.

        Raises:
            AudioDeviceError: one of them is not there, or refused.
            AudioFileError: of a recording among them.
        """
        self.close()
        try:
            formats = [member.source.open() for member in self._members]
        except EmoliveError:
            self.close()
            raise
        for member, found in zip(self._members, formats, strict=True):
            member.format = found
        rates = tuple(found.sampling_rate for found in formats)
        self._rate = max(rates)
        return SourceFormat(
            self._rate,
            tuple(member.stream for member in self._members),
            tuple(member.role for member in self._inputs),
            rates,
            recorded=all(found.recorded for found in formats),
            loopbacks=tuple(
                member.stream
                for member, found in zip(self._members, formats, strict=True)
                if found.loopbacks
            ),
        )

    def start(self, ring: SampleRing) -> None:
        """Write what all of them deliver into `ring` from now on.

        Raises:
            AudioDeviceError: one of them went away since it was opened.
        """
        if ring.channels != len(self._members):
            raise ValueError(f"{ring.channels} ring channels for {len(self._members)} inputs")
        self._ring = ring
        self._begin = self._clock()
        self._written = 0
        self._open_all_after = _OPEN_ALL_AFTER_S
        for member in self._members:
            if member.format is None:
                raise RuntimeError(f"{self.name} is not open")
            rate = member.format.sampling_rate
            own = SampleRing(round(_RING_S * rate), len(member.format.streams))
            # What plays nothing delivers nothing, and loses nothing.
            pauses = bool(member.format.loopbacks)
            member.aligned = AlignedInput(own, rate, self._rate, self._begin, pauses=pauses)
            member.source.start(own)
        self._state = SourceState.RUNNING
        self._tell()
        if self._threaded:
            self._stop.clear()
            self._thread = threading.Thread(target=self._loop, name="emolive align", daemon=True)
            self._thread.start()

    def status(self) -> SourceStatus:
        """What became of the devices; `missing` are the streams whose device is away."""
        return self._status

    def close(self) -> None:
        """Stop and release all devices."""
        self._stop.set()
        if self._thread is not None:
            self._thread.join()
            self._thread = None
        for member in self._members:
            opening, member.opening = member.opening, None
            if opening is not None and not opening.cancel():
                opening.add_done_callback(member.close_late)
            else:
                member.source.close()
            member.aligned, member.format = None, None
            member.away = member.gave_way = member.ended = False
            member.message = None
            member.overflows = 0
        self._state = SourceState.CLOSED
        self._tell()

    def step(self) -> None:
        """Look after the devices and write what is due."""
        now = self._clock()
        for member in self._members:
            self._look_after(member, now)
        self._write(now)
        if all(member.ended for member in self._members):
            self._state = SourceState.ENDED
        elif all(m.ended or (m.away and not m.gave_way) for m in self._members):
            self._state = SourceState.LOST
        self._tell()

    def _loop(self) -> None:
        try:
            while self._state is SourceState.RUNNING and not self._stop.wait(_POLL_S):
                self.step()
        except Exception as error:  # a thread must not die unseen
            _log.exception("Aligning two inputs failed")
            self._state = SourceState.LOST
            self._status = SourceStatus(
                SourceState.LOST, f"{self.name} stopped: {type(error).__name__}: {error}"
            )

    def _look_after(self, member: _Member, now: float) -> None:
        aligned = member.aligned
        assert aligned is not None
        if member.away:
            self._reopen(member, aligned, now)
        if not member.away and not member.ended:
            # Asked before reading: what a device delivered before it went is then still taken.
            status = member.source.status()
            member.overflows, member.message = status.overflows, status.message
            aligned.work(now)
            if status.state is SourceState.ENDED:
                member.ended = True
                aligned.unplug()
            elif status.state is not SourceState.RUNNING:
                self._lose(member, aligned, now)

    def _lose(self, member: _Member, aligned: AlignedInput, now: float) -> None:
        if not any(other.away for other in self._members):
            self._away_since = now
        aligned.unplug()
        member.away = True
        member.source.close()
        member.retry_at = now + _REOPEN_EVERY_S

    def _reopen(self, member: _Member, aligned: AlignedInput, now: float) -> None:
        if member.opening is None:
            if now < member.retry_at:
                return
            if now - self._away_since > self._open_all_after:
                self._open_all_after *= 3
                self._give_way(member, now)
            member.opening = self._runner.submit(member.open)
        if not member.opening.done():
            return
        opening, member.opening = member.opening, None
        try:
            found, ring = opening.result()
        except AudioDeviceError:
            member.gave_way = False
            member.retry_at = now + _REOPEN_EVERY_S
            return
        aligned.plug(ring, found.sampling_rate, now)
        member.away = member.gave_way = False
        if not any(other.away for other in self._members):
            self._open_all_after = _OPEN_ALL_AFTER_S

    def _give_way(self, member: _Member, now: float) -> None:
        """Close the others for a moment, so that `member` is looked for anew."""
        for other in self._members:
            if other is not member and not other.away and not other.ended:
                assert other.aligned is not None
                message = other.message
                self._lose(other, other.aligned, now)
                other.message, other.retry_at = message, now + _GIVE_WAY_S
                other.gave_way = True

    def _write(self, now: float) -> None:
        """Write the frames that are due and there; silence for those who are too late."""
        due = int((now - self._begin - _DELAY_S) * self._rate)
        inputs = [(m, m.aligned) for m in self._members if m.aligned is not None]
        waiting = [
            member.aligned
            for member in self._members
            if member.aligned is not None
            and not (member.away or member.ended or member.aligned.paused(now))
        ]
        if all(member.ended for member in self._members):
            due = max(aligned.made for _, aligned in inputs)
        patience = round(_PATIENCE_S * self._rate)
        end = min([due, *(max(aligned.made, due - patience) for aligned in waiting)])
        if end <= self._written:
            return
        for member, aligned in inputs:
            aligned.pad(end, lost=member.away or not (member.ended or aligned.pauses))
        n = end - self._written
        self._ring.write(np.stack([aligned.take(n) for _, aligned in inputs], axis=1))
        self._written = end

    def _tell(self) -> None:
        missing = tuple(member.stream for member in self._members if member.away)
        messages = [member.message for member in self._members if member.message]
        if missing and self._state is SourceState.RUNNING:
            messages.append(
                tr(
                    "Until then, {missing} is silent and the call goes on.",
                    missing=", ".join(missing),
                )
            )
        self._status = SourceStatus(
            self._state,
            " ".join(messages) or None,
            sum(member.overflows for member in self._members),
            missing,
            tuple(member.aligned.lost_s for member in self._members if member.aligned is not None),
        )
