"""Models' front ends: whatever the chunks, a window is what its audio alone would give."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from emolive.features import (
    AnyFrontEndSpec,
    LogMelSpec,
    StreamingLogMel,
    WaveformSpec,
    log_mel,
    model_input,
    normalize,
    open_front_end,
)
from emolive.types import FloatArray

WINDOW = 4_000
HEARD = LogMelSpec()
SPECS: list[AnyFrontEndSpec] = [
    HEARD,
    LogMelSpec(normalization="none"),
    LogMelSpec(n_mels=80, n_fft=512, hop_length=200),
    LogMelSpec(n_mels=40, win_length=512, hop_length=256),
    WaveformSpec(),
    WaveformSpec(normalization="window"),
]
NAMES = ["same", "same-raw", "80-bands", "another-grid", "waveform", "waveform-normalised"]
SIGNAL = (np.random.default_rng(0).standard_normal(12_000) * 0.1).astype(np.float32)


@settings(max_examples=30)
@given(
    spec=st.sampled_from(SPECS),
    sizes=st.lists(
        st.one_of(st.integers(0, 7), st.integers(100, 500), st.integers(1_000, 9_000)),
        min_size=1,
        max_size=12,
    ).filter(any),
    start=st.integers(0, 60).map(lambda steps: steps * HEARD.hop_length),
)
def test_streaming_equals_offline(spec: AnyFrontEndSpec, sizes: list[int], start: int) -> None:
    """After a gap that ends at `start`, in any chunks, the newest window is the right one."""
    mel = StreamingLogMel(HEARD, HEARD.n_frames(WINDOW) + 1 + spec.grid // HEARD.hop_length)
    front_end = open_front_end(spec, WINDOW, mel)
    for reset_at in (0, start):  # what was heard before the gap must leave nothing behind
        mel.reset()
        front_end.reset(reset_at)
        at = piece = 0
        checked = -1
        while at < len(SIGNAL):
            chunk = SIGNAL[at : at + sizes[piece % len(sizes)]]
            at, piece = at + len(chunk), piece + 1
            mel.accept(chunk)
            front_end.accept(chunk)
            newest = (reset_at + at - WINDOW) // spec.grid * spec.grid
            if newest == checked or newest < -(-reset_at // spec.grid) * spec.grid:
                continue
            checked = newest
            found = normalize(front_end.window(newest), spec)
            begin = newest - reset_at
            expected = model_input(SIGNAL[begin : begin + WINDOW], spec)
            assert found.shape == spec.window_shape(WINDOW)
            assert found.dtype == np.float32
            np.testing.assert_allclose(found, expected, rtol=0, atol=2e-5)


@pytest.mark.parametrize("spec", SPECS, ids=NAMES)
def test_windows_that_are_not_held_are_refused(spec: AnyFrontEndSpec) -> None:
    mel = StreamingLogMel(HEARD, HEARD.n_frames(WINDOW) + 1)
    front_end = open_front_end(spec, WINDOW, mel)
    for block in (SIGNAL[:5_000], SIGNAL[5_000:]):
        mel.accept(block)
        front_end.accept(block)
    newest = (len(SIGNAL) - WINDOW) // spec.grid * spec.grid
    front_end.window(newest)
    for start in (newest + 2 * spec.grid, newest + 1, newest - 3 * spec.grid, 0):
        with pytest.raises(IndexError):
            front_end.window(start)


def test_equal_frames_are_computed_once(monkeypatch: pytest.MonkeyPatch) -> None:
    computed: list[str] = []
    real = StreamingLogMel.accept

    def accept(self: StreamingLogMel, samples: FloatArray) -> FloatArray:
        computed.append(self.spec.normalization)
        return real(self, samples)

    monkeypatch.setattr(StreamingLogMel, "accept", accept)
    for spec, times in zip(SPECS, (1, 1, 2, 2, 1, 1), strict=True):
        mel = StreamingLogMel(HEARD, 60)
        front_end = open_front_end(spec, WINDOW, mel)
        computed.clear()
        mel.accept(SIGNAL[:800])
        front_end.accept(SIGNAL[:800])
        assert len(computed) == times, spec


def test_a_window_of_sound_is_a_copy() -> None:
    front_end = open_front_end(WaveformSpec(), WINDOW, StreamingLogMel(HEARD, 60))
    front_end.accept(SIGNAL[:WINDOW])
    window = front_end.window(0)
    front_end.accept(np.ones(WINDOW, np.float32))
    np.testing.assert_array_equal(window, SIGNAL[:WINDOW])


@pytest.mark.parametrize("gain_db", [-60, -20, 20])
def test_a_normalised_waveform_has_no_level(gain_db: float) -> None:
    spec = WaveformSpec(normalization="window")
    gain = np.float32(10 ** (gain_db / 20))
    found = model_input(SIGNAL * gain + np.float32(0.01), spec)
    assert found.dtype == np.float32
    assert abs(found.mean()) < 1e-4
    assert abs(found.std() - 1) < 1e-4
    np.testing.assert_allclose(found, model_input(SIGNAL, spec), atol=2e-3)
    assert not model_input(np.zeros(WINDOW, np.float32), spec).any()


def test_what_is_not_to_be_normalised_is_left_alone() -> None:
    np.testing.assert_array_equal(model_input(SIGNAL, WaveformSpec()), SIGNAL)
    raw = model_input(SIGNAL, LogMelSpec(normalization="none"))
    np.testing.assert_array_equal(raw, log_mel(SIGNAL, HEARD))
    np.testing.assert_allclose(normalize(raw, HEARD), model_input(SIGNAL, HEARD), atol=1e-6)


def test_windows_of_sound_lie_on_the_grid_of_the_usual_frames() -> None:
    assert WaveformSpec().grid == HEARD.grid == 160
