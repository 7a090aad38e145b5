"""How far people's marks agree with the model and with each other, in words."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from emolive.i18n import decimal, ntr, tr
from emolive.session.agreement import (
    Agreement,
    TierAgreement,
    TraceAgreement,
    agreements,
    annotator_agreements,
    trace_agreements,
)
from emolive.session.records import Annotation, Dimension, Trace
from emolive.session.session_history import SessionHistory
from emolive.times import duration_text
from emolive.wording import percent


def agreement_text(
    session: SessionHistory, marks: Sequence[Annotation], traces: Sequence[Trace], me: str
) -> str:
    """One paragraph per comparison; "" where nobody gave a label. `me` is called "You"."""
    streams = [stream.name for stream in session.streams]
    segments = [segment for stream in session.streams for segment in stream.segments]
    rate = session.info.rate
    lines = [_with_model(one, rate, me) for one in agreements(streams, segments, marks)]
    for tier in annotator_agreements(streams, marks):
        lines += _between(tier, rate, me)
    lines += [_traced(one, rate) for one in trace_agreements(traces)]
    return "\n".join(lines)


def dimension_name(dimension: Dimension) -> str:
    """A dimension's name for people."""
    return tr("Valence") if dimension is Dimension.VALENCE else tr("Arousal")


def _who(name: str, me: str) -> str:
    return tr("You") if name in ("", me) else name


def _number(value: float | None) -> str:
    return tr("not defined") if value is None else decimal(value, 2)


def _with_model(one: Agreement, rate: int, me: str) -> str:
    who = _who(one.annotator, me)
    if one.observed is None:
        return tr("{who} and the model: no time in common yet.", who=who)
    text = tr(
        "{who} and the model: Cohen's κ {kappa}; the same label {share} of {time}.",
        who=who,
        kappa=_number(one.kappa),
        share=percent(one.observed),
        time=duration_text(one.compared / rate),
    )
    if one.undecided >= rate:
        undecided = duration_text(one.undecided / rate)
        text += " " + tr("The model gave no emotion for {time}.", time=undecided)
    return text


def _between(one: TierAgreement, rate: int, me: str) -> Iterator[str]:
    about = f"{one.tier}: " if one.tier else ""
    for pair in one.pairs:
        names = {"who": _who(pair.one, me), "other": _who(pair.other, me)}
        if pair.observed is None:
            yield about + tr("{who} and {other}: no time in common yet.", **names)
            continue
        yield about + tr(
            "{who} and {other}: Cohen's κ {kappa}; the same label {share} of {time}.",
            **names,
            kappa=_number(pair.kappa),
            share=percent(pair.observed),
            time=duration_text(pair.compared / rate),
        )
    yield about + tr(
        "All {count}: Fleiss' κ {fleiss}, Krippendorff's α {alpha}.",
        count=len(one.annotators),
        fleiss=_number(one.fleiss),
        alpha=_number(one.alpha),
    )


def _traced(one: TraceAgreement, rate: int) -> str:
    return (
        dimension_name(one.dimension)
        + ": "
        + ntr(
            "{count} annotator: Krippendorff's α {alpha} over {time}.",
            "{count} annotators: Krippendorff's α {alpha} over {time}.",
            len(one.annotators),
            alpha=_number(one.alpha),
            time=duration_text(one.shared / rate),
        )
    )
