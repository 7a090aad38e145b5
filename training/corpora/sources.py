"""Where corpora can be had without registration, and how to tell that they arrived whole.

Checksums are those that the publishers give: fixed here, or read from the repository's own listing
over HTTPS when the download starts.
"""

from __future__ import annotations

import json
import urllib.parse
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Any, Protocol

from rich.progress import BarColumn, DownloadColumn, Progress, TextColumn, TimeRemainingColumn

from training.corpora.clip import AUDIO_SUFFIXES, audio_files
from training.corpora.fetch import DownloadError, RemoteFile, fetch, open_url, unpack

_AT_ONCE = 8
_UNFINISHED = ".download-unfinished"
# A Git LFS pointer is about 130 bytes; no recording is.
_POINTER_BYTES = 200


class Listing(Protocol):
    """A place that publishes a corpus."""

    def files(self) -> list[RemoteFile]:
        """What to fetch.

        Raises:
            DownloadError: the place does not answer as expected.
        """
        ...


@dataclass(frozen=True, slots=True)
class Fixed:
    """Files whose checksums are known here."""

    remote: tuple[RemoteFile, ...]

    def files(self) -> list[RemoteFile]:
        """What to fetch."""
        return list(self.remote)


@dataclass(frozen=True, slots=True)
class Zenodo:
    """One file of a Zenodo record."""

    record: str
    key: str
    host: str = "https://zenodo.org"

    def files(self) -> list[RemoteFile]:
        """What to fetch; the record lists MD5 checksums."""
        listing = _json(f"{self.host}/api/records/{self.record}")
        return _read(
            self.host,
            lambda: [
                RemoteFile(f["links"]["self"], f["key"], f["checksum"], f["size"])
                for f in listing["files"]
                if f["key"] == self.key
            ],
        )


@dataclass(frozen=True, slots=True)
class Dataverse:
    """All audio and ZIP files of a Dataverse dataset."""

    doi: str
    host: str

    def files(self) -> list[RemoteFile]:
        """What to fetch; the dataset lists checksums."""
        query = urllib.parse.urlencode({"persistentId": self.doi})
        listing = _json(f"{self.host}/api/datasets/:persistentId/?{query}")
        return _read(self.host, lambda: [*map(self._file, self._chosen(listing))])

    def _chosen(self, listing: Any) -> list[Any]:
        wanted = AUDIO_SUFFIXES | {".zip"}
        entries = listing["data"]["latestVersion"]["files"]
        return [
            e for e in entries if PurePosixPath(e["dataFile"]["filename"]).suffix.lower() in wanted
        ]

    def _file(self, entry: Any) -> RemoteFile:
        data = entry["dataFile"]
        checksum = data.get("checksum") or {"type": "MD5", "value": data["md5"]}
        kind = checksum["type"].lower().replace("-", "")
        url = f"{self.host}/api/access/datafile/{data['id']}"
        return RemoteFile(url, data["filename"], f"{kind}:{checksum['value']}", data["filesize"])


@dataclass(frozen=True, slots=True)
class GitHub:
    """Some files of a GitHub repository, plain or in Git LFS; checked against the tree's hashes."""

    repository: str
    branch: str
    paths: tuple[str, ...]
    api: str = "https://api.github.com"
    raw: str = "https://raw.githubusercontent.com"
    media: str = "https://media.githubusercontent.com/media"

    def files(self) -> list[RemoteFile]:
        """What to fetch: every file that is one of `paths`, or below it."""
        tree = _json(f"{self.api}/repos/{self.repository}/git/trees/{self.branch}?recursive=1")
        return _read(
            self.api,
            lambda: [self._file(e) for e in tree["tree"] if e["type"] == "blob" and self._has(e)],
        )

    def _has(self, entry: Any) -> bool:
        path: str = entry["path"]
        return any(path == p or path.startswith(f"{p}/") for p in self.paths)

    def _file(self, entry: Any) -> RemoteFile:
        path = entry["path"]
        where = f"{self.repository}/{self.branch}/{urllib.parse.quote(path)}"
        audio = PurePosixPath(path).suffix.lower() in AUDIO_SUFFIXES
        if audio and entry["size"] < _POINTER_BYTES:
            return RemoteFile(f"{self.media}/{where}", path, f"git-lfs:{entry['sha']}")
        return RemoteFile(f"{self.raw}/{where}", path, f"git:{entry['sha']}", entry["size"])


@dataclass(frozen=True, slots=True)
class Source:
    """A corpus, its terms, where it is, and how many recordings it has."""

    corpus: str
    terms: str
    listing: Listing
    recordings: int
    megabytes: int = 0


SOURCES = (
    Source(
        "ravdess",
        "CC BY-NC-SA 4.0",
        Fixed(
            (
                RemoteFile(
                    "https://zenodo.org/api/records/1188976/files/"
                    "Audio_Speech_Actors_01-24.zip/content",
                    "Audio_Speech_Actors_01-24.zip",
                    "md5:bc696df654c87fed845eb13823edef8a",
                    208_468_073,
                ),
            )
        ),
        recordings=1440,
        megabytes=208,
    ),
    Source(
        "tess",
        "CC BY-NC-ND 4.0",
        Dataverse("doi:10.5683/SP2/E8H2MF", "https://borealisdata.ca"),
        recordings=2800,
        megabytes=280,
    ),
    Source("emodb", "free for research", Zenodo("17651657", "emodb_2.0.zip"), 535, 50),
    Source(
        "nemo", "CC BY-NC-SA 4.0", GitHub("amu-cai/nEMO", "HEAD", ("samples", "data.tsv")), 4481
    ),
    Source(
        "cremad",
        "Open Database Licence",
        GitHub(
            "CheyneyComputerScience/CREMA-D",
            "master",
            ("AudioWAV", "VideoDemographics.csv", "processedResults/tabulatedVotes.csv"),
        ),
        recordings=7442,
        megabytes=610,
    ),
)
# What cannot be fetched, and what to do instead.
ELSEWHERE = {
    "savee": "its owners give it on request only (http://kahlan.eps.surrey.ac.uk/savee)",
    "urdu": "its authors publish it on GitHub (siddiquelatif/URDU-Dataset)",
    "ased": "its authors' paper says where it is (Retta et al. 2023, arXiv 2201.02710)",
    "emospeech": "its authors' paper says where it is (arXiv 1910.13801)",
    "turev": "its authors' paper says where it is (aclanthology.org/2020.sltu-1.52)",
    "meld": "its authors publish it on GitHub (declare-lab/MELD); its videos' sound will do",
    "nonverbal": "any recordings of people laughing, coughing, sighing and the like will do",
    "noise": "any recordings without speech will do, for example ESC-50's environmental sounds",
}


def _json(url: str) -> Any:
    try:
        with open_url(url) as response:
            return json.load(response)
    except (OSError, ValueError) as error:
        raise DownloadError(f"{url} does not answer ({error}): is there a network?") from error


def _read(host: str, take: Callable[[], list[RemoteFile]]) -> list[RemoteFile]:
    try:
        found = take()
    except (KeyError, TypeError) as error:
        raise DownloadError(f"{host} does not list its files as it used to ({error}).") from error
    if not found:
        raise DownloadError(f"{host} no longer has these files.")
    return found


def download(source: Source, folder: Path) -> None:
    """Fetch a corpus into its folder, unpack what is packed, and count the recordings.

    Raises:
        DownloadError: something could not be had, is damaged, or is missing; what has arrived is
            kept for the next time.
    """
    folder.mkdir(parents=True, exist_ok=True)
    marker = folder / _UNFINISHED
    marker.touch()
    files = source.listing.files()
    known = sum(f.size or 0 for f in files)
    with _progress() as progress:
        task = progress.add_task(source.corpus, total=known or source.megabytes * 1e6 or None)

        def one(file: RemoteFile) -> None:
            target = folder / _inside(file.path)
            fetch(file, target, lambda n: progress.advance(task, n))

        with ThreadPoolExecutor(_AT_ONCE) as pool:
            for _ in pool.map(one, files):
                pass
    for file in files:
        if file.path.lower().endswith(".zip"):
            archive = folder / _inside(file.path)
            unpack(archive, folder)
            archive.unlink()
    found = sum(1 for _ in audio_files(folder))
    if found < source.recordings:
        raise DownloadError(
            f"{source.corpus} should have {source.recordings} recordings, {folder} has {found}."
        )
    marker.unlink()


def is_unfinished(folder: Path) -> bool:
    """Whether a download into this folder was begun and not completed."""
    return (folder / _UNFINISHED).is_file()


def _inside(path: str) -> Path:
    pure = PurePosixPath(path)
    if pure.is_absolute() or ".." in pure.parts:
        raise DownloadError(f"{path} leads out of the corpus's folder.")
    return Path(*pure.parts)


def _progress() -> Progress:
    columns: Sequence[Any] = (
        TextColumn("{task.description}"),
        BarColumn(),
        DownloadColumn(),
        TimeRemainingColumn(),
    )
    return Progress(*columns)
