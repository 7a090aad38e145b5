from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from emolive.features import LogMelSpec

SPEC = LogMelSpec()


def test_three_seconds_are_298_frames() -> None:
    assert SPEC.n_frames(48_000) == 298


@given(st.integers(0, 5_000))
def test_frames_and_samples_are_inverse(n_frames: int) -> None:
    samples = SPEC.n_samples(n_frames)
    assert SPEC.n_frames(samples) == n_frames
    if n_frames:
        assert SPEC.n_frames(samples - 1) == n_frames - 1


@given(st.integers(0, 100_000))
def test_frame_count_equals_counting(n_samples: int) -> None:
    starts = range(0, max(0, n_samples - SPEC.win_length + 1), SPEC.hop_length)
    assert SPEC.n_frames(n_samples) == len(starts)


@pytest.mark.parametrize(
    "fields",
    [
        {"win_length": 2048},
        {"f_min": 8_000.0},
        {"f_max": 8_001.0},
        {"f_min": -1.0},
        {"hop_length": 0},
        {"n_mels": 0},
        {"log_floor": 0.0},
        {"normalization": "global"},
        {"dynamic_range_db": 0.0},
        {"unknown": 1},
    ],
)
def test_nonsense_is_refused(fields: dict[str, object]) -> None:
    with pytest.raises(ValidationError):
        LogMelSpec(**fields)  # type: ignore[arg-type]


def test_it_is_frozen_and_survives_json() -> None:
    with pytest.raises(ValidationError):
        SPEC.n_mels = 64  # type: ignore[misc]
    assert LogMelSpec.model_validate_json(SPEC.model_dump_json()) == SPEC
