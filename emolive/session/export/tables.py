"""Flat tables of a timeline, which CSV writes, and Parquet, with types."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path

import numpy as np

from emolive.errors import EmoliveError
from emolive.extras import way_to_get
from emolive.plain_text import one_line, valid_text
from emolive.session.export.atomic import beside, replacing
from emolive.session.export.values import SHARE_DIGITS, TIME_DIGITS, JsonValue, named, seconds
from emolive.session.records import Dimension
from emolive.session.timeline import Timeline

Row = Mapping[str, JsonValue]
Columns = dict[str, type[str] | type[float]]


@dataclass(frozen=True, slots=True)
class Table:
    """Rows with typed columns; `part` names the table, "" the main one (the windows)."""

    part: str
    columns: Mapping[str, type[str] | type[float]]
    rows: Iterable[Row]


def tables(timeline: Timeline) -> Iterator[Table]:
    """The tables of a timeline.

    One stream of a file is only its windows. Everything else (several streams, a session) has two
    more tables: segments, and annotations (file, stream, start_s, end_s, label, comment,
    annotator, tier), where no stream means all of them, and no tier the emotions. Where somebody
    rated continuously, there are traces (file, start_s, end_s, annotator, valence, arousal). What
    there is nothing to say about is None.
    """
    yield window_table(timeline)
    if not timeline.plain:
        yield segment_table(timeline)
        said: Columns = {"label": str, "comment": str, "annotator": str, "tier": str}
        yield Table("annotations", {**_place(timeline), **said}, _annotations(timeline))
    if timeline.traces:
        yield trace_table(timeline)


def window_table(timeline: Timeline) -> Table:
    """The windows: file, start_s, end_s, state, label, confidence, speech_ratio, ``p_<label>``.

    Where answers are adapted to their source, ``raw_<label>`` are the model's own.
    Other than one stream of a file has the column `stream` after `file`.
    """
    answer: Columns = {"state": str, "label": str, "confidence": float, "speech_ratio": float}
    shares: Columns = {f"p_{label}": float for label in timeline.labels}
    raw: Columns = {}
    if timeline.baselines:
        raw = {f"raw_{label}": float for label in timeline.labels}
    return Table("", {**_place(timeline), **answer, **shares, **raw}, _windows(timeline))


def segment_table(timeline: Timeline) -> Table:
    """The segments: file, start_s, end_s, label, confidence, and `stream` as for windows."""
    answer: Columns = {"label": str, "confidence": float}
    rows = (
        {
            **_where(timeline, segment.stream, segment.start_sample, segment.end_sample),
            "label": segment.label,
            "confidence": round(segment.confidence, SHARE_DIGITS),
        }
        for segment in timeline.segments
    )
    return Table("segments", {**_place(timeline), **answer}, rows)


def _place(timeline: Timeline) -> Columns:
    stream: Columns = {} if timeline.plain else {"stream": str}
    return {"file": str, **stream, "start_s": float, "end_s": float}


def _windows(timeline: Timeline) -> Iterator[Row]:
    adapted = bool(timeline.baselines)
    for window in timeline.windows:
        shares = named(window.probabilities, timeline.labels)
        raw = named(window.raw_probabilities, timeline.labels)
        yield {
            **_where(timeline, window.stream, window.start_sample, window.end_sample),
            "state": window.state.value,
            "label": window.label,
            "confidence": round(window.confidence, SHARE_DIGITS),
            "speech_ratio": round(window.speech_ratio, SHARE_DIGITS),
            **{f"p_{label}": shares.get(label) for label in timeline.labels},
            **({f"raw_{label}": raw.get(label) for label in timeline.labels} if adapted else {}),
        }


def _annotations(timeline: Timeline) -> Iterator[Row]:
    for one in timeline.annotations:
        yield {
            **_where(timeline, one.stream, one.start_sample, one.end_sample),
            "label": one.label,
            "comment": one.comment,
            "annotator": one.annotator,
            "tier": one.tier,
        }


def trace_table(timeline: Timeline) -> Table:
    """What people rated continuously, a row per annotator and step with a value."""
    rated: Columns = {"annotator": str, **{dimension.value: float for dimension in Dimension}}
    place: Columns = {"file": str, "start_s": float, "end_s": float}
    return Table("traces", {**place, **rated}, _traces(timeline))


def _traces(timeline: Timeline) -> Iterator[Row]:
    for annotator, step in dict.fromkeys((t.annotator, t.step_samples) for t in timeline.traces):
        file = one_line(timeline.source)
        ours = [
            one for one in timeline.traces if (one.annotator, one.step_samples) == (annotator, step)
        ]
        for cell in range(max(one.values.size for one in ours)):
            given: dict[str, JsonValue] = {
                one.dimension.value: round(float(one.values[cell]), SHARE_DIGITS)
                for one in ours
                if cell < one.values.size and not np.isnan(one.values[cell])
            }
            if given:
                yield {
                    "file": file,
                    "start_s": seconds(cell * step, timeline.rate),
                    "end_s": seconds((cell + 1) * step, timeline.rate),
                    "annotator": annotator,
                    **given,
                }


def _where(timeline: Timeline, stream: str | None, start: int, end: int) -> Row:
    where: dict[str, JsonValue] = {"file": one_line(timeline.source)}
    if not timeline.plain:
        where["stream"] = stream
    return where | {
        "start_s": seconds(start, timeline.rate),
        "end_s": seconds(end, timeline.rate),
    }


def check_parquet() -> None:
    """Make sure that Parquet can be written, before work is put into what to write.

    Raises:
        EmoliveError: pyarrow is not installed.
    """
    check_written_by("pyarrow", "Parquet")


def check_written_by(package: str, form: str) -> None:
    """Make sure that the package is there that writes a form of export.

    Raises:
        EmoliveError: it is not installed.
    """
    try:
        import_module(package)
    except ImportError as error:
        raise EmoliveError(
            "{form} needs an extra: {way}, or use csv.", form=form, way=way_to_get("export")
        ) from error


def write_parquet(timeline: Timeline, path: Path) -> None:
    """Write the timeline's `tables`: ``talk.parquet``, ``talk.segments.parquet``, ...

    Model, labels, sampling rate and duration are in each schema's metadata.

    Raises:
        EmoliveError: pyarrow is not installed.
        OSError: a file cannot be written.
    """
    check_parquet()
    import pyarrow as pa
    import pyarrow.parquet as pq

    types = {str: pa.string(), float: pa.float64()}
    about = {
        "model": timeline.model,
        "labels": ",".join(timeline.labels),
        "sample_rate": str(timeline.sample_rate),
        "duration_s": str(round(timeline.duration_s, TIME_DIGITS)),
    }
    if timeline.started_at is not None:
        about["started_at"] = timeline.started_at.isoformat()
    for table in tables(timeline):
        fields = [(name, types[kind]) for name, kind in table.columns.items()]
        target = beside(path, table.part) if table.part else path
        content = pa.Table.from_pylist(list(map(_valid, table.rows)), pa.schema(fields, about))
        # Given a name, pyarrow wants it to be valid text, which names of files need not be.
        with replacing(target) as partial, partial.open("wb") as file:
            pq.write_table(content, file)


def _valid(row: Row) -> dict[str, object]:
    return {name: valid_text(v) if isinstance(v, str) else v for name, v in row.items()}
