"""Which files are meant by the paths a person names, and what their results are called."""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path, PurePath

from emolive.audio.decoding import audio_extensions
from emolive.audio.media import MEDIA_EXTENSIONS, way_out
from emolive.i18n import ntr, tr
from emolive.session.export.atomic import fitting


@dataclass(frozen=True, slots=True)
class AudioInput:
    """One file; `result` is where its results go below the output folder, without extension.

    `size` in bytes and `modified_ns`, the time of its last change, are 0 where it cannot be looked
    at. `address` is the fsspec address (``s3://...``) of one that is no file of this machine; what
    it is called is then the end of `path`.
    """

    path: Path
    result: PurePath
    size: int = 0
    modified_ns: int = 0
    address: str = ""

    def __str__(self) -> str:
        """What it is called to people."""
        return self.address or str(self.path)

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
    found = find_files(paths)
    results = _result_names(found.files, reserved)
    return FoundInputs(
        tuple(
            AudioInput(file, result, *stamp(file))
            for (file, _), result in zip(found.files, results, strict=True)
        ),
        found.problems,
        found.left_out,
    )


@dataclass(frozen=True, slots=True)
class FoundFiles:
    """As `FoundInputs`; each file with its path below the folder that it was found in."""

    files: Sequence[tuple[Path, PurePath]]
    problems: tuple[str, ...]
    left_out: tuple[str, ...]


def find_files(paths: Sequence[Path]) -> FoundFiles:
    """As `find_inputs`, for whoever gives results no names."""
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
                problems.append(nothing_found(path))
        else:
            found.append((path, PurePath(path.name)))
    unique = {os.path.abspath(file): (file, relative) for file, relative in reversed(found)}
    return FoundFiles(list(reversed(unique.values())), tuple(problems), tuple(left_out))


def nothing_found(where: object) -> str:
    """The sentence about a folder without audio."""
    return tr("{where} holds no audio files that could be found.", where=where)


class Sieve:
    """Tells audio by its name, and remembers what else lay beside it."""

    def __init__(self) -> None:
        self._others: Counter[str] = Counter()
        self._extensions = audio_extensions()

    def takes(self, name: str) -> bool:
        """Whether the name is one of audio that is not hidden."""
        extension = os.path.splitext(name)[1][1:].lower()
        if name.startswith("."):
            self.hide(1)
        elif extension in self._extensions:
            return True
        else:
            self._others[f".{extension}" if extension else "without extension"] += 1
        return False

    def hide(self, count: int) -> None:
        """So many entries are hidden."""
        self._others["hidden"] += count

    def left_out(self, where: object) -> list[str]:
        """Sentences about what is there but was not taken."""
        said = []
        if others := +self._others:
            count = others.total()
            kinds = sorted(others.items(), key=lambda kind: (-kind[1], kind[0]))
            said.append(
                ntr(
                    "{where}: {count} entry is left out ({kinds}).",
                    "{where}: {count} entries are left out ({kinds}).",
                    count,
                    where=where,
                    kinds=", ".join(f"{n} {kind}" for kind, n in kinds),
                )
            )
        needed = sorted(k for k in self._others if k[1:] in MEDIA_EXTENSIONS)
        if needed:
            said.append(f"{', '.join(needed)}: {way_out(Path(f'NAME{needed[0]}'))}")
        return said


class _Search:
    """What a folder holds, linked folders last, so that what they link to goes by its own name."""

    def __init__(self, folder: Path) -> None:
        self.files: list[Path] = []
        self.problems: list[str] = []
        self._folder = folder
        self._sieve = Sieve()
        self._again: list[Path] = []  # links to folders that were searched already
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
                self._sieve.hide(sum(name.startswith(".") for name in folders))
                folders[:] = sorted(name for name in folders if not name.startswith("."))
                waiting += [Path(where, n) for n in folders if os.path.islink(Path(where, n))]
                self.files += [Path(where, n) for n in sorted(names) if self._sieve.takes(n)]

    def left_out(self) -> list[str]:
        """Sentences about what is here but was not taken."""
        said = [
            tr("{link} links to a folder that is searched anyway: not searched twice.", link=link)
            for link in self._again
        ]
        return said + self._sieve.left_out(self._folder)

    def _unreadable(self, error: OSError) -> None:
        self.problems.append(
            tr(
                "{filename} cannot be searched ({reason}).",
                filename=error.filename,
                reason=error.strerror,
            )
        )


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


def stamp(path: Path) -> tuple[int, int]:
    """Size and time of the last change, zeros where that cannot be looked at."""
    try:
        status = path.stat()
    except (OSError, ValueError):
        return 0, 0
    return status.st_size, status.st_mtime_ns
