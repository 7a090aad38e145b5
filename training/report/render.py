"""A document as one self-contained HTML page, and as Markdown."""

from __future__ import annotations

import jinja2

from training.report.document import (
    Block,
    Bullets,
    Document,
    Figure,
    Heading,
    HeatTable,
    Paragraph,
    Section,
    Table,
)
from training.report.figures import series_tones


def to_html(document: Document) -> str:
    """One page without any other file: styles and drawings are inside; light, dark and print."""
    environment = jinja2.Environment(
        loader=jinja2.PackageLoader("training.report", "."),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
    )
    page = environment.get_template("page.html.j2")
    return page.render(document=document, tones=series_tones()) + "\n"


def to_markdown(document: Document) -> str:
    """Headings, text and tables; drawings are named, they are in the HTML page."""
    parts = [f"# {document.title}", document.made, *map(section_text, document.sections)]
    return "\n\n".join(part for part in parts if part) + "\n"


def section_text(section: Section) -> str:
    """One section as Markdown."""
    parts = [f"## {section.title}", *map(_markdown, section.blocks)]
    return "\n\n".join(part for part in parts if part)


def _markdown(block: Block) -> str:
    match block:
        case Heading(text):
            return f"### {text}"
        case Paragraph(text, code):
            return f"```\n{text}\n```" if code else text
        case Bullets(items):
            return "\n".join(f"- {item}" for item in items)
        case Figure(caption):
            return f"*(Drawing in the HTML report: {caption})*"
        case HeatTable(caption, labels, counts, note):
            rows = tuple(
                (f"**{labels[i]}**", *(str(n) for n in row))
                for i, row in enumerate(counts)
                if sum(row)
            )
            return _table(caption, ("", *labels), rows, note)
        case Table(caption, header, rows, published, note):
            styled = tuple(
                tuple(f"*{cell}*" for cell in row) if i in published else row
                for i, row in enumerate(rows)
            )
            return _table(caption, header, styled, note)


def _table(
    caption: str, header: tuple[str, ...], rows: tuple[tuple[str, ...], ...], note: str
) -> str:
    def line(cells: tuple[str, ...]) -> str:
        return "| " + " | ".join(cell.replace("|", "\\|") for cell in cells) + " |"

    ruler = line(("---", *("---:" for _ in header[1:])))
    body = "\n".join((line(header), ruler, *(line(row) for row in rows)))
    return f"**{caption}**\n\n{body}" + (f"\n\n{note}" if note else "")
