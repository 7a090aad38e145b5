"""Parts of a report, found by their names."""

from __future__ import annotations

from training.report.document import Document, Table
from training.report.render import to_markdown


def tables_of(document: Document, section: str) -> list[Table]:
    (found,) = (s for s in document.sections if s.name == section)
    return [b for b in found.blocks if isinstance(b, Table)]


def text_of(document: Document, section: str) -> str:
    markdown = to_markdown(document)
    (found,) = (s for s in document.sections if s.name == section)
    return markdown.partition(f"## {found.title}\n")[2].partition("\n## ")[0]


def row_of(table: Table, title: str) -> dict[str, str]:
    (row,) = (r for r in table.rows if r[0] == title)
    return dict(zip(table.header, row, strict=True))
