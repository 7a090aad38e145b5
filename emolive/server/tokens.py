"""Who may do what: tokens that are kept as hashes, have scopes, and can be revoked at once."""

from __future__ import annotations

import hashlib
import json
import os
import secrets
from dataclasses import dataclass
from datetime import UTC, datetime
from enum import StrEnum
from pathlib import Path

from filelock import FileLock, Timeout
from pydantic import BaseModel, Field, ValidationError

from emolive.errors import EmoliveError
from emolive.private_files import close_to_others, make_private_folder, owner_only

TOKENS_FILE = "server-tokens.json"
# Letters of a token that others may try: those made here have 51.
SHORTEST_PUBLIC = 16
_PREFIX = "emolive_"
_LOCK_WITHIN_S = 10.0


class Scope(StrEnum):
    """What a token permits; ADMIN permits everything."""

    INGEST = "ingest"
    WATCH = "watch"
    ADMIN = "admin"


@dataclass(frozen=True, slots=True)
class Grant:
    """Who somebody is, and what they may; `id` tells a stored token apart, "" is none."""

    name: str
    scopes: frozenset[Scope]
    id: str = ""

    def permits(self, scope: Scope) -> bool:
        """Whether it permits this."""
        return scope in self.scopes or Scope.ADMIN in self.scopes


class StoredToken(BaseModel, frozen=True, extra="forbid"):
    """A token as the file has it: its SHA-256 and nothing that it could be made of."""

    id: str
    name: str = Field(min_length=1, max_length=100)
    scopes: frozenset[Scope]
    sha256: str
    created_at: datetime

    @property
    def grant(self) -> Grant:
        """What it permits."""
        return Grant(self.name, self.scopes, self.id)


class _File(BaseModel, extra="forbid"):
    tokens: list[StoredToken] = []


def hashed(token: str) -> str:
    """SHA-256. The tokens made here are random, so that none can be guessed from it."""
    return hashlib.sha256(token.encode(errors="surrogatepass")).hexdigest()


class TokenFile:
    """The tokens of a library, in a file for its owner's eyes only; several processes may use it.

    Every method raises `EmoliveError` when the file cannot be used.
    """

    def __init__(self, folder: Path) -> None:
        self.path = folder / TOKENS_FILE

    def add(self, name: str, scopes: frozenset[Scope]) -> str:
        """Make a token; it is told here and never again.

        Raises:
            EmoliveError: there is one of this name already, too.
        """
        token = _PREFIX + secrets.token_urlsafe(32)
        with self._locked():
            tokens = self.tokens()
            if any(one.name == name for one in tokens):
                raise EmoliveError(
                    "There is a token {name} already: revoke it, or use another.", name=repr(name)
                )
            try:
                new = StoredToken(
                    id=secrets.token_hex(4),
                    name=name,
                    scopes=scopes,
                    sha256=hashed(token),
                    created_at=datetime.now(UTC),
                )
            except ValidationError as error:
                raise EmoliveError("A token's name has 1 to 100 letters.") from error
            self._write([*tokens, new])
        return token

    def revoke(self, name: str) -> StoredToken:
        """Take back the token with this name or id.

        Raises:
            EmoliveError: there is none, too.
        """
        with self._locked():
            tokens = self.tokens()
            found = [one for one in tokens if name in (one.name, one.id)]
            if not found:
                raise EmoliveError(
                    "There is no token {name}: see `emolive serve token list`.",
                    name=repr(name[:100]),
                )
            self._write([one for one in tokens if one not in found])
        return found[0]

    def tokens(self) -> list[StoredToken]:
        """All of them, in the order in which they were made."""
        try:
            text = self.path.read_text("utf-8")
        except FileNotFoundError:
            return []
        except OSError as error:
            raise EmoliveError(
                "{path} cannot be read ({reason}): check its permissions.",
                path=self.path,
                reason=error.strerror or error,
            ) from error
        try:
            return _File.model_validate_json(text).tokens
        except ValidationError as error:
            raise EmoliveError(
                "{path} is damaged: delete it, and make the tokens anew with "
                "`emolive serve token add`.",
                path=self.path,
            ) from error

    def _locked(self) -> FileLock:
        try:
            make_private_folder(self.path.parent, exist_ok=True)
            lock = FileLock(f"{self.path}.lock", timeout=_LOCK_WITHIN_S)
            lock.acquire()
        except (OSError, Timeout) as error:
            raise EmoliveError(
                "{parent} cannot be written: choose another folder with --library DIR.",
                parent=self.path.parent,
            ) from error
        return lock

    def _write(self, tokens: list[StoredToken]) -> None:
        partial = self.path.with_suffix(".partial")
        content = _File(tokens=tokens).model_dump(mode="json")
        try:
            with open(partial, "w", encoding="utf-8", opener=owner_only) as file:
                json.dump(content, file, indent=1)
                file.flush()
                os.fsync(file.fileno())
            close_to_others(partial)
            partial.replace(self.path)
        except OSError as error:
            raise EmoliveError(
                "{path} cannot be written ({reason}): free some space, or choose "
                "another folder with --library DIR.",
                path=self.path,
                reason=error.strerror or error,
            ) from error


class Tokens:
    """The tokens that hold right now: those of the file, read again when it changes, and one more.

    The one that a command line gives has all scopes and lives in memory only.
    """

    def __init__(self, file: TokenFile, given: str | None = None) -> None:
        """`given`: a token of the command line.

        Raises:
            EmoliveError: the file cannot be used.
        """
        self._file = file
        self._given = None if given is None else hashed(given)
        self._stamp: tuple[int, int] | None = None
        self._grants: dict[str, Grant] = {}
        self._refresh()

    def grant(self, token: str) -> Grant | None:
        """What this token permits; None: it is none."""
        # By its hash, so that no comparison tells how much of a token was right.
        digest = hashed(token)
        if digest == self._given:
            return Grant("command line", frozenset({Scope.ADMIN}))
        self._refresh()
        return self._grants.get(digest)

    def holds(self, grant: Grant) -> bool:
        """Whether a grant that was given before was not revoked since."""
        if not grant.id:
            return True
        self._refresh()
        return any(one.id == grant.id for one in self._grants.values())

    def _refresh(self) -> None:
        try:
            found = self._file.path.stat()
            stamp = found.st_mtime_ns, found.st_ino
        except OSError:
            stamp = (0, 0)
        if stamp != self._stamp:
            self._stamp = stamp
            try:
                self._grants = {one.sha256: one.grant for one in self._file.tokens()}
            except EmoliveError:
                self._grants = {}  # a file that nobody can read lets nobody in
                if self._stamp is None:
                    raise
