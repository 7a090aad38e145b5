"""FLAC: one stream after the other, each after a header that may not know its length."""

from __future__ import annotations

from emolive.audio.containers.splice import Link, Reader, patched

# The marker, and the head of the block that follows: STREAMINFO, 34 bytes long.
_MARKERS = (b"fLaC\x00\x00\x00\x22", b"fLaC\x80\x00\x00\x22")
_TOTAL = 21  # where the count of samples is: 36 bits, the lower 4 of the first byte


def links(reader: Reader, begin: int) -> tuple[Link, ...]:
    """The streams of a FLAC file that begins at `begin`.

    The count of samples is taken out of each header, for the decoder would stop there.
    """
    begins = reader.find(begin, _MARKERS)
    ends = [*begins[1:], _end(reader)]
    found = []
    for start, end in zip(begins, ends, strict=True):
        head = reader.at(start + 18, 8)
        if len(head) < 8:
            continue
        rate = int.from_bytes(head[:3], "big") >> 4
        total = int.from_bytes(head[3:8], "big") & (2**36 - 1)
        known = total / rate if total and rate else None
        unknown = bytes([head[3] & 0xF0, 0, 0, 0, 0])
        parts = patched(start, end, {start + _TOTAL: unknown})
        found.append(Link(parts, known, promised_s=known))
    return tuple(found)


def _end(reader: Reader) -> int:
    """Where the sound ends: before a tag of the old kind, if there is one."""
    tag = reader.at(reader.size - 128, 3) == b"TAG"
    return reader.size - 128 if tag else reader.size
