"""A session in numbers: time per emotion, changes, strongest moments, conversation."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from PySide6.QtCore import QRectF, QSize, Qt, Signal
from PySide6.QtGui import QPainter
from PySide6.QtWidgets import QGridLayout, QPushButton, QSizePolicy, QWidget

from emolive.conversation import ConversationMetrics, PartyMetrics
from emolive.conversation.definitions import DEFINITIONS, name_of
from emolive.i18n import decimal, tr
from emolive.labels import label_name
from emolive.session.session_history import SessionHistory
from emolive.session.summary import NO_EMOTION, StreamSummary
from emolive.times import clock_text, duration_text, seconds_text
from emolive.types import SpeechState
from emolive.ui.controls import ScrollColumn, label, push_button
from emolive.ui.layouts import STRETCH, fill, hbox, vbox
from emolive.ui.painting import clipped, fill_state
from emolive.ui.theme import Painted, Theme, Themed, font
from emolive.wording import percent, stream_name

_ROW = 24


def in_order(samples: Mapping[str, int], labels: Sequence[str]) -> list[tuple[str, int]]:
    """Emotions in the model's order, unknown ones, then uncertain, not inferred and silence."""
    last = ("uncertain", "not_inferred", "silence")
    names = [*labels, *(n for n in samples if n not in labels and n not in last), *last]
    return [(name, samples[name]) for name in names if samples.get(name)]


def paint_share_bar(
    painter: QPainter,
    area: QRectF,
    samples: Mapping[str, int],
    labels: Sequence[str],
    theme: Theme,
) -> None:
    """One bar whose parts are the shares; emotions first, what is no emotion last."""
    parts = in_order(samples, labels)
    total = sum(n for _, n in parts)
    with clipped(painter, area, 4):
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        painter.fillRect(area, theme.colour("plot"))
        left = area.left()
        for name, n in parts:
            width = area.width() * n / total
            part = QRectF(left, area.top(), width, area.height())
            paint_label(painter, part, name, theme)
            left += width


def paint_label(painter: QPainter, area: QRectF, name: str, theme: Theme) -> None:
    """Fill with a label's colour, or a state's pattern."""
    if name in NO_EMOTION:
        fill_state(painter, area, SpeechState(name), theme)
        return
    painter.fillRect(area, theme.fill(name))


class ShareList(Painted, QWidget):
    """Name, bar, share and time of each label, the longest first."""

    def __init__(self, theme: Theme, parent: QWidget | None = None) -> None:
        super().__init__(theme, parent)
        self._rows: list[tuple[str, int]] = []
        self._rate = 1
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)

    def show_shares(self, samples: Mapping[str, int], labels: Sequence[str], rate: int) -> None:
        """Show the time per label, in samples at `rate`."""
        rows = sorted(in_order(samples, labels), key=lambda row: (row[0] in NO_EMOTION, -row[1]))
        self._rows, self._rate = rows, rate
        self.setFixedHeight(max(1, len(rows)) * _ROW)
        total = sum(n for _, n in rows) or 1
        self.setAccessibleName(
            ", ".join(f"{label_name(name)} {percent(n / total)}" for name, n in rows)
        )
        self.update()

    def sizeHint(self) -> QSize:
        """Wide enough for names and numbers."""
        return QSize(240, max(1, len(self._rows)) * _ROW)

    def paint(self, painter: QPainter) -> None:
        """Draw the rows."""
        painter.setFont(font(12))
        if not self._rows:
            painter.setPen(self.theme.colour("muted"))
            painter.drawText(self.rect(), Qt.AlignmentFlag.AlignVCenter, tr("no answers"))
            return
        total = sum(n for _, n in self._rows)
        longest = max(n for _, n in self._rows)
        metrics = painter.fontMetrics()
        names = max(metrics.horizontalAdvance(label_name(name)) for name, _ in self._rows) + 10
        shares = metrics.horizontalAdvance(percent(1.0)) + 8
        times = max(metrics.horizontalAdvance(duration_text(n / self._rate)) for _, n in self._rows)
        middle = Qt.AlignmentFlag.AlignVCenter
        right = middle | Qt.AlignmentFlag.AlignRight
        for i, (name, n) in enumerate(self._rows):
            line = QRectF(0, i * _ROW, self.width(), _ROW)
            painter.setPen(self.theme.colour("text"))
            painter.drawText(line, middle, label_name(name))
            room = self.width() - names - shares - times - 12
            bar = QRectF(names, line.center().y() - 5, max(4.0, room * n / longest), 10)
            with clipped(painter, bar, 3):
                paint_label(painter, bar, name, self.theme)
            painter.setPen(self.theme.colour("text"))
            at = QRectF(names + room, line.top(), shares, _ROW)
            painter.drawText(at, right, percent(n / total))
            painter.setPen(self.theme.colour("muted"))
            painter.drawText(line, right, duration_text(n / self._rate))


_CHANGES = 5
_PEAKS = 5


class SummaryView(Themed, ScrollColumn):
    """Scrolls; peaks are buttons that lead to their moment."""

    sought = Signal(float)

    def __init__(self, theme: Theme, parent: QWidget | None = None) -> None:
        super().__init__(theme, None, parent)
        self.setAccessibleName(tr("Summary"))

    def show_session(self, session: SessionHistory) -> None:
        """Put a session into numbers."""
        content = QWidget(self)
        self._column = vbox(within=content, margins=(2, 4, 12, 8), gap=4)
        several = len(session.streams) > 1
        for summary in session.summary.streams:
            name = stream_name(summary.stream).capitalize() if several else ""
            self._stream(session, summary, name)
        if session.metrics is not None:
            self._conversation(session.metrics)
        self._about(session)
        self._column.addStretch()
        self.setWidget(content)

    def _stream(self, session: SessionHistory, summary: StreamSummary, name: str) -> None:
        info = session.info
        self._heading(tr("{stream}: time per emotion", stream=name) if name else
                      tr("Time per emotion"))  # fmt: skip
        shares = ShareList(self.theme, self)
        shares.show_shares(summary.samples, info.labels, info.rate)
        self._column.addWidget(shares)
        if summary.peaks:
            self._heading(tr("Strongest moments"))
            for peak in summary.peaks[:_PEAKS]:
                at_s = peak.at_sample / info.rate
                self._column.addWidget(
                    self._moment(label_name(peak.label), percent(peak.probability), at_s)
                )
        if summary.transitions:
            self._heading(tr("Most frequent changes"))
            for one, other, n in summary.transitions[:_CHANGES]:
                self._row(f"{label_name(one)} → {label_name(other)}", f"{n}×")

    def _conversation(self, metrics: ConversationMetrics) -> None:
        self._heading(tr("Conversation"))
        self._row(
            tr(name_of("silence_s")), _of(metrics.silence_s, metrics.silence_share), "silence_s"
        )
        longest = duration_text(metrics.longest_silence_s)
        self._row(tr("Longest silence"), longest, "silence_s")
        if metrics.separable:
            overtalk = _of(metrics.overtalk_s, metrics.overtalk_share)
            self._row(tr(name_of("overtalk_s")), overtalk, "overtalk_s")
        for party in metrics.voices:
            self._party(party, metrics)

    def _party(self, party: PartyMetrics, metrics: ConversationMetrics) -> None:
        fill(self._column, 6, label(stream_name(party.name).capitalize(), self, "value"))
        talk = duration_text(party.talk_s)
        if party.talk_share is not None:
            talk = _of(party.talk_s, party.talk_share)
        self._row(tr(name_of("talk_s")), talk, "talk_s")
        told = {
            "turns": str(party.turns),
            "interruptions": str(party.interruptions),
            "longest_monologue_s": duration_text(party.longest_monologue_s),
        }
        for field, text in told.items():
            if metrics.tells(field):
                self._row(tr(name_of(field)), text, field)
        if party.responses.median_s is not None:
            response = seconds_text(party.responses.median_s)
            self._row(f"{tr(name_of('responses'))}, {tr('median')}", response, "responses")
        if party.level_dbfs is not None:
            level = tr("{level} dBFS", level=decimal(party.level_dbfs, 0))
            self._row(tr(name_of("level_dbfs")), level, "level_dbfs")

    def _about(self, session: SessionHistory) -> None:
        info = session.info
        self._heading(tr("About"))
        self._row(tr("Length"), duration_text(info.duration_s))
        self._row(tr("Source"), info.source or "–")
        self._row(tr("Model"), info.model)
        if info.provider:
            self._row(tr("Computed on"), info.provider)
        lost = sum(gap.end_sample - gap.start_sample for gap in session.gaps)
        if lost:
            self._row(tr("Not recorded"), duration_text(lost / info.rate))
        if session.alerts:
            self._row(tr("Alerts"), str(len(session.alerts)))

    def _heading(self, text: str) -> None:
        room = (12,) if self._column.count() else ()
        fill(self._column, *room, label(text, self, "heading", wrap=True))

    def _row(self, name: str, value: str, definition: str = "") -> None:
        line = QWidget(self)
        grid = QGridLayout(line)
        grid.setContentsMargins(0, 1, 0, 1)
        left = label(name, line, "muted")
        right = label(value, line, wrap=True)
        right.setAlignment(Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignTop)
        right.setTextInteractionFlags(Qt.TextInteractionFlag.TextSelectableByMouse)
        right.setFocusPolicy(Qt.FocusPolicy.NoFocus)
        grid.addWidget(left, 0, 0, Qt.AlignmentFlag.AlignTop)
        grid.addWidget(right, 0, 1)
        grid.setColumnStretch(1, 1)
        if definition in _MEANINGS:
            line.setToolTip(tr(_MEANINGS[definition]))
        self._column.addWidget(line)

    def _moment(self, name: str, value: str, at_s: float) -> QPushButton:
        said = tr("{emotion} {share} at {time}", emotion=name, share=value, time=clock_text(at_s))
        button = push_button("", self, lambda: self.sought.emit(at_s), kind="row", name=said)
        hbox(
            label(clock_text(at_s), button, "value"),
            8,
            label(name, button),
            STRETCH,
            label(value, button, "muted"),
            within=button,
            margins=(6, 0, 6, 0),
        )
        return button


def _of(seconds: float, share: float) -> str:
    return f"{duration_text(seconds)} · {percent(share)}"


_MEANINGS = {one.field: one.text for one in DEFINITIONS}
