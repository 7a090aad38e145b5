"""Audacity: label tracks, one text file each, as File > Import > Labels reads them."""

from __future__ import annotations

import re
from pathlib import Path

from emolive.session.export.atomic import beside, write_text
from emolive.session.export.tiers import tiers
from emolive.session.export.values import decimal_seconds, one_line
from emolive.session.timeline import Timeline


def write_audacity(timeline: Timeline, path: Path) -> None:
    """Write a label track per tier (see `tiers`): start, end and label, separated by tabs.

    The first one is `path`, the model's of the first stream; the others are beside it, numbered and
    named after their tier. Times have seven decimals, finer than a sample.

    Raises:
        OSError: a file cannot be written.
    """
    rows = tiers(timeline)
    if not rows:
        write_text(path, "")
    for number, tier in enumerate(rows, 1):
        name = re.sub(r"[^0-9A-Za-z]+", "-", tier.name).strip("-")[:40]
        target = path if number == 1 else beside(path, f"{number}-{name}".rstrip("-"))
        lines = (
            f"{decimal_seconds(span.start_sample, timeline.rate)}\t"
            f"{decimal_seconds(span.end_sample, timeline.rate)}\t{one_line(span.text)}\n"
            for span in tier.spans
        )
        write_text(target, "".join(lines))
