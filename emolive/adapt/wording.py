"""What was learned, in sentences."""

from __future__ import annotations

from collections.abc import Mapping

from emolive.i18n import tr
from emolive.inference.adapted_file import AdaptedModel, Judgement
from emolive.inference.bundled import base_title
from emolive.labels import emotion_name
from emolive.wording import percent, signed

_MOST_NAMED = 12


def points(value: float) -> str:
    """A difference of shares, in percentage points with its sign."""
    return signed(100 * value, 1)


def interval_text(low: float, high: float) -> str:
    """Between which differences, for a table."""
    return tr("{low} to {high}", low=points(low), high=points(high))


def gain_text(judgement: Judgement) -> str:
    """The gain with its interval."""
    return tr(
        "{gain} points, in 95 of 100 cases between {low} and {high}",
        gain=points(judgement.gain),
        low=points(judgement.low),
        high=points(judgement.high),
    )


def verdict_text(model: AdaptedModel) -> str:
    """Whether it is worth using, in one sentence."""
    judged = model.judgement
    values = {
        "name": model.name,
        "base": tr("guessing") if judged.guessing else base_title(model.base),
        "uar": percent(judged.uar, 1),
        "base_uar": percent(judged.base_uar, 1),
        "gain": gain_text(judged),
    }
    if judged.verdict == "better":
        return tr(
            "“{name}” is better than {base}: it recognises {uar} instead of {base_uar} ({gain}).",
            **values,
        )
    if judged.verdict == "worse":
        return tr(
            "“{name}” is worse than {base}: it recognises {uar} instead of {base_uar} ({gain}). Do "
            "not use it.",
            **values,
        )
    if judged.low == judged.high == 0:
        return tr(
            "“{name}” answers as {base} does so far ({uar} recognised): nothing was learned that "
            "is plainly better.",
            **values,
        )
    return tr(
        "“{name}” is not shown to be better than {base}: it recognises {uar}, {base} {base_uar} "
        "({gain}).",
        **values,
    )


def how_text(model: AdaptedModel) -> str:
    """What the scores mean, in a few sentences."""
    judged = model.judgement
    how = (
        tr("on speakers or sessions that it was not taught with ({n} in all)", n=judged.groups)
        if judged.grouped
        else tr("on recordings that it was not taught with, but perhaps of the same voices")
    )
    said = tr(
        "Recognised: the mean share of each emotion that is answered rightly, {how}.", how=how
    )
    if judged.guessing:
        return said + " " + tr("The model underneath does not know these labels.")
    return said + " " + tr("Both models answer with the taught labels alone.")


def more_text(more: Mapping[str, int]) -> str:
    """How many more labels of which class: "3 more of angry, 5 more of sad"."""
    named = [
        tr("{n} more of {emotion}", n=n, emotion=emotion_name(label))
        for label, n in list(more.items())[:_MOST_NAMED]
    ]
    if len(more) > _MOST_NAMED:
        named.append(tr("some of {n} others", n=len(more) - _MOST_NAMED))
    return ", ".join(named)


def advice_text(judgement: Judgement) -> str:
    """What would probably settle it, or ""."""
    if not judgement.more:
        return ""
    return tr("To settle it, label {more}.", more=more_text(judgement.more))


def taught_text(model: AdaptedModel) -> str:
    """What it was taught with: "24 labels: 12 angry, 12 neutral"."""
    counts = ", ".join(f"{n} {emotion_name(label)}" for label, n in model.taught.items())
    return tr("{n} labels: {counts}", n=sum(model.taught.values()), counts=counts)
