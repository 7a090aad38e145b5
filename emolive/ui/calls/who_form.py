"""Whose call it is: the agent and the team."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from PySide6.QtCore import Qt
from PySide6.QtWidgets import QCompleter, QLineEdit, QWidget

from emolive.i18n import tr
from emolive.monitoring.call_choices import CallChoice
from emolive.ui.controls import label, text_field
from emolive.ui.layouts import STRETCH, vbox
from emolive.ui.popups import dress_suggestions

_LONGEST_NAME = 80


@dataclass(frozen=True, slots=True)
class Known:
    """What was chosen before, to be offered again: names, and the kind of source."""

    agents: tuple[str, ...] = ()
    teams: tuple[str, ...] = ()
    page: int = 0


class WhoForm(QWidget):
    """Two fields; both may stay empty. One agent is of one call, a team of many."""

    def __init__(self, known: Known, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.agent = _field(tr("Agent's name (optional)"), known.agents, self)
        self.team = _field(tr("Team (optional)"), known.teams, self)
        self.about = label("", self, "caption", wrap=True)
        vbox(self.agent, self.team, self.about, STRETCH, within=self, gap=6)
        self.offer(())

    def offer(self, calls: Sequence[CallChoice]) -> None:
        """An agent can be named for one call that has one."""
        several = len(calls) > 1
        alone = all(call.has_agent for call in calls)
        self.agent.setEnabled(alone and not several)
        if several:
            text = tr("The team is that of all calls; an agent is named in a call started alone.")
        elif not alone:
            text = tr("Both parties are on one channel: nobody can be told to be the agent.")
        else:
            text = tr("Seen on the card, and kept with a recording, to be found again.")
        self.about.setText(text)

    def named(self, calls: Sequence[CallChoice]) -> list[CallChoice]:
        """The calls with the names that were given."""
        agent = self.agent.text().strip() if self.agent.isEnabled() else ""
        team = self.team.text().strip()
        return [replace(call, agent_name=agent, team=team) for call in calls]


def _field(name: str, known: Sequence[str], parent: QWidget) -> QLineEdit:
    field = text_field(name, parent, placeholder=name, longest=_LONGEST_NAME)
    completer = QCompleter(list(known), field)
    dress_suggestions(completer)
    completer.setCaseSensitivity(Qt.CaseSensitivity.CaseInsensitive)
    field.setCompleter(completer)
    return field
