"""Making a FLAC file whole whose writer was killed, in place and without decoding it.

The format is RFC 9639: "fLaC", STREAMINFO, other metadata, then frames that each begin with a sync
code and a CRC-8 of their header and end with a CRC-16 of the whole frame. A file that was cut off
has no length in STREAMINFO and may end within a frame. So: find the last frame that is complete,
cut what follows, and write down the length that its number implies.
"""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

_MAGIC = b"fLaC"
_STREAMINFO_SIZE = 34
_SYNC = b"\xff\xf8"  # blocks of fixed size
_TAIL = 1 << 18


@dataclass(frozen=True, slots=True)
class _StreamInfo:
    """Where it lies in the file, the fixed block size, and the length (0: not known)."""

    offset: int
    block: int
    frames: int
    data: int  # where the first frame begins


@dataclass(frozen=True, slots=True)
class _Header:
    """A frame's header: its number, its size in samples."""

    number: int
    block: int


def repair(path: Path) -> int:
    """Make the file whole; returns its length in samples. 0: there is no audio in it.

    A file that was closed properly stays as it is.

    Raises:
        OSError: it cannot be read or written.
    """
    with path.open("r+b") as file:
        info = _stream_info(file)
        if info is None:
            return 0
        if info.frames:
            return info.frames
        end, frames = _last_frame(file, info)
        if not frames:
            return 0
        file.truncate(end)
        _set_length(file, info, frames)
        file.flush()
        os.fsync(file.fileno())
        return frames


def _stream_info(file: BinaryIO) -> _StreamInfo | None:
    file.seek(0)
    if file.read(4) != _MAGIC:
        return None
    found: tuple[int, int, int] | None = None
    last = False
    while not last:
        head = file.read(4)
        if len(head) < 4:
            return None
        last, kind, size = bool(head[0] & 0x80), head[0] & 0x7F, int.from_bytes(head[1:], "big")
        offset = file.tell()
        if kind == 0:
            body = file.read(_STREAMINFO_SIZE)
            if len(body) < _STREAMINFO_SIZE:
                return None
            frames = int.from_bytes(body[13:18], "big") & (2**36 - 1)
            found = offset, int.from_bytes(body[:2], "big"), frames
        file.seek(offset + size)
    data = file.tell()
    if found is None or data > file.seek(0, os.SEEK_END):
        return None
    return _StreamInfo(*found, data=data)


def _last_frame(file: BinaryIO, info: _StreamInfo) -> tuple[int, int]:
    """Where the last complete frame ends, and how many samples the file then has."""
    size = file.seek(0, os.SEEK_END)
    file.seek(info.data)
    shape = file.read(4)[2:]  # rate, channels, bits: the same in all frames, but for the last block
    tail = _TAIL
    while True:
        begin = max(info.data, size - tail)
        file.seek(begin)
        data = file.read(size - begin)
        if found := _last_complete(data, shape):
            end, header = found
            return begin + end, header.number * info.block + header.block
        if begin == info.data:
            return info.data, 0
        tail *= 4


def _last_complete(data: bytes, shape: bytes) -> tuple[int, _Header] | None:
    """The end and the header of the last complete frame in `data`."""
    borders: list[tuple[int, _Header]] = []
    at = data.find(_SYNC)
    while at >= 0:
        if header := _header(data, at, shape):
            borders.append((at, header))
        at = data.find(_SYNC, at + 1)
    # After a power cut a file may end in zeros; a checksum may end in two of its own.
    content = len(data.rstrip(b"\0"))
    ends = [at for at, _ in borders[1:]]
    ends += [end for end in range(content, content + 3) if end <= len(data)]
    for first in range(len(borders) - 1, -1, -1):
        at, header = borders[first]
        # What looks like a header may be audio, so the frame may end at any later border. A frame
        # is seldom longer than a few.
        checksum, done = 0, at
        for end in ends[first : first + 8]:
            checksum = _crc16(data[done:end], checksum)
            done = end
            if checksum == 0:
                return end, header
    return None


def _header(data: bytes, at: int, shape: bytes) -> _Header | None:
    """The header at `at`, if it is one."""
    if len(data) < at + 6 or (data[at + 2] & 0x0F, data[at + 3]) != (shape[0] & 0x0F, shape[1]):
        return None
    number, size = _coded_number(data, at + 4)
    if size == 0:
        return None
    end = at + 4 + size
    code = data[at + 2] >> 4
    if code == 1:
        block = 192
    elif 2 <= code <= 5:
        block = 576 << (code - 2)
    elif code == 6:
        block = data[end] + 1 if end < len(data) else 0
        end += 1
    elif code == 7:
        block = int.from_bytes(data[end : end + 2], "big") + 1
        end += 2
    elif code >= 8:
        block = 256 << (code - 8)
    else:
        return None
    end += {12: 1, 13: 2, 14: 2}.get(data[at + 2] & 0x0F, 0)
    if end >= len(data) or _crc8(data[at:end]) != data[end]:
        return None
    return _Header(number, block)


def _coded_number(data: bytes, at: int) -> tuple[int, int]:
    """A number coded like UTF-8, and its size in bytes; size 0: it is none."""
    first = data[at]
    if first < 0x80:
        return first, 1
    size = 8 - (first ^ 0xFF).bit_length()  # ones at the front
    if not 2 <= size <= 7:
        return 0, 0
    number = first & (0x7F >> size)
    for byte in data[at + 1 : at + size]:
        if byte & 0xC0 != 0x80:
            return 0, 0
        number = number << 6 | byte & 0x3F
    return (number, size) if at + size <= len(data) else (0, 0)


def _set_length(file: BinaryIO, info: _StreamInfo, frames: int) -> None:
    file.seek(info.offset + 13)
    packed = int.from_bytes(file.read(5), "big")
    packed = packed & ~(2**36 - 1) | frames
    file.seek(info.offset + 13)
    # The checksum of the audio is not known: zeros say so.
    file.write(packed.to_bytes(5, "big") + bytes(16))


def _table(polynomial: int, bits: int) -> tuple[int, ...]:
    """Checksums of single bytes, highest bit first."""
    top, mask = 1 << (bits - 1), (1 << bits) - 1
    table = []
    for byte in range(256):
        value = byte << (bits - 8)
        for _ in range(8):
            value = (value << 1 ^ polynomial if value & top else value << 1) & mask
        table.append(value)
    return tuple(table)


_CRC8 = _table(0x07, 8)
_CRC16 = _table(0x8005, 16)


def _crc8(data: bytes) -> int:
    value = 0
    for byte in data:
        value = _CRC8[value ^ byte]
    return value


def _crc16(data: bytes, value: int = 0) -> int:
    for byte in data:
        value = (value << 8 & 0xFFFF) ^ _CRC16[value >> 8 ^ byte]
    return value
