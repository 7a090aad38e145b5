"""The report's numbers: time per emotion, changes, peaks, agreement, and lists."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from html import escape

from emolive.i18n import decimal, ntr, tr
from emolive.labels import label_name
from emolive.session.agreement import Agreement, timeline_agreements
from emolive.session.export.report.chart import coloured, label_class
from emolive.session.summary import NO_EMOTION, StreamSummary, summarize
from emolive.session.timeline import Timeline
from emolive.times import clock_text, duration_text
from emolive.types import Baseline, Familiarity
from emolive.wording import adapted_text, familiarity_text, percent, stream_name

_MOST_CHANGES = 8


def summary_cards(timeline: Timeline) -> str:
    """A card per stream, and one on agreement where people gave labels."""
    found = summarize(
        [stream.name for stream in timeline.streams],
        timeline.labels,
        timeline.windows,
        timeline.segments,
    )
    several = len(found.streams) > 1
    cards = [_stream_card(stream, timeline, several) for stream in found.streams]
    cards += [_agreement_card(timeline_agreements(timeline))]
    return "".join(cards)


def lists(timeline: Timeline) -> str:
    """Notes, alerts, what people marked, and all segments."""
    rate = timeline.rate
    several = len(timeline.streams) > 1
    stretch = (tr("from"), tr("length"))
    parts = []
    if timeline.notes:
        items = "".join(
            f"<li>{'' if n.at_sample is None else _seek(n.at_sample / rate) + ' '}"
            f"{escape(n.text)}</li>"
            for n in timeline.notes
        )
        parts.append(
            f'<section class="card"><h2>{escape(tr("Notes"))}</h2>'
            f'<ul class="notes">{items}</ul></section>'
        )
    if timeline.alerts:
        rows = [
            (_seek(a.at_sample / rate), escape(_stream(a.stream)), escape(a.message))
            for a in timeline.alerts
        ]
        parts.append(
            _details(tr("Alerts"), (tr("at"), tr("stream"), tr("what")), rows, opened=True)
        )
    if timeline.annotations:
        rows_ = [
            (
                _seek(a.start_sample / rate),
                duration_text((a.end_sample - a.start_sample) / rate),
                escape(_stream(a.stream)),
                _chip(a.label, coloured(timeline)) if a.label else "",
                escape(a.comment),
                escape(a.annotator),
            )
            for a in timeline.annotations
        ]
        heads = (*stretch, tr("stream"), tr("label"), tr("comment"), tr("by"))
        parts.append(_details(tr("Marked by people"), heads, rows_, opened=True))
    rows__ = [
        (
            _seek(s.start_sample / rate),
            duration_text((s.end_sample - s.start_sample) / rate),
            *((escape(stream_name(s.stream)),) if several else ()),
            _chip(s.label, coloured(timeline)),
            percent(s.confidence) if s.confidence else "",
        )
        for s in timeline.segments
    ]
    heads = (*stretch, *((tr("stream"),) if several else ()), tr("label"), tr("confidence"))
    parts.append(
        _details(
            ntr("{count} segment of the model", "All {count} segments of the model", len(rows__)),
            heads,
            rows__,
        )
    )
    return "".join(parts)


def _stream_card(summary: StreamSummary, timeline: Timeline, several: bool) -> str:
    rate = timeline.rate
    role = next((s.role for s in timeline.streams if s.name == summary.stream), None)
    title = tr("Time per emotion")
    if several:
        title = stream_name(summary.stream)
        if role not in (None, summary.stream):
            title = f"{title} ({stream_name(role)})"
    title = escape(title)
    total = sum(summary.samples.values()) or 1
    order = sorted(
        summary.samples, key=lambda label: (label in NO_EMOTION, -summary.samples[label])
    )
    bar = "".join(
        f'<i class="{label_class(label, coloured(timeline))}" '
        f'style="flex-grow:{summary.samples[label]}" title="{escape(label_name(label))}"></i>'
        for label in order
    )
    rows = "".join(
        f"<tr><td>{_chip(label, coloured(timeline))}</td>"
        f"<td>{duration_text(summary.samples[label] / rate)}</td>"
        f"<td>{percent(summary.samples[label] / total)}</td></tr>"
        for label in order
    )
    body = f'<div class="bar">{bar}</div><table class="times">{rows}</table>'
    if not order:
        body = f"<p>{escape(tr('Nothing was said here.'))}</p>"
    elif all(label in NO_EMOTION for label in order):
        body += f"<p>{escape(tr('No emotion was shown.'))}</p>"
    body += _familiarity(summary) + _adapted(timeline.baselines.get(summary.stream))
    parts = [(title, body), *_moments(summary, timeline)]
    if several:
        inside = "".join(f"<h3>{head}</h3>{content}" for head, content in parts[1:])
        parts = [(title, body + inside)]
    return "".join(
        f'<section class="card"><h2>{head}</h2>{content}</section>' for head, content in parts
    )


def _familiarity(summary: StreamSummary) -> str:
    """How its sound compares with what the model was trained on, where it is not all familiar."""
    strange = {word: n for word, n in summary.familiarity.items() if word != Familiarity.FAMILIAR}
    if not strange:
        return ""
    told = ", ".join(
        f"{percent(share)} {familiarity_text(word)}" for word, share in strange.items()
    )
    return f"<p>{escape(tr('To this model, the speech was {told}.', told=told))}</p>"


def _adapted(baseline: Baseline | None) -> str:
    """Whether the answers are the model's own."""
    return "" if baseline is None else f"<p>{escape(adapted_text(baseline))}</p>"


def _moments(summary: StreamSummary, timeline: Timeline) -> Iterator[tuple[str, str]]:
    """Headings and contents: where emotions were strongest, and what followed what."""
    if summary.peaks:
        peaks = "".join(
            f"<li>{_seek(p.at_sample / timeline.rate)} {_chip(p.label, coloured(timeline))} "
            f"{percent(p.probability)}</li>"
            for p in summary.peaks
        )
        yield tr("Strongest moments"), f'<ul class="peaks">{peaks}</ul>'
    if summary.transitions:
        labels = coloured(timeline)
        changes = "".join(
            f"<li>{_chip(one, labels)} → {_chip(other, labels)}<b>{n}×</b></li>"
            for one, other, n in summary.transitions[:_MOST_CHANGES]
        )
        more = len(summary.transitions) - _MOST_CHANGES
        rest = f"<p>{escape(tr('and {count} more', count=more))}</p>" if more > 0 else ""
        yield tr("Changes"), f'<ul class="changes">{changes}</ul>{rest}'


def _agreement_card(found: Iterable[Agreement]) -> str:
    rows = "".join(
        f"<tr><td>{escape(one.annotator or tr('annotator'))}</td>"
        f"<td>{'–' if one.kappa is None else decimal(one.kappa, 2)}</td>"
        f"<td>{'–' if one.observed is None else percent(one.observed)}</td>"
        f"<td>{percent(one.coverage)}</td></tr>"
        for one in found
    )
    if not rows:
        return ""
    heads = (tr("who"), tr("kappa"), tr("same label"), tr("decided"))
    about = tr(
        "Cohen's kappa over time: 1 is full agreement, 0 is chance. “Decided” is the share of what "
        "they labelled for which the model gave a label."
    )
    return (
        f'<section class="card"><h2>{escape(tr("People and the model"))}</h2>'
        f'<table class="grid"><thead><tr>{"".join(f"<th>{escape(one)}</th>" for one in heads)}'
        f"</tr></thead><tbody>{rows}</tbody></table><p>{escape(about)}</p></section>"
    )


def _details(
    title: str, heads: Sequence[str], rows: Sequence[Sequence[str]], *, opened: bool = False
) -> str:
    head = "".join(f"<th>{escape(text)}</th>" for text in heads)
    body = "".join("<tr>" + "".join(f"<td>{c}</td>" for c in row) + "</tr>" for row in rows)
    return (
        f'<details class="card"{" open" if opened else ""}><summary>{escape(title)}</summary>'
        f'<div class="wide"><table class="grid"><thead><tr>{head}</tr></thead>'
        f"<tbody>{body}</tbody></table></div></details>"
    )


def _stream(name: str | None) -> str:
    return tr("all") if name is None else stream_name(name)


def _seek(seconds: float) -> str:
    return f'<button class="seek" data-s="{seconds:.3f}">{clock_text(seconds)}</button>'


def _chip(label: str, labels: Sequence[str]) -> str:
    name = escape(label_name(label))
    return f'<span class="chip"><i class="{label_class(label, labels)}"></i>{name}</span>'
