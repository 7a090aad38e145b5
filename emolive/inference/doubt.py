"""Why an answer is uncertain, other than its newest window's, or two emotions at once.

Where the recipe of `accurate` named a pair on speech of a corpus it was not trained on, listeners
gave the second emotion about twice the share of votes that they gave to each of the others, and
their first choice was in the pair twice as often as it was the first emotion alone
(docs/related-systems.md).
"""

from __future__ import annotations

from collections.abc import Sequence

from emolive.i18n import tr
from emolive.labels import emotion_name
from emolive.types import Familiarity, FloatArray, SpeechState
from emolive.wording import percent

# How probable the second of a pair is at least, as a share of the first.
CLOSE = 0.5


def second_emotion(
    probabilities: FloatArray | None, label: str | None, labels: Sequence[str]
) -> str | None:
    """The emotion that a window's answer holds beside the decided `label`.

    `probabilities` are this window's, ``(n_classes,)``, in the order of `labels` (None in silence);
    nothing decided (uncertain, silence) has no second one.

    Returns:
        The most probable other emotion, where it and the decided one are the window's two most
        probable and the less probable has at least `CLOSE` of the other's share.
    """
    if probabilities is None or label is None or label not in labels:
        return None
    first = labels.index(label)
    ranked = probabilities.argsort()[::-1][:2].tolist()
    if first not in ranked:
        return None
    most, less = (float(probabilities[i]) for i in ranked)
    second = ranked[1] if ranked[0] == first else ranked[0]
    return labels[second] if less >= CLOSE * most else None


def pair_name(label: str, second: str | None) -> str:
    """An emotion for people, or two as one: "sad + fearful"."""
    if second is None:
        return emotion_name(label)
    return tr("{first} + {second}", first=emotion_name(label), second=emotion_name(second))


# A window that is surer than the mean of the last ones by this much was mixed with others.
_MIXED = 0.10
# Two emotions nearer to each other than this are too close; below this sum, others are near, too.
_CLOSE, _BOTH = 0.15, 0.60
# RMS of the loudest tenth of a second: soft speech at arm's length of a usual microphone is -40.
QUIET_DBFS = -45.0


def doubts(
    state: SpeechState,
    label: str | None,
    confidence: float,
    probabilities: FloatArray | None,
    labels: Sequence[str],
    *,
    familiarity: Familiarity | None = None,
    loudest_dbfs: float | None = None,
) -> tuple[str, ...]:
    """What makes an answer uncertain, or differ from what its window says alone.

    `label` is decided (None while uncertain), `confidence` the smoothed answer's, while uncertain
    that of its leading class; `probabilities` are of the newest window alone, ``(n_classes,)`` in
    the order of `labels` (None without speech); `loudest_dbfs` is the level of its loudest moment.

    Returns:
        Short clauses, the most telling first; nothing where window and answer agree.
    """
    if probabilities is None or state not in (SpeechState.SPEECH, SpeechState.UNCERTAIN):
        return ()
    ranked = probabilities.argsort()[::-1].tolist()
    first, second = (_told(labels[i], float(probabilities[i])) for i in ranked[:2])
    if state is SpeechState.SPEECH:
        if labels[ranked[0]] == label:
            return ()
        return (tr("this window alone says {first}: one is not enough to change it", first=first),)
    most, next_most = (float(probabilities[i]) for i in ranked[:2])
    if most - confidence >= _MIXED:
        why = tr("mixed over the last windows; this one alone says {first}", first=first)
    elif most + next_most < _BOTH:
        why = tr("no emotion stands out: {first}, {second}", first=first, second=second)
    elif most - next_most < _CLOSE:
        why = tr("{first}, {second}: too close", first=first, second=second)
    else:
        why = tr("{first} leads, but not clearly enough", first=first)
    clauses = [why]
    if familiarity in (Familiarity.UNUSUAL, Familiarity.UNLIKE):
        clauses.append(tr("unlike what the model was trained on"))
    if loudest_dbfs is not None and loudest_dbfs < QUIET_DBFS:
        clauses.append(tr("too quiet"))
    return tuple(clauses)


def doubt_sentence(state: SpeechState, clauses: Sequence[str]) -> str:
    """The same as a sentence; "" where there is nothing to say."""
    if not clauses:
        return ""
    reasons, *more = clauses
    for clause in more:
        reasons = tr("{reasons}; {clause}", reasons=reasons, clause=clause)
    if state is SpeechState.UNCERTAIN:
        return tr("Uncertain: {reasons}.", reasons=reasons)
    return tr("Shown is what the last windows say together; {reasons}.", reasons=reasons)


def _told(label: str, share: float) -> str:
    return tr("{emotion} {share}", emotion=emotion_name(label), share=percent(share))
