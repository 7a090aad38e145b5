"""RTTM: one line per stretch, as speaker diarisation tools read and write them (NIST RT-09).

The label stands where the speaker would, the stream's number where the channel would. Fields are
separated by spaces and may not hold any: spaces, double quotes and "%" in names are percent-encoded
as in URLs.
"""

from __future__ import annotations

import re
from pathlib import Path

from emolive.session.export.atomic import write_text
from emolive.session.export.tiers import Tier, TierKind, tiers
from emolive.session.export.values import decimal_seconds, plain_text
from emolive.session.timeline import Timeline
from emolive.types import SpeechState


def write_rttm(timeline: Timeline, path: Path) -> None:
    """Write the model's and people's labels; where there is silence there is no line.

    The file is the title for the model, and the title, a dot and the annotator (or "human") for
    people, so that both stay apart. What is about all streams has a line for each. The confidence
    is the model's, `<NA>` for people's. Comments and gaps have no place in the format. Times have
    seven decimals, finer than a sample.

    Raises:
        OSError: the file cannot be written.
    """
    numbers = {stream.name: number for number, stream in enumerate(timeline.streams, 1)}
    lines: list[tuple[int, int, int, str]] = []
    for tier in tiers(timeline):
        if tier.kind not in (TierKind.MODEL, TierKind.HUMAN):
            continue
        channels = [numbers.get(tier.stream, 1)] if tier.stream else list(numbers.values()) or [1]
        name = _file_name(timeline, tier)
        for span in tier.spans:
            if tier.kind is TierKind.MODEL and span.text == SpeechState.SILENCE:
                continue
            start = decimal_seconds(span.start_sample, timeline.rate)
            length = decimal_seconds(span.end_sample - span.start_sample, timeline.rate)
            sure = "<NA>" if span.confidence is None else f"{span.confidence:.6f}"
            lines += [
                (
                    span.start_sample,
                    span.end_sample,
                    channel,
                    f"SPEAKER {name} {channel} {start} {length} <NA> <NA> {_field(span.text)} "
                    f"{sure} <NA>\n",
                )
                for channel in channels
            ]
    lines.sort(key=lambda line: line[:3])
    write_text(path, "".join(line for *_, line in lines))


def _file_name(timeline: Timeline, tier: Tier) -> str:
    title = timeline.title or "recording"
    if tier.kind is TierKind.HUMAN:
        title += f".{tier.annotator or 'human'}" + (f".{tier.labelled}" if tier.labelled else "")
    return _field(title)


def _field(text: str) -> str:
    # A field that begins with ";" would be a comment, and "<NA>" says that there is none.
    encoded = re.sub(
        r'[\s%"]|^[;<]',
        lambda found: "".join(f"%{byte:02X}" for byte in found[0].encode()),
        plain_text(text),
    )
    return encoded or "<NA>"
