"""One rule as a form: who, what, how much, for how long, and what happens then."""

from __future__ import annotations

from typing import Any

from PySide6.QtCore import Signal
from PySide6.QtGui import QFontMetrics
from PySide6.QtWidgets import (
    QCheckBox,
    QFormLayout,
    QFrame,
    QHBoxLayout,
    QLineEdit,
    QPushButton,
    QScrollArea,
    QVBoxLayout,
    QWidget,
)

from emolive.alerts.rules import EmotionRule, OvertalkRule, Rule, SilenceRule, TrendRule
from emolive.i18n import mark, tr
from emolive.types import Role, Severity
from emolive.ui.controls import ChoiceBox, label
from emolive.ui.sessions.flow import FlowLayout
from emolive.ui.settings.form import Number
from emolive.ui.theme import font
from emolive.ui.words import emotion_name

_WHO: tuple[tuple[Role | None, str], ...] = (
    (Role.CUSTOMER, mark("the customer")),
    (Role.AGENT, mark("the agent")),
    (None, mark("anybody")),
)
_SEVERITIES = {
    Severity.INFO: mark("note"),
    Severity.WARNING: mark("warning"),
    Severity.CRITICAL: mark("critical"),
}


class RuleForm(QScrollArea):
    """`edited` carries the values that a person changed, by field."""

    edited = Signal(dict)

    def __init__(
        self, labels: tuple[str, ...], webhooks: tuple[str, ...], parent: QWidget | None = None
    ) -> None:
        super().__init__(parent)
        self.setWidgetResizable(True)
        self.setFrameShape(QFrame.Shape.NoFrame)
        self.viewport().setAutoFillBackground(False)
        self._labels = labels
        self._webhooks = webhooks
        self._shown: Rule | None = None
        self.numbers: dict[str, Number] = {}
        self.emotions: dict[str, QPushButton] = {}
        self.hooks: dict[str, QCheckBox] = {}

    def set_webhooks(self, names: tuple[str, ...]) -> None:
        """Offer these from the next rule on."""
        self._webhooks = names

    def show_rule(self, rule: Rule | None) -> None:
        """Show a rule; the form is built for its kind."""
        self._shown = rule
        self.numbers, self.emotions, self.hooks = {}, {}, {}
        inner = QWidget(self)
        inner.setObjectName("plain")
        if rule is not None:
            self._build(inner, rule)
        self.setWidget(inner)

    def _build(self, inner: QWidget, rule: Rule) -> None:
        form = QFormLayout()
        form.setHorizontalSpacing(14)
        form.setVerticalSpacing(8)
        form.setFieldGrowthPolicy(QFormLayout.FieldGrowthPolicy.AllNonFixedFieldsGrow)
        self.name = QLineEdit(rule.name, inner)
        self.name.setMaxLength(80)
        self.name.setAccessibleName(tr("Name of the rule"))
        self.name.textEdited.connect(lambda text: self.edited.emit({"name": text}))
        form.addRow(tr("Name"), self.name)
        self.enabled = self._switch(tr("Watch for it"), "enabled", rule.enabled, inner)
        form.addRow("", self.enabled)
        if not isinstance(rule, OvertalkRule):
            form.addRow(tr("Who"), self._who(rule, inner))
        self._add_specific(form, rule, inner)
        self.severity = ChoiceBox(tr("Severity"), inner)
        for severity, name in _SEVERITIES.items():
            self.severity.addItem(tr(name), str(severity))
        self.severity.setCurrentIndex(list(_SEVERITIES).index(rule.severity))
        self.severity.activated.connect(
            lambda index: self.edited.emit({"severity": list(_SEVERITIES)[index]})
        )
        form.addRow(tr("Severity"), self.severity)
        about = tr("After it was raised, the same rule keeps quiet for so long")
        bounds = (0.0, 86_400.0)
        cool = self._number("cool_down_s", rule.cool_down_s, bounds, 5, "s", about, inner)
        form.addRow(tr("Quiet afterwards"), cool)
        then = QHBoxLayout()
        then.setSpacing(16)
        then.addWidget(self._switch(tr("Sound"), "sound", rule.sound, inner))
        then.addWidget(self._switch(tr("Desktop notification"), "desktop", rule.desktop, inner))
        then.addStretch()
        form.addRow(tr("Besides the banner"), then)
        if self._webhooks:
            form.addRow(tr("Webhooks"), self._hooks(rule, inner))
        column = QVBoxLayout(inner)
        column.setContentsMargins(2, 2, 12, 2)
        column.addLayout(form)
        column.addStretch()

    def _add_specific(self, form: QFormLayout, rule: Rule, inner: QWidget) -> None:
        if isinstance(rule, EmotionRule):
            form.addRow(tr("Sounds"), self._emotions(rule, inner))
            about = tr("The sum of the chosen emotions' probabilities in each window")
            field = self._percent("probability", rule.probability, about, inner)
            form.addRow(tr("At least"), field)
            about = tr("How long it must hold")
            field = self._number("for_s", rule.for_s, (0.0, 3_600.0), 1, "s", about, inner)
            form.addRow(tr("For"), field)
        elif isinstance(rule, TrendRule):
            form.addRow(tr("Sounds more and more"), self._emotions(rule, inner))
            about = tr("How much the probability rises within a minute")
            rise = self._percent("rise_per_minute", rule.rise_per_minute, about, inner, most=6_000)
            form.addRow(tr("Rise per minute"), rise)
            about = tr("The stretch of time that is looked at")
            field = self._number("window_s", rule.window_s, (5.0, 600.0), 5, "s", about, inner)
            form.addRow(tr("Over"), field)
            about = tr("Where the rise must have led to")
            field = self._percent("probability", rule.probability, about, inner)
            form.addRow(tr("Up to at least"), field)
        elif isinstance(rule, SilenceRule):
            about = tr("How long nobody, or the chosen party, does not speak")
            field = self._number(
                "longer_than_s", rule.longer_than_s, (1.0, 3_600.0), 1, "s", about, inner
            )
            form.addRow(tr("Longer than"), field)
            text = tr("Also before anybody has said anything")
            form.addRow("", self._switch(text, "from_start", rule.from_start, inner))
        else:
            if rule.count is not None:
                about = tr("How often both talk at once")
                level = self._number("count", rule.count, (1.0, 1_000.0), 1, "", about, inner)
                form.addRow(tr("Times"), level)
            else:
                about = tr("How long both talk at once, in all")
                level = self._number(
                    "seconds", rule.seconds or 1.0, (0.1, 3_600.0), 0.5, "s", about, inner
                )
                form.addRow(tr("In all"), level)
            about = tr("The stretch of time that is looked at")
            field = self._number("window_s", rule.window_s, (1.0, 3_600.0), 5, "s", about, inner)
            form.addRow(tr("Within"), field)

    def _who(self, rule: Rule, inner: QWidget) -> ChoiceBox:
        self.who = ChoiceBox(tr("Who is watched"), inner)
        for role, name in _WHO:
            self.who.addItem(tr(name), None if role is None else str(role))
        if rule.stream is not None:
            self.who.addItem(tr("stream {name}", name=rule.stream))
            self.who.setCurrentIndex(len(_WHO))
        else:
            self.who.setCurrentIndex([role for role, _ in _WHO].index(rule.role))
        self.who.activated.connect(self._on_who)
        return self.who

    def _on_who(self, index: int) -> None:
        if index < len(_WHO):
            self.edited.emit({"role": _WHO[index][0], "stream": None})

    def _emotions(self, rule: EmotionRule | TrendRule, inner: QWidget) -> QWidget:
        box = QWidget(inner)
        flow = FlowLayout(box)
        known = (*self._labels, *(e for e in rule.emotions if e not in self._labels))
        for emotion in known:
            chip = QPushButton(emotion_name(emotion), box)
            chip.setProperty("chip", True)
            chip.setCheckable(True)
            chip.setChecked(emotion in rule.emotions)
            # The chosen ones are bold: room for it, so that nothing moves and nothing is cut.
            metrics = QFontMetrics(font(12, bold=True))
            chip.setMinimumWidth(metrics.horizontalAdvance(chip.text()) + 26)
            chip.clicked.connect(self._on_emotions)
            self.emotions[emotion] = chip
            flow.addWidget(chip)
        return box

    def _on_emotions(self) -> None:
        chosen = tuple(name for name, chip in self.emotions.items() if chip.isChecked())
        self.edited.emit({"emotions": chosen})

    def _hooks(self, rule: Rule, inner: QWidget) -> QWidget:
        box = QWidget(inner)
        column = QVBoxLayout(box)
        column.setContentsMargins(0, 0, 0, 0)
        for name in self._webhooks:
            made = QCheckBox(name, box)
            made.setChecked(name in rule.webhooks)
            made.clicked.connect(self._on_hooks)
            self.hooks[name] = made
            column.addWidget(made)
        return box

    def _on_hooks(self) -> None:
        chosen = tuple(name for name, box in self.hooks.items() if box.isChecked())
        self.edited.emit({"webhooks": chosen})

    def _switch(self, text: str, field: str, on: bool, inner: QWidget) -> QCheckBox:
        box = QCheckBox(text, inner)
        box.setChecked(on)
        box.clicked.connect(lambda checked: self.edited.emit({field: checked}))
        return box

    def _percent(
        self, field: str, value: float, about: str, inner: QWidget, most: float = 100
    ) -> Number:
        number = self._number(field, 100 * value, (1.0, most), 5, "%", about, inner, scale=0.01)
        if field == "probability" and value == 0:
            number.setMinimum(0.0)
            number.show_value(0.0)
        return number

    def _number(
        self,
        field: str,
        value: float,
        bounds: tuple[float, float],
        step: float,
        unit: str,
        about: str,
        inner: QWidget,
        *,
        scale: float = 1.0,
    ) -> Number:
        number = Number(bounds, step, unit, inner)
        number.setDecimals(2 if value != round(value, 1) else 1 if value != round(value) else 0)
        number.show_value(value)
        number.setToolTip(about)
        number.setAccessibleName(about)
        whole = field == "count"
        number.valueChanged.connect(
            lambda now: self._on_number(field, int(now) if whole else round(now * scale, 6))
        )
        self.numbers[field] = number
        return number

    def _on_number(self, field: str, value: float) -> None:
        values: dict[str, Any] = {field: value}
        if field in ("probability", "rise_per_minute", "count", "seconds") and self._shown:
            # Where it is over follows from where it begins, unless a file said otherwise and that
            # still fits.
            release = getattr(self._shown, "release", None)
            if release is not None and release >= value:
                values["release"] = None
        self.edited.emit(values)


def empty_form(parent: QWidget) -> QWidget:
    """What stands in the form's place while there is no rule."""
    text = label(
        tr("A rule says when you are told: add one, or open a file with rules."), parent, "muted"
    )
    text.setWordWrap(True)
    return text
