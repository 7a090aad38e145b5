"""What an expected mix leads to, as it was measured on speech that the models never heard.

Where 70 % of the speech is neutral and an hour of the source is known; both bundled models, their
mean (docs/baseline.md).
"""

from __future__ import annotations

import numpy as np

from emolive.baseline.expected import ExpectedMix

# By the expected share of neutral: false alarms (neutral speech taken for unpleasant) and angry
# speech that is found, each as a share of what it is without a baseline.
CURVE = (
    (0.30, 0.48, 1.08),
    (0.45, 0.37, 1.07),
    (0.60, 0.27, 1.00),
    (0.70, 0.22, 0.95),
    (0.80, 0.16, 0.89),
    (0.90, 0.13, 0.83),
)
_BALANCED = (0.62, 1.10)


def consequence(expected: ExpectedMix) -> tuple[float, float]:
    """False alarms, and angry speech found, as shares of those without a baseline."""
    if expected.neutral is None:
        return _BALANCED
    at, alarms, found = zip(*CURVE, strict=True)
    return (
        float(np.interp(expected.neutral, at, alarms)),
        float(np.interp(expected.neutral, at, found)),
    )
