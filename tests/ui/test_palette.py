"""Colours stay apart for everybody, on both backgrounds."""

from __future__ import annotations

import re
from itertools import combinations

import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import given
from hypothesis import strategies as st

from emolive.labels import contrast, is_negative, luminance, position_of, swatch, swatches
from emolive.ui.timeline.spectrogram import lookup_table

LABELS = ("neutral", "calm", "happy", "sad", "angry", "fearful", "disgust", "surprised")
# Machado, Oliveira and Fernandes (2009), severity 1, linear RGB.
VISION = {
    "normal": np.eye(3),
    "protanopia": np.array(
        [
            [0.152286, 1.052583, -0.204868],
            [0.114503, 0.786281, 0.099216],
            [-0.003882, -0.048116, 1.051998],
        ]
    ),
    "deuteranopia": np.array(
        [
            [0.367322, 0.860646, -0.227968],
            [0.280085, 0.672501, 0.047413],
            [-0.011820, 0.042940, 0.968881],
        ]
    ),
    "tritanopia": np.array(
        [
            [1.255528, -0.076749, -0.178779],
            [-0.078411, 0.930809, 0.147602],
            [0.004733, 0.691367, 0.303900],
        ]
    ),
}
TO_LMS = np.array(
    [
        [0.4122214708, 0.5363325363, 0.0514459929],
        [0.2119034982, 0.6806995451, 0.1073969566],
        [0.0883024619, 0.2817188376, 0.6299787005],
    ]
)
TO_OKLAB = np.array(
    [
        [0.2104542553, 0.7936177850, -0.0040720468],
        [1.9779984951, -2.4285922050, 0.4505937099],
        [0.0259040371, 0.7827717662, -0.8086757660],
    ]
)
NEUTRAL_GREY_OKABE_ITO = 0.04  # the smallest distance of the usual palette plus a grey


def seen(colour: str, vision: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
    """OKLab coordinates of a colour as that eye sees it."""
    srgb = np.array([int(colour[i : i + 2], 16) for i in (1, 3, 5)]) / 255
    linear = np.where(srgb <= 0.04045, srgb / 12.92, ((srgb + 0.055) / 1.055) ** 2.4)
    return np.asarray(TO_OKLAB @ np.cbrt(TO_LMS @ np.clip(vision @ linear, 0, 1)))


@pytest.mark.parametrize("vision", VISION.values(), ids=VISION.keys())
@pytest.mark.parametrize("dark", [False, True], ids=["light", "dark"])
def test_every_pair_of_emotions_is_told_apart(vision: npt.NDArray[np.float64], dark: bool) -> None:
    colours = {label: seen(swatch(label).fill(dark=dark), vision) for label in LABELS}
    distances = {
        (a, b): float(np.linalg.norm(colours[a] - colours[b])) for a, b in combinations(LABELS, 2)
    }
    closest = min(distances, key=lambda pair: distances[pair])
    assert distances[closest] > 2 * NEUTRAL_GREY_OKABE_ITO, (closest, distances[closest])


@pytest.mark.parametrize("dark", [False, True], ids=["light", "dark"])
@pytest.mark.parametrize("label", LABELS)
def test_names_are_readable_on_their_colour(label: str, dark: bool) -> None:
    fill = swatch(label)
    assert contrast(fill.ink(dark=dark), fill.fill(dark=dark)) > 4.3


def test_contrast_is_the_wcag_ratio() -> None:
    assert contrast("#000000", "#FFFFFF") == pytest.approx(21.0)
    assert contrast("#777777", "#FFFFFF") == pytest.approx(4.48, abs=0.01)


def test_other_models_names_get_the_same_colours() -> None:
    assert swatches(("anger", "Happiness", "FEAR")) == swatches(("angry", "happy", "fearful"))


@given(st.text(max_size=20), st.lists(st.text(max_size=8), max_size=4))
def test_a_label_has_one_colour_beside_whatever_it_is_shown(label: str, others: list[str]) -> None:
    assert swatches((*others, label))[-1] == swatch(label)
    assert re.fullmatch("#[0-9A-F]{6}", swatch(label).light)
    for dark in (False, True):
        assert contrast(swatch(label).ink(dark=dark), swatch(label).fill(dark=dark)) > 4.2


def test_own_labels_have_colours_of_their_own_that_stay_and_no_position() -> None:
    own = ("hope", "pride", "awe", "hesitant", "ärgerlich")
    assert len({swatch(label) for label in (*own, *LABELS)}) == len(own) + len(LABELS)
    assert swatch("hope").light == "#773731"  # of the name alone: the same after every start
    assert all(position_of(label) is None for label in own)
    assert not any(is_negative(label) for label in own)


def test_a_colour_that_somebody_chose_holds_under_every_name() -> None:
    chosen = swatch("anger", own={"angry": "#123456"})
    assert chosen.light == chosen.dark == "#123456"
    assert swatch("hope", own={"hope": "#123456"}) == chosen


@pytest.mark.parametrize("dark", [False, True], ids=["light", "dark"])
def test_spectrogram_lightness_only_rises_or_only_falls(dark: bool) -> None:
    steps = np.diff([luminance(f"#{int(c) & 0xFFFFFF:06X}") for c in lookup_table(dark=dark)])
    assert (steps >= -2e-3).all() if dark else (steps <= 2e-3).all()
    assert abs(steps.sum()) > 0.8
