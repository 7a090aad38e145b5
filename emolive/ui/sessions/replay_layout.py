"""Where the parts of the replay stand."""

from __future__ import annotations

from typing import TYPE_CHECKING

from PySide6.QtWidgets import QHBoxLayout, QVBoxLayout, QWidget

from emolive.ui.controls import card
from emolive.ui.theme import SPACE
from emolive.ui.timeline.panel import MARGIN_LEFT, MARGIN_RIGHT

if TYPE_CHECKING:
    from emolive.ui.sessions.replay_page import ReplayPage


def laid_out(page: ReplayPage) -> QWidget:
    """The page's parts in a widget: header, timelines beside the panels, transport."""
    frame = card(page)
    inside = QVBoxLayout(frame)
    inside.setContentsMargins(1, 8, 1, 6)
    inside.setSpacing(6)
    legend = QHBoxLayout()
    legend.setContentsMargins(MARGIN_LEFT - 4, 0, MARGIN_RIGHT, 0)
    legend.addWidget(page.labels)
    legend.addWidget(page.now, 1)
    inside.addLayout(legend)
    inside.addWidget(page.overview)
    inside.addWidget(page.lanes_area, 1)
    inside.addWidget(page.board.ruler)
    row = QHBoxLayout()
    row.setSpacing(SPACE)
    row.addWidget(frame, 1)
    row.addWidget(page.side)
    row.addWidget(page.drawer)
    content = QWidget(page)
    column = QVBoxLayout(content)
    column.setContentsMargins(0, 0, 0, 0)
    column.setSpacing(8)
    column.addWidget(page.header)
    column.addWidget(page.comparison)
    column.addLayout(row, 1)
    # Below both: beside the side panel it would not fit into the smallest window.
    bar = card(page)
    controls = QVBoxLayout(bar)
    controls.setContentsMargins(1, 0, 1, 0)
    controls.addWidget(page.transport)
    column.addWidget(bar)
    return content
