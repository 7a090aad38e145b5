"""A supervisor beside a call: listens in, notes, tags, names, and keeps what was not recorded."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pytest
import soundfile
from PySide6.QtCore import Qt
from pytestqt.qtbot import QtBot

from emolive.audio.output import SilentOutput
from emolive.session.library import Library
from emolive.types import FloatArray
from emolive.ui.calls.model import CallModel
from emolive.ui.calls.page import CallsPage
from tests.ui import call_scenes, feed
from tests.ui.test_calls_page import opened_page
from tests.ui.test_calls_recording import begun, finished


class Headphones(SilentOutput):
    """Remembers what it played."""

    def __init__(self) -> None:
        super().__init__()
        self.loudest = 0.0

    def open(self, pull: Callable[[FloatArray, float], None]) -> None:
        def listen(out: FloatArray, at: float) -> None:
            pull(out, at)
            self.loudest = max(self.loudest, float(np.abs(out).max()))

        super().open(listen)


@pytest.fixture
def library(tmp_path: Path) -> Iterator[Library]:
    with Library.open(tmp_path / "library") as opened:
        opened.confirm_consent()
        yield opened


@pytest.fixture
def page(qtbot: QtBot, tmp_path: Path, library: Library) -> Iterator[CallsPage]:
    with opened_page(qtbot, feed.preferences("dark"), tmp_path) as made:
        made.set_library(library)
        yield made


def started(page: CallsPage, qtbot: QtBot, tmp_path: Path, seconds: float = 60) -> CallModel:
    """A call of Jane's, opened from the dialog."""
    call = call_scenes.stereo_call(tmp_path / "talk.wav", seconds)
    dialog = page.ask_for_call(call.files)
    qtbot.waitUntil(lambda: len(dialog.recordings.calls) == 1, timeout=20_000)
    dialog.who.agent.setText("Jane Doe")
    dialog.who.team.setText("Billing")
    dialog.begin.click()
    model = begun(page, qtbot)
    page.open_call(model.info.id)
    page.shown()
    return model


def test_listening_in_is_silent_until_asked_for_and_audited(
    page: CallsPage, library: Library, qtbot: QtBot, tmp_path: Path
) -> None:
    made: list[Headphones] = []

    def output(_: str | None) -> Headphones:
        made.append(Headphones())
        return made[-1]

    page.hearing._make_output = output
    started(page, qtbot, tmp_path)
    assert not page.call.listen.isChecked()
    assert not made
    qtbot.mouseClick(page.call.listen, Qt.MouseButton.LeftButton)
    qtbot.waitUntil(lambda: bool(made) and made[0].loudest > 0.01, timeout=20_000)
    assert page.call.listen.isChecked()
    qtbot.waitUntil(lambda: "call.listened_in" in [e.action for e in library.audit_log()])
    assert library.audit_log()[-1].details == {"call": "talk"}
    page.show_wall()
    assert not page.hearing.active, "who left the call hears it no more"
    page.open_call(page.controller.models[0].info.id)
    assert not page.call.listen.isChecked()


def test_notes_tags_and_names_are_in_the_recording(
    page: CallsPage, library: Library, qtbot: QtBot, tmp_path: Path
) -> None:
    model = started(page, qtbot, tmp_path)
    assert "Jane Doe" in page.call.about.toolTip()
    page.controller.recording.toggle(model)
    qtbot.waitUntil(
        lambda: model.recording is not None and model.recording.elapsed_s > 2, timeout=30_000
    )
    panel = page.call.remarks
    panel.field.setText("Asks for a refund")
    qtbot.keyClick(panel.field, Qt.Key.Key_Return)
    panel.tags.field.setText("refund")
    qtbot.keyClick(panel.tags.field, Qt.Key.Key_Return)
    assert "Asks for a refund" in panel.list.text()
    qtbot.wait(1_500)
    page.controller.recording.toggle(model)
    info = finished(library, qtbot)
    qtbot.waitUntil(
        lambda: set(library.get(info.id).tags) == {"agent:Jane Doe", "team:Billing", "refund"},
        timeout=20_000,
    )
    (note,) = library.notes(info.id)
    assert note.text == "Asks for a refund"
    assert note.at_sample is not None
    assert 1.0 < note.at_sample / info.rate < info.duration_s


def test_an_ended_call_that_nobody_recorded_can_still_be_kept(
    page: CallsPage, library: Library, qtbot: QtBot, tmp_path: Path
) -> None:
    model = started(page, qtbot, tmp_path, seconds=8)
    page.call.remarks.field.setText("Polite")
    qtbot.keyClick(page.call.remarks.field, Qt.Key.Key_Return)
    qtbot.waitUntil(lambda: model.over, timeout=60_000)
    assert not library.sessions()
    page.tick()
    assert page.call.keep.isEnabled()
    assert not page.call.listen.isVisible()
    qtbot.mouseClick(page.call.keep, Qt.MouseButton.LeftButton)
    info = finished(library, qtbot)
    assert info.duration_s == pytest.approx(8.0, abs=0.3)
    assert set(info.tags) == {"agent:Jane Doe", "team:Billing"}
    assert [note.text for note in library.notes(info.id)] == ["Polite"]
    path = library.audio_path(info.id, info.streams[0].name)
    assert path is not None
    assert soundfile.info(path).duration == pytest.approx(8.0, abs=0.3)
    roles = {stream.name: stream.emotion for stream in info.streams}
    assert roles["agent"] is False, "what was not inferred is not in the recording either"
