"""A source, and what is kept of it: no audio, no times, no words."""

from __future__ import annotations

import base64
import hashlib
import json
from datetime import UTC, datetime
from typing import Annotated, Any, Literal, Self

import numpy as np
from pydantic import AwareDatetime, BaseModel, Field, field_validator, model_validator

from emolive.baseline.evidence import CAPACITY, Evidence
from emolive.plain_text import valid_text
from emolive.types import Role

_LONGEST_NAME = 1_000
_Number = Annotated[float, Field(ge=0, allow_inf_nan=False)]


class Source(BaseModel, frozen=True, extra="forbid"):
    """Where answers come from, and whose they are.

    `name` is an input's, a tap's or a folder's; `stream` tells channels apart that have no role;
    `group` is what a person chose to keep apart (a language, a team). `model` is a fingerprint.
    """

    name: str
    role: Role | None = None
    stream: str = ""
    group: str = ""
    model: str
    labels: tuple[str, ...] = Field(min_length=2)

    @field_validator("name", "stream", "group", mode="before")
    @classmethod
    def _text(cls, value: Any) -> Any:
        """Names of devices and folders need not be valid text, and an own device's may be empty."""
        return valid_text(value)[:_LONGEST_NAME] if isinstance(value, str) else value

    @property
    def id(self) -> str:
        """Short, the same for the same source, and good as a file's name."""
        named = json.dumps(self.model_dump(mode="json"), sort_keys=True)
        return hashlib.blake2s(named.encode(), digest_size=6).hexdigest()

    @property
    def title(self) -> str:
        """For people."""
        parts = (self.role.value if self.role else self.stream, self.group)
        return ", ".join((self.name or "input", *filter(None, parts)))


class SourceProfile(BaseModel, frozen=True, extra="ignore"):
    """What was gathered of one source over sessions; a small JSON file.

    `heard_minutes` counts all speech, `logs` (float16, little-endian, base64) and `weights` are an
    `Evidence`.
    """

    version: Literal[1] = 1
    source: Source
    sessions: int = Field(ge=0)
    heard_minutes: _Number
    updated_at: AwareDatetime
    logs: str
    weights: tuple[_Number, ...] = Field(max_length=CAPACITY)

    @model_validator(mode="after")
    def _consistent(self) -> Self:
        expected = 2 * len(self.weights) * len(self.source.labels)
        try:
            raw = base64.b64decode(self.logs, validate=True)
        except ValueError as error:
            raise ValueError("logs are no base64") from error
        if len(raw) != expected or not np.isfinite(np.frombuffer(raw, "<f2")).all():
            raise ValueError("logs must be finite, a row for each weight")
        return self

    @classmethod
    def begun(cls, source: Source) -> Self:
        """Of a source that nothing is known of."""
        return cls(
            source=source, sessions=0, heard_minutes=0.0, updated_at=datetime.now(UTC), logs="",
            weights=(),
        )  # fmt: skip

    @property
    def evidence(self) -> Evidence:
        """What the vector is made of."""
        raw = np.frombuffer(base64.b64decode(self.logs), "<f2")
        logs = raw.reshape(-1, len(self.source.labels)).astype(np.float32)
        return Evidence(logs, np.array(self.weights, np.float64))

    def after(self, session: Evidence, heard_minutes: float) -> Self:
        """The same with one more session."""
        known = self.evidence.after(session)
        return self.model_copy(
            update={
                "sessions": self.sessions + 1,
                "heard_minutes": self.heard_minutes + heard_minutes,
                "updated_at": datetime.now(UTC),
                "logs": base64.b64encode(known.logs.astype("<f2").tobytes()).decode("ascii"),
                "weights": tuple(known.weights.tolist()),
            }
        )

    def summary(self) -> dict[str, Any]:
        """What is told of it; plain values for JSON."""
        known = self.evidence
        mean = (known.weights @ np.exp(known.logs.astype(np.float64))) / max(known.minutes, 1e-9)
        return {
            "id": self.source.id,
            "source": self.source.name,
            "role": self.source.role and self.source.role.value,
            "stream": self.source.stream or None,
            "group": self.source.group or None,
            "model": self.source.model,
            "sessions": self.sessions,
            "minutes": round(known.minutes, 2),
            "heard_minutes": round(self.heard_minutes, 2),
            "strength": round(known.strength(), 4),
            "updated_at": self.updated_at.isoformat(),
            "mean": dict(zip(self.source.labels, np.round(mean, 4).tolist(), strict=True)),
        }
