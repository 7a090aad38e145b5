"""A session through another model, arranged for drawing."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from emolive.history.rings import DecisionRing
from emolive.session.comparison import Comparison
from emolive.session.library import Library
from emolive.session.session_history import SessionHistory, decisions_of


@dataclass(frozen=True, slots=True, eq=False)
class OtherTimeline:
    """What another model says about a session: its answers for each stream, and how far it agrees.

    `problems` are sentences about sound that broke off.
    """

    model: str
    hop_s: float
    decisions: dict[str, DecisionRing]
    comparison: Comparison
    problems: tuple[str, ...] = ()


def analyse_again(
    library: Library,
    session: SessionHistory,
    model: Path | None,
    progress: Callable[[float, float], None],
) -> OtherTimeline:
    """Analyse a session's sound with `model` (None: the bundled one), at the session's hop.

    Takes long and belongs on a worker; what `progress` raises ends it.

    Raises:
        EmoliveError: the model cannot be used, or there is no sound.
    """
    from emolive.engine.config import EngineConfig
    from emolive.inference.loading import load_classifier
    from emolive.session.reanalysis import reanalyze
    from emolive.speech.silero import SileroVad

    classifier = load_classifier(model)
    try:
        found = reanalyze(
            library,
            session.info,
            classifier,
            SileroVad(),
            EngineConfig(hop_s=session.hop_s),
            progress,
        )
    finally:
        classifier.close()
    old = [segment for stream in session.streams for segment in stream.segments]
    return OtherTimeline(
        found.metadata.name,
        session.hop_s,
        {
            name: decisions_of(
                [window for window in found.windows if window.stream == name],
                found.metadata.labels,
                session.info.rate,
            )
            for name in found.streams
        },
        found.compare(old),
        found.problems,
    )
