"""The frame of the window: a rail of pages, one banner for all of them, themes, and the end."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

from PySide6.QtCore import Qt, Signal
from PySide6.QtGui import QCloseEvent, QKeyEvent, QShowEvent
from PySide6.QtWidgets import QApplication, QLabel, QMainWindow, QStackedWidget, QWidget

from emolive.i18n import tr
from emolive.ui.banner import Banner
from emolive.ui.bridge import FrameMeter
from emolive.ui.controls import take_typed
from emolive.ui.layouts import hbox, vbox
from emolive.ui.messages import Message, MessageBoard
from emolive.ui.navigation import Page, Rail
from emolive.ui.shortcuts import bind_key
from emolive.ui.theme import SPACE, Theme, apply, dress

CLOSE_WITHIN_S = 1.8
_LEAST = (1024, 640)
_COMPACT = (380, 250)


class Shell(QMainWindow):
    """A window of pages. It knows nothing of what they show."""

    compact_changed = Signal(bool)

    def __init__(self, theme: Theme) -> None:
        super().__init__()
        self.setWindowTitle("emolive")
        self.setMinimumSize(*_LEAST)
        self.compact = False
        self._place = self.pos(), self.size()
        self.theme = theme
        self.board = MessageBoard()
        self.pages: list[Any] = []
        self._others: list[Any] = []
        self._ended = False
        self.root = root = QWidget(self)
        root.setObjectName("root")
        root.setFocusPolicy(Qt.FocusPolicy.ClickFocus)
        self.rail = Rail(theme, root)
        self.rail.chosen.connect(self.show_page)
        self.banner = Banner(theme, root)
        self.banner.dismissed.connect(self.dismiss)
        self._stack = QStackedWidget(root)
        content = vbox(self.banner, (self._stack, 1), margins=SPACE, gap=SPACE)
        self._content = content
        hbox(self.rail, (content, 1), within=root, gap=0)
        self.setCentralWidget(root)
        self.frames = FramesLabel(self)

    def add_page(self, page: Page, *, bottom: bool = False) -> None:
        """Put a page into the rail; `bottom`: below the empty room."""
        assert isinstance(page, QWidget)
        self.pages.append(page)
        self._stack.addWidget(page)
        self.rail.add(page.title, page.icon_name, bottom=bottom)
        if (said := getattr(page, "message", None)) is not None:
            said.connect(lambda message, part=page.title: self.show_message(part, message))
        self._mark()
        number = len(self.pages)
        bind_key(self, f"Ctrl+{number}", lambda: self.show_page(number - 1))

    def add_other(self, widget: Any) -> None:
        """Add something that is shown like a page, and has no button in the rail."""
        self._others.append(widget)
        self._stack.addWidget(widget)

    def add_bar(self, widget: QWidget) -> None:
        """Put something below all pages."""
        self._content.addWidget(widget)

    def show_page(self, index: int) -> None:
        """Bring the page at this place of the rail to the front."""
        if 0 <= index < len(self.pages):
            self.bring(self.pages[index])

    def bring(self, widget: QWidget) -> None:
        """Bring a page, or something like it, to the front."""
        before = self._stack.currentWidget()
        if widget is before:
            return
        if (hidden := getattr(before, "hidden", None)) is not None:
            hidden()
        self._stack.setCurrentWidget(widget)
        self._mark()
        if (shown := getattr(widget, "shown", None)) is not None:
            shown()

    def show_message(self, part: str, message: Message | None) -> None:
        """Something happened in a part of the window; None: there is nothing to say any more."""
        self.board.say(part, message)
        self.banner.show_message(self.board.top)

    def show_state(self, part: str, message: Message | None) -> None:
        """How a part of the window stands; what was read of that is not shown again."""
        self.board.set(part, message)
        self.banner.show_message(self.board.top)

    def begin_anew(self, part: str) -> None:
        """A part of the window may say again what was read before."""
        self.board.forget(part)
        self.banner.show_message(self.board.top)

    def dismiss(self) -> None:
        """A person has read what the banner says."""
        if self.banner.message is not None:
            self.board.dismiss(self.banner.message)
        self.banner.show_message(self.board.top)

    def set_theme(self, theme: Theme) -> None:
        """Dress everything anew."""
        self.theme = theme
        app = QApplication.instance()
        if isinstance(app, QApplication):
            apply(app, theme)
        dress(self, theme)

    def set_compact(self, compact: bool) -> None:
        """Be a small window on top of all others, or what it was before."""
        if compact == self.compact:
            return
        self.compact = compact
        if compact:
            self._place = self.pos(), self.size()
            self.setWindowState(Qt.WindowState.WindowNoState)
        self.setWindowFlag(Qt.WindowType.WindowStaysOnTopHint, compact)
        self.compact_changed.emit(compact)
        self.setMinimumSize(*(_COMPACT if compact else _LEAST))
        if compact:
            self.resize(*_COMPACT)
        else:
            position, size = self._place
            self.resize(size)
            self.move(position)
        self.show()  # another flag hides a window

    def switch_full_screen(self) -> None:
        """To full screen, and back."""
        self.setWindowState(self.windowState() ^ Qt.WindowState.WindowFullScreen)

    def end(self, deadline: float) -> None:
        """End everything that is no page, by `deadline` (monotonic); for windows to add to."""

    def keyPressEvent(self, event: QKeyEvent) -> None:
        """What no control wanted is for the page in front, wherever the focus is."""
        front = self._stack.currentWidget()
        if front is None or front.isAncestorOf(QApplication.focusWidget() or self):
            super().keyPressEvent(event)
        else:
            front.keyPressEvent(event)

    def showEvent(self, event: QShowEvent) -> None:
        """Leave the focus to no control at first: Space belongs to the page."""
        super().showEvent(event)
        self.root.setFocus()

    def closeEvent(self, event: QCloseEvent) -> None:
        """End all threads, out of sight."""
        super().closeEvent(event)
        if self._ended:
            return
        take_typed(self)
        self._ended = True
        deadline = time.monotonic() + CLOSE_WITHIN_S
        self.hide()
        for page in (*self.pages, *self._others):
            page.end(deadline)
        self.end(deadline)

    def _mark(self) -> None:
        front = self._stack.currentWidget()
        self.rail.mark(self.pages.index(front) if front in self.pages else -1)


class FramesLabel(QLabel):
    """The frame rate in a corner of the window, for who wants to know."""

    def __init__(self, window: QMainWindow) -> None:
        super().__init__(window)
        self._window = window
        self.setObjectName("frames")
        self.setAttribute(Qt.WidgetAttribute.WA_TransparentForMouseEvents)
        self.hide()

    def switch(self, meter: FrameMeter) -> None:
        """Show it, or hide it; counting begins anew."""
        self.setVisible(self.isHidden())
        meter.reset()
        self.refresh(meter)

    def refresh(self, meter: FrameMeter) -> None:
        """Say how it is now; free while it is hidden."""
        if self.isHidden():
            return
        stats = meter.stats()
        text = tr("no frames yet")
        if stats is not None:
            text = (
                f"{stats.fps:5.1f} fps   p95 {stats.interval_p95_ms:5.1f} ms   "
                f"work p95 {stats.work_p95_ms:5.1f} ms"
            )
        if text != self.text():
            self.setText(text)
            self.adjustSize()
        window = self._window
        self.move(window.width() - self.width() - 14, window.height() - 42)
        self.raise_()


Actions = dict[str, Callable[[], object]]
