"""What is told about a run while it goes on; small, and able to travel between processes."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from emolive.archive.inputs import AudioInput
from emolive.archive.result import FileResult


@dataclass(frozen=True, slots=True)
class Begun:
    """A file's turn has come."""

    item: AudioInput


@dataclass(frozen=True, slots=True)
class Advanced:
    """So many seconds of a file are done, of so many in all (None: not known)."""

    item: AudioInput
    done_s: float
    total_s: float | None


@dataclass(frozen=True, slots=True)
class Done:
    """A file was analysed and its results are written."""

    item: AudioInput
    result: FileResult


@dataclass(frozen=True, slots=True)
class Failed:
    """Nothing could be had from a file; `sentence` says why."""

    item: AudioInput
    sentence: str


@dataclass(frozen=True, slots=True)
class Waiting:
    """Nothing new, but time passes; told a few times a second by runs that wait for others."""


Message = Begun | Advanced | Done | Failed | Waiting
Tell = Callable[[Message], None]
