"""Where a model listens: its answers' own bias on a source, told apart from the speech.

On new microphones, languages and people a model's mean answer is off, and most of its mistakes come
from that. A source's `SourceProfile` gathers a bounded sample of the model's answers over sessions;
one vector, added to the log-probabilities, makes their mean an expected mix. Nothing here knows
audio.
"""

from emolive.baseline.evidence import Evidence
from emolive.baseline.expected import PRESETS, ExpectedMix
from emolive.baseline.measured import Measured
from emolive.baseline.profile import Source, SourceProfile
from emolive.baseline.running import FixedBaseline, RunningBaseline, StreamBaseline, pooled_baseline
from emolive.baseline.source import Baselines, KnownSources, Profiles, SourceBaselines
from emolive.baseline.store import ProfileStore

__all__ = [
    "PRESETS",
    "Baselines",
    "Evidence",
    "ExpectedMix",
    "FixedBaseline",
    "KnownSources",
    "Measured",
    "ProfileStore",
    "Profiles",
    "RunningBaseline",
    "Source",
    "SourceBaselines",
    "SourceProfile",
    "StreamBaseline",
    "pooled_baseline",
]
