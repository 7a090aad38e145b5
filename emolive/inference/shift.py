"""How far sound is from what a model was trained on, by the embeddings of its windows.

The distance is a Mahalanobis distance with the covariance in few directions: those of `components`
(principal components of training speech) with their own variances, and one variance for all the
rest. It is compared with distances of speech from corpora that the model was never trained on.
"""

from __future__ import annotations

import math
from typing import Annotated, Self

import numpy as np
import numpy.typing as npt
from pydantic import BaseModel, Field, model_validator

from emolive.types import Familiarity, FloatArray, Shift

Number = Annotated[float, Field(allow_inf_nan=False)]
Positive = Annotated[float, Field(gt=0, allow_inf_nan=False)]
_ORTHONORMAL = 1e-3


class ShiftReference(BaseModel, frozen=True, extra="forbid"):
    """What a model's metadata say of the embeddings of its training speech.

    Of an embedding e, divided by its length first where `unit_length` is set: x = e - `mean`,
    z = `components` x (rows are orthonormal), and the distance is the root of
    (sum of z_i^2 / `variances`_i + (|x|^2 - |z|^2) / `residual_variance`) / embedding_size.
    `distances` are ascending: those at equally spaced quantiles, 0 to 1, of speech from corpora
    that were kept out of training. The shift of a distance is the quantile where it lies. From
    `unusual_from` and `unlike_from` on, `Familiarity` says so.
    """

    mean: tuple[Number, ...] = Field(min_length=1)
    components: tuple[tuple[Number, ...], ...] = Field(default=(), max_length=1024)
    variances: tuple[Positive, ...] = Field(default=(), max_length=1024)
    residual_variance: Positive
    unit_length: bool = False
    distances: tuple[Annotated[float, Field(ge=0, allow_inf_nan=False)], ...] = Field(
        min_length=2, max_length=1001
    )
    unusual_from: float = Field(default=0.9, ge=0, le=1)
    unlike_from: float = Field(default=0.99, ge=0, le=1)

    @model_validator(mode="after")
    def _consistent(self) -> Self:
        if len(self.variances) != len(self.components):
            raise ValueError("variances must be as many as components")
        if any(len(row) != len(self.mean) for row in self.components):
            raise ValueError("components must be as long as mean")
        if self.components:
            rows = np.array(self.components)
            if np.abs(rows @ rows.T - np.eye(len(rows))).max() > _ORTHONORMAL:
                raise ValueError("components must be orthonormal")
        if list(self.distances) != sorted(self.distances):
            raise ValueError("distances must be ascending")
        if self.unusual_from > self.unlike_from:
            raise ValueError("unusual_from must not exceed unlike_from")
        return self


class ShiftMeter:
    """A reference, ready to be asked."""

    def __init__(self, reference: ShiftReference) -> None:
        self._reference = reference
        self._mean = np.array(reference.mean)
        self._components = np.array(reference.components).reshape(-1, len(self._mean))
        self._variances = np.array(reference.variances)
        self._distances = np.array(reference.distances)
        self._quantiles = np.linspace(0.0, 1.0, len(self._distances))

    def distances(self, embeddings: FloatArray) -> npt.NDArray[np.float64]:
        """Of embeddings ``(n, embedding_size)``, float64 ``(n,)``."""
        x = embeddings.astype(np.float64)
        if self._reference.unit_length:
            x /= np.maximum(np.linalg.norm(x, axis=1, keepdims=True), 1e-12)
        x -= self._mean
        z = x @ self._components.T
        rest = np.maximum(np.square(x).sum(axis=1) - np.square(z).sum(axis=1), 0.0)
        squared = (np.square(z) / self._variances).sum(axis=1)
        found: npt.NDArray[np.float64] = np.sqrt(
            (squared + rest / self._reference.residual_variance) / len(self._mean)
        )
        return found

    def shifts(self, embeddings: FloatArray) -> npt.NDArray[np.float64]:
        """Of embeddings ``(n, embedding_size)``, float64 ``(n,)``, each from 0 to 1."""
        found: npt.NDArray[np.float64] = np.interp(
            self.distances(embeddings), self._distances, self._quantiles
        )
        return found

    def judged(self, value: float) -> Shift:
        """A shift in words."""
        if value >= self._reference.unlike_from:
            return Shift(value, Familiarity.UNLIKE)
        unusual = value >= self._reference.unusual_from
        return Shift(value, Familiarity.UNUSUAL if unusual else Familiarity.FAMILIAR)


class RunningShift:
    """One stream's shift, smoothed as its probabilities are. One thread owns it."""

    def __init__(self, reference: ShiftReference, smoothing: float) -> None:
        """`smoothing`: time constant in samples; 0: none."""
        self._meter = ShiftMeter(reference)
        self._smoothing = smoothing
        self.reset()

    def reset(self) -> None:
        """Forget what was heard."""
        self._value: float | None = None

    def accept(self, embedding: FloatArray, elapsed: int) -> Shift:
        """The next window's embedding ``(embedding_size,)``, `elapsed` samples after the last."""
        new = float(self._meter.shifts(embedding[None])[0])
        if self._value is None or not self._smoothing:
            self._value = new
        else:
            self._value += (1.0 - math.exp(-elapsed / self._smoothing)) * (new - self._value)
        return self._meter.judged(self._value)
