"""How the engine is doing, in a word; its figures are in a pop-up under it."""

from __future__ import annotations

from PySide6.QtCore import Qt
from PySide6.QtGui import QFontMetrics
from PySide6.QtWidgets import QFrame, QPushButton, QSizePolicy, QWidget

from emolive.i18n import decimal, tr
from emolive.times import duration_text
from emolive.types import EngineStatus
from emolive.ui.controls import flagged, label, open_under
from emolive.ui.layouts import vbox
from emolive.ui.theme import font


class Stat(QWidget):
    """A small value under its name; a count that is not zero stands out."""

    def __init__(
        self, name: str, help_text: str, parent: QWidget | None = None, *, widest: str = ""
    ) -> None:
        """`widest`: what there is always room for, so that nothing beside it moves."""
        super().__init__(parent)
        self._name = name
        caption = label(name, self, "caption")
        self.value = label("–", self, "value")
        self.value.setFont(font(13, bold=True))
        self.value.setMinimumWidth(QFontMetrics(self.value.font()).horizontalAdvance(widest))
        vbox(caption, (self.value, 0, Qt.AlignmentFlag.AlignLeft), within=self, gap=1)
        self.setToolTip(help_text)
        self.setAccessibleName(name)
        self.setSizePolicy(QSizePolicy.Policy.Minimum, QSizePolicy.Policy.Fixed)

    def show_value(self, text: str, *, alert: bool = False) -> None:
        """Show `text`, as an alert or not."""
        if self.value.text() != text:
            self.value.setText(text)
            self.setAccessibleDescription(f"{self._name} {text}")
        if flagged(self.value, "alert", alert):
            # Here and not in the style sheet, whose padding a label does not reckon with.
            self.value.setContentsMargins(*((6, 0, 6, 0) if alert else (0, 0, 0, 0)))


class EngineDetails(QFrame):
    """The figures, for who wants to know: which model runs where, how fast, and what was lost."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent, Qt.WindowType.Popup)
        self.setObjectName("popup")
        self.setMinimumWidth(240)
        self.provider = Stat(
            tr("Processor"), tr("The processor that runs the network, as it reports"), self
        )
        about = tr("From the end of a window to its answer (without the window itself)")
        self.latency = Stat(tr("Latency"), about, self, widest="999 ms")
        about = tr("Blocks of audio lost before they were analysed")
        self.overflows = Stat(tr("Lost"), about, self)
        about = tr("Sound that never came, as while a device is away; of several streams the most")
        self.missing = Stat(tr("Sound missing"), about, self)
        about = tr("Windows jumped over to keep up with the present")
        self.skipped = Stat(tr("Skipped"), about, self)
        about = tr("Events that the window was too slow to show")
        self.dropped = Stat(tr("Dropped"), about, self)
        self._stats = (
            self.provider, self.latency, self.overflows, self.missing, self.skipped, self.dropped,
        )  # fmt: skip
        self.about = label("", self, "caption", wrap=True)
        vbox(*self._stats, self.about, within=self, margins=(16, 12, 16, 14), gap=8)

    def show_status(self, status: EngineStatus | None, rate: int) -> None:
        """Show these figures; `rate` is that of samples."""
        if status is None:
            for stat in self._stats:
                stat.show_value("–")
            self.about.setText("")
            return
        self.provider.show_value(status.provider or "–")
        about = status.provider
        if status.model:
            about = tr("{model} on {provider}", model=status.model, provider=status.provider)
        note = status.provider_note
        text = f"{about}. {note}" if note else about
        self.provider.setToolTip(text)
        if text != self.about.text():
            self.about.setText(text)
        self.latency.show_value(f"{decimal(status.latency_ms, 0)} ms" if status.latency_ms else "–")
        for stat, count in (
            (self.overflows, status.overflows),
            (self.skipped, status.windows_skipped),
            (self.dropped, status.events_dropped),
        ):
            stat.show_value(decimal(count, 0), alert=count > 0)
        lost = status.samples_lost
        self.missing.show_value(duration_text(lost / rate), alert=lost > 0)


class HealthButton(QPushButton):
    """All is well, or what is not, in a word; a click opens the figures."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setProperty("segment", True)
        self.setFocusPolicy(Qt.FocusPolicy.TabFocus)
        self.details = EngineDetails(self)
        self.clicked.connect(lambda: open_under(self.details, self))
        self.setToolTip(tr("How the analysis is doing: show its figures"))
        self.setAccessibleName(tr("How the analysis is doing"))
        # Nothing beside it moves when the word changes.
        words = (tr("On time"), tr("Keeping up"), tr("Sound lost"), tr("Not running"))
        metrics = QFontMetrics(font(12, bold=True))
        self.setMinimumWidth(max(metrics.horizontalAdvance(word) for word in words) + 26)
        self.show_status(None)

    def show_status(self, status: EngineStatus | None, rate: int = 1) -> None:
        """Put it into a word; every loss stays visible. `rate` is that of samples."""
        self.details.show_status(status, rate)
        word, trouble = tr("Not running"), False
        if status is not None and not status.state.at_rest:
            word = tr("On time")
            if status.overflows or status.samples_lost:
                word, trouble = tr("Sound lost"), True
            elif status.windows_skipped or status.events_dropped:
                word, trouble = tr("Keeping up"), True
        if word != self.text():
            self.setText(word)
            self.setAccessibleDescription(word)
        flagged(self, "alert", trouble)
