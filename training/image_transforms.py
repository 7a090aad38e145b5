"""What is done to a batch of log-mel images: mixup and DeepEmoNet's image transforms."""

from __future__ import annotations

import numpy as np
import torch
from torch.nn.functional import affine_grid, avg_pool2d, grid_sample

from training.recipe import Augmentation


def shrink_batch(x: torch.Tensor, factors: tuple[int, int]) -> torch.Tensor:
    """Average cells of (mel bands, frames) `factors`; ``(batch, 1, n_mels, n_frames)``."""
    return x if factors == (1, 1) else avg_pool2d(x, factors)


def mixup(
    x: torch.Tensor,
    targets: torch.Tensor,
    allowed: torch.Tensor,
    alpha: float,
    rng: np.random.Generator,
) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
    """Mixup (Zhang et al. 2018); a mixture may be any class that either corpus has."""
    order = torch.from_numpy(rng.permutation(x.shape[0])).to(x.device)
    share = float(rng.beta(alpha, alpha))
    mixed = share * x + (1 - share) * x[order]
    return mixed, share * targets + (1 - share) * targets[order], allowed | allowed[order]


def transform_images(
    x: torch.Tensor, settings: Augmentation, rng: np.random.Generator
) -> torch.Tensor:
    """Rotation, zoom and brightness (DeepEmoNet), drawn per image; what is 0 is off."""
    n = x.shape[0]
    if settings.rotation_deg or settings.zoom:
        angle = np.radians(rng.uniform(-settings.rotation_deg, settings.rotation_deg, n))
        scale = 1 - rng.uniform(0, settings.zoom, n)
        # Angles are of the picture as seen, so the grid needs the aspect ratio.
        ratio = x.shape[2] / x.shape[3]
        theta = np.zeros((n, 2, 3), np.float32)
        theta[:, 0, 0] = theta[:, 1, 1] = scale * np.cos(angle)
        theta[:, 0, 1] = -scale * np.sin(angle) * ratio
        theta[:, 1, 0] = scale * np.sin(angle) / ratio
        grid = affine_grid(torch.from_numpy(theta).to(x.device), list(x.shape), align_corners=False)
        x = grid_sample(x, grid, padding_mode="reflection", align_corners=False)
    if settings.brightness:
        offset = rng.uniform(-settings.brightness, settings.brightness, (n, 1, 1, 1))
        x = x + torch.from_numpy(offset.astype(np.float32)).to(x.device)
    return x
