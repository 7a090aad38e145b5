"""Valence, arousal and dominance beside the classes (EmoSphere-SER, arXiv 2505.19693).

No corpus here has ratings of these dimensions, so a clip's place is that of its class in Russell
and Mehrabian (1977), or the mean place of the classes that listeners heard in it.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import torch
from torch import nn

from emolive.labels import position_of
from training.labels import LABELS
from training.models import EmotionNet
from training.recipe import Loss

DIMENSIONS = ("valence", "arousal", "dominance")
# Dominance of the same words in the same source. For "relaxed" (calm) only the sign is told, by the
# temperament of that name (+P -A +D): 0 counts as above the plane.
_DOMINANCE = {
    "neutral": 0.0,
    "calm": 0.0,
    "happy": 0.46,
    "sad": -0.33,
    "angry": 0.25,
    "fearful": -0.43,
    "disgust": 0.11,
    "surprised": -0.13,
}
ORIGIN = 8  # the region of what has no direction


def places() -> torch.Tensor:
    """Valence, arousal and dominance of each class, ``(8, 3)``, -1 to 1."""
    rows = []
    for label in LABELS:
        position = position_of(label)
        assert position is not None
        rows.append([position.valence, position.arousal, _DOMINANCE[label]])
    return torch.tensor(rows)


def regions() -> torch.Tensor:
    """The octant of each class's direction, or `ORIGIN`, ``(8,)``."""
    where = places()
    octant = ((where >= 0).long() * torch.tensor([4, 2, 1])).sum(1)
    return torch.where(where.norm(dim=1) > 0, octant, torch.full_like(octant, ORIGIN))


def concordance(x: torch.Tensor, y: torch.Tensor) -> torch.Tensor:
    """Lin's concordance correlation coefficient of each column of two ``(n, d)``, ``(d,)``."""
    mean_x, mean_y = x.mean(0), y.mean(0)
    covariance = ((x - mean_x) * (y - mean_y)).mean(0)
    spread = (x - mean_x).square().mean(0) + (y - mean_y).square().mean(0)
    return 2 * covariance / (spread + (mean_x - mean_y).square()).clamp_min(1e-8)


def concordance_of(x: npt.NDArray[np.floating], y: npt.NDArray[np.floating]) -> list[float]:
    """`concordance` of arrays."""
    found: list[float] = concordance(torch.from_numpy(x).double(), torch.from_numpy(y)).tolist()
    return found


class SphereNet(EmotionNet):
    """A network that also tells the place, and for that learns its region of the sphere."""

    places: torch.Tensor
    regions: torch.Tensor

    def __init__(self, body: nn.Module, n_features: int, dropout: float, settings: Loss) -> None:
        super().__init__(body, n_features, dropout)
        self.settings = settings
        self.dimensions = nn.Linear(n_features, len(DIMENSIONS))
        self.region = nn.Linear(n_features, ORIGIN + 1)
        self.register_buffer("places", places(), persistent=False)
        one_hot = nn.functional.one_hot(regions(), ORIGIN + 1).float()
        self.register_buffer("regions", one_hot, persistent=False)

    def place(self, x: torch.Tensor) -> torch.Tensor:
        """Valence, arousal and dominance, ``(batch, 3)``, of what `forward` takes."""
        found: torch.Tensor = self.dimensions(self.embed(x).float()).tanh()
        return found

    def auxiliary(
        self,
        embeddings: torch.Tensor,
        targets: torch.Tensor,
        allowed: torch.Tensor,  # noqa: ARG002
        progress: float,
    ) -> torch.Tensor:
        """1 - CCC of the dimensions, and the regions' cross-entropy, which fades out in time."""
        seen = self.dropout(embeddings).float()
        wanted = targets @ self.places
        loss = 1 - concordance(self.dimensions(seen).tanh(), wanted).mean()
        log_regions = self.region(seen).log_softmax(1)
        guidance = -((targets @ self.regions) * log_regions).sum(1).mean()
        fading = self.settings.regions * (1 - progress)
        total: torch.Tensor = self.settings.dimensions * loss + fading * guidance
        return total
