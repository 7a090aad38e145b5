from __future__ import annotations

import threading

import pytest
import shiboken6
from PySide6.QtCore import QObject
from pytestqt.qtbot import QtBot

from emolive.errors import SessionError
from emolive.ui.background import MAX_WAITING, Background


@pytest.fixture
def worker(qtbot: QtBot) -> Background:  # noqa: ARG001
    return Background("test worker")


def test_answers_arrive_in_order_on_the_asking_thread(qtbot: QtBot, worker: Background) -> None:
    answers: list[tuple[int, bool]] = []
    ran_on: list[str] = []

    def job(i: int) -> int:
        ran_on.append(threading.current_thread().name)
        return i

    here = threading.current_thread()
    for i in range(5):
        worker.ask(
            lambda i=i: job(i),
            lambda n: answers.append((n, threading.current_thread() is here)),
            pytest.fail,
        )
    qtbot.waitUntil(lambda: len(answers) == 5)
    assert answers == [(i, True) for i in range(5)]
    assert set(ran_on) == {"emolive test worker"}
    assert worker.close()


def test_an_error_is_one_sentence_and_the_worker_goes_on(qtbot: QtBot, worker: Background) -> None:
    said: list[str] = []

    def broken() -> None:
        raise SessionError("The disk is gone: plug it in.")

    def bug() -> None:
        raise ZeroDivisionError("by zero")

    worker.ask(broken, pytest.fail, said.append)
    worker.ask(bug, pytest.fail, said.append)
    worker.ask(lambda: "fine", said.append, pytest.fail)
    qtbot.waitUntil(lambda: len(said) == 3)
    assert said[0] == "The disk is gone: plug it in."
    assert "ZeroDivisionError" in said[1]
    assert said[2] == "fine"
    assert worker.close()


def test_only_the_newest_question_of_a_key_is_answered(qtbot: QtBot, worker: Background) -> None:
    gate = threading.Event()
    answers: list[int] = []
    ran: list[int] = []

    def job(i: int) -> int:
        ran.append(i)
        assert gate.wait(60)
        return i

    for i in range(4):
        worker.ask(lambda i=i: job(i), answers.append, pytest.fail, key="look")
        if i == 0:
            qtbot.waitUntil(lambda: ran == [0])
    gate.set()
    qtbot.waitUntil(lambda: answers == [3])
    assert ran == [0, 3]
    assert worker.close()


def test_what_is_forgotten_is_not_answered(qtbot: QtBot, worker: Background) -> None:
    gate = threading.Event()
    answers: list[str] = []
    worker.ask(lambda: gate.wait(60), pytest.fail, pytest.fail, key="open")
    worker.forget("open")
    worker.ask(lambda: "after", answers.append, pytest.fail)
    gate.set()
    qtbot.waitUntil(lambda: answers == ["after"])
    assert worker.close()


def test_more_than_can_wait_fails_at_once(qtbot: QtBot, worker: Background) -> None:
    gate = threading.Event()
    said: list[str] = []
    worker.ask(lambda: gate.wait(60), lambda _: None, pytest.fail)
    qtbot.waitUntil(lambda: worker.busy)
    for _ in range(MAX_WAITING + 2):
        worker.ask(lambda: None, lambda _: None, said.append)
    qtbot.waitUntil(lambda: len(said) >= 1)
    gate.set()
    assert worker.close()


def test_closing_ends_the_thread_and_silences_it(qtbot: QtBot, worker: Background) -> None:
    gate = threading.Event()
    worker.ask(lambda: gate.wait(0.2), pytest.fail, pytest.fail)
    qtbot.waitUntil(lambda: worker.busy)
    assert worker.close(60)
    worker.ask(pytest.fail, pytest.fail, pytest.fail)
    qtbot.wait(20)


def test_a_dialog_that_is_gone_is_not_answered(qtbot: QtBot, worker: Background) -> None:
    class Asker(QObject):
        def take(self, answer: object) -> None:
            self.setObjectName(str(answer))

    gone, heard = Asker(), list[object]()
    worker.ask(lambda: 1, gone.take, gone.take)
    worker.ask(lambda: 2, heard.append, heard.append)
    shiboken6.delete(gone)
    qtbot.waitUntil(lambda: heard == [2])
    assert worker.close(60)
