"""What is set for a whole library; stored in it, so every program that uses it keeps to it."""

from __future__ import annotations

from datetime import datetime

from pydantic import BaseModel, ConfigDict, Field

CONSENT_TEXT = (
    "Before you record: in many places everybody who is heard must agree to be recorded, and to "
    "have their emotions inferred. Tell them, ask them, and record only if they agree."
)


class LibrarySettings(BaseModel):
    """Settings of a library.

    Sessions older than `expire_after_days` are deleted (None: kept for ever). `consent_text` is
    shown before the first recording, and again when it was changed; `consented_at` is when a person
    last confirmed it (None: not yet).
    """

    model_config = ConfigDict(frozen=True, extra="ignore")

    expire_after_days: int | None = Field(default=None, ge=1, le=36_500)
    consent_text: str = Field(default=CONSENT_TEXT, max_length=4_000)
    consented_at: datetime | None = None

    @property
    def consent_due(self) -> bool:
        """Whether the reminder has to be shown before recording."""
        return bool(self.consent_text.strip()) and self.consented_at is None
