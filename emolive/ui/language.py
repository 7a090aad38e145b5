"""The window's language: texts, numbers, and what Qt says itself; changed without a restart."""

from __future__ import annotations

from collections.abc import Callable

from PySide6.QtCore import QLibraryInfo, QLocale, QObject, QTimer, QTranslator
from PySide6.QtWidgets import QApplication

from emolive.i18n import language, use_language
from emolive.ui.controls import timer
from emolive.ui.in_app import IN_APP
from emolive.ui.main_window import MainWindow
from emolive.ui.preferences import Preferences

_LOOK_AGAIN_MS = 500
# Of Qt's own texts (buttons of dialogs, menus of text fields) there is one set.
_translators: list[QTranslator] = []


def speak(wanted: str) -> None:
    """Use a language, as the settings name it, for everything that is made from now on."""
    use_language(wanted, QLocale.system().uiLanguages(), IN_APP)
    QLocale.setDefault(QLocale(language()))
    app = QApplication.instance()
    if not isinstance(app, QApplication):
        return
    while _translators:
        app.removeTranslator(_translators.pop())
    translator = QTranslator(app)
    folder = QLibraryInfo.path(QLibraryInfo.LibraryPath.TranslationsPath)
    if translator.load(f"qtbase_{language()}", folder):
        app.installTranslator(translator)
        _translators.append(translator)


class WindowHolder(QObject):
    """Holds the window, and puts another one in its place when the language changes.

    A window is built in one language. Nothing that runs is interrupted for another one: while
    something is monitored or recorded, or a dialog is open, the change waits, and the page of
    settings says so.
    """

    def __init__(self, make: Callable[[Preferences], MainWindow], preferences: Preferences) -> None:
        super().__init__()
        self._make = make
        self.window = self._made(preferences)
        self._wanted = preferences.effective.look.language
        self._timer = timer(self, _LOOK_AGAIN_MS, self._look)

    def _made(self, preferences: Preferences) -> MainWindow:
        window = self._make(preferences)
        preferences.changed.connect(lambda settings: self._on_language(settings.look.language))
        return window

    def _on_language(self, wanted: str) -> None:
        if wanted != self._wanted:
            self._wanted = wanted
            # Not while the control that was used still has its turn.
            QTimer.singleShot(0, self, self._look)
            self._timer.start()

    def _look(self) -> None:
        """Change the language if it can be done now."""
        if not self._timer.isActive() or self.window.busy or QApplication.activeModalWidget():
            return
        self._timer.stop()
        before = self.window
        speak(self._wanted)
        self.window = self._made(before.preferences.successor())
        self.window.show_in_place_of(before)
        before.close()
        before.deleteLater()
