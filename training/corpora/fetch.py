"""Downloads that continue where they stopped and are checked; ZIP files unpacked in place."""

from __future__ import annotations

import hashlib
import http.client
import shutil
import stat
import urllib.error
import urllib.request
import zipfile
from collections.abc import Callable
from dataclasses import dataclass
from http import HTTPStatus
from pathlib import Path, PurePosixPath
from typing import Any

from emolive.errors import EmoliveError

Advance = Callable[[int], None]

_CHUNK = 1 << 20
_ATTEMPTS = 4
_TIMEOUT_S = 60.0
_LFS_POINTER = "version https://git-lfs.github.com/spec/v1\noid sha256:{sha256}\nsize {size}\n"


class DownloadError(EmoliveError):
    """A file that could not be had, or is not what its publisher says it is."""


@dataclass(frozen=True, slots=True)
class RemoteFile:
    """A file to fetch: its address, its path below the corpus's folder, and how it is checked.

    `checksum` is ``kind:hex``: md5 or sha256 of the content, `sha256-beginning` where only so many
    of its digits are published, `git` for the content's git blob, or `git-lfs` for the blob of the
    Git LFS pointer that stands for the content.
    """

    url: str
    path: str
    checksum: str
    size: int | None = None


def open_url(url: str, start: int = 0) -> http.client.HTTPResponse:
    """Open an address, from a byte on.

    Raises:
        DownloadError: not an address of the web.
        OSError: it cannot be opened now.
    """
    if not url.startswith(("https://", "http://")):
        raise DownloadError(f"{url} is no address of the web.")
    headers = {"User-Agent": "emolive"} | ({"Range": f"bytes={start}-"} if start else {})
    request = urllib.request.Request(url, headers=headers)
    response: http.client.HTTPResponse = urllib.request.urlopen(request, timeout=_TIMEOUT_S)
    return response


def _git_blob(size: int) -> Any:
    return hashlib.sha1(f"blob {size}\0".encode())


def is_intact(path: Path, checksum: str) -> bool:
    """Whether a file's content has this checksum (see `RemoteFile`)."""
    kind, _, wanted = checksum.partition(":")
    size = path.stat().st_size
    digest = _git_blob(size) if kind == "git" else hashlib.new(kind if kind == "md5" else "sha256")
    with path.open("rb") as file:
        while chunk := file.read(_CHUNK):
            digest.update(chunk)
    if kind == "sha256-beginning":
        return bool(wanted) and digest.hexdigest().startswith(wanted)
    if kind != "git-lfs":
        return digest.hexdigest() == wanted
    pointer = _LFS_POINTER.format(sha256=digest.hexdigest(), size=size).encode()
    blob = _git_blob(len(pointer))
    blob.update(pointer)
    same: bool = blob.hexdigest() == wanted
    return same


def fetch(file: RemoteFile, target: Path, advance: Advance = lambda _: None) -> None:
    """Download a file unless it is there; a part of it that is there is continued.

    Args:
        file: what to fetch.
        target: where to; until it is whole and checked its name ends in `.partial`.
        advance: told the number of bytes of each step forward, also of what was there already.

    Raises:
        DownloadError: it cannot be had, or its checksum is wrong.
    """
    if target.is_file() and is_intact(target, file.checksum):
        advance(target.stat().st_size)
        return
    target.parent.mkdir(parents=True, exist_ok=True)
    partial = target.with_name(f"{target.name}.partial")
    advance(partial.stat().st_size if partial.is_file() else 0)
    problem: Exception | str = ""
    for _ in range(_ATTEMPTS):
        try:
            if _continue(file, partial, advance):
                break
            problem = "the connection was closed"
        except urllib.error.HTTPError as error:
            if error.code == HTTPStatus.REQUESTED_RANGE_NOT_SATISFIABLE and partial.is_file():
                break  # nothing is missing: the checksum decides
            if error.code < HTTPStatus.INTERNAL_SERVER_ERROR:
                raise DownloadError(f"{file.url} cannot be had: {error}.") from error
            problem = error
        except (OSError, http.client.HTTPException) as error:
            problem = error
    else:
        raise DownloadError(
            f"{file.url} broke off ({problem}): run the same command again, it continues where it "
            "stopped."
        )
    if not is_intact(partial, file.checksum):
        partial.unlink()
        raise DownloadError(
            f"{file.url} is not what its publisher's checksum says: it was deleted, try again."
        )
    partial.replace(target)


def _continue(file: RemoteFile, partial: Path, advance: Advance) -> bool:
    """Append what is missing; False where the connection closed before the end."""
    have = partial.stat().st_size if partial.is_file() else 0
    if file.size is not None and have >= file.size:
        return True
    with open_url(file.url, have) as response:
        if have and response.status != HTTPStatus.PARTIAL_CONTENT:
            # The server cannot continue: from the start.
            advance(-have)
            have = 0
        expected = response.headers.get("Content-Length")
        got = 0
        with partial.open("ab" if have else "wb") as out:
            while chunk := response.read(_CHUNK):
                out.write(chunk)
                got += len(chunk)
                advance(len(chunk))
    return expected is None or got >= int(expected)


def unpack(archive: Path, folder: Path) -> None:
    """Unpack a ZIP file into a folder, whole or not at all.

    Raises:
        DownloadError: no ZIP file, not enough room, or an entry that leads out of the folder.
    """
    scratch = folder.with_name(f"{folder.name}.unpacking")
    shutil.rmtree(scratch, ignore_errors=True)
    try:
        with zipfile.ZipFile(archive) as file:
            entries = file.infolist()
            for entry in entries:
                _check_entry(entry, archive)
            needed = sum(entry.file_size for entry in entries)
            scratch.mkdir(parents=True)
            if shutil.disk_usage(scratch).free < needed:
                raise DownloadError(
                    f"There is no room to unpack {archive.name}: it needs {needed / 1e6:.0f} MB."
                )
            file.extractall(scratch)
    except zipfile.BadZipFile as error:
        raise DownloadError(f"{archive.name} is no ZIP file: {error}.") from error
    except BaseException:
        shutil.rmtree(scratch, ignore_errors=True)
        raise
    for unpacked in sorted(scratch.rglob("*")):
        if unpacked.is_file():
            place = folder / unpacked.relative_to(scratch)
            place.parent.mkdir(parents=True, exist_ok=True)
            unpacked.replace(place)
    shutil.rmtree(scratch)


def _check_entry(entry: zipfile.ZipInfo, archive: Path) -> None:
    path = PurePosixPath(entry.filename.replace("\\", "/"))
    link = stat.S_ISLNK(entry.external_attr >> 16)
    drive = any(":" in part for part in path.parts[:1])
    if link or drive or path.is_absolute() or ".." in path.parts:
        raise DownloadError(f"{archive.name} holds {entry.filename}, which leads out of its place.")
