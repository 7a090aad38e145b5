"""Renders the sessions page, to be looked at: ``python -m tests.ui.session_shots FOLDER``."""

from __future__ import annotations

import os
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

from tests.ui.scratch import scratch_folder

os.environ.setdefault("QT_QPA_PLATFORM", "offscreen")
os.environ.setdefault("EMOLIVE_MODELS", str(scratch_folder()))

import numpy as np
from PySide6.QtWidgets import QApplication

from emolive.adapt.teaching import usual_base
from emolive.inference.adapted_file import AdaptedModel, Base, ClassScore, Judgement
from emolive.session.comparison import OtherTimeline, analyse_again
from emolive.session.library import Library
from emolive.session.library_settings import TierSettings
from emolive.session.records import (
    AlertRecord,
    Annotation,
    Dimension,
    Gap,
    GapKind,
    Note,
    StreamInfo,
    Trace,
)
from emolive.settings import ThemeChoice
from emolive.types import Role, Segment
from emolive.ui.app import make_application
from emolive.ui.language import speak
from emolive.ui.sessions import side_panel
from emolive.ui.sessions.label_moments import LabelMoments
from emolive.ui.sessions.page import SessionsPage
from emolive.ui.sessions.selection import Region
from emolive.ui.sessions.teach_dialog import TeachDialog
from emolive.ui.theme import apply, resolve
from emolive.ui.timeline.probabilities import ProbabilityPanel
from emolive.ui.timeline.voice_panels import VOICE_PANELS
from tests.session.filled import session_record
from tests.ui.picture_file import Widened, picture_of, save_picture
from tests.ui.stored_sessions import RATE, Part, demo, store

NOW = datetime(2026, 3, 20, 10, tzinfo=UTC)


def marks(stream: str = "mono") -> list[Annotation]:
    said = (
        (2.4, 5.3, "sad"), (5.5, 11.4, "angry"), (12.4, 15.8, "sad"), (16.0, 18.4, "neutral"),
        (19.4, 21.3, "disgust"),
    )  # fmt: skip
    found = [
        Annotation(f"m{i}", round(start * RATE), round(end * RATE), label, "", stream)
        for i, (start, end, label) in enumerate(said)
    ]
    found[1] = replace(found[1], comment="voice gets tense")
    found[3] = replace(found[3], label="neutral", comment="not sure, only reading aloud")
    found.append(Annotation("m9", 46 * RATE, 52 * RATE, None, "someone enters the room", stream))
    return found


def fill(library: Library) -> dict[str, str]:
    ids = {}
    ids["interview"] = store(
        library,
        [Part("mono", 2)],
        title="Interview with participant 7",
        tags=["pilot", "study-b"],
        started_at=NOW,
        annotations=marks(),
        alerts=[
            AlertRecord("anger", 12 * RATE, "Angry for more than 5 s", "warning", 18 * RATE),
            AlertRecord("anger", 69 * RATE, "Angry for more than 5 s", "critical", 74 * RATE),
        ],
        gaps=[Gap(56 * RATE, round(59.5 * RATE), GapKind.SOURCE)],
        notes=[
            Note("Participant was tired after the second part.", created_at=NOW),
            Note("Second question begins", 40 * RATE, created_at=NOW),
        ],
    )
    ids["call"] = store(
        library,
        [Part("agent", 4, Role.AGENT), Part("customer", 4, Role.CUSTOMER)],
        title="Call about invoice 4411, escalated",
        tags=["complaint", "follow-up"],
        started_at=NOW - timedelta(days=1, hours=2),
    )
    ids["plain"] = store(library, title="", started_at=NOW - timedelta(days=2), audio=False)
    store(
        library,
        [Part("mono", 6)],
        title="Coaching: presentation rehearsal",
        tags=["coaching"],
        started_at=NOW - timedelta(days=9),
    )
    new = session_record(
        streams=(StreamInfo("mono", RATE),), labels=("neutral", "angry", "sad"), model="resnet34",
        source="USB interface",
    )  # fmt: skip
    early = replace(new, title="Morning stand-up", recovered=True, started_at=NOW - timedelta(12))
    writer = library.create(early, audio=False)
    shares = (("neutral", 420, 0.8), ("angry", 40, 0.7), ("sad", 160, 0.6), ("uncertain", 90, 0.4))
    at = 0
    for label, seconds, confidence in shares:
        end = at + seconds * RATE
        writer.add_segments([Segment("mono", at, end, label, confidence)])
        at = end
    writer.finish(at)
    late = replace(new, title="Focus group, table 2", started_at=NOW + timedelta(hours=1))
    writer = library.create(late, audio=False)
    writer.commit(95 * RATE)
    return ids


def wait(condition: Callable[[], bool], seconds: float = 30.0) -> None:
    end = time.monotonic() + seconds
    while not condition():
        QApplication.processEvents()
        time.sleep(0.003)
        assert time.monotonic() < end, "nothing came"


def settle(page: SessionsPage) -> None:
    def quiet() -> bool:
        QApplication.processEvents()
        tiles = all(tiles.complete for tiles in page.replay.board.tiles)
        return tiles and not (page.reader.busy or page.editor.busy)

    for _ in range(8):
        wait(quiet)
        page.repaint()


def opened(page: SessionsPage, session: str) -> None:
    page.open_session(session)
    wait(lambda: page.replay.session is not None)


def sessions(page: SessionsPage, ids: dict[str, str]) -> None:
    row = page.list.model.row_of(ids["interview"])
    page.list.table.selectRow(row)


def search(page: SessionsPage, ids: dict[str, str]) -> None:
    del ids
    page.list.filters.text.setText("angry longer than 4 s")
    page.list.refresh()


def filters_menu(page: SessionsPage, ids: dict[str, str]) -> None:
    sessions(page, ids)
    page.list.filters.emotions._open()


def sessions_menu(page: SessionsPage, ids: dict[str, str]) -> None:
    sessions(page, ids)
    page.list._menu(page.list.table.viewport().rect().center())


def no_match(page: SessionsPage, ids: dict[str, str]) -> None:
    del ids
    page.list.filters.text.setText("angry longer than 10 min")
    page.list.refresh()


def replay(page: SessionsPage, ids: dict[str, str]) -> None:
    opened(page, ids["interview"])
    page.replay.actions_.seek(14.2)


def annotate(page: SessionsPage, ids: dict[str, str]) -> None:
    opened(page, ids["interview"])
    page.replay.board.axis.view(0.0, 24.0)
    page.replay.actions_.pick_mark("m1")
    page.replay.side.show_view(side_panel.MARKS)
    page.replay.actions_.set_loop(True)


def mark_menu(page: SessionsPage, ids: dict[str, str]) -> None:
    annotate(page, ids)
    replay = page.replay
    where = replay.board.mapToGlobal(replay.board.rect().center())
    replay.actions_.show_menu(replay, where)


def view_menu(page: SessionsPage, ids: dict[str, str]) -> None:
    opened(page, ids["interview"])
    page.replay.header.view_button.click()


def annotators(page: SessionsPage, ids: dict[str, str]) -> None:
    assert page.library is not None
    tiers = (TierSettings(name="engagement", labels=("low", "medium", "high")),)
    page.library.change_settings(tiers=tiers, consented_at=NOW)
    given = {mark.id for mark in page.library.annotations(ids["interview"])}
    said = [
        replace(mark, id=f"{name}{mark.id}", annotator=name, start_sample=mark.start_sample + by)
        for name, by in (("anna", 0), ("ben", 8000))
        for mark in marks()
        if mark.label
    ]
    said[6] = replace(said[6], label="sad")
    said.append(Annotation("e1", 3 * RATE, 11 * RATE, "high", "", "mono", "anna", "engagement"))
    said.append(Annotation("e2", 14 * RATE, 20 * RATE, "low", "", "mono", "anna", "engagement"))
    page.library.change_annotations(ids["interview"], put=said, remove=given)
    page.replay.marking.annotator = "anna"
    opened(page, ids["interview"])
    page.replay.board.axis.view(0.0, 40.0)
    page.replay.side.show_view(side_panel.MARKS)
    page.replay.side.setVisible(True)
    page.replay.actions_.pick_mark("e1")
    settle(page)
    page.library.change_annotations(
        ids["interview"], put=marks(), remove=[mark.id for mark in said]
    )


def tiers_dialog(page: SessionsPage, ids: dict[str, str]) -> None:
    opened(page, ids["interview"])
    page.edit_tiers()


def voice(page: SessionsPage, ids: dict[str, str]) -> None:
    opened(page, ids["interview"])
    page.replay.board.axis.view(4.0, 14.0)
    for kind in VOICE_PANELS:
        page.replay.header.kinds[kind].setChecked(True)
    page.replay.header.kinds[ProbabilityPanel].setChecked(page.width() > 1200)
    page.replay.side.setVisible(False)
    settle(page)
    wait(lambda: all(one.complete for one in page.replay.board.voices))


def rating(page: SessionsPage, ids: dict[str, str]) -> None:
    assert page.library is not None
    at = np.arange(1_500) / 25
    said = {
        "anna": (0.5 * np.sin(at / 6), 0.4 * np.cos(at / 9) - 0.2),
        "ben": (0.5 * np.sin(at / 6 - 0.3) + 0.1, 0.4 * np.cos(at / 8) - 0.1),
    }
    for name, values in said.items():
        page.library.put_traces(
            ids["interview"],
            [
                Trace(name, dimension, RATE // 25, one.astype(np.float32))
                for dimension, one in zip(Dimension, values, strict=True)
            ],
        )
    page.replay.marking.annotator = "anna"
    opened(page, ids["interview"])
    page.replay.side.show_view(side_panel.RATING)
    page.replay.side.setVisible(True)
    page.replay.side.rating.button.click()
    page.replay.side.rating.show_point(0.42, -0.3)
    settle(page)


def why_replay(page: SessionsPage, ids: dict[str, str]) -> None:
    opened(page, ids["interview"])
    page.replay.actions_.seek(8.0)
    page.replay.header.why_button.click()
    wait(lambda: bool(page.replay.drawer.words.text() or page.replay.drawer.problem.text()), 60)


def results(page: SessionsPage, ids: dict[str, str]) -> None:
    del ids
    page.list.results_button.click()
    wait(lambda: page.results.model.rowCount() > 0)


def results_empty(page: SessionsPage, ids: dict[str, str]) -> None:
    del ids
    page.show_results([])
    wait(lambda: page.results.isVisible() and page.results.empty.isVisible())


def trend(page: SessionsPage, ids: dict[str, str]) -> None:
    results(page, ids)
    page.results.as_trend.click()


def notes(page: SessionsPage, ids: dict[str, str]) -> None:
    opened(page, ids["interview"])
    page.replay.selection.select(Region(61 * RATE, 68 * RATE))
    page.replay.side.show_view(side_panel.NOTES)


def two_streams(page: SessionsPage, ids: dict[str, str]) -> None:
    opened(page, ids["call"])
    page.replay.board.axis.view(20.0, 95.0)
    page.replay.selection.select(Region(64 * RATE, 70 * RATE, "customer"))


def timeline_only(page: SessionsPage, ids: dict[str, str]) -> None:
    opened(page, ids["plain"])


def compare(page: SessionsPage, ids: dict[str, str]) -> None:
    opened(page, ids["interview"])
    assert page.library is not None
    assert page.replay.session is not None
    page.replay.show_other(_other(page.library, page))
    page.replay.side.setVisible(page.width() > 1200)


def _other(library: Library, page: SessionsPage) -> OtherTimeline:
    session = page.replay.session
    assert session is not None
    return analyse_again(library, session, None, lambda *_: None)


def export_dialog(page: SessionsPage, ids: dict[str, str]) -> None:
    assert page.library is not None
    page.export([page.library.get(ids["interview"])])


def delete_dialog(page: SessionsPage, ids: dict[str, str]) -> None:
    assert page.library is not None
    page.delete([page.library.get(ids["interview"]), page.library.get(ids["plain"])])


def compare_dialog(page: SessionsPage, ids: dict[str, str]) -> None:
    opened(page, ids["interview"])
    assert page.replay.session is not None
    page.compare(page.replay.session)


def label_moments(page: SessionsPage, ids: dict[str, str]) -> None:
    del ids
    page.label_moments()
    dialog = page.dialog
    assert isinstance(dialog, LabelMoments)
    wait(lambda: dialog.moment is not None, 120)

    def labelled(count: int) -> None:
        wait(lambda: dialog.labelled == count and not page.hard_worker.busy)

    for i in range(7):
        labelled(i)
        dialog.choose(("angry", "neutral", "sad")[i % 3])
    labelled(7)
    assert page.library is not None
    for session in page.library.sessions():
        drop = [m.id for m in page.library.annotations(session.id) if len(m.id) == 16]
        page.library.change_annotations(session.id, remove=drop)


def teaching(page: SessionsPage, ids: dict[str, str]) -> None:
    """While it listens."""
    del ids
    page.teach()
    dialog = page.dialog
    assert isinstance(dialog, TeachDialog)
    dialog._running = True
    dialog._on_progress(23, 84)
    dialog._running = False


def teach_better(page: SessionsPage, ids: dict[str, str]) -> None:
    """A model that is better than the one underneath."""
    del ids
    page.teach()
    dialog = page.dialog
    assert isinstance(dialog, TeachDialog)
    scores = (("angry", 64, 0.58, 0.81), ("neutral", 120, 0.66, 0.79), ("sad", 41, 0.47, 0.63))
    judged = Judgement(
        verdict="better", uar=0.743, base_uar=0.57, guessing=False, gain=0.173, low=0.11, high=0.24,
        ece=0.04, base_ece=0.09, grouped=True, groups=9, more={"sad": 9},
        classes=tuple(
            ClassScore(label=label, labels=n, base=base, adapted=now, low=0.06, high=0.27)
            for label, n, base, now in scores
        ),
    )  # fmt: skip
    labels = tuple(label for label, *_ in scores)
    dialog._show_model(
        AdaptedModel(
            name="my voices", labels=labels,
            base=Base(choice=str(usual_base()), name="emolive-whisper", sha256="0" * 64),
            weights=((0.0,),) * 3, bias=(0.0,) * 3, temperature=1.0, abstention_threshold=0.4,
            taught_at="2026-03-20", taught={label: n for label, n, *_ in scores}, sources=(),
            judgement=judged,
        )
    )  # fmt: skip


def teach_dialog(page: SessionsPage, ids: dict[str, str]) -> None:
    assert page.library is not None
    segments = [s for s in demo().analysis.segments if s.label not in ("uncertain", "silence")]
    taught = [
        Annotation(f"t{i}", s.start_sample, s.end_sample, ("confident", "hesitant")[i % 2])
        for i, s in enumerate(segments)
    ]
    keep = {mark.id for mark in page.library.annotations(ids["interview"])}
    page.library.change_annotations(ids["interview"], put=taught, remove=keep)
    page.teach()
    dialog = page.dialog
    assert isinstance(dialog, TeachDialog)
    dialog.teach()
    wait(lambda: dialog.model is not None or dialog.problem.isVisible(), 120)
    page.library.change_annotations(
        ids["interview"], put=marks(), remove=[mark.id for mark in taught]
    )


SCENES = {
    scene.__name__: scene
    for scene in (
        sessions,
        search,
        no_match,
        replay,
        annotate,
        annotators,
        voice,
        rating,
        why_replay,
        results,
        results_empty,
        trend,
        tiers_dialog,
        notes,
        two_streams,
        timeline_only,
        compare,
        export_dialog,
        delete_dialog,
        compare_dialog,
        label_moments,
        teaching,
        teach_better,
        teach_dialog,
        filters_menu,
        sessions_menu,
        mark_menu,
        view_menu,
    )
}


def main(
    folder: Path,
    wanted: Sequence[str],
    sizes: Sequence[tuple[int, int]] = ((1024, 640), (1920, 1080)),
    themes: Sequence[ThemeChoice] = ("dark", "light"),
) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    app = make_application()
    speak("en")
    with tempfile.TemporaryDirectory() as place, Library.open(Path(place)) as library:
        ids = fill(library)
        for name in [*(wanted or SCENES), *([] if wanted else ["empty"])]:
            for theme in themes:
                for size in sizes:
                    apply(app, resolve(theme))
                    _render(folder, name, theme, size, library, ids)


def _render(
    folder: Path,
    name: str,
    theme: ThemeChoice,
    size: tuple[int, int],
    library: Library,
    ids: dict[str, str],
) -> None:
    page = SessionsPage(resolve(theme))
    window = Widened(page)
    window.be_in(*size)
    window.show()
    if name == "empty":
        page.list.empty.show_none()
        page.list._show(empty=True, bare=True)
    else:
        page.set_library(library)
        wait(lambda: page.list.model.rowCount() > 0)
        SCENES[name](page, ids)
    settle(page)
    save_picture(picture_of(window), folder / f"{name}-{theme}-{size[0]}.png")
    if (popup := QApplication.activePopupWidget()) is not None:
        popup.close()
    if page.dialog is not None:
        page.dialog.reject()
    page.end(time.monotonic() + 2.0)
    window.close()
    window.deleteLater()
    QApplication.processEvents()


if __name__ == "__main__":
    main(Path(sys.argv[1]), sys.argv[2:])
