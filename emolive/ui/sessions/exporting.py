"""Writing sessions into a folder, in several formats; one failure loses nothing else. No Qt."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from emolive.errors import EmoliveError
from emolive.i18n import tr
from emolive.session.export import FORMATS
from emolive.session.library import Library
from emolive.session.records import SessionInfo
from emolive.session.timeline import Timeline

_LONGEST_STEM = 60

Progress = Callable[[int, int, str], None]
"""Told how many are done, how many there are, and what is being written; it may raise."""


class StoppedByUserError(Exception):
    """The person changed their mind."""


@dataclass(frozen=True, slots=True)
class Exported:
    """What was written, and one sentence for each thing that was not."""

    written: tuple[Path, ...]
    problems: tuple[str, ...]


def file_stem(info: SessionInfo) -> str:
    """A file name that tells which session it is, valid on every system, unlike any other's."""
    words = re.sub(r"[^\w.-]+", "-", info.title, flags=re.UNICODE).strip("-.")
    return f"{info.id}-{words[:_LONGEST_STEM].rstrip('-.')}" if words else info.id


def unavailable(name: str) -> str | None:
    """Why a format cannot be written here, as one sentence; None: it can."""
    try:
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
    written: list[Path] = []
    problems: list[str] = []
    total, done = len(sessions) * len(formats), 0
    for info in sessions:
        title = info.title or info.id
        try:
            timeline = Timeline.of_session(library, info.id)
        except EmoliveError as error:
            problems.append(str(error))
            done += len(formats)
            continue
        for name in formats:
            form = FORMATS[name]
            progress(done, total, f"{title} · {form.title}")
            path = folder / f"{file_stem(info)}.{form.extension}"
            try:
                form.write(timeline, path)
                written.append(path)
            except OSError as error:
                problems.append(_unwritable(path, error))
            except EmoliveError as error:
                problems.append(str(error))
            done += 1
    progress(total, total, "")
    return Exported(tuple(written), tuple(problems))


def _unwritable(path: Path, error: OSError) -> str:
    return tr(
        "{path} cannot be written ({reason}): choose another folder or free some space.",
        path=path,
        reason=error.strerror or error,
    )
