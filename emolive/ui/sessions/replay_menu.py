"""The menu on a mark or a stretch of a replayed session."""

from __future__ import annotations

from collections.abc import Sequence

from PySide6.QtCore import QPoint
from PySide6.QtWidgets import QMenu, QWidget

from emolive.i18n import tr
from emolive.labels import label_name
from emolive.ui.sessions.marking import Marking
from emolive.ui.sessions.replay_actions import ReplayActions


def show_menu(
    parent: QWidget, where: QPoint, labels: Sequence[str], marking: Marking, actions: ReplayActions
) -> None:
    """Label, comment, repeat, zoom; split and delete where a mark is selected."""
    menu = QMenu(parent)
    mark = marking.mark(actions.selection.mark_id)
    for i, name in enumerate(labels):
        action = menu.addAction(f"{label_name(name)}\t{i + 1}" if i < 9 else label_name(name))
        action.setCheckable(True)
        action.setChecked(mark is not None and mark.label == name)
        action.triggered.connect(lambda _=False, name=name: actions.label(name))
    menu.addSeparator()
    menu.addAction(tr("Comment…") + "\tC", actions.comment)
    menu.addAction(tr("Repeat") + "\tL", lambda: actions.set_loop(True))
    menu.addAction(tr("Zoom in here") + "\tZ", actions.zoom_to_selection)
    if mark is not None:
        menu.addSeparator()
        menu.addAction(tr("Split here") + "\tS", actions.split)
        menu.addAction(tr("Delete mark") + "\tDel", actions.delete)
    menu.exec(where)
    menu.deleteLater()
