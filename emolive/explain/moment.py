"""What is known about one window: its spectrogram, what the network looked at, its voice."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from types import ModuleType

from emolive.acoustics import SPECTROGRAM
from emolive.errors import EmoliveError
from emolive.explain.baseline import CueReading, RunningBaseline
from emolive.explain.cues import Cue, load_praat, measure
from emolive.explain.occlusion import occlusion
from emolive.explain.saliency import BUDGET_S, Saliency, occlude, salient_stretch
from emolive.explain.wording import sentence
from emolive.features import log_mel
from emolive.inference.classifier import Classifier
from emolive.inference.metadata import ModelMetadata
from emolive.types import FloatArray


@dataclass(frozen=True, slots=True)
class Moment:
    """A window to be explained, and the class that is asked about."""

    stream: str
    start_sample: int
    end_sample: int
    label: str


@dataclass(frozen=True, slots=True, eq=False)
class Explanation:
    """What is known about a moment.

    ``log_mel`` float32 ``(n_mels, n_frames)`` is the window's spectrogram, natural log.
    ``saliency`` and ``log_mel`` are None, and ``cues`` empty, where ``problem`` (one sentence)
    says why.
    ``baseline_windows`` of the speaker were compared with; ``words`` sum the cues up.
    ``stretch`` (samples of the window) is the shortest that holds half of what the answer rests on,
    and ``stretch_cues`` are the cues of this stretch alone, pauses left out.
    """

    moment: Moment
    log_mel: FloatArray | None = None
    saliency: Saliency | None = None
    cues: tuple[CueReading, ...] = ()
    baseline_windows: int = 0
    words: str = ""
    problem: str | None = None
    stretch: tuple[int, int] | None = None
    stretch_cues: tuple[CueReading, ...] = ()


class MomentExplainer:
    """Explains windows with a model of its own, opened with the first one. One thread owns it."""

    def __init__(
        self,
        open_classifier: Callable[[], Classifier],
        *,
        budget_s: float = BUDGET_S,
        load_praat: Callable[[], ModuleType] = load_praat,
    ) -> None:
        """Prepare; without Praat there are no cues, and the explanations say so."""
        self._open_classifier = open_classifier
        self._budget_s = budget_s
        self._classifier: Classifier | None = None
        self.praat: ModuleType | None = None
        self._praat_problem: str | None = None
        try:
            self.praat = load_praat()
        except EmoliveError as error:
            self._praat_problem = str(error)

    @property
    def metadata(self) -> ModelMetadata:
        """Of the model, which is opened where it is not yet."""
        if self._classifier is None:
            self._classifier = self._open_classifier()
        return self._classifier.metadata

    def learn(self, baseline: RunningBaseline, samples: FloatArray, rate: int) -> None:
        """Add a spoken window to how its speaker usually sounds."""
        if self.praat is not None:
            baseline.add(measure(samples, rate, self.praat))

    def explain(
        self,
        moment: Moment,
        samples: FloatArray,
        baseline: RunningBaseline,
        cancelled: Callable[[], bool] = lambda: False,
    ) -> Explanation | None:
        """Explain a window of the model's length and rate; None once `cancelled`.

        Raises:
            EmoliveError: the model cannot be used.
        """
        metadata = self.metadata
        readings: tuple[CueReading, ...] = ()
        words = ""
        if self.praat is not None:
            cues = measure(samples, metadata.sampling_rate, self.praat)
            readings = baseline.compare(cues)
            words = sentence(readings, baseline.windows, baseline.least)
        assert self._classifier is not None
        saliency = occlude(
            self._classifier,
            occlusion(samples, metadata.front_end),
            metadata.labels.index(moment.label),
            metadata.temperature,
            budget_s=self._budget_s,
            cancelled=cancelled,
        )
        if saliency is None:
            return None
        stretch = salient_stretch(saliency.worth, samples.size)
        inside: tuple[CueReading, ...] = ()
        if self.praat is not None:
            cues = measure(samples[slice(*stretch)], metadata.sampling_rate, self.praat)
            # So short a stretch was chosen because something is said in it.
            inside = tuple(r for r in baseline.compare(cues) if r.cue is not Cue.PAUSES)
        return Explanation(
            moment,
            log_mel(samples, SPECTROGRAM),
            saliency,
            readings,
            baseline.windows,
            words,
            self._praat_problem,
            stretch,
            inside,
        )

    def close(self) -> None:
        """Release the model."""
        if self._classifier is not None:
            self._classifier.close()
            self._classifier = None
