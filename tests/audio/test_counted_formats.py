"""Formats whose decoder does not look at the length in the header."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import soundfile as sf

from emolive.audio.decoding import FileDecoder


@pytest.mark.parametrize("channels", [1, 2])
@pytest.mark.parametrize(
    ("form", "subtype", "endian", "suffix"),
    [
        ("AVR", "PCM_16", "FILE", "avr"),
        ("MPC2K", "PCM_16", "FILE", "mpc"),
        *(
            ("MAT4", subtype, endian, "mat")
            for subtype in ("PCM_16", "PCM_32", "FLOAT", "DOUBLE")
            for endian in ("LITTLE", "BIG")
        ),
        *(
            ("MAT5", subtype, endian, "mat")
            for subtype in ("PCM_U8", "PCM_16", "PCM_32", "FLOAT", "DOUBLE")
            for endian in ("LITTLE", "BIG")
        ),
    ],
)
def test_half_of_a_file_is_told(
    tmp_path: Path, form: str, subtype: str, endian: str, suffix: str, channels: int
) -> None:
    sound = np.random.default_rng(0).normal(0, 0.1, (16_000, channels))
    path = tmp_path / f"a.{suffix}"
    for cut in (False, True):
        sf.write(path, sound, 8_000, format=form, subtype=subtype, endian=endian)
        if cut:
            path.write_bytes(path.read_bytes()[: 200 + path.stat().st_size // 2 // 4 * 4])
        decoder = FileDecoder(path, 1.0, "split")
        frames = 0
        while (block := decoder.read()) is not None:
            frames += len(block)
        decoder.close()
        assert ("of 2.0 s" in (decoder.error or "")) == cut
        assert frames == 16_000 if not cut else 7_900 < frames < 8_200
        assert decoder.note is None


def test_half_of_an_instrument_is_told(tmp_path: Path) -> None:
    """Trackers write how long the sample is; libsndfile does not."""
    path = tmp_path / "a.xi"
    sf.write(path, np.random.default_rng(0).normal(0, 0.1, 44_100), 44_100, format="XI")
    content = bytearray(path.read_bytes())
    content[298:302] = (2 * 44_100).to_bytes(4, "little")
    for size, told in ((len(content), False), (338 + 44_100, True)):
        path.write_bytes(content[:size])
        decoder = FileDecoder(path, 1.0, "mix")
        while decoder.read() is not None:
            pass
        decoder.close()
        assert ("stopped at 0.5 s of 1.0 s." in (decoder.error or "")) == told


def test_the_last_packet_of_a_file_is_not_lost_in_silence(tmp_path: Path) -> None:
    path = tmp_path / "a.caf"
    sf.write(path, np.random.default_rng(0).normal(0, 0.1, 96_000), 8_000, subtype="ALAC_16")
    whole = path.read_bytes()
    for size, cut in ((len(whole), False), (int(0.995 * len(whole)), True)):
        path.write_bytes(whole[:size])
        decoder = FileDecoder(path, 1.0, "mix")
        while decoder.read() is not None:
            pass
        decoder.close()
        assert ("cut short" in (decoder.error or "")) == cut


@pytest.mark.parametrize(
    ("form", "subtype", "suffix"), [("VOC", "PCM_U8", "voc"), ("WVE", "ALAW", "wve")]
)
def test_half_of_a_file_that_another_decoder_may_read_is_told(
    tmp_path: Path, form: str, subtype: str, suffix: str
) -> None:
    path = tmp_path / f"a.{suffix}"
    sf.write(path, np.random.default_rng(0).normal(0, 0.1, 16_000), 8_000, subtype, format=form)
    whole = path.read_bytes()
    for size, cut in ((len(whole), False), (len(whole) // 2, True)):
        path.write_bytes(whole[:size])
        decoder = FileDecoder(path, 1.0, "mix")
        while decoder.read() is not None:
            pass
        decoder.close()
        assert ("stopped at 1.0 s" in (decoder.error or "")) == cut
