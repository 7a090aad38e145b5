"""Why something that was heard before was decided so, moment by moment."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Protocol

import numpy as np
import soxr

from emolive.audio.files import open_session_file, read_session_file
from emolive.errors import EmoliveError, SessionError
from emolive.explain.baseline import RunningBaseline
from emolive.explain.moment import Explanation, Moment, MomentExplainer
from emolive.inference.adapted_file import adapted_names
from emolive.inference.bundled import BUNDLED
from emolive.inference.classifier import Classifier
from emolive.inference.loading import load_classifier
from emolive.inference.model_files import read_metadata
from emolive.session.library_reader import LibraryReader
from emolive.session.records import SessionInfo
from emolive.types import FloatArray, Prediction

# As live: windows that are at least half speech tell how a speaker usually sounds.
_SPOKEN = 0.5
# Spread over what was heard; measuring one takes some 30 ms.
_MOST_WINDOWS = 60


class Heard(Protocol):
    """Sound, and what was decided about it."""

    @property
    def rate(self) -> int:
        """Of all sample indices, in Hz."""

    def windows(self, stream: str) -> Sequence[Prediction]:
        """A stream's answers, oldest first."""

    def read(self, stream: str, start_sample: int, n_samples: int) -> FloatArray:
        """A stretch, float32 ``(n_samples,)``; silent before the beginning.

        Raises:
            SessionError: its sound is not here.
        """


@dataclass(slots=True)
class HeardExplainer:
    """Explains moments of what was heard. One thread owns it.

    The model is opened with the first question; how a speaker usually sounds is measured once for
    each stream.
    """

    heard: Heard
    open_classifier: Callable[[], Classifier]
    _moments: MomentExplainer | None = None
    _usual: dict[str, RunningBaseline] = field(default_factory=dict)

    def explain(self, moment: Moment) -> Explanation:
        """Explain a window of a stream whose sound is kept.

        Raises:
            SessionError: the sound or the model is not here.
            EmoliveError: the model cannot be used, or the sound not be read.
        """
        if self._moments is None:
            self._moments = MomentExplainer(self.open_classifier)
        moments = self._moments
        window = moments.metadata.window_samples
        samples = self.heard.read(moment.stream, moment.start_sample, window)
        found = moments.explain(moment, samples, self._baseline(moment.stream, moments))
        assert found is not None  # nobody cancels
        return found

    def close(self) -> None:
        """Release the model."""
        if self._moments is not None:
            self._moments.close()
            self._moments = None

    def _baseline(self, stream: str, moments: MomentExplainer) -> RunningBaseline:
        if stream not in self._usual:
            usual = RunningBaseline()
            spoken = []
            reached = 0
            for window in self.heard.windows(stream):
                if window.start_sample >= reached and window.speech_ratio >= _SPOKEN:
                    spoken.append(window)
                    reached = window.end_sample
            for window in spoken[:: max(1, -(-len(spoken) // _MOST_WINDOWS))]:
                n = window.end_sample - window.start_sample
                samples = self.heard.read(stream, window.start_sample, n)
                moments.learn(usual, samples, self.heard.rate)
            self._usual[stream] = usual
        return self._usual[stream]


def session_explainer(library: LibraryReader, session: SessionInfo) -> HeardExplainer:
    """Explains a stored session, with the model that recorded it."""

    def load() -> Classifier:
        choice = recorded_with(session.model)
        if choice is None:
            raise SessionError(
                "The model {model}, with which this was recorded, is not here: compare "
                "models, or add it, to see why it decided so.",
                model=session.model,
            )
        return load_classifier(choice, "cpu", threads=1)

    return HeardExplainer(StoredSound(library, session), load)


def recorded_with(model: str) -> Path | None:
    """The choice of the model that calls itself so: one that comes along or was taught here."""
    for bundled in BUNDLED:
        try:
            if read_metadata(bundled.path).name == model:
                return Path(bundled.name)
        except EmoliveError:
            continue
    return Path(model) if model in adapted_names() else None


@dataclass(frozen=True, slots=True)
class StoredSound:
    """The sound and answers of one session."""

    library: LibraryReader
    session: SessionInfo

    @property
    def rate(self) -> int:
        """Of all sample indices, in Hz."""
        return self.session.rate

    def windows(self, stream: str) -> Sequence[Prediction]:
        """A stream's answers, oldest first."""
        return self.library.windows(self.session.id, stream)

    def read(self, stream: str, start_sample: int, n_samples: int) -> FloatArray:
        """A stretch at the session's rate, float32 ``(n_samples,)``; silent beyond the ends.

        Raises:
            SessionError: its sound was not kept, or cannot be read.
        """
        path = self.library.audio_path(self.session.id, stream)
        if path is None:
            raise SessionError("The sound of this stream was not kept: nothing can be explained.")
        rate = self.session.rate
        found = np.zeros(n_samples, np.float32)
        start = max(0, start_sample)
        end = start_sample + n_samples
        with open_session_file(path) as file:
            own = int(file.samplerate)
            samples = read_session_file(
                file, round(start * own / rate), max(0, round((end - start) * own / rate))
            )
        if own != rate:
            samples = np.asarray(soxr.resample(samples, own, rate), np.float32)
        at = start - start_sample
        part = samples[: n_samples - at]
        found[at : at + part.size] = part
        return found
