"""Writing sessions into a folder, in several formats; one failure loses nothing else."""

from __future__ import annotations

import glob
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from emolive.errors import EmoliveError
from emolive.i18n import mark, tr
from emolive.session.bundle import EXTENSION, export_bundle
from emolive.session.bundle_import import import_bundle
from emolive.session.export import FORMATS
from emolive.session.library import Library
from emolive.session.records import SessionInfo
from emolive.session.timeline import Timeline
from emolive.session.training_manifest import write_manifest

BUNDLE, MANIFEST = "bundle", "manifest"
_LONGEST_STEM = 60

Progress = Callable[[int, int, str], None]
"""Told how many are done, how many there are, and what is being written; it may raise."""


class StoppedByUserError(Exception):
    """The person changed their mind."""


@dataclass(frozen=True, slots=True)
class Choice:
    """What a person can choose: a name, what it is called, how its file ends, what it is for."""

    name: str
    title: str
    extension: str
    purpose: str


_PURPOSES = {
    "html": mark("Player and timeline in one file that opens in any browser"),
    "spreadsheet": mark("Rows for Excel or Calc, with decimal commas"),
    "vtt": mark("The emotions as captions below a video or a player"),
    "eaf": mark("Tiers for ELAN"),
    "textgrid": mark("Tiers for Praat"),
    "audacity": mark("A label track for Audacity"),
    "csv": mark("Rows for R, pandas and others"),
    "json": mark("All of it in one file, for programs"),
    "parquet": mark("The same rows, small and quick to read"),
    "audformat": mark("A data set for audEERING's tools"),
    "emotionml": mark("The W3C's form of emotions"),
    "rttm": mark("Who speaks when, for diarization tools"),
    BUNDLE: mark("Everything, its sound included, for emolive on another computer"),
    MANIFEST: mark("What people marked, cut out as sound, to train a model on"),
}
CHOICES: tuple[Choice, ...] = (
    *(
        Choice(form.name, form.title, f".{form.extension}", _PURPOSES[form.name])
        for form in FORMATS.values()
    ),
    Choice(BUNDLE, mark("Session bundle"), f".{EXTENSION}", _PURPOSES[BUNDLE]),
    Choice(MANIFEST, mark("Training manifest"), mark("folder"), _PURPOSES[MANIFEST]),
)
# What they are for, and those that are for that, the usual ones first.
GROUPS: tuple[tuple[str, tuple[str, ...]], ...] = (
    (mark("To read and to show"), ("html", "spreadsheet", "vtt")),
    (mark("To annotate in other programs"), ("eaf", "textgrid", "audacity")),
    (mark("To compute with"), ("csv", "json", "parquet", "audformat")),
    (mark("To hand on"), (BUNDLE, MANIFEST, "emotionml", "rttm")),
)


@dataclass(frozen=True, slots=True)
class Exported:
    """Every file that was written, and one sentence for each thing that was not."""

    written: tuple[Path, ...]
    problems: tuple[str, ...]


def file_stem(info: SessionInfo) -> str:
    """A file name that tells which session it is, valid on every system, unlike any other's."""
    words = re.sub(r"[^\w.-]+", "-", info.title, flags=re.UNICODE).strip("-.")
    return f"{info.id}-{words[:_LONGEST_STEM].rstrip('-.')}" if words else info.id


def unavailable(name: str) -> str | None:
    """Why a format cannot be written here, as one sentence; None: it can."""
    try:
        if name in FORMATS:
            FORMATS[name].check()
    except EmoliveError as error:
        return str(error)
    return None


def export_sessions(
    library: Library,
    sessions: Sequence[SessionInfo],
    formats: Sequence[str],
    folder: Path,
    progress: Progress,
) -> Exported:
    """Write every session in every format.

    Raises:
        EmoliveError: the folder cannot be made.
        StoppedByUserError: `progress` said so; what is written stays.
    """
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise EmoliveError(_unwritable(folder, error)) from error
    export = _Export(library, folder, progress, total=_total(sessions, formats))
    for info in sessions:
        export.session(info, [name for name in formats if name != MANIFEST])
    if MANIFEST in formats:
        export.manifest(sessions)
    progress(export.total, export.total, "")
    return Exported(tuple(export.written), tuple(export.problems))


def import_bundles(library: Library, paths: Sequence[Path]) -> tuple[list[str], list[str]]:
    """Import bundles: the new sessions' ids, and a sentence for each that could not be."""
    ids: list[str] = []
    problems: list[str] = []
    for path in paths:
        try:
            ids.append(import_bundle(library, path).id)
        except EmoliveError as error:
            problems.append(str(error))
    return ids, problems


class _Export:
    """One export under way."""

    def __init__(self, library: Library, folder: Path, progress: Progress, total: int) -> None:
        self.written: list[Path] = []
        self.problems: list[str] = []
        self.total = total
        self._library = library
        self._folder = folder
        self._progress = progress
        self._done = 0

    def session(self, info: SessionInfo, names: Sequence[str]) -> None:
        """One session in several formats."""
        title = info.title or info.id
        timeline: Timeline | None = None
        for name in names:
            choice = next(one for one in CHOICES if one.name == name)
            self._progress(self._done, self.total, f"{title} · {tr(choice.title)}")
            self._done += 1
            path = self._folder / f"{file_stem(info)}{choice.extension}"
            try:
                before = _files(self._folder, path.name)
                if name == BUNDLE:
                    export_bundle(self._library, info.id, path)
                else:
                    timeline = timeline or Timeline.of_session(self._library, info.id)
                    FORMATS[name].write(timeline, path)
                self._count(path, before)
            except OSError as error:
                self.problems.append(_unwritable(path, error))
            except EmoliveError as error:
                self.problems.append(str(error))
        if names:
            self._library.audit("exported", {"session": info.id, "formats": list(names)})

    def _count(self, path: Path, before: Mapping[Path, object]) -> None:
        """Enter every file of one format: some write several, or a folder."""
        after = _files(self._folder, path.name)
        self.written += [file for file, state in after.items() if before.get(file) != state]

    def manifest(self, sessions: Sequence[SessionInfo]) -> None:
        """What people marked in all of them."""
        folder = self._folder / "training-manifest"
        self._progress(self._done, self.total, tr("Training manifest"))
        self._done += 1
        try:
            before = _files(self._folder, folder.name)
            folder.mkdir(exist_ok=True)
            result = write_manifest(self._library, [info.id for info in sessions], folder)
            self._count(folder, before)
            self.written.sort(key=lambda path: path != result.path)
            self.problems += result.skipped
            for info in sessions:
                self._library.audit("exported", {"session": info.id, "formats": [MANIFEST]})
        except OSError as error:
            self.problems.append(_unwritable(folder, error))
        except EmoliveError as error:
            self.problems.append(str(error))


def _files(folder: Path, name: str) -> dict[Path, tuple[int, int]]:
    """The files of an export called `name`, those beside it and those in it; and which they are."""
    found: dict[Path, tuple[int, int]] = {}
    for path in sorted(folder.glob(f"{glob.escape(Path(name).stem)}*")):
        for file in sorted(path.rglob("*")) if path.is_dir() else [path]:
            if file.is_file():
                state = file.stat()
                found[file] = (state.st_ino, state.st_mtime_ns)
    return found


def _total(sessions: Sequence[SessionInfo], formats: Sequence[str]) -> int:
    each = [name for name in formats if name != MANIFEST]
    return len(sessions) * len(each) + (MANIFEST in formats)


def _unwritable(path: Path, error: OSError) -> str:
    return tr(
        "{path} cannot be written ({reason}): choose another folder or free some space.",
        path=path,
        reason=error.strerror or error,
    )
