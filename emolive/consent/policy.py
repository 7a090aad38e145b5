"""What an organisation decided, as a TOML file: it stands above what a person clicks."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal, Self

from pydantic import BaseModel, Field, model_validator

from emolive import toml_files
from emolive.errors import EmoliveError
from emolive.i18n import mark, tr

FILE_NAME = "policy.toml"
_WHAT = mark("policy file")


class AgentEmotion(BaseModel, frozen=True, extra="forbid"):
    """Whether agents' emotions are inferred: in every call (True) or in none (False).

    For True, `statement` is the version of the statement that `responsible` has read and agreed to,
    and `basis` says why it is lawful.
    """

    infer: bool
    statement: int | None = None
    responsible: str | None = Field(default=None, min_length=3, max_length=200)
    basis: str | None = Field(default=None, min_length=10, max_length=1_000)

    @model_validator(mode="after")
    def _accounted_for(self) -> Self:
        if self.infer and None in (self.statement, self.responsible, self.basis):
            raise ValueError(tr("infer = true needs statement, responsible and basis"))
        return self


class Policy(BaseModel, frozen=True, extra="forbid"):
    """All that a policy file says; what it leaves out is up to the people."""

    version: Literal[1] = 1
    agent_emotion: AgentEmotion | None = None


@dataclass(frozen=True, slots=True)
class PolicyFile:
    """A policy, where it is from, and the fingerprint of the file."""

    path: Path
    sha256: str
    policy: Policy

    @property
    def permits(self) -> bool:
        """Whether agents' emotions are inferred in every call."""
        return self.policy.agent_emotion is not None and self.policy.agent_emotion.infer

    @property
    def forbids(self) -> bool:
        """Whether agents' emotions are inferred in no call."""
        return self.policy.agent_emotion is not None and not self.policy.agent_emotion.infer

    def forbidden(self) -> EmoliveError:
        """What to say to a person who wants it all the same."""
        return EmoliveError(
            "The policy {path} does not permit to infer agents' emotions: ask those who wrote it.",
            path=self.path,
        )


def load_policy(path: Path | None, folder: Path) -> PolicyFile | None:
    """The policy at `path`; None: the one in `folder` (of the configuration), if there is one.

    Raises:
        EmoliveError: it cannot be read, or one sentence naming file and key. A policy that is not
            understood is never passed over.
    """
    if path is None:
        path = folder / FILE_NAME
        if not path.exists():
            return None
    data = toml_files.read_bytes(path, _WHAT)
    policy = toml_files.parse(Policy, data, str(path), _where)
    return PolicyFile(path.absolute(), hashlib.sha256(data).hexdigest(), policy)


def _where(
    place: toml_files.Place,
    content: Mapping[str, Any],  # noqa: ARG001 - the interface
) -> tuple[str, toml_files.Place]:
    if place and place[0] == "agent_emotion":
        return "[agent_emotion]", place[1:]
    return "", place
