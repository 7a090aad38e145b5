"""CSV files: as programs read them, and as spreadsheets do where decimals have a comma.

Names and comments may come from anybody, and a spreadsheet runs a cell that begins like a formula,
also behind what it takes for the end of another cell. Such text gets an apostrophe in front, which
spreadsheets take for "this is text"; `original` removes it. Numbers stay numbers. What a terminal
would obey is left out, since tables are looked at there, too.
"""

from __future__ import annotations

import csv
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from emolive.plain_text import plain
from emolive.session.export.atomic import beside, replacing, text
from emolive.session.export.tables import tables
from emolive.session.timeline import Timeline

_START = r"(^|[;\t\r\n])"
_FORMULA = r"('*[^\S\t\r\n]*[=+\-@＝＋－＠])"
_RUN = re.compile(_START + _FORMULA)
_MARKED = re.compile(_START + "'" + _FORMULA)


@dataclass(frozen=True, slots=True)
class Dialect:
    """How cells and decimals are separated; `mark` is what the file begins with."""

    delimiter: str
    decimal: str
    mark: str


PLAIN = Dialect(",", ".", "")
# Without the byte order mark, Excel takes UTF-8 for the system's old code page.
SPREADSHEET = Dialect(";", ",", "\ufeff")


def inert(cell: str) -> str:
    """Text that no spreadsheet runs."""
    return _RUN.sub(r"\1'\2", cell)


def original(cell: str) -> str:
    """What `inert` was given."""
    return _MARKED.sub(r"\1\2", cell)


def write_rows(
    path: Path,
    columns: Sequence[str],
    rows: Iterable[Mapping[str, object]],
    dialect: Dialect = PLAIN,
) -> None:
    """Write a table with a header, whole or not at all; what a row does not have is empty.

    Raises:
        OSError: it cannot be written.
    """
    with replacing(path) as partial, text(partial) as file:
        file.write(dialect.mark)
        table = csv.writer(file, delimiter=dialect.delimiter)
        table.writerow([cell(column, dialect) for column in columns])
        table.writerows([cell(row.get(column), dialect) for column in columns] for row in rows)


def cell(value: object, dialect: Dialect = PLAIN) -> object:
    """What stands in a cell: text `inert` and plain, numbers as the dialect writes them."""
    if isinstance(value, str):
        return inert(plain(value))
    if isinstance(value, float):
        return repr(value).replace(".", dialect.decimal)
    return value


def write_csv(timeline: Timeline, path: Path, dialect: Dialect = PLAIN) -> None:
    """Write the timeline's `tables`: ``talk.csv``, ``talk.segments.csv``, ...

    Raises:
        OSError: a file cannot be written.
    """
    for table in tables(timeline):
        target = beside(path, table.part) if table.part else path
        write_rows(target, list(table.columns), table.rows, dialect)
