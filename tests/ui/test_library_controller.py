"""A library that is still being opened as the window goes, and its settings."""

from __future__ import annotations

import threading
from pathlib import Path

import pytest
from pytestqt.qtbot import QtBot

from emolive.session.library import Library
from emolive.ui import library_controller
from emolive.ui.library_controller import LibraryController


@pytest.mark.parametrize("in_time", [True, False])
def test_a_library_that_nobody_waits_for_is_closed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, in_time: bool
) -> None:
    opening, go_on = threading.Event(), threading.Event()
    opened: list[Library] = []
    closed: list[Library] = []

    class SlowLibrary(Library):
        @classmethod
        def open(cls, folder: Path | None = None) -> Library:
            opening.set()
            assert go_on.wait(60)
            opened.append(super().open(folder))
            return opened[-1]

        def close(self) -> None:
            closed.append(self)
            super().close()

    monkeypatch.setattr(library_controller, "Library", SlowLibrary)
    controller = LibraryController()
    controller.open(tmp_path / "library")
    assert opening.wait(60)
    if in_time:
        threading.Timer(0.05, go_on.set).start()
        controller.end(60)
    else:
        controller.end(0.0)
        go_on.set()
    for thread in threading.enumerate():
        if thread.name == "emolive library":
            thread.join(60)
    assert controller.library is None
    assert len(opened) == 1
    assert opened[0] in closed


def test_changes_that_wait_for_the_library_are_all_made(qtbot: QtBot, tmp_path: Path) -> None:
    controller = LibraryController()
    controller.open(tmp_path / "library")
    qtbot.waitUntil(lambda: controller.library is not None)
    go_on = threading.Event()
    controller.work.ask(lambda: go_on.wait(60), lambda _: None, lambda _: None)
    controller.change_settings(expire_after_days=20)
    controller.change_settings(consent_text="Ask them.")
    controller.change_settings(expire_after_days=30)
    with qtbot.waitSignal(controller.settled) as settled:
        go_on.set()
    assert settled.args is not None
    (settings,) = settled.args
    assert (settings.expire_after_days, settings.consent_text) == (30, "Ask them.")
    assert controller.library is not None
    assert [one.action for one in controller.library.audit_log()] == ["settings"], "one change"
    controller.end(60)
