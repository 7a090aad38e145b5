"""The present, large: one card per stream, readable from across the room.

An emotion fills the card with its colour. Uncertain is hatched and says which way it leans;
silence is an empty dashed outline; without a run the card is plain.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

from PySide6.QtCore import QPoint, QRectF, Qt
from PySide6.QtGui import QColor, QFocusEvent, QFont, QFontMetricsF, QPainter, QPen
from PySide6.QtWidgets import QSizePolicy, QToolTip, QWidget

from emolive.history.model import StreamModel
from emolive.i18n import decimal, tr
from emolive.inference.doubt import pair_name
from emolive.labels import emotion_name
from emolive.times import clock_text, duration_text
from emolive.types import EngineState, Familiarity, SpeechState
from emolive.ui.painting import clipped, dots, fill_rounded, hatch
from emolive.ui.theme import RADIUS, Painted, Theme, font
from emolive.wording import adapted_text, familiarity_text, percent, stream_name

# States with a pattern at the card's right edge.
_HATCHED = (SpeechState.UNCERTAIN, SpeechState.NOT_INFERRED)
_BY_KEY = (Qt.FocusReason.TabFocusReason, Qt.FocusReason.BacktabFocusReason)
_BETWEEN = "  ·  "


@dataclass(frozen=True, slots=True)
class CardText:
    """What a card says. ``confidence`` is None where there is no bar; ``state`` None is no run.

    ``note`` says where the model does not know such sound, and whether answers are adapted; ``why``
    explains doubt.
    """

    headline: str
    detail: str
    state: SpeechState | None = None
    label: str | None = None
    confidence: float | None = None
    note: str = ""
    why: str = ""


def card_text(stream: StreamModel | None, engine: EngineState, window_s: float) -> CardText:
    """Put a stream's present into words; `window_s` is how long the first answer takes."""
    if engine is EngineState.STARTING:
        return CardText(tr("Starting"), tr("opening the input and loading the model"))
    if engine is EngineState.RECONNECTING:
        return CardText(tr("No input"), tr("waiting for the device to come back"))
    if engine is EngineState.STOPPING:
        return CardText(tr("Stopping"), "")
    if stream is None or engine is not EngineState.RUNNING:
        return CardText(tr("Ready"), tr("press Space to start"))
    if (current := stream.current) is None:
        text = tr("the first answer takes {seconds} s of audio", seconds=decimal(window_s))
        return CardText(tr("Listening"), text)
    since = _since(max(0.0, stream.end_s - current.since_s), current.since_s)
    state = current.state
    if state is SpeechState.SILENCE:
        return CardText(tr("Silence"), since, state)
    if state is SpeechState.NOT_INFERRED:
        text = tr("emotion not inferred here")
        return CardText(tr("Speaking"), text, state)
    note = "" if current.baseline is None else adapted_text(current.baseline)
    if current.familiarity not in (None, Familiarity.FAMILIAR):
        note = _BETWEEN.join(filter(None, (familiarity_text(current.familiarity), note)))
    if state is SpeechState.UNCERTAIN or current.label is None:
        return CardText(
            tr("Uncertain"),
            _BETWEEN.join((*current.doubts[:1], since)),
            SpeechState.UNCERTAIN,
            current.leading,
            current.confidence,
            note,
            current.why,
        )
    headline = pair_name(current.label, current.second)
    headline = headline[:1].upper() + headline[1:]
    about = (headline, since, SpeechState.SPEECH, current.label, current.confidence, note)
    return CardText(*about, current.why)


def _fits(painter: QPainter, room: QRectF, flags: int, text: str) -> bool:
    return painter.boundingRect(room, flags, text).height() <= room.height() + 1


def _since(seconds: float, since_s: float) -> str:
    duration, time = duration_text(seconds), clock_text(since_s)
    return tr("for {duration}, since {time}", duration=duration, time=time)


def _widest_detail() -> str:
    """The longest that a state without doubt has to say."""
    return _since(3_599.0, 35_999.0)


class CurrentCard(Painted, QWidget):
    """The card of one stream."""

    hint = (460, 160)  # room for a long name in large type

    def __init__(self, theme: Theme, parent: QWidget | None = None) -> None:
        super().__init__(theme, parent)
        self.text = card_text(None, EngineState.IDLE, 0.0)
        self._name = ""
        self._widest: tuple[str, ...] = ()
        self._set_labels(())
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Expanding)
        self.setMinimumSize(220, 140)
        self.setFocusPolicy(Qt.FocusPolicy.TabFocus)

    def set_stream(self, labels: tuple[str, ...], name: str) -> None:
        """Labels that may come, and a name to tell the card from others (or "")."""
        self._name = stream_name(name) if name else ""
        self._set_labels(labels)

    def show_text(self, text: CardText) -> None:
        """Show `text`; free if it is what is shown."""
        if text == self.text:
            return
        changed = text.headline != self.text.headline
        self.text = text
        self.setToolTip(text.why)
        if changed:  # not with every window: assistive technology is told of each change
            self._announce()
        self.update()

    def focusInEvent(self, event: QFocusEvent) -> None:
        """Say by keyboard, too, why the answer is in doubt."""
        super().focusInEvent(event)
        self.setAccessibleDescription(self.text.why)
        if self.text.why and event.reason() in _BY_KEY:
            below = self.mapToGlobal(QPoint(12, self.height() - 8))
            QToolTip.showText(below, self.text.why, self)

    def focusOutEvent(self, event: QFocusEvent) -> None:
        """Say it no more."""
        super().focusOutEvent(event)
        QToolTip.hideText()

    def paint(self, painter: QPainter) -> None:
        """Draw background, caption, headline, bar and detail."""
        card = QRectF(self.rect()).adjusted(1, 1, -1, -1)
        ink = self._paint_background(painter, card)
        pad = 20.0
        inner = card.adjusted(pad, 14, -pad, -14)
        if self.text.state in _HATCHED:
            inner.setRight(self._strip(card).left() - pad)
        strong, soft = QColor(ink), QColor(ink)
        if self.text.state is not SpeechState.SPEECH:
            soft = self.theme.colour("muted")
        left = Qt.AlignmentFlag.AlignLeft | Qt.AlignmentFlag.AlignVCenter
        right = Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter

        big = max(1.0, card.height() / 260)  # from across a room, everything is
        painter.setFont(font(12 * big))
        painter.setPen(soft)
        caption = QRectF(inner.left(), inner.top(), inner.width(), 16 * big)
        name = self._name or (tr("now") if self.text.state else "")
        painter.drawText(caption, left, name)
        metrics = QFontMetricsF(painter.font())
        room = caption.width() - metrics.horizontalAdvance(name) - 12
        note = metrics.elidedText(self.text.note, Qt.TextElideMode.ElideRight, room)
        painter.drawText(caption, right, note)

        foot = self._paint_detail(painter, inner, big)

        bar_top = foot.top() - 18 * big
        if self.text.confidence is not None:
            painter.setFont(font(16 * big, bold=True))
            painter.setPen(strong)
            number = QRectF(inner.right() - 64 * big, bar_top - 8 * big, 64 * big, 24 * big)
            painter.drawText(number, right, percent(self.text.confidence))
            bar = QRectF(inner.left(), bar_top, inner.width() - 70 * big, 9 * big)
            self._paint_bar(painter, bar, self.text.confidence, strong)
        room = bar_top - caption.bottom() - 6
        head = QRectF(inner.left(), caption.bottom(), inner.width(), room)
        painter.setFont(self._headline_font(head))
        quiet = self.text.state is SpeechState.SILENCE or self.text.state is None
        painter.setPen(soft if quiet else strong)
        painter.drawText(head, left, self.text.headline)
        if self.hasFocus():
            painter.setBrush(Qt.BrushStyle.NoBrush)
            painter.setPen(QPen(self.theme.colour("accent"), 2))
            painter.drawRoundedRect(card, RADIUS, RADIUS)

    def _paint_detail(self, painter: QPainter, inner: QRectF, big: float) -> QRectF:
        """Draw the detail at the bottom, in two lines where one may be too narrow; its room."""
        painter.setFont(font(13 * big))
        # By what there may be, not by what there is: else all above it moves with each window.
        told = self.text.detail if self.text.state is None else _widest_detail()
        wide = QFontMetricsF(painter.font()).horizontalAdvance(told)
        lines = 1 if wide <= inner.width() and self.text.state is not SpeechState.UNCERTAIN else 2
        if lines > 1:
            painter.setFont(font(12 * big))
        height = 18 * big if lines == 1 else 32 * big
        foot = QRectF(inner.left(), inner.bottom() - height, inner.width(), height)
        flags = Qt.AlignmentFlag.AlignLeft | Qt.AlignmentFlag.AlignVCenter
        flags |= Qt.TextFlag.TextWordWrap
        parts = self.text.detail.split(_BETWEEN)
        while len(parts) > 1 and not _fits(painter, foot, flags, _BETWEEN.join(parts)):
            parts.pop()  # in a narrow card the doubt goes before how long it has been so
        for px in (11, 10, 9):
            if not _fits(painter, foot, flags, _BETWEEN.join(parts)):
                painter.setFont(font(px * big))
        painter.drawText(foot, flags, _BETWEEN.join(parts))
        return foot

    def _paint_background(self, painter: QPainter, card: QRectF) -> str:
        """Fill the card; returns the ink for text on it."""
        state = self.text.state
        if state is SpeechState.SPEECH and self.text.label is not None:
            swatch = self.theme.swatch(self.text.label)
            fill_rounded(painter, card, RADIUS, QColor(swatch.fill(dark=self.theme.dark)))
            return swatch.ink(dark=self.theme.dark)
        painter.setBrush(self.theme.colour("surface"))
        pen = QPen(self.theme.colour("border"), 1)
        if state is SpeechState.SILENCE:
            pen = QPen(self.theme.colour("faint"), 2, Qt.PenStyle.DashLine)
            painter.setBrush(Qt.BrushStyle.NoBrush)
        painter.setPen(pen)
        painter.drawRoundedRect(card, RADIUS, RADIUS)
        if state in _HATCHED:
            # The hatch keeps to the right, so that it does not run behind the words.
            with clipped(painter, card, RADIUS):
                strip = self._strip(card)
                painter.fillRect(strip, self.theme.colour("border", 120))
                uncertain = state is SpeechState.UNCERTAIN
                pattern = hatch(self.theme.text, 110) if uncertain else dots(self.theme.muted, 220)
                painter.fillRect(strip, pattern)
        return self.theme.text

    def _strip(self, card: QRectF) -> QRectF:
        width = 0.14 * card.width()
        return QRectF(card.right() - width, card.top(), width, card.height())

    def _paint_bar(self, painter: QPainter, bar: QRectF, share: float, ink: QColor) -> None:
        track = QColor(ink)
        track.setAlpha(60)
        painter.setPen(Qt.PenStyle.NoPen)
        painter.setBrush(track)
        thick = bar.height()
        painter.drawRoundedRect(bar, thick / 2, thick / 2)
        painter.setBrush(ink)
        filled = QRectF(bar)
        filled.setWidth(max(thick, bar.width() * min(1.0, share)))
        painter.drawRoundedRect(filled, thick / 2, thick / 2)

    def _headline_font(self, room: QRectF) -> QFont:
        """As large as the longest name fits, so that the size stays when the name changes.

        A pair of names is longer than any, and smaller.
        """
        probe = font(100, bold=True)
        metrics = QFontMetricsF(probe)
        told = (*self._widest, self.text.headline)
        widest = max(metrics.horizontalAdvance(text) for text in told)
        px = min(room.height() / 1.12, 100 * room.width() / widest, 480)
        return font(math.floor(px), bold=self.text.state is not SpeechState.SILENCE)

    def _set_labels(self, labels: tuple[str, ...]) -> None:
        names = (emotion_name(label) for label in labels)
        self._widest = (*(name[:1].upper() + name[1:] for name in names), tr("Uncertain"))
        self._announce()
        self.update()

    def _announce(self) -> None:
        name = tr("Current emotion: {headline}", headline=self.text.headline)
        if self._name:
            name = tr(
                "Current emotion ({stream}): {headline}",
                stream=self._name,
                headline=self.text.headline,
            )
        self.setAccessibleName(name)
        self.setAccessibleDescription(self.text.why)
