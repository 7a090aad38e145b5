"""What a rule may say: frozen, checked once, the same from a file and from the app."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from typing import Annotated, Literal, Self, TypeVar

from pydantic import BaseModel, ConfigDict, Field, model_validator

from emolive.alerts.webhook_settings import Webhook
from emolive.types import Role, Severity

# A condition is over once its value is down at this share of the level that started it, unless the
# rule says where.
_RELEASE_SHARE = 0.75

Name = Annotated[str, Field(min_length=1, max_length=80)]
Label = Annotated[str, Field(min_length=1, max_length=80)]


class _Rule(BaseModel):
    """What all rules have in common.

    `role` or `stream` narrows whom it watches; without either every stream is watched on its own
    (silence and overtalk: all of them together). A raised alert stays for at least `dwell_s`, and
    the same rule raises no other one on the same stream within `cool_down_s` of it. `sound`,
    `desktop` and `webhooks` say what happens besides the banner and the line in the session.
    """

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)

    name: Name
    enabled: bool = True
    severity: Severity = Severity.WARNING
    role: Role | None = None
    stream: Label | None = None
    dwell_s: float = Field(default=2.0, ge=0, le=3_600)
    cool_down_s: float = Field(default=60.0, ge=0, le=86_400)
    sound: bool = False
    desktop: bool = False
    webhooks: tuple[Name, ...] = Field(default=(), max_length=16)

    @model_validator(mode="after")
    def _one_party(self) -> Self:
        if self.role is not None and self.stream is not None:
            raise ValueError("role and stream exclude each other: keep one of them")
        return self

    def watches(self, stream: str, role: Role | None) -> bool:
        """Whether a stream is one of those it is about."""
        if self.stream is not None:
            return stream == self.stream
        return self.role is None or role is self.role

    def unknown_emotion(self, labels: tuple[str, ...]) -> str | None:  # noqa: ARG002
        """The first emotion it names that is none of a model's `labels`, if any."""
        return None


class _EmotionalRule(_Rule):
    """About the probability of a set of emotions: the sum of their calibrated probabilities.

    The probabilities are those of each window alone, which is also what sessions and exports hold,
    so anybody can compute an alert again; `smoothing_s` (time constant of an exponential mean)
    steadies them where that is wanted.
    """

    emotions: tuple[Label, ...] = Field(min_length=1, max_length=32)
    smoothing_s: float = Field(default=0.0, ge=0, le=60)

    @model_validator(mode="after")
    def _distinct(self) -> Self:
        if len(set(self.emotions)) < len(self.emotions):
            raise ValueError("emotions must be named once each")
        return self

    def unknown_emotion(self, labels: tuple[str, ...]) -> str | None:
        """The first emotion it names that is none of a model's `labels`, if any."""
        return next((emotion for emotion in self.emotions if emotion not in labels), None)


class EmotionRule(_EmotionalRule):
    """A set of emotions with at least `probability` for at least `for_s` seconds.

    It is over at or below `release` (default: three quarters of `probability`). A pause of up to
    `bridge_s` without speech changes nothing; a longer one ends it.
    """

    kind: Literal["emotion"] = "emotion"
    probability: float = Field(gt=0, le=1)
    release: float | None = Field(default=None, ge=0, le=1)
    for_s: float = Field(default=3.0, ge=0, le=3_600)
    bridge_s: float = Field(default=2.0, ge=0, le=60)

    @property
    def release_level(self) -> float:
        """Where it is over."""
        return _release(self.release, self.probability)

    @model_validator(mode="after")
    def _below(self) -> Self:
        return _released_below(self, self.release, self.probability, "probability")


class TrendRule(_EmotionalRule):
    """A set of emotions on the rise.

    The slope of the least-squares line through the probabilities of the last `window_s` seconds is
    at least `rise_per_minute` (0.5: half of the scale in a minute), and the line ends at
    `probability` or above. At least the share `speech_share` of the expected answers must be there
    (the other party speaks, too). It is over at or below `release` (default: three quarters of
    `rise_per_minute`), or when too few answers are left.
    """

    kind: Literal["trend"] = "trend"
    rise_per_minute: float = Field(gt=0, le=60)
    release: float | None = None
    window_s: float = Field(default=30.0, ge=5, le=600)
    probability: float = Field(default=0.0, ge=0, le=1)
    speech_share: float = Field(default=0.3, ge=0.05, le=1)

    @property
    def release_level(self) -> float:
        """Where it is over."""
        return _release(self.release, self.rise_per_minute)

    @model_validator(mode="after")
    def _below(self) -> Self:
        return _released_below(self, self.release, self.rise_per_minute, "rise_per_minute")


class SilenceRule(_Rule):
    """Nobody speaks (or one party does not, with `role` or `stream`) for `longer_than_s` seconds.

    Speech of at least `speech_s` seconds ends it; a cough does not. Silence counts from the first
    speech of those who are watched, or with `from_start` from the beginning of the call.
    """

    kind: Literal["silence"] = "silence"
    longer_than_s: float = Field(ge=1, le=3_600)
    speech_s: float = Field(default=0.3, ge=0, le=10)
    from_start: bool = False


class OvertalkRule(_Rule):
    """Parties talk at the same time: `count` times or `seconds` in all, in the last `window_s`.

    A time counts once both have spoken together for `each_s` seconds. It is over at or below
    `release` (default: three quarters of the level).
    """

    kind: Literal["overtalk"] = "overtalk"
    window_s: float = Field(default=60.0, ge=1, le=3_600)
    count: int | None = Field(default=None, ge=1, le=1_000)
    seconds: float | None = Field(default=None, gt=0, le=3_600)
    each_s: float = Field(default=0.5, ge=0.1, le=10)
    release: float | None = Field(default=None, ge=0)

    @property
    def level(self) -> float:
        """Where it starts, in times or seconds."""
        if self.count is not None:
            return float(self.count)
        assert self.seconds is not None
        return self.seconds

    @property
    def release_level(self) -> float:
        """Where it is over."""
        return _release(self.release, self.level)

    @model_validator(mode="after")
    def _one_measure(self) -> Self:
        if (self.count is None) == (self.seconds is None):
            raise ValueError("set either count or seconds")
        if self.role is not None or self.stream is not None:
            raise ValueError("overtalk is about both parties: leave out role and stream")
        if self.seconds is not None and self.seconds > self.window_s:
            raise ValueError("seconds must fit into window_s")
        measure = "count" if self.count is not None else "seconds"
        return _released_below(self, self.release, self.level, measure)


Rule = EmotionRule | TrendRule | SilenceRule | OvertalkRule


class RuleSet(BaseModel):
    """All rules and the webhooks they name, as one file holds them."""

    model_config = ConfigDict(frozen=True, extra="forbid", populate_by_name=True)

    version: Literal[1] = 1
    rules: tuple[Annotated[Rule, Field(discriminator="kind")], ...] = Field(
        default=(), alias="rule", max_length=200
    )
    webhooks: tuple[Webhook, ...] = Field(default=(), alias="webhook", max_length=16)

    @model_validator(mode="after")
    def _consistent(self) -> Self:
        known = [webhook.name for webhook in self.webhooks]
        for what, names in (("rules", [rule.name for rule in self.rules]), ("webhooks", known)):
            if twice := _twice(names):
                raise ValueError(f"two {what} are named {twice!r}: give each its own name")
        for rule in self.rules:
            for name in rule.webhooks:
                if name not in known:
                    raise ValueError(
                        f"rule {rule.name!r} names the webhook {name!r}, which is not in the file: "
                        "add a [[webhook]] of this name"
                    )
        return self

    @property
    def enabled(self) -> tuple[Rule, ...]:
        """The rules that are switched on."""
        return tuple(rule for rule in self.rules if rule.enabled)


_R = TypeVar("_R", bound=_Rule)


def _release(release: float | None, level: float) -> float:
    return _RELEASE_SHARE * level if release is None else release


def _released_below(rule: _R, release: float | None, level: float, key: str) -> _R:
    if release is not None and release >= level:
        raise ValueError(f"release must be below {key} ({level:g})")
    return rule


def _twice(names: Iterable[str]) -> str | None:
    return next((name for name, count in Counter(names).items() if count > 1), None)
