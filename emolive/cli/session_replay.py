"""`sessions replay`: a session heard again with its timeline, or another model beside it."""

from __future__ import annotations

import sys
from pathlib import Path

from emolive.audio.output import SilentOutput
from emolive.cli.comparison_view import show_comparison
from emolive.cli.console import progress_bar
from emolive.cli.loading import load_classifier, open_library
from emolive.cli.options import ReplayOptions
from emolive.cli.outcome import DONE, SOME_INPUTS_FAILED, Interrupts, tell
from emolive.cli.segment_lines import SegmentLines
from emolive.cli.terminal import TerminalTimeline
from emolive.engine import EngineConfig
from emolive.errors import EmoliveError, SessionError
from emolive.i18n import decimal
from emolive.session.library import Library
from emolive.session.player import Player, PlayerState, PlayerStatus, session_player
from emolive.session.reanalysis import reanalyze
from emolive.session.records import SessionInfo, SessionState
from emolive.session.replay import Replay
from emolive.speech.silero import SileroVad
from emolive.times import table_time
from emolive.types import EngineState, EngineStatus, StreamStatus

_TICK_S = 0.05
BUNDLED = "bundled"


def run_replay(session_id: str, options: ReplayOptions) -> int:
    """Play a session, or compare its timeline with another model's.

    Raises:
        EmoliveError: there is no such session or audio, or it cannot be played.
    """
    with open_library(options.library) as library:
        session = library.get(session_id)
        if session.state is SessionState.RECORDING:
            raise SessionError(
                "Session {id} is still being recorded: stop it, then replay it.", id=session.id
            )
        if options.model is not None:
            return _compare(library, session, options.model, options.provider.value)
        return _play(library, session, options)


def _play(library: Library, session: SessionInfo, options: ReplayOptions) -> int:
    start = round(options.start * session.rate)
    if not 0 <= start < max(1, session.duration_samples):
        raise SessionError(
            "Session {id} is {duration} long: give a smaller --from.",
            id=session.id,
            duration=table_time(session.duration_s),
        )
    replay = Replay(library, session)
    silent = options.no_audio
    if not session.has_audio and not silent:
        tell("This session was recorded without audio: its timeline runs in silence.")
        silent = True
    with (
        Interrupts() as interrupts,
        session_player(library, session, SilentOutput() if silent else None) as player,
    ):
        player.set_speed(options.speed)
        player.seek(start)
        view = _view(session, replay, options, start)
        try:
            player.play()
            while not view.show(player) and not interrupts.wished:
                player.wait(_TICK_S)
        finally:
            view.close()
        error = player.status().error
    if error:
        raise EmoliveError("{error} Or replay it with --no-audio.", error=error)
    return DONE


def _view(
    session: SessionInfo, replay: Replay, options: ReplayOptions, start: int
) -> _Picture | _Lines:
    if sys.stdout.isatty():
        return _Picture(session, replay, options.speed, start)
    return _Lines(session, replay, start)


class _Picture:
    """The live timeline of the terminal, in time with a player."""

    def __init__(self, session: SessionInfo, replay: Replay, speed: float, start: int) -> None:
        self._session = session
        self._replay = replay
        self._speed = speed
        self._shown = start
        self._timeline = TerminalTimeline(
            session.labels,
            session.rate,
            session.hop_samples / session.rate,
            recorded_s=session.duration_s,
        )
        # What came before is there already.
        for answer in replay.answers(-1, start):
            self._timeline.handle(answer)

    def show(self, player: Player) -> bool:
        """Bring it up to date; True when it is over."""
        status = player.status()
        for answer in self._replay.answers(self._shown, status.position):
            self._timeline.handle(answer)
        for level in self._replay.levels(status.position):
            self._timeline.handle(level)
        self._shown = status.position
        self._timeline.handle(self._engine_status(status))
        self._timeline.tick()
        return status.state is not PlayerState.PLAYING

    def close(self) -> None:
        self._timeline.close()

    def _engine_status(self, status: PlayerStatus) -> EngineStatus:
        session = self._session
        speed = f"  {decimal(self._speed)}×" if self._speed != 1 else ""
        playing = status.state is PlayerState.PLAYING
        return EngineStatus(
            EngineState.RUNNING if playing else EngineState.STOPPED,
            source=(session.title or session.id) + speed,
            provider=session.provider,
            model=session.model,
            elapsed_s=status.position / session.rate,
            streams=tuple(
                StreamStatus(s.name, samples=status.position, role=s.role, emotion=s.emotion)
                for s in session.streams
            ),
        )


class _Lines:
    """One line per segment as it ends, where there is no terminal."""

    def __init__(self, session: SessionInfo, replay: Replay, start: int) -> None:
        self._replay = replay
        self._shown = start
        self._lines = SegmentLines(session.rate, sys.stdout)

    def show(self, player: Player) -> bool:
        """Bring it up to date; True when it is over."""
        status = player.status()
        for segment in self._replay.closed(self._shown, status.position):
            self._lines.handle(segment)
        self._shown = status.position
        return status.state is not PlayerState.PLAYING

    def close(self) -> None:
        self._lines.close()


def _compare(library: Library, session: SessionInfo, model: str, provider: str) -> int:
    classifier = load_classifier(None if model == BUNDLED else Path(model), provider)
    try:
        config = EngineConfig(hop_s=session.hop_samples / session.rate)
        with progress_bar(classifier.metadata.name) as progress:
            result = reanalyze(library, session, classifier, SileroVad(), config, progress)
    finally:
        classifier.close()
    for problem in result.problems:
        tell(problem)
    show_comparison(session, result, library.segments(session.id))
    return SOME_INPUTS_FAILED if result.problems else DONE
