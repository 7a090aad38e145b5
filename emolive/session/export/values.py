"""Numbers and names as they stand in exports."""

from __future__ import annotations

import re

from emolive.inference.doubt import second_emotion
from emolive.plain_text import valid_text
from emolive.types import Baseline, FloatArray, Prediction, Shift, Stream

TIME_DIGITS = 6  # below one sample up to 500 kHz
SHARE_DIGITS = 6

_NOT_XML = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
_LINE_ENDS = re.compile("\r\n|[\r\x85\u2028\u2029]")
# What editors and `str.splitlines` take for a line break, and tabs.
_BREAKS = re.compile("[\t\n\v\f\r\x1c-\x1e\x85\u2028\u2029]+")

JsonValue = str | int | float | bool | None | list["JsonValue"] | dict[str, "JsonValue"]


def seconds(sample: int, rate: int) -> float:
    """A sample index as seconds, rounded below one sample."""
    return round(sample / rate, TIME_DIGITS)


def decimal_seconds(sample: int, rate: int) -> str:
    """A sample index as plain decimal seconds, never with an exponent, rounded below one sample."""
    return f"{sample / rate:.{TIME_DIGITS + 1}f}"


def milliseconds(sample: int, rate: int) -> int:
    """A sample index as whole milliseconds, the nearest: for formats that have no finer unit."""
    return (sample * 2000 + rate) // (2 * rate)


def named(probabilities: FloatArray | None, labels: tuple[str, ...]) -> dict[str, JsonValue]:
    """Probabilities by label; empty without an answer, so that readers always find an object."""
    if probabilities is None:
        return {}
    return {
        label: round(float(p), SHARE_DIGITS) for label, p in zip(labels, probabilities, strict=True)
    }


def shift_fields(shift: Shift | None) -> dict[str, JsonValue]:
    """How far a window's sound is from the model's training data; nothing where it is not known."""
    if shift is None:
        return {}
    return {"shift": round(shift.value, SHARE_DIGITS), "familiarity": shift.word.value}


def stream_fields(stream: Stream) -> dict[str, JsonValue]:
    """What is known of a stream, but for its name."""
    return {
        "role": stream.role and stream.role.value,
        "emotion": stream.emotion,
        "native_rate": stream.native_rate,
        "band": stream.band and stream.band.value,
    }


def baseline_object(baseline: Baseline | None) -> JsonValue:
    """How far answers are adapted to their source; None: not at all."""
    if baseline is None:
        return None
    return {
        "source": baseline.source,
        "minutes": round(baseline.minutes, 2),
        "sessions": baseline.sessions,
        "strength": round(baseline.strength, 4),
        "expected_neutral": baseline.expected_neutral,
    }


def mixed_fields(window: Prediction, labels: tuple[str, ...]) -> dict[str, JsonValue]:
    """The second emotion of an answer that holds two; nothing where it is one, or none."""
    second = second_emotion(window.probabilities, window.label, labels)
    return {} if second is None else {"mixed_with": second}


def raw_fields(window: Prediction, labels: tuple[str, ...]) -> dict[str, JsonValue]:
    """The model's own probabilities of an adapted answer; nothing where it is not adapted."""
    if window.raw_probabilities is None:
        return {}
    return {"raw_probabilities": named(window.raw_probabilities, labels)}


def plain_text(text: str) -> str:
    """Text that any encoding, XML 1.0 and readers with their own idea of line ends can hold.

    File names need not be valid text, and control characters are no XML: both become escapes. Every
    line break becomes a line feed.
    """
    lines = _LINE_ENDS.sub("\n", valid_text(text))
    return _NOT_XML.sub(lambda found: f"\\x{ord(found[0]):02x}", lines)


def one_line(text: str) -> str:
    """`plain_text` without tabs and line breaks, which become spaces."""
    return " ".join(part for part in _BREAKS.split(plain_text(text)) if part)
