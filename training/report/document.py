"""What a report is made of, before it becomes HTML or Markdown."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Heading:
    """A heading below a section's."""

    text: str


@dataclass(frozen=True, slots=True)
class Paragraph:
    """Plain text; `code` marks a line to be typed."""

    text: str
    code: bool = False


@dataclass(frozen=True, slots=True)
class Bullets:
    """A list of plain sentences."""

    items: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Table:
    """A table; the first column is text, the others are numbers as they are to be read.

    Rows whose index is in `published` are other people's numbers.
    """

    caption: str
    header: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]
    published: frozenset[int] = frozenset()
    note: str = ""


@dataclass(frozen=True, slots=True)
class HeatTable:
    """A square of counts with row and column names, shaded by the share of its row."""

    caption: str
    labels: tuple[str, ...]
    counts: tuple[tuple[int, ...], ...]
    note: str = ""


@dataclass(frozen=True, slots=True)
class Figure:
    """A drawing as SVG, and what it shows in words."""

    caption: str
    svg: str


Block = Heading | Paragraph | Bullets | Table | HeatTable | Figure


@dataclass(frozen=True, slots=True)
class Section:
    """A heading, its anchor, and what stands below it."""

    name: str
    title: str
    blocks: tuple[Block, ...]


@dataclass(frozen=True, slots=True)
class Document:
    """A whole report; `made` says when and from what."""

    title: str
    made: str
    sections: tuple[Section, ...]
