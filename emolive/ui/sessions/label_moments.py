"""Labelling by ear: the most telling moments one after another, a key for each label."""

from __future__ import annotations

from dataclasses import dataclass, replace

from PySide6.QtCore import Qt, Signal
from PySide6.QtGui import QKeyEvent
from PySide6.QtWidgets import QWidget

from emolive.adapt.moments import Moment
from emolive.adapt.workshop import Standing, Workshop, own_labels
from emolive.i18n import ntr, tr
from emolive.labels import USUAL
from emolive.session.library import Library
from emolive.session.player import session_player
from emolive.session.records import LONGEST_NAME, Annotation
from emolive.times import clock_tenths
from emolive.ui.background import Background
from emolive.ui.controls import ElidedLabel, label, push_button, text_field
from emolive.ui.dialog import WorkDialog
from emolive.ui.layouts import STRETCH, fill, hbox
from emolive.ui.sessions.label_keys import LabelKeys
from emolive.ui.sessions.playing import MakePlayer, Playing
from emolive.ui.sessions.teach_dialog import count_text, worth_text
from emolive.ui.theme import Theme

BATCH = 30
_JUDGE_EVERY = 5
_MOST_KEYS = 9


@dataclass(frozen=True, slots=True)
class _Done:
    """A moment that was dealt with; `mark` None: skipped."""

    moment: Moment
    mark: Annotation | None


class LabelMoments(WorkDialog):
    """Every label is stored at once, as a mark of its session. Accepted: teach a model now.

    `named`: who labels has told another name.
    """

    named = Signal(str)

    def __init__(
        self,
        theme: Theme,
        library: Library,
        worker: Background,
        annotator: str,
        parent: QWidget | None = None,
        *,
        make_player: MakePlayer = session_player,
        workshop: Workshop | None = None,
    ) -> None:
        text = tr(
            "The moments whose label would teach a model most, played one after another. Press "
            "the key of what you hear. Labels are kept as marks of the sessions."
        )
        super().__init__(theme, tr("Label moments"), text, worker, parent, 860)
        self._library = library
        self.annotator = annotator
        self._workshop = workshop or Workshop(library)
        self._waiting: list[Moment] = []
        self._done: list[_Done] = []
        self._total = 0
        self._standing = Standing({}, None)
        self._labels: tuple[str, ...] = USUAL
        self._ready = False
        self.playing = Playing(make_player, self)
        self._opened: str | None = None
        self._build()
        self._connect()
        self.more()

    @property
    def moment(self) -> Moment | None:
        """What is played now."""
        return self._waiting[0] if self._waiting else None

    @property
    def labelled(self) -> int:
        """How many labels were given."""
        return sum(one.mark is not None for one in self._done)

    # What a person does.

    def more(self) -> None:
        """Look for the next moments."""
        self._ready = False
        self.show_problem("")
        self.bar.setMaximum(0)
        self.state.setText(tr("Looking for the moments that teach most…"))
        self._refresh()
        self._worker.ask(
            lambda: (
                self._workshop.moments(BATCH, self.tell),
                self._workshop.standing(),
            ),
            self._on_moments,
            self._on_no_moments,
            key="moments",
        )

    def choose(self, name: str) -> None:
        """Give the moment this label, and go on."""
        moment = self.moment
        if moment is None or not self._ready:
            return
        self._ready = False  # until it is stored: a key that is held down labels once
        annotator = self.annotator

        def stored(mark: Annotation) -> None:
            if self._cancelled.is_set():
                return
            self._ready = True
            self._done.append(_Done(moment, mark))
            self._next()
            if self.labelled % _JUDGE_EVERY == 0:
                self._judge()
            else:
                self._count(name, 1)

        self._worker.ask(
            lambda: self._workshop.label(moment, name, annotator), stored, self._on_failed
        )

    def skip(self) -> None:
        """Go on without a label."""
        if (moment := self.moment) is not None and self._ready:
            self._done.append(_Done(moment, None))
            self._next()

    def undo(self) -> None:
        """Back to the moment before, its label taken back."""
        if not self._done or not self._ready:
            return
        last = self._done[-1]

        def back(_: object) -> None:
            if self._cancelled.is_set():
                return
            self._ready = True
            self._done.pop()
            self._waiting.insert(0, last.moment)
            if last.mark is not None and last.mark.label is not None:
                self._count(last.mark.label, -1)
            self._play()

        mark = last.mark
        if mark is None:
            back(None)
        else:
            self._ready = False
            self._worker.ask(
                lambda: self._workshop.take_back(last.moment, mark), back, self._on_failed
            )

    def use_own_labels(self) -> None:
        """Take the labels that are written in the field; none: the usual emotions."""
        labels = tuple(own_labels(self.own.text()))
        if len(labels) == 1:
            self.show_problem(tr("One label alone tells nothing apart: write two or more."))
            return
        if len(labels) > _MOST_KEYS:
            self.show_problem(tr("There are keys for {n} labels at most.", n=_MOST_KEYS))
            return
        self.show_problem("")
        self._labels = labels or USUAL
        self.keys.set_labels(self._labels)
        self.own.setCursorPosition(0)
        self.fit()
        self.setFocus()

    def use_name(self) -> None:
        """Label in the name that is written in the field; none: go on in the one before."""
        name = " ".join(self.who.text().split())
        if name and name != self.annotator:
            self.annotator = name
            self.named.emit(name)
        self.who.setText(self.annotator)
        self.setFocus()

    def keyPressEvent(self, event: QKeyEvent) -> None:
        """Digits label, the rest is on the buttons."""
        key = event.key()
        if event.isAutoRepeat():
            event.accept()
        elif Qt.Key.Key_1 <= key <= Qt.Key.Key_9:
            number = key - Qt.Key.Key_1
            if number < len(self._labels):
                self.choose(self._labels[number])
        elif key == Qt.Key.Key_Space:
            self.playing.toggle()
        elif key == Qt.Key.Key_S:
            self.skip()
        elif key in (Qt.Key.Key_Backspace, Qt.Key.Key_U):
            self.undo()
        elif key in (Qt.Key.Key_Return, Qt.Key.Key_Enter):
            pass  # ends nothing by accident
        else:
            super().keyPressEvent(event)

    def done(self, result: int) -> None:
        """Stop whatever runs, and let go of the model."""
        self._cancelled.set()
        self.playing.shutdown(2.0)
        self._worker.forget("moments")
        self._worker.forget("worth")
        self._worker.ask(self._workshop.close, lambda _: None, lambda _: None)
        super().done(result)

    # How it goes on.

    def _next(self) -> None:
        self._waiting.pop(0)
        self._play()

    def _play(self) -> None:
        self._refresh()
        moment = self.moment
        if moment is None:
            self.playing.pause()
            return
        if self._opened != moment.session.id:
            self.playing.open(self._library, moment.session)
            self._opened = moment.session.id
        self.playing.hear((moment.stream,))
        self.playing.seek(moment.start_s)
        self.playing.loop(moment.start_sample, moment.end_sample)
        if not self.playing.playing:
            self.playing.toggle()

    def _count(self, name: str, by: int) -> None:
        counts = dict(self._standing.counts)
        counts[name] = counts.get(name, 0) + by
        counts = {label: n for label, n in counts.items() if n > 0}
        self._standing = replace(self._standing, counts=counts)
        self._show_standing()

    def _judge(self) -> None:
        self._worker.ask(self._workshop.standing, self._on_standing, self._on_failed, key="worth")

    # What comes from the worker.

    def _on_progress(self, done: int, total: int) -> None:
        if not self._ready:
            self.bar.setMaximum(max(1, total))
            self.bar.setValue(done)

    def _on_moments(self, found: tuple[list[Moment], Standing]) -> None:
        moments, self._standing = found
        self._done.clear()
        self._waiting = moments
        self._total = len(moments)
        self._ready = True
        self._show_standing()
        self._play()
        self.setFocus()

    def _on_no_moments(self, problem: str) -> None:
        self.bar.setMaximum(1)
        self.state.setText("")
        self._refresh()
        if not self._cancelled.is_set():
            self.show_problem(problem)

    def _on_standing(self, standing: Standing) -> None:
        self._standing = standing
        self._show_standing()

    def _on_failed(self, problem: str) -> None:
        if not self._cancelled.is_set():
            self._ready = True
            self.show_problem(problem)

    # What is shown.

    def _show_standing(self) -> None:
        self.counts.setText(count_text(self._standing.counts))
        self.worth.setText(worth_text(self._standing))
        self.teach_button.setEnabled(len(self._standing.counts) > 1)
        self.fit()

    def _refresh(self) -> None:
        moment = self.moment
        dealt = len(self._done)
        for button in (self.again_button, self.skip_button):
            button.setEnabled(moment is not None)
        self.undo_button.setEnabled(bool(self._done))
        self.keys.setEnabled(moment is not None)
        self.more_button.setVisible(self._total > 0 and moment is None)
        if self._total:
            self.bar.setMaximum(self._total)
            self.bar.setValue(dealt)
        if moment is not None:
            title = moment.session.title or tr("Untitled")
            self.state.setText(tr("Moment {n} of {all}", n=dealt + 1, all=self._total))
            self.place.show_whole(
                tr(
                    "{title}, {time}, {stream}",
                    title=title,
                    time=clock_tenths(moment.start_s),
                    stream=moment.stream,
                )
            )
        elif self._total:
            self.state.setText(
                ntr("That was all: {count} label.", "That was all: {count} labels.", self.labelled)
            )
            self.place.show_whole("")

    def _build(self) -> None:
        self.state = label("", self, "title")
        self.place = ElidedLabel(self, "muted")
        self.bar.show()
        self.keys = LabelKeys(self.theme, self, in_lines=True)
        self.keys.set_labels(self._labels)
        self.again_button = push_button(
            tr("Pause or play  (Space)"), self, self.playing.toggle, kind="quiet"
        )
        self.skip_button = push_button(tr("Skip  (S)"), self, self.skip, kind="quiet")
        self.undo_button = push_button(tr("Undo  (Backspace)"), self, self.undo, kind="quiet")
        self.more_button = push_button(tr("More moments"), self, self.more)
        self.own = text_field(
            tr("Own labels"),
            self,
            placeholder=tr("Own labels instead, separated by commas: confident, hesitant"),
        )
        self.own.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        self.who = text_field(
            tr("Marks by"),
            self,
            text=self.annotator,
            longest=LONGEST_NAME,
            tip=tr("Whose marks you make now: choose a name, or write a new one"),
        )
        self.who.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        self.counts = label("", self, "muted", wrap=True)
        self.worth = label("", self, "muted", wrap=True)
        beside = (self.again_button, self.skip_button, self.undo_button, self.more_button)
        fill(self.body, self.state, self.place, self.bar, self.keys)
        fill(self.body, hbox(*beside, STRETCH, gap=8))
        fill(self.body, hbox(label(tr("Marks by"), self), (self.who, 1), gap=8))
        fill(self.body, self.own, self.counts, self.worth)
        self.close_button = push_button(tr("Close"), self, self.reject)
        self.teach_button = push_button(
            tr("Teach a model…"), self, self.accept, kind="primary",
            tip=tr("With all that is labelled in the library"),
        )  # fmt: skip
        self.teach_button.setEnabled(False)
        fill(self.buttons, self.close_button, self.teach_button)
        for button in (*beside, self.close_button, self.teach_button):
            button.setAutoDefault(False)

    def _connect(self) -> None:
        self.keys.chosen.connect(self.choose)
        self.own.editingFinished.connect(self.use_own_labels)
        self.who.editingFinished.connect(self.use_name)
        self.playing.problem.connect(self.show_problem)
