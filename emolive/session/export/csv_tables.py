"""CSV: the windows as a table; of a session also its segments and annotations, in files beside."""

from __future__ import annotations

import csv
from pathlib import Path

from emolive.session.export.atomic import beside, replacing, text
from emolive.session.export.tables import tables
from emolive.session.timeline import Timeline


def write_csv(timeline: Timeline, path: Path) -> None:
    """Write the timeline's `tables`: ``talk.csv``, ``talk.segments.csv``, ...

    Raises:
        OSError: a file cannot be written.
    """
    for table in tables(timeline):
        target = beside(path, table.part) if table.part else path
        with replacing(target) as partial, text(partial) as file:
            writer = csv.DictWriter(file, list(table.columns))
            writer.writeheader()
            writer.writerows(table.rows)
