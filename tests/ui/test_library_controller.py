"""A library that is still being opened as the window goes."""

from __future__ import annotations

import threading
from pathlib import Path

import pytest

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
