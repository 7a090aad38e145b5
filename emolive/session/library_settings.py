"""What is set for a whole library; stored in it, so every program that uses it keeps to it."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated

from pydantic import BaseModel, Field, ValidationError

from emolive.errors import EmoliveError
from emolive.i18n import mark

_MOST_TIERS = 50
CONSENT_TEXT = mark(
    "Before you record: in many places everybody who is heard must agree to be recorded, and to "
    "have their emotions inferred. Tell them, ask them, and record only if they agree."
)


Name = Annotated[str, Field(min_length=1, max_length=100)]


class TierSettings(BaseModel, frozen=True, extra="ignore"):
    """A tier of marks beside the emotions', with labels of its own."""

    name: Name
    labels: tuple[Name, ...] = Field(min_length=1, max_length=100)


class LibrarySettings(BaseModel, frozen=True, extra="ignore"):
    """Settings of a library.

    Sessions older than `expire_after_days` are deleted (None: kept for ever). `consent_text` is
    shown before the first recording, and again when it was changed; `consented_at` is when a person
    last confirmed it (None: not yet). `tiers` are what can be marked beside the emotions.
    """

    expire_after_days: int | None = Field(default=None, ge=1, le=36_500)
    consent_text: str = Field(default=CONSENT_TEXT, max_length=4_000)
    consented_at: datetime | None = None
    tiers: tuple[TierSettings, ...] = Field(default=(), max_length=_MOST_TIERS)

    @property
    def consent_due(self) -> bool:
        """Whether the reminder has to be shown before recording."""
        return bool(self.consent_text.strip()) and self.consented_at is None


def tier_of(name: str, labels: str) -> TierSettings:
    """A tier from what a person typed: its name, and labels with commas between them.

    Raises:
        EmoliveError: that is no name, or there is no label.
    """
    found = tuple(dict.fromkeys(one.strip() for one in labels.split(",") if one.strip()))
    try:
        return TierSettings(name=" ".join(name.split()), labels=found)
    except ValidationError as error:
        raise EmoliveError(
            "A tier needs a name and one to a hundred labels with commas between them, each "
            "of at most a hundred letters."
        ) from error


def with_tier(settings: LibrarySettings, tier: TierSettings) -> LibrarySettings:
    """Settings with this tier, in the place of one of the same name.

    Raises:
        EmoliveError: there are too many.
    """
    names = [one.name for one in settings.tiers]
    tiers = list(settings.tiers)
    if tier.name in names:
        tiers[names.index(tier.name)] = tier
    else:
        tiers.append(tier)
    if len(tiers) > _MOST_TIERS:
        raise EmoliveError("A library has at most {count} tiers: remove one.", count=_MOST_TIERS)
    return settings.model_copy(update={"tiers": tuple(tiers)})


def without_tier(settings: LibrarySettings, name: str) -> LibrarySettings:
    """Settings without the tier of this name; what was marked in it stays.

    Raises:
        EmoliveError: there is none.
    """
    left = tuple(one for one in settings.tiers if one.name != name)
    if left == settings.tiers:
        raise EmoliveError("There is no tier {name}.", name=repr(name))
    return settings.model_copy(update={"tiers": left})
