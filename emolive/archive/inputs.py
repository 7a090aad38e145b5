"""Which files are meant by the paths a person names, and what their results are called."""

from __future__ import annotations

import os
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path, PurePath

from emolive.audio.sndfile import extensions
from emolive.session.export.atomic import fitting


@dataclass(frozen=True, slots=True)
class AudioInput:
    """One file; `result` is where its results go below the output folder, without extension.

    `size` in bytes and `modified_ns`, the time of its last change, are 0 where it cannot be looked
    at.
    """

    path: Path
    result: PurePath
    size: int = 0
    modified_ns: int = 0

    def output(self, extension: str) -> str:
        """Where the result with this extension goes below the output folder, with slashes."""
        # Not with_suffix: "talk.v2" has no extension to replace.
        name = fitting(self.result.name, 1 + len(extension))
        return self.result.with_name(f"{name}.{extension}").as_posix()


@dataclass(frozen=True, slots=True)
class FoundInputs:
    """Files in order, and one sentence for each path that led to none."""

    files: tuple[AudioInput, ...]
    problems: tuple[str, ...]


def audio_extensions() -> frozenset[str]:
    """Extensions, without dot and in lower case, that the decoder reads."""
    return extensions()


def find_inputs(paths: Sequence[Path], reserved: Sequence[str] = ()) -> FoundInputs:
    """Look for audio: folders are searched in depth, in the order of names; hidden ones are not.

    A path that is no folder is taken as it is: whether it can be read is for the decoder to say.
    A file that is named or found twice is taken once. No result is called as one of `reserved`.
    """
    found: list[tuple[Path, PurePath]] = []
    problems: list[str] = []
    for path in paths:
        if path.is_dir():
            inside = list(_walk(path, problems))
            found += [(file, file.relative_to(path)) for file in inside]
            if not inside:
                problems.append(f"{path} holds no audio files that could be found.")
        else:
            found.append((path, PurePath(path.name)))
    unique = {os.path.realpath(file): (file, relative) for file, relative in reversed(found)}
    files = list(reversed(unique.values()))
    results = _result_names(files, reserved)
    return FoundInputs(
        tuple(
            AudioInput(file, result, *_stamp(file))
            for (file, _), result in zip(files, results, strict=True)
        ),
        tuple(problems),
    )


def _walk(folder: Path, problems: list[str]) -> Iterable[Path]:
    def unreadable(error: OSError) -> None:
        problems.append(f"{error.filename} cannot be searched ({error.strerror}).")

    extensions = audio_extensions()
    for where, folders, names in os.walk(folder, onerror=unreadable):
        folders[:] = sorted(name for name in folders if not name.startswith("."))
        for name in sorted(names):
            extension = os.path.splitext(name)[1][1:].lower()
            if extension in extensions and not name.startswith("."):
                yield Path(where, name)


def _result_names(
    files: Sequence[tuple[Path, PurePath]], reserved: Sequence[str]
) -> list[PurePath]:
    """A name of its own for every file's results.

    Usually the file's name without extension, below the folders it was found in. Files of one
    folder that differ in their extension only keep it; others that would still meet get as many of
    their parent folders as it takes.
    """
    whole = [Path(os.path.abspath(file)) for file, _ in files]
    depths = [len(relative.parts) for _, relative in files]
    endings = [False] * len(files)
    numbers = [""] * len(files)

    def name(index: int) -> PurePath:
        below = PurePath(*whole[index].relative_to(whole[index].anchor).parts[-depths[index] :])
        plain = below.name if endings[index] else below.stem
        return below.with_name(plain + numbers[index])

    while clashes := _meeting([name(index) for index in range(len(files))], reserved):
        for indices in clashes:
            folders = [whole[index].parent for index in indices]
            for index in indices:
                if not endings[index] and folders.count(whole[index].parent) > 1:
                    endings[index] = True
                elif depths[index] < len(whole[index].parts) - 1:
                    depths[index] += 1
                else:  # nothing else is left to tell them apart by
                    numbers[index] = f"-{index + 1}"
    return [name(index) for index in range(len(files))]


def _meeting(names: Sequence[PurePath], reserved: Sequence[str]) -> list[list[int]]:
    """Groups of indices whose names are equal, or reserved, where case is ignored."""
    places: dict[str, list[int]] = {}
    for index, name in enumerate(names):
        places.setdefault(str(name).casefold(), []).append(index)
    taken = {name.casefold() for name in reserved}
    return [indices for name, indices in places.items() if len(indices) > 1 or name in taken]


def _stamp(path: Path) -> tuple[int, int]:
    """Size and time of the last change, zeros where that cannot be looked at."""
    try:
        status = path.stat()
    except (OSError, ValueError):
        return 0, 0
    return status.st_size, status.st_mtime_ns
