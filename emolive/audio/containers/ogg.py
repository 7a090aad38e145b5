"""Ogg: streams of pages, which recorders append to one another ("chained")."""

from __future__ import annotations

from emolive.audio.containers.splice import Link, Part, Reader

_HEADER = 27
_BEGIN, _END = 2, 4
_NO_PACKET_ENDS = 2**64 - 1
_OPUS_RATE = 48_000


class _Stream:
    """What is known about one link while its pages go by."""

    def __init__(self, begin: int, serial: int, first: bytes) -> None:
        self.begin = begin
        self.serial = serial
        self.ended = False
        self.cut = False
        self.granule = 0
        self.in_header = True
        self.rate, self.pre_skip = _rate(first)

    def link(self, end: int) -> Link:
        seconds = max(0, self.granule - self.pre_skip) / self.rate if self.rate else None
        return Link(
            (Part(self.begin, end - self.begin),), seconds, cut=self.cut, unmarked=not self.ended
        )


def links(reader: Reader, begin: int) -> tuple[Link, ...]:
    """The links of an Ogg file that begins at `begin`; bytes between pages are left to it."""
    found: list[Link] = []
    stream: _Stream | None = None
    position = begin
    while len(page := reader.at(position, _HEADER + 255)) >= _HEADER:
        if page[:4] != b"OggS":
            position = _next_page(reader, position + 1)
            continue
        n_segments = page[26]
        length = _HEADER + n_segments + sum(page[_HEADER : _HEADER + n_segments])
        if reader.at(position + length, 4) != b"OggS" and position + length != reader.size:
            # The page is cut or damaged: what follows may begin within it.
            if stream is not None:
                stream.cut = True
            position = _next_page(reader, position + 1)
            continue
        kind, serial = page[5], int.from_bytes(page[14:18], "little")
        granule = int.from_bytes(page[6:14], "little")
        if kind & _BEGIN:
            # Streams that run side by side begin side by side; anything later is another link.
            if stream is not None and not stream.in_header:
                found.append(stream.link(position))
                stream = None
            body = reader.at(position + _HEADER + n_segments, 64)
            if stream is None or not stream.rate:
                start = position if stream is None else stream.begin
                stream = _Stream(start, serial, body)
        elif stream is not None:
            stream.in_header = False
            if serial == stream.serial:
                stream.ended = stream.ended or bool(kind & _END)
                if granule != _NO_PACKET_ENDS:
                    stream.granule = max(stream.granule, granule)
        position += length
    if stream is not None:
        stream.cut = stream.cut or position < reader.size
        found.append(stream.link(reader.size))
    return tuple(found)


def _rate(packet: bytes) -> tuple[int, int]:
    """Granules per second, and how many of them come before the sound; 0 where that is unknown."""
    if packet[:8] == b"OpusHead":
        return _OPUS_RATE, int.from_bytes(packet[10:12], "little")
    if packet[:7] == b"\x01vorbis":
        return int.from_bytes(packet[12:16], "little"), 0
    if packet[:5] == b"\x7fFLAC":
        return int.from_bytes(packet[27:30], "big") >> 4, 0
    return 0, 0


def _next_page(reader: Reader, position: int) -> int:
    """Where the next page begins, at or after `position`."""
    while block := reader.at(position, 1 << 16):
        if (place := block.find(b"OggS")) >= 0:
            return position + place
        position += max(1, len(block) - 3)
        if len(block) < 4:
            break
    return reader.size
