"""How much memory a buffer holds."""

from __future__ import annotations

import numpy as np


def array_bytes(*holders: object) -> int:
    """Of all arrays that are attributes of these, or in dictionaries that are."""
    found = 0
    for value in (value for holder in holders for value in vars(holder).values()):
        arrays = value.values() if isinstance(value, dict) else (value,)
        found += sum(one.nbytes for one in arrays if isinstance(one, np.ndarray))
    return found
