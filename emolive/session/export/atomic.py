"""Results that appear whole or not at all."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TextIO


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


def beside(path: Path, part: str) -> Path:
    """Name of a further file of one export: "segments" beside talk.csv is talk.segments.csv."""
    return path.with_name(f"{path.stem}.{part}{path.suffix}")


def _partial(path: Path) -> Path:
    return path.with_name(f".{path.name}.{os.getpid()}.partial")
