"""Why, in what was heard before: between the drawer and a worker that explains."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Protocol

from PySide6.QtCore import QObject, Signal

from emolive.explain.moment import Explanation
from emolive.history.rings import DecisionRing
from emolive.history.streams import Named
from emolive.i18n import tr
from emolive.session.why import HeardExplainer
from emolive.types import AnalysisFacts
from emolive.ui.background import Background
from emolive.ui.timeline.time_axis import TimeAxis
from emolive.ui.why.drawer import WhyDrawer
from emolive.ui.why.moments import moment_at


class Decided(Named, Protocol):
    """A stream with its answers."""

    @property
    def decisions(self) -> DecisionRing:
        """The answers."""


Streams = Callable[[], Sequence[Decided]]


class WhyController(QObject):
    """Explains decisions of one session or call. `shown` tells whether the drawer is open."""

    shown = Signal(bool)
    sought = Signal(float)

    def __init__(self, drawer: WhyDrawer, axis: TimeAxis, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._drawer = drawer
        self._axis = axis
        self._worker = Background("why", self)
        self._facts: AnalysisFacts | None = None
        self._streams: Streams = tuple
        self._explainer: HeardExplainer | None = None
        self._asked: tuple[str, float] | None = None
        drawer.hide()
        drawer.closed.connect(self.close_drawer)
        drawer.stepped.connect(self.step)
        drawer.label_chosen.connect(lambda label: self._ask_again(label))

    def open(
        self,
        facts: AnalysisFacts,
        streams: Streams,
        explainer: HeardExplainer | None,
        *,
        several: bool,
    ) -> None:
        """Explain this from now on; `explainer` None: no sound is kept.

        `streams` are those that can be asked about, the first one first; `several` are told apart.
        """
        self.close()
        self._facts, self._streams, self._explainer = facts, streams, explainer
        self._drawer.set_run(facts, several=several)

    def close(self) -> None:
        """Explain nothing any more."""
        self.close_drawer()
        self._facts, self._streams = None, tuple
        explainer, self._explainer = self._explainer, None
        if explainer is not None:
            self._worker.forget("why")
            self._worker.ask(explainer.close, lambda _: None, lambda _: None)

    def shutdown(self, timeout: float) -> bool:
        """End the thread; whether it ended within `timeout` seconds."""
        return self._worker.close(timeout)

    def explain(self, at_s: float, stream: str | None = None, label: str | None = None) -> None:
        """Open the drawer for the decision nearest to `at_s`; `stream` None: the first one."""
        facts, streams = self._facts, self._streams()
        if facts is None or not streams:
            return
        chosen = next((one for one in streams if stream in (None, one.name)), streams[0])
        moment = moment_at(chosen.decisions, facts, chosen.name, at_s, label)
        self._drawer.show()
        self.shown.emit(True)
        if moment is None:
            self._asked = (chosen.name, at_s)
            self._axis.choose(at_s)
            self._drawer.show_nothing(
                at_s, tr("Nothing was classified here: there was too little speech.")
            )
            return
        centre_s = (moment.start_sample + moment.end_sample) / 2 / facts.rate
        self._asked = (chosen.name, centre_s)
        self._axis.choose(centre_s)
        self._axis.reveal(centre_s)
        explainer = self._explainer
        if explainer is None:
            text = tr(
                "No sound is kept, so nothing can be explained: allow it in the settings under "
                "Privacy, from the next run on."
            )
            self._drawer.show_nothing(centre_s, text)
            return
        self._drawer.show_question(moment)

        def done(found: Explanation) -> None:
            if self._explainer is explainer:
                self._drawer.show_explanation(found)

        def failed(problem: str) -> None:
            if self._explainer is explainer:
                self._drawer.show_explanation(Explanation(moment, problem=problem))

        self._worker.ask(lambda: explainer.explain(moment), done, failed, key="why")

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
