"""Where training computes."""

from __future__ import annotations

import torch


def pick_device() -> torch.device:
    """A graphics card if there is one, otherwise the processor.

    Convolutions of float32 stay exact there: those that compute log-mel need their whole range.
    """
    torch.backends.cudnn.allow_tf32 = False
    return torch.device("cuda" if torch.cuda.is_available() else "cpu")
