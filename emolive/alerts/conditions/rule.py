"""What all rules have in common, and what each says of itself."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Sequence
from typing import TYPE_CHECKING, Annotated, ClassVar, Self

from pydantic import BaseModel, ConfigDict, Field, model_validator

from emolive.i18n import tr
from emolive.types import Role, Severity, Stream
from emolive.wording import role_name, stream_name

if TYPE_CHECKING:
    from emolive.alerts.conditions.form import FormField
    from emolive.alerts.watch import CallFormat, Watch

# A condition is over once its value is down at this share of the level that started it, unless the
# rule says where.
_RELEASE_SHARE = 0.75

Name = Annotated[str, Field(min_length=1, max_length=80)]
Label = Annotated[str, Field(min_length=1, max_length=80)]


class Rule(BaseModel):
    """One rule of a kind.

    `role` or `stream` narrows whom it watches; without either every stream is watched on its own
    (silence and overtalk: all of them together). A raised alert stays for at least `dwell_s`, and
    the same rule raises no other one on the same stream within `cool_down_s` of it. `sound`,
    `desktop` and `webhooks` say what happens besides the banner and the line in the session.
    """

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)

    title: ClassVar[str]
    """What the condition is called in lists."""
    usual_name: ClassVar[str]
    """What a new rule is called."""
    of_a_party: ClassVar[bool] = True
    """Whether `role` and `stream` mean something."""
    hears: ClassVar[bool] = False
    """Whether it needs voice activity, not only the model's answers."""

    kind: str
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

    @classmethod
    @abstractmethod
    def fresh(cls, name: str, emotions: tuple[str, ...]) -> Self:
        """One with usual values; `emotions` are the model's that worry people."""

    @abstractmethod
    def watches_in(self, streams: Sequence[Stream], call: CallFormat) -> Sequence[Watch]:
        """What watches for it among the `streams` of a call; none: it has nothing to watch."""

    @abstractmethod
    def in_words(self) -> str:
        """When it is raised, as one sentence."""

    @abstractmethod
    def form(self) -> tuple[FormField, ...]:
        """The fields of its own, with their values."""

    @model_validator(mode="after")
    def _one_party(self) -> Self:
        if self.role is not None and self.stream is not None:
            raise ValueError(tr("role and stream exclude each other: keep one of them"))
        return self

    def watched(self, streams: Sequence[Stream]) -> list[Stream]:
        """Those of `streams` that it is about."""
        if self.stream is not None:
            return [stream for stream in streams if stream.name == self.stream]
        return [stream for stream in streams if self.role in (None, stream.role)]

    def nothing_to_watch(
        self,
        streams: Sequence[Stream],
        call: CallFormat,  # noqa: ARG002 - for those about emotions
    ) -> str | None:
        """Why it cannot be raised in a call, as the rest of a sentence; None: it can."""
        return (
            None
            if self.watched(streams)
            else tr("there is no {role} here", role=stream_name(str(self.role or self.stream)))
        )

    def unknown_emotion(self, labels: tuple[str, ...]) -> str | None:  # noqa: ARG002
        """The first emotion it names that is none of a model's `labels`, if any."""
        return None

    @property
    def who(self) -> str:
        """Whom it watches, for a sentence."""
        if self.stream is not None:
            return stream_name(self.stream)
        return tr("anybody") if self.role is None else role_name(self.role)


def release_or_usual(release: float | None, level: float) -> float:
    """Where a condition that begins at `level` is over."""
    return _RELEASE_SHARE * level if release is None else release


def check_release(release: float | None, level: float, key: str) -> None:
    """Make sure that it is over below where it begins.

    Raises:
        ValueError: it is not.
    """
    if release is not None and release >= level:
        raise ValueError(tr("release must be below {key} ({level})", key=key, level=f"{level:g}"))
