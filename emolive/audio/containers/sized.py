"""Containers that say in front how many bytes of sound follow: WAV, RF64, W64, AIFF, AU, CAF ...

Recorders write that size last, and not at all when they are killed; 32 bits of it count to 4 GiB
only, and then from 0 again. So the size counts only if the file goes on behind it as it should.
"""

from __future__ import annotations

import math
import re
import struct
from collections.abc import Callable
from dataclasses import dataclass, replace

from emolive.audio.containers import mpeg
from emolive.audio.containers.splice import ByteOrder, Link, Part, Reader, literal, patched

_LONGEST = 2**32 - 1
# From here on, a size that is larger than the file is what programs write that do not know it.
_UNKNOWN = 0x7FFF0000
_CHUNKS = 4096
_MPEG_FORMATS = (0x50, 0x55)
_W64_TAIL = bytes.fromhex("f3acd3118cd100c04f8edb8a")
_W64_RIFF = bytes.fromhex("726966662e91cf11a5d628db04c10000")
# Chunks that stand behind the sound; if they are cut, the sound is not.
_BEHIND = {b"LIST", b"id3 ", b"ID3 ", b"bext", b"iXML", b"cue ", b"smpl", b"JUNK", b"_PMX", b"ANNO"}
_SOUND = {b"data", b"SSND", b"BODY"}
# AIFF: bytes a sample takes, of the kinds that take the same for each.
_AIFC_PLAIN = {
    b"ulaw": 1, b"ULAW": 1, b"alaw": 1, b"ALAW": 1, b"raw ": 1, b"sowt": 0, b"twos": 0, b"NONE": 0,
    b"fl32": 4, b"FL32": 4, b"fl64": 8, b"FL64": 8, b"in24": 3, b"in32": 4, b"23ni": 4, b"42n1": 3,
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class _Count:
    """A number in a header that counts bytes of sound, and `more` of them, in steps of `unit`."""

    at: int
    width: int
    order: ByteOrder
    more: int = 0
    unit: int = 1

    def of(self, size: int) -> bytes:
        """What has to stand there for `size` bytes of sound, as far as it can."""
        number = min((size + self.more) // self.unit, (1 << 8 * self.width) - 1)
        return number.to_bytes(self.width, self.order)


@dataclass(frozen=True, slots=True)
class _Sound:
    """Where the sound begins and how much of it the header tells of (None: it does not know).

    `counts` are what a header says of `size` bytes of sound; `mend` makes a file of them where that
    takes more. `wraps` tells that its size counts from 0 again at 4 GiB, `longest` what the header
    can tell of at most, `until` where what belongs to the sound ends at the earliest. In a packed
    one, a byte less may be a packet less.
    """

    begin: int
    declared: int | None
    counts: tuple[_Count, ...] = ()
    wraps: bool = False
    mend: Callable[[int], tuple[Part, ...]] | None = None
    longest: int | None = None
    until: int = 0
    is_mpeg: bool = False
    is_packed: bool = False

    def file(self, begin: int, size: int) -> tuple[Part, ...]:
        """The file from `begin` on with a header that tells of `size` bytes of sound."""
        if self.mend is not None:
            return self.mend(size)
        if self.longest is not None:
            size = max(0, min(size, self.longest))
        changes = {count.at: count.of(size) for count in self.counts}
        return patched(begin, max(self.begin + size, self.until), changes)


def links(reader: Reader, begin: int) -> tuple[Link, ...]:
    """The recordings from `begin` on, one after the other; none in any other container."""
    found: list[Link] = []
    while (container := _container(reader, begin)) is not None:
        sound = container.parse(reader, begin)
        if sound is None:
            break
        declared = _declared(reader, sound, container)
        size, follows, unread = _size(reader, sound, declared, container)
        end = sound.begin + size
        missing = max(0, (declared or 0) - size)
        if sound.is_mpeg:
            found += mpeg.links(reader, sound.begin, end)
            if missing and found:
                found[-1] = replace(found[-1], cut=True)
        else:
            share = declared / size if declared and size else None
            # What is missing is no more than its header: somebody counted that in.
            if 0 < missing <= sound.begin - begin:
                share = 1.0
            cut = sound.is_packed and missing > 0
            parts = sound.file(begin, size)
            found.append(Link(parts, promised_share=share, cut=cut, unread=unread))
        if follows is None:
            break
        begin = follows
    return tuple(found)


@dataclass(frozen=True, slots=True)
class _Container:
    """A kind of file: how its header is read, and whether a chunk of it may begin with some bytes.

    `chunk` gives the length of the chunk at an offset with everything around it, 0 for none.
    """

    parse: Callable[[Reader, int], _Sound | None]
    chunk: Callable[[Reader, int], int] = lambda *_: 0
    align: int = 1


def _container(reader: Reader, begin: int) -> _Container | None:
    head = reader.at(begin, 40)
    if head[:4] in (b"RIFF", b"RIFX", b"RF64", b"BW64") and head[8:12] == b"WAVE":
        return _Container(_riff, _riff_chunk(head[:4] == b"RIFX"), 2)
    if head[:4] == b"FORM" and head[8:12] in (b"AIFF", b"AIFC"):
        return _Container(_aiff, _riff_chunk(True), 2)
    if head[:4] == b"FORM" and head[8:12] in (b"8SVX", b"16SV"):
        return _Container(_svx, _riff_chunk(True), 2)
    if head[:16] == _W64_RIFF and head[24:28] == b"wave":
        return _Container(_w64, _w64_chunk, 8)
    if head[:4] == b"caff":
        return _Container(_caf, _caf_chunk)
    if head[:2] == b"\x01\x04" and head[21:22] in (b"\0", b"\1"):
        return _Container(_mpc)
    if head[20:31] == b"samplerate\0" and _mat4_order(reader, begin) is not None:
        return _Container(_mat4)
    if head[:20] == b"MATLAB 5.0 MAT-file,":
        return _Container(_mat5, align=8)
    parses = (parse for magic, parse in _MAGIC.items() if head.startswith(magic))
    return next(map(_Container, parses), None)


def _declared(reader: Reader, sound: _Sound, container: _Container) -> int | None:
    """The size that a header tells of, unless it is one that means "not known".

    0 means that as well, unless the sound really is empty.
    """
    declared, rest = sound.declared, max(0, reader.size - sound.begin)
    if declared == 0 and rest and not _chunks_follow(reader, sound.begin, container):
        return None
    unknown = declared is not None and declared > rest and declared >= _UNKNOWN
    return None if unknown else declared


def _size(
    reader: Reader, sound: _Sound, declared: int | None, container: _Container
) -> tuple[int, int | None, int]:
    """How many bytes of sound there are, and where another recording begins, if one does.

    The last is how many more are in chunks of their own, which no decoder looks for.
    """
    rest = max(0, reader.size - sound.begin)
    if declared is None or declared > rest:
        return rest, None, 0
    step = 2**32 if sound.wraps else rest + 1
    for size in range(declared, rest + 1, step):
        end = sound.begin + size
        for behind in {end, end + -end % container.align, end + -size % container.align}:
            if behind >= reader.size or (size and reader.empty(behind, reader.size)):
                return size, None, 0
            if _container(reader, behind) is not None:
                return size, behind, 0
            if _chunks_follow(reader, behind, container):
                return size, None, _later_sound(reader, behind, container)
    return rest, None, 0


def _later_sound(reader: Reader, position: int, container: _Container) -> int:
    """Bytes of the chunks of sound from here on: a file may have more than the one it should."""
    found = 0
    for _ in range(_CHUNKS):
        if not (length := container.chunk(reader, position)):
            break
        if reader.at(position, 4) in _SOUND:
            found += min(length, reader.size - position)
        position += length
    return found


def _chunks_follow(reader: Reader, position: int, container: _Container) -> bool:
    """Whether the file goes on with whole chunks (the last may be cut) to its end."""
    if reader.at(position, 3) == b"TAG" and reader.size - position == 128:
        return True
    if reader.at(position, 8).startswith((b"ID3", b"APETAGEX")):
        return True
    for _ in range(_CHUNKS):
        length = container.chunk(reader, position)
        if not length:
            return False
        cut = position + length > reader.size + 1
        if cut and reader.at(position, 4) in _BEHIND:
            return True
        position += length
        if position >= reader.size - 1 or reader.empty(position, reader.size):
            return position <= reader.size + 1
        if _container(reader, position) is not None:
            return True
    return False


def _riff_chunk(big: bool) -> Callable[[Reader, int], int]:
    def chunk(reader: Reader, position: int) -> int:
        head = reader.at(position, 8)
        if len(head) < 8 or not all(32 <= byte < 127 for byte in head[:4]):
            return 0
        size = int.from_bytes(head[4:], "big" if big else "little")
        return 8 + size + (size & 1)

    return chunk


def _w64_chunk(reader: Reader, position: int) -> int:
    head = reader.at(position, 24)
    size = int.from_bytes(head[16:], "little")
    return (size + 7) & ~7 if head[4:16] == _W64_TAIL and size >= 24 else 0


def _caf_chunk(reader: Reader, position: int) -> int:
    head = reader.at(position, 12)
    if len(head) < 12 or not all(32 <= byte < 127 for byte in head[:4]):
        return 0
    return 12 + int.from_bytes(head[4:], "big")


def _chunks(reader: Reader, position: int, chunk: Callable[[Reader, int], int]) -> dict[bytes, int]:
    """Where the chunks up to the sound (or the end) are, by their names; the first of each."""
    found: dict[bytes, int] = {}
    for _ in range(_CHUNKS):
        name = reader.at(position, 4)
        length = chunk(reader, position)
        found.setdefault(name, position)
        if not length or name == b"data":
            break
        position += length
    return found


def _riff(reader: Reader, begin: int) -> _Sound | None:
    magic = reader.at(begin, 4)
    order: ByteOrder = "big" if magic == b"RIFX" else "little"
    chunks = _chunks(reader, begin + 12, _riff_chunk(order == "big"))
    if b"data" not in chunks or b"fmt " not in chunks:
        return None
    at = chunks[b"data"]
    sound = at + 8
    declared = reader.number(at + 4, 4, order)
    long = magic in (b"RF64", b"BW64") and b"ds64" in chunks
    sizes = chunks.get(b"ds64", 0) + 8
    if long and not 0 < declared < _LONGEST:
        declared = reader.number(sizes + 8, 8, order)
    is_mpeg = reader.number(chunks[b"fmt "] + 8, 2, order) in _MPEG_FORMATS

    def mend(size: int) -> tuple[Part, ...]:
        end = sound + size
        if long:
            counts = struct.pack("<QQQ", end - begin - 8, size, 0)
            return patched(begin, end, {begin: b"RF64", sizes: counts, at + 4: b"\xff" * 4})
        if size > _LONGEST:
            ds64 = struct.pack("<4sI4s4sIQQQI", b"RF64", _LONGEST, b"WAVE", b"ds64", 28,
                               end - begin + 28, size, 0, 0)  # fmt: skip
            head = Part(begin + 12, at + 4 - begin - 12)
            return (literal(ds64), head, literal(b"\xff" * 4), Part(sound, size))
        riff = min(end - begin - 8, _LONGEST).to_bytes(4, order)
        changes = {begin: magic if order == "big" else b"RIFF", begin + 4: riff}
        return patched(begin, end, {**changes, at + 4: size.to_bytes(4, order)})

    return _Sound(sound, declared, wraps=not long, mend=mend, is_mpeg=is_mpeg)


def _w64(reader: Reader, begin: int) -> _Sound | None:
    at = _chunks(reader, begin + 40, _w64_chunk).get(b"data")
    if at is None:
        return None
    sound, size = at + 24, reader.number(at + 16, 8, "little")
    whole = _Count(begin + 16, 8, "little", sound - begin)
    declared = size - 24 if 24 <= size < 2**62 else None
    return _Sound(sound, declared, (whole, _Count(at + 16, 8, "little", 24)))


def _aiff(reader: Reader, begin: int) -> _Sound | None:
    chunks = _chunks(reader, begin + 12, _riff_chunk(True))
    at, comm = chunks.get(b"SSND"), chunks.get(b"COMM")
    if at is None or comm is None:
        return None
    offset = reader.number(at + 8, 4, "big")
    sound = at + 16 + offset
    kind = reader.at(comm + 26, 4) if reader.at(begin + 8, 4) == b"AIFC" else b"NONE"
    frame = _AIFC_PLAIN.get(kind, -1) or -(-reader.number(comm + 14, 2, "big") // 8)
    frame *= reader.number(comm + 8, 2, "big")
    counts = [
        _Count(begin + 4, 4, "big", sound - begin - 8),
        _Count(at + 4, 4, "big", 8 + offset),
    ]
    if frame > 0:
        counts.append(_Count(comm + 10, 4, "big", unit=frame))
    return _Sound(
        sound,
        max(0, reader.number(at + 4, 4, "big") - 8 - offset),
        tuple(counts),
        wraps=True,
        longest=_LONGEST - 8 - offset,
        until=comm + 8 + reader.number(comm + 4, 4, "big"),
    )


def _au(reader: Reader, begin: int) -> _Sound | None:
    order: ByteOrder = "big" if reader.at(begin, 4) == b".snd" else "little"
    sound = begin + reader.number(begin + 4, 4, order)
    if not begin + 24 <= sound <= reader.size:
        return None
    size = reader.number(begin + 8, 4, order)
    return _Sound(sound, size, (_Count(begin + 8, 4, order),), wraps=True)


def _caf(reader: Reader, begin: int) -> _Sound | None:
    chunks = _chunks(reader, begin + 8, _caf_chunk)
    at = chunks.get(b"data")
    if at is None:
        return None
    is_packed = reader.at(chunks.get(b"desc", begin) + 20, 4) == b"alac"
    size = reader.number(at + 4, 8, "big")
    declared = size - 4 if 4 <= size < 2**62 else None
    return _Sound(at + 16, declared, (_Count(at + 4, 8, "big", 4),), is_packed=is_packed)


def _svx(reader: Reader, begin: int) -> _Sound | None:
    at = _chunks(reader, begin + 12, _riff_chunk(True)).get(b"BODY")
    if at is None:
        return None
    whole = _Count(begin + 4, 4, "big", at - begin)
    size = reader.number(at + 4, 4, "big")
    return _Sound(at + 8, size, (whole, _Count(at + 4, 4, "big")), wraps=True)


# Of those below the decoder does not look at the size.


def _nist(reader: Reader, begin: int) -> _Sound | None:
    head = reader.at(begin, 1024).decode("latin-1")
    length = head[8:16].strip()
    facts = dict(re.findall(r"^(\w+) -\w+ (\d{1,15})\s*$", head, re.MULTILINE))
    if not length.isdecimal():
        return None
    names = ("sample_count", "channel_count", "sample_n_bytes")
    return _Sound(begin + int(length), math.prod(int(facts.get(name, 0)) for name in names))


def _voc(reader: Reader, begin: int) -> _Sound | None:
    position = sound = begin + reader.number(begin + 20, 2, "little")
    for _ in range(_CHUNKS):
        # Another byte than a block's kind: some programs count a block one byte short.
        if not b"\1" <= reader.at(position, 1) <= b"\x09":
            break
        position += 4 + reader.number(position + 1, 3, "little")
    return _Sound(sound, position - sound + (reader.at(position, 1) == b"\0"))


def _avr(reader: Reader, begin: int) -> _Sound | None:
    channels = 2 if reader.number(begin + 12, 2, "big") else 1
    width = reader.number(begin + 14, 2, "big") // 8
    return _counted(reader, begin, 128, reader.number(begin + 26, 4, "big") * channels * width)


def _mpc(reader: Reader, begin: int) -> _Sound | None:
    channels = 1 + reader.number(begin + 21, 1, "little")
    return _counted(reader, begin, 42, reader.number(begin + 30, 4, "little") * channels * 2)


def _wve(reader: Reader, begin: int) -> _Sound | None:
    return _counted(reader, begin, 32, reader.number(begin + 18, 4, "big"))


def _xi(reader: Reader, begin: int) -> _Sound | None:
    return _counted(reader, begin, 338, reader.number(begin + 298, 4, "little"))


def _mat4_order(reader: Reader, begin: int) -> ByteOrder | None:
    # The first matrix is a number in double precision.
    orders: dict[bytes, ByteOrder] = {bytes(4): "little", b"\0\0\x03\xe8": "big"}
    return orders.get(reader.at(begin, 4))


def _mat4(reader: Reader, begin: int) -> _Sound | None:
    order = _mat4_order(reader, begin)
    assert order is not None
    header = 20 + 11 + 8  # of the matrix that holds the sampling rate
    kind, rows, columns, _, name = (
        reader.number(begin + header + 4 * i, 4, order) for i in range(5)
    )
    width = {0: 8, 1: 4, 2: 4, 3: 2, 4: 2, 5: 1}.get(kind % 1000 // 10, 0)
    return _counted(reader, begin, header + 20 + name, rows * columns * width)


def _mat5(reader: Reader, begin: int) -> _Sound | None:
    order: ByteOrder = "little" if reader.at(begin + 126, 2) == b"IM" else "big"

    def size(position: int) -> int:
        return reader.number(begin + position + 4, 4, order)

    position = 128 + 8 + size(128) + 8  # behind the matrix of the sampling rate
    for _ in range(3):  # flags, dimensions, name
        position += 8 + size(position) + -size(position) % 8
    return _counted(reader, begin, position + 8, size(position))


def _counted(reader: Reader, begin: int, header: int, declared: int) -> _Sound | None:
    sound = begin + header
    return None if sound > reader.size else _Sound(sound, declared)


_MAGIC: dict[bytes, Callable[[Reader, int], _Sound | None]] = {
    b".snd": _au,
    b"dns.": _au,
    b"NIST_1A": _nist,
    b"Creative Voice File\x1a": _voc,
    b"2BIT": _avr,
    b"ALawSoundFile**\0": _wve,
    b"Extended Instrument: ": _xi,
}
