"""What FFmpeg's libraries decode, of which they read the first recording in a file alone."""

from __future__ import annotations

from emolive.audio.containers.splice import Link, Part, Reader

_TTA = (b"TTA1\x01\x00", b"TTA1\x02\x00")
_BOXES = 1 << 20
_EBML, _SEGMENT = b"\x1a\x45\xdf\xa3", b"\x18\x53\x80\x67"


def links(reader: Reader, begin: int) -> tuple[Link, ...]:
    """The MP4, QuickTime, Matroska, WebM or True Audio files one after the other; or none."""
    if reader.at(begin + 4, 4) == b"ftyp":
        begins = _files_of_boxes(reader, begin)
    elif reader.at(begin, 6) in _TTA:
        begins = reader.find(begin, _TTA)
    elif reader.at(begin, 4) == _EBML:
        begins = [at for at in reader.find(begin, [_EBML]) if at == begin or _is_ebml(reader, at)]
    else:
        return ()
    ends = [*begins[1:], reader.size]
    return tuple(Link((Part(start, end - start),)) for start, end in zip(begins, ends, strict=True))


def _files_of_boxes(reader: Reader, begin: int) -> list[int]:
    """Where each begins: with a box that names its type, behind sound and the index of it."""
    found, seen, position = [begin], set[bytes](), begin
    for _ in range(_BOXES):
        kind = reader.at(position + 4, 4)
        if kind == b"ftyp" and {b"moov", b"mdat"} <= seen:
            found.append(position)
            seen.clear()
        seen.add(kind)
        size = reader.number(position, 4, "big")
        if size == 1:
            size = reader.number(position + 8, 8, "big")
        if size < 8:  # 0: to the end of the file
            break
        position += size
    return found


def _is_ebml(reader: Reader, begin: int) -> bool:
    """Whether a Matroska header stands here, and not these four bytes by chance."""
    head = reader.at(begin + 4, 8)
    if not head or not head[0]:
        return False
    n_bytes = 9 - head[0].bit_length()
    size = int.from_bytes(head[:n_bytes], "big") & (1 << 7 * n_bytes) - 1
    return reader.at(begin + 4 + n_bytes + size, 4) == _SEGMENT
