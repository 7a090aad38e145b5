"""Which container a file is, and the recordings in it, one after the other."""

from __future__ import annotations

from pathlib import Path

from emolive.audio.containers import flac, media, mpeg, ogg, sized
from emolive.audio.containers.splice import Link, Reader, total_seconds

__all__ = ["Link", "find_links", "total_seconds"]

_MPEG_SUFFIXES = {".mp3", ".mp2", ".mp1", ".mpga", ".mpa"}


def find_links(path: Path) -> tuple[Link, ...]:
    """The recordings in a file as they are there; none where the decoder has to find out itself.

    Raises:
        OSError: it cannot be read.
    """
    with path.open("rb") as file:
        reader = Reader(file)
        begin = mpeg.after_id3(reader, 0)
        magic = reader.at(begin, 4)
        if magic == b"fLaC":
            return flac.links(reader, begin)
        if magic == b"OggS":
            return ogg.links(reader, begin)
        found = sized.links(reader, begin) or media.links(reader, begin)
        if not found and (begin or magic[:1] == b"\xff" or path.suffix.lower() in _MPEG_SUFFIXES):
            found = mpeg.links(reader, begin, reader.size)
        return found
