"""Audio files, decoded block by block with constant memory."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Literal

import numpy as np

from emolive.audio.channels import ChannelCheck, Mixer
from emolive.audio.containers import Link, Part, find_links, total_seconds
from emolive.audio.media import MEDIA_EXTENSIONS, MediaRecording, can_read_media, way_out
from emolive.audio.recording import DecoderError, Recording
from emolive.audio.sndfile import RAW_TELEPHONE, SndfileRecording, extensions
from emolive.audio.source import SourceFormat, stream_names
from emolive.errors import AudioFileError
from emolive.i18n import decimal, ntr, tr
from emolive.types import FloatArray

ChannelUse = Literal["mix", "split"]

AT_ONCE_S = 2.0  # no more than this is decoded in one go, if several blocks are asked for

_RATES = range(4_000, 768_001)
# Samples a second, all channels together: an array of 64 microphones at 48 kHz.
_MOST_SAMPLES = 64 * 48_000
# Far louder than any scale audio is stored in (integers kept as floats reach 2**31).
_LARGEST = np.float32(2.0**32)
# How much a header may be wrong without anybody having to know.
_NEGLIGIBLE_S = 0.1
_NEGLIGIBLE_BYTES = 4096
_WHOLE = 1.01  # of what is there: a header that promises more was written for a longer file


def audio_extensions() -> frozenset[str]:
    """Extensions, without dot and in lower case, that the decoder reads."""
    return extensions() | (MEDIA_EXTENSIONS if can_read_media() else frozenset())


class FileDecoder:
    """Reads one file from its beginning, in blocks of about `block_s` seconds.

    What counts are the bytes that are there: recordings that follow one another in a file are read
    one after the other, and where a header promises another length than was found, `error` or
    `note` says so. A file that breaks off keeps what was decoded; `error` then says where. Samples
    that are no numbers (NaN, infinite, absurd) become 0 and are counted in `replaced`.
    """

    def __init__(self, path: Path, block_s: float, channels: ChannelUse) -> None:
        """Open and check the file.

        Raises:
            AudioFileError: it is missing, unreadable, empty, or no audio.
        """
        self.path = path
        self.error: str | None = None
        self.replaced = 0
        self._notes: list[str] = []
        self._begin()
        try:
            rate, n_channels = self._recording.rate, self._recording.channels
            self._check_size(rate, n_channels)
            self._split = channels == "split" and n_channels > 1
            names = stream_names(n_channels if self._split else 1)
            self.format = SourceFormat(rate, names, recorded=True)
            self._block = max(1, round(rate * block_s))
            most = self._block * max(1, round(AT_ONCE_S * rate) // self._block)
            self._buffer = np.empty((most, n_channels), np.float32)
            self._mixer = None if self._split or n_channels == 1 else Mixer(n_channels)
            # Streams of their own are compared by who listens to them.
            self._check = ChannelCheck(stream_names(n_channels), rate, compare=not self._split)
            # Damage right at the start, or nothing in it, is better said now than later.
            self._pending = self._next()
            if self._pending is None:
                raise AudioFileError(
                    "{name} holds no audio that can be decoded: it is empty or damaged.",
                    name=path.name,
                )
            self._pending = self._pending.copy()
        except BaseException:
            self._recording.close()
            raise

    @property
    def duration_s(self) -> float | None:
        """Length by what is there, or else by the header; None where neither tells."""
        if len(self._links) == 1 and self._links[0].seconds is None:
            n_frames = self._recording.n_frames
            return None if n_frames is None else n_frames / self.format.sampling_rate
        return total_seconds(self._links)

    @property
    def note(self) -> str | None:
        """What was not as it should be but cost nothing, in sentences."""
        notes = list(self._notes)
        if self.replaced:
            notes.append(
                tr(
                    "{name}: {replaced} samples were not finite numbers and were taken as silence.",
                    name=self.path.name,
                    replaced=self.replaced,
                )
            )
        if self._mixer is not None and self._mixer.turned:
            notes.append(
                tr(
                    "{name}: its channels are in opposite phase and would cancel each other "
                    "out; they were turned the same way before they were mixed.",
                    name=self.path.name,
                )
            )
        notes += [
            f"{self.path.name} {remark}."
            for remark in self._check.remarks(compared=not (self._mixer and self._mixer.turned))
        ]
        return " ".join(notes) or None

    @property
    def closed(self) -> bool:
        """Whether `close` was called."""
        return self._recording.closed

    def read(self, frames: int = 0) -> FloatArray | None:
        """The next block, float32 ``(n, streams)``, or None at the end; valid until the next.

        `frames`: as many as there are whole blocks in it, up to `AT_ONCE_S`, come at once.
        """
        if self._pending is not None:
            block, self._pending = self._pending, None
            return block
        return self._next(frames)

    def rewind(self) -> None:
        """Begin again.

        Raises:
            AudioFileError: the file is not what it was.
        """
        self._recording.close()
        self._notes.clear()
        self._begin()
        self._pending = None

    def close(self) -> None:
        """Release the file."""
        self._recording.close()

    def _begin(self) -> None:
        self._links = _links(self.path)
        self._index = 0
        self._recording: Recording = _open(self.path, self._links[0])
        self._frames_before = 0  # of recordings that are through
        self._frames_read = 0  # of this one
        self._done = False

    def _next(self, frames: int = 0) -> FloatArray | None:
        block = self._buffer[: self._block * max(1, frames // self._block)]
        n = self._fill(block)
        if n == 0:
            return None
        block = block[:n]
        bad = ~(np.abs(block) <= _LARGEST)  # true for NaN as well
        if bad.any():
            self.replaced += int(np.count_nonzero(bad))
            block[bad] = 0.0
        self._check.accept(block)
        return block if self._mixer is None else self._mixer.accept(block)

    def _fill(self, block: FloatArray) -> int:
        """Fill the block; return how many frames came, fewer only at the end."""
        filled = 0
        while filled < len(block) and not self._done:
            out = block[filled:]
            out.fill(np.nan)
            broke = False
            try:
                n = self._recording.read(out)
            except DecoderError:
                # The decoder does not say how far it came, but what it did not write is still NaN.
                n, broke = int(np.argmax(np.append(np.isnan(out[:, 0]), True))), True
            filled += n
            self._frames_read += n
            if broke or n < len(out):
                self._judge(self._links[self._index], broke)
                self._open_next()
        return filled

    def _open_next(self) -> None:
        """Go on with the recording that follows in the file."""
        self._index += 1
        self._frames_before += self._frames_read
        self._frames_read = 0
        self._done = self._index == len(self._links)
        if self._done:
            return
        self._recording.close()
        try:
            self._recording = _open(self.path, self._links[self._index])
        except AudioFileError:
            self._break_off(tr("what follows there cannot be decoded"))
            return
        rate, channels = self._recording.rate, self._recording.channels
        if (rate, channels) != (self.format.sampling_rate, self._buffer.shape[1]):
            self._break_off(
                ntr(
                    "what follows there is of another kind ({rate} Hz, {count} channel) and "
                    "belongs into a file of its own",
                    "what follows there is of another kind ({rate} Hz, {count} channels) and "
                    "belongs into a file of its own",
                    channels,
                    rate=rate,
                )
            )

    def _break_off(self, reason: str) -> None:
        self._done = True
        at = self._frames_before / self.format.sampling_rate
        self._fail(
            tr(
                "{name} was read up to {at} s: {reason}.",
                name=self.path.name,
                at=decimal(at, 1),
                reason=reason,
            )
        )

    def _judge(self, link: Link, broke: bool) -> None:
        """Compare what was decoded with what was promised and what is there."""
        rate = self._recording.rate
        found = self._frames_read / rate
        there = self._recording.n_frames
        promised, cut = link.promised_s, link.cut
        if link.promised_share is not None and there is not None:
            promised = link.promised_share * there / rate
        elif link.promised_share is not None:
            cut = cut or link.promised_share > _WHOLE
        known = [s for s in (promised, link.seconds, there and there / rate) if s is not None]
        expected = max(known, default=0.0)
        if found + _NEGLIGIBLE_S < expected or (broke and found < expected):
            self._fail(self._stopped(found, expected))
        elif (broke and not known) or cut:
            self._fail(self._stopped(found, None))
        elif promised is not None and found > promised + _NEGLIGIBLE_S:
            self._notes.append(
                tr(
                    "{name}: its header tells of {promised} s, but {found} s are there; all "
                    "of it was read.",
                    name=self.path.name,
                    promised=decimal(promised, 1),
                    found=decimal(found, 1),
                )
            )
        elif link.unmarked:
            self._notes.append(
                tr(
                    "{name} has no end mark: it was not closed properly, or is cut short.",
                    name=self.path.name,
                )
            )
        if link.skipped > _NEGLIGIBLE_BYTES:
            self._notes.append(
                tr(
                    "{name}: {skipped} bytes in it are no sound.",
                    name=self.path.name,
                    skipped=link.skipped,
                )
            )
        unread = self._recording.unread + link.unread
        if not self.error and unread > _NEGLIGIBLE_BYTES:
            self._notes.append(
                tr(
                    "{name}: {unread} bytes behind the sound that its header tells of were "
                    "not read.",
                    name=self.path.name,
                    unread=unread,
                )
            )

    def _stopped(self, found: float, expected: float | None) -> str:
        before = self._frames_before / self._recording.rate
        name, at = self.path.name, decimal(before + found, 1)
        if expected is None:
            return tr(
                "{name} is damaged or cut short: decoding stopped at {at} s.", name=name, at=at
            )
        return tr(
            "{name} is damaged or cut short: decoding stopped at {at} s of {all} s.",
            name=name,
            at=at,
            all=decimal(before + expected, 1),
        )

    def _fail(self, sentence: str) -> None:
        self.error = self.error or sentence

    def _check_size(self, rate: int, channels: int) -> None:
        name = self.path.name
        if rate not in _RATES:
            raise AudioFileError(
                "{name} says it has {rate} samples a second, which cannot hold speech: "
                "the file is damaged or not audio.",
                name=name,
                rate=rate,
            )
        if rate * channels > _MOST_SAMPLES:
            raise AudioFileError(
                "{name} says it has {channels} channels of {rate} samples a second, more than any "
                "recording of speech: the file is damaged, or its channels have to be separated.",
                name=name,
                channels=channels,
                rate=rate,
            )


def _links(path: Path) -> tuple[Link, ...]:
    """The recordings in a file, at least one; empty `parts` stand for the file by its name.

    Raises:
        AudioFileError: it cannot be read.
    """
    # os.path, because the methods of Path raise where a folder may not be entered.
    if os.path.isdir(path):
        raise AudioFileError("{path} is a folder: name a file inside it.", path=path)
    if os.path.exists(path) and not os.path.isfile(path):
        raise AudioFileError(
            "{path} is not a regular file: copy the audio into a file first.", path=path
        )
    try:
        size = path.stat().st_size
        found = () if path.suffix.lower() in RAW_TELEPHONE else find_links(path)
    except (FileNotFoundError, NotADirectoryError):
        raise AudioFileError(
            "{path} does not exist: check the folder and the name.", path=path
        ) from None
    except PermissionError:
        raise AudioFileError("{path} may not be read: check its permissions.", path=path) from None
    except (OSError, ValueError) as error:
        raise AudioFileError("{path} cannot be read: {error}.", path=path, error=error) from error
    if not size:
        raise AudioFileError("{name} is empty (0 bytes).", name=path.name)
    return found or (Link(()),)


def _open(path: Path, link: Link) -> Recording:
    """Open one recording of a file.

    Raises:
        AudioFileError: it cannot be decoded here.
    """
    if link.parts:
        views: tuple[Link | None, ...] = (link,)
    elif path.suffix.lower() in RAW_TELEPHONE:
        views = (None,)
    else:  # some formats are known by the name alone
        views = (Link((Part(0, path.stat().st_size),)), None)
    cause: Exception | None = None
    try:
        for view in views:
            try:
                return SndfileRecording(path, view)
            except DecoderError as error:
                cause = error
        if can_read_media():
            return MediaRecording(path, link)
    except (OSError, DecoderError) as error:
        cause = error
    if path.suffix[1:].lower() in MEDIA_EXTENSIONS and not can_read_media():
        raise AudioFileError(
            "{name} is of a kind that needs FFmpeg's decoders: {path}",
            name=path.name,
            path=way_out(path),
        ) from cause
    raise AudioFileError(
        "{name} is not audio that can be decoded here (WAV, FLAC, Ogg, Opus, MP3, AIFF "
        "and the like can), or it is damaged: convert it to WAV first.",
        name=path.name,
    ) from cause
