"""One rule as a form: when it is raised (who, what, how long), and what happens then."""

from __future__ import annotations

from typing import Any

from PySide6.QtCore import Signal
from PySide6.QtGui import QFontMetrics
from PySide6.QtWidgets import QCheckBox, QFormLayout, QLabel, QPushButton, QWidget

from emolive.alerts.conditions.form import EmotionsField, NumberField, SwitchField
from emolive.alerts.conditions.rule import Rule
from emolive.i18n import mark, tr
from emolive.labels import emotion_name
from emolive.types import Role, Severity
from emolive.ui.controls import ChoiceBox, Fields, Notice, ScrollColumn, label, text_field
from emolive.ui.layouts import STRETCH, FlowLayout, hbox, vbox
from emolive.ui.settings.form import Number
from emolive.ui.theme import font
from emolive.wording import severity_name

_WHO: tuple[tuple[Role | None, str], ...] = (
    (Role.CUSTOMER, mark("the customer")),
    (Role.AGENT, mark("the agent")),
    (None, mark("anybody")),
)


class RuleForm(ScrollColumn):
    """`edited` carries the values that a person changed, by field; `typing`: one is being changed.

    What is typed in a number counts once it is complete, or `take_typed` is called.
    """

    edited = Signal(dict)
    typing = Signal()

    def __init__(
        self, labels: tuple[str, ...], webhooks: tuple[str, ...], parent: QWidget | None = None
    ) -> None:
        super().__init__(parent=parent)
        self._labels = labels
        self._webhooks = webhooks
        self._shown: Rule | None = None
        self.numbers: dict[str, Number] = {}
        self.emotions: dict[str, QPushButton] = {}
        self.hooks: dict[str, QCheckBox] = {}
        self._problems: dict[str, QLabel] = {}

    def set_webhooks(self, names: tuple[str, ...]) -> None:
        """Offer these from the next rule on."""
        self._webhooks = names

    def show_rule(self, rule: Rule | None) -> None:
        """Show a rule; the form is built for its kind."""
        self._shown = rule
        for number in self.numbers.values():
            number.blockSignals(True)  # what was not taken is not for the next rule
        self.numbers, self.emotions, self.hooks = {}, {}, {}
        self._problems = {}
        inner = QWidget(self)
        inner.setObjectName("plain")
        if rule is not None:
            self._build(inner, rule)
        self.setWidget(inner)

    def take_typed(self) -> None:
        """What is typed in a number holds from now on; `edited` follows."""
        for number in self.numbers.values():
            number.interpretText()

    def show_problem(self, field: str, text: str) -> bool:
        """Say under a field what is wrong with it ("": nothing); whether it is shown."""
        for name, made in self._problems.items():
            made.setText(text if name == field else "")
            made.setVisible(bool(text) and name == field)
        if text and field in self._problems:
            self.ensureWidgetVisible(self._problems[field])
        return field in self._problems

    def _build(self, inner: QWidget, rule: Rule) -> None:
        form = Fields()
        self.name = text_field(tr("Name of the rule"), inner, text=rule.name, longest=80)
        self.name.textEdited.connect(lambda text: self.edited.emit({"name": text}))
        self._row(form, tr("Name"), "name", self.name)
        self.enabled = self._switch(tr("Watch for it"), "enabled", rule.enabled, inner)
        form.addRow("", self.enabled)
        self._heading(form, tr("It is raised"), inner)
        if rule.of_a_party:
            about = tr("For the agent, emotions count only in calls where that was confirmed")
            needs = any(isinstance(field, EmotionsField) for field in rule.form())
            self._row(form, tr("Who"), "role", self._who(rule, inner), about if needs else "")
        for field in rule.form():
            if isinstance(field, EmotionsField):
                chips = self._emotions(field.chosen, inner)
                about = tr("Their shares are added up: any of them counts")
                self._row(form, field.label, "emotions", chips, about, below=True)
            elif isinstance(field, SwitchField):
                form.addRow("", self._switch(field.label, field.name, field.on, inner))
            else:
                self._row(form, field.label, field.name, self._number(field, inner), field.about)
        self._heading(form, tr("Then"), inner)
        graves = [(severity_name(severity), str(severity)) for severity in Severity]
        self.severity = ChoiceBox(tr("Severity"), inner, graves)
        self.severity.setCurrentIndex(list(Severity).index(rule.severity))
        self.severity.activated.connect(
            lambda index: self.edited.emit({"severity": list(Severity)[index]})
        )
        about = tr("Colours the banner and the card; grave ones come first on the wall")
        self._row(form, tr("Severity"), "severity", self.severity, about)
        about = tr("After it was raised, the same rule keeps quiet for so long")
        quiet = tr("Quiet afterwards")
        cool = NumberField("cool_down_s", quiet, about, rule.cool_down_s, (0, 86_400), 5)
        self._row(form, quiet, "cool_down_s", self._number(cool, inner), about)
        then = hbox(
            self._switch(tr("Sound"), "sound", rule.sound, inner),
            self._switch(tr("Desktop notification"), "desktop", rule.desktop, inner),
            STRETCH,
            gap=16,
        )
        form.addRow(tr("Besides the banner"), then)
        hooks = self._hooks(rule, inner) if self._webhooks else None
        if hooks is None:
            hooks = label(
                tr("none yet: “Webhooks…” above adds servers and chats"), inner, "muted", wrap=True
            )
        form.addRow(tr("Webhooks"), hooks)
        vbox(form, STRETCH, within=inner, margins=(2, 2, 12, 2))

    def _heading(self, form: QFormLayout, text: str, inner: QWidget) -> None:
        head = label(text, inner, "heading")
        head.setContentsMargins(0, 6, 0, 0)
        form.addRow(head)

    def _row(
        self,
        form: QFormLayout,
        title: str,
        field: str,
        control: QWidget,
        about: str = "",
        *,
        below: bool = False,
    ) -> None:
        """A field with what it means beside it (or `below`), and room for what is wrong."""
        inner = control.parentWidget()
        box = QWidget(inner)
        line = hbox((control, 0 if about and not below else 1), gap=10)
        column = vbox(line, within=box, gap=3)
        if about:
            told = label(about, box, "caption", wrap=True)
            if below:
                column.addWidget(told)
            else:
                line.addWidget(told, 1)
            control.setAccessibleDescription(about)
        problem = Notice(box, "note")
        column.addWidget(problem)
        self._problems[field] = problem
        name = label(title, box)
        name.setBuddy(control)
        name.setMinimumHeight(34 if not below else 26)
        form.addRow(name, box)

    def _who(self, rule: Rule, inner: QWidget) -> ChoiceBox:
        roles = [(tr(name), None if role is None else str(role)) for role, name in _WHO]
        self.who = ChoiceBox(tr("Who is watched"), inner, roles)
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

    def _emotions(self, chosen: tuple[str, ...], inner: QWidget) -> QWidget:
        box = QWidget(inner)
        flow = FlowLayout(box)
        known = (*self._labels, *(e for e in chosen if e not in self._labels))
        for emotion in known:
            chip = QPushButton(emotion_name(emotion), box)
            chip.setProperty("chip", True)
            chip.setCheckable(True)
            chip.setChecked(emotion in chosen)
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
        column = vbox(within=box)
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

    def _number(self, field: NumberField, inner: QWidget) -> Number:
        scale = 0.01 if field.share else 1.0
        value = field.value / scale
        number = Number(field.bounds, field.step, field.unit, inner)
        number.setDecimals(2 if value != round(value, 1) else 1 if value != round(value) else 0)
        number.show_value(value)
        number.setToolTip(field.about)
        number.setAccessibleName(field.about)
        number.valueChanged.connect(
            lambda now: self._on_number(field, int(now) if field.whole else round(now * scale, 6))
        )
        number.lineEdit().textEdited.connect(lambda _: self.typing.emit())
        self.numbers[field.name] = number
        return number

    def _on_number(self, field: NumberField, value: float) -> None:
        values: dict[str, Any] = {field.name: value}
        # Where it is over follows from where it begins, unless a file said otherwise and that still
        # fits.
        release = getattr(self._shown, "release", None)
        if field.level and release is not None and release >= value:
            values["release"] = None
        self.edited.emit(values)
