"""What an expected mix leads to, as it was measured on speech that the models never heard.

Where 70 % of the speech is neutral and an hour of the source is known; both bundled models, their
mean (docs/baseline.md).
"""

from __future__ import annotations

import numpy as np

from emolive.baseline.expected import ExpectedMix

# By the expected share of neutral: false alarms (neutral speech taken for unpleasant) and angry
# speech that is found, each as a share of what it is without a baseline.
_CURVE = (
    (0.30, 0.67, 1.08),
    (0.45, 0.57, 1.06),
    (0.60, 0.47, 1.02),
    (0.70, 0.39, 0.98),
    (0.80, 0.32, 0.96),
    (0.90, 0.26, 0.88),
)
_BALANCED = (0.81, 1.08)


def consequence(expected: ExpectedMix) -> tuple[float, float]:
    """False alarms, and angry speech found, as shares of those without a baseline."""
    if expected.neutral is None:
        return _BALANCED
    at, alarms, found = zip(*_CURVE, strict=True)
    return (
        float(np.interp(expected.neutral, at, alarms)),
        float(np.interp(expected.neutral, at, found)),
    )
