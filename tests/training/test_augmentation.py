"""Augmentations do what their names say, measured on signals with known answers."""

from __future__ import annotations

import numpy as np
import pytest

pytest.importorskip("torch", reason="needs the training extra")

from training.augmentation import (
    add_noise,
    add_room,
    change_speed,
    colour_log_mel,
    overdrive,
    spec_augment,
    telephone,
)
from training.recipe import Augmentation

RATE = 16_000


def tone(frequency: float, seconds: float = 1.0) -> np.ndarray:
    t = np.arange(int(seconds * RATE)) / RATE
    return (0.3 * np.sin(2 * np.pi * frequency * t)).astype(np.float32)


def peak_frequency(audio: np.ndarray) -> float:
    return float(np.argmax(np.abs(np.fft.rfft(audio))) * RATE / audio.size)


@pytest.mark.parametrize("snr_db", [20.0, 10.0, 0.0])
def test_noise_is_added_at_the_asked_snr(snr_db: float) -> None:
    speech = tone(300)
    noise = np.random.default_rng(0).normal(0, 0.01, 5_000).astype(np.float32)
    mixed = add_noise(speech, noise, snr_db)
    measured = 10 * np.log10(np.mean(speech**2) / np.mean((mixed - speech) ** 2))
    assert measured == pytest.approx(snr_db, abs=0.1)


def test_faster_is_shorter_and_higher() -> None:
    fast = change_speed(tone(400), 1.1, RATE)
    assert fast.size == pytest.approx(RATE / 1.1, rel=0.01)
    assert peak_frequency(fast) == pytest.approx(440, abs=5)


def test_telephone_keeps_the_band_and_removes_the_rest() -> None:
    for frequency, passes in ((80, False), (1_000, True), (6_000, False)):
        level = np.std(telephone(tone(frequency) + tone(1_500), RATE)[4_000:12_000])
        alone = np.std(telephone(tone(1_500), RATE)[4_000:12_000])
        spectrum = np.abs(np.fft.rfft(telephone(tone(frequency) + tone(1_500), RATE)))
        share = spectrum[round(frequency)] / spectrum[1_500]
        assert (share > 0.7) == passes
        assert level > 0
        assert alone > 0
    assert telephone(tone(1_000), RATE).size == RATE


def test_room_adds_a_tail_behind_the_sound() -> None:
    click = np.zeros(RATE, np.float32)
    click[1_000] = 1.0
    wet = add_room(click, np.random.default_rng(1), RATE)
    assert wet.size == click.size
    assert np.abs(wet[:990]).max() < 1e-6
    assert np.abs(wet[1_010:2_500]).sum() > 0


def test_overdrive_clips() -> None:
    driven = overdrive(tone(200), np.random.default_rng(0))
    assert np.abs(driven).max() < 0.3
    assert np.mean(np.abs(driven) == np.abs(driven).max()) > 0.1


def test_masks_hide_no_more_than_asked() -> None:
    settings = Augmentation(
        frequency_masks=1, frequency_mask_bands=10, time_masks=1, time_mask_frames=20
    )
    clean = np.ones((128, 298), np.float32)
    for seed in range(20):
        masked = spec_augment(clean, settings, np.random.default_rng(seed))
        rows, columns = (masked == 0).all(axis=1).sum(), (masked == 0).all(axis=0).sum()
        assert rows <= 10
        assert columns <= 20
    assert (clean == 1).all()


def test_microphone_colour_changes_bands_alike_over_time() -> None:
    settings = Augmentation(microphone_db=3.0)
    coloured = colour_log_mel(np.zeros((128, 50), np.float32), settings, np.random.default_rng(0))
    assert np.ptp(coloured, axis=1).max() == 0
    assert np.ptp(coloured[:, 0]) > 0
