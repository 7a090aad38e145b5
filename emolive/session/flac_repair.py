"""Making a FLAC file whole whose writer was killed, in place.

The format is RFC 9639: "fLaC", STREAMINFO, other metadata, then frames that each begin with a sync
code and a CRC-8 of their header and end with a CRC-16 of the whole frame. A file that was cut off
has no length in STREAMINFO and may end within a frame. So: find the last frame that is complete,
cut what follows, and write down the length that its number implies. Checksums only propose where
the frame ends (a CRC-16 that ends in a zero byte fits without it, too); before anything is written
the decoder has to read the file as it would then be.
"""

from __future__ import annotations

import io
import os
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import BinaryIO

import soundfile as sf

_MAGIC = b"fLaC"
_STREAMINFO_SIZE = 34
_LENGTH_AT = 13  # in STREAMINFO, with four bits before it
_LENGTH_MASK = 2**36 - 1
_SYNC = b"\xff\xf8"  # blocks of fixed size
_TAIL = 1 << 18
_NO_AUDIO_BYTES = 1 << 16  # a file below that was cut off within its first block
# Zeros that one frame can end in, and tries that a run of zeros behind one gets.
_LOST_ZEROS = 32


@dataclass(frozen=True, slots=True)
class _StreamInfo:
    """The file up to its length, the fixed block size, the length in samples (0: not known)."""

    head: bytes
    block: int
    frames: int
    data: int  # where the first frame begins
    longest: int  # bytes that a frame has at most


@dataclass(frozen=True, slots=True)
class _Header:
    """A frame's header: its number, its size in samples."""

    number: int
    block: int


def repair(path: Path) -> int:
    """Make the file whole; returns its length in samples. 0: there is no audio in it.

    A file that can be read to its end stays as it is. One that lacks the zeros at its end, which
    were once taken for what a power cut leaves, gets them back.

    Raises:
        OSError: it cannot be read or written, or nothing in it can be decoded; it is as it was.
    """
    with path.open("r+b") as file:
        size = file.seek(0, os.SEEK_END)
        info = _stream_info(file)
        if info is not None:
            if info.frames:
                for end in range(size, size + _LOST_ZEROS + 1):
                    if _Whole(file, info, end, info.frames).is_readable():
                        _write(file, info, end, info.frames)
                        return info.frames
            for end, frames in _complete_frames(file, info):
                if _Whole(file, info, end, frames).is_readable():
                    _write(file, info, end, frames)
                    return frames
        if size < _NO_AUDIO_BYTES:
            return 0
        raise OSError("nothing in it can be decoded")


def _write(file: BinaryIO, info: _StreamInfo, end: int, frames: int) -> None:
    if end != file.seek(0, os.SEEK_END):
        file.truncate(end)  # or filled with zeros
    if frames != info.frames:
        file.seek(0)
        file.write(_head(info, frames))
    file.flush()
    os.fsync(file.fileno())


def _head(info: _StreamInfo, frames: int) -> bytes:
    packed = int.from_bytes(info.head[-21:-16], "big") & ~_LENGTH_MASK | frames
    # The checksum of the audio is not known: zeros say so.
    return info.head[:-21] + packed.to_bytes(5, "big") + bytes(16)


class _Whole(io.RawIOBase):
    """The file as a repair would leave it: with that end and that length."""

    def __init__(self, file: BinaryIO, info: _StreamInfo, end: int, frames: int) -> None:
        self._file = file
        self._head = info.head if frames == info.frames else _head(info, frames)
        self._end = end
        self._frames = frames
        self._last_blocks = min(frames, 4 * info.block)
        self._position = 0

    def is_readable(self) -> bool:
        """Whether the decoder finds the end where it should be, and all that precedes it."""
        try:
            with sf.SoundFile(self) as sound:
                if sound.frames != self._frames:
                    return False
                sound.seek(self._frames - self._last_blocks)
                heard = sound.read(self._last_blocks, dtype="int32")
        except sf.LibsndfileError:
            return False
        # Otherwise a header within the audio was taken for that of the last frame.
        return len(heard) == self._last_blocks and self._position == self._end

    def readinto(self, buffer: memoryview) -> int:  # type: ignore[override]
        size = min(len(buffer), self._end - self._position)
        self._file.seek(self._position)
        data = self._file.read(size).ljust(size, b"\0")
        if self._position < len(self._head):
            head = self._head[self._position : self._position + size]
            data = head + data[len(head) :]
        buffer[:size] = data
        self._position += size
        return size

    def seek(self, offset: int, whence: int = os.SEEK_SET) -> int:
        base = {os.SEEK_SET: 0, os.SEEK_CUR: self._position, os.SEEK_END: self._end}[whence]
        self._position = base + offset
        return self._position

    def tell(self) -> int:
        return self._position


def _stream_info(file: BinaryIO) -> _StreamInfo | None:
    file.seek(0)
    if file.read(4) != _MAGIC:
        return None
    body, begin = b"", 0
    last = False
    while not last:
        head = file.read(4)
        if len(head) < 4:
            return None
        last, kind, size = bool(head[0] & 0x80), head[0] & 0x7F, int.from_bytes(head[1:], "big")
        offset = file.tell()
        if kind == 0:
            body, begin = file.read(_STREAMINFO_SIZE), offset
        file.seek(offset + size)
    data = file.tell()
    if len(body) < _STREAMINFO_SIZE or data > file.seek(0, os.SEEK_END):
        return None
    file.seek(0)
    block, channels = int.from_bytes(body[:2], "big"), (body[12] >> 1 & 7) + 1
    return _StreamInfo(
        head=file.read(begin + _STREAMINFO_SIZE),
        block=block,
        frames=int.from_bytes(body[_LENGTH_AT : _LENGTH_AT + 5], "big") & _LENGTH_MASK,
        data=data,
        longest=4 * block * channels + 64,
    )


def _complete_frames(file: BinaryIO, info: _StreamInfo) -> Iterator[tuple[int, int]]:
    """Where frames end that may be complete, and how many samples the file has there.

    From the end of the file to its beginning.
    """
    size = file.seek(0, os.SEEK_END)
    file.seek(info.data)
    shape = file.read(4)[2:]  # rate, channels, bits: the same in all frames, but for the last block
    if len(shape) < 2:
        return
    tail, done = _TAIL, size
    while done > info.data:
        begin = max(info.data, size - tail)
        file.seek(begin)
        data = file.read(min(size, done + info.longest) - begin)
        at = data.rfind(_SYNC, 0, done - begin + 1)
        while at >= 0:
            if header := _header(data, at, shape):
                for end in islice(_ends(data, at, info.longest), 2 * _LOST_ZEROS):
                    yield begin + end, header.number * info.block + header.block
            at = data.rfind(_SYNC, 0, at + 1)
        done = begin
        tail *= 4


def _ends(data: bytes, at: int, longest: int) -> Iterator[int]:
    """Where the frame that begins at `at` may end: its checksum fits there."""
    checksum = 0
    for end, byte in enumerate(data[at : at + longest], at + 1):
        checksum = (checksum << 8 & 0xFFFF) ^ _CRC16[checksum >> 8 ^ byte]
        if checksum == 0:
            yield end


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
