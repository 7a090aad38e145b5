"""What is to be analysed: a table of a million files fits, a million objects hardly would."""

from __future__ import annotations

import logging
import os
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from hashlib import blake2b
from pathlib import Path, PurePath, PurePosixPath
from typing import Any, overload

import pyarrow as pa

from emolive.addresses import is_address, opened, reason
from emolive.archive.inputs import AudioInput, Sieve, find_files, nothing_found, stamp
from emolive.errors import EmoliveError
from emolive.i18n import tr
from emolive.plain_text import valid_text

_log = logging.getLogger(__name__)

# `place` is a path as the system spells it, or an address; `version` changes when the file does.
SCHEMA = pa.schema(
    [
        ("place", pa.binary()),
        ("address", pa.bool_()),
        ("size", pa.int64()),
        ("version", pa.string()),
    ]
)
# By which file systems tell that a file is another one than before, the surest first.
_VERSIONS = ("ETag", "etag", "version", "mtime", "LastModified", "last_modified", "updated")


@dataclass(frozen=True, slots=True)
class Listed:
    """One file of a listing."""

    place: bytes
    address: bool
    size: int
    version: str

    @property
    def file(self) -> str:
        """Its path or address as valid text, as it stands in results."""
        return self.place.decode() if self.address else valid_text(os.fsdecode(self.place))

    @property
    def item(self) -> AudioInput:
        """The file as the archive's own parts know it; its result has no name of its own."""
        path = Path(os.fsdecode(self.place))
        return AudioInput(path, PurePath(), self.size, address=self.file if self.address else "")

    def digest(self, fingerprint: str) -> bytes:
        """Names the file as it is now together with the settings that it is analysed with."""
        told = f"{self.file}\0{self.size}\0{self.version}\0{fingerprint}"
        return blake2b(told.encode(), digest_size=16).digest()


class Listing(Sequence[AudioInput]):
    """Files in order, each once."""

    def __init__(self, table: pa.Table) -> None:
        """A table of `SCHEMA`."""
        self.table = table

    def __len__(self) -> int:
        return int(self.table.num_rows)

    @overload
    def __getitem__(self, index: int) -> AudioInput: ...
    @overload
    def __getitem__(self, index: slice) -> Listing: ...
    def __getitem__(self, index: int | slice) -> AudioInput | Listing:
        if isinstance(index, slice):
            start, stop, step = index.indices(len(self))
            return self.without(set(range(len(self))) - set(range(start, stop, step)))
        return next(rows(self.table.slice(range(len(self))[index], 1))).item

    def __iter__(self) -> Iterator[AudioInput]:
        return (row.item for row in rows(self.table))

    def without(self, indices: set[int]) -> Listing:
        """The others."""
        if not indices:
            return self
        return Listing(self.table.take([i for i in range(len(self)) if i not in indices]))


@dataclass(frozen=True, slots=True)
class Found:
    """A listing, and what is to be said about it, as in `FoundInputs`."""

    listing: Listing
    problems: tuple[str, ...]
    left_out: tuple[str, ...]


def rows(table: pa.Table) -> Iterator[Listed]:
    """The files of a listing's table, a few thousand at a time in memory."""
    for batch in table.to_batches(max_chunksize=4096):
        for row in batch.to_pylist():
            yield Listed(**row)


def find(places: Sequence[str]) -> Found:
    """Look for audio in folders, below addresses, or at exactly these places.

    Raises:
        EmoliveError: an address of a kind that is not known.
    """
    local = find_files([Path(place) for place in places if not is_address(place)])
    problems, left_out = list(local.problems), list(local.left_out)
    tables = [_table(_local(file) for file, _ in local.files)]
    for address in dict.fromkeys(place for place in places if is_address(place)):
        sieve = Sieve()
        try:
            table = _table(_remote(address, sieve))
        except EmoliveError:
            raise
        except Exception as error:
            _log.warning("An address cannot be searched", exc_info=True)
            problems.append(
                tr(
                    "{address} cannot be searched ({reason}).",
                    address=address,
                    reason=reason(error),
                )
            )
            continue
        if not table.num_rows:
            problems.append(nothing_found(address))
        tables.append(table)
        left_out += sieve.left_out(address)
    table = pa.concat_tables(tables)
    if len(tables) > 2:
        table = _unique(table)
    return Found(Listing(table), tuple(problems), tuple(left_out))


def _local(file: Path) -> Listed:
    size, modified = stamp(file)
    return Listed(os.fsencode(os.path.abspath(file)), False, size, str(modified))


def _remote(address: str, sieve: Sieve) -> Iterator[Listed]:
    system, path = opened(address)
    # A chain names the file system that it leads into first, and that one's own place last.
    _, chained, rest = address.partition("::")
    found: dict[str, dict[str, Any]] = system.find(path, detail=True)
    for name in sorted(found):
        about = found[name]
        below = PurePosixPath(name.removeprefix(path).lstrip("/") or PurePosixPath(name).name)
        if any(part.startswith(".") for part in below.parts[:-1]):
            sieve.hide(1)
        elif name == path or sieve.takes(below.name):
            whole = address if name == path else system.unstrip_protocol(name) + chained + rest
            version = next((str(about[key]) for key in _VERSIONS if about.get(key)), "")
            yield Listed(valid_text(whole).encode(), True, int(about.get("size") or 0), version)


def _table(found: Iterable[Listed]) -> pa.Table:
    batches = []
    columns: list[list[Any]] = [[], [], [], []]
    for row in found:
        for column, value in zip(
            columns, (row.place, row.address, row.size, row.version), strict=True
        ):
            column.append(value)
        if len(columns[0]) == 4096:
            batches.append(pa.record_batch([*map(pa.array, columns)], schema=SCHEMA))
            columns = [[], [], [], []]
    if columns[0]:
        batches.append(pa.record_batch([*map(pa.array, columns)], schema=SCHEMA))
    return pa.Table.from_batches(batches, SCHEMA)


def _unique(table: pa.Table) -> pa.Table:
    seen: set[bytes] = set()
    kept = []
    for index, row in enumerate(rows(table)):
        if row.place not in seen:
            seen.add(row.place)
            kept.append(index)
    return table if len(kept) == table.num_rows else table.take(kept)


def in_blocks(listing: Listing, most_files: int, most_bytes: int) -> Iterator[pa.Table]:
    """The listing cut into runs of files: a worker's portions, each one part of the results."""
    sizes = listing.table.column("size").to_pylist()
    start = size = 0
    for index, more in enumerate(sizes):
        if index > start and (index - start >= most_files or size + more > most_bytes):
            yield listing.table.slice(start, index - start)
            start, size = index, 0
        size += more
    if sizes:
        yield listing.table.slice(start)


def as_local(row: Listed, path: Path, number: int) -> AudioInput:
    """The file on a worker; `path` is where it lies there, `number` names its result."""
    return replace(row.item, path=path, result=PurePath(str(number)))
