"""Whether an agent's emotions may be inferred in a call: confirmed, written down, for once.

Off by default. A person turns it on for one call after having confirmed `STATEMENT`, or a policy
file does (see `policy`). Either way the audit log tells who, when, for which call and on what
grounds, before anything is inferred.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime

from emolive.consent.policy import PolicyFile
from emolive.engine.config import AgentPermission
from emolive.errors import EmoliveError
from emolive.i18n import mark
from emolive.session.audit_log import login_name
from emolive.session.library import Library

GRANTED = "agent_emotion.granted"
DECLINED = "agent_emotion.declined"


@dataclass(frozen=True, slots=True)
class Statement:
    """What a person confirms; `version` changes with the text, so that old consent shows as old.

    `phrase` is what has to be typed where there is no button.
    """

    version: int
    title: str
    text: str
    question: str
    phrase: str

    @property
    def sha256(self) -> str:
        """Fingerprint of the text, for the audit log."""
        return hashlib.sha256(self.text.encode()).hexdigest()


STATEMENT = Statement(
    version=1,
    title=mark("Infer the agent's emotions?"),
    text=mark(
        "In the European Union it is prohibited to infer the emotions of a natural person at the "
        "workplace from biometric data such as the voice, except for medical or safety reasons "
        "(Regulation (EU) 2024/1689, the AI Act, Article 5(1)(f), applicable since "
        "2 February 2025). Fines reach 35 million euros or 7 % of the worldwide annual turnover "
        "(Article 99(3)). "
        "An agent in a call is at work; other countries have rules of their own. "
        "Confirm only if you are responsible for this, if it is lawful where the agent works, and "
        "if the agent knows. It holds for this call only, and this confirmation is written to the "
        "audit log with your user name and the time."
    ),
    question=mark("Is it lawful, and do you take the responsibility?"),
    phrase=mark("I take the responsibility"),
)


def grant_confirmed(library: Library, call: str) -> AgentPermission:
    """A person has just confirmed `STATEMENT` for this call: write that down and permit it.

    Raises:
        SessionError: the audit log cannot be written; nothing is permitted then.
    """
    return _grant(library, call, login_name(), {"how": "confirmed"})


def decline(library: Library, call: str) -> None:
    """A person was asked and did not confirm: write that down.

    Raises:
        SessionError: the audit log cannot be written.
    """
    library.audit(DECLINED, _details(call))


def grant_by_policy(library: Library, call: str, policy: PolicyFile) -> AgentPermission:
    """A policy file permits it: write that down with the file and its fingerprint.

    Raises:
        SessionError: the audit log cannot be written; nothing is permitted then.
        EmoliveError: the policy does not permit it.
    """
    if not policy.permits:
        raise policy.forbidden()
    agent = policy.policy.agent_emotion
    assert agent is not None
    if agent.statement != STATEMENT.version:
        raise EmoliveError(
            "{path} agrees to version {statement} of the statement, which has changed: "
            "read it with `emolive policy`, and set statement = {version}.",
            path=policy.path,
            statement=agent.statement,
            version=STATEMENT.version,
        )
    grounds: dict[str, object] = {
        "how": "policy file",
        "policy": str(policy.path),
        "policy_sha256": policy.sha256,
        "responsible": agent.responsible,
        "basis": agent.basis,
    }
    return _grant(library, call, f"{agent.responsible} ({policy.path})", grounds)


def agent_permission(
    library: Library,
    call: str,
    policy: PolicyFile | None,
    *,
    wanted: bool,
    confirm: Callable[[Statement], bool],
) -> AgentPermission | None:
    """Permission for one call, or None: what the policy says first, then what a person wants.

    `library` holds the audit log, where the call is called `call`. Where a person asked for it
    (`wanted`), `confirm` shows the statement to a person and tells whether it was confirmed.

    Raises:
        EmoliveError: a person wants what the policy forbids, or the policy is out of date.
        SessionError: the audit log cannot be written.
    """
    if policy is not None and policy.permits:
        return grant_by_policy(library, call, policy)
    if not wanted:
        return None
    if policy is not None and policy.forbids:
        raise policy.forbidden()
    if confirm(STATEMENT):
        return grant_confirmed(library, call)
    decline(library, call)
    return None


def _grant(
    library: Library, call: str, granted_by: str, grounds: dict[str, object]
) -> AgentPermission:
    # Before the permission exists, so that there is none without a line.
    library.audit(GRANTED, _details(call) | grounds)
    return AgentPermission(
        granted_by=granted_by, granted_at=datetime.now(UTC), statement=STATEMENT.text
    )


def _details(call: str) -> dict[str, object]:
    return {
        "call": call,
        "statement_version": STATEMENT.version,
        "statement_sha256": STATEMENT.sha256,
    }
