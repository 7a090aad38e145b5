"""What a model file says about itself, and the check that its graph agrees.

An emolive model is one ONNX file. Its `metadata_props` hold the entry `emolive`: a JSON object with
the fields of `ModelMetadata`. Other entries are left alone. The graph has

- one input, of the kind that ``front_end.kind`` names, the batch dimension free:
  ``"log_mel"``: `log_mel` float32 ``(batch, 1, n_mels, n_frames)``, natural-log mel power;
  ``"waveform"``: `waveform` float32 ``(batch, n_samples)``, amplitude 1.0 being full scale.
  Both are normalised per window as ``front_end.normalization`` says (see
  `emolive.features.front_end`): ``"window"`` or ``"none"``. The sampling rate is 16,000 Hz,
  and a window is ``window_s * 16000`` samples; `emolive.features.model_input` makes the input of
  a window of audio.
- the output `logits` float32 ``(batch, n_classes)``, in the order of ``labels``;
- where ``embedding_size`` is a number, the output `embedding` float32
  ``(batch, embedding_size)``: what the last layer sees. Outputs are found by name;
- no other inputs and outputs. `shift` describes the embeddings of training speech (see
  `emolive.inference.shift`).

Format version 1 knows the front end ``"log_mel"`` alone, without saying its kind, and no embedding.
A model may have a second file for GPUs (see `emolive.inference.model_files`).
"""

from __future__ import annotations

import hashlib
import math
import re
from collections.abc import Sequence
from typing import Annotated, Any, Literal, Protocol, Self

from pydantic import BaseModel, Field, ValidationError, field_validator, model_validator

from emolive.acoustics import SPECTROGRAM
from emolive.errors import ModelError
from emolive.features import AnyFrontEndSpec, LogMelSpec, WaveformSpec
from emolive.i18n import decimal, listed, together, tr
from emolive.inference import limits
from emolive.inference.shift import ShiftReference
from emolive.types import SpeechState
from emolive.wording import complaint

METADATA_KEY = "emolive"
LOGITS = "logits"
EMBEDDING = "embedding"

# Pydantic names the member of a union on the way to a field of it.
_KINDS = ("log_mel", "waveform")
_WINDOW_UAR = re.compile(r"(clean|telephone) (.+) window uar")

# What a segment's label may say instead of an emotion.
_RESERVED = {str(state) for state in SpeechState} - {str(SpeechState.SPEECH)}


class ModelMetadata(BaseModel, frozen=True, extra="forbid"):
    """Everything needed to run a model, and what is known about it.

    `front_end` is how the graph's input is made of sound; `embedding_size` the length of its
    `embedding` output, None where it has none; `shift` tells how far an embedding is from those of
    training speech. `temperature` divides the logits before the
    softmax; a smoothed confidence below `abstention_threshold` is reported as uncertain. `scores`
    are measured values from 0 to 1 or counts, keyed by what they are (for example
    ``"uar_speaker_independent"``). `provenance` tells how the file was made (recipe, seed, commit,
    data fingerprint, date). `weights` is no part of the file: a loaded model says there what its
    content is, so that models which say the same about themselves are told apart.
    """

    format_version: Literal[1, 2] = 2
    name: str = Field(min_length=1)
    front_end: Annotated[AnyFrontEndSpec, Field(discriminator="kind")]
    window_s: float = Field(default=3.0, gt=0, allow_inf_nan=False)
    labels: tuple[str, ...] = Field(min_length=2)
    temperature: float = Field(default=1.0, gt=0, allow_inf_nan=False)
    abstention_threshold: float = Field(default=0.0, ge=0, le=1)
    embedding_size: int | None = Field(default=None, gt=0)
    shift: ShiftReference | None = None
    licence: str
    corpora: tuple[str, ...]
    split: str
    scores: dict[str, float] = Field(default_factory=dict)
    provenance: dict[str, str] = Field(default_factory=dict)
    weights: str = ""

    @model_validator(mode="after")
    def _shift_of_embeddings(self) -> Self:
        if self.shift is not None and len(self.shift.mean) != self.embedding_size:
            raise ValueError(tr("shift.mean must have embedding_size numbers"))
        return self

    @field_validator("front_end", mode="before")
    @classmethod
    def _kind(cls, value: Any) -> Any:
        """The only kind of version 1 is the one that is meant where none is said."""
        return {"kind": "log_mel"} | value if isinstance(value, dict) else value

    @model_validator(mode="after")
    def _consistent(self) -> Self:
        newer = isinstance(self.front_end, WaveformSpec) or self.embedding_size is not None
        if self.format_version == 1 and newer:
            raise ValueError(tr("a waveform input and embeddings need format_version 2"))
        if self.sampling_rate != SPECTROGRAM.sampling_rate:
            raise ValueError(
                tr(
                    "the front end must be at {wanted} Hz, not at {found}",
                    wanted=SPECTROGRAM.sampling_rate,
                    found=self.sampling_rate,
                )
            )
        if len(set(self.labels)) != len(self.labels) or not all(self.labels):
            raise ValueError(tr("labels must be distinct and not empty"))
        if reserved := _RESERVED & set(self.labels):
            raise ValueError(
                tr("labels must not use the reserved words {words}", words=listed(sorted(reserved)))
            )
        self._check_sizes()
        exact = self.window_s * self.sampling_rate
        if not math.isclose(exact, round(exact), rel_tol=0, abs_tol=1e-6):
            raise ValueError(tr("window_s must be a whole number of samples"))
        shape = self.front_end.window_shape(self.window_samples)
        if min(*shape, SPECTROGRAM.n_frames(self.window_samples)) < 1:
            raise ValueError(tr("window_s must hold at least one frame"))
        return self

    def _check_sizes(self) -> None:
        """Raises ValueError for what would take the computer's memory, and no model needs."""

        def check(name: str, value: float, most: float) -> None:
            if value > most:
                raise ValueError(tr("{name} must not exceed {most}", name=name, most=decimal(most)))

        check("window_s", self.window_s, limits.LONGEST_WINDOW_S)
        spec = self.front_end
        shape = spec.window_shape(round(self.window_s * self.sampling_rate))
        if isinstance(spec, LogMelSpec):
            check("n_fft", spec.n_fft, limits.LARGEST_FFT)
            check("n_mels", spec.n_mels, limits.MOST_MELS)
            if shape[1] * spec.n_fft > limits.LARGEST_SPECTROGRAM:
                raise ValueError(tr("hop_length is too short for so long a window"))
        check(tr("the size of a window"), math.prod(shape), limits.LARGEST_INPUT)
        check(tr("the number of labels"), len(self.labels), limits.MOST_LABELS)
        longest = max(map(len, (self.name, *self.labels)))
        check(tr("the length of a name or label"), longest, limits.LONGEST_NAME)
        check("embedding_size", self.embedding_size or 0, limits.LARGEST_EMBEDDING)

    @property
    def window_samples(self) -> int:
        """Samples in one analysis window."""
        return round(self.window_s * self.sampling_rate)

    @property
    def sampling_rate(self) -> int:
        """Samples per second of its input, and of everything that is said about it."""
        return self.front_end.sampling_rate

    @property
    def input_name(self) -> str:
        """Name of the graph's input."""
        return self.front_end.kind

    @property
    def window_shape(self) -> tuple[int, ...]:
        """Shape of one window for a classifier: ``(n_mels, n_frames)`` or ``(n_samples,)``."""
        return self.front_end.window_shape(self.window_samples)

    @property
    def input_shape(self) -> tuple[int, ...]:
        """Shape of one input of the graph: ``(1, n_mels, n_frames)`` or ``(n_samples,)``."""
        channel = (1,) if isinstance(self.front_end, LogMelSpec) else ()
        return (*channel, *self.window_shape)

    @property
    def takes_waveform(self) -> bool:
        """Whether the graph's input is the sound itself."""
        return isinstance(self.front_end, WaveformSpec)

    @property
    def output_shapes(self) -> dict[str, tuple[int, ...]]:
        """Shape of one answer of each of the graph's outputs, by name."""
        shapes: dict[str, tuple[int, ...]] = {LOGITS: (len(self.labels),)}
        if self.embedding_size is not None:
            shapes[EMBEDDING] = (self.embedding_size,)
        return shapes

    @property
    def output_names(self) -> list[str]:
        """Names of the graph's outputs."""
        return list(self.output_shapes)

    @property
    def essential(self) -> tuple[str, ...]:
        """The fields that make it this model, whatever was measured and noted about it."""
        return tuple(
            name for name in type(self).model_fields if name not in ("scores", "provenance")
        )

    @property
    def fingerprint(self) -> str:
        """Sixteen hexadecimal digits, equal for files of one model as far as they are known."""
        text = self.model_dump_json(include=set(self.essential))
        return hashlib.sha256(text.encode()).hexdigest()[:16]

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
        return self.model_dump_json(exclude={"weights"})

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
            path = [str(part) for part in first["loc"] if part not in _KINDS]
            where = ".".join(path) or tr("as a whole")
            said = complaint(first, tr("record"))
            raise ModelError(
                "The model's metadata is not valid ({where}: {said}): export the model "
                "again with `python -m training export`.",
                where=where,
                said=said,
            ) from error

    @classmethod
    def from_onnx_session(cls, session: GraphSession) -> Self:
        """Read the metadata of a loaded graph and check them against its shapes.

        Raises:
            ModelError: no metadata, or the graph's input or output contradicts them.
        """
        text: str | None = session.get_modelmeta().custom_metadata_map.get(METADATA_KEY)
        if text is None:
            raise no_metadata()
        metadata = cls.parse(text)
        _check_values(
            tr("input"), session.get_inputs(), {metadata.input_name: metadata.input_shape}
        )
        _check_values(tr("output"), session.get_outputs(), metadata.output_shapes)
        return metadata


def no_metadata() -> ModelError:
    """The error for a file that says nothing about itself."""
    return ModelError(
        "The model carries no {metadata_key} metadata: it was not exported for emolive "
        "(use `python -m training export`).",
        metadata_key=repr(METADATA_KEY),
    )


class GraphValue(Protocol):
    """One input or output of a graph, as ONNX Runtime describes it."""

    name: str
    type: str  # such as ``tensor(float)``
    shape: list[int | str | None]  # names or None stand for free ones


class GraphSession(Protocol):
    """The part of an ONNX Runtime session that describes its graph."""

    def get_inputs(self) -> list[GraphValue]:
        """The graph's inputs."""

    def get_outputs(self) -> list[GraphValue]:
        """The graph's outputs."""

    def get_modelmeta(self) -> Any:
        """The file's metadata, of which `custom_metadata_map` is read."""


def _check_values(
    kind: str, values: list[GraphValue], promised: dict[str, tuple[int, ...]]
) -> None:
    """Check that there are the values that are promised by name and shape (without the batch).

    Raises:
        ModelError: there is another number of them, or one differs.
    """
    if len(values) != len(promised):
        expected = together([_described(name, ("batch", *tail)) for name, tail in promised.items()])
        names = ", ".join(value.name for value in values) or tr("none")
        raise ModelError(
            "The model does not match its metadata ({kind}): expected {expected}, found {names}.",
            kind=kind,
            expected=expected,
            names=names,
        )
    by_name = {value.name: value for value in values}
    for name, tail in promised.items():
        value = by_name.get(name) or values[0]
        if value.name != name or not _fits(value, tail):
            found = _described(value.name, value.shape, value.type)
            raise ModelError(
                "The model's {kind} does not match its metadata: expected {name}, found {found}.",
                kind=kind,
                name=_described(name, ("batch", *tail)),
                found=found,
            )


def _described(name: str, shape: Sequence[object], kind: str = "float32") -> str:
    return tr(
        "{kind} {name} of shape ({shape})",
        kind=kind,
        name=repr(name),
        shape=", ".join(map(str, shape)),
    )


def _fits(value: GraphValue, tail: tuple[int, ...]) -> bool:
    shape = tuple(value.shape)
    free_batch = len(shape) > 0 and not isinstance(shape[0], int)
    # A dimension the graph leaves free (a name) is not a contradiction; a different number is.
    return (
        value.type == "tensor(float)"
        and free_batch
        and len(shape) == len(tail) + 1
        and all(
            not isinstance(got, int) or got == want
            for got, want in zip(shape[1:], tail, strict=True)
        )
    )
