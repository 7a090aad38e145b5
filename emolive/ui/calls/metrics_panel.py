"""The conversation in numbers, live: who talks, waits, interrupts, and how loud and fast."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from PySide6.QtCore import QRectF, QSize, Qt
from PySide6.QtGui import QColor, QFontMetrics, QPainter, QPainterPath
from PySide6.QtWidgets import QFrame, QGridLayout, QLabel, QSizePolicy, QWidget

from emolive.conversation import ConversationMetrics, PartyMetrics
from emolive.conversation.definitions import DEFINITIONS, name_of
from emolive.i18n import decimal, mark, tr
from emolive.times import length_text, seconds_text
from emolive.ui.controls import Notice, ScrollColumn, label
from emolive.ui.layouts import STRETCH, vbox
from emolive.ui.painting import hatch
from emolive.ui.theme import Painted, Theme, font
from emolive.wording import percent, stream_name


def party_colour(theme: Theme, index: int) -> QColor:
    """A party's colour in the metrics: the accent and a quieter one; never an emotion's."""
    return theme.colour("accent") if index else theme.colour("muted")


class TalkBar(Painted, QWidget):
    """Talk shares of two parties, hatched where both talk; dots show who talks now."""

    hint = (260, 44)  # names over a bar

    def __init__(self, theme: Theme, parent: QWidget | None = None) -> None:
        super().__init__(theme, parent)
        self._metrics: ConversationMetrics | None = None
        self._shown: tuple[object, ...] = ()
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)
        self.setAccessibleName(tr("Talk share"))

    def show_metrics(self, metrics: ConversationMetrics | None) -> None:
        """Show the shares; free if nothing changes that can be seen."""
        shown: tuple[object, ...] = ()
        if metrics is not None:
            shares = tuple(round(p.talk_share or 0.0, 2) for p in metrics.parties)
            speaking = tuple(p.speaking for p in metrics.parties)
            shown = (shares, speaking, round(metrics.overtalk_share, 2))
        self._metrics = metrics
        if shown != self._shown:
            self._shown = shown
            self.setAccessibleDescription(self._spoken())
            self.update()

    def paint(self, painter: QPainter) -> None:
        """Draw names and shares, and the bar."""
        bar = QRectF(0, self.height() - 16, self.width(), 12)
        track = QPainterPath()
        track.addRoundedRect(bar, 6, 6)
        painter.fillPath(track, self.theme.colour("border", 150))
        metrics = self._metrics
        if metrics is None or not metrics.parties:
            return
        self._paint_names(painter, metrics)
        if metrics.talk_s > 0 and metrics.separable:
            self._paint_shares(painter, bar, track, metrics)
        elif metrics.talk_s > 0:
            painter.fillPath(track, party_colour(self.theme, 1))

    def _paint_shares(
        self, painter: QPainter, bar: QRectF, track: QPainterPath, metrics: ConversationMetrics
    ) -> None:
        painter.setClipPath(track)
        first = bar.width() * (metrics.parties[0].talk_share or 0.0)
        left = QRectF(bar.left(), bar.top(), first, bar.height())
        right = QRectF(bar.left() + first, bar.top(), bar.width() - first, bar.height())
        painter.fillRect(left, party_colour(self.theme, 0))
        painter.fillRect(right, party_colour(self.theme, 1))
        # Both talk: as much on either side of the border as each talks over the other.
        over = bar.width() * metrics.overtalk_s / metrics.talk_s
        if over > 1:
            area = QRectF(bar.left() + first - over, bar.top(), 2 * over, bar.height())
            painter.fillRect(area, hatch(self.theme.surface, 235))
        painter.fillRect(
            QRectF(bar.left() + first - 1, bar.top(), 2, bar.height()), self.theme.colour("surface")
        )
        painter.setClipping(False)

    def _paint_names(self, painter: QPainter, metrics: ConversationMetrics) -> None:
        several = metrics.separable
        for i, party in enumerate(metrics.voices):
            area = QRectF(0, 0, self.width(), self.height() - 20)
            right = several and i == 1
            name = stream_name(party.name)
            share = percent(party.talk_share) if party.talk_share is not None else "–"
            dot = 8.0
            painter.setFont(font(12, bold=True))
            room = painter.fontMetrics().horizontalAdvance(name)
            x = area.right() - dot if right else 0.0
            circle = QRectF(x, area.center().y() - dot / 2, dot, dot)
            painter.setPen(party_colour(self.theme, i if several else 1))
            painter.setBrush(painter.pen().color() if party.speaking else Qt.BrushStyle.NoBrush)
            painter.drawEllipse(circle)
            painter.setPen(self.theme.colour("text"))
            text = area.adjusted(14, 0, -14, 0)
            side = Qt.AlignmentFlag.AlignRight if right else Qt.AlignmentFlag.AlignLeft
            painter.drawText(text, side | Qt.AlignmentFlag.AlignVCenter, name)
            painter.setFont(font(12))
            painter.setPen(self.theme.colour("muted"))
            beside = text.adjusted(0 if right else room + 8, 0, -(room + 8) if right else 0, 0)
            painter.drawText(beside, side | Qt.AlignmentFlag.AlignVCenter, share)

    def _spoken(self) -> str:
        if self._metrics is None:
            return ""
        return ", ".join(
            f"{stream_name(p.name)} {percent(p.talk_share or 0.0)}" for p in self._metrics.voices
        )


_NOTHING = "–"
# A party's longest talk, or interruptions and tries, in any column.
_WIDEST = "88:88:88"
_ROW = 23
_NAME_WIDTH = 150  # a longer name takes more lines
_TEXTS = {definition.field: definition for definition in DEFINITIONS}


@dataclass(frozen=True, slots=True)
class _Row:
    """A number by its defined name, and what about it, where there are several."""

    field: str
    about: str

    @property
    def name(self) -> str:
        name = tr(name_of(self.field))
        return f"{name}, {tr(self.about)}" if self.about else name


@dataclass(frozen=True, slots=True)
class _PartyRow(_Row):
    value: Callable[[PartyMetrics], str]


@dataclass(frozen=True, slots=True)
class _CallRow(_Row):
    value: Callable[[ConversationMetrics], str]


def _seconds(value: float | None, digits: int = 1) -> str:
    return _NOTHING if value is None else seconds_text(value, digits)


def _interruptions(party: PartyMetrics) -> str:
    tried = party.interruption_attempts
    if not tried:
        return str(party.interruptions)
    return tr("{count} (+{tried})", count=party.interruptions, tried=tried)


def _level(party: PartyMetrics) -> str:
    level = party.level_dbfs
    return _NOTHING if level is None else tr("{level} dB", level=decimal(level, 0))


def _rate(party: PartyMetrics) -> str:
    rate = party.syllables_per_s
    return _NOTHING if rate is None else decimal(rate, 1)


_PARTY_ROWS = (
    _PartyRow("talk_s", "", lambda p: length_text(p.talk_s)),
    _PartyRow("turns", "", lambda p: str(p.turns)),
    _PartyRow(
        "longest_monologue_s",
        "",
        lambda p: length_text(p.longest_monologue_s),
    ),
    _PartyRow("interruptions", "", _interruptions),
    _PartyRow("responses", mark("usually"), lambda p: _seconds(p.responses.median_s)),
    _PartyRow("responses", mark("the slowest tenth"), lambda p: _seconds(p.responses.p90_s)),
    _PartyRow("level_dbfs", "", _level),
    _PartyRow("syllables_per_s", "", _rate),
)
_CALL_ROWS = (
    _CallRow(
        "overtalk_s",
        "",
        lambda m: tr(
            "{share} · {count}× · {time}",
            share=percent(m.overtalk_share),
            count=m.overlaps,
            time=_seconds(m.overtalk_s),
        ),
    ),
    _CallRow("silence_s", "", lambda m: percent(m.silence_share)),
    _CallRow("silence_s", mark("longest"), lambda m: _seconds(m.longest_silence_s)),
    _CallRow("silence_s", mark("now"), lambda m: _seconds(m.current_silence_s)),
    _CallRow(
        "gaps",
        "",
        lambda m: tr("{count}× · {time}", count=m.gaps.count, time=_seconds(m.gaps.total_s)),
    ),
)


class MetricsPanel(ScrollColumn):
    """Updated a few times a second; only texts that changed are set."""

    def __init__(self, theme: Theme, parent: QWidget | None = None) -> None:
        super().__init__(parent=parent)
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)  # it holds texts alone
        self.setAccessibleName(tr("Conversation metrics"))
        inner = QWidget(self)
        inner.setObjectName("plain")
        self._inner = inner
        self.bar = TalkBar(theme, inner)
        self.bar.setToolTip(definition_text("talk_share"))
        self.heads: list[QLabel] = []
        self.cells: dict[tuple[str, int], QLabel] = {}
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Maximum)
        self.note = Notice(inner, "note")
        grid = QGridLayout()
        grid.setHorizontalSpacing(10)
        grid.setVerticalSpacing(0)
        grid.setColumnStretch(0, 1)
        widest = QFontMetrics(font(13, bold=True)).horizontalAdvance(_WIDEST)
        for column in (1, 2):
            grid.setColumnMinimumWidth(column, widest)
            head = label("", inner, "caption")
            head.setAlignment(Qt.AlignmentFlag.AlignRight)
            self.heads.append(head)
            grid.addWidget(head, 0, column)
        for row, entry in enumerate(_PARTY_ROWS, 1):
            self._add_name(grid, row, entry.field, entry.name)
            for column in (0, 1):
                self._add_value(grid, row, column + 1, 1, (entry.name, column), entry.field)
        first = len(_PARTY_ROWS) + 1
        grid.addWidget(_line(inner), first, 0, 1, 3)
        for row, call_entry in enumerate(_CALL_ROWS, first + 1):
            self._add_name(grid, row, call_entry.field, call_entry.name)
            self._add_value(grid, row, 1, 2, (call_entry.name, 0), call_entry.field)
        vbox(self.note, self.bar, grid, STRETCH, within=inner, margins=(14, 12, 14, 12), gap=8)
        self.setWidget(inner)

    def sizeHint(self) -> QSize:
        """As high as all rows, so that they are seen where there is room."""
        return QSize(300, self._inner.sizeHint().height())

    def show_metrics(self, metrics: ConversationMetrics | None) -> None:
        """Show where the conversation stands; None: nothing yet."""
        self.bar.show_metrics(metrics)
        parties = metrics.voices if metrics is not None else ()
        alone = metrics is not None and not metrics.separable
        if alone != self.note.isVisibleTo(self):
            self.note.setText(
                tr(
                    "Both parties are on one channel, so who speaks cannot be told: what takes two "
                    "is not measured."
                )
            )
            self.note.setVisible(alone)
        for column, head in enumerate(self.heads):
            name = stream_name(parties[column].name) if column < len(parties) else ""
            _show(head, name)
        for entry in _PARTY_ROWS:
            for column in (0, 1):
                text = entry.value(parties[column]) if column < len(parties) else ""
                if metrics is None or (text and not metrics.tells(entry.field)):
                    text = _NOTHING
                _show(self.cells[entry.name, column], text)
        for call_entry in _CALL_ROWS:
            text = call_entry.value(metrics) if metrics is not None and not alone else _NOTHING
            if alone and metrics is not None and call_entry.field == "silence_s":
                text = call_entry.value(metrics)
            _show(self.cells[call_entry.name, 0], text)

    def _add_name(self, grid: QGridLayout, row: int, field: str, name: str) -> None:
        made = label(name, self, "muted", wrap=True)
        made.setToolTip(definition_text(field))
        made.ensurePolished()
        made.setFixedHeight(max(_ROW, made.heightForWidth(_NAME_WIDTH) + 2))
        grid.addWidget(made, row, 0)

    def _add_value(
        self, grid: QGridLayout, row: int, column: int, span: int, key: tuple[str, int], field: str
    ) -> None:
        made = QLabel(_NOTHING, self)
        made.setFont(font(13, bold=True))
        made.setAlignment(Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter)
        made.setToolTip(definition_text(field))
        made.setAccessibleName(key[0])
        self.cells[key] = made
        grid.addWidget(made, row, column, 1, span)


def definition_text(field: str) -> str:
    """What a number means and where that is from, as a tip that wraps."""
    definition = _TEXTS[field]
    source = f"<br><i>{definition.source}</i>" if definition.source else ""
    unit = f" ({tr(definition.unit)})" if definition.unit else ""
    return f"<p><b>{tr(definition.name)}{unit}</b><br>{tr(definition.text)}{source}</p>"


def _show(made: QLabel, text: str) -> None:
    if text != made.text():
        made.setText(text)


def _line(parent: QWidget) -> QFrame:
    line = QFrame(parent)
    line.setStyleSheet("background: palette(mid); border: none; margin: 5px 0")
    line.setFixedHeight(11)
    return line
