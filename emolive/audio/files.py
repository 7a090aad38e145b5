"""A file as a source."""

from __future__ import annotations

import os
import time
from collections.abc import Callable
from pathlib import Path

from emolive.audio.decoded import DecodedSource
from emolive.audio.decoding import ChannelUse, FileDecoder


class FileSource(DecodedSource):
    """Anything libsndfile decodes: WAV, FLAC, Ogg, Opus, MP3, AIFF ..., paced or flat out."""

    def __init__(
        self,
        path: str | os.PathLike[str],
        *,
        paced: bool,
        block_s: float = 0.1,
        loop: bool = False,
        channels: ChannelUse = "mix",
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        """Read `path` in blocks of `block_s` seconds, over and over with `loop`.

        `channels`: "mix" averages all channels into one stream, "split" keeps each as a stream.
        """
        if block_s <= 0:
            raise ValueError(f"block_s must be positive, not {block_s}")
        self.path = Path(path)
        self.folder = self.path.absolute().parent
        super().__init__(
            self.path.name,
            lambda: FileDecoder(self.path, block_s, channels),
            paced=paced,
            loop=loop,
            clock=clock,
        )
