"""What of an output folder is finished, so that a stopped run can be resumed."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Self

from pydantic import BaseModel, ValidationError

from emolive.archive.inputs import AudioInput
from emolive.archive.messages import FileResult
from emolive.plain_text import valid_text
from emolive.session.export import FORMATS

NAME = ".emolive-journal.jsonl"


class _Entry(BaseModel, frozen=True, extra="forbid"):
    """One finished file: what it was, and what came of it."""

    file: str
    size: int
    modified_ns: int
    fingerprint: str
    result: FileResult


class Journal:
    """The list of finished files of one output folder; one JSON object per line.

    A line is written in one go once all of a file's results are in place, so whatever kills the
    program, only files that were being worked on are missing. Per file the last line counts; on
    opening, the others are dropped. One thread owns it.
    """

    def __init__(self, folder: Path) -> None:
        """Read the journal of `folder`, if it has one; `folder` must exist.

        Raises:
            OSError: it cannot be read or written.
        """
        self._folder = folder
        self._path = folder / NAME
        self._entries, superfluous = self._read()
        if superfluous:
            self._rewrite()
        self._file = os.open(
            self._path, os.O_WRONLY | os.O_CREAT | os.O_APPEND | getattr(os, "O_BINARY", 0), 0o666
        )

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        os.close(self._file)

    def finished(
        self, item: AudioInput, fingerprint: str, formats: tuple[str, ...]
    ) -> FileResult | None:
        """What an earlier run found in `item`, if that still holds.

        The file must be unchanged (size and time of change), the settings the same, and the results
        in all `formats` must still be there.
        """
        entry = self._entries.get(_key(item))
        if entry is None or (entry.size, entry.modified_ns, entry.fingerprint) != (
            item.size,
            item.modified_ns,
            fingerprint,
        ):
            return None
        wanted = [item.output(FORMATS[form].extension) for form in formats]
        there = (valid_text(one) in entry.result.outputs and (self._folder / one).exists()
                 for one in wanted)  # fmt: skip
        return entry.result if all(there) else None

    def record(self, item: AudioInput, fingerprint: str, result: FileResult) -> None:
        """Note that `item` is finished.

        Raises:
            OSError: it cannot be written.
        """
        entry = _Entry(
            file=_key(item),
            size=item.size,
            modified_ns=item.modified_ns,
            fingerprint=fingerprint,
            result=_plain(result),
        )
        os.write(self._file, _line(entry))
        self._entries[entry.file] = entry

    def _read(self) -> tuple[dict[str, _Entry], bool]:
        """The entries, and whether the file holds lines that do not count."""
        entries: dict[str, _Entry] = {}
        lines = 0
        if self._path.exists():
            with self._path.open("rb") as file:
                for line in file:
                    lines += 1
                    try:
                        entry = _Entry.model_validate_json(line)
                    except ValidationError:  # torn, or of another version
                        continue
                    entries[entry.file] = entry
        return entries, lines != len(entries)

    def _rewrite(self) -> None:
        partial = self._path.with_name(f"{NAME}.{os.getpid()}.partial")
        partial.write_bytes(b"".join(map(_line, self._entries.values())))
        os.replace(partial, self._path)


def _key(item: AudioInput) -> str:
    return valid_text(os.path.abspath(item.path))


def _plain(result: FileResult) -> FileResult:
    told = {"problem": result.problem, "note": result.note}
    valid = {name: text and valid_text(text) for name, text in told.items()}
    outputs = tuple(map(valid_text, result.outputs))
    return result.model_copy(update={"outputs": outputs, **valid})


def _line(entry: _Entry) -> bytes:
    return entry.model_dump_json().encode() + b"\n"
