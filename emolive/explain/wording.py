"""Cues in words: "Louder and higher than this speaker usually is."."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from emolive.explain.baseline import CueReading
from emolive.explain.cues import Cue
from emolive.i18n import mark, together, tr

# A value this many spreads from the usual is told; one in three windows of the same kind is.
TOLD = 1.0
MUCH = 2.5
_MOST = 3

# Below and above the usual, and far below and above it.
_COMPARISONS: Mapping[Cue, tuple[str, str, str, str]] = {
    Cue.LOUDNESS: (
        mark("quieter"),
        mark("louder"),
        mark("much quieter"),
        mark("much louder"),
    ),
    Cue.PITCH: (
        mark("lower in pitch"),
        mark("higher in pitch"),
        mark("much lower in pitch"),
        mark("much higher in pitch"),
    ),
    Cue.PITCH_RANGE: (
        mark("more monotonous"),
        mark("livelier in pitch"),
        mark("much more monotonous"),
        mark("much livelier in pitch"),
    ),
    Cue.RATE: (
        mark("slower"),
        mark("faster"),
        mark("much slower"),
        mark("much faster"),
    ),
    Cue.TILT: (
        mark("darker and softer in tone"),
        mark("brighter and sharper in tone"),
        mark("much darker and softer in tone"),
        mark("much brighter and sharper in tone"),
    ),
    Cue.JITTER: (
        mark("steadier in pitch"),
        mark("rougher in voice"),
        mark("much steadier in pitch"),
        mark("much rougher in voice"),
    ),
    Cue.SHIMMER: (
        mark("steadier in level"),
        mark("shakier in voice"),
        mark("much steadier in level"),
        mark("much shakier in voice"),
    ),
    Cue.HNR: (
        mark("breathier or hoarser"),
        mark("clearer in voice"),
        mark("much breathier or hoarser"),
        mark("much clearer in voice"),
    ),
    Cue.PAUSES: (
        mark("with fewer pauses"),
        mark("with more pauses"),
        mark("with far fewer pauses"),
        mark("with far more pauses"),
    ),
}
_TITLES: Mapping[Cue, str] = {
    Cue.LOUDNESS: mark("Loudness"),
    Cue.PITCH: mark("Pitch"),
    Cue.PITCH_RANGE: mark("Pitch range"),
    Cue.RATE: mark("Speech rate"),
    Cue.TILT: mark("Spectral tilt"),
    Cue.JITTER: mark("Jitter"),
    Cue.SHIMMER: mark("Shimmer"),
    Cue.HNR: mark("Harmonicity"),
    Cue.PAUSES: mark("Pauses"),
}


def title(cue: Cue) -> str:
    """The name of a cue."""
    return tr(_TITLES[cue])


def comparison(reading: CueReading) -> str:
    """One cue against the usual, in words; "" when it cannot be compared."""
    if reading.deviation is None:
        return ""
    if abs(reading.deviation) < TOLD:
        return tr("as usual")
    far = abs(reading.deviation) >= MUCH
    return tr(_COMPARISONS[reading.cue][2 * far + (reading.deviation > 0)])


def sentence(readings: Sequence[CueReading], windows: int, least: int) -> str:
    """What stands out, most of all first, at most three things.

    `windows` of this speaker are known; to compare takes at `least` so many.
    """
    if windows < least:
        return tr(
            "Too little speech of this speaker yet to compare with ({windows} of {least} windows).",
            windows=windows,
            least=least,
        )
    told = [r for r in readings if r.deviation is not None and abs(r.deviation) >= TOLD]
    told.sort(key=lambda reading: -abs(reading.deviation or 0.0))
    if not told:
        return tr("Much as this speaker usually sounds.")
    # "louder … than usual" must not become "… with more pauses than usual".
    told = sorted(told[:_MOST], key=lambda reading: reading.cue is Cue.PAUSES)
    words = [comparison(reading) for reading in told]
    text = tr("{what}, compared with how this speaker usually sounds.", what=together(words))
    return text[:1].upper() + text[1:]
