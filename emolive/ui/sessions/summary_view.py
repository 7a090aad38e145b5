"""A session in numbers: time per emotion, changes, strongest moments, conversation."""

from __future__ import annotations

from PySide6.QtCore import Qt, Signal
from PySide6.QtWidgets import (
    QGridLayout,
    QPushButton,
    QWidget,
)

from emolive.conversation import ConversationMetrics, PartyMetrics
from emolive.conversation.definitions import DEFINITIONS, name_of
from emolive.i18n import decimal, tr
from emolive.labels import label_name
from emolive.session.session_history import SessionHistory
from emolive.session.summary import StreamSummary
from emolive.times import clock_text, duration_text, seconds_text
from emolive.ui.controls import ScrollColumn, label
from emolive.ui.layouts import STRETCH, fill, hbox, vbox
from emolive.ui.sessions.share_bars import ShareList
from emolive.ui.theme import Theme, Themed
from emolive.wording import percent, stream_name

_CHANGES = 5
_PEAKS = 5


class SummaryView(Themed, ScrollColumn):
    """Scrolls; peaks are buttons that lead to their moment."""

    sought = Signal(float)

    def __init__(self, theme: Theme, parent: QWidget | None = None) -> None:
        super().__init__(theme, None, parent)
        self._lists: list[ShareList] = []
        self.setAccessibleName(tr("Summary"))

    def show_session(self, session: SessionHistory) -> None:
        """Put a session into numbers."""
        self._lists = []
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
        self._lists.append(shares)
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
        if self._column.count():
            self._column.addSpacing(12)
        heading = label(text, self, "heading", wrap=True)
        self._column.addWidget(heading)

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
            line.setToolTip(_MEANINGS[definition])
        self._column.addWidget(line)

    def _moment(self, name: str, value: str, at_s: float) -> QPushButton:
        button = QPushButton(self)
        button.setProperty("row", True)
        button.setFocusPolicy(Qt.FocusPolicy.TabFocus)
        button.setAccessibleName(
            tr("{emotion} {share} at {time}", emotion=name, share=value, time=clock_text(at_s))
        )
        hbox(
            label(clock_text(at_s), button, "value"),
            8,
            label(name, button),
            STRETCH,
            label(value, button, "muted"),
            within=button,
            margins=(6, 0, 6, 0),
        )
        button.clicked.connect(lambda: self.sought.emit(at_s))
        return button


def _of(seconds: float, share: float) -> str:
    return f"{duration_text(seconds)} · {percent(share)}"


_MEANINGS = {one.field: one.text for one in DEFINITIONS}
