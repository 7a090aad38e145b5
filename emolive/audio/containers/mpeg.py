"""MPEG audio: frames, each with a header of its own, and in the first one perhaps their number.

That number (Xing, Info, VBRI) may be missing, which makes the decoder guess, or wrong, which makes
it stop early or complain. Here the frames are counted, and whatever is no frame is left out.
"""

from __future__ import annotations

import struct
from dataclasses import dataclass, field
from functools import lru_cache

from emolive.audio.containers.splice import Link, Part, Reader, literal

_BLOCK = 1 << 20
_V1_KBITS = {
    3: (0, 32, 40, 48, 56, 64, 80, 96, 112, 128, 160, 192, 224, 256, 320),
    2: (0, 32, 48, 56, 64, 80, 96, 112, 128, 160, 192, 224, 256, 320, 384),
    1: (0, 32, 64, 96, 128, 160, 192, 224, 256, 288, 320, 352, 384, 416, 448),
}
_V2_KBITS = {
    3: (0, 8, 16, 24, 32, 40, 48, 56, 64, 80, 96, 112, 128, 144, 160),
    2: (0, 8, 16, 24, 32, 40, 48, 56, 64, 80, 96, 112, 128, 144, 160),
    1: (0, 32, 48, 56, 64, 80, 96, 112, 128, 144, 160, 176, 192, 224, 256),
}
_RATES = (44_100, 48_000, 32_000)
# What must stay the same within a stream: sync, version, layer, rate.
_FIXED = 0xFFFE0C00


@dataclass(frozen=True, slots=True)
class _Header:
    """What the four bytes before a frame say; `length` in bytes, `samples` per channel."""

    word: int
    length: int
    samples: int
    rate: int
    mono: bool
    layer: int
    version_1: bool

    @property
    def kind(self) -> tuple[int, bool]:
        return self.word & _FIXED, self.mono


@dataclass(slots=True)
class _Run:
    """Frames of one kind that follow each other; `counted` is the frame that holds `promised`."""

    first: _Header
    promised: int | None
    counted: Part | None
    trimmed: int = 0  # samples the encoder added, which are not handed out
    parts: list[Part] = field(default_factory=list)
    frames: int = 0
    skipped: int = 0
    cut: bool = False

    def add(self, offset: int, length: int) -> None:
        self.frames += 1
        last = self.parts[-1] if self.parts else None
        if last is not None and last.offset + last.length == offset:
            self.parts[-1] = Part(last.offset, last.length + length)
        else:
            self.parts.append(Part(offset, length))


def after_id3(reader: Reader, position: int) -> int:
    """Where the file goes on behind ID3v2 tags."""
    while (head := reader.at(position, 10))[:3] == b"ID3" and len(head) == 10:
        size = head[6] << 21 | head[7] << 14 | head[8] << 7 | head[9]
        position += 10 + size + (10 if head[5] & 0x10 else 0)
    return position


def links(reader: Reader, begin: int, end: int) -> tuple[Link, ...]:
    """The streams between two offsets; none where there are no frames that follow each other."""
    runs: list[_Run] = []
    window = _Window(reader, end)
    position = begin
    while (found := _sync(window, position)) is not None:
        if runs:
            runs[-1].skipped += _unknown(window, position, found[0])
        position, header = found
        promised = _promise(window, position, header)
        if promised is not None:
            counted = Part(position, header.length)
            runs.append(_Run(header, promised, counted, _trimmed(window, position, header)))
            position += header.length
        elif not runs or runs[-1].first.kind != header.kind:
            runs.append(_Run(header, None, None))
        position = _follow(window, position, runs[-1])
    if runs:
        runs[-1].skipped += _unknown(window, position, end)
    return tuple(_link(run) for run in runs if run.frames)


def _follow(window: _Window, position: int, run: _Run) -> int:
    """Add the frames from here on; return where there is none, or another stream begins."""
    kind = run.first.kind
    while (header := _parse(window.word(position))) is not None and header.kind == kind:
        if position + header.length > window.end:
            run.cut = True
            return window.end
        if run.frames and _promise(window, position, header) is not None:
            break
        after = position + header.length
        whole = after == window.end or _parse(window.word(after)) is not None
        if not whole and not _is_tag(window.at(after, 8)):
            return position + 4  # it is cut or damaged, and what follows may begin within it
        run.add(position, header.length)
        position = after
    return position


def _unknown(window: _Window, begin: int, end: int) -> int:
    """How many bytes between two offsets are neither frames nor a tag."""
    return 0 if _is_tag(window.at(begin, 8)) or not any(window.at(begin, 64)) else end - begin


def _link(run: _Run) -> Link:
    per_frame = run.first.samples / run.first.rate
    seconds = run.frames * per_frame
    trimmed_s = run.trimmed / run.first.rate
    if run.counted is not None and run.promised == run.frames:
        head: tuple[Part, ...] = (run.counted,)
        seconds = max(0.0, seconds - trimmed_s)
    else:
        head = (literal(_count_frame(run.first, run.frames)),) if run.first.layer == 3 else ()
    # Encoders and cutters disagree by a frame or two about which of them count.
    honest = run.promised is None or abs(run.promised - run.frames) <= 2
    promised_s = seconds if honest or not run.promised else run.promised * per_frame - trimmed_s
    return Link(
        (*head, *run.parts),
        seconds,
        promised_s=promised_s,
        cut=run.cut,
        skipped=run.skipped,
    )


class _Window:
    """Reads a file in large blocks, forwards."""

    def __init__(self, reader: Reader, end: int) -> None:
        self._reader = reader
        self.end = end
        self._begin = 0
        self._block = b""

    def word(self, position: int) -> int:
        within = position - self._begin
        if not 0 <= within <= len(self._block) - 4:
            self._load(position)
            within = 0
            if len(self._block) < 4:
                return 0
        return int.from_bytes(self._block[within : within + 4], "big")

    def at(self, position: int, n: int) -> bytes:
        within = position - self._begin
        if not 0 <= within <= len(self._block) - n:
            self._load(position)
            within = 0
        return self._block[within : within + n]

    def rest(self, position: int) -> bytes:
        """What is held from here on; empty only at the end."""
        self.at(position, 4)
        return self._block[position - self._begin :]

    def _load(self, position: int) -> None:
        self._begin = position
        self._block = self._reader.at(position, min(_BLOCK, max(0, self.end - position)))


def _parse(word: int) -> _Header | None:
    """A frame's header; None: these four bytes are none, or of a kind that is not read."""
    return _read(word & 0xFFFEFEC0)  # without what changes from frame to frame and does not matter


@lru_cache(maxsize=4096)
def _read(word: int) -> _Header | None:
    version, layer = word >> 19 & 3, 4 - (word >> 17 & 3)
    kbit_index, rate_index = word >> 12 & 15, word >> 10 & 3
    if word >> 21 != 0x7FF or version == 1 or layer == 4 or rate_index == 3:
        return None
    if kbit_index in (0, 15):
        return None
    version_1 = version == 3
    rate = _RATES[rate_index] >> {3: 0, 2: 1, 0: 2}[version]
    bits = (_V1_KBITS if version_1 else _V2_KBITS)[layer][kbit_index] * 1000
    padding = word >> 9 & 1
    samples = 384 if layer == 1 else 1152 if layer == 2 or version_1 else 576
    if layer == 1:
        length = (12 * bits // rate + padding) * 4
    else:
        length = samples // 8 * bits // rate + padding
    return _Header(word, length, samples, rate, word >> 6 & 3 == 3, layer, version_1)


def _sync(window: _Window, position: int) -> tuple[int, _Header] | None:
    """The next frame that another of its kind follows, or that ends with the file."""
    while block := window.rest(position):
        place = block.find(b"\xff")
        if place < 0:
            position += len(block)
            continue
        position += place
        header = _parse(window.word(position))
        if header is not None:
            after = position + header.length
            following = _parse(window.word(after))
            if (following is not None and following.kind == header.kind) or after == window.end:
                return position, header
            if _is_tag(window.at(after, 8)):
                return position, header
        position += 1
    return None


def _is_tag(head: bytes) -> bool:
    return head.startswith((b"ID3", b"TAG", b"APETAGEX", b"LYRICSBE"))


def _promise(window: _Window, position: int, header: _Header) -> int | None:
    """How many frames follow, where this frame tells (0: it does not know); None: it is sound."""
    if header.layer != 3:
        return None
    place = 4 + _side_info(header)
    frame = window.at(position, place + 18)
    for begin in (place, place + 2):  # with a checksum, two bytes later
        if frame[begin : begin + 4] in (b"Xing", b"Info"):
            known = frame[begin + 7 : begin + 8] and frame[begin + 7] & 1
            return int.from_bytes(frame[begin + 8 : begin + 12], "big") if known else 0
    if window.at(position + 36, 4) == b"VBRI":
        return int.from_bytes(window.at(position + 36, 18)[14:18], "big")
    return None


def _trimmed(window: _Window, position: int, header: _Header) -> int:
    """Samples at both ends that LAME and its like added; 0 where they left no word."""
    tag = window.at(position + 4 + _side_info(header), 144)
    if len(tag) < 144 or tag[:4] not in (b"Xing", b"Info") or tag[7] != 15:
        return 0
    return (tag[141] << 4 | tag[142] >> 4) + ((tag[142] & 15) << 8 | tag[143])


def _side_info(header: _Header) -> int:
    if header.version_1:
        return 17 if header.mono else 32
    return 9 if header.mono else 17


def _count_frame(first: _Header, frames: int) -> bytes:
    """A frame without sound that tells how many follow, as encoders put in front."""
    for index in range(1, 15):  # the shortest that holds it; without a checksum or padding
        word = (first.word & 0xFFFF0FC0 | 0x00010000 | index << 12) & ~0x200
        header = _read(word)
        place = 4 + _side_info(first)
        if header is not None and header.length >= place + 12:
            content = struct.pack(">I", word) + bytes(place - 4)
            content += b"Info" + struct.pack(">II", 1, frames)
            return content + bytes(header.length - len(content))
    raise AssertionError("every kind has frames that are long enough")
