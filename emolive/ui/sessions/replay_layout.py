"""Where the parts of the replay stand."""

from __future__ import annotations

from typing import TYPE_CHECKING

from PySide6.QtWidgets import QWidget

from emolive.ui.controls import card
from emolive.ui.layouts import fill, hbox, vbox
from emolive.ui.theme import SPACE
from emolive.ui.timeline.panel import MARGIN_LEFT, MARGIN_RIGHT

if TYPE_CHECKING:
    from emolive.ui.sessions.replay_page import ReplayPage


def laid_out(page: ReplayPage) -> QWidget:
    """The page's parts in a widget: header, timelines beside the panels, transport."""
    frame = card(page)
    legend = hbox(page.labels, (page.now, 1), margins=(MARGIN_LEFT - 4, 0, MARGIN_RIGHT, 0))
    inside = vbox(legend, within=frame, margins=(1, 8, 1, 6), gap=6)
    fill(inside, page.overview, (page.lanes_area, 1), page.board.ruler)
    content = QWidget(page)
    # Below both: beside the side panel it would not fit into the smallest window.
    bar = card(page)
    vbox(page.transport, within=bar, margins=(1, 0, 1, 0))
    vbox(
        page.header,
        page.comparison,
        (hbox((frame, 1), page.side, page.drawer, gap=SPACE), 1),
        bar,
        within=content,
        gap=8,
    )
    return content
