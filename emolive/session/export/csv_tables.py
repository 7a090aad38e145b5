"""CSV: the windows as a table; of a session also its segments and annotations, in files beside."""

from __future__ import annotations

from pathlib import Path

from emolive.session.export.atomic import beside
from emolive.session.export.csv_file import PLAIN, SPREADSHEET, Dialect, write_rows
from emolive.session.export.tables import tables
from emolive.session.timeline import Timeline


def write_csv(timeline: Timeline, path: Path, dialect: Dialect = PLAIN) -> None:
    """Write the timeline's `tables`: ``talk.csv``, ``talk.segments.csv``, ...

    Raises:
        OSError: a file cannot be written.
    """
    for table in tables(timeline):
        target = beside(path, table.part) if table.part else path
        write_rows(target, list(table.columns), table.rows, dialect)


def write_spreadsheet_csv(timeline: Timeline, path: Path) -> None:
    """`write_csv` for spreadsheets: semicolons, decimal commas and a byte order mark.

    Raises:
        OSError: a file cannot be written.
    """
    write_csv(timeline, path, SPREADSHEET)
