"""Analyses as files that other programs read."""

from __future__ import annotations

import csv
import json
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TextIO

from emolive.engine.offline import FileAnalysis
from emolive.types import FloatArray

_TIME_DIGITS = 6  # below one sample
_SHARE_DIGITS = 6

JsonValue = str | int | float | bool | None | list["JsonValue"] | dict[str, "JsonValue"]


def seconds(sample: int, rate: int) -> float:
    """A sample index as seconds, rounded below one sample."""
    return round(sample / rate, _TIME_DIGITS)


def named(probabilities: FloatArray | None, labels: tuple[str, ...]) -> dict[str, JsonValue]:
    """Probabilities by label; empty without speech, so that readers always find an object."""
    if probabilities is None:
        return {}
    return {
        label: round(float(p), _SHARE_DIGITS)
        for label, p in zip(labels, probabilities, strict=True)
    }


def analysis_dict(analysis: FileAnalysis) -> dict[str, JsonValue]:
    """The analysis in the shape of the JSON export.

    `summary` pools the windows with speech: the mean of their calibrated probabilities and its
    leading label. Without any speech its `probabilities` are empty and its `label` is null.
    """
    rate = analysis.metadata.front_end.sampling_rate
    labels = analysis.labels
    return {
        "file": str(analysis.file),
        "duration_s": round(analysis.duration_s, _TIME_DIGITS),
        "sample_rate": analysis.sample_rate,
        "model": analysis.model,
        "labels": list(labels),
        "windows": [
            {
                "start_s": seconds(window.start_sample, rate),
                "end_s": seconds(window.end_sample, rate),
                "state": window.state.value,
                "speech_ratio": round(window.speech_ratio, _SHARE_DIGITS),
                "probabilities": named(window.probabilities, labels),
            }
            for window in analysis.windows
        ],
        "segments": [
            {
                "start_s": seconds(segment.start_sample, rate),
                "end_s": seconds(segment.end_sample, rate),
                "label": segment.label,
                "confidence": round(segment.confidence, _SHARE_DIGITS),
            }
            for segment in analysis.segments
        ],
        "summary": {
            "probabilities": named(analysis.probabilities, labels),
            "label": analysis.label,
        },
    }


def write_json(analysis: FileAnalysis, path: Path) -> None:
    """Write one JSON object (see `analysis_dict`); the file appears whole or not at all.

    Raises:
        OSError: the file cannot be written.
    """
    with _replacing(path) as file:
        json.dump(analysis_dict(analysis), file, indent=1)
        file.write("\n")


def write_csv(analysis: FileAnalysis, path: Path) -> None:
    """Write one row per window; the file appears whole or not at all.

    Columns: file, start_s, end_s, state, label, confidence, speech_ratio, then ``p_<label>`` for
    each emotion. Label and probabilities are empty where there is nothing to say.

    Raises:
        OSError: the file cannot be written.
    """
    rate = analysis.metadata.front_end.sampling_rate
    columns = ["file", "start_s", "end_s", "state", "label", "confidence", "speech_ratio"]
    with _replacing(path) as file:
        writer = csv.writer(file)
        writer.writerow(columns + [f"p_{label}" for label in analysis.labels])
        for window in analysis.windows:
            shares = named(window.probabilities, analysis.labels)
            writer.writerow(
                [
                    str(analysis.file),
                    seconds(window.start_sample, rate),
                    seconds(window.end_sample, rate),
                    window.state.value,
                    window.label or "",
                    round(window.confidence, _SHARE_DIGITS),
                    round(window.speech_ratio, _SHARE_DIGITS),
                    *(shares.get(label, "") for label in analysis.labels),
                ]
            )


@contextmanager
def _replacing(path: Path) -> Iterator[TextIO]:
    """A text file beside `path` that takes its place once it is complete."""
    partial = path.with_name(f".{path.name}.{os.getpid()}.partial")
    try:
        # File names need not be valid text: what cannot be encoded is written as an escape.
        with partial.open("w", encoding="utf-8", errors="backslashreplace", newline="") as file:
            yield file
        os.replace(partial, path)
    finally:
        partial.unlink(missing_ok=True)
