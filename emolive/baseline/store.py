"""Profiles on the disk: one small private file each."""

from __future__ import annotations

import logging
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from filelock import FileLock, Timeout
from pydantic import ValidationError

from emolive.baseline.evidence import Evidence
from emolive.baseline.profile import Source, SourceProfile
from emolive.errors import EmoliveError
from emolive.i18n import tr
from emolive.private_files import close_to_others, make_private_folder, owner_only

_log = logging.getLogger(__name__)

FOLDER = "baselines"
_MOST_BYTES = 1_000_000
_WAIT_S = 5.0


class ProfileStore:
    """The profiles in one folder. Several programs and threads may use it at once."""

    def __init__(self, library: Path) -> None:
        """Of the library in this folder; nothing is made before there is something to keep."""
        self.folder = library / FOLDER

    def profile(self, source: Source) -> SourceProfile:
        """What is known of a source; one that cannot be read is begun anew."""
        return self._read(self._path(source.id)) or SourceProfile.begun(source)

    def profiles(self) -> list[SourceProfile]:
        """All that can be read, the source heard last first."""
        paths = sorted(self.folder.glob("*.json")) if self.folder.is_dir() else []
        found = [profile for path in paths if (profile := self._read(path)) is not None]
        return sorted(found, key=lambda one: one.updated_at, reverse=True)

    def count(self) -> int:
        """How many there are, without reading them."""
        return sum(1 for _ in self.folder.glob("*.json")) if self.folder.is_dir() else 0

    def find(self, profile_id: str) -> SourceProfile:
        """The profile whose id begins so.

        Raises:
            EmoliveError: there is none, or more than one.
        """
        found = [one for one in self.profiles() if one.source.id.startswith(profile_id)]
        if len(found) != 1:
            what = (
                tr("No source profile has") if not found else tr("More than one source profile has")
            )
            raise EmoliveError(
                "{what} the id {profile_id}: `emolive baseline list` shows them all.",
                what=what,
                profile_id=repr(profile_id),
            )
        return found[0]

    def add(self, source: Source, session: Evidence, heard_minutes: float) -> SourceProfile:
        """Enter a session of a source, beside what others enter meanwhile.

        Raises:
            EmoliveError: it cannot be written.
        """
        with self._locked():
            profile = self.profile(source).after(session, heard_minutes)
            path = self._path(source.id)
            if profile.sessions == 1 and path.exists():  # it could not be read
                os.replace(path, path.with_suffix(".broken"))
            partial = path.with_name(f"{path.name}.{os.getpid()}.partial")
            with open(partial, "w", encoding="utf-8", opener=owner_only) as file:
                file.write(profile.model_dump_json() + "\n")
            os.replace(partial, path)
        return profile

    def forget(self, profile_id: str | None = None) -> int:
        """Remove one profile, or all; how many there were.

        Raises:
            EmoliveError: there is no such profile, or it cannot be removed.
        """
        if profile_id is None and not self.folder.is_dir():
            return 0
        own = None if profile_id is None else self._path(self.find(profile_id).source.id)
        with self._locked():
            paths = [own] if own is not None else [*self.folder.glob("*.json")]
            for path in paths:
                path.unlink(missing_ok=True)
                path.with_suffix(".broken").unlink(missing_ok=True)
        return len(paths)

    def _path(self, source_id: str) -> Path:
        return self.folder / f"{source_id}.json"

    def _read(self, path: Path) -> SourceProfile | None:
        try:
            with path.open("rb") as file:
                return SourceProfile.model_validate_json(file.read(_MOST_BYTES + 1))
        except FileNotFoundError:
            return None
        except (OSError, ValidationError):
            _log.warning("A source profile cannot be read and is begun anew", exc_info=True)
            return None

    @contextmanager
    def _locked(self) -> Iterator[None]:
        try:
            for folder in (self.folder.parent, self.folder):
                make_private_folder(folder, exist_ok=True)
            close_to_others(self.folder)
            with FileLock(self.folder / "lock", timeout=_WAIT_S, mode=0o600):
                yield
        except (OSError, Timeout) as error:
            reason = getattr(error, "strerror", None) or tr("another program holds them")
            raise EmoliveError(
                "The source profiles in {folder} cannot be changed ({reason}): allow it, "
                "or use `--baseline off`.",
                folder=self.folder,
                reason=reason,
            ) from error
