"""Results that appear whole or not at all."""

from __future__ import annotations

import glob
import hashlib
import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TextIO
from xml.etree import ElementTree

_MOST_BYTES = 255  # of a name, in all usual file systems


@contextmanager
def replacing(path: Path) -> Iterator[Path]:
    """A file beside `path` that takes its place once it is complete.

    Raises:
        OSError: it cannot take its place.
    """
    partial = _partial(path)
    try:
        yield partial
        os.replace(partial, path)
    finally:
        partial.unlink(missing_ok=True)


@contextmanager
def replacing_folder(path: Path) -> Iterator[Path]:
    """An empty folder beside `path` that takes its place once it is complete.

    A folder that is there already is moved aside first, and comes back if the new one cannot take
    its place.

    Raises:
        OSError: it cannot be made, or cannot take its place.
    """
    partial, old = _partial(path), _partial(path.with_name(f"{path.name}.old"))
    partial.mkdir()
    try:
        yield partial
        if path.is_dir():
            os.replace(path, old)
            try:
                os.replace(partial, path)
            except OSError:
                os.replace(old, path)
                raise
        else:
            os.replace(partial, path)
    finally:
        shutil.rmtree(partial, ignore_errors=True)
        shutil.rmtree(old, ignore_errors=True)


def text(path: Path) -> TextIO:
    """A text file to write: UTF-8, line ends as written.

    File names need not be valid text: what cannot be encoded is written as an escape.
    """
    return path.open("w", encoding="utf-8", errors="backslashreplace", newline="")


def write_text(path: Path, content: str) -> None:
    """Write a whole text file, atomically.

    Raises:
        OSError: it cannot be written.
    """
    with replacing(path) as partial, text(partial) as file:
        file.write(content)


def write_xml(root: ElementTree.Element, path: Path) -> None:
    """Write an indented XML document in UTF-8, atomically.

    Raises:
        OSError: it cannot be written.
    """
    ElementTree.indent(root)
    with replacing(path) as partial:
        ElementTree.ElementTree(root).write(partial, encoding="UTF-8", xml_declaration=True)


def beside(path: Path, part: str) -> Path:
    """Name of a further file of one export: "segments" beside talk.csv is talk.segments.csv."""
    rest = f".{part}{path.suffix}"
    return path.with_name(fitting(path.stem, len(os.fsencode(rest))) + rest)


def fitting(name: str, more: int) -> str:
    """The name, so short that `more` bytes can follow it; a digest keeps shortened ones apart."""
    encoded = os.fsencode(name)
    if len(encoded) + more <= _MOST_BYTES:
        return name
    digest = hashlib.sha256(encoded).hexdigest()[:8]
    room = max(0, _MOST_BYTES - more - len(digest) - 1)
    return f"{encoded[:room].decode(errors='ignore')}~{digest}"


def remove_partials(path: Path) -> None:
    """Remove what a program that was killed while it wrote `path` left behind.

    Raises:
        OSError: it cannot be removed.
    """
    for partial in path.parent.glob(_partial_name(glob.escape(_fitting_partial(path)), "*")):
        if partial.is_dir():
            shutil.rmtree(partial)
        else:
            partial.unlink(missing_ok=True)


def _partial(path: Path) -> Path:
    return path.with_name(_partial_name(_fitting_partial(path), os.getpid()))


def _fitting_partial(path: Path) -> str:
    return fitting(path.name, len(_partial_name("", 2**63)))


def _partial_name(name: str, process: int | str) -> str:
    return f".{name}.{process}.partial"
