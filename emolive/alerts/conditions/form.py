"""The fields of a rule's form: what they show and may hold."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class NumberField:
    """A number: a field `name` of the rule that is `value` now.

    `bounds`, `step` and `unit` are as shown; a share is shown in percent. A `level` is where the
    condition begins, which has to stay above the rule's `release`.
    """

    name: str
    label: str
    about: str
    value: float
    bounds: tuple[float, float]
    step: float
    unit: str = "s"
    share: bool = False
    whole: bool = False
    level: bool = False


@dataclass(frozen=True, slots=True)
class SwitchField:
    """Something that is so or not."""

    name: str
    label: str
    on: bool


@dataclass(frozen=True, slots=True)
class EmotionsField:
    """Some of the model's emotions: the rule's `emotions`."""

    label: str
    chosen: tuple[str, ...]


FormField = NumberField | SwitchField | EmotionsField
