"""Whole batches of audio on one device: cut, mixed and disturbed with torch.

What `training.augmentation` does to one clip on a processor core, done to a batch at once, so that
a graphics card is not kept waiting. Everything is drawn from one generator, seeded per batch.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
import numpy.typing as npt
import torch

from emolive.features import LogMelSpec
from emolive.features.mel import hann_window, mel_filter_bank
from training.cache import AudioCache, CachedClip
from training.recipe import Augmentation

RATE = 16_000
_SPEEDS = 5  # a batch is played at this many speeds
_PACKET_S = 0.02
_TAIL_S = 0.7
_KNOTS = 6  # of a microphone's frequency response
_NEPERS_PER_DB = math.log(10.0) / 10.0


class Chance:
    """What is random about a batch: `host` decides what to cut, the device draws the rest.

    Nothing drawn on the device is read back, so the processor runs ahead of a graphics card.
    """

    def __init__(self, seed: int, device: torch.device) -> None:
        self.host = np.random.default_rng(seed)
        self._generator = torch.Generator(device).manual_seed(seed)

    def uniform(self, *shape: int, between: tuple[float, float] = (0.0, 1.0)) -> torch.Tensor:
        """Evenly distributed, on the device."""
        low, high = between
        device = self._generator.device
        return low + (high - low) * torch.rand(shape, generator=self._generator, device=device)

    def normal(self, *shape: int) -> torch.Tensor:
        """Normally distributed, on the device."""
        return torch.randn(shape, generator=self._generator, device=self._generator.device)


class Waveforms:
    """The audio of a cache on a device, from which windows are cut.

    On a processor the memory-mapped file itself; on a graphics card a copy of it (int16).
    """

    def __init__(self, cache: AudioCache, device: torch.device) -> None:
        self.device = device
        self._audio = torch.from_numpy(cache.audio).to(device)

    def cut(
        self, clips: Sequence[CachedClip], positions: npt.NDArray[np.floating], n_samples: int
    ) -> torch.Tensor:
        """Windows of clips, float32 ``(batch, n_samples)``; zeros around a shorter clip.

        `positions` in [0, 1] moves the cut, or a short clip inside its padding; 0.5 centres.
        """
        lengths = np.array([c.length for c in clips])
        starts = np.round((lengths - n_samples) * positions).astype(np.int64)
        where = np.stack([[c.offset for c in clips], lengths, starts])[..., None]
        offset, length, start = torch.from_numpy(where).to(self.device, non_blocking=True)
        index = start + torch.arange(n_samples, device=self.device)
        inside = (index >= 0) & (index < length)
        samples = self._audio[(offset + index).clamp_(0, self._audio.numel() - 1)]
        window: torch.Tensor = (samples.float() / 32768) * inside
        return window


def rfft(x: torch.Tensor, n: int | None = None) -> torch.Tensor:
    """Its spectrum, complex64 ``(batch, n // 2 + 1)``."""
    spectrum: torch.Tensor = torch.fft.rfft(x, n)
    return spectrum


def irfft(spectrum: torch.Tensor, n: int) -> torch.Tensor:
    """The ``(batch, n)`` that has this spectrum."""
    x: torch.Tensor = torch.fft.irfft(spectrum, n)
    return x


def resample(x: torch.Tensor, n_samples: int) -> torch.Tensor:
    """Band-limited: the same sound in `n_samples` samples, so faster or slower."""
    if n_samples == x.shape[1]:
        return x
    wide = torch.zeros(x.shape[0], n_samples // 2 + 1, dtype=torch.complex64, device=x.device)
    spectrum = rfft(x)
    kept = min(wide.shape[1], spectrum.shape[1])
    wide[:, :kept] = spectrum[:, :kept]
    return irfft(wide, n_samples) * (n_samples / x.shape[1])


def level(x: torch.Tensor) -> torch.Tensor:
    """Root mean square of each row, ``(batch, 1)``, never 0."""
    return x.square().mean(1, keepdim=True).sqrt().clamp_min(1e-5)


def telephone(x: torch.Tensor, lost: torch.Tensor | None = None) -> torch.Tensor:
    """A narrow-band line: 300-3,400 Hz, 8 kHz, G.711 mu-law; `lost` packets are halved repeats.

    Args:
        x: ``(batch, n)`` at 16 kHz.
        lost: bool ``(batch, packets of 20 ms)``, or None.
    """
    n = x.shape[1]
    frequencies = torch.linspace(0, RATE / 2, n // 2 + 1, device=x.device)
    # A fourth-order Butterworth band-pass, without its phase.
    low, high = (300 / frequencies.clamp_min(1e-3)) ** 8, (frequencies / 3400) ** 8
    spectrum = rfft(x) / ((1 + low) * (1 + high)).sqrt()
    narrow = irfft(spectrum[:, : n // 4 + 1], n // 2) / 2
    scale = narrow.abs().amax(1, keepdim=True).clamp_min(1e-6) * 2
    y = narrow / scale
    compressed = y.sign() * torch.log1p(255 * y.abs()) / math.log(256)
    quantised = (compressed * 127).round() / 127
    y = quantised.sign() * torch.expm1(quantised.abs() * math.log(256)) / 255
    if lost is not None:
        packet = round(_PACKET_S * RATE / 2)
        packets = y[:, : y.shape[1] // packet * packet].reshape(len(y), -1, packet)
        gone = lost[:, 1 : packets.shape[1], None]
        heard = torch.where(gone, 0.5 * packets[:, :-1], packets[:, 1:])
        y = torch.cat([packets[:, :1], heard], dim=1).flatten(1)
    y = torch.nn.functional.pad(y, (0, n // 2 - y.shape[1]))
    return resample(y * scale, n)


def _room(x: torch.Tensor, chance: Chance) -> torch.Tensor:
    """Convolve with exponentially decaying noise behind a direct path (RT60 0.15-0.7 s)."""
    n = round(_TAIL_S * RATE)
    rt60 = chance.uniform(len(x), 1, between=(0.15, _TAIL_S))
    direct_db = chance.uniform(len(x), 1, between=(0.0, 12.0))
    time = torch.arange(n, device=x.device) / RATE
    tail = chance.normal(len(x), n) * torch.exp(-6.9 * time / rt60)
    tail = tail / tail.square().sum(1, keepdim=True).sqrt() * 10 ** (-direct_db / 20)
    tail[:, 0] = 1.0
    size = x.shape[1] + n
    return irfft(rfft(x, size) * rfft(tail, size), size)[:, : x.shape[1]]


class Disturber:
    """Rooms, noise, microphones and lines for whole batches; see `Augmentation`."""

    def __init__(
        self, settings: Augmentation, waveforms: Waveforms, noise: Sequence[CachedClip]
    ) -> None:
        self._settings, self._waveforms, self._noise = settings, waveforms, tuple(noise)

    def cut(self, clips: Sequence[CachedClip], n_samples: int, chance: Chance) -> torch.Tensor:
        """Random windows of clips, some of them played faster or slower."""
        settings = self._settings
        positions = chance.host.random(len(clips))
        factors = np.linspace(*settings.speed_range, _SPEEDS)
        speeds = chance.host.choice(factors, len(clips))
        speeds[chance.host.random(len(clips)) >= settings.speed] = 1.0
        windows = torch.empty(len(clips), n_samples, device=self._waveforms.device)
        for speed in np.unique(speeds):
            rows = np.flatnonzero(speeds == speed)
            cut = self._waveforms.cut(
                [clips[i] for i in rows.tolist()], positions[rows], round(n_samples * speed)
            )
            windows[rows] = resample(cut, n_samples)
        return windows

    def __call__(self, x: torch.Tensor, chance: Chance) -> torch.Tensor:
        """Disturb ``(batch, n)``, each row with its own luck."""
        settings = self._settings

        def chosen(share: float) -> torch.Tensor:
            return chance.uniform(len(x), 1) < share

        if settings.room:
            x = torch.where(chosen(settings.room), _room(x, chance), x)
        if settings.noise:
            snr_db = chance.uniform(len(x), 1, between=settings.snr_db)
            noise = self._background(x, chance)
            noise = noise * (level(x) / level(noise)) * 10 ** (-snr_db / 20)
            x = torch.where(chosen(settings.noise), x + noise, x)
        if settings.overdrive:
            peak = x.abs().amax(1, keepdim=True) * chance.uniform(len(x), 1, between=(0.3, 0.9))
            x = torch.where(chosen(settings.overdrive), x.clamp(-peak, peak), x)
        if settings.microphone_db:
            x = self._microphone(x, chance)
        if settings.telephone:
            packets = round(x.shape[1] / RATE / _PACKET_S)
            lost = chance.uniform(len(x), packets) < settings.packet_loss
            x = torch.where(chosen(settings.telephone), telephone(x, lost), x)
        return x

    def _background(self, x: torch.Tensor, chance: Chance) -> torch.Tensor:
        """Recorded noise for about half of the rows, noise of a random colour for the others."""
        batch, n = x.shape
        slope = chance.uniform(batch, 1, between=(0.0, 2.0))  # white to brown
        spectrum = rfft(chance.normal(batch, n))
        frequency = torch.arange(1, spectrum.shape[1] + 1, device=x.device)
        coloured = irfft(spectrum / frequency ** (slope / 2), n)
        if not self._noise:
            return coloured
        clips = [self._noise[i] for i in chance.host.integers(len(self._noise), size=batch)]
        recorded = self._waveforms.cut(clips, chance.host.random(batch), n)
        real = chance.uniform(batch, 1) < 0.6
        return torch.where(real & (level(recorded) > 1e-4), recorded, coloured)

    def _microphone(self, x: torch.Tensor, chance: Chance) -> torch.Tensor:
        """A smooth random frequency response."""
        spectrum = rfft(x)
        knots = chance.normal(len(x), 1, _KNOTS) * self._settings.microphone_db
        curve = torch.nn.functional.interpolate(
            knots, spectrum.shape[1], mode="linear", align_corners=True
        )
        return irfft(spectrum * 10 ** (curve[:, 0] / 20), x.shape[1])


def mix(x: torch.Tensor, order: torch.Tensor, share: float) -> torch.Tensor:
    """Each row with the one at `order` under it, as loud as it was: ``share : 1 - share``."""
    even = x / level(x)
    return share * even + (1 - share) * even[order]


def mix_by_energy(
    x: torch.Tensor, other: torch.Tensor, settings: Augmentation, chance: Chance
) -> tuple[torch.Tensor, torch.Tensor]:
    """Energy-adaptive mixup (MLL, arXiv 2512.04551): `other`'s row at a random SNR below.

    A stretch of random length and place is mixed in, as published.

    Returns:
        The mixtures, and the share of the energy of the whole, and so of the label, that is each
        row's own, ``(batch, 1)``; 1 where nothing was mixed in.
    """
    batch, n = x.shape
    snr_db = chance.uniform(batch, 1, between=settings.energy_mixup_db)
    length = chance.uniform(batch, 1, between=(0.3, 1.0))
    begin = chance.uniform(batch, 1) * (1 - length)
    place = torch.arange(n, device=x.device) / n
    inside = (place >= begin) & (place < begin + length)
    mixed = (chance.uniform(batch, 1) < settings.energy_mixup) & (level(other) > 1e-4)
    other = other * (level(x) / level(other)) * 10 ** (-snr_db / 20) * (inside & mixed)
    own, added = x.square().sum(1, keepdim=True), other.square().sum(1, keepdim=True)
    share = torch.where(mixed, own / (own + added).clamp_min(1e-9), torch.ones_like(own))
    return x + other, share


def frames(x: torch.Tensor, length: int, hop: int) -> torch.Tensor:
    """Overlapping frames of ``(batch, n)``: ``(batch, n_frames, length)``.

    Made of blocks of a hop side by side, so that a transform of them is one matrix product, which
    every processor is good at.
    """
    count, pieces = 1 + (x.shape[1] - length) // hop, -(-length // hop)
    used = (count - 1 + pieces) * hop
    blocks = torch.nn.functional.pad(x, (0, max(0, used - x.shape[1])))[:, :used]
    blocks = blocks.reshape(-1, count - 1 + pieces, hop)
    parts = [blocks[:, i : i + count, : length - i * hop] for i in range(pieces)]
    return torch.cat(parts, dim=2)


class LogMel(torch.nn.Module):
    """`emolive.features`' normalised log-mel of whole batches."""

    kernels: torch.Tensor
    bank: torch.Tensor

    def __init__(self, spec: LogMelSpec) -> None:
        super().__init__()
        self.spec = spec
        angle = (2 * math.pi / spec.n_fft) * np.outer(
            np.arange(spec.n_fft // 2 + 1), np.arange(spec.win_length)
        )
        window = hann_window(spec.win_length).astype(np.float64)
        kernels = np.concatenate([np.cos(angle) * window, -np.sin(angle) * window])
        kernel = torch.from_numpy(kernels.T.astype(np.float32).copy())
        self.register_buffer("kernels", kernel, persistent=False)
        bank = torch.from_numpy(mel_filter_bank(spec).copy())
        self.register_buffer("bank", bank, persistent=False)

    def forward(self, waveform: torch.Tensor) -> torch.Tensor:
        """``(batch, n_samples)`` to ``(batch, n_mels, n_frames)``."""
        spec = self.spec
        with torch.autocast(waveform.device.type, enabled=False):
            x = frames(waveform.float(), spec.win_length, spec.hop_length)
            real, imaginary = (x @ self.kernels.float()).chunk(2, dim=2)
            mel = (real * real + imaginary * imaginary) @ self.bank.float()
            log = mel.transpose(1, 2).clamp_min(spec.log_floor).log()
            floor = log.amax((1, 2), keepdim=True) - spec.dynamic_range_db * _NEPERS_PER_DB
            log = torch.maximum(log, floor)
            centred = log - log.mean((1, 2), keepdim=True)
            deviation = centred.square().mean((1, 2), keepdim=True).sqrt()
            return centred / deviation.clamp_min(1e-6)


def mask(x: torch.Tensor, settings: Augmentation, chance: Chance) -> torch.Tensor:
    """A shift along the mel axis and SpecAugment's masks, for ``(batch, n_mels, n_frames)``."""
    batch, n_mels, n_frames = x.shape
    if settings.mel_shift:
        widest = settings.mel_shift + 0.5
        bands = chance.uniform(batch, 1, between=(-widest, widest)).round().long()
        index = (torch.arange(n_mels, device=x.device) - bands).clamp_(0, n_mels - 1)
        x = x.gather(1, index[..., None].expand(-1, -1, n_frames))

    def masked(size: int, count: int, widest: int) -> torch.Tensor:
        hit = torch.zeros(batch, size, dtype=torch.bool, device=x.device)
        place = torch.arange(size, device=x.device)
        for _ in range(count):
            width = (chance.uniform(batch, 1) * (widest + 1)).long()
            start = (chance.uniform(batch, 1) * (size - width + 1)).long()
            hit |= (place >= start) & (place < start + width)
        return hit

    bands_hit = masked(n_mels, settings.frequency_masks, settings.frequency_mask_bands)
    frames_hit = masked(n_frames, settings.time_masks, settings.time_mask_frames)
    return x.masked_fill(bands_hit[:, :, None] | frames_hit[:, None, :], 0.0)
