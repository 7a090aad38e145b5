"""Parquet: the same tables as CSV, with types."""

from __future__ import annotations

from pathlib import Path

from emolive.errors import EmoliveError
from emolive.extras import way_to_get
from emolive.plain_text import valid_text
from emolive.session.export.atomic import beside, replacing
from emolive.session.export.tables import Row, tables
from emolive.session.export.values import TIME_DIGITS
from emolive.session.timeline import Timeline


def check_parquet() -> None:
    """Make sure that Parquet can be written, before work is put into what to write.

    Raises:
        EmoliveError: pyarrow is not installed.
    """
    try:
        import pyarrow  # noqa: F401
    except ImportError as error:
        raise EmoliveError(
            "Parquet needs an extra: {way}, or use csv.", way=way_to_get("export")
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
