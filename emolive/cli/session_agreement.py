"""What `sessions agreement` does."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

from emolive.cli.outcome import DONE, say
from emolive.cli.session_commands import open_library
from emolive.errors import SessionError
from emolive.session.agreement import Agreement, timeline_agreements
from emolive.session.annotator_agreement import (
    TierAgreement,
    TraceAgreement,
    annotator_agreements,
    trace_agreements,
)
from emolive.session.timeline import Timeline
from emolive.times import seconds_text

NOBODY = "annotator"  # one without a name


def run_agreement(library: Path | None, session: str, *, as_json: bool) -> int:
    """Print each annotator's agreement with the model, and with the others.

    Raises:
        SessionError: there is no such session, or nobody marked or rated anything in it.
    """
    with open_library(library) as opened:
        timeline = Timeline.of_session(opened, session)
    model = timeline_agreements(timeline)
    streams = [stream.name for stream in timeline.streams]
    people = annotator_agreements(streams, timeline.annotations)
    traces = trace_agreements(timeline.traces)
    rate = timeline.rate
    if as_json:
        document = {
            "with_model": [_model_object(one, rate) for one in model],
            "between_annotators": [_tier_object(one, rate) for one in people],
            "continuous": [_trace_object(one, rate) for one in traces],
        }
        say(json.dumps(document, indent=1))
        return DONE
    if not (any(mark.label for mark in timeline.annotations) or timeline.traces):
        raise SessionError("Nobody labelled anything in this session: mark stretches in the app.")
    lines = [_model_line(one, rate) for one in model]
    lines += [line for one in people for line in _tier_lines(one, rate)]
    lines += [line for one in traces for line in _trace_lines(one, rate)]
    for line in lines or ["There is nothing to compare yet: one annotator, and not the emotions."]:
        say(line)
    return DONE


def _number(value: float | None) -> str:
    return "not defined" if value is None else f"{value:.2f}"


def _model_line(one: Agreement, rate: int) -> str:
    kappa = "no kappa (one label only)" if one.kappa is None else f"kappa {one.kappa:.2f}"
    same = "" if one.observed is None else f", same label {one.observed:.0%}"
    return (
        f"{one.annotator or NOBODY} and the model: {kappa}{same} of "
        f"{one.compared / rate:.1f} s; the model decided on {one.coverage:.0%} of "
        "what was labelled"
    )


def _tier_lines(one: TierAgreement, rate: int) -> Iterator[str]:
    for pair in one.pairs:
        shared = (
            f"Cohen's kappa {_number(pair.kappa)}, same label "
            f"{pair.same / pair.compared:.0%} of {seconds_text(pair.compared / rate)}"
            if pair.compared
            else "no time in common"
        )
        yield f"{one.tier or 'emotion'}: {pair.one or NOBODY} and {pair.other or NOBODY}: {shared}"
    yield (
        f"{one.tier or 'emotion'}: {len(one.annotators)} annotators: Fleiss' kappa "
        f"{_number(one.fleiss)} over the {seconds_text(one.shared / rate)} that all labelled, "
        f"Krippendorff's alpha {_number(one.alpha)} over the "
        f"{seconds_text(one.labelled_twice / rate)} that two or more did"
    )


def _trace_lines(one: TraceAgreement, rate: int) -> Iterator[str]:
    for first, second, value in one.pairs:
        names = f"{first or NOBODY} and {second or NOBODY}"
        yield f"{one.dimension}: {names}: concordance {_number(value)}"
    yield (
        f"{one.dimension}: {len(one.annotators)} annotators: Krippendorff's alpha (interval) "
        f"{_number(one.alpha)} over {seconds_text(one.shared / rate)}"
    )


def _model_object(one: Agreement, rate: int) -> dict[str, object]:
    return {
        "annotator": one.annotator,
        "kappa": one.kappa,
        "observed": one.observed,
        "coverage": one.coverage,
        "compared_s": one.compared / rate,
        "undecided_s": one.undecided / rate,
        "contradictory_s": one.contradictory / rate,
        "confusion": [
            {"human": human, "model": model, "seconds": samples / rate}
            for (human, model), samples in sorted(one.confusion.items())
        ],
    }


def _tier_object(one: TierAgreement, rate: int) -> dict[str, object]:
    return {
        "tier": one.tier,
        "annotators": list(one.annotators),
        "pairs": [
            {
                "annotators": [pair.one, pair.other],
                "cohen_kappa": pair.kappa,
                "observed": pair.same / pair.compared if pair.compared else None,
                "compared_s": pair.compared / rate,
            }
            for pair in one.pairs
        ],
        "fleiss_kappa": one.fleiss,
        "fleiss_s": one.shared / rate,
        "krippendorff_alpha": one.alpha,
        "krippendorff_s": one.labelled_twice / rate,
        "contradictory_s": one.contradictory / rate,
    }


def _trace_object(one: TraceAgreement, rate: int) -> dict[str, object]:
    return {
        "dimension": one.dimension.value,
        "annotators": list(one.annotators),
        "pairs": [
            {"annotators": [first, second], "concordance": value}
            for first, second, value in one.pairs
        ],
        "krippendorff_alpha": one.alpha,
        "krippendorff_s": one.shared / rate,
    }
