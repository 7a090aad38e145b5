"""What is kept of a voice over a day of listening, and how it is read."""

from __future__ import annotations

import numpy as np

from emolive.explain.voice_tiles import VoiceTiles
from emolive.explain.voice_tracks import CHUNK_S, PER_CHUNK, Track
from tests.memory import array_bytes

N = len(Track)


def tile(value: float) -> np.ndarray:
    """Columns ``value + 0.001 * i``, the same in all rows."""
    return np.tile(value + 0.001 * np.arange(PER_CHUNK, dtype=np.float32), (N, 1))


def test_columns_are_read_across_pieces_and_thinned_out() -> None:
    tiles = VoiceTiles()
    tiles.put(0, tile(0.0))
    tiles.put(2, tile(2.0))
    assert tiles.missing(0, 3 * PER_CHUNK) == [1]
    found = tiles.cells(PER_CHUNK - 2, 2 * PER_CHUNK + 2)
    assert found.shape == (N, PER_CHUNK + 4)
    np.testing.assert_allclose(found[0, :2], [0.498, 0.499], atol=1e-6)
    assert np.isnan(found[:, 2:-2]).all()
    np.testing.assert_allclose(found[0, -2:], [2.0, 2.001], atol=1e-6)
    np.testing.assert_allclose(tiles.cells(0, 10, 4)[0], [0.0, 0.004, 0.008], atol=1e-6)
    assert tiles.cells(5, 5).shape == (N, 0)


def test_a_draft_holds_until_its_piece_comes() -> None:
    tiles = VoiceTiles()
    tiles.draft(PER_CHUNK - 10, np.full((N, 30), 7.0, np.float32))
    assert (tiles.cells(PER_CHUNK - 10, PER_CHUNK + 20) == 7.0).all()
    assert np.isnan(tiles.cells(PER_CHUNK + 20, PER_CHUNK + 21)).all()
    tiles.put(0, tile(0.0))
    assert tiles.cells(PER_CHUNK - 1, PER_CHUNK)[0, 0] < 1
    tiles.draft(PER_CHUNK - 10, np.full((N, 30), 8.0, np.float32))
    assert tiles.cells(PER_CHUNK - 1, PER_CHUNK)[0, 0] < 1
    assert tiles.cells(PER_CHUNK, PER_CHUNK + 1)[0, 0] == 8.0


def test_eight_hours_take_a_few_megabytes() -> None:
    tiles = VoiceTiles(whole=round(3600 / CHUNK_S))
    hours = round(9 * 3600 / CHUNK_S)
    for key in range(hours):
        tiles.put(key, np.full((N, PER_CHUNK), key, np.float32))
    assert array_bytes(tiles) < 22e6
    newest = (hours - 1) * PER_CHUNK
    assert (tiles.cells(newest, newest + PER_CHUNK) == hours - 1).all()
    old = round(2 * 3600 / CHUNK_S)
    assert (tiles.cells(old * PER_CHUNK, (old + 1) * PER_CHUNK) == old).all()
    assert np.isnan(tiles.cells(0, PER_CHUNK)).all()


def test_an_older_piece_is_what_it_was_within_a_fortieth_of_a_second() -> None:
    tiles = VoiceTiles(whole=1)
    tiles.put(0, tile(0.0))
    tiles.put(1, tile(1.0))
    apart = np.abs(tiles.cells(0, PER_CHUNK) - tile(0.0))
    assert 0 < apart.max() < 0.0025
