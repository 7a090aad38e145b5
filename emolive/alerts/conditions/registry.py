"""All conditions: a new one is a file beside this one and its name, twice, in this one."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from emolive.alerts.conditions.emotion import EmotionRule
from emolive.alerts.conditions.overtalk import OvertalkRule
from emolive.alerts.conditions.rule import Rule
from emolive.alerts.conditions.silence import SilenceRule
from emolive.alerts.conditions.trend import TrendRule

CONDITIONS: tuple[type[Rule], ...] = (EmotionRule, TrendRule, SilenceRule, OvertalkRule)

AnyRule = Annotated[
    EmotionRule | TrendRule | SilenceRule | OvertalkRule, Field(discriminator="kind")
]
