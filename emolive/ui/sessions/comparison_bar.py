"""Above the timeline while two models are compared: how far they agree, and the way back."""

from __future__ import annotations

from PySide6.QtCore import Signal
from PySide6.QtWidgets import QFrame, QWidget

from emolive.i18n import decimal, tr
from emolive.session.comparison import Comparison
from emolive.session.other_timeline import OtherTimeline
from emolive.ui.controls import label, push_button
from emolive.ui.layouts import hbox
from emolive.wording import percent


class ComparisonBar(QFrame):
    """One line."""

    ended = Signal()

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setObjectName("banner")
        self.setProperty("severity", "info")
        self.text = label("", self, wrap=True)
        hbox(
            (self.text, 1),
            push_button(tr("End comparison"), self, self.ended.emit),
            within=self,
            margins=(14, 5, 6, 5),
        )
        self.hide()

    def show_other(self, old: str, other: OtherTimeline | None) -> None:
        """Say how far the models agree; None hides the bar."""
        self.setVisible(other is not None)
        if other is None:
            return
        text = tr("Above: {old} (stored).  Below: {new}.", old=old, new=other.model)
        parts = [text, *agreement_words(other.comparison), *other.problems]
        self.text.setText("  ".join(parts))


def agreement_words(comparison: Comparison) -> list[str]:
    """How far two timelines agree, in sentences."""
    if comparison.observed is None:
        return [tr("They have no time in common.")]
    words = [tr("Same answer {share} of the time.", share=percent(comparison.observed))]
    if comparison.kappa is not None:
        words.append(tr("Cohen's κ {kappa}.", kappa=decimal(comparison.kappa, 2)))
    if comparison.emotion_agreement is not None:
        words.append(
            tr(
                "Where both name an emotion: {share}.",
                share=percent(comparison.emotion_agreement),
            )
        )
    return words
