"""What a model file says about itself, and the check that its graph agrees.

An emolive model is one ONNX file. Its `metadata_props` hold the entry `emolive`: a JSON object with
the fields of `ModelMetadata`. Other entries are left alone.
"""

from __future__ import annotations

import math
import re
from typing import Literal, Protocol, Self

from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from emolive.errors import ModelError
from emolive.features import FrontEndSpec
from emolive.types import SpeechState

METADATA_KEY = "emolive"
INPUT_NAME = "log_mel"
OUTPUT_NAME = "logits"

_WINDOW_UAR = re.compile(r"(clean|telephone) (.+) window uar")

# What a segment's label may say instead of an emotion.
_RESERVED = {str(state) for state in SpeechState} - {str(SpeechState.SPEECH)}


class ModelMetadata(BaseModel):
    """Everything needed to run a model, and what is known about it.

    `temperature` divides the logits before the softmax; a smoothed confidence below
    `abstention_threshold` is reported as uncertain. `scores` are measured values from 0 to 1 or
    counts, keyed by what they are (for example ``"uar_speaker_independent"``). `provenance` tells
    how the file was made (recipe, seed, commit, data fingerprint, date).
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    format_version: Literal[1] = 1
    name: str = Field(min_length=1)
    front_end: FrontEndSpec
    window_s: float = Field(default=3.0, gt=0, allow_inf_nan=False)
    labels: tuple[str, ...] = Field(min_length=2)
    temperature: float = Field(default=1.0, gt=0, allow_inf_nan=False)
    abstention_threshold: float = Field(default=0.0, ge=0, le=1)
    licence: str
    corpora: tuple[str, ...]
    split: str
    scores: dict[str, float] = Field(default_factory=dict)
    provenance: dict[str, str] = Field(default_factory=dict)

    @model_validator(mode="after")
    def _consistent(self) -> Self:
        if len(set(self.labels)) != len(self.labels) or not all(self.labels):
            raise ValueError("labels must be distinct and not empty")
        if reserved := _RESERVED & set(self.labels):
            raise ValueError(
                f"labels must not use the reserved words {', '.join(sorted(reserved))}"
            )
        exact = self.window_s * self.front_end.sampling_rate
        if not math.isclose(exact, round(exact), rel_tol=0, abs_tol=1e-6):
            raise ValueError("window_s must be a whole number of samples")
        if self.n_frames < 1:
            raise ValueError("window_s must hold at least one frame")
        return self

    @property
    def window_samples(self) -> int:
        """Samples in one analysis window."""
        return round(self.window_s * self.front_end.sampling_rate)

    @property
    def n_frames(self) -> int:
        """Log-mel frames in one analysis window."""
        return self.front_end.n_frames(self.window_samples)

    @property
    def input_shape(self) -> tuple[int, int, int]:
        """Shape of one input of the graph: ``(1, n_mels, n_frames)``."""
        return (1, self.front_end.n_mels, self.n_frames)

    @property
    def clean_scores(self) -> dict[str, float]:
        """What was measured on clean speech: UAR, windows of 0 to 1, by the corpus."""
        return self._uar("clean")

    @property
    def telephone_scores(self) -> dict[str, float]:
        """The same through a telephone."""
        return self._uar("telephone")

    def _uar(self, condition: str) -> dict[str, float]:
        found = [match for name in self.scores if (match := _WINDOW_UAR.fullmatch(name))]
        return {match[2]: self.scores[match[0]] for match in found if match[1] == condition}

    def to_json(self) -> str:
        """The text to store under the metadata key `emolive`."""
        return self.model_dump_json()

    @classmethod
    def parse(cls, text: str) -> Self:
        """Read the JSON object.

        Raises:
            ModelError: not JSON, a field is missing, unknown or out of range.
        """
        try:
            return cls.model_validate_json(text)
        except ValidationError as error:
            first = error.errors()[0]
            where = ".".join(str(part) for part in first["loc"]) or "as a whole"
            raise ModelError(
                f"The model's metadata is not valid ({where}: {first['msg']}): "
                "export the model again with `python -m training export`."
            ) from error

    @classmethod
    def from_onnx_session(cls, session: GraphSession) -> Self:
        """Read the metadata of a loaded graph and check them against its shapes.

        Raises:
            ModelError: no metadata, or the graph's input or output contradicts them.
        """
        text = session.get_modelmeta().custom_metadata_map.get(METADATA_KEY)
        if text is None:
            raise ModelError(
                f"The model carries no {METADATA_KEY!r} metadata: it was not exported for emolive "
                "(use `python -m training export`)."
            )
        metadata = cls.parse(text)
        _check_value("input", session.get_inputs(), INPUT_NAME, metadata.input_shape)
        _check_value("output", session.get_outputs(), OUTPUT_NAME, (len(metadata.labels),))
        return metadata


class GraphValue(Protocol):
    """One input or output of a graph, as ONNX Runtime describes it."""

    @property
    def name(self) -> str:
        """Its name."""

    @property
    def type(self) -> str:
        """Its type, such as ``tensor(float)``."""

    @property
    def shape(self) -> list[int | str | None]:
        """Its dimensions; names or None stand for free ones."""


class GraphMeta(Protocol):
    """The part of ONNX Runtime's model meta that is read."""

    @property
    def custom_metadata_map(self) -> dict[str, str]:
        """The file's `metadata_props`."""


class GraphSession(Protocol):
    """The part of an ONNX Runtime session that describes its graph."""

    def get_inputs(self) -> list[GraphValue]:
        """The graph's inputs."""

    def get_outputs(self) -> list[GraphValue]:
        """The graph's outputs."""

    def get_modelmeta(self) -> GraphMeta:
        """The file's metadata."""


def _check_value(kind: str, values: list[GraphValue], name: str, tail: tuple[int, ...]) -> None:
    """Check that there is one value, named and shaped as promised (first dimension = batch).

    Raises:
        ModelError: it differs.
    """
    expected = f"float32 {name!r} of shape (batch, {', '.join(map(str, tail))})"
    if len(values) != 1:
        names = ", ".join(value.name for value in values) or "none"
        raise ModelError(
            f"The model must have one {kind}, {expected}, but has {len(values)} ({names})."
        )
    value = values[0]
    shape = tuple(value.shape)
    free_batch = len(shape) > 0 and not isinstance(shape[0], int)
    # A dimension the graph leaves free (a name) is not a contradiction; a different number is.
    fits = len(shape) == len(tail) + 1 and all(
        not isinstance(got, int) or got == want for got, want in zip(shape[1:], tail, strict=True)
    )
    if value.name != name or value.type != "tensor(float)" or not fits or not free_batch:
        found = f"{value.type} {value.name!r} of shape ({', '.join(map(str, shape))})"
        raise ModelError(
            f"The model's {kind} does not match its metadata: expected {expected}, found {found}."
        )
