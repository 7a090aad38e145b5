from __future__ import annotations

import numpy as np
import pytest

from emolive.features import LogMelSpec
from emolive.features.mel import apply_mel, mel_filter_bank


@pytest.mark.parametrize(
    "spec",
    [
        LogMelSpec(),
        LogMelSpec(n_mels=1),
        LogMelSpec(n_mels=40, f_min=0.0),
        LogMelSpec(n_mels=128, n_fft=400),  # some filters lie between two bins
        LogMelSpec(sampling_rate=8_000, f_max=4_000.0, n_mels=64),
    ],
    ids=["default", "one", "forty", "empty-filters", "8-kHz"],
)
def test_summing_runs_equals_the_matrix_product(spec: LogMelSpec) -> None:
    bank = mel_filter_bank(spec)
    rng = np.random.default_rng(0)
    power = (rng.random((7, spec.n_fft // 2 + 1)) ** 8).astype(np.float32)
    found = apply_mel(power, spec)
    assert found.shape == (7, spec.n_mels)
    np.testing.assert_allclose(found, power @ bank, rtol=1e-5, atol=1e-12)


def test_the_bank_is_shared_and_cannot_be_spoilt() -> None:
    bank = mel_filter_bank(LogMelSpec())
    assert bank is mel_filter_bank(LogMelSpec())
    with pytest.raises(ValueError, match="read-only"):
        bank[0, 0] = 1.0


def test_every_filter_is_a_triangle_of_height_one_at_most() -> None:
    bank = mel_filter_bank(LogMelSpec())
    assert bank.any(axis=0).all()
    assert bank.max() <= 1.0
    for band in bank.T:
        inside = band[band > 0]
        rises = np.diff(inside) > 0
        assert (rises[:-1] >= rises[1:]).all()  # up, then down
