"""Names and numbers for people, in the language in use."""

from __future__ import annotations

import math
import re
from collections.abc import Mapping, Sequence
from typing import Any

from emolive.i18n import alternatives, decimal, mark, ntr, tr
from emolive.types import Baseline, Familiarity, Role, Severity, SpeechState, Stream

_STATES = {
    SpeechState.SPEECH: mark("speech"),
    SpeechState.SILENCE: mark("silence"),
    SpeechState.UNCERTAIN: mark("uncertain"),
    SpeechState.NOT_INFERRED: mark("not inferred"),
}
_FAMILIARITY = {
    Familiarity.FAMILIAR: mark("familiar"),
    Familiarity.UNUSUAL: mark("unusual"),
    Familiarity.UNLIKE: mark("unlike anything this model was trained on"),
}
_SEVERITIES = {
    Severity.INFO: mark("notice"),
    Severity.WARNING: mark("warning"),
    Severity.CRITICAL: mark("critical"),
}
_STREAMS = {
    "mono": mark("mono"),
    "left": mark("left"),
    "right": mark("right"),
    "agent": mark("agent"),
    "customer": mark("customer"),
    "both": mark("both parties"),
    "microphone": mark("microphone"),
    "computer": mark("computer"),
}


# What Pydantic says, by its name for the problem; in the words of files, not of Python.
_COMPLAINTS = {
    "missing": mark("is missing"),
    "extra_forbidden": mark("is not known"),
    "tuple_type": mark("must be a list"),
    "list_type": mark("must be a list"),
    "frozen_set_type": mark("must be a list"),
    "sequence_str": mark("must be a list"),
    "too_short": mark("must have an entry"),
    "too_long": mark("has too many entries"),
    "model_type": mark("must be a {record}"),
    "model_attributes_type": mark("must be a {record}"),
    "dict_type": mark("must be a {record}"),
    "is_instance_of": mark("is of the wrong type"),
    "json_invalid": mark("is not valid JSON"),
    "uuid_parsing": mark("must be a UUID"),
    "uuid_type": mark("must be a UUID"),
    "path_type": mark("must be a path"),
    "datetime_type": mark("must be a date and a time"),
    "datetime_parsing": mark("must be a date and a time"),
    "datetime_from_date_parsing": mark("must be a date and a time"),
    "timezone_aware": mark("must have a time zone"),
    "string_pattern_mismatch": mark("must have the form {pattern}"),
    "invalid_key": mark("has a key that is no text"),
    "union_tag_invalid": mark("{discriminator} must be {expected_tags}"),
    "union_tag_not_found": mark("{discriminator} is missing"),
    "greater_than": mark("must be greater than {gt}"),
    "greater_than_equal": mark("must be greater than or equal to {ge}"),
    "less_than": mark("must be less than {lt}"),
    "less_than_equal": mark("must be less than or equal to {le}"),
    "finite_number": mark("must be a finite number"),
    "float_type": mark("must be a valid number"),
    "float_parsing": mark("must be a valid number"),
    "int_type": mark("must be a valid integer"),
    "int_parsing": mark("must be a valid integer"),
    "int_parsing_size": mark("must be a valid integer"),
    "int_from_float": mark("must be a valid integer"),
    "string_type": mark("must be a valid string"),
    "bool_type": mark("must be a valid boolean"),
    "bool_parsing": mark("must be a valid boolean"),
    "literal_error": mark("must be {expected}"),
    "enum": mark("must be {expected}"),
}


def state_name(state: SpeechState) -> str:
    """What a window holds, in a word."""
    return tr(_STATES[state])


def severity_name(severity: Severity) -> str:
    """How grave an alert is, in a word."""
    return tr(_SEVERITIES[severity])


def familiarity_text(word: Familiarity) -> str:
    """How sound compares with what the model was trained on."""
    return tr(_FAMILIARITY[word])


def adapted_text(baseline: Baseline) -> str:
    """How far answers are adapted to their source."""
    if baseline.minutes < 1:
        return tr("not adapted yet: this source is new")
    return tr("adapted to this source: {minutes} min", minutes=decimal(baseline.minutes, 0))


def readapted_text(windows: int, changed: int, baselines: Sequence[Baseline]) -> str:
    """What deciding a stored session anew came to, in a sentence."""
    how = tr("the model's own answers")
    if baselines:
        how = ", ".join(dict.fromkeys(adapted_text(one) for one in baselines))
    return tr(
        "{how}; {changed} of {windows} answers are other ones now.",
        how=how,
        changed=changed,
        windows=windows,
    )


def consequence_text(model: str, alarms: float, found: float) -> str:
    """What adapting led to: shares of false alarms and of angry speech found, as without it."""
    less = tr("{share} less angry speech is found", share=percent(1 - found))
    return tr(
        "Measured with {model}, at its own threshold, on voices it never heard: {share} fewer "
        "false alarms, and {found}.",
        model=model,
        share=percent(1 - alarms),
        found=tr("no less angry speech is found") if round(found, 2) >= 1 else less,
    )


def stream_name(stream: str) -> str:
    """A stream's name."""
    return tr(_STREAMS[stream]) if stream in _STREAMS else stream


def role_name(role: Role) -> str:
    """Who it is, for a sentence."""
    return tr("the agent") if role is Role.AGENT else tr("the customer")


def party_name(stream: Stream) -> str:
    """Whom a stream is of, for a sentence."""
    return stream_name(stream.name) if stream.role is None else role_name(stream.role)


def percent(share: float, digits: int = 0) -> str:
    """``42 %``, with a space that does not break."""
    return tr("{number}\u00a0%", number=decimal(100 * share, digits))


def signed(value: float, digits: int = 0) -> str:
    """``+3`` or ``−3``, with a real minus."""
    return f"{'' if value < 0 else '+'}{decimal(value, digits)}"


def signed_percent(share: float, digits: int = 0) -> str:
    """``+3 %`` or ``−3 %``."""
    return tr("{number}\u00a0%", number=signed(100 * share, digits))


def size_text(size: int) -> str:
    """Bytes for people: ``12.4 MB``."""
    if size < 1_000_000:
        return tr("{size} kB", size=math.ceil(size / 1000))
    unit, divisor = ("MB", 1e6) if size < 1_000_000_000 else ("GB", 1e9)
    return tr("{size} {unit}", size=decimal(size / divisor, 1), unit=unit)


# Pydantic's subject: the value's name stands there already.
_SHOULD = re.compile(r"^\w+ should\b")


def complaint(error: Mapping[str, Any], record: str) -> str:
    """What is wrong with a value, as what follows its name.

    `error` is the problem as Pydantic has it; `record` is what a record with named fields is called
    where the value stands.
    """
    kind = error["type"]
    if kind == "value_error":  # one of ours
        return str(error["ctx"]["error"])
    values = {
        name: f"{value:g}" if isinstance(value, float) else str(value)
        for name, value in error.get("ctx", {}).items()
    }
    if known := _COMPLAINTS.get(kind):
        for name in ("expected", "expected_tags"):
            if quoted := re.findall(r"'[^']*'", values.get(name, "")):
                values[name] = alternatives(quoted)
        return tr(known, **(values | {"record": record}))
    if kind == "string_too_short":
        least = int(values["min_length"])
        return ntr(
            "must have at least {count} character", "must have at least {count} characters", least
        )
    if kind == "string_too_long":
        most = int(values["max_length"])
        return ntr(
            "must have at most {count} character", "must have at most {count} characters", most
        )
    return _SHOULD.sub("must", str(error["msg"]))
