"""Why, in a replayed session: between the drawer and a worker that explains."""

from __future__ import annotations

from PySide6.QtCore import QObject, Signal

from emolive.explain.moment import Explanation
from emolive.i18n import tr
from emolive.session.library import Library
from emolive.session.session_history import SessionHistory
from emolive.session.why import SessionExplainer
from emolive.ui.background import Background
from emolive.ui.sessions.session_axis import SessionAxis
from emolive.ui.why.drawer import WhyDrawer
from emolive.ui.why.moments import moment_at


class WhyDesk(QObject):
    """Explains decisions of one session. `shown` tells whether the drawer is open."""

    shown = Signal(bool)
    sought = Signal(float)

    def __init__(self, drawer: WhyDrawer, axis: SessionAxis, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._drawer = drawer
        self._axis = axis
        self._worker = Background("session why", self)
        self._session: SessionHistory | None = None
        self._explainer: SessionExplainer | None = None
        self._asked: tuple[str, float] | None = None
        drawer.hide()
        drawer.closed.connect(self.close_drawer)
        drawer.stepped.connect(self.step)
        drawer.label_chosen.connect(lambda label: self._ask_again(label))

    def open(self, library: Library, session: SessionHistory) -> None:
        """Explain this session from now on."""
        self.close()
        self._session = session
        self._explainer = SessionExplainer(library, session.info)
        self._drawer.set_run(session.info, several=len(session.streams) > 1)

    def close(self) -> None:
        """Explain nothing any more."""
        self.close_drawer()
        self._session = None
        explainer, self._explainer = self._explainer, None
        if explainer is not None:
            self._worker.forget("why")
            self._worker.ask(explainer.close, lambda _: None, lambda _: None)

    def shutdown(self, timeout: float) -> bool:
        """End the thread; whether it ended within `timeout` seconds."""
        return self._worker.close(timeout)

    def explain(self, at_s: float, stream: str | None = None, label: str | None = None) -> None:
        """Open the drawer for the decision nearest to `at_s`; `stream` None: one with emotions."""
        session, explainer = self._session, self._explainer
        if session is None or explainer is None or not session.streams:
            return
        ordered = sorted(session.streams, key=lambda one: not one.info.emotion)
        chosen = next((one for one in ordered if stream in (None, one.name)), ordered[0])
        moment = moment_at(chosen.decisions, session.info, chosen.name, at_s, label)
        self._drawer.show()
        self.shown.emit(True)
        if moment is None:
            self._asked = (chosen.name, at_s)
            self._axis.choose(at_s)
            self._drawer.show_nothing(
                at_s, tr("Nothing was classified here: there was too little speech.")
            )
            return
        centre_s = (moment.start_sample + moment.end_sample) / 2 / session.info.rate
        self._asked = (chosen.name, centre_s)
        self._axis.choose(centre_s)
        self._axis.reveal(centre_s)
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
        if self._session is None or self._asked is None:
            return
        name, at_s = self._asked
        stream = next(one for one in self._session.streams if one.name == name)
        if (there := stream.decisions.step(at_s, steps)) is not None:
            self.explain(there, name)
            self.sought.emit(there)

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
