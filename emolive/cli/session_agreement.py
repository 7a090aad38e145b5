"""`emolive sessions agreement`: how far those who marked a session agree."""

from __future__ import annotations

from collections.abc import Iterator

from emolive.cli.loading import open_library
from emolive.cli.options import JsonReport, LibraryOption, SessionArgument
from emolive.cli.outcome import DONE, print_json, say
from emolive.errors import SessionError
from emolive.i18n import decimal, tr
from emolive.session.agreement import (
    Agreement,
    TierAgreement,
    TraceAgreement,
    annotator_agreements,
    timeline_agreements,
    trace_agreements,
)
from emolive.session.agreement_words import dimension_name
from emolive.session.timeline import Timeline
from emolive.times import seconds_text
from emolive.wording import percent


def show_agreement(
    session: SessionArgument,
    as_json: JsonReport = False,
    library: LibraryOption = None,
) -> int:
    """Show how far people who marked a session agree, with the model and with each other.

    Cohen's kappa of each with the model and of each pair, Fleiss' kappa and Krippendorff's alpha of
    all; concordance (Lin) and alpha of what they rated continuously.
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
        print_json(document)
        return DONE
    if not (any(mark.label for mark in timeline.annotations) or timeline.traces):
        raise SessionError("Nobody labelled anything in this session: mark stretches in the app.")
    lines = [_model_line(one, rate) for one in model]
    lines += [line for one in people for line in _tier_lines(one, rate)]
    lines += [line for one in traces for line in _trace_lines(one, rate)]
    for line in lines or [
        tr("There is nothing to compare yet: one annotator, and not the emotions.")
    ]:
        say(line)
    return DONE


def _name(annotator: str) -> str:
    return annotator or tr("annotator")


def _both(one: str, other: str) -> str:
    return tr("{one} and {other}", one=_name(one), other=_name(other))


def _number(value: float | None) -> str:
    return tr("not defined") if value is None else decimal(value, 2)


def _model_line(one: Agreement, rate: int) -> str:
    kappa = tr("no kappa (one label only)")
    if one.kappa is not None:
        kappa = tr("kappa {kappa}", kappa=decimal(one.kappa, 2))
    if one.observed is not None:
        kappa = tr("{kappa}, same label {share}", kappa=kappa, share=percent(one.observed))
    return tr(
        "{who} and the model: {kappa} of {time}; the model decided on {share} of what was labelled",
        who=_name(one.annotator),
        kappa=kappa,
        time=seconds_text(one.compared / rate),
        share=percent(one.coverage),
    )


def _tier_lines(one: TierAgreement, rate: int) -> Iterator[str]:
    about = one.tier or tr("emotion")
    for pair in one.pairs:
        shared = tr("no time in common")
        if pair.observed is not None:
            shared = tr(
                "Cohen's kappa {kappa}, same label {share} of {time}",
                kappa=_number(pair.kappa),
                share=percent(pair.observed),
                time=seconds_text(pair.compared / rate),
            )
        yield f"{about}: {_both(pair.one, pair.other)}: {shared}"
    told = tr(
        "{number} annotators: Fleiss' kappa {fleiss} over the {time} that all labelled, "
        "Krippendorff's alpha {alpha} over the {twice} that two or more did",
        number=len(one.annotators),
        fleiss=_number(one.fleiss),
        time=seconds_text(one.shared / rate),
        alpha=_number(one.alpha),
        twice=seconds_text(one.labelled_twice / rate),
    )
    yield f"{about}: {told}"


def _trace_lines(one: TraceAgreement, rate: int) -> Iterator[str]:
    about = dimension_name(one.dimension).lower()
    for first, second, value in one.pairs:
        agreed = tr("concordance {number}", number=_number(value))
        yield f"{about}: {_both(first, second)}: {agreed}"
    told = tr(
        "{number} annotators: Krippendorff's alpha (interval) {alpha} over {time}",
        number=len(one.annotators),
        alpha=_number(one.alpha),
        time=seconds_text(one.shared / rate),
    )
    yield f"{about}: {told}"


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
                "observed": pair.observed,
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
