"""Why: between what can be asked about and the drawer that explains a moment."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Protocol

from PySide6.QtCore import QObject, Signal

from emolive.explain.moment import Explanation, Moment
from emolive.history.rings import DecisionRing
from emolive.history.streams import Named
from emolive.i18n import tr
from emolive.session.why import HeardExplainer
from emolive.types import AnalysisFacts
from emolive.ui.background import Background
from emolive.ui.timeline.time_axis import TimeAxis
from emolive.ui.why.drawer import WhyDrawer


class Decided(Named, Protocol):
    """A stream with its answers."""

    @property
    def decisions(self) -> DecisionRing:
        """The answers."""


Streams = Callable[[], Sequence[Decided]]
Ask = Callable[[Moment], None]
"""Has a moment explained; the drawer gets the answer."""


class WhyController(QObject):
    """Explains decisions of one run, session or call. `shown` tells whether the drawer is open."""

    shown = Signal(bool)
    sought = Signal(float)

    def __init__(self, drawer: WhyDrawer, axis: TimeAxis, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._drawer = drawer
        self._axis = axis
        self._facts: AnalysisFacts | None = None
        self._streams: Streams = tuple
        self._ask: Ask | None = None
        self._asked: tuple[str, float] | None = None
        drawer.hide()
        drawer.closed.connect(self.close_drawer)
        drawer.stepped.connect(self.step)
        drawer.label_chosen.connect(self._ask_again)

    def follow(
        self, facts: AnalysisFacts | None, streams: Streams, ask: Ask | None, *, several: bool
    ) -> None:
        """Explain this from now on; `facts` None: nothing; `ask` None: no sound is kept.

        `streams` are those that can be asked about, the first one first; `several` are told apart.
        """
        self.close_drawer()
        self._facts, self._streams, self._ask = facts, streams, ask
        self._drawer.set_run(facts, several=several)

    def explain(self, at_s: float, stream: str | None = None, label: str | None = None) -> None:
        """Open the drawer for the decision nearest to `at_s`; `stream` None: the first one."""
        facts, streams = self._facts, self._streams()
        if facts is None or not streams:
            return
        chosen = next((one for one in streams if stream in (None, one.name)), streams[0])
        moment = _moment_at(chosen, facts, at_s, label)
        if moment is not None:
            at_s = (moment.start_sample + moment.end_sample) / 2 / facts.rate
        self._drawer.show()
        self.shown.emit(True)
        self._asked = (chosen.name, at_s)
        self._axis.choose(at_s)
        if moment is None:
            text = tr("Nothing was classified here: there was too little speech.")
            self._drawer.show_nothing(at_s, text)
            return
        self._axis.reveal(at_s)
        if self._ask is None:
            text = tr(
                "No sound is kept, so nothing can be explained: allow it in the settings under "
                "Privacy, from the next run on."
            )
            self._drawer.show_nothing(at_s, text)
            return
        self._drawer.show_question(moment)
        self._ask(moment)

    def explain_here(self) -> None:
        """Explain the chosen moment, or the newest decision of the first stream."""
        if self._asked is not None:
            self.explain(self._asked[1], self._asked[0])
        elif streams := self._streams():
            self.explain(streams[0].decisions.last_s)

    def step(self, steps: int) -> None:
        """Explain the decision after (or before) the one that is shown, and go there."""
        if self._asked is None:
            return
        name, at_s = self._asked
        stream = next((one for one in self._streams() if one.name == name), None)
        if stream is None:
            return
        if (there := stream.decisions.step(at_s, steps)) is not None:
            self.explain(there, name)
            self.sought.emit(there)

    @property
    def chosen_s(self) -> float | None:
        """The moment that was asked about last; None: the drawer is closed."""
        return None if self._asked is None else self._asked[1]

    def close_drawer(self) -> bool:
        """Close the drawer; whether it was open."""
        if self._drawer.isHidden():
            return False
        self._drawer.hide()
        self._axis.choose(None)
        self._asked = None
        self.shown.emit(False)
        return True

    def _ask_again(self, label: str) -> None:
        if self._asked is not None:
            self.explain(self._asked[1], self._asked[0], label)


class HeardWhy(WhyController):
    """Explains what was heard before, on a thread of its own."""

    def __init__(self, drawer: WhyDrawer, axis: TimeAxis, parent: QObject | None = None) -> None:
        super().__init__(drawer, axis, parent)
        self._worker = Background("why", self)
        self._explainer: HeardExplainer | None = None

    def open(
        self,
        facts: AnalysisFacts,
        streams: Streams,
        explainer: HeardExplainer | None,
        *,
        several: bool,
    ) -> None:
        """Explain this from now on, as `follow` says; `explainer` None: no sound is kept."""
        self.close()
        self._explainer = explainer
        self.follow(facts, streams, self._explain_heard if explainer else None, several=several)

    def close(self) -> None:
        """Explain nothing any more."""
        self.follow(None, tuple, None, several=False)
        explainer, self._explainer = self._explainer, None
        if explainer is not None:
            self._worker.forget("why")
            self._worker.ask(explainer.close, lambda _: None, lambda _: None)

    def shutdown(self, timeout: float) -> bool:
        """End the thread; whether it ended within `timeout` seconds."""
        return self._worker.close(timeout)

    def _explain_heard(self, moment: Moment) -> None:
        explainer = self._explainer
        assert explainer is not None

        def done(found: Explanation) -> None:
            if self._explainer is explainer:
                self._drawer.show_explanation(found)

        def failed(problem: str) -> None:
            done(Explanation(moment, problem=problem))

        self._worker.ask(lambda: explainer.explain(moment), done, failed, key="why")


def _moment_at(
    stream: Decided, facts: AnalysisFacts, at_s: float, label: str | None
) -> Moment | None:
    """The window of the decision nearest to `at_s`, and the class to be asked about.

    None where nothing was classified. `label` None: the decided class, or the most probable one.
    """
    row = stream.decisions.nearest(at_s, 1.5 * facts.hop_s)
    if not len(row) or not row.probabilities[0].any():
        return None
    if label is None:
        decided = int(row.label[0])
        best = int(row.probabilities[0].argmax())
        label = facts.labels[decided if decided < len(facts.labels) else best]
    centre = round(float(row.centre_s[0]) * facts.rate)
    start = centre - facts.window_samples // 2
    return Moment(stream.name, start, start + facts.window_samples, label)
