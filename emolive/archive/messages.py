"""What is told about a run while it goes on, and kept of each file.

Small, and able to travel between processes.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Self

from pydantic import BaseModel, Field

from emolive.archive.inputs import AudioInput
from emolive.engine import FileAnalysis
from emolive.types import SpeechState


class FileResult(BaseModel, frozen=True, extra="forbid"):
    """One file's outcome in short.

    `label` leads `probabilities`, the file-level answer; both say nothing without speech.
    `seconds` is how long each label of the timeline lasts, silence and uncertain included, all
    streams together. `outputs` are paths below the output folder, with forward slashes. `problem`
    tells that the file broke off, `note` that something in it had to be replaced.
    """

    duration_s: float = Field(ge=0)
    label: str | None
    probabilities: dict[str, float]
    seconds: dict[str, float]
    outputs: tuple[str, ...]
    problem: str | None = None
    note: str | None = None

    @classmethod
    def of(cls, analysis: FileAnalysis, outputs: tuple[str, ...]) -> Self:
        """The short form of an analysis whose results are in `outputs`."""
        rate = analysis.metadata.front_end.sampling_rate
        samples: dict[str, int] = {}
        for segment in analysis.segments:
            length = segment.end_sample - segment.start_sample
            samples[segment.label] = samples.get(segment.label, 0) + length
        pooled = analysis.probabilities
        answer = {} if pooled is None else dict(zip(analysis.labels, pooled.tolist(), strict=True))
        return cls(
            duration_s=analysis.duration_s,
            label=analysis.label,
            probabilities=answer,
            seconds={label: n / rate for label, n in samples.items()},
            outputs=outputs,
            problem=analysis.problem,
            note=analysis.note,
        )

    @property
    def confidence(self) -> float | None:
        """The probability of `label`, or None without speech."""
        return None if self.label is None else self.probabilities[self.label]

    @property
    def verdict(self) -> str | None:
        """`label` if any moment of the timeline has an emotion, else "uncertain"; None: no speech.

        A mean always has a leading emotion, also where the model could not tell anywhere.
        """
        if self.label is None or any(self.seconds.get(emotion) for emotion in self.probabilities):
            return self.label
        return SpeechState.UNCERTAIN.value


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
