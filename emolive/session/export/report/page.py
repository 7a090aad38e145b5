"""The report as one HTML file that opens anywhere, offline, and loads nothing."""

from __future__ import annotations

import json
from html import escape
from pathlib import Path

from emolive import __version__
from emolive.i18n import decimal, decimal_mark, language, moment_text, tr
from emolive.labels import label_name
from emolive.session.export.atomic import write_text
from emolive.session.export.report.chart import PATTERNS, chart, coloured, label_class, palette_css
from emolive.session.export.report.sound import Sound, embed_sound
from emolive.session.export.report.summary_html import lists, summary_cards
from emolive.session.export.values import plain_text
from emolive.session.timeline import Timeline
from emolive.times import duration_text, length_text, seconds_text

_SPEEDS = (0.5, 0.75, 1.0, 1.25, 1.5, 2.0)
_HERE = Path(__file__).parent
# Nothing is fetched, whatever stands in a label or a note; a file beside may be played.
_POLICY = (
    "default-src 'none'; style-src 'unsafe-inline'; script-src 'unsafe-inline'; "
    "media-src blob: data: file: 'self'"
)


def write_html(timeline: Timeline, path: Path) -> None:
    """Write the report: sound inside the page, or linked where it is too large.

    Raises:
        OSError: the file cannot be written.
    """
    write_text(path, plain_text(page(timeline, embed_sound(timeline, path.parent))))


def page(timeline: Timeline, sound: Sound) -> str:
    """The page with this sound."""
    style = (_HERE / "report.css").read_text(encoding="utf-8")
    script = (_HERE / "report.js").read_text(encoding="utf-8")
    title = escape(timeline.title or tr("Recording"))
    length = timeline.end_sample / timeline.rate
    return f"""<!DOCTYPE html>
<html lang="{language()}">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<meta name="generator" content="emolive {__version__}">
<meta http-equiv="Content-Security-Policy" content="{_POLICY}">
<title>{title}</title>
<style>{palette_css(coloured(timeline))}
{style}</style>
</head>
<body data-length="{length:.4f}" data-texts="{escape(json.dumps(_texts()))}">
<header><h1>{title}</h1>{_facts(timeline)}</header>
{_player(sound, length)}
<main>
<section class="card timeline">
<div class="tools"><div class="legend">{_legend(timeline)}</div>
<label class="zoom">{escape(tr("Zoom"))}
<input type="range" min="0" max="6" step="0.25" value="0"
aria-label="{escape(tr("Zoom of the timeline"))}">
</label></div>
<div class="scroll" tabindex="0" aria-label="{escape(tr("Timeline"))}"><div class="chart">
<div class="name axis"></div><div class="track axis" id="axis"></div>{chart(timeline)}
<div class="over" id="over"><div class="cursor" id="cursor"></div><div class="hair" id="hair"></div>
</div></div></div>
<noscript><p>{escape(_noscript())}</p></noscript>
</section>
<div class="cards">{summary_cards(timeline)}</div>
{lists(timeline)}
</main>
<footer>{escape(_footer(timeline))}</footer>
<div id="tip" role="tooltip" hidden></div>
{_sound(sound)}
<script>{script}</script>
</body>
</html>
"""


def _noscript() -> str:
    return tr("With scripts allowed, the timeline can be played, searched and zoomed.")


def _footer(timeline: Timeline) -> str:
    return tr(
        "Labels describe vocal expression as a model hears it, not what a person feels; do not use "
        "them for decisions about people. Made offline by emolive {version} with the model "
        "{model}.",
        version=__version__,
        model=timeline.model,
    )


def _texts() -> dict[str, str]:
    """What the script says."""
    return {
        "seconds": seconds_text(0.0),
        "decimal": decimal_mark(),
        "gone": tr("The sound's file is not where it was."),
        "unplayable": tr("This browser cannot play the sound."),
    }


def _facts(timeline: Timeline) -> str:
    facts = []
    if timeline.started_at is not None:
        facts.append(moment_text(timeline.started_at.astimezone()))
    facts.append(duration_text(timeline.duration_s))
    if timeline.source and timeline.source != timeline.title:
        facts.append(escape(timeline.source))
    if timeline.recovered:
        facts.append(escape(tr("recovered after an interruption")))
    tags = "".join(f'<span class="tag">{escape(tag)}</span>' for tag in timeline.tags)
    return f'<p class="facts">{" · ".join(facts)} {tags}</p>'


def _player(sound: Sound, length: float) -> str:
    note = f'<span class="note">{escape(sound.note)}</span>' if sound.note else ""
    if not (sound.base64 or sound.link):
        return f'<div class="player silent">{note}</div>'
    speeds = "".join(
        f'<option value="{speed:g}"{" selected" if speed == 1 else ""}>{decimal(speed)}×</option>'
        for speed in _SPEEDS
    )
    return f"""<div class="player"><button id="play" aria-label="{escape(tr("Play or pause"))}"
title="{escape(tr("Space"))}">
<svg viewBox="0 0 24 24" aria-hidden="true"><path class="go" d="M7 4.5v15l13-7.5z"/>
<path class="hold" d="M6 4.5h4.5v15H6zM13.5 4.5H18v15h-4.5z"/></svg></button>
<output id="now">0:00</output><span class="of">/ {length_text(length)}</span>
<span id="heard"></span>
<label>{escape(tr("Speed"))} <select id="speed">{speeds}</select></label>{note}</div>"""


def _legend(timeline: Timeline) -> str:
    """The labels that were shown, each a button that jumps to its next stretch."""
    shown = {segment.label for segment in timeline.segments}
    shown |= {one.label for one in timeline.annotations if one.label}
    order = [label for label in (*timeline.labels, *PATTERNS) if label in shown]
    order += sorted(shown - set(order))
    return "".join(
        f'<button class="chip jump" data-l="{escape(label_name(label))}" '
        f'title="{escape(tr("Next {label}", label=label_name(label)))}">'
        f'<i class="{label_class(label, coloured(timeline))}"></i>'
        f"{escape(label_name(label))}</button>"
        for label in order
    )


def _sound(sound: Sound) -> str:
    if sound.base64:
        return (
            f'<script type="text/plain" id="sound" data-type="{sound.mime}">{sound.base64}</script>'
        )
    if sound.link:
        return f'<script type="text/plain" id="sound" data-link="{escape(sound.link)}"></script>'
    return ""
