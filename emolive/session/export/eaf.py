"""ELAN: the annotation format EAF 3.0 (ELAN Annotation Format, The Language Archive).

ELAN counts in whole milliseconds, so times are rounded to the nearest; a stretch shorter than that
lasts one. Written with the standard library: the format is small, and needs no extra.
"""

from __future__ import annotations

import mimetypes
import os
from datetime import UTC, datetime
from pathlib import Path
from xml.etree.ElementTree import Element, SubElement

from emolive import __version__
from emolive.session.export.atomic import write_xml
from emolive.session.export.tiers import Span, Tier, TierKind, tiers
from emolive.session.export.values import milliseconds, one_line, plain_text
from emolive.session.timeline import Timeline

_SCHEMA = "http://www.mpi.nl/tools/elan/EAFv3.0.xsd"
# ELAN expects its four stereotypes in every document.
_STEREOTYPES = {
    "Time_Subdivision": "Time subdivision of parent annotation's time interval, "
    "no time gaps allowed within this interval",
    "Symbolic_Subdivision": "Symbolic subdivision of a parent annotation. "
    "Annotations refering to the same parent are ordered",
    "Symbolic_Association": "1-1 association with a parent annotation",
    "Included_In": "Time alignable annotations within the parent annotation's time interval, "
    "gaps are allowed",
}


def write_eaf(timeline: Timeline, path: Path) -> None:
    """Write one ELAN document with a tier per stream and source (see `tiers`).

    Raises:
        OSError: the file cannot be written.
    """
    rows = tiers(timeline)
    times = [_times(tier, timeline.rate) for tier in rows]
    root = Element(
        "ANNOTATION_DOCUMENT",
        {
            "AUTHOR": f"emolive {__version__}",
            "DATE": datetime.now(UTC).isoformat(timespec="seconds"),
            "FORMAT": "3.0",
            "VERSION": "3.0",
            "xmlns:xsi": "http://www.w3.org/2001/XMLSchema-instance",
            "xsi:noNamespaceSchemaLocation": _SCHEMA,
        },
    )
    _header(root, timeline, path, sum(map(len, times)))
    slots = _time_order(root, times)
    number = 0
    for tier in rows:
        element = SubElement(
            root, "TIER", {"LINGUISTIC_TYPE_REF": tier.kind.value, "TIER_ID": tier.name}
        )
        if tier.stream is not None:
            element.set("PARTICIPANT", one_line(tier.stream))
        if tier.annotator:
            element.set("ANNOTATOR", one_line(tier.annotator))
        for span in tier.spans:
            number += 1
            _annotation(element, number, slots, span)
    for kind in TierKind:
        SubElement(
            root,
            "LINGUISTIC_TYPE",
            {
                "GRAPHIC_REFERENCES": "false",
                "LINGUISTIC_TYPE_ID": kind.value,
                "TIME_ALIGNABLE": "true",
            },
        )
    for name, description in _STEREOTYPES.items():
        SubElement(root, "CONSTRAINT", {"DESCRIPTION": description, "STEREOTYPE": name})
    write_xml(root, path)


def _times(tier: Tier, rate: int) -> list[tuple[int, int]]:
    """Start and end of the tier's stretches in milliseconds: none empty, none overlapping."""
    found: list[tuple[int, int]] = []
    before = 0
    for span in tier.spans:
        start = max(before, milliseconds(span.start_sample, rate))
        before = max(start + 1, milliseconds(span.end_sample, rate))
        found.append((start, before))
    return found


def _header(root: Element, timeline: Timeline, path: Path, annotations: int) -> None:
    header = SubElement(root, "HEADER", {"MEDIA_FILE": "", "TIME_UNITS": "milliseconds"})
    files = [stream.audio.path for stream in timeline.streams if stream.audio is not None]
    for file in dict.fromkeys(files):
        whole = Path(os.path.abspath(file))
        kind = mimetypes.guess_type(whole.name)[0] or "unknown"
        media = SubElement(
            header,
            "MEDIA_DESCRIPTOR",
            {"MEDIA_URL": whole.as_uri(), "MIME_TYPE": kind.replace("audio/wav", "audio/x-wav")},
        )
        try:
            relative = Path(os.path.relpath(whole, os.path.abspath(path.parent)))
        except ValueError:  # on another Windows drive
            continue
        media.set("RELATIVE_MEDIA_URL", plain_text(relative.as_posix()))
    last = SubElement(header, "PROPERTY", {"NAME": "lastUsedAnnotationId"})
    last.text = str(annotations)


def _time_order(root: Element, times: list[list[tuple[int, int]]]) -> dict[tuple[int, bool], str]:
    """Write the time slots, two per annotation, in order; returns their ids.

    Keys: the annotation's number (from 1, tier after tier), and whether it is the end.
    """
    order = SubElement(root, "TIME_ORDER")
    edges = [edge for spans in times for span in spans for edge in span]
    slots: dict[tuple[int, bool], str] = {}
    for number, index in enumerate(sorted(range(len(edges)), key=edges.__getitem__), 1):
        slot = f"ts{number}"
        slots[index // 2 + 1, index % 2 == 1] = slot
        SubElement(order, "TIME_SLOT", {"TIME_SLOT_ID": slot, "TIME_VALUE": str(edges[index])})
    return slots


def _annotation(tier: Element, number: int, slots: dict[tuple[int, bool], str], span: Span) -> None:
    element = SubElement(
        SubElement(tier, "ANNOTATION"),
        "ALIGNABLE_ANNOTATION",
        {
            "ANNOTATION_ID": f"a{number}",
            "TIME_SLOT_REF1": slots[number, False],
            "TIME_SLOT_REF2": slots[number, True],
        },
    )
    SubElement(element, "ANNOTATION_VALUE").text = plain_text(span.text)
