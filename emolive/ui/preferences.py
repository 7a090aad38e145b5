"""The settings while the window lives: one copy, saved on a worker thread after each change."""

from __future__ import annotations

import threading
from collections.abc import Mapping, Sequence
from typing import Any

from PySide6.QtCore import QObject, Qt, Signal

from emolive.errors import EmoliveError
from emolive.settings import Settings, SettingsStore
from emolive.ui.controls import timer

_SAVE_AFTER_MS = 400


class Preferences(QObject):
    """What was chosen, and what was chosen for this run alone (from the command line).

    `changed` tells of new settings, `problem` why they cannot be saved (None: they can).
    """

    changed = Signal(object)
    problem = Signal(object)
    _saved = Signal(object)

    def __init__(
        self,
        settings: Settings | None = None,
        store: SettingsStore | None = None,
        parent: QObject | None = None,
        *,
        overrides: Mapping[str, Mapping[str, Any]] | None = None,
    ) -> None:
        """`store` None: nothing is saved. `overrides`, by part, hold until they are set anew."""
        super().__init__(parent)
        self._overrides = {part: dict(values) for part, values in (overrides or {}).items()}
        self.settings = settings or Settings()
        self._store = store
        self._worker: threading.Thread | None = None
        self._lock = threading.Lock()
        self._pending = False
        self._timer = timer(self, _SAVE_AFTER_MS, self._save, once=True)
        self._saved.connect(self.problem, Qt.ConnectionType.QueuedConnection)

    @property
    def effective(self) -> Settings:
        """What holds now: the settings, and what was given for this time."""
        settings = self.settings
        for part, values in self._overrides.items():
            if values:
                settings = settings.with_values(part, **values)
        return settings

    def change(self, part: str, **values: Any) -> None:
        """Set values of one part.

        Raises:
            ValidationError: a value cannot be.
        """
        self._become(self.settings.with_values(part, **values), {part: tuple(values)})

    def choose_device(self, device: str | int | None, *, computer: bool = False) -> None:
        """Another input, with what was set when it was in use last."""
        names = {"input": ("device", "computer", "channels"), "baseline": ("group",)}
        self._become(self.settings.with_device(device, computer=computer), names)

    def know_device(self, device: str | int | None, **values: Any) -> None:
        """Keep values of a device for its next use, unless inputs are not remembered."""
        if self.settings.privacy.remember_input:
            self.change("input", devices=self.settings.input.knowing(device, **values))

    def reset(self) -> None:
        """Everything as it was at first, except that the guide is not shown again."""
        self.settings = Settings().with_values("window", guide_done=True)
        self._overrides = {}
        self._pending = True
        self._timer.start()
        self.changed.emit(self.settings)

    def successor(self) -> Preferences:
        """The same for another window; this one is closed after that."""
        return Preferences(self.settings, self._store, overrides=self._overrides)

    def close(self, timeout: float) -> None:
        """Save what is not saved yet, waiting at most `timeout` seconds."""
        self._timer.stop()
        self._saved.disconnect(self.problem)
        self._save()
        if self._worker is not None:
            self._worker.join(timeout)

    def _become(self, settings: Settings, named: Mapping[str, Sequence[str]]) -> None:
        """Hold `settings`; what was given for this time of the values `named` holds no more."""
        before = self.effective
        for part, names in named.items():
            for name in names:
                self._overrides.get(part, {}).pop(name, None)
        if settings != self.settings:
            self.settings = settings
            self._pending = True
            self._timer.start()
        if self.effective != before:
            self.changed.emit(self.effective)

    def _save(self) -> None:
        if self._store is None or not self._pending:
            return
        self._pending = False
        store, settings = self._store, self.settings
        self._worker = threading.Thread(
            target=self._write, args=(store, settings), name="emolive settings", daemon=True
        )
        self._worker.start()

    def _write(self, store: SettingsStore, settings: Settings) -> None:
        with self._lock:  # an older one may still be writing
            try:
                store.save(settings)
            except EmoliveError as error:
                self._saved.emit(str(error))
            else:
                self._saved.emit(None)
