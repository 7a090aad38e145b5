"""A view of a file: some of its bytes, with others between them."""

from __future__ import annotations

import io
import os
from bisect import bisect_right
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import accumulate
from pathlib import Path
from typing import BinaryIO, Literal

ByteOrder = Literal["little", "big"]
# What pads a file is not longer than this.
_PADDING = 1 << 16
_BLOCK = 1 << 20


@dataclass(frozen=True, slots=True)
class Part:
    """`length` bytes of the file from `offset` on, or `literal` bytes in their place."""

    offset: int
    length: int
    literal: bytes | None = None


def literal(content: bytes) -> Part:
    """Bytes that are not in the file."""
    return Part(0, len(content), content)


def patched(begin: int, end: int, changes: Mapping[int, bytes]) -> tuple[Part, ...]:
    """The file from `begin` to `end`, with other bytes at some offsets."""
    parts = []
    for offset, content in sorted(changes.items()):
        parts += [Part(begin, offset - begin), literal(content)]
        begin = offset + len(content)
    return (*parts, Part(begin, end - begin))


class Reader:
    """Random access to a file that never raises on a short read: what is not there is missing."""

    def __init__(self, file: BinaryIO) -> None:
        """Look into an open file."""
        self._file = file
        self.size = os.fstat(file.fileno()).st_size

    def at(self, offset: int, n: int) -> bytes:
        """Up to `n` bytes from `offset` on."""
        if not 0 <= offset < self.size:
            return b""
        self._file.seek(offset)
        return self._file.read(n)

    def number(self, offset: int, n: int, order: ByteOrder) -> int:
        """The unsigned integer of `n` bytes at `offset`; 0 where the file is too short for it."""
        found = self.at(offset, n)
        return int.from_bytes(found, order) if len(found) == n else 0

    def find(self, begin: int, markers: Sequence[bytes]) -> list[int]:
        """Where any of `markers` stands from `begin` on; one stands there."""
        found, position = [begin], begin + len(markers[0])
        while block := self.at(position, _BLOCK + len(markers[0]) - 1):
            for marker in markers:
                place = block.find(marker)
                while 0 <= place < _BLOCK:
                    found.append(position + place)
                    place = block.find(marker, place + len(marker))
            position += _BLOCK
        return sorted(found)

    def empty(self, begin: int, end: int) -> bool:
        """Whether nothing but zeros, and few of them, lies between: what pads a file."""
        return end - begin <= _PADDING and not any(self.at(begin, end - begin))


class Spliced(io.RawIOBase):
    """A file to read that consists of `parts` of the one at `path`.

    Never raises while it is read, because it is read from within C: `failure` keeps the reason.
    `furthest` is how far reading went.
    """

    def __init__(self, path: Path, parts: Sequence[Part]) -> None:
        """Open it.

        Raises:
            OSError: it cannot be opened.
        """
        self._parts = [part for part in parts if part.length > 0]
        self._ends = list(accumulate(part.length for part in self._parts))
        self._position = 0
        self.size = self._ends[-1] if self._ends else 0
        self.furthest = 0
        self.failure: OSError | None = None
        self._file = path.open("rb")

    def readable(self) -> bool:
        """It is."""
        return True

    def seekable(self) -> bool:
        """It is."""
        return True

    def seek(self, offset: int, whence: int = os.SEEK_SET, /) -> int:
        """As of any file."""
        base = {os.SEEK_SET: 0, os.SEEK_CUR: self._position, os.SEEK_END: self.size}[whence]
        self._position = max(0, base + offset)
        return self._position

    def tell(self) -> int:
        """Where it is read next."""
        return self._position

    def readinto(self, buffer: memoryview, /) -> int:  # type: ignore[override]
        """Fill `buffer`; return how many bytes came."""
        wanted = memoryview(buffer).cast("B")
        done = 0
        try:
            while done < len(wanted) and self._position < self.size:
                index = bisect_right(self._ends, self._position)
                part = self._parts[index]
                within = self._position - (self._ends[index] - part.length)
                n = min(len(wanted) - done, part.length - within)
                if part.literal is not None:
                    wanted[done : done + n] = part.literal[within : within + n]
                else:
                    self._file.seek(part.offset + within)
                    n = self._file.readinto(wanted[done : done + n])
                    if not n:
                        break
                done += n
                self._position += n
        except OSError as error:
            self.failure = error
        self.furthest = max(self.furthest, self._position)
        return done

    def close(self) -> None:
        """Release the file."""
        self._file.close()
        super().close()


@dataclass(frozen=True, slots=True)
class Link:
    """A recording, most files hold one, and what its header says about its length.

    `parts` make a file of it that can be decoded, `seconds` is its length where that is known.
    The header promises `promised_s` seconds, or `promised_share` times what is there; both None
    where it promises nothing. `cut` tells that it ends in the middle of something, `unmarked` that
    the mark for its end is missing; `skipped` counts bytes in it that belong to no sound, `unread`
    those of sound behind it that no header tells of.
    """

    parts: tuple[Part, ...]
    seconds: float | None = None
    promised_s: float | None = None
    promised_share: float | None = None
    cut: bool = False
    unmarked: bool = False
    skipped: int = 0
    unread: int = 0


def total_seconds(links: Sequence[Link]) -> float | None:
    """How long they are together; None unless all of them are known."""
    known = [link.seconds for link in links if link.seconds is not None]
    return sum(known) if known and len(known) == len(links) else None
