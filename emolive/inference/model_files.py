"""A model's files: one that CPUs run and, where it has one, another that CUDA runs.

``NAME.onnx`` is the model. ``NAME.gpu.onnx`` beside it is the same model in a form that suits GPUs
(int8 arithmetic suits CPUs alone): both carry the same metadata, but for `scores` and `provenance`.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

from emolive.errors import ModelError
from emolive.inference.metadata import METADATA_KEY, ModelMetadata, no_metadata

GPU_SUFFIX = ".gpu.onnx"

# Of ONNX's protocol buffers: the field of a model that holds its metadata, and the kinds of fields.
_METADATA_FIELD = 14
_VARINT, _EIGHT_BYTES, _LENGTH, _FOUR_BYTES = 0, 1, 2, 5


@dataclass(frozen=True, slots=True)
class ModelFiles:
    """The file for each processor; the same one where there is only one."""

    cpu: Path
    cuda: Path

    @classmethod
    def of(cls, path: Path) -> ModelFiles:
        """The files of the model at `path`, whichever of the two that is."""
        if path.name.endswith(GPU_SUFFIX):
            twin = path.with_name(path.name.removesuffix(GPU_SUFFIX) + ".onnx")
            return cls(twin if twin.is_file() else path, path)
        twin = path.with_name(path.name.removesuffix(".onnx") + GPU_SUFFIX)
        return cls(path, twin if twin.is_file() else path)

    @property
    def sha256(self) -> str:
        """Of the file that CPUs run, in hexadecimal digits: whichever runs, this is the model.

        Raises:
            ModelError: it cannot be read.
        """
        try:
            with self.cpu.open("rb") as file:
                return hashlib.file_digest(file, "sha256").hexdigest()
        except OSError as error:
            raise ModelError(
                "The model file {path} cannot be read ({reason}): check it.",
                path=self.cpu,
                reason=error.strerror or error,
            ) from error

    def check(self) -> None:
        """Read both files' metadata.

        Raises:
            ModelError: they are not the same model, or one says nothing.
        """
        if self.cpu == self.cuda:
            return
        cpu, cuda = read_metadata(self.cpu), read_metadata(self.cuda)
        if cpu.fingerprint != cuda.fingerprint:
            ours, theirs = cpu.model_dump(), cuda.model_dump()
            names = [name for name in cpu.essential if ours[name] != theirs[name]]
            raise ModelError(
                "{name} is not the same model as {name2} (other {names}): export both "
                "again, or remove {name}.",
                name=self.cuda.name,
                name2=self.cpu.name,
                names=", ".join(names),
            )


def read_metadata(path: Path) -> ModelMetadata:
    """What a model file says about itself, read without loading its graph.

    Raises:
        ModelError: it cannot be read, is no ONNX file, or carries no valid metadata.
    """
    try:
        with path.open("rb") as file:
            text = _metadata_text(file)
    except OSError as error:
        raise ModelError(
            "The model file {path} cannot be read ({error}): check it.", path=path, error=error
        ) from error
    except ValueError as error:
        raise ModelError(
            "{name} cannot be read as an ONNX model: {error}.", name=path.name, error=error
        ) from error
    if text is None:
        raise no_metadata()
    return ModelMetadata.parse(text)


def _metadata_text(file: BinaryIO) -> str | None:
    """The entry `emolive` of a model's metadata; everything else is skipped.

    Raises:
        ValueError: no protocol buffers.
    """
    while (tag := _varint(file)) is not None:
        kind = tag & 7
        if kind == _VARINT:
            _varint(file)
        elif kind == _EIGHT_BYTES:
            file.seek(8, 1)
        elif kind == _FOUR_BYTES:
            file.seek(4, 1)
        elif kind == _LENGTH:
            length = _varint(file) or 0
            if tag >> 3 != _METADATA_FIELD:
                file.seek(length, 1)
                continue
            end = file.tell() + length
            key, value = (_string(file) for _ in range(2))
            if key == METADATA_KEY:
                return value
            file.seek(end)
        else:
            raise ValueError(f"a field of kind {kind}")
    return None


def _string(file: BinaryIO) -> str:
    """A key or a value, in this order: ONNX writes fields by their number."""
    _varint(file)
    length = _varint(file) or 0
    text = file.read(length)
    if len(text) < length:
        raise ValueError("it ends too early")
    return text.decode("utf-8")


def _varint(file: BinaryIO) -> int | None:
    """The next number, None at the end of the file."""
    value = 0
    for shift in range(0, 70, 7):
        byte = file.read(1)
        if not byte:
            if shift:
                raise ValueError("it ends too early")
            return None
        value |= (byte[0] & 0x7F) << shift
        if byte[0] < 0x80:
            return value
    raise ValueError("a number that is too long")
