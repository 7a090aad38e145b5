"""The voice tracks of a stream, piece by piece, as far as they are measured."""

from __future__ import annotations

from collections import OrderedDict

import numpy as np

from emolive.explain.voice_tracks import PER_CHUNK, Track
from emolive.types import FloatArray

# Eight hours at 12 kB a piece.
_KEPT = 5_760
# Of pieces before those that came last, every so many columns are kept (see `whole`).
_THINNED = 5


class VoiceTiles:
    """Pieces of `CHUNK_S`, and what is known of those that are still being heard.

    At most `_KEPT` pieces are kept; overflow policy: those not used for longest go. With `whole`,
    only so many of them have all their columns, older ones every fifth: an hour in full and seven
    in part take 21 MB.
    """

    def __init__(self, whole: int | None = None) -> None:
        """Empty; `whole` pieces with all columns (None: all)."""
        self._whole = whole
        self._tiles: OrderedDict[int, FloatArray] = OrderedDict()
        self._drafts: set[int] = set()

    def put(self, key: int, tile: FloatArray) -> None:
        """Enter a piece, float32 ``(len(Track), PER_CHUNK)``."""
        self._drafts.discard(key)
        self._keep(key, tile)
        if self._whole is not None and (old := self._tiles.get(key - self._whole)) is not None:
            # A copy: a view would keep the whole of it alive.
            self._tiles[key - self._whole] = old[:, _THINNED // 2 :: _THINNED].copy()

    def draft(self, first: int, tracks: FloatArray) -> None:
        """Enter columns from `first` on that hold until their piece comes."""
        for key in range(first // PER_CHUNK, (first + tracks.shape[1] - 1) // PER_CHUNK + 1):
            if key in self._tiles and key not in self._drafts:
                continue
            tile = self._tiles.get(key)
            if tile is None:
                tile = np.full((len(Track), PER_CHUNK), np.nan, np.float32)
                self._drafts.add(key)
                self._keep(key, tile)
            at = first - key * PER_CHUNK
            start, stop = max(0, at), min(PER_CHUNK, at + tracks.shape[1])
            tile[:, start:stop] = tracks[:, start - at : stop - at]

    def missing(self, first: int, last: int) -> list[int]:
        """The pieces of columns ``[first, last)`` that are not there."""
        keys = range(first // PER_CHUNK, (last - 1) // PER_CHUNK + 1) if first < last else ()
        return [key for key in keys if key not in self._tiles]

    def cells(self, first: int, last: int, every: int = 1) -> FloatArray:
        """Columns ``first, first + every, ... < last``, float32 ``(len(Track), n)``."""
        wanted = np.arange(first, max(first, last), every)
        found = np.full((len(Track), wanted.size), np.nan, np.float32)
        keys = wanted // PER_CHUNK
        for key in np.unique(keys).tolist():
            tile = self._tiles.get(key)
            if tile is not None:
                self._tiles.move_to_end(key)
                a, b = np.searchsorted(keys, (key, key + 1))
                inside = wanted[a:b] - key * PER_CHUNK
                found[:, a:b] = tile[:, inside // (PER_CHUNK // tile.shape[1])]
        return found

    def _keep(self, key: int, tile: FloatArray) -> None:
        self._tiles[key] = tile
        self._tiles.move_to_end(key)
        while len(self._tiles) > _KEPT:
            gone, _ = self._tiles.popitem(last=False)
            self._drafts.discard(gone)
