"""Past calls of all servers: recorded or not, with recordings in libraries or at an address."""

from __future__ import annotations

import asyncio
import importlib.util
import io
import shutil
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import fsspec
import httpx
import pytest
import soundfile

from emolive.errors import EmoliveError
from emolive.server.recordings import AddressRecordings
from emolive.server.settings import Keeping, ServerSettings
from emolive.session.library import Library
from tests.models import LABELS
from tests.server.running import Running, serving, tiny
from tests.server.test_calls import send
from tests.waiting import until

MOTO = importlib.util.find_spec("moto") and importlib.util.find_spec("s3fs")


@pytest.fixture
def settings(tmp_path: Path) -> ServerSettings:
    return ServerSettings(
        model=tiny(tmp_path), provider="cpu", library=tmp_path / "library", measured=False,
        history=f"sqlite:///{tmp_path}/history.db", name="one",
    )  # fmt: skip


def past(running: Running, total: int, query: str = "") -> list[dict[str, Any]]:
    """The calls that are found, once there are so many, and over."""

    def found() -> list[dict[str, Any]] | None:
        page = running.http.get("/v1/sessions", params={"query": query}).json()
        over = all(one["state"] == "complete" for one in page["sessions"])
        calls: list[dict[str, Any]] = page["sessions"]
        return calls if page["total"] == total and over else None

    until(lambda: found() is not None)
    return found() or []


def test_a_call_that_was_not_recorded_is_in_the_history(settings: ServerSettings) -> None:
    with serving(settings) as running:
        asyncio.run(send(running, 5.0, call="line-7", title="Line seven"))
        (call,) = past(running, 1)
        assert call["title"] == "Line seven"
        assert running.get("/v1/server")["watchers"] == 0, "the history is none"
        assert call["duration_s"] == pytest.approx(5.0, abs=1.0)
        assert call["label"] == LABELS[-1]
        assert {one["stream"]: one["emotion"] for one in call["streams"]} == {
            "agent": False, "customer": True,
        }  # fmt: skip
        (hit,) = past(running, 1, f"{LABELS[-1]} longer than 1 s customer last week")[0]["hits"]
        assert hit["label"] == LABELS[-1]
        for query in ("seven line", "longer than 1 s", "Line"):
            past(running, 1, query)
        for query in ("another", f"{LABELS[0]}", "longer than 1 h", "agent longer than 1 s"):
            assert past(running, 0, query) == []
        wrong = running.http.get("/v1/sessions", params={"query": "tag:x"})
        assert wrong.status_code == 400
        assert "no tags" in wrong.json()["error"]
        document = running.get(f"/v1/sessions/{call['id']}")
        assert document["windows"] == []
        assert document["has_audio"] is False
        assert LABELS[-1] in document["labels"]
        assert document["segments"]
        assert running.http.get(f"/v1/sessions/{call['id']}/audio/customer").status_code == 404
        until(lambda: running.get("/v1/history/audit")["entries"])
        assert running.http.delete(f"/v1/sessions/{call['id']}").status_code == 204
        assert running.http.get(f"/v1/sessions/{call['id']}").status_code == 404
        assert past(running, 0) == []


def s3() -> Iterator[str]:
    """A bucket of a real server that speaks S3."""
    program = """
import time
from moto.server import ThreadedMotoServer
server = ThreadedMotoServer("127.0.0.1", 0, verbose=False)
server.start()
print(server.get_host_and_port()[1], flush=True)
time.sleep(600)
"""
    server = subprocess.Popen([sys.executable, "-c", program], stdout=subprocess.PIPE, text=True)
    try:
        assert server.stdout is not None
        url = f"http://127.0.0.1:{server.stdout.readline().strip()}"
        httpx.put(f"{url}/calls")
        fsspec.config.conf["s3"] = {"endpoint_url": url, "key": "k", "secret": "s"}
        yield "s3://calls/deep/er"
    finally:
        fsspec.config.conf.pop("s3", None)
        server.kill()
        server.communicate()


@pytest.fixture(params=["folder", "file", "memory", "s3"])
def address(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[str]:
    if request.param == "s3":
        if not MOTO:
            pytest.skip("S3 is tried with `pip install s3fs 'moto[server,s3]'` alone (300 MB)")
        yield from s3()
    else:
        yield {
            "folder": str(tmp_path / "recordings"),
            "file": f"file://{tmp_path}/recordings",
            "memory": f"memory://calls/{tmp_path.name}",
        }[request.param]


def test_recordings_are_moved_to_an_address(
    settings: ServerSettings, address: str, tmp_path: Path
) -> None:
    kept = replace(settings, keeping=Keeping.SOUND, recordings=address)
    with serving(kept) as running:
        asyncio.run(send(running, 5.0, call="kept", title="A call that is kept"))
        (call,) = past(running, 1)
        until(lambda: not Library.open(settings.library).sessions())
        document = running.get(f"/v1/sessions/{call['id']}")
        assert document["windows"]
        assert document["has_audio"] is True
        assert document["title"] == "A call that is kept"
        assert document["tags"] == ["pcm"]
        assert document["conversation"]["duration_s"] == pytest.approx(5.0, abs=0.1)
        path = f"/v1/sessions/{call['id']}/audio/customer"
        sound = running.http.get(path)
        heard, rate = soundfile.read(io.BytesIO(sound.content))
        assert (len(heard), rate) == (5 * 16_000, 16_000)
        part = running.http.get(path, headers={"Range": "bytes=4-99"})
        assert part.status_code == 206
        assert part.content == sound.content[4:100]
    # Another server, whose library has nothing, finds it there too, and deletes it for good.
    other = replace(kept, name="two", library=tmp_path / "elsewhere")
    with serving(other) as running:
        assert running.http.get(path).content == sound.content
        (stretch,) = running.get(f"/v1/history/calls/{call['id']}")["stretches"]
        server, session = stretch["server"], stretch["session"]
        assert server == "one"
        assert running.http.delete(f"/v1/sessions/{call['id']}").status_code == 204
        recordings = AddressRecordings(address)
        assert recordings.document(server, session) is None
        assert recordings.sessions(server) == []


def test_what_cannot_be_moved_stays_until_it_can(settings: ServerSettings, tmp_path: Path) -> None:
    there = tmp_path / "recordings"
    with serving(replace(settings, keeping=Keeping.TIMELINE, recordings=str(there))) as running:
        shutil.rmtree(there)
        there.write_text("no folder")
        asyncio.run(send(running, 3.5, call="waits"))
        until(lambda: any("cannot be used" in p for p in running.get("/v1/server")["problems"]))
        assert len(Library.open(settings.library).sessions()) == 1
        there.unlink()
        until(lambda: not running.get("/v1/server")["problems"])
        until(lambda: list(there.glob("one/*/session.json")))


def test_what_is_old_goes_everywhere(settings: ServerSettings, tmp_path: Path) -> None:
    there = tmp_path / "recordings"
    kept = replace(settings, keeping=Keeping.TIMELINE, recordings=str(there))
    with Library.open(settings.library) as library:
        library.change_settings(expire_after_days=30)
    with serving(kept) as running:
        asyncio.run(send(running, 3.5, call="old"))
        past(running, 1)
        until(lambda: list(there.glob("one/*/session.json")))
        history = running.server._history()
        assert history.expire(datetime.now(UTC)) == []  # type: ignore[union-attr]
        assert past(running, 1)
        later = datetime.now(UTC) + timedelta(days=31)
        assert len(history.expire(later)) == 1  # type: ignore[union-attr]
        assert past(running, 0) == []
        assert not list(there.glob("one/*/session.json"))


@pytest.mark.parametrize("address", ["nosuch://x/y", "/proc/no/such"])
def test_a_wrong_address_is_one_sentence(address: str) -> None:
    with pytest.raises(EmoliveError, match="cannot be"):
        AddressRecordings(address)
