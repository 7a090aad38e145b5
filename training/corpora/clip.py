"""What every reader of a corpus gives: recordings and what is known about them."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

AUDIO_SUFFIXES = frozenset({".wav", ".flac", ".ogg", ".opus", ".mp3"})


@dataclass(frozen=True, slots=True)
class Clip:
    """One recording: who said it, how, and where it is.

    `emotion` is one of the eight classes, or None for noise. `votes` are listeners' votes as shares
    of the classes, where the corpus has them. `start_s` and `end_s` cut a part out of a longer
    file; None is the file's end.
    """

    path: Path
    corpus: str
    speaker: str
    gender: str
    language: str
    emotion: str | None
    votes: tuple[float, ...] | None = None
    start_s: float = 0.0
    end_s: float | None = None


def audio_files(folder: Path) -> Iterator[Path]:
    """All audio files below a folder, in order of their names."""
    return (p for p in sorted(folder.rglob("*")) if p.suffix.lower() in AUDIO_SUFFIXES)
