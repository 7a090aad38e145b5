"""Reading a bundle's document piece by piece, so that its size costs no memory."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import IO, Any

import ijson
from ijson.common import ObjectBuilder
from pydantic import ValidationError

from emolive.errors import SessionError
from emolive.i18n import tr
from emolive.session.bundle_document import (
    VERSION,
    ActivityEntry,
    BundleDocument,
    SegmentEntry,
    WindowEntry,
    activity_of,
)
from emolive.session.summary import NO_EMOTION
from emolive.wording import complaint

Row = WindowEntry | SegmentEntry | ActivityEntry

_ROWS: dict[str, type[Row]] = {
    "windows": WindowEntry,
    "segments": SegmentEntry,
    "activity": ActivityEntry,
}
_ROW_PLACES = {f"streams.item.{kind}.item": kind for kind in _ROWS}
# A day at the shortest hop has 864 000 windows.
_MOST_ROWS = 1_000_000
# All of the document but its rows; a text or a number; a row.
_MOST_BYTES = 40_000_000
_MOST_TOKEN_BYTES = 2_000_000
_DEEPEST = 32
_READ_BYTES = 1 << 16


class _Tokens:
    """A file in which no token is too long: the parser holds a whole one."""

    def __init__(self, file: IO[bytes], most_bytes: int) -> None:
        self._file = file
        self._left = most_bytes
        self._since_quote = 0

    def read(self, size: int = -1) -> bytes:
        data = self._file.read(min(size, _READ_BYTES) if size >= 0 else _READ_BYTES)
        self._left -= len(data)
        last = data.rfind(b'"')
        self._since_quote = self._since_quote + len(data) if last < 0 else len(data) - last
        if self._left < 0 or self._since_quote > _MOST_TOKEN_BYTES:
            raise _TooLargeError
        return data


class _TooLargeError(Exception):
    pass


@dataclass
class _Pieces:
    """The document: rows as they come, and the rest, which is whole at the end."""

    file: _Tokens
    rest: Any = field(default_factory=ObjectBuilder)

    def rows(self) -> Iterator[tuple[int, str, dict[str, Any]]]:
        """The number of a stream, the kind of a row, and the row.

        Raises:
            ValueError: it is no JSON.
        """
        row: Any = None
        held = 0
        keys: list[str] = []  # the way to where the parser is; a list's entries are "item"
        stream = -1
        for event, value in ijson.basic_parse(self.file, use_float=True):
            held += 50 + (len(value) if isinstance(value, str) else 0)
            if held > _MOST_BYTES:
                raise _TooLargeError
            place = ""
            if event == "map_key":
                keys[-1] = value
            elif event in ("start_map", "start_array"):
                place = ".".join(keys)
                keys.append("item")
                if len(keys) > _DEEPEST:
                    raise ValueError(tr("it nests too deep"))
            elif event in ("end_map", "end_array"):
                keys.pop()
                place = ".".join(keys)
            if event == "start_map":
                if place == "streams.item":
                    stream += 1
                elif row is None and place in _ROW_PLACES:
                    row, outside = ObjectBuilder(), held
            if row is None:
                self.rest.event(event, value)
                continue
            row.event(event, value)
            if event == "end_map" and place in _ROW_PLACES:
                yield stream, _ROW_PLACES[place], row.value
                row, held = None, outside


def read_document(open_file: Callable[[], IO[bytes]], name: str, most_bytes: int) -> BundleDocument:
    """All of the document but its rows, which are checked like it.

    Raises:
        SessionError: it is none, too large, of a later version, or contradicts itself.
    """
    with open_file() as file:
        version = re.search(rb'"version"\s*:\s*(\d+)', file.read(1_000))
    if version is not None and int(version[1]) > VERSION:
        raise SessionError(
            "{name} was made by a newer emolive: update this one to import it.", name=name
        )
    seen: Counter[tuple[int, str]] = Counter()
    labels: dict[str, str] = {}
    shares: set[int] = set()
    latest = 0
    with _said(name), open_file() as file:
        pieces = _Pieces(_Tokens(file, most_bytes))
        for stream, kind, values in pieces.rows():
            row = _entry(kind, values, (stream, kind, seen[stream, kind]))
            seen[stream, kind] += 1
            if seen[stream, kind] > _MOST_ROWS or len(labels) > _MOST_ROWS:
                raise _TooLargeError
            if isinstance(row, ActivityEntry):
                activity = activity_of(row)
                latest = max(latest, activity.end_sample)
                continue
            latest = max(latest, row.end_sample)
            if isinstance(row, WindowEntry):
                told = (row.probabilities, row.raw_probabilities)
                shares.update(len(one) for one in told if one is not None)
            if row.label is not None and not (
                isinstance(row, SegmentEntry) and row.label in NO_EMOTION
            ):
                labels[row.label] = kind
            if len(labels) > 1_000:
                raise ValueError(tr("its timeline knows more than 1000 labels"))
        document = BundleDocument.model_validate(pieces.rest.value)
        if shares - {len(document.labels)}:
            raise ValueError(tr("a window must have one probability per label"))
        if strange := set(labels) - set(document.labels):
            raise ValueError(
                tr("the label {label} is not among the labels", label=repr(min(strange)[:80]))
            )
        if any(not 0 <= stream < len(document.streams) for stream, _ in seen):
            raise ValueError(tr("it names its streams twice"))
        if latest > document.latest_sample:
            raise ValueError(tr("its timeline goes on long after its end"))
    return document


def read_rows(
    open_file: Callable[[], IO[bytes]], name: str, most_bytes: int
) -> Iterator[tuple[int, Row]]:
    """The rows of a document that was read, each with the number of its stream.

    Raises:
        SessionError: the file is another one by now.
    """
    with _said(name), open_file() as file:
        for stream, kind, values in _Pieces(_Tokens(file, most_bytes)).rows():
            yield stream, _entry(kind, values, (stream, kind, 0))


def _entry(kind: str, values: dict[str, Any], place: tuple[int, str, int]) -> Row:
    model: type[Row] = _ROWS[kind]
    try:
        return model.model_validate(values)
    except ValidationError as error:
        raise ValueError(_first(error, ("streams", *place))) from error


@contextmanager
def _said(name: str) -> Iterator[None]:
    try:
        yield
    except _TooLargeError as error:
        raise SessionError(
            "{name} is too large: its timeline is more than a session of a day has.", name=name
        ) from error
    except (ValueError, OverflowError, ijson.JSONError) as error:
        plain = " ".join(_why(error).split())[:300]
        raise SessionError(
            "{name} is not a valid session ({plain}): export it again.", name=name, plain=plain
        ) from error


def _why(error: Exception) -> str:
    if isinstance(error, ValidationError):
        return _first(error)
    if not isinstance(error, ijson.JSONError):
        return str(error)
    # The parser's own words come with a piece of the file.
    return tr("a number in it is too large") if "overflow" in str(error) else tr("it is no JSON")


def _first(error: ValidationError, place: tuple[int | str, ...] = ()) -> str:
    first = error.errors(include_url=False, include_input=False)[0]
    where = ".".join(map(str, (*place, *first["loc"]))) or tr("as a whole")
    said = complaint(first, tr("record"))
    return f"{where[:100]}: {said[:200]}"
