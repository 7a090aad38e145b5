"""A recorded session's audio, heard; what is heard is always known to the sample.

Free of any user interface: a window or a terminal asks for the position as often as it draws.
"""

from __future__ import annotations

import logging
import threading
from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Self

import soundfile as sf

from emolive.audio.output import ChosenOutput, Output, SilentOutput, Speaker
from emolive.audio.stretch import FASTEST, SLOWEST
from emolive.errors import AudioDeviceError
from emolive.i18n import tr
from emolive.session.library import Library
from emolive.session.playback import Passage, Playback, PlaybackBuffer, Track
from emolive.session.records import SessionInfo
from emolive.types import FloatArray

_log = logging.getLogger(__name__)

_AHEAD_S = 0.3  # of audio that is ready for the output: a decoder may be that late
_LOOK_EVERY_S = 0.02
_SHORTEST_LOOP_S = 0.05


class PlayerState(StrEnum):
    """What a player is doing; ENDED is paused at the end."""

    PAUSED = "paused"
    PLAYING = "playing"
    ENDED = "ended"


@dataclass(frozen=True, slots=True)
class PlayerStatus:
    """A snapshot; samples are the session's.

    `error` is a sentence that says why playing stopped, None once it is played again. `underruns`
    counts blocks that the output had to go without.
    """

    state: PlayerState
    position: int
    speed: float
    loop: tuple[int, int] | None
    streams: tuple[str, ...]
    error: str | None
    underruns: int


def session_player(
    library: Library,
    session: SessionInfo,
    output: Output | None = None,
    *,
    chosen: str | None = None,
) -> Player:
    """A player of a stored session; one without audio plays in silence, at the same pace.

    `output` None: the one that is `chosen`, a key of `audio.outputs` (None: the usual one).
    """
    tracks = [
        Track(stream.name, library.audio_path(session.id, stream.name))
        for stream in session.streams
    ]
    if output is None and all(track.path is None for track in tracks):
        output = SilentOutput()
    output = output or ChosenOutput(chosen)
    return Player(tracks, session.rate, session.duration_samples, output)


class Player:
    """Plays tracks; every method may be called from any thread and returns at once.

    A thread of its own opens the output (only while playing, so that a paused player keeps no
    device), decodes, and keeps 0.3 s of audio ready; the output's thread only copies. A change of
    place, speed, loop or streams takes effect at once: what was ready is thrown away.
    """

    def __init__(
        self,
        tracks: Sequence[Track],
        rate: int,
        duration_samples: int,
        output: Output | None = None,
    ) -> None:
        """Play `tracks` of `duration_samples` at `rate`, all together, on `output`.

        `output` None: the computer's default one.
        """
        self._tracks = tuple(tracks)
        self._rate = rate
        self._duration = duration_samples
        self._output: Output = output or Speaker()
        self._changed = threading.Condition()
        # Guarded by the condition's lock:
        self._state = PlayerState.PAUSED
        self._position = 0  # where the run began, or where it is paused
        self._speed = 1.0
        self._loop: tuple[int, int] | None = None
        self._streams = tuple(track.stream for track in tracks)
        self._error: str | None = None
        self._underruns = 0
        self._run = PlaybackBuffer()  # replaced at each change
        self._closed = False
        self._thread: threading.Thread | None = None

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def play(self) -> None:
        """Go on; from the beginning (of the loop) when it is at its end."""
        with self._changed:
            if self._closed:
                raise RuntimeError("the player is closed")
            if self._state is PlayerState.PLAYING:
                return
            if self._position >= self._end:
                self._position = self._loop[0] if self._loop else 0
            self._error = None
            self._state = PlayerState.PLAYING
            self._renew()
            if self._thread is None:
                self._thread = threading.Thread(
                    target=self._work, name="emolive player", daemon=True
                )
                self._thread.start()

    def pause(self) -> None:
        """Fall silent and stay where it is."""
        with self._changed:
            if self._state is PlayerState.PLAYING:
                self._move(self._now())
                self._state = PlayerState.PAUSED

    def seek(self, sample: int) -> None:
        """Go to a sample of the session, and play on if it was playing; outside a loop ends it."""
        with self._changed:
            sample = max(0, min(sample, self._duration))
            if self._loop is not None and not self._loop[0] <= sample < self._loop[1]:
                self._loop = None
            self._move(sample)
            if self._state is PlayerState.ENDED:
                self._state = PlayerState.PAUSED

    def loop(self, start: int, end: int) -> None:
        """Repeat ``[start, end)``; goes to its start unless it is inside already.

        Raises:
            ValueError: the stretch is shorter than 50 ms or not inside the session.
        """
        if not 0 <= start < end <= self._duration or end - start < self._rate * _SHORTEST_LOOP_S:
            raise ValueError(f"[{start}, {end}) cannot be played in a loop")
        with self._changed:
            now = self._now()
            self._loop = (start, end)
            self._move(now if start <= now < end else start)
            if self._state is PlayerState.ENDED:
                self._state = PlayerState.PAUSED

    def end_loop(self) -> None:
        """Play on beyond the end of the loop."""
        with self._changed:
            if self._loop is not None:
                now = self._now()
                self._loop = None
                self._move(now)

    def set_speed(self, speed: float) -> None:
        """Play 0.5 to 2.0 times as fast, with the pitch kept.

        Raises:
            ValueError: another speed.
        """
        if not SLOWEST <= speed <= FASTEST:
            raise ValueError(f"speed must be between {SLOWEST} and {FASTEST}, not {speed}")
        with self._changed:
            if speed != self._speed:
                now = self._now()
                self._speed = speed
                self._move(now)

    def select(self, streams: Sequence[str]) -> None:
        """Hear these streams only, mixed.

        Raises:
            ValueError: there is none of this name.
        """
        known = {track.stream for track in self._tracks}
        if unknown := [stream for stream in streams if stream not in known]:
            raise ValueError(f"no stream {unknown[0]!r} to be played")
        with self._changed:
            now = self._now()
            self._streams = tuple(streams)
            self._move(now)

    def position(self) -> int:
        """The session's sample that is heard right now."""
        with self._changed:
            return self._now()

    def status(self) -> PlayerStatus:
        """How it is doing."""
        with self._changed:
            return PlayerStatus(
                self._state,
                self._now(),
                self._speed,
                self._loop,
                self._streams,
                self._error,
                self._underruns + self._run.underruns,
            )

    def wait(self, timeout: float | None = None) -> bool:
        """Wait until it plays no more; False if it still does after `timeout` seconds."""
        with self._changed:
            return self._changed.wait_for(lambda: self._state is not PlayerState.PLAYING, timeout)

    def close(self) -> None:
        """Stop and free the output and the files."""
        with self._changed:
            if self._state is PlayerState.PLAYING:
                self._move(self._now())
                self._state = PlayerState.PAUSED
            self._closed = True
            self._changed.notify_all()
            thread, self._thread = self._thread, None
        if thread is not None:
            thread.join()

    @property
    def _end(self) -> int:
        return self._loop[1] if self._loop else self._duration

    def _now(self) -> int:
        if self._state is not PlayerState.PLAYING or not self._run.heard_from:
            return self._position
        heard = self._run.heard(self._output.now())
        return self._position if heard is None else max(0, min(round(heard), self._end))

    def _move(self, sample: int) -> None:
        self._position = sample
        self._renew()

    def _renew(self) -> None:
        """Throw away what is ready."""
        self._underruns += self._run.underruns
        self._run = PlaybackBuffer()
        self._changed.notify_all()

    # The player's own thread.

    def _work(self) -> None:
        while True:
            with self._changed:
                self._changed.wait_for(lambda: self._closed or self._state is PlayerState.PLAYING)
                if self._closed:
                    return
            try:
                self._play()
            except AudioDeviceError as error:
                _log.warning("The output cannot play", exc_info=True)
                self._stop(PlayerState.PAUSED, str(error))
            except (OSError, sf.SoundFileError) as error:
                _log.warning("A session's audio cannot be read", exc_info=True)
                self._stop(
                    PlayerState.PAUSED,
                    tr(
                        "The session's audio cannot be read ({error}).",
                        error=str(error).rstrip("."),
                    ),
                )
            except Exception as error:  # a thread must not die unseen
                _log.exception("Playing a session failed")
                self._stop(
                    PlayerState.PAUSED,
                    tr("Playing failed ({kind}: {error}).", kind=type(error).__name__, error=error),
                )
            finally:
                self._output.close()

    def _play(self) -> None:
        """Everything from an opened output to a closed one."""
        self._output.open(self._pull)
        while True:
            with self._changed:
                if self._closed or self._state is not PlayerState.PLAYING:
                    return
                run = self._run
                passage = Passage(self._position, self._end, self._loop, self._speed)
                tracks = [track for track in self._tracks if track.stream in self._streams]
            playback = Playback(tracks, self._rate, self._output.rate)
            try:
                self._feed(run, playback, passage)
            finally:
                playback.close()

    def _feed(self, run: PlaybackBuffer, playback: Playback, passage: Passage) -> None:
        """Keep a run supplied until it is heard to its end or replaced."""
        ahead = round(self._output.rate * _AHEAD_S)
        pieces = playback.pieces(passage)
        while True:
            while run.ready < ahead and not run.complete and run is self._run:
                piece = next(pieces, None)
                run.add(piece)
            if problem := self._output.problem():
                raise AudioDeviceError(problem)
            with self._changed:
                if run.complete and run is self._run and run.over(self._output.now()):
                    self._position = self._duration
                    self._finish(PlayerState.ENDED, None)
                    return
                if self._changed.wait_for(
                    lambda: run is not self._run or self._closed, _LOOK_EVERY_S
                ):
                    return

    def _stop(self, state: PlayerState, error: str) -> None:
        with self._changed:
            if self._state is PlayerState.PLAYING:
                # The output may be gone, and its clock with it.
                last = self._run.heard(float("inf"))
                if last is not None:
                    self._position = max(0, min(round(last), self._end))
            self._finish(state, error)

    def _finish(self, state: PlayerState, error: str | None) -> None:
        self._state = state
        self._error = error
        self._renew()

    # The output's thread.

    def _pull(self, out: FloatArray, heard_at: float) -> None:
        self._run.fill(out, heard_at, self._output.rate)
