"""ResNet34's weights from ImageNet, as torchvision publishes them; fetched where that is asked."""

from __future__ import annotations

import pickle
from pathlib import Path

import torch
from torchvision.models import ResNet34_Weights, resnet34

from emolive.errors import EmoliveError
from training.corpora.fetch import RemoteFile, fetch

FILE = "resnet34-imagenet.pth"  # in the cache's folder
PUBLISHED = ResNet34_Weights.IMAGENET1K_V1.url  # its name ends in how its SHA-256 begins
_AGAIN = "`python -m training prepare CORPORA --download` fetches them"
# What torch says of a page, a part of a file, or another network's weights.
_UNREADABLE = (OSError, EOFError, RuntimeError, TypeError, AttributeError, pickle.PickleError)


class WeightsUnavailableError(EmoliveError):
    """ImageNet weights could not be had."""


def keep(cache: Path) -> Path:
    """The weights in the cache's folder, downloaded if they are not there yet.

    Raises:
        DownloadError: they cannot be had, or are not what was published.
    """
    beginning = Path(PUBLISHED).stem.rpartition("-")[2]
    fetch(RemoteFile(PUBLISHED, FILE, f"sha256-beginning:{beginning}"), cache / FILE)
    return cache / FILE


def imagenet_weights(path: Path) -> dict[str, torch.Tensor]:
    """What a file that `keep` left holds, without the classifier.

    Raises:
        WeightsUnavailableError: it is not there, or holds other weights.
    """
    if not path.is_file():
        raise WeightsUnavailableError(
            f"torchvision's ImageNet weights are not in {path.parent}: {_AGAIN}."
        )
    try:
        weights: dict[str, torch.Tensor] = torch.load(path, "cpu", weights_only=True)
        resnet34(weights=None).load_state_dict(weights)
    except _UNREADABLE as error:
        raise WeightsUnavailableError(
            f"{path} does not hold torchvision's ImageNet weights of a ResNet34: remove it, and "
            f"{_AGAIN}."
        ) from error
    return {name: value for name, value in weights.items() if not name.startswith("fc.")}
