"""A stream's audio as FLAC that survives a kill and waits for a disk that is full."""

from __future__ import annotations

import os
from collections import deque
from pathlib import Path

import numpy as np
import soundfile as sf

from emolive.private_files import owner_only
from emolive.types import FloatArray

# The encoder's small blocks (1152 frames): at most this much is not yet in a file after a flush.
_COMPRESSION = 0.25
_FULL_SCALE = np.float32(2.0**23)
_SILENCE = np.zeros(1 << 16, np.int32)


class _PatientFile:
    """What the encoder writes to: memory, until `flush` has it on the disk.

    A write that fails can be tried again: nothing is given up before it is on the disk.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self._file = open(path, "xb", buffering=0, opener=owner_only)  # noqa: SIM115
        self._pieces: deque[tuple[int, bytes]] = deque()
        self._position = 0
        self._size = 0
        self.pending = 0
        self.on_disk = 0

    # The encoder's side: a file object.

    def write(self, data: bytes | bytearray | memoryview) -> int:
        piece = bytes(data)
        self._pieces.append((self._position, piece))
        self._position += len(piece)
        self._size = max(self._size, self._position)
        self.pending += len(piece)
        return len(piece)

    def seek(self, offset: int, whence: int = os.SEEK_SET) -> int:
        base = {os.SEEK_SET: 0, os.SEEK_CUR: self._position, os.SEEK_END: self._size}[whence]
        self._position = base + offset
        return self._position

    def tell(self) -> int:
        return self._position

    # The recorder's side.

    def flush(self) -> None:
        """Write what waits, in order.

        Raises:
            OSError: not all of it could be written; the rest still waits.
        """
        if self._pieces:
            self._check_in_place()
        while self._pieces:
            offset, piece = self._pieces[0]
            self._file.seek(offset)
            left = memoryview(piece)
            while left:
                left = left[self._file.write(left) or 0 :]
            self._pieces.popleft()
            self.pending -= len(piece)
            self.on_disk = max(self.on_disk, offset + len(piece))

    def sync(self) -> None:
        """Make it survive a power cut."""
        os.fsync(self._file.fileno())

    @property
    def closed(self) -> bool:
        return self._file.closed

    def close(self) -> None:
        self._file.close()

    def _check_in_place(self) -> None:
        # Where the system lets an open file be removed, writing to it would go on into nothing.
        mine, there = os.fstat(self._file.fileno()), os.stat(self._path)
        if (mine.st_ino, mine.st_dev) != (there.st_ino, there.st_dev):
            raise FileNotFoundError(2, "it was replaced by another file", str(self._path))


class FlacWriter:
    """Encodes one mono stream, 24 bits, so that 16- and 24-bit sources are kept bit for bit.

    Encoding goes to memory, `flush` to the disk; `pending_bytes` tells how much waits, and it is
    the caller's to stop writing when that is too much. One thread owns it. A file that is not
    closed is put right by `flac_repair.repair`.
    """

    def __init__(self, path: Path, rate: int) -> None:
        """Create the file, which must not exist, for audio at `rate` Hz.

        Raises:
            OSError: it cannot be created.
        """
        self.path = path
        self.frames = 0
        self._sink = _PatientFile(path)
        self._encoder = sf.SoundFile(
            self._sink,
            "w",
            rate,
            1,
            format="FLAC",
            subtype="PCM_24",
            compression_level=_COMPRESSION,
        )

    @property
    def pending_bytes(self) -> int:
        """What is encoded but not on the disk."""
        return self._sink.pending

    @property
    def bytes_on_disk(self) -> int:
        """The file's size."""
        return self._sink.on_disk

    def write(self, samples: FloatArray) -> None:
        """Add audio, float32 ``(n,)`` in -1 to 1 (louder is clipped)."""
        scaled = np.nan_to_num(samples, nan=0.0, posinf=1.0, neginf=-1.0) * _FULL_SCALE
        np.clip(np.rint(scaled, out=scaled), -_FULL_SCALE, _FULL_SCALE - 1, out=scaled)
        # libsndfile takes the upper 24 of 32 bits; its own conversion from floats is not exact.
        self._encode(scaled.astype(np.int32) << 8)

    def write_silence(self, frames: int) -> None:
        """Add `frames` zeros, where nothing was heard."""
        while frames > 0:
            piece = _SILENCE[:frames]
            self._encode(piece)
            frames -= len(piece)

    def flush(self, *, sync: bool = False) -> None:
        """Bring what is encoded to the disk; with `sync` so that it survives a power cut.

        Raises:
            OSError: not everything could be written; the rest waits for the next time.
        """
        self._sink.flush()
        if sync:
            self._sink.sync()

    def close(self) -> None:
        """Finish the file and release it, even when that fails; harmless when done before.

        Raises:
            OSError: the end could not be written: the file has to be repaired.
        """
        if self._sink.closed:
            return
        try:
            self._encoder.close()
            self.flush(sync=True)
        finally:
            self._sink.close()

    def _encode(self, samples: np.ndarray[tuple[int, ...], np.dtype[np.int32]]) -> None:
        if len(samples):
            self._encoder.write(samples)
            self.frames += len(samples)
