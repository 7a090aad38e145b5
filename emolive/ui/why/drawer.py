"""The drawer at the right: why this moment was decided so."""

from __future__ import annotations

from collections.abc import Callable

from PySide6.QtCore import QPointF, QRectF, QSize, Qt, Signal
from PySide6.QtGui import QColor, QPainter, QPen
from PySide6.QtWidgets import QFrame, QPushButton, QSizePolicy, QWidget

from emolive.acoustics import SPECTROGRAM, band_edges
from emolive.explain.baseline import CueReading
from emolive.explain.cues import SPECS
from emolive.explain.moment import Explanation, Moment
from emolive.explain.wording import TOLD, comparison, sentence, title
from emolive.i18n import decimal, ntr, tr
from emolive.labels import emotion_name
from emolive.times import clock_tenths, clock_text
from emolive.types import AnalysisFacts
from emolive.ui.controls import (
    ChoiceBox,
    Notice,
    PictureChoice,
    ScrollColumn,
    label,
    side_width,
)
from emolive.ui.layouts import STRETCH, hbox, vbox
from emolive.ui.painting import fill_rounded, write
from emolive.ui.theme import Painted, Theme, Themed, font
from emolive.ui.why.saliency_view import LEAST_WORTH, SaliencyView
from emolive.wording import percent, stream_name

ROW, HEAD = 22.0, 18.0
# Deviations beyond this many spreads are drawn at the end of the scale.
_MOST = 4.0


class CueTable(Painted, QWidget):
    """A row per cue: name, value, usual value, and how far off it is."""

    def __init__(self, theme: Theme, parent: QWidget | None = None) -> None:
        super().__init__(theme, parent)
        self._readings: tuple[CueReading, ...] = ()
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)
        self.setMouseTracking(True)
        self.setAccessibleName(tr("Acoustic cues"))
        self.show_readings(())

    def sizeHint(self) -> QSize:
        """As high as its rows."""
        return QSize(300, round(HEAD + ROW * len(self._readings)) if self._readings else 0)

    def show_readings(self, readings: tuple[CueReading, ...]) -> None:
        """Show these."""
        self._readings = readings
        self.setFixedHeight(self.sizeHint().height())
        self.setAccessibleDescription("; ".join(filter(None, map(_sentence, readings))))
        about = [f"{title(r.cue)}: {tr(SPECS[r.cue].about)}" for r in readings]
        self.setToolTip("\n".join(about))
        self.update()

    def paint(self, painter: QPainter) -> None:
        """Draw head and rows."""
        if not self._readings:
            return
        width = self.width()
        # Name, two numbers and a scale share the width.
        columns = 0.355 * width, 0.59 * width, 0.795 * width
        scale = QRectF(0.815 * width, 0, 0.185 * width, ROW)
        here = QRectF(columns[0], 0, columns[1] - columns[0], ROW)
        usual = QRectF(columns[1], 0, columns[2] - columns[1], ROW)
        painter.setFont(font(10))
        painter.setPen(self.theme.colour("muted"))
        right = Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter
        middle = Qt.AlignmentFlag.AlignCenter
        painter.drawText(here.adjusted(0, 0, 0, HEAD - ROW), right, tr("here"))
        painter.drawText(usual.adjusted(0, 0, 0, HEAD - ROW), right, tr("usual"))
        painter.drawText(scale.adjusted(-12, 0, 12, HEAD - ROW), middle, tr("less · more"))
        for i, reading in enumerate(self._readings):
            top = HEAD + i * ROW
            far = reading.deviation is not None and abs(reading.deviation) >= TOLD
            painter.setPen(QPen(self.theme.colour("border"), 1))
            painter.drawLine(QPointF(0, top), QPointF(width, top))
            painter.setFont(font(12, bold=far))
            painter.setPen(self.theme.colour("text" if far else "muted"))
            area = QRectF(0, top, columns[0] + 4, ROW)
            text = painter.fontMetrics().elidedText(
                title(reading.cue), Qt.TextElideMode.ElideRight, round(area.width())
            )
            painter.drawText(area, Qt.AlignmentFlag.AlignVCenter, text)
            painter.drawText(here.translated(0, top), right, _number(reading, True))
            write(
                painter,
                usual.translated(0, top),
                _number(reading, False),
                self.theme.colour("muted"),
                12,
                right,
            )
            self._paint_scale(painter, scale.translated(0, top), reading, far=far)

    def _paint_scale(
        self, painter: QPainter, area: QRectF, reading: CueReading, *, far: bool
    ) -> None:
        centre, half = area.center(), area.width() / 2 - 4
        track = QRectF(centre.x() - half, centre.y() - 2, 2 * half, 4)
        fill_rounded(painter, track, 2, self.theme.colour("border", 130))
        usual = half * TOLD / _MOST
        painter.setBrush(self.theme.colour("faint", 150))
        painter.drawRoundedRect(QRectF(centre.x() - usual, centre.y() - 2, 2 * usual, 4), 2, 2)
        if reading.deviation is None:
            return
        x = centre.x() + half * min(1.0, max(-1.0, reading.deviation / _MOST))
        painter.setPen(QPen(self.theme.colour("surface"), 1.5))
        painter.setBrush(self.theme.colour("accent" if far else "muted"))
        painter.drawEllipse(QPointF(x, centre.y()), 5.0, 5.0)


def _number(reading: CueReading, here: bool) -> str:
    value = reading.value if here else reading.usual
    if value is None:
        return "–"
    spec = SPECS[reading.cue]
    unit = {"semitones": " st", "syllables/s": "/s", "dBFS": " dB"}.get(spec.unit, f" {spec.unit}")
    about = "≈ " if spec.estimate else ""
    return f"{about}{decimal(value, spec.digits)}{unit}".replace(" ", "\u00a0")


def _sentence(reading: CueReading) -> str:
    if reading.value is None:
        return ""
    text = f"{title(reading.cue)} {_number(reading, True)}"
    if reading.usual is not None:
        usual = tr("usually {value}", value=_number(reading, False))
        text += f", {usual}, {comparison(reading)}"
    return text


class WhyDrawer(Themed, QFrame):
    """Shows explanations. It asks for nothing itself: it tells what the person wants to know."""

    closed = Signal()
    stepped = Signal(int)
    label_chosen = Signal(str)

    def __init__(self, theme: Theme, parent: QWidget | None = None) -> None:
        super().__init__(theme, parent)
        self.setProperty("card", True)
        self.setFixedWidth(side_width(0))
        self.setAccessibleName(tr("Why"))
        self._facts: AnalysisFacts | None = None
        self._moment: Moment | None = None
        self._several = False
        self.title = label(tr("Why?"), self, "title")
        self.where = _text(self, "caption")
        step = self.stepped.emit
        self.before = self._button("back", tr("The decision before (,)"), lambda: step(-1))
        self.after = self._button("next", tr("The next decision (.)"), lambda: step(1))
        self.close_button = self._button("close", tr("Close (Esc)"), self.closed.emit)
        self.labels = ChoiceBox(tr("Emotion that is asked about"), self)
        self.labels.picked.connect(self.label_chosen.emit)
        self.view = SaliencyView(theme, self)
        self.decisive = _text(self)
        self.words = _text(self, "strong")
        self.table = CueTable(theme, self)
        self.problem = _text(self, "note")
        self.note = _text(self, "caption")
        self._lay_out()
        self._show_texts("", "", "")

    def set_run(self, facts: AnalysisFacts | None, *, several: bool) -> None:
        """Explanations to come are of this run; `several` streams are told apart by name."""
        self._facts = facts
        self._several = several
        names = facts.labels if facts else ()
        self.labels.offer([(emotion_name(name), name) for name in names])

    def show_question(self, moment: Moment) -> None:
        """A moment was asked about; the answer takes a while."""
        self._moment = moment
        self._show_moment(moment)
        self._show_texts("", "", "")
        self.table.show_readings(())
        self.note.hide()
        self.view.show_busy()

    def show_nothing(self, at_s: float, text: str) -> None:
        """There is nothing to explain at that time, and why."""
        self._moment = None
        self.where.setText(clock_text(at_s))
        self.labels.setEnabled(False)
        self.view.show_explanation(None, QColor())
        self._show_texts("", "", text)
        self.table.show_readings(())
        self.note.hide()

    def show_explanation(self, found: Explanation) -> None:
        """Show an answer, unless another moment was asked about since."""
        if found.moment != self._moment or self._facts is None:
            return
        label = found.moment.label
        colour = self.theme.fill(label)
        self.view.show_explanation(found, colour)
        self.table.show_readings(found.cues)
        words = " ".join(filter(None, (found.words, self._stretch_text(found))))
        self._show_texts(self._decisive_text(found), words, found.problem or "")
        if found.saliency is not None:
            self.note.setText(self._note_text(found))
        self.note.setVisible(found.saliency is not None)

    def _show_moment(self, moment: Moment) -> None:
        assert self._facts is not None
        rate = self._facts.rate
        start, end = max(0, moment.start_sample) / rate, moment.end_sample / rate
        times = f"{clock_text(start)}–{clock_text(end)}"
        name = f"{stream_name(moment.stream)} · " if self._several else ""
        self.where.setText(f"{name}{times}")
        self.labels.setEnabled(True)
        self.labels.setCurrentIndex(self.labels.findData(moment.label))

    def _show_texts(self, decisive: str, words: str, problem: str) -> None:
        self.decisive.say(decisive)
        self.words.say(words)
        self.problem.say(problem)

    def _decisive_text(self, found: Explanation) -> str:
        saliency = found.saliency
        if saliency is None:
            return ""
        name = emotion_name(found.moment.label)
        head = tr(
            "{label}: {share} in this window.", label=name, share=percent(saliency.probability)
        )
        if saliency.worth.max() < LEAST_WORTH:
            return f"{head} " + tr("No single part of the sound was decisive.")
        start = found.moment.start_sample / SPECTROGRAM.sampling_rate
        hop_s = SPECTROGRAM.hop_length / SPECTROGRAM.sampling_rate
        low, high = band_edges(SPECTROGRAM)[list(saliency.bands)]
        tail = tr(
            "Without the framed part ({start}–{end}, {low}–{high} Hz) it would be {share}.",
            start=clock_tenths(start + saliency.frames[0] * hop_s),
            end=clock_tenths(start + saliency.frames[1] * hop_s),
            low=decimal(round(low, -1), 0),
            high=decimal(round(high, -1), 0),
            share=percent(saliency.least),
        )
        return f"{head} {tail}"

    def _stretch_text(self, found: Explanation) -> str:
        """The cues of the stretch that the answer rests on, where there is something to tell."""
        assert self._facts is not None
        told = [r for r in found.stretch_cues if r.deviation is not None]
        decisive = found.saliency is not None and found.saliency.worth.max() >= LEAST_WORTH
        if found.stretch is None or not told or not decisive:
            return ""
        start, end = (
            (found.moment.start_sample + sample) / self._facts.rate for sample in found.stretch
        )
        return tr(
            "Where half of it is decided ({start}–{end}): {words}",
            start=clock_tenths(start),
            end=clock_tenths(end),
            words=sentence(told, found.baseline_windows, 0),
        )

    def _note_text(self, found: Explanation) -> str:
        parts = [
            tr(
                "Coloured: what spoke for it. Striped: what spoke against it. This is what the "
                "network used, not what the speaker felt."
            )
        ]
        if found.cues and found.baseline_windows:
            parts.append(
                ntr(
                    "Usual: {count} window of this speaker.",
                    "Usual: median of {count} windows of this speaker.",
                    found.baseline_windows,
                )
            )
        return " ".join(parts)

    def _button(self, name: str, tip: str, pressed: Callable[[], object]) -> QPushButton:
        button = PictureChoice(name, tip, self.theme, self, checkable=False)
        button.clicked.connect(lambda _=False: pressed())
        button.setFixedWidth(28)
        return button

    def _lay_out(self) -> None:
        head = hbox(
            self.title, 8, (self.where, 1), self.before, self.after, self.close_button, gap=2
        )
        inside = QWidget(self)
        vbox(
            self.labels,
            self.view,
            self.decisive,
            self.words,
            self.table,
            self.problem,
            self.note,
            STRETCH,
            within=inside,
            margins=(14, 0, 14, 12),
            gap=8,
        )
        head.setContentsMargins(14, 8, 8, 0)
        vbox(head, (ScrollColumn(inside, self), 1), within=self, gap=6)


def _text(parent: QWidget, role: str = "body") -> Notice:
    text = Notice(parent, role)
    text.setTextInteractionFlags(Qt.TextInteractionFlag.TextSelectableByMouse)
    text.setSizePolicy(QSizePolicy.Policy.Preferred, QSizePolicy.Policy.Minimum)
    return text
