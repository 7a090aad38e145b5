"""Augmentations do what their names say, measured on signals with known answers."""

from __future__ import annotations

import numpy as np
import pytest

pytest.importorskip("torch", reason="needs the training extra")

from emolive.features import LogMelSpec, log_mel
from training.augmentation import (
    add_noise,
    add_room,
    change_speed,
    colour_log_mel,
    mix_by_energy,
    overdrive,
    spec_augment,
    stretch_frames,
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


def test_pitch_moves_and_the_length_stays() -> None:
    """As the data set does it: play faster, then stretch the frames back."""
    spec = LogMelSpec()
    plain = log_mel(tone(500, 2.0), spec)
    tempo = 2 ** (2 / 12)
    higher = stretch_frames(log_mel(change_speed(tone(500, 2.0), tempo, RATE), spec), 198)
    assert higher.shape == (spec.n_mels, 198)
    moved = int(higher.mean(axis=1).argmax()) - int(plain.mean(axis=1).argmax())
    expected = log_mel(tone(500 * tempo, 2.0), spec).mean(axis=1).argmax()
    assert moved > 0
    assert abs(int(higher.mean(axis=1).argmax()) - int(expected)) <= 1


def test_stretching_interpolates_between_frames() -> None:
    ramp = np.arange(5, dtype=np.float32)[None]
    np.testing.assert_allclose(stretch_frames(ramp, 9)[0], np.arange(9) / 2, rtol=1e-6)
    np.testing.assert_allclose(stretch_frames(ramp, 3)[0], [0, 2, 4], rtol=1e-6)


def test_lost_packets_repeat_the_one_before_at_half_its_level() -> None:
    audio = tone(1_000)
    packets = RATE // 2 // 160
    lost = np.zeros(packets, dtype=bool)
    lost[[0, 20, 21]] = True
    whole, gap = telephone(audio, RATE), telephone(audio, RATE, lost)

    def level(signal: np.ndarray, packet: int) -> float:
        return float(np.std(signal[packet * 320 + 40 : (packet + 1) * 320 - 40]))

    assert gap.size == whole.size
    assert level(gap, 20) == pytest.approx(0.5 * level(whole, 19), rel=0.1)
    assert level(gap, 21) == pytest.approx(0.25 * level(whole, 19), rel=0.15)
    for packet in (1, 10, 30):
        assert level(gap, packet) == pytest.approx(level(whole, packet), rel=0.05)


def test_energy_mixup_shares_the_label_as_it_shares_the_energy() -> None:
    speech, other = tone(300), 3 * tone(700)
    for snr_db, share in ((0.0, 0.5), (10.0, 10 / 11), (-10.0, 1 / 11)):
        mixed, kept = mix_by_energy(speech, other, snr_db)
        assert kept == pytest.approx(share)
        added = mixed - speech
        ratio = np.mean(speech**2) / (np.mean(speech**2) + np.mean(added**2))
        assert ratio == pytest.approx(share, rel=1e-3)


def test_energy_mixup_with_silence_keeps_the_label() -> None:
    mixed, kept = mix_by_energy(tone(300), np.zeros(RATE, np.float32), 0.0)
    assert kept == 1.0
    np.testing.assert_array_equal(mixed, tone(300))
