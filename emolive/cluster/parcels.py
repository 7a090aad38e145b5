"""A model on its way to other machines: its files, and what they have to be when they arrive."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, field
from pathlib import Path

from emolive.errors import ModelError
from emolive.inference.adapted_file import is_adapted, read_adapted
from emolive.inference.bundled import bundled_model, model_path
from emolive.inference.model_files import ModelFiles


@dataclass(frozen=True, slots=True)
class PackedFile:
    """A file's name, and its bytes."""

    name: str
    content: bytes = field(repr=False)

    @property
    def sha256(self) -> str:
        """Of the bytes, in hexadecimal digits."""
        return hashlib.sha256(self.content).hexdigest()


@dataclass(frozen=True, slots=True)
class ModelParcel:
    """A model: its files, the one that is loaded first; or the name of one that all machines have.

    `fingerprint` is the SHA-256 of that file, as it was where the parcel was packed.
    """

    name: str
    fingerprint: str
    files: tuple[PackedFile, ...] = ()


def packed(choice: Path | None) -> ModelParcel:
    """The model that is meant, to be sent: a bundled or an adapted model's name, or a file.

    Of an adapted model whose base does not come with emolive the base travels, too.

    Raises:
        EmoliveError: there is none, or it cannot be read.
    """
    bundled = bundled_model(choice)
    if bundled is not None:
        return ModelParcel(bundled.name, ModelFiles.of(bundled.path).sha256)
    path = model_path(choice)
    if not is_adapted(path):
        files = _network(path)
        return ModelParcel(files[0].name, files[0].sha256, files)
    base = Path(read_adapted(path).base.choice)
    first = _file(path)
    more = () if bundled_model(base) else _network(model_path(base))
    return ModelParcel(first.name, first.sha256, (first, *more))


def unpacked(parcel: ModelParcel, folder: Path) -> Path:
    """The model as it is chosen here; its files are written into `folder`.

    Raises:
        ModelError: it is not what was packed, or cannot be written.
    """
    if not parcel.files:
        bundled = bundled_model(Path(parcel.name))
        if bundled is None or ModelFiles.of(bundled.path).sha256 != parcel.fingerprint:
            raise ModelError(
                "The model {name} of this machine is another than where the calls are served "
                "from: install the same version of emolive on all machines.",
                name=parcel.name,
            )
        return Path(parcel.name)
    first = parcel.files[0]
    if first.sha256 != parcel.fingerprint:
        raise ModelError(
            "The model {name} did not arrive whole: start the server again.", name=parcel.name
        )
    try:
        for file in parcel.files:
            (folder / file.name).write_bytes(file.content)
        path = folder / first.name
        if is_adapted(path) and len(parcel.files) > 1:
            _rest_on(path, folder / parcel.files[1].name)
    except OSError as error:
        raise ModelError(
            "The model {name} cannot be written to {folder} ({reason}): free some space there.",
            name=parcel.name,
            folder=folder,
            reason=error.strerror or error,
        ) from error
    return path


def _network(path: Path) -> tuple[PackedFile, ...]:
    """A network's files: the one that CPUs run, and its twin for graphics cards."""
    files = ModelFiles.of(path)
    return tuple(_file(one) for one in dict.fromkeys((files.cpu, files.cuda)))


def _file(path: Path) -> PackedFile:
    try:
        return PackedFile(path.name, path.read_bytes())
    except OSError as error:
        raise ModelError(
            "The model file {path} cannot be read ({reason}): check it.",
            path=path,
            reason=error.strerror or error,
        ) from error


def _rest_on(path: Path, base: Path) -> None:
    """An adapted model names its base as it was chosen where it was taught: here it is this one."""
    model = read_adapted(path)
    moved = model.base.model_copy(update={"choice": str(base)})
    path.write_text(model.model_copy(update={"base": moved}).model_dump_json(), encoding="utf-8")
