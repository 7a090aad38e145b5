"""Asking before an agent's emotions are inferred, where there is no button."""

from __future__ import annotations

import sys
import textwrap
from datetime import datetime
from pathlib import Path

from emolive.cli.loading import open_library
from emolive.cli.options import AgentOptions
from emolive.cli.outcome import tell, tell_lines
from emolive.consent.permission import Statement, agent_permission
from emolive.consent.policy import load_policy
from emolive.engine.config import AgentPermission
from emolive.errors import EmoliveError
from emolive.i18n import tr
from emolive.settings_folder import settings_folder


def permission_for(
    call: str, options: AgentOptions, library: Path | None = None
) -> AgentPermission | None:
    """The permission to infer the agent's emotions in a call; None: there is none.

    Raises:
        EmoliveError: a policy that cannot be used or forbids it, nobody to ask, or a library that
            cannot be written.
    """
    policy = load_policy(options.policy, settings_folder())
    if not options.infer_agent and (policy is None or not policy.permits):
        return None
    call = f"{call}, {datetime.now().astimezone():%Y-%m-%d %H:%M:%S}"
    with open_library(library) as opened:
        permission = agent_permission(
            opened, call, policy, wanted=options.infer_agent, confirm=confirm_in_terminal
        )
    if permission is None:
        tell("Not confirmed: the agent's emotions are not inferred.")
        return None
    tell(
        "The agent's emotions are inferred in this call: {granted_by}.",
        granted_by=permission.granted_by,
    )
    return permission


def confirm_in_terminal(statement: Statement) -> bool:
    """Show the statement and have its phrase typed.

    Raises:
        EmoliveError: nobody is there to ask.
    """
    if not sys.stdin.isatty():
        raise EmoliveError(
            "--infer-agent has to be confirmed by a person at a terminal: run it there, or use "
            "a policy file (`emolive policy --example`)."
        )
    phrase = tr(statement.phrase)
    tell_lines(f"\n{tr(statement.title)}\n\n{textwrap.fill(tr(statement.text), 88)}\n")
    tell("{question} Type: {phrase}", question=tr(statement.question), phrase=phrase)
    return sys.stdin.readline().strip().casefold() == phrase.casefold()
