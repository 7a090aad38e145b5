"""A session that was made of a call, and the tags that came to it from there."""

from __future__ import annotations

from collections.abc import Sequence

from emolive.errors import SessionError
from emolive.session.library import Library
from emolive.session.records import SessionInfo


class CallSession:
    """Takes over what the call is tagged with; other tags of the session are nobody's here."""

    def __init__(self, library: Library, session: SessionInfo) -> None:
        """`session` as it was made: with the tags that the call had by then."""
        self.library = library
        self.id = session.id
        self._tags = session.tags

    def take(self, tags: Sequence[str]) -> bool:
        """Store these tags of the call, and no others of it; whether that was any change. Blocks.

        A session that is deleted takes none.

        Raises:
            SessionError: they cannot be stored: all or some are still lacking.
        """
        new = [tag for tag in tags if tag not in self._tags]
        old = [tag for tag in self._tags if tag not in tags]
        try:
            for tag in new:
                self.library.add_tag(self.id, tag)
            for tag in old:
                self.library.remove_tag(self.id, tag)
        except SessionError:
            if any(one.id == self.id for one in self.library.sessions()):
                raise
            return False
        self._tags = tuple(tags)
        return bool(new or old)
