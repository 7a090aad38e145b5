"""Hand-made timelines, and a second, plain way to measure them: whole, and with loops."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from itertools import groupby, pairwise

from emolive.conversation import ConversationConfig, ConversationMeter, ConversationMetrics, Party
from emolive.types import Role

RATE = 16_000
PARTIES = (Party("agent", Role.AGENT), Party("customer", Role.CUSTOMER))


def meter(config: ConversationConfig | None = None, parties: int = 2) -> ConversationMeter:
    return ConversationMeter(PARTIES[:parties], RATE, config)


def measured(*lines: str, unit_s: float = 0.5) -> ConversationMetrics:
    """Metrics of one line per party, each sign `unit_s` long: ``#`` speaks, ``.`` does not."""
    assert len({len(line) for line in lines}) == 1
    subject = meter(parties=len(lines))
    unit = round(unit_s * RATE)
    for index, signs in enumerate(zip(*lines, strict=True)):
        for party, sign in zip(PARTIES, signs, strict=False):
            subject.accept_flags(party.stream, index * unit, (index + 1) * unit, speech=sign == "#")
    return subject.finish()


@dataclass
class Plain:
    """The same numbers, in units, from whole timelines."""

    silence: int = 0
    longest_silence: int = 0
    overtalk: int = 0
    overlaps: int = 0
    talk: list[int] = field(default_factory=lambda: [0, 0])
    turns: list[int] = field(default_factory=lambda: [0, 0])
    pauses: list[int] = field(default_factory=lambda: [0, 0])
    gaps: int = 0
    between: int = 0
    within: int = 0
    offsets: list[list[int]] = field(default_factory=lambda: [[], []])
    interruptions: list[int] = field(default_factory=lambda: [0, 0])
    attempts: list[int] = field(default_factory=lambda: [0, 0])
    monologue: list[int] = field(default_factory=lambda: [0, 0])


def smoothed(flags: Sequence[bool], fill_in: int, throwaway: int) -> list[bool]:
    """Talkspurts: short silences inside filled in, then short sounds left out."""
    out = list(flags)
    runs = [(key, len(list(group))) for key, group in groupby(out)]
    at = 0
    for number, (speaks, length) in enumerate(runs):
        if not speaks and 0 < number < len(runs) - 1 and length < fill_in:
            out[at : at + length] = [True] * length
        at += length
    at = 0
    for speaks, length in [(key, len(list(group))) for key, group in groupby(out)]:
        if speaks and length < throwaway:
            out[at : at + length] = [False] * length
        at += length
    return out


def plain(
    first: Sequence[bool],
    second: Sequence[bool],
    *,
    fill_in: int,
    throwaway: int,
    interruption: int,
    backchannel: int,
    pause: int,
) -> Plain:
    """Measure two whole timelines of equal length."""
    talk = [smoothed(flags, fill_in, throwaway) for flags in (first, second)]
    found = Plain()
    found.talk = [sum(flags) for flags in talk]
    # 0 and 1: one alone; 2: both; 3: nobody.
    states = [2 if a and b else 0 if a else 1 if b else 3 for a, b in zip(*talk, strict=True)]
    runs = [(key, len(list(group))) for key, group in groupby(states)]
    found.silence = sum(length for key, length in runs if key == 3)
    found.longest_silence = max((length for key, length in runs if key == 3), default=0)
    found.overtalk = sum(length for key, length in runs if key == 2)
    found.overlaps = sum(key == 2 for key, _ in runs)
    alone = [index for index, (key, _) in enumerate(runs) if key < 2]
    if alone:
        found.turns[runs[alone[0]][0]] += 1
    for before, after in pairwise(alone):
        last, speaker, inside = runs[before][0], runs[after][0], runs[before + 1 : after]
        silence = sum(length for key, length in inside if key == 3)
        both = sum(length for key, length in inside if key == 2)
        if last == speaker:
            found.pauses[speaker] += silence
            found.within += both
        else:
            found.turns[speaker] += 1
            found.gaps += silence
            found.between += both
            offset = 0
            if inside:
                offset = inside[-1][1] if inside[-1][0] == 3 else -inside[-1][1]
            found.offsets[speaker].append(offset)
        if inside and inside[0][0] == 2 and inside[0][1] >= interruption:
            won = speaker != last and len(inside) == 1
            (found.interruptions if won else found.attempts)[1 - last] += 1
    for party in (0, 1):
        found.monologue[party] = _monologue(talk[party], talk[1 - party], backchannel, pause)
    return found


def _monologue(mine: list[bool], other: list[bool], backchannel: int, pause: int) -> int:
    """Cut time where the other says something long and in long silences; longest span between."""
    n = len(mine)
    cut = [False] * n
    at = 0
    for speaks, length in [(key, len(list(group))) for key, group in groupby(other)]:
        if speaks and length > backchannel:
            cut[at : at + length] = [True] * length
        at += length
    at = 0
    nobody = [not (a or b) for a, b in zip(mine, other, strict=True)]
    for quiet, length in [(key, len(list(group))) for key, group in groupby(nobody)]:
        if quiet and length > pause:
            cut[at : at + length] = [True] * length
        at += length
    longest = 0
    at = 0
    for away, length in [(key, len(list(group))) for key, group in groupby(cut)]:
        if not away:
            words = [i for i in range(at, at + length) if mine[i]]
            if words:
                longest = max(longest, words[-1] - words[0] + 1)
        at += length
    return longest
