"""What is known of taps, on its way: from the front's library to its workers, and back.

Workers of other machines do not see the front's library. Each is sent all profiles whenever they
change, and tells what its calls brought, which the front enters.
"""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from emolive.baseline import ProfileStore, SourceProfile
from emolive.baseline.evidence import Evidence
from emolive.baseline.profile import Source
from emolive.errors import EmoliveError

_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True, eq=False)
class SourceHeard:
    """What one call brought of a source: `minutes` of speech, whether they count or not."""

    source: Source
    session: Evidence
    minutes: float


class CarriedProfiles:
    """The profiles as a worker has them: as the front sent them, with what it heard since.

    In memory alone. Any thread.
    """

    def __init__(
        self, profiles: Sequence[SourceProfile], tell: Callable[[SourceHeard], None]
    ) -> None:
        """`tell` is given what calls bring, to be sent to the front."""
        self._tell = tell
        self._lock = threading.Lock()
        self._known: dict[str, SourceProfile] = {}
        self.know(profiles)

    def know(self, profiles: Sequence[SourceProfile]) -> None:
        """These are all that the front has."""
        with self._lock:
            self._known = {profile.source.id: profile for profile in profiles}

    def profile(self, source: Source) -> SourceProfile:
        """What is known of a source."""
        with self._lock:
            return self._known.get(source.id) or SourceProfile.begun(source)

    def add(self, source: Source, session: Evidence, heard_minutes: float) -> SourceProfile:
        """Enter a session of a source, here at once and at the front by and by."""
        with self._lock:
            known = self._known.get(source.id) or SourceProfile.begun(source)
            found = self._known[source.id] = known.after(session, heard_minutes)
        self._tell(SourceHeard(source, session, heard_minutes))
        return found


class FrontProfiles:
    """The front's profiles, which are in its library."""

    def __init__(self, library: Path) -> None:
        self._store = ProfileStore(library)
        self._stamp: object = None

    def all(self) -> list[SourceProfile]:
        """All of them now."""
        return self._store.profiles()

    def changed(self) -> list[SourceProfile] | None:
        """All of them, if anybody has changed one since the last time; None: nobody has."""
        stamp = []
        for path in self._store.folder.glob("*.json"):
            try:
                stamp.append((path.name, path.stat().st_mtime_ns))
            except OSError:
                continue  # it went meanwhile
        stamp.sort()
        if stamp == self._stamp:
            return None
        self._stamp = stamp
        return self.all()

    def enter(self, heard: Sequence[SourceHeard]) -> None:
        """What calls of a worker brought."""
        for one in heard:
            try:
                self._store.add(one.source, one.session, one.minutes)
            except EmoliveError:
                _log.warning("A call could not be entered into its tap's profile", exc_info=True)
