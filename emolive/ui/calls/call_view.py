"""One call: its timelines, the conversation in numbers, and its alerts."""

from __future__ import annotations

from PySide6.QtCore import QRectF, QSize, Signal
from PySide6.QtGui import QPainter
from PySide6.QtWidgets import QHBoxLayout, QSizePolicy, QWidget

from emolive.i18n import tr
from emolive.session.why import HeardExplainer
from emolive.times import clock_text, duration_text, length_text
from emolive.types import EngineState
from emolive.ui.calls.alert_list import AlertList, AlertProblems
from emolive.ui.calls.face import CallFace, face_of, figures_of
from emolive.ui.calls.metrics_panel import MetricsPanel
from emolive.ui.calls.model import CallModel
from emolive.ui.calls.remarks import RemarksPanel
from emolive.ui.calls.tile_paint import TilePainter
from emolive.ui.calls.timelines import Timelines
from emolive.ui.controls import (
    ElidedLabel,
    IconButton,
    Notice,
    card,
    keep_room,
    label,
    push_button,
    side_width,
)
from emolive.ui.icons import icon
from emolive.ui.layouts import fill, hbox, vbox
from emolive.ui.live.header import RecordButton
from emolive.ui.live.health import Stat
from emolive.ui.theme import SPACE, Painted, Theme, Themed, font
from emolive.ui.why.controller import HeardWhy
from emolive.ui.why.drawer import WhyDrawer
from emolive.wording import adapted_text, familiarity_text, percent

_LEAST_NUMBERS = 160
_LEAST_ALERTS = 126
_LEAST_NOTES = 116
_WIDE_PX = 1200
_LONGEST_HEALTH = 24


class CallView(Themed, QWidget):
    """Shows one call; signals tell what the person wants."""

    back_wanted = Signal()
    stop_wanted = Signal()
    again_wanted = Signal()
    record_wanted = Signal()
    listen_wanted = Signal(bool)
    keep_wanted = Signal()
    acknowledged = Signal(object)

    def __init__(self, theme: Theme, parent: QWidget | None = None) -> None:
        super().__init__(theme, parent)
        self.model: CallModel | None = None
        self.rules_known = False
        self._state: tuple[object, ...] = ()
        self._unheard = ""  # why it cannot be listened to
        self.timelines = Timelines(theme, self)
        self.metrics = MetricsPanel(theme, self)
        self.alerts = AlertList(theme, self)
        self.alerts.picked.connect(self.timelines.show_moment)
        self.alerts.acknowledged.connect(self.acknowledged)
        self.problem = Notice(self, "problem")
        self.alert_problems = AlertProblems(self)
        self.telephone = Notice(self, "caption")
        self.telephone.setContentsMargins(4, 0, 4, 0)
        self.drawer = WhyDrawer(theme, self)
        self.why = HeardWhy(self.drawer, self.timelines.axis, self)
        self.why.shown.connect(lambda _: self._make_room())
        self.timelines.picked.connect(lambda name, at_s: self.why.explain(at_s, name))
        side = QWidget(self)
        side.setObjectName("plain")
        self._side = side
        self._trouble = False
        self._trouble_words = ""  # where they have no room above
        # All numbers where there is room, and always some alerts.
        self.remarks = RemarksPanel(side)
        numbers, notes = card(side, self.metrics), card(side, self.remarks)
        warnings = card(side, self.alerts)
        numbers.setMinimumHeight(_LEAST_NUMBERS)
        notes.setMinimumHeight(_LEAST_NOTES)
        warnings.setMinimumHeight(_LEAST_ALERTS)
        numbers.setSizePolicy(QSizePolicy.Policy.Preferred, QSizePolicy.Policy.Maximum)
        notes.setSizePolicy(QSizePolicy.Policy.Preferred, QSizePolicy.Policy.Maximum)
        vbox(numbers, (warnings, 1), notes, within=side, gap=SPACE)
        row = hbox(
            (vbox((self.timelines, 1), self.telephone, gap=6), 1), side, self.drawer, gap=SPACE
        )
        vbox(self._header(), self.problem, self.alert_problems, (row, 1), within=self, gap=SPACE)
        self.set_theme(theme)

    def _recolour(self) -> None:
        self._state = ()
        self.stop.setIcon(icon("stop", self.theme.danger))
        self._show_listening()
        self.again.setIcon(icon("start", self.theme.on_accent))

    def show_listening(self, heard: bool, problem: str | None) -> None:
        """Whether the call is heard, or why not."""
        self.listen.setChecked(heard)
        self._unheard = problem or ""
        self._show_problem()
        self._show_listening()

    def show_held(self, seconds: float) -> None:
        """How much of the call can still be kept."""
        recorded = self.model is not None and self.model.recorded
        self.keep.setVisible(not recorded)
        self.keep.setEnabled(seconds >= 1.0)
        name = tr("Keep what is in memory of this call as a session")
        if seconds >= 1.0:
            name = tr(
                "Keep the last {duration} of this call as a session",
                duration=duration_text(seconds),
            )
        self.keep.set_shape("keep", name, "K")

    def explain_here(self) -> None:
        """Why: of what the pointer is at, or was asked about last, or was decided last."""
        if (pointed := self.timelines.pointed()) is not None:
            self.why.explain(pointed[1], pointed[0])
        else:
            self.why.explain_here()

    def show_call(self, model: CallModel | None, explainer: HeardExplainer | None = None) -> None:
        """Show another call, or none; `explainer` tells why it was decided so."""
        self.model = model
        self.why.close()
        self._state = ()
        self.timelines.show_call(model)
        self.metrics.show_metrics(None)
        none = tr("No alert yet: you are told when a rule's condition holds.")
        if not self.rules_known:
            none = tr("Rules tell you when a call needs you: anger that lasts, long silence, both "
                      "talking at once.")  # fmt: skip
        self.alerts.show_call(model, none, offer_rules=not self.rules_known)
        if model is None:
            return
        info = model.info
        self.name.show_whole(info.name)
        whose = (info.choice.agent_name, info.choice.team, info.choice.describe())
        self.about.show_whole(" · ".join(filter(None, whose)))
        self._show_agent()
        several = info.permission is not None
        self.why.open(info.facts, lambda: model.inferred, explainer, several=several)
        self.refresh()

    def refresh(self) -> None:
        """One frame; only what changed is touched."""
        model = self.model
        if model is None:
            return
        self.timelines.refresh()
        text = (length_text if model.over else clock_text)(model.end_s)
        if text == self.elapsed.text() and not self._changed(model):
            return
        self.elapsed.setText(text)
        self.record.setVisible(model.recorded or not model.over)
        self.record.show_recording(model.recording if model.recorded else None)
        self.metrics.show_metrics(model.metrics)
        self.alerts.refresh()
        self.remarks.show_call(model)
        self._show_state(model)
        self._show_telephone(model)

    def sizeHint(self) -> QSize:
        """As the window has it."""
        return QSize(940, 560)

    def _header(self) -> QHBoxLayout:
        self.back = IconButton("back", tr("Back to all calls"), self.theme, self, keys=tr("Esc"))
        self.back.clicked.connect(self.back_wanted)
        self.name = ElidedLabel(self, "title")
        self.about = ElidedLabel(self, "caption")
        self.mood = MoodLabel(self.theme, self)
        self.elapsed = label("0:00", self, "elapsed")
        self.elapsed.setFont(font(18, bold=True))
        self.elapsed.setAccessibleName(tr("Duration of the call"))
        keep_room(self.elapsed, clock_text(359_999))
        self.health = Stat(tr("Answers"), tr("Whether the answers keep up with the call"), self)
        self.agent = Stat(tr("Agent's emotions"), "", self)
        tip = tr("End the monitoring of this call; it stays on the wall")
        self.stop = push_button(f" {tr('End')}", self, self.stop_wanted.emit, tip=tip)
        tip = tr("Monitor it once more, from the start; the agent's emotions are off again")
        text = f" {tr('Start again')}"
        self.again = push_button(text, self, self.again_wanted.emit, kind="primary", tip=tip)
        tip = tr("Hear the call while it goes on; the audit log gets to know (L)")
        text = f" {tr('Listen in')}"
        self.listen = push_button(text, self, kind="toggle", tip=tip, checkable=True)
        self.listen.clicked.connect(self.listen_wanted)
        self.keep = IconButton("keep", "", self.theme, self, keys="K")
        self.keep.clicked.connect(self.keep_wanted)
        self.record = RecordButton(self.theme, self)
        self.record.clicked.connect(self.record_wanted)
        row = hbox(self.back, (vbox(self.name, self.about, gap=0), 1), self.mood, gap=10)
        fill(row, 4, self.agent, 4, self.health, 4, self.elapsed, self.listen, self.keep)
        fill(row, self.record, self.stop, self.again)
        return row

    def _changed(self, model: CallModel) -> bool:
        alerts = tuple((a.number, a.end_sample, a.acknowledged) for a in model.alerts)
        state = (
            model.state,
            model.status,
            model.metrics,
            alerts,
            model.state_words(),
            model.recording,
            len(model.remarks),
            tuple(model.tags),
        )
        changed = state != self._state
        self._state = state
        return changed

    def _show_state(self, model: CallModel) -> None:
        face = face_of(model)
        self.mood.show_face(face, TilePainter(self.theme, model.info.facts.labels))
        trouble = face.troubled or model.lost > 0
        text = face.health
        if model.lost and not face.troubled:
            text = tr("the picture has gaps")
        failed = model.state is EngineState.FAILED
        long = len(text) > _LONGEST_HEALTH  # a sentence, which has room below
        short = tr("failed") if failed else tr("see below") if long else text
        self.health.show_value(short, alert=trouble)
        self._trouble = trouble
        self._make_room()
        self.health.setToolTip("\n".join(filter(None, (text, figures_of(model)))))
        self.stop.setVisible(not model.over)
        self.again.setVisible(model.over)
        self.listen.setVisible(not model.over)
        self._trouble_words = text if failed or long else ""
        self._show_problem()

    def _show_problem(self) -> None:
        """How the call is, or else its recording; and why it cannot be listened to."""
        recording = self.model.recording if self.model is not None else None
        recorded = recording.error or "" if recording is not None else ""
        sentences = " ".join(filter(None, (self._trouble_words or recorded, self._unheard)))
        if sentences != self.problem.text() or bool(sentences) == self.problem.isHidden():
            self.problem.say(sentences)

    def _show_listening(self) -> None:
        on = self.listen.isChecked()
        self.listen.setIcon(icon("sound", self.theme.accent if on else self.theme.muted))

    def _make_room(self) -> None:
        wide = self.width() >= _WIDE_PX
        self._side.setVisible(wide or self.drawer.isHidden())
        self.listen.setText(f" {tr('Listen in')}" if wide else "")
        self.listen.setAccessibleName(tr("Listen in"))
        model = self.model
        agent_on = model is not None and model.info.permission is not None
        agent = model is not None and model.info.choice.has_agent
        # Off is said in the agent's lane, too.
        self.agent.setVisible(agent and (wide or agent_on))
        # The name needs the room; the timeline says how it is now, too.
        self.mood.setVisible(wide or not agent_on)
        self.health.setVisible(wide or not agent_on or self._trouble)
        for side in (self._side, self.drawer):
            side.setFixedWidth(side_width(self.width()))

    _resized = _make_room  # in a narrow window the name goes before what is always so

    def _show_agent(self) -> None:
        assert self.model is not None
        info = self.model.info
        self._make_room()
        if info.permission is None:
            self.agent.show_value(tr("off"))
            tip = tr(
                "Inferring the emotions of people at work is prohibited in the European Union, so "
                "it is off unless it is confirmed for a call when that is started."
            )
        else:
            self.agent.show_value(tr("on, in this call"), alert=True)
            tip = tr(
                "Allowed by {who} for this call, and written to the audit log.",
                who=info.permission.granted_by,
            )
        self.agent.setToolTip(tip)

    def _show_telephone(self, model: CallModel) -> None:
        notes = [telephone_words(model)] if model.narrow else []
        self.telephone.setToolTip(telephone_text(model) if model.narrow else "")
        if model.strange is not None:
            word = familiarity_text(model.strange)
            notes.append(tr("To the model, this speech is {word}.", word=word))
        if model.main is not None and model.main.baseline is not None:
            told = adapted_text(model.main.baseline)
            notes.append(f"{told[:1].upper()}{told[1:]}.")
        text = " ".join(notes)
        if text != self.telephone.text():
            self.telephone.setText(text)
        if bool(text) == self.telephone.isHidden():
            self.telephone.setVisible(bool(text))


class MoodLabel(Painted, QWidget):
    """The main party's emotion, as on its card."""

    def __init__(self, theme: Theme, parent: QWidget | None = None) -> None:
        super().__init__(theme, parent)
        self._ink: TilePainter | None = None
        self._face: CallFace | None = None
        self.setFixedSize(210, 32)
        self.setAccessibleName(tr("Emotion"))

    def show_face(self, face: CallFace, ink: TilePainter) -> None:
        """Show what a card shows."""
        self._ink = ink
        if face != self._face:
            self._face = face
            self.setToolTip(face.why)
            self.setAccessibleDescription(face.why)
            self.update()

    def paint(self, painter: QPainter) -> None:
        """Draw colour and word."""
        if self._ink is not None and self._face is not None:
            self._ink.emotion(painter, QRectF(self.rect()), self._face, 18)


def telephone_words(model: CallModel) -> str:
    """How good the model is on telephone speech, in one plain sentence."""
    scores = model.info.telephone
    if not scores:
        return tr("Telephone sound: how reliable emotions are there was not measured.")
    of_ten = round(10 * sum(scores.values()) / len(scores))
    return tr(
        "Telephone sound: in tests through such a line, about {count} in 10 emotional moments were "
        "told right.",
        count=of_ten,
    )


def telephone_text(model: CallModel) -> str:
    """The figures of the model's card on telephone speech."""
    scores = model.info.telephone
    name = model.info.facts.model
    if not scores:
        return tr("Telephone speech: {model} was not measured on it.", model=name)
    listed = ", ".join(f"{corpus} {percent(score)}" for corpus, score in scores.items())
    return tr(
        "Telephone speech: through a telephone line, {model} finds {scores} of the windows' "
        "emotions (mean over the classes, speakers it never heard).",
        model=name,
        scores=listed,
    )
