"""One recording of a file, as a library decodes it."""

from __future__ import annotations

from typing import Protocol

from emolive.types import FloatArray


class DecoderError(Exception):
    """The decoder stopped; it may have written some frames before."""


class Recording(Protocol):
    """Something to be decoded forwards; `n_frames` is its length by the decoder, if it knows."""

    rate: int
    channels: int
    n_frames: int | None

    def read(self, out: FloatArray) -> int:
        """Fill float32 ``(n, channels)``; fewer frames come at the end only.

        Raises:
            DecoderError: it broke off.
        """

    @property
    def unread(self) -> int:
        """Bytes behind those that were read."""

    @property
    def closed(self) -> bool:
        """Whether `close` was called."""

    def close(self) -> None:
        """Release it."""
