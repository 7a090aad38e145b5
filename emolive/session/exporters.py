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
from emolive.errors import EmoliveError
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
    with _replacing(path) as partial, _text(partial) as file:
        json.dump(analysis_dict(analysis), file, indent=1)
        file.write("\n")


def window_rows(analysis: FileAnalysis) -> Iterator[dict[str, JsonValue]]:
    """One flat row per window, the columns of the table formats.

    Columns: file, start_s, end_s, state, label, confidence, speech_ratio, then ``p_<label>`` for
    each emotion. Label and probabilities are None where there is nothing to say.
    """
    rate = analysis.metadata.front_end.sampling_rate
    for window in analysis.windows:
        shares = named(window.probabilities, analysis.labels)
        row: dict[str, JsonValue] = {
            "file": str(analysis.file),
            "start_s": seconds(window.start_sample, rate),
            "end_s": seconds(window.end_sample, rate),
            "state": window.state.value,
            "label": window.label,
            "confidence": round(window.confidence, _SHARE_DIGITS),
            "speech_ratio": round(window.speech_ratio, _SHARE_DIGITS),
        }
        yield row | {f"p_{label}": shares.get(label) for label in analysis.labels}


def _columns(analysis: FileAnalysis) -> dict[str, type]:
    """Names and types of the columns of `window_rows`."""
    texts = dict.fromkeys(("file", "state", "label"), str)
    order = ("file", "start_s", "end_s", "state", "label", "confidence", "speech_ratio")
    names = (*order, *(f"p_{label}" for label in analysis.labels))
    return {name: texts.get(name, float) for name in names}


def write_csv(analysis: FileAnalysis, path: Path) -> None:
    """Write `window_rows` as CSV; the file appears whole or not at all.

    Raises:
        OSError: the file cannot be written.
    """
    with _replacing(path) as partial, _text(partial) as file:
        writer = csv.DictWriter(file, list(_columns(analysis)))
        writer.writeheader()
        writer.writerows(window_rows(analysis))


def check_parquet() -> None:
    """Make sure that Parquet can be written, before work is put into what to write.

    Raises:
        EmoliveError: pyarrow is not installed.
    """
    try:
        import pyarrow  # noqa: F401
    except ImportError as error:
        raise EmoliveError(
            "Parquet needs the export extra: run `pip install 'emolive[export]'`, or use csv."
        ) from error


def write_parquet(analysis: FileAnalysis, path: Path) -> None:
    """Write `window_rows` as Parquet; the file appears whole or not at all.

    Model, labels, sampling rate and duration are in the schema's metadata.

    Raises:
        EmoliveError: pyarrow is not installed.
        OSError: the file cannot be written.
    """
    check_parquet()
    import pyarrow as pa
    import pyarrow.parquet as pq

    types = {str: pa.string(), float: pa.float64()}
    about = {
        "model": analysis.model,
        "labels": ",".join(analysis.labels),
        "sample_rate": str(analysis.sample_rate),
        "duration_s": str(round(analysis.duration_s, _TIME_DIGITS)),
    }
    fields = [(name, types[kind]) for name, kind in _columns(analysis).items()]
    table = pa.Table.from_pylist(list(window_rows(analysis)), pa.schema(fields, about))
    with _replacing(path) as partial:
        pq.write_table(table, partial)


@contextmanager
def _replacing(path: Path) -> Iterator[Path]:
    """A file beside `path` that takes its place once it is complete."""
    partial = path.with_name(f".{path.name}.{os.getpid()}.partial")
    try:
        yield partial
        os.replace(partial, path)
    finally:
        partial.unlink(missing_ok=True)


def _text(path: Path) -> TextIO:
    # File names need not be valid text: what cannot be encoded is written as an escape.
    return path.open("w", encoding="utf-8", errors="backslashreplace", newline="")
