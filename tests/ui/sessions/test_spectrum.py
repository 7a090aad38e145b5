from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import soundfile as sf
import soxr
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from pytestqt.qtbot import QtBot

from emolive.errors import AudioFileError
from emolive.features import LogMelSpec, log_mel
from emolive.history.model import SPECTROGRAM_LEVELS
from emolive.history.spectrum_tiles import (
    EXACT_LEVEL,
    TILE_COLUMNS,
    ByteArray,
    SpectrumReader,
    TileKey,
    level_for,
)
from emolive.types import FloatArray
from emolive.ui.sessions.tiles import SpectrogramTiles
from tests.ui.stored_sessions import RATE, demo

SPEC = LogMelSpec()


def whole(samples: FloatArray) -> ByteArray:
    """All frames as bytes."""
    floor, ceiling = SPECTROGRAM_LEVELS
    scaled = (log_mel(samples, SPEC) - floor) * 255.0 / (ceiling - floor)
    return np.clip(scaled, 0, 255).astype(np.uint8)


@pytest.fixture(scope="module")
def speech() -> FloatArray:
    return demo().samples


@pytest.fixture(scope="module")
def flac(tmp_path_factory: pytest.TempPathFactory, speech: FloatArray) -> Path:
    path = tmp_path_factory.mktemp("audio") / "a.flac"
    sf.write(path, speech, RATE, subtype="PCM_24")
    return path


def test_tiles_are_the_frames_of_the_whole_file(flac: Path, speech: FloatArray) -> None:
    reader = SpectrumReader(flac, SPEC)
    frames = whole(sf.read(flac, dtype="float32")[0])
    n = frames.shape[1]
    assert reader.n_frames >= n
    for index in range(n // TILE_COLUMNS):
        tile = reader.tile(TileKey(0, index))
        expected = frames[:, index * TILE_COLUMNS : (index + 1) * TILE_COLUMNS].astype(int)
        assert np.abs(tile - expected).max() <= 1  # rounding at a byte's edge
        assert (tile == expected).mean() > 0.999
    last = reader.tile(TileKey(0, n // TILE_COLUMNS))
    rest = n % TILE_COLUMNS
    assert np.abs(last[:, :rest].astype(int) - frames[:, n - rest :]).max() <= 1
    assert not last[:, rest:].any()
    reader.close()
    assert speech.size


@pytest.mark.parametrize("level", range(1, EXACT_LEVEL + 1))
def test_coarser_tiles_show_the_loudest_of_their_frames(
    flac: Path, speech: FloatArray, level: int
) -> None:
    reader = SpectrumReader(flac, SPEC)
    tile = reader.tile(TileKey(level, 0))
    frames = whole(speech)[:, : TILE_COLUMNS << level]
    full = frames.shape[1] >> level
    expected = frames[:, : full << level].reshape(SPEC.n_mels, full, 1 << level).max(axis=2)
    assert np.abs(tile[:, :full].astype(int) - expected).max() <= 1  # 24 bits against floats
    reader.close()


def test_the_coarsest_tiles_look_into_the_middle_of_each_column(
    flac: Path, speech: FloatArray
) -> None:
    reader = SpectrumReader(flac, SPEC)
    level = EXACT_LEVEL + 3
    tile = reader.tile(TileKey(level, 0))
    frames = whole(speech)
    width, look = 1 << level, 1 << EXACT_LEVEL
    middle = 2 * width + (width - look) // 2
    expected = frames[:, middle : middle + look].max(axis=1)
    assert np.abs(tile[:, 2].astype(int) - expected).max() <= 1
    assert not tile[:, frames.shape[1] // width + 2 :].any()
    reader.close()


def test_audio_of_another_rate_gives_the_same_picture(tmp_path: Path, speech: FloatArray) -> None:
    path = tmp_path / "native.flac"
    sf.write(path, soxr.resample(speech, RATE, 48_000), 48_000, subtype="PCM_24")
    reader = SpectrumReader(path, SPEC)
    frames = whole(speech)
    for index in (3, 11, 21):
        tile = reader.tile(TileKey(0, index)).astype(int)
        part = frames[:, index * TILE_COLUMNS : (index + 1) * TILE_COLUMNS].astype(int)
        # The resampler takes the top of the band away; below it a level is 0.3 dB.
        loud = part[:110] > 60
        assert np.abs(tile[:110] - part[:110])[loud].mean() < 1.0
    reader.close()


@given(per_column=st.floats(0.01, 1e6))
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_a_column_of_a_tile_is_at_most_a_column_of_the_screen(per_column: float) -> None:
    width = 1 << level_for(per_column)
    assert width <= max(1.0, per_column) < 2 * width


def test_a_file_that_is_no_audio_is_one_sentence(tmp_path: Path) -> None:
    path = tmp_path / "a.flac"
    path.write_text("no audio at all")
    with pytest.raises(AudioFileError, match=r"a\.flac cannot be read"):
        SpectrumReader(path, SPEC)


def test_columns_never_wait_and_fill_in(qtbot: QtBot, flac: Path, speech: FloatArray) -> None:
    tiles = SpectrogramTiles(flac, SPEC, len(speech) / RATE)
    edges = np.arange(0, 2001, 2, dtype=np.int64)
    assert not tiles.columns(edges).any()
    with qtbot.waitSignal(tiles.arrived):
        pass
    expected = whole(speech)[:, :2000].reshape(SPEC.n_mels, 1000, 2).max(axis=2)
    qtbot.waitUntil(
        lambda: bool(np.abs(tiles.columns(edges).astype(int) - expected).max() <= 1),
        timeout=60_000,
    )
    assert tiles.close()


def test_a_finer_view_shows_the_coarse_picture_until_its_own_is_there(
    qtbot: QtBot, flac: Path, speech: FloatArray
) -> None:
    tiles = SpectrogramTiles(flac, SPEC, len(speech) / RATE)
    coarse = np.arange(0, 4097, 16, dtype=np.int64)
    tiles.columns(coarse)
    qtbot.waitUntil(lambda: bool(tiles.columns(coarse).any()))
    assert tiles.close()
    # Nothing finer can come any more, yet there is a picture.
    assert tiles.columns(np.arange(1000, 1101, dtype=np.int64)).any()


def test_what_lies_outside_the_session_is_empty(qtbot: QtBot, flac: Path) -> None:  # noqa: ARG001
    tiles = SpectrogramTiles(flac, SPEC, 10.0)
    assert not tiles.columns(np.arange(-50, 1, dtype=np.int64)).any()
    assert not tiles.columns(np.arange(1000, 1100, dtype=np.int64)).any()
    assert tiles.complete
    assert tiles.close()


def test_audio_that_is_gone_is_told_once(qtbot: QtBot, tmp_path: Path) -> None:
    tiles = SpectrogramTiles(tmp_path / "gone.flac", SPEC, 10.0)
    with qtbot.waitSignal(tiles.broken) as told:
        tiles.columns(np.arange(0, 500, dtype=np.int64))
    assert "gone.flac cannot be read" in told.args[0]
    assert tiles.close()
