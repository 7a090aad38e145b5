"""Servers that write into one history are called otherwise, and told apart."""

from __future__ import annotations

import asyncio
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path

import pytest

pytest.importorskip("starlette", reason="needs the server extra")

from emolive.cluster.live.worker import worker_settings
from emolive.errors import EmoliveError
from emolive.server.client import CallSender
from emolive.server.names import NAME_FILE, server_name, worker_of
from emolive.server.settings import Keeping, ServerSettings
from tests.server.running import serving, speech, tiny
from tests.server.test_calls import RATE, send
from tests.waiting import until


def test_a_library_names_its_server_once(tmp_path: Path) -> None:
    with ThreadPoolExecutor(8) as many:
        (name,) = set(many.map(server_name, [tmp_path / "one"] * 16))
    assert server_name(tmp_path / "one") == name
    assert server_name(tmp_path / "two") != name
    (tmp_path / "two" / NAME_FILE).write_text("berlin-2\n")
    assert server_name(tmp_path / "two") == "berlin-2"


@pytest.mark.parametrize("text", ["", "two words", "x" * 61, "a/b"])
def test_a_name_that_is_none_is_one_sentence(tmp_path: Path, text: str) -> None:
    (tmp_path / NAME_FILE).write_text(text)
    with pytest.raises(EmoliveError, match="holds no name"):
        server_name(tmp_path)


def test_workers_of_two_clusters_have_two_names(tmp_path: Path) -> None:
    names = set()
    for cluster in ("berlin", "madrid"):
        settings = ServerSettings(name=cluster)
        found = worker_settings(settings, "worker-1a", tmp_path / cluster, 0)
        assert worker_of(found.name) == "worker-1a"
        assert found.library == tmp_path / cluster / "workers" / "worker-1a"
        names.add(found.name)
    assert names == {"worker-1a@berlin", "worker-1a@madrid"}


def test_a_server_that_begins_ends_no_call_of_another(tmp_path: Path) -> None:
    """Two in one history, each the first worker of its cluster, with a library of its own."""
    usual = ServerSettings(
        model=tiny(tmp_path), provider="cpu", measured=False, keeping=Keeping.SOUND,
        history=f"sqlite:///{tmp_path}/history.db",
    )  # fmt: skip
    berlin, madrid = (
        replace(worker_settings(replace(usual, name=name), "worker-1a", tmp_path / name, 0))
        for name in ("berlin", "madrid")
    )

    async def meanwhile() -> None:
        sender = CallSender(one.ws, one.token, sampling_rate=RATE, call="long")
        async with sender as call:
            await call.send(speech(2.0, RATE))
            (begun,) = await asyncio.to_thread(
                until, lambda: one.get("/v1/history/calls?key=long")["calls"]
            )
            with serving(madrid) as two:
                await send(two, 3.0, call="short")
                until(lambda: two.get("/v1/history/calls?key=short")["calls"])
                (stretch,) = two.get(f"/v1/history/calls/{begun['id']}")["stretches"]
                assert stretch["server"] == "worker-1a@berlin"
                assert stretch["ended_at"] is None, "it goes on"
                assert two.calls()[0]["server"] == "worker-1a@madrid"

    with serving(berlin) as one:
        asyncio.run(meanwhile())
        (short,) = one.get("/v1/history/calls?key=short")["calls"]
        (stretch,) = one.get(f"/v1/history/calls/{short['id']}")["stretches"]
        assert stretch["server"] == "worker-1a@madrid"
