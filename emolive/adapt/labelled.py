"""What people labelled: stretches of sound, from sessions, a manifest or a folder per label."""

from __future__ import annotations

import csv
import hashlib
import io
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Literal

from emolive.archive.inputs import find_inputs
from emolive.engine.config import AgentPermission, EngineConfig
from emolive.errors import EmoliveError
from emolive.i18n import alternatives, mark, ntr, tr
from emolive.labels import canonical, emotion
from emolive.session.export.csv_file import original
from emolive.session.library_reader import LibraryReader
from emolive.session.training_manifest import labelled_marks
from emolive.types import Role, SpeechState

_RESERVED = {str(state) for state in SpeechState}
_LONGEST_LABEL = 60
_MOST_BYTES = 100_000_000


@dataclass(frozen=True, slots=True)
class Origin:
    """A session, manifest or folder that labels came from; its fingerprint alone is kept."""

    kind: Literal["session", "manifest", "folder"]
    fingerprint: str


@dataclass(frozen=True, slots=True)
class Stretch:
    """A labelled part of a recording (`end_s` None: to its end).

    `group` names the speaker or the session; None: not known.
    """

    path: Path
    label: str
    start_s: float
    end_s: float | None
    group: str | None
    origin: Origin


@dataclass(frozen=True, slots=True)
class Labelled:
    """What there is to learn from, what was left out, and what is wrong, a sentence each.

    `agents` tells whether people at work are among the voices.
    """

    stretches: tuple[Stretch, ...] = ()
    left_out: tuple[str, ...] = ()
    problems: tuple[str, ...] = ()
    agents: bool = False

    @property
    def counts(self) -> dict[str, int]:
        """How many stretches each label has, most first."""
        return dict(Counter(stretch.label for stretch in self.stretches).most_common())

    def __add__(self, other: Labelled) -> Labelled:
        return Labelled(
            self.stretches + other.stretches,
            self.left_out + other.left_out,
            self.problems + other.problems,
            self.agents or other.agents,
        )


def session_fingerprint(session_id: str) -> str:
    """By which a model's file remembers a session that it was taught with."""
    return _digest(f"session {session_id}".encode())


def from_library(library: LibraryReader, permission: AgentPermission | None = None) -> Labelled:
    """What people marked with an emotion in all sessions, where the sound is kept.

    Voices of agents are taken only where emotion was inferred on them, and with `permission`: to
    teach is to infer.
    """
    config = EngineConfig(agent_permission=permission)
    found: list[Stretch] = []
    skipped: Counter[str] = Counter()
    agents = False
    for info in library.sessions():
        origin = Origin("session", session_fingerprint(info.id))
        for name, marked in labelled_marks(library, info):
            stream = info.stream(name)
            if not stream.emotion or not config.infers_emotion(stream.role):
                skipped[mark("{n} marks of agents, whose emotions may not be inferred here")] += 1
                continue
            path = library.audio_path(info.id, name)
            if path is None:
                skipped[mark("{n} marks in sessions without sound")] += 1
                continue
            label = usable_label(marked.label or "")
            if label is None:
                skipped[mark("{n} marks with a label that means something else")] += 1
                continue
            agents = agents or stream.role is Role.AGENT
            start, end = marked.start_sample / info.rate, marked.end_sample / info.rate
            # The same voice on two streams of one session is nobody's case; sessions are apart.
            found.append(Stretch(path, label, start, end, f"{info.id}/{name}", origin))
    left_out = tuple(tr(what, n=n) for what, n in skipped.items())
    return Labelled(tuple(found), left_out, agents=agents)


def from_manifest(path: Path) -> Labelled:
    """A CSV file with the columns `path` and `label` and, if known, `start_s`, `end_s`, `speaker`.

    Paths are relative to the file's folder. Rows without a label are not labelled yet.

    Raises:
        EmoliveError: it cannot be read, or lacks a column.
    """
    try:
        size = path.stat().st_size
        if not path.is_file() or size > _MOST_BYTES:
            raise EmoliveError(
                "{path} is no manifest: give a CSV file with path and label.", path=path
            )
        content = path.read_bytes()
        text = io.StringIO(content.decode("utf-8-sig"), newline="")
        header = text.getvalue().partition("\n")[0]
        # As spreadsheets save it where decimals have a comma.
        delimiter = ";" if ";" in header and "," not in header else ","
        rows = csv.DictReader(text, skipinitialspace=True, delimiter=delimiter)
        columns = set(rows.fieldnames or ())
    except FileNotFoundError:
        raise EmoliveError("There is no manifest {path}: give a CSV file.", path=path) from None
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise EmoliveError(
            "The manifest {path} cannot be read ({error}): save it as CSV in UTF-8.",
            path=path,
            error=error,
        ) from error
    if missing := {"path", "label"} - columns:
        raise EmoliveError(
            "{path} has no column {missing}: a manifest needs a header with at least "
            "path and label.",
            path=path,
            missing=alternatives(sorted(missing)),
        )
    origin = Origin("manifest", _digest(content))
    found: dict[tuple[object, ...], Stretch] = {}
    problems: list[str] = []
    empty = 0
    try:
        for row in rows:
            entry = _of_row(row, path, rows.line_num, origin)
            if isinstance(entry, Stretch):
                found[entry.path, entry.start_s, entry.end_s, entry.label] = entry
            elif entry:
                problems.append(entry)
            else:
                empty += 1
    except csv.Error as error:
        problems.append(f"{path.name}, line {rows.line_num}: {error}")
    left_out = (
        (
            ntr(
                "{count} row of {name} without a label",
                "{count} rows of {name} without a label",
                empty,
                name=path.name,
            ),
        )
        if empty
        else ()
    )
    return Labelled(tuple(found.values()), left_out, tuple(problems))


def from_folder(folder: Path) -> Labelled:
    """A folder with one sub-folder per label; other folders on the way name the speaker.

    Raises:
        EmoliveError: there is no such folder.
    """
    if not folder.is_dir():
        raise EmoliveError(
            "There is no folder {folder}: give one with a sub-folder per label.", folder=folder
        )
    inputs = find_inputs([folder])
    names = sorted((one.path.relative_to(folder).as_posix(), one.size) for one in inputs.files)
    origin = Origin("folder", _digest(repr(names).encode()))
    found: list[Stretch] = []
    loose = 0
    for one in inputs.files:
        parts = one.path.relative_to(folder).parts[:-1]
        # Of `anna/happy/1.wav` it is known which one the label is; of `confident/anna/1.wav` the
        # first has to be.
        name = next((part for part in parts if emotion(part)), parts[0] if parts else "")
        label = usable_label(name)
        if label is None:
            loose += 1
            continue
        speaker = "/".join(part for part in parts if part != name)
        group = f"speaker {speaker}" if speaker else None
        found.append(Stretch(one.path, label, 0.0, None, group, origin))
    left_out = (
        (
            tr(
                "{loose} files of {folder} in no folder that could be a label",
                loose=loose,
                folder=folder,
            ),
        )
        if loose
        else ()
    )
    return Labelled(tuple(found), left_out, inputs.problems)


def usable_label(text: str) -> str | None:
    """The label that is meant, known ones by their usual name; None where it cannot be one."""
    label = canonical(" ".join(text.split()))
    if not label or len(label) > _LONGEST_LABEL or label.casefold() in _RESERVED:
        return None
    return label


def _of_row(
    row: dict[str, str | None], manifest: Path, line: int, origin: Origin
) -> Stretch | str | None:
    """A row's stretch, a sentence on what is wrong with it, or None where it has no label."""

    def value(column: str) -> str:
        return original((row.get(column) or "").strip())

    where = f"{manifest.name}, line {line}"
    if not value("label"):
        return None
    label = usable_label(value("label"))
    if label is None:
        return tr(
            "{where}: {value} cannot be a label", where=where, value=repr(value("label")[:70])
        )
    audio = manifest.parent / value("path")
    if not value("path") or not audio.is_file():
        if not value("path"):
            return tr("{where}: there is no path", where=where)
        return tr("{where}: there is no file {path}", where=where, path=value("path"))
    try:
        times = (value(column).replace(",", ".") for column in ("start_s", "end_s"))
        start, end = (float(time or usual) for time, usual in zip(times, ("0", "inf"), strict=True))
    except ValueError:
        return tr("{where}: start_s and end_s must be seconds", where=where)
    if not 0 <= start < end or start == float("inf"):
        return tr("{where}: start_s must be before end_s, and neither negative", where=where)
    speaker = value("speaker")
    group = f"speaker {value('corpus')} {speaker}" if speaker else None
    return Stretch(audio, label, start, None if end == float("inf") else end, group, origin)


def relabelled(labelled: Labelled) -> Labelled:
    """With own labels that differ only in upper and lower case taken as one."""
    spelled: dict[str, str] = {}
    for stretch in labelled.stretches:
        spelled.setdefault(stretch.label.casefold(), stretch.label)
    same = (replace(one, label=spelled[one.label.casefold()]) for one in labelled.stretches)
    return replace(labelled, stretches=tuple(same))


def origins(stretches: Iterable[Stretch]) -> dict[Origin, int]:
    """How many stretches came from where."""
    return dict(Counter(stretch.origin for stretch in stretches))


def _digest(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()[:32]
