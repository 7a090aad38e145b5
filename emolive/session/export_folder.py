"""Writing sessions into a folder, and reading bundles; one failure loses nothing else."""

from __future__ import annotations

import glob
import re
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path

from emolive.errors import EmoliveError, SessionError
from emolive.i18n import tr
from emolive.session.bundle import export_bundle
from emolive.session.bundle_import import import_bundle
from emolive.session.export import FORMATS
from emolive.session.export.audio_copy import AudioFormat, copy_audio
from emolive.session.export_choices import BUNDLE, CHOICES, MANIFEST
from emolive.session.library import Library
from emolive.session.records import SessionInfo
from emolive.session.timeline import StreamAudio, Timeline
from emolive.session.training_manifest import Facts, write_manifest

_LONGEST_STEM = 60

Progress = Callable[[int, int, str], None]
"""Told how many are done, how many there are, and what is being written; it may raise."""


class StoppedByUserError(Exception):
    """The person changed their mind."""


def file_stem(info: SessionInfo) -> str:
    """A file name that tells which session it is, valid on every system, unlike any other's."""
    words = re.sub(r"[^\w.-]+", "-", info.title, flags=re.UNICODE).strip("-.")
    return f"{info.id}-{words[:_LONGEST_STEM].rstrip('-.')}" if words else info.id


@dataclass(frozen=True, slots=True)
class ExportRequest:
    """What is written, and where.

    `formats` are names of `CHOICES`. `audio` is the format of the sound that comes along, for the
    other files to refer to; None: they refer to the library's. `facts` and `cut` are the
    manifest's (see `write_manifest`), which goes into `manifest_folder` within `folder`. `stem`:
    how the names of a session's files begin.
    """

    formats: tuple[str, ...]
    folder: Path
    audio: AudioFormat | None = None
    facts: Facts = field(default_factory=Facts)
    cut: bool = True
    manifest_folder: str = "training-manifest"
    stem: Callable[[SessionInfo], str] = file_stem


@dataclass(frozen=True, slots=True)
class Exported:
    """Every file that was written, and one sentence for each thing that was not.

    `notes` is what else there is to know; `incomplete` are ids of sessions of which something is
    missing; `stretches`: how many the manifest has.
    """

    written: tuple[Path, ...]
    problems: tuple[str, ...]
    notes: tuple[str, ...]
    incomplete: frozenset[str]
    stretches: int


def export_sessions(
    library: Library,
    sessions: Sequence[SessionInfo],
    request: ExportRequest,
    progress: Progress = lambda *_: None,
    written: Callable[[Path], None] = lambda _: None,
) -> Exported:
    """Write every session in every format; `written` is told of each file or folder, once there.

    Raises:
        EmoliveError: the folder cannot be made.
        StoppedByUserError: `progress` said so; what is written stays.
    """
    try:
        request.folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise EmoliveError(_sentence(request.folder, error)) from error
    export = _Export(library, sessions, request, progress, written)
    try:
        for info in sessions:
            export.session(info)
        if MANIFEST in request.formats:
            export.manifest()
    finally:
        export.enter()
    progress(export.total, export.total, "")
    return Exported(
        tuple(export.files),
        tuple(dict.fromkeys(export.problems)),
        tuple(export.notes),
        frozenset(export.incomplete),
        export.stretches,
    )


def import_bundles(
    library: Library,
    paths: Iterable[Path],
    *,
    again: bool = False,
    imported: Callable[[str], None] = lambda _: None,
) -> tuple[list[str], list[str]]:
    """Import bundles: the new sessions' ids, and a sentence for each that could not be.

    `again`: even what the library has already; `imported` is told of each new id.
    """
    ids: list[str] = []
    problems: dict[str, None] = {}
    for path in paths:
        try:
            ids.append(import_bundle(library, path, again=again).id)
            imported(ids[-1])
            library.audit("imported", {"session": ids[-1], "file": path.name})
        except EmoliveError as error:
            problems[str(error)] = None  # once that the disk is full, say
    return ids, list(problems)


class _Export:
    """One export under way."""

    def __init__(
        self,
        library: Library,
        sessions: Sequence[SessionInfo],
        request: ExportRequest,
        progress: Progress,
        written: Callable[[Path], None],
    ) -> None:
        self._library = library
        self._request = request
        self._progress = progress
        self._tell = written
        self._names = [name for name in request.formats if name != MANIFEST]
        self._formats: dict[str, list[str]] = {info.id: [] for info in sessions}
        self.total = len(sessions) * len(self._names) + (MANIFEST in request.formats)
        self._begun = self.stretches = 0
        self.files: list[Path] = []
        self.problems: list[str] = []
        self.notes: list[str] = []
        self.incomplete: set[str] = set()

    def session(self, info: SessionInfo) -> None:
        """One session in every format; some write several files, or a folder."""
        folder, stem = self._request.folder, self._request.stem(info)
        before = _files(folder, stem)
        timeline: Timeline | None = None
        if self._request.audio is not None:
            with self._failing_alone(info, folder):
                timeline = Timeline.of_session(self._library, info.id)
                timeline = self._with_audio_beside(info, timeline, self._request.audio)
        for name in self._names:
            choice = CHOICES[name]
            self._begin(f"{info.title or info.id} · {tr(choice.title)}")
            path = folder / f"{stem}{choice.extension}"
            with self._failing_alone(info, path):
                if name == BUNDLE:
                    export_bundle(self._library, info.id, path)
                else:
                    timeline = timeline or Timeline.of_session(self._library, info.id)
                    FORMATS[name].write(timeline, path)
                self._formats[info.id].append(name)
                self._tell(path)
        after = _files(folder, stem)
        self.files += [file for file, state in after.items() if before.get(file) != state]

    def _with_audio_beside(
        self, info: SessionInfo, timeline: Timeline, kind: AudioFormat
    ) -> Timeline:
        """The streams' sound beside the files, which refer to it where it can be written."""
        streams = list(timeline.streams)
        for number, stream in enumerate(streams):
            if stream.audio is None:
                continue
            name = f"{self._request.stem(info)}.{stream.audio.path.name}"
            with self._failing_alone(info, self._request.folder / name):
                copy = copy_audio(stream.audio.path, self._request.folder / name, kind)
                streams[number] = replace(stream, audio=StreamAudio(copy))
                self._tell(copy)
        return replace(timeline, streams=tuple(streams))

    def manifest(self) -> None:
        """What people marked in all sessions."""
        request, folder = self._request, self._request.folder / self._request.manifest_folder
        self._begin(tr("Training manifest"))
        try:
            folder.mkdir(exist_ok=True)
            result = write_manifest(
                self._library, list(self._formats), folder, request.facts, cut=request.cut
            )
        except (OSError, EmoliveError) as error:
            sentence = tr("No manifest was written. {error}", error=_sentence(folder, error))
            self.problems.append(sentence)
            return
        self.files += [result.path, *result.pieces]
        self.notes += result.skipped
        self.stretches = result.rows
        for formats in self._formats.values():
            formats.append(MANIFEST)
        self._tell(result.path)

    def enter(self) -> None:
        """Let the audit log tell what was written; a disk that takes nothing still gives it out."""
        try:
            for session, formats in self._formats.items():
                if formats:
                    self._library.audit("exported", {"session": session, "formats": formats})
        except SessionError as error:
            self.notes.append(
                tr("The audit log does not know of this export. {error}", error=error)
            )

    def _begin(self, what: str) -> None:
        self._progress(self._begun, self.total, what)
        self._begun += 1

    @contextmanager
    def _failing_alone(self, info: SessionInfo, path: Path) -> Iterator[None]:
        try:
            yield
        except (OSError, EmoliveError) as error:
            self.problems.append(_sentence(path, error))
            self.incomplete.add(info.id)


def _files(folder: Path, stem: str) -> dict[Path, tuple[int, int]]:
    """The files of a session's export, those beside each other and in folders; and which they are.

    Files are replaced, never changed.
    """
    found: dict[Path, tuple[int, int]] = {}
    for path in sorted(folder.glob(f"{glob.escape(stem)}*")):
        for file in sorted(path.rglob("*")) if path.is_dir() else [path]:
            if file.is_file():
                state = file.stat()
                found[file] = (state.st_ino, state.st_mtime_ns)
    return found


def _sentence(path: Path, error: OSError | EmoliveError) -> str:
    if not isinstance(error, OSError):
        return str(error)
    return tr(
        "{path} cannot be written ({reason}): choose another folder with --out, or free some "
        "space.",
        path=path,
        reason=error.strerror or error,
    )
