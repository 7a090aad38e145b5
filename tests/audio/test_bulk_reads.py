"""Several blocks at once are the same sound as one by one."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import soundfile as sf

from emolive.audio.array import ArraySource
from emolive.audio.call import CallFiles
from emolive.audio.decoded import DecodedSource
from emolive.audio.files import FileSource
from emolive.audio.ring import SampleRing
from emolive.audio.source import SourceState
from tests.audio.encoded import RATE, speech

Opens = Callable[[Path, Callable[[], float]], DecodedSource]


def call_files(folder: Path, clock: Callable[[], float]) -> DecodedSource:
    return CallFiles(folder / "a.wav", folder / "b.wav", paced=True, clock=clock)


def file(folder: Path, clock: Callable[[], float]) -> DecodedSource:
    return FileSource(folder / "b.wav", paced=True, channels="split", clock=clock)


@pytest.mark.parametrize("opens", [call_files, file])
@pytest.mark.parametrize("away_s", [0.03, 0.25, 1.0, 9.0])
def test_a_player_that_was_away_plays_the_same(tmp_path: Path, opens: Opens, away_s: float) -> None:
    said = speech(10.25)
    sf.write(tmp_path / "a.wav", said, RATE)
    sf.write(tmp_path / "b.wav", np.interp(np.arange(82_000) / 8_000, np.arange(len(said)) / RATE,
             said), 8_000)  # fmt: skip
    now = [0.0]
    source = opens(tmp_path, lambda: now[0])
    about = source.open()
    ring = SampleRing(30 * about.sampling_rate, len(about.streams))
    source.start(ring)
    while source.pump(ring):
        # Nothing is played before its time, and no more than a block is left to play.
        assert -1e-6 < now[0] - ring.written / about.sampling_rate < 0.1 + 1e-6
        now[0] += away_s
    assert source.status().state is SourceState.ENDED
    whole = opens(tmp_path, lambda: 0.0)
    whole.paced = False
    whole.open()
    other = SampleRing(ring.capacity, ring.channels)
    while whole.pump(other):
        pass
    assert ring.written == other.written
    np.testing.assert_array_equal(ring.read(0).samples, other.read(0).samples)
    source.close()
    whole.close()


def test_an_array_comes_in_whole_blocks() -> None:
    source = ArraySource(np.arange(1000, dtype=np.float32), 1000, block_s=0.1)
    source.open()
    decoder = source._opened()
    sizes = [0 if block is None else len(block) for block in map(decoder.read, (0, 250, 99, 900))]
    assert sizes == [100, 200, 100, 600]
    source.close()
