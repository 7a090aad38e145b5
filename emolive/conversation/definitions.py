"""What each number means and where its definition comes from, in words for people."""

from __future__ import annotations

from dataclasses import dataclass

from emolive.i18n import mark

_BRADY = "Brady (1968), Bell System Technical Journal 47(1), 73-91"
_P59 = "ITU-T Recommendation P.59 (1993)"
_HELDNER = "Heldner and Edlund (2010), Journal of Phonetics 38(4), 555-568"
_FERGUSON = (
    "after Ferguson (1977), British Journal of Social and Clinical Psychology 16(4), 295-302"
)
_DE_JONG = "after de Jong and Wempe (2009), Behavior Research Methods 41(2), 385-390"


@dataclass(frozen=True, slots=True)
class Definition:
    """One number: its field, the name people see, its unit, its meaning, and the source."""

    field: str
    name: str
    unit: str
    text: str
    source: str


DEFINITIONS: tuple[Definition, ...] = (
    Definition(
        "talk_s",
        mark("Talk time"),
        "s",
        mark(
            "The sum of a party's talkspurts: voice activity with silences under 0.2 s filled "
            "in and sounds under 0.1 s left out. Time when both speak counts for both."
        ),
        _BRADY,
    ),
    Definition(
        "talk_share",
        mark("Talk share"),
        "%",
        mark("A party's talk time as a share of the talk time of both."),
        "",
    ),
    Definition(
        "silence_s",
        mark("Mutual silence"),
        "s",
        mark("Time in which nobody speaks; the longest and the current stretch are kept as well."),
        _P59,
    ),
    Definition(
        "overtalk_s", mark("Overtalk"), "s", mark("Time in which both speak (double talk)."), _P59
    ),
    Definition(
        "gaps",
        mark("Gap"),
        "s",
        mark("Silence after one party spoke alone and before the other speaks alone."),
        _HELDNER,
    ),
    Definition(
        "pauses",
        mark("Pause"),
        "s",
        mark("Silence after which the same party goes on."),
        _HELDNER,
    ),
    Definition(
        "overlaps_between",
        mark("Overlap at a change of speaker"),
        "s",
        mark("Both speak, and then the other one speaks alone."),
        _HELDNER,
    ),
    Definition(
        "overlaps_within",
        mark("Overlap within one party's speech"),
        "s",
        mark("Both speak, and then the same one goes on alone."),
        _HELDNER,
    ),
    Definition(
        "responses",
        mark("Response time"),
        "s",
        mark(
            "The floor-transfer offset when a party takes over: the gap before it speaks "
            "alone, or, negative, the overlap. The median, the mean and the 90th percentile "
            "are given."
        ),
        _HELDNER,
    ),
    Definition(
        "turns",
        mark("Turns"),
        "",
        mark(
            "How often a party began to speak alone, at first or after the other had. A short "
            "yes in the other's pause counts."
        ),
        "",
    ),
    Definition(
        "longest_monologue_s",
        mark("Longest monologue, with pauses"),
        "s",
        mark(
            "From a party's first to its last word, its pauses included, without the other "
            "saying anything longer than 1 s and without 3 s of mutual silence. It may exceed "
            "the talk time, which has no pauses."
        ),
        "",
    ),
    Definition(
        "interruptions",
        mark("Interruptions"),
        "",
        mark(
            "A party begins while the other speaks alone, both speak for at least 0.5 s, and "
            "the one who came in goes on alone. Shorter overlaps are common where speakers "
            "change smoothly. Whether the sentence was complete cannot be heard from voice "
            "activity."
        ),
        _FERGUSON,
    ),
    Definition(
        "interruption_attempts",
        mark("Attempted interruptions"),
        "",
        mark("The same, but the one who came in does not get the floor (butting in)."),
        _FERGUSON,
    ),
    Definition(
        "level_dbfs",
        mark("Loudness"),
        "dBFS",
        mark("The mean power of the chunks in which the party speaks, relative to full scale."),
        "",
    ),
    Definition(
        "syllables_per_s",
        mark("Speaking rate"),
        mark("syllables/s"),
        mark(
            "An estimate: syllable nuclei, which are peaks of the energy between 300 and 3,300 "
            "Hz, per second of talk time."
        ),
        _DE_JONG,
    ),
)


_NAMES = {definition.field: definition.name for definition in DEFINITIONS}


def name_of(field: str) -> str:
    """What a number is called, everywhere.

    Raises:
        KeyError: it is not defined.
    """
    return _NAMES[field]
