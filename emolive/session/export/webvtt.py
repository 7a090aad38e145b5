"""WebVTT: captions that a video player shows while it plays.

WebVTT counts in milliseconds, so times are rounded to the nearest; a cue lasts at least one.
"""

from __future__ import annotations

from pathlib import Path

from emolive.session.export.atomic import write_text
from emolive.session.export.tiers import Span, Tier, TierKind, tiers
from emolive.session.export.values import milliseconds, one_line
from emolive.session.timeline import Timeline
from emolive.types import SpeechState


def write_vtt(timeline: Timeline, path: Path) -> None:
    """Write a cue per stretch, with its tier as the voice; silence has none.

    Raises:
        OSError: the file cannot be written.
    """
    cues = [
        (span, tier)
        for tier in tiers(timeline)
        for span in tier.spans
        if tier.kind is not TierKind.MODEL or span.text != SpeechState.SILENCE
    ]
    cues.sort(key=lambda cue: (cue[0].start_sample, cue[0].end_sample))
    head = f"WEBVTT {_escaped(timeline.title)}".rstrip()
    blocks = [head, *(_cue(span, tier, timeline.rate) for span, tier in cues)]
    write_text(path, "\n\n".join(blocks) + "\n")


def _cue(span: Span, tier: Tier, rate: int) -> str:
    start = milliseconds(span.start_sample, rate)
    end = max(start + 1, milliseconds(span.end_sample, rate))
    return (
        f"{_clock(start)} --> {_clock(end)}\n"
        f"<v.{tier.kind} {_escaped(tier.name)}>{_escaped(span.text)}</v>"
    )


def _clock(milliseconds_: int) -> str:
    minutes, rest = divmod(milliseconds_, 60_000)
    hours, minutes = divmod(minutes, 60)
    return f"{hours:02d}:{minutes:02d}:{rest // 1000:02d}.{rest % 1000:03d}"


def _escaped(text: str) -> str:
    return one_line(text).replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
