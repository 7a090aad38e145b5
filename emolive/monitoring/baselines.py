"""Which source profile a run is adapted by, and when it gets what the run brought."""

from __future__ import annotations

import logging
import threading
from dataclasses import dataclass, field
from pathlib import Path

from emolive.audio.source import AudioSource
from emolive.baseline import ExpectedMix, Profiles, ProfileStore, SourceBaselines
from emolive.errors import EmoliveError
from emolive.monitoring.sources import CallChoice, SourceChoice, SourceKind
from emolive.session.database import library_folder
from emolive.settings import BaselineSettings

_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class BaselineChoice:
    """That answers are adapted to their source, and how.

    ``group`` keeps profiles of one source apart; ``source`` is what it is called (None: after the
    input, or the folder of a recording). Profiles lie in the ``library`` (None: the usual one), or
    wherever ``profiles`` has them.
    """

    expected: ExpectedMix = field(default_factory=ExpectedMix)
    group: str = ""
    source: str | None = None
    library: Path | None = None
    profiles: Profiles | None = None

    @classmethod
    def of(cls, settings: BaselineSettings, library: Path | None) -> BaselineChoice | None:
        """From what a person has chosen; None: answers stay the model's own."""
        return cls(settings.expected, settings.group, None, library) if settings.on else None


class RunBaselines:
    """The baselines of one run. They are entered into the profiles once it is over."""

    def __init__(
        self, choice: BaselineChoice, what: SourceChoice | CallChoice | AudioSource,
        source: AudioSource,
    ) -> None:  # fmt: skip
        """`what` was described, `source` is what it became."""
        folder = _folder(what)

        def name() -> str:
            return choice.source or (source.name if folder is None else str(folder))

        store = choice.profiles or ProfileStore(library_folder(choice.library))
        self.streams = SourceBaselines(store, name, choice.expected, choice.group)
        self.problem: str | None = None
        self._keeping: threading.Thread | None = None

    def begin_to_keep(self) -> None:
        """The run is over; returns at once, a disk may be slow."""
        if self._keeping is None:
            self._keeping = threading.Thread(target=self._keep, name="emolive baseline")
            self._keeping.start()

    @property
    def kept(self) -> bool:
        """Whether the run is over and everything is kept."""
        return self._keeping is not None and not self._keeping.is_alive()

    def wait(self, timeout: float | None) -> bool:
        """Wait until what is being kept is kept; whether it is."""
        if self._keeping is not None:
            self._keeping.join(timeout)
        return self._keeping is None or self.kept

    def _keep(self) -> None:
        try:
            self.streams.keep()
        except EmoliveError as error:
            self.problem = str(error)
            _log.warning("A run could not be entered into its source's profile", exc_info=True)


def run_baselines(
    choice: BaselineChoice | None,
    what: SourceChoice | CallChoice | AudioSource,
    source: AudioSource,
) -> RunBaselines | None:
    """The baselines of a run; None: its answers stay the model's own, as the demo's always do."""
    demo = isinstance(what, SourceChoice) and what.kind is SourceKind.DEMO
    return None if choice is None or demo else RunBaselines(choice, what, source)


def _folder(what: SourceChoice | CallChoice | AudioSource) -> Path | None:
    """Where a recording lies: those of one folder are one source. None: it is no recording."""
    if isinstance(what, SourceChoice):
        return None if what.path is None else what.path.absolute().parent
    if isinstance(what, CallChoice):
        return what.files[0].absolute().parent if what.files else None
    return getattr(what, "folder", None)
