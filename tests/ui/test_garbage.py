"""Cycles are collected on the window's thread, whoever allocates."""

from __future__ import annotations

import gc
import threading

from pytestqt.qtbot import QtBot

from emolive.ui.garbage import collected_here


class Cycle:
    """Says on which thread it died."""

    died_on: list[threading.Thread]

    def __init__(self, died_on: list[threading.Thread]) -> None:
        self.died_on = died_on
        self.itself = self

    def __del__(self) -> None:
        self.died_on.append(threading.current_thread())


def test_what_a_worker_leaves_dies_on_the_windows_thread(qtbot: QtBot) -> None:
    died_on: list[threading.Thread] = []

    def work() -> None:
        for _ in range(5_000):
            Cycle(died_on)

    gc.enable()
    with collected_here():
        worker = threading.Thread(target=work)
        worker.start()
        worker.join()
        assert died_on == []
        qtbot.waitUntil(lambda: len(died_on) == 5_000, timeout=10_000)
        assert not gc.isenabled()
    assert gc.isenabled()
    assert set(died_on) == {threading.main_thread()}
