"""Which files are meant by the paths a person names, and what their results are called."""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path, PurePath

from emolive.audio.decoding import audio_extensions
from emolive.audio.media import MEDIA_EXTENSIONS, way_out
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
    """Files in order, and one sentence for each path that led to none.

    `left_out` are sentences about what lies in the folders but is not taken.
    """

    files: tuple[AudioInput, ...]
    problems: tuple[str, ...]
    left_out: tuple[str, ...] = ()


def find_inputs(paths: Sequence[Path], reserved: Sequence[str] = ()) -> FoundInputs:
    """Look for audio: folders are searched in depth, in the order of names; hidden ones are not.

    A path that is no folder is taken as it is: whether it can be read is for the decoder to say.
    A name that is given or found twice is taken once, a link as a file of its own; a folder is
    searched once, however many links lead to it. No result is called as one of `reserved`.
    """
    found: list[tuple[Path, PurePath]] = []
    problems: list[str] = []
    left_out: list[str] = []
    for path in paths:
        if path.is_dir():
            search = _Search(path)
            found += [(file, file.relative_to(path)) for file in search.files]
            problems += search.problems
            left_out += search.left_out()
            if not search.files:
                problems.append(f"{path} holds no audio files that could be found.")
        else:
            found.append((path, PurePath(path.name)))
    unique = {os.path.abspath(file): (file, relative) for file, relative in reversed(found)}
    files = list(reversed(unique.values()))
    results = _result_names(files, reserved)
    return FoundInputs(
        tuple(
            AudioInput(file, result, *_stamp(file))
            for (file, _), result in zip(files, results, strict=True)
        ),
        tuple(problems),
        tuple(left_out),
    )


class _Search:
    """What a folder holds, linked folders last, so that what they link to goes by its own name."""

    def __init__(self, folder: Path) -> None:
        self.files: list[Path] = []
        self.problems: list[str] = []
        self._folder = folder
        self._others: Counter[str] = Counter()
        self._again: list[Path] = []  # links to folders that were searched already
        self._extensions = audio_extensions()
        searched: set[str] = set()
        waiting = [folder]
        while waiting:
            top = waiting.pop(0)
            for where, folders, names in os.walk(top, onerror=self._unreadable):
                real = os.path.realpath(where)
                if real in searched:
                    folders.clear()
                    self._again.append(Path(where))
                    continue
                searched.add(real)
                self._hidden(name for name in folders if name.startswith("."))
                folders[:] = sorted(name for name in folders if not name.startswith("."))
                waiting += [Path(where, n) for n in folders if os.path.islink(Path(where, n))]
                self._take(where, sorted(names))

    def left_out(self) -> list[str]:
        """Sentences about what is here but was not taken."""
        said = [
            f"{link} links to a folder that is searched anyway: not searched twice."
            for link in self._again
        ]
        if self._others:
            count = self._others.total()
            kinds = sorted(self._others.items(), key=lambda kind: (-kind[1], kind[0]))
            said.append(
                f"{self._folder}: {count} {'entry is' if count == 1 else 'entries are'} left out "
                f"({', '.join(f'{n} {kind}' for kind, n in kinds)})."
            )
        needed = sorted(k for k in self._others if k[1:] in MEDIA_EXTENSIONS)
        if needed:
            said.append(f"{', '.join(needed)}: {way_out(Path(f'NAME{needed[0]}'))}")
        return said

    def _take(self, where: str, names: Sequence[str]) -> None:
        for name in names:
            extension = os.path.splitext(name)[1][1:].lower()
            if name.startswith("."):
                self._hidden([name])
            elif extension in self._extensions:
                self.files.append(Path(where, name))
            else:
                self._others[f".{extension}" if extension else "without extension"] += 1

    def _hidden(self, names: Iterable[str]) -> None:
        self._others.update("hidden" for _ in names)

    def _unreadable(self, error: OSError) -> None:
        self.problems.append(f"{error.filename} cannot be searched ({error.strerror}).")


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
