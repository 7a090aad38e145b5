"""How far a person's marks and the model agree, in words."""

from __future__ import annotations

from collections.abc import Sequence

from emolive.i18n import tr
from emolive.session.agreement import Agreement, agreements
from emolive.session.audit_log import login_name
from emolive.session.records import Annotation
from emolive.session.session_history import SessionHistory
from emolive.times import duration_text
from emolive.wording import minus, percent


def agreement_text(session: SessionHistory, marks: Sequence[Annotation]) -> str:
    """One paragraph per annotator; "" where nobody gave a label."""
    streams = [stream.name for stream in session.streams]
    segments = [segment for stream in session.streams for segment in stream.segments]
    found = agreements(streams, segments, marks)
    return "\n".join(_words(one, session.info.rate) for one in found)


def _words(one: Agreement, rate: int) -> str:
    who = one.annotator if one.annotator not in ("", login_name()) else tr("You")
    if one.observed is None:
        return tr("{who} and the model: no time in common yet.", who=who)
    kappa = one.kappa
    shown = tr("not defined") if kappa is None else minus(f"{kappa:.2f}")
    text = tr(
        "{who} and the model: Cohen's κ {kappa}; the same label {share} of {time}.",
        who=who,
        kappa=shown,
        share=percent(one.observed),
        time=duration_text(one.compared / rate),
    )
    if one.undecided >= rate:
        undecided = duration_text(one.undecided / rate)
        text += " " + tr("The model gave no emotion for {time}.", time=undecided)
    return text
