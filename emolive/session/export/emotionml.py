"""EmotionML 1.0 (W3C Recommendation, 22 May 2014).

The vocabulary is declared inside the document. Times are whole milliseconds, as the language has
it: absolute (since 1970, UTC) where it is known when the recording began, otherwise relative to the
audio. Where there is audio, each emotion also refers to its stretch of it by a media fragment,
which is exact.

EmotionML describes emotions only: silence, uncertain stretches and those where emotion is not
inferred have no element, and comments without a label are in the document's `info`.
"""

from __future__ import annotations

import os
import re
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from pathlib import Path
from urllib.parse import quote
from xml.etree.ElementTree import Element, SubElement

from emolive.session.export.atomic import write_xml
from emolive.session.export.tiers import Span, Tier, TierKind, tiers
from emolive.session.export.values import (
    SHARE_DIGITS,
    decimal_seconds,
    milliseconds,
    one_line,
    plain_text,
)
from emolive.session.summary import NO_EMOTION
from emolive.session.timeline import Timeline, TimelineStream

_NAMESPACE = "http://www.w3.org/2009/10/emotionml"
# What EmotionML leaves to its users stands in elements of this namespace.
_OWN = "urn:emolive:timeline:1"
_VOCABULARY = "labels"
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
# A conservative part of XML's name characters: readers differ in the rest.
_NO_TOKEN = re.compile(r"[^0-9A-Za-z.\-]")


def write_emotionml(timeline: Timeline, path: Path) -> None:
    """Write one EmotionML document: an `emotion` per emotion of the model and label of a person.

    Raises:
        OSError: the file cannot be written.
    """
    rows = tiers(timeline)
    names = _vocabulary(timeline, rows)
    root = Element(
        "emotionml",
        {
            "version": "1.0",
            "xmlns": _NAMESPACE,
            "xmlns:emolive": _OWN,
            "category-set": f"#{_VOCABULARY}",
        },
    )
    _document_info(root, timeline, rows)
    vocabulary = SubElement(root, "vocabulary", {"type": "category", "id": _VOCABULARY})
    for label, name in names.items():
        item = SubElement(vocabulary, "item", {"name": name})
        if label != name:
            SubElement(item, "info").text = plain_text(label)
    emotions = [
        (span, tier)
        for tier in rows
        for span in tier.spans
        if tier.kind is TierKind.HUMAN
        or (tier.kind is TierKind.MODEL and span.text not in NO_EMOTION)
    ]
    emotions.sort(key=lambda one: (one[0].start_sample, one[0].end_sample))
    for number, (span, tier) in enumerate(emotions, 1):
        _emotion(root, f"e{number}", span, tier, timeline, path.parent, names)
    write_xml(root, path)


def _vocabulary(timeline: Timeline, rows: tuple[Tier, ...]) -> Mapping[str, str]:
    """Every label with its name in the document, an XML name token of its own."""
    given = [span.text for tier in rows if tier.kind is TierKind.HUMAN for span in tier.spans]
    names: dict[str, str] = {}
    for label in dict.fromkeys((*timeline.labels, *given)):
        # "_" itself is escaped, too: two labels never get the same name.
        names[label] = _NO_TOKEN.sub(lambda found: f"_{ord(found[0]):x}_", label)
    return names


def _document_info(root: Element, timeline: Timeline, rows: tuple[Tier, ...]) -> None:
    info = SubElement(root, "info")
    about = {"title": timeline.title, "source": timeline.source, "model": timeline.model}
    for name, value in about.items():
        SubElement(info, f"emolive:{name}").text = plain_text(value)
    if timeline.started_at is not None:
        SubElement(info, "emolive:started-at").text = timeline.started_at.isoformat()
    for tier in rows:
        if tier.kind is TierKind.COMMENTS:
            for span in tier.spans:
                comment = SubElement(info, "emolive:comment", _when(span, timeline) | _who(tier))
                comment.text = plain_text(span.text)


def _emotion(
    root: Element,
    identifier: str,
    span: Span,
    tier: Tier,
    timeline: Timeline,
    folder: Path,
    names: Mapping[str, str],
) -> None:
    stream = next((one for one in timeline.streams if one.name == tier.stream), None)
    audio = _audio_uri(stream or (timeline.streams[0] if timeline.streams else None), folder)
    attributes = _when(span, timeline)
    if timeline.started_at is None:
        attributes["time-ref-uri"] = audio or quote(plain_text(timeline.source))
    element = SubElement(
        root, "emotion", {"id": identifier, "expressed-through": "voice", **attributes}
    )
    SubElement(SubElement(element, "info"), "emolive:tier", {"kind": str(tier.kind)} | _who(tier))
    category = {"name": names[span.text]}
    if span.confidence is not None:
        category["confidence"] = f"{span.confidence:.{SHARE_DIGITS}f}"
    SubElement(element, "category", category)
    if audio is not None:
        start = decimal_seconds(span.start_sample, timeline.rate)
        end = decimal_seconds(span.end_sample, timeline.rate)
        SubElement(element, "reference", {"uri": f"{audio}#t={start},{end}", "role": "expressedBy"})


def _when(span: Span, timeline: Timeline) -> dict[str, str]:
    """The attributes of time: absolute, or relative to what `time-ref-uri` names."""
    start = milliseconds(span.start_sample, timeline.rate)
    end = max(start, milliseconds(span.end_sample, timeline.rate))
    if timeline.started_at is None:
        return {"offset-to-start": str(start), "duration": str(end - start)}
    began = round((timeline.started_at - _EPOCH) / timedelta(milliseconds=1))
    return {"start": str(began + start), "end": str(began + end)}


def _who(tier: Tier) -> dict[str, str]:
    about = {"stream": one_line(tier.stream or ""), "annotator": one_line(tier.annotator)}
    return {name: value for name, value in about.items() if value}


def _audio_uri(stream: TimelineStream | None, folder: Path) -> str | None:
    """The stream's audio as a URI: relative where it is beside the document or below."""
    if stream is None or stream.audio is None:
        return None
    uri = Path(os.path.abspath(stream.audio.path)).as_uri()
    base = Path(os.path.abspath(folder)).as_uri() + "/"
    return uri.removeprefix(base)
