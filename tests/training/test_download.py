"""Downloads against a real HTTP server of this machine: resume, checksums, safe ZIP files."""

from __future__ import annotations

import hashlib
import io
import json
import re
import threading
import zipfile
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import numpy as np
import pytest
import soundfile
from typer.testing import CliRunner

pytest.importorskip("torch", reason="needs the training extra")

from training import __main__ as command_line
from training import imagenet, whisper
from training.card import DATA as DESCRIBED
from training.corpora import READERS, sources
from training.corpora.fetch import DownloadError, RemoteFile, fetch, is_intact, unpack
from training.corpora.sources import (
    ELSEWHERE,
    SOURCES,
    Dataverse,
    Fixed,
    GitHub,
    Source,
    Zenodo,
    download,
    is_unfinished,
)


@dataclass
class Site:
    """What the server has, and how it misbehaves.

    Each path in `breaks` is cut after so many bytes, once; `requests` are the ranges asked for.
    """

    files: dict[str, bytes] = field(default_factory=dict)
    breaks: dict[str, int] = field(default_factory=dict)
    ranges: bool = True
    requests: list[tuple[str, str | None]] = field(default_factory=list)
    address: str = ""


@pytest.fixture
def site() -> Iterator[Site]:
    site = Site()

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            wanted = self.headers.get("Range")
            site.requests.append((self.path, wanted))
            content = site.files.get(self.path)
            if content is None:
                self.send_error(404)
                return
            start = int(wanted.removeprefix("bytes=").rstrip("-")) if wanted and site.ranges else 0
            if start and start >= len(content):
                self.send_error(416)
                return
            self.send_response(206 if start else 200)
            self.send_header("Content-Length", str(len(content) - start))
            self.end_headers()
            end = site.breaks.pop(self.path, len(content))
            self.wfile.write(content[start:end])

        def log_message(self, *_: object) -> None:
            """Quiet."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
    thread.start()
    site.address = f"http://127.0.0.1:{server.server_address[1]}"
    yield site
    server.shutdown()
    thread.join()
    server.server_close()


CONTENT = bytes(range(256)) * 5_000


def _remote(site: Site, content: bytes = CONTENT, size: int | None = None) -> RemoteFile:
    site.files["/a.bin"] = content
    checksum = f"md5:{hashlib.md5(content).hexdigest()}"
    return RemoteFile(f"{site.address}/a.bin", "a.bin", checksum, size)


def test_a_file_arrives_whole_and_is_not_fetched_twice(site: Site, tmp_path: Path) -> None:
    steps: list[int] = []
    fetch(_remote(site), tmp_path / "a.bin", steps.append)
    assert (tmp_path / "a.bin").read_bytes() == CONTENT
    assert sum(steps) == len(CONTENT)
    fetch(_remote(site), tmp_path / "a.bin")
    assert len(site.requests) == 1
    assert [p.name for p in tmp_path.iterdir()] == ["a.bin"]


def test_a_broken_connection_continues_where_it_stopped(site: Site, tmp_path: Path) -> None:
    steps: list[int] = []
    remote = _remote(site)
    site.breaks["/a.bin"] = 300_000
    fetch(remote, tmp_path / "a.bin", steps.append)
    assert (tmp_path / "a.bin").read_bytes() == CONTENT
    assert [r for _, r in site.requests] == [None, "bytes=300000-"]
    assert sum(steps) == len(CONTENT)


@pytest.mark.parametrize("ranges", [True, False])
def test_a_part_from_an_earlier_run_is_used_where_the_server_can(
    site: Site, tmp_path: Path, ranges: bool
) -> None:
    site.ranges = ranges
    (tmp_path / "a.bin.partial").write_bytes(CONTENT[:70_000])
    steps: list[int] = []
    fetch(_remote(site), tmp_path / "a.bin", steps.append)
    assert (tmp_path / "a.bin").read_bytes() == CONTENT
    assert site.requests[0][1] == "bytes=70000-"
    assert sum(steps) == len(CONTENT)


@pytest.mark.parametrize("size", [None, len(CONTENT)])
def test_a_whole_part_only_has_to_be_checked(site: Site, tmp_path: Path, size: int | None) -> None:
    (tmp_path / "a.bin.partial").write_bytes(CONTENT)
    fetch(_remote(site, size=size), tmp_path / "a.bin")
    assert (tmp_path / "a.bin").read_bytes() == CONTENT


def test_a_wrong_checksum_leaves_nothing_behind(site: Site, tmp_path: Path) -> None:
    remote = replace(_remote(site), checksum=f"md5:{'0' * 32}")
    with pytest.raises(DownloadError, match="checksum"):
        fetch(remote, tmp_path / "a.bin")
    assert list(tmp_path.iterdir()) == []


def test_a_file_that_is_gone_is_said_at_once(site: Site, tmp_path: Path) -> None:
    remote = replace(_remote(site), url=f"{site.address}/gone.bin")
    with pytest.raises(DownloadError, match="404"):
        fetch(remote, tmp_path / "a.bin")
    assert len(site.requests) == 1


def test_a_server_that_is_not_there_keeps_what_has_arrived(tmp_path: Path) -> None:
    (tmp_path / "a.bin.partial").write_bytes(b"some")
    remote = RemoteFile("http://127.0.0.1:9/a.bin", "a.bin", "md5:0")
    with pytest.raises(DownloadError, match="continues where it stopped"):
        fetch(remote, tmp_path / "a.bin")
    assert (tmp_path / "a.bin.partial").read_bytes() == b"some"


def test_only_the_web_is_asked(tmp_path: Path) -> None:
    secret = tmp_path / "secret"
    secret.write_bytes(b"1")
    with pytest.raises(DownloadError, match="no address of the web"):
        fetch(RemoteFile(secret.as_uri(), "a", "md5:0"), tmp_path / "a")


def test_git_hashes_are_those_of_git(tmp_path: Path) -> None:
    path = tmp_path / "hello"
    path.write_bytes(b"hello\n")
    # `printf 'hello\n' | git hash-object --stdin`
    assert is_intact(path, "git:ce013625030ba8dba906f756967f9e9ca394464a")
    assert not is_intact(path, "git:ce013625030ba8dba906f756967f9e9ca394464b")
    sha256 = hashlib.sha256(b"hello\n").hexdigest()
    pointer = f"version https://git-lfs.github.com/spec/v1\noid sha256:{sha256}\nsize 6\n".encode()
    blob = hashlib.sha1(f"blob {len(pointer)}\0".encode() + pointer).hexdigest()
    assert is_intact(path, f"git-lfs:{blob}")
    path.write_bytes(b"hallo\n")
    assert not is_intact(path, f"git-lfs:{blob}")


def _zip(names: dict[str, bytes], link: str | None = None) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        for name, content in names.items():
            archive.writestr(name, content)
        if link:
            info = zipfile.ZipInfo(link)
            info.external_attr = 0o120777 << 16
            archive.writestr(info, "/etc/passwd")
    return buffer.getvalue()


@pytest.mark.parametrize(
    "content",
    [
        _zip({"good.txt": b"1", "../evil.txt": b"2"}),
        _zip({"/evil.txt": b"2"}),
        _zip({"C:/evil.txt": b"2"}),
        _zip({"a\\..\\..\\evil.txt": b"2"}),
        _zip({"good.txt": b"1"}, link="evil"),
    ],
    ids=["parent", "absolute", "drive", "backslash", "link"],
)
def test_archives_that_lead_out_of_their_folder_are_refused_whole(
    tmp_path: Path, content: bytes
) -> None:
    archive = tmp_path / "a.zip"
    archive.write_bytes(content)
    with pytest.raises(DownloadError, match="leads out"):
        unpack(archive, tmp_path / "corpus")
    assert [p.name for p in tmp_path.iterdir()] == ["a.zip"]


def test_what_is_no_archive_is_refused(tmp_path: Path) -> None:
    (tmp_path / "a.zip").write_bytes(b"<html>")
    with pytest.raises(DownloadError, match="no ZIP"):
        unpack(tmp_path / "a.zip", tmp_path / "corpus")


def _wav(seed: int) -> bytes:
    buffer = io.BytesIO()
    audio = np.random.default_rng(seed).normal(0, 0.1, 4_000)
    soundfile.write(buffer, audio, 16_000, format="WAV")
    return buffer.getvalue()


def _ravdess(n: int) -> dict[str, bytes]:
    names = [f"Actor_01/03-01-{e:02d}-01-01-01-01.wav" for e in range(1, n + 1)]
    return {name: _wav(i) for i, name in enumerate(names)}


def test_a_corpus_is_fetched_unpacked_and_counted(site: Site, tmp_path: Path) -> None:
    content = _zip(_ravdess(3))
    source = Source("ravdess", "terms", Fixed((replace(_remote(site, content), path="a.zip"),)), 3)
    download(source, tmp_path / "ravdess")
    assert sorted(p.name for p in (tmp_path / "ravdess").iterdir()) == ["Actor_01"]
    assert not is_unfinished(tmp_path / "ravdess")
    with pytest.raises(DownloadError, match="should have 4 recordings"):
        download(replace(source, recordings=4), tmp_path / "other")
    assert is_unfinished(tmp_path / "other")


def test_zenodo_lists_its_checksum(site: Site, tmp_path: Path) -> None:
    content = _zip({"emodb/wav/03a01Fa.wav": _wav(0)})
    site.files["/content"] = content
    entry = {
        "key": "emodb_2.0.zip",
        "size": len(content),
        "checksum": f"md5:{hashlib.md5(content).hexdigest()}",
        "links": {"self": f"{site.address}/content"},
    }
    other = entry | {"key": "readme.txt"}
    site.files["/api/records/7"] = json.dumps({"files": [other, entry]}).encode()
    listing = Zenodo("7", "emodb_2.0.zip", site.address)
    download(Source("emodb", "terms", listing, 1), tmp_path / "emodb")
    assert (tmp_path / "emodb" / "emodb" / "wav" / "03a01Fa.wav").is_file()


def test_dataverse_lists_its_checksums(site: Site, tmp_path: Path) -> None:
    audio = _wav(1)
    site.files["/api/access/datafile/5"] = audio
    data = {"id": 5, "filename": "OAF_back_sad.wav", "filesize": len(audio)}
    data["checksum"] = {"type": "MD5", "value": hashlib.md5(audio).hexdigest()}
    notes = {"id": 6, "filename": "notes.pdf", "filesize": 1, "md5": "0"}
    listing = {"data": {"latestVersion": {"files": [{"dataFile": data}, {"dataFile": notes}]}}}
    address = "/api/datasets/:persistentId/?persistentId=doi%3A1%2F2"
    site.files[address] = json.dumps(listing).encode()
    source = Source("tess", "terms", Dataverse("doi:1/2", site.address), 1)
    download(source, tmp_path / "tess")
    assert (tmp_path / "tess" / "OAF_back_sad.wav").read_bytes() == audio
    assert not (tmp_path / "tess" / "notes.pdf").exists()


def _blob(content: bytes) -> str:
    return hashlib.sha1(f"blob {len(content)}\0".encode() + content).hexdigest()


def test_github_serves_plain_files_and_large_ones(site: Site, tmp_path: Path) -> None:
    audio, table = _wav(2), b"ActorID,Sex\n1001,Male\n"
    oid = hashlib.sha256(audio).hexdigest()
    spec = "version https://git-lfs.github.com/spec/v1"
    pointer = f"{spec}\noid sha256:{oid}\nsize {len(audio)}\n".encode()
    tree = [
        {"path": "AudioWAV", "type": "tree", "sha": "0"},
        {
            "path": "AudioWAV/1001 A.wav",
            "type": "blob",
            "sha": _blob(pointer),
            "size": len(pointer),
        },
        {
            "path": "VideoDemographics.csv",
            "type": "blob",
            "sha": _blob(table),
            "size": len(table),
        },
        {"path": "VideoFlash/1.flv", "type": "blob", "sha": "0", "size": 1},
    ]
    site.files["/repos/o/r/git/trees/main?recursive=1"] = json.dumps({"tree": tree}).encode()
    site.files["/media/o/r/main/AudioWAV/1001%20A.wav"] = audio
    site.files["/raw/o/r/main/VideoDemographics.csv"] = table
    listing = GitHub(
        "o/r",
        "main",
        ("AudioWAV", "VideoDemographics.csv"),
        api=site.address,
        raw=f"{site.address}/raw",
        media=f"{site.address}/media",
    )
    download(Source("cremad", "terms", listing, 1), tmp_path / "cremad")
    assert (tmp_path / "cremad" / "AudioWAV" / "1001 A.wav").read_bytes() == audio
    assert (tmp_path / "cremad" / "VideoDemographics.csv").read_bytes() == table


@pytest.mark.parametrize(
    "listing", [b"{}", b"not json", json.dumps({"files": []}).encode()], ids=["{}", "text", "[]"]
)
def test_a_listing_that_changed_is_said(site: Site, listing: bytes) -> None:
    site.files["/api/records/7"] = listing
    with pytest.raises(DownloadError):
        Zenodo("7", "a.zip", site.address).files()


def test_prepare_downloads_what_is_absent_and_says_what_it_cannot(
    site: Site, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    content = _zip(_ravdess(8))
    remote = replace(_remote(site, content), path="a.zip")
    gone = replace(remote, url=f"{site.address}/gone")
    here = Source("ravdess", "CC BY-NC-SA", Fixed((remote,)), 8)
    monkeypatch.setattr(sources, "SOURCES", (here, Source("tess", "terms", Fixed((gone,)), 1)))
    monkeypatch.setattr(whisper, "PUBLISHED", f"{site.address}/encoder")
    weights = hashlib.sha256(CONTENT).hexdigest()[:8]
    monkeypatch.setattr(imagenet, "PUBLISHED", f"{site.address}/resnet34-{weights}.pth")
    site.files[f"/resnet34-{weights}.pth"] = CONTENT
    arguments = ["prepare", str(tmp_path / "data"), "--cache", str(tmp_path / "cache")]
    result = CliRunner().invoke(command_line.app, [*arguments, "--download"])
    assert result.exit_code == 1
    assert "8 clips" in result.output
    assert "give its file with --pretrained FILE" in result.output
    (tmp_path / "cache" / whisper.WEIGHTS).write_bytes(b"the encoder, there already")
    assert "savee cannot be downloaded" in result.output
    assert "404" in result.output
    assert (tmp_path / "cache" / imagenet.FILE).read_bytes() == CONTENT
    asked = len(site.requests)
    again = CliRunner().invoke(command_line.app, [*arguments, "--download", "--only", "ravdess"])
    assert again.exit_code == 0
    assert len(site.requests) == asked


@pytest.mark.parametrize("content", [b"<!DOCTYPE html>", CONTENT[:-1], b""])
def test_weights_that_are_not_what_was_published_are_not_kept(
    site: Site, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, content: bytes
) -> None:
    weights = hashlib.sha256(CONTENT).hexdigest()[:8]
    monkeypatch.setattr(imagenet, "PUBLISHED", f"{site.address}/resnet34-{weights}.pth")
    site.files[f"/resnet34-{weights}.pth"] = content
    with pytest.raises(DownloadError, match="try again"):
        imagenet.keep(tmp_path)
    assert not list(tmp_path.iterdir())


def test_every_corpus_is_described_and_says_where_it_is() -> None:
    assert set(READERS) == set(DESCRIBED)
    assert set(READERS) == {s.corpus for s in SOURCES} | set(ELSEWHERE)
    guide = (Path(__file__).parents[2] / "docs" / "own-models.md").read_text(encoding="utf-8")
    named = guide[guide.index("in a folder named") : guide.index("let `prepare --download`")]
    assert set(re.findall("`([a-z]+)`", named)) == set(READERS)


def test_every_source_is_a_known_corpus_with_a_checksum() -> None:
    assert len({s.corpus for s in SOURCES}) == len(SOURCES)
    for source in SOURCES:
        assert source.corpus in command_line.READERS
        assert source.recordings > 0
        if isinstance(source.listing, Fixed):
            assert all(f.checksum.startswith(("md5:", "sha256:")) for f in source.listing.files())
