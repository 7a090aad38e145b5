"""Image transforms move pictures as they say, and leave them alone when switched off."""

from __future__ import annotations

import numpy as np
import pytest

pytest.importorskip("torch", reason="needs the training extra")

import torch

from training.image_transforms import mixup, shrink_batch, transform_images
from training.recipe import Augmentation


def _rng(seed: int = 0) -> np.random.Generator:
    return np.random.default_rng(seed)


def test_what_is_off_changes_nothing() -> None:
    x = torch.randn(3, 1, 32, 60)
    assert torch.equal(transform_images(x, Augmentation(), _rng()), x)


def test_brightness_adds_one_number_to_each_picture() -> None:
    x = torch.randn(4, 1, 16, 20)
    added = transform_images(x, Augmentation(brightness=0.5), _rng()) - x
    for picture in added:
        assert float(picture.max() - picture.min()) < 1e-5
    assert float(added.abs().max()) <= 0.5
    assert len({round(float(p.mean()), 5) for p in added}) == 4


def _centre_of_mass(picture: torch.Tensor) -> tuple[float, float]:
    weights = picture[0] / picture[0].sum()
    rows, columns = torch.meshgrid(
        torch.arange(weights.shape[0]), torch.arange(weights.shape[1]), indexing="ij"
    )
    return float((weights * rows).sum()), float((weights * columns).sum())


def test_rotation_is_of_the_picture_as_seen_and_about_its_centre() -> None:
    """A dot right of the centre of a wide picture moves on a circle, not on an ellipse."""
    x = torch.zeros(8, 1, 65, 129)
    x[:, 0, 31:34, 95:98] = 1.0  # 32 columns right of the centre (32, 64)
    turned = transform_images(x, Augmentation(rotation_deg=20.0), _rng(1))
    rows = []
    for picture in turned:
        row, column = _centre_of_mass(picture)
        assert np.hypot(row - 32, column - 64) == pytest.approx(32, abs=0.7)
        assert abs(np.degrees(np.arctan2(row - 32, column - 64))) <= 20.5
        rows.append(row)
    assert max(rows) - min(rows) > 5


def test_zoom_enlarges_about_the_centre() -> None:
    x = torch.zeros(8, 1, 65, 129)
    x[:, 0, 31:34, 95:98] = 1.0
    zoomed = transform_images(x, Augmentation(zoom=0.3), _rng(2))
    columns = [_centre_of_mass(picture)[1] - 64 for picture in zoomed]
    assert all(31.5 <= c <= 32 / 0.7 + 0.7 for c in columns)
    assert max(columns) > 36


def test_shrinking_averages_cells() -> None:
    x = torch.arange(32.0).reshape(1, 1, 4, 8)
    shrunk = shrink_batch(x, (2, 4))
    assert shrunk.shape == (1, 1, 2, 2)
    assert float(shrunk[0, 0, 0, 0]) == pytest.approx(float(x[0, 0, :2, :4].mean()))
    assert shrink_batch(x, (1, 1)) is x


def test_mixup_mixes_pictures_and_targets_alike() -> None:
    x = torch.arange(4.0).reshape(4, 1, 1, 1).expand(4, 1, 2, 2)
    targets = torch.eye(8)[:4]
    allowed = targets.bool()
    mixed, mixed_targets, mixed_allowed = mixup(x, targets, allowed, 0.5, _rng(3))
    # The picture's value is its class index, so the mixture tells the share of each class.
    expected = (mixed_targets * torch.arange(8.0)).sum(1)
    torch.testing.assert_close(mixed[:, 0, 0, 0], expected)
    torch.testing.assert_close(mixed_targets.sum(1), torch.ones(4))
    assert bool((mixed_allowed | (mixed_targets == 0)).all())
