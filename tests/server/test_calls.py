"""A call over real sockets, from the plain tap to watchers, REST and the library."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from emolive.server.client import CallRefusedError, CallSender, send_paced
from emolive.server.settings import Keeping, ServerSettings
from tests.models import LABELS
from tests.server.running import Running, serving, tiny, two_parties
from tests.waiting import until

RATE = 16_000


async def send(running: Running, seconds: float, **about: object) -> str:
    samples = two_parties(seconds, RATE)
    async with CallSender(
        running.ws,
        running.token,
        sampling_rate=RATE,
        channels=2,
        **about,  # type: ignore[arg-type]
    ) as call:
        await send_paced(call, samples, RATE)
        return call.call_id


@pytest.fixture
def settings(tmp_path: Path) -> ServerSettings:
    return ServerSettings(
        model=tiny(tmp_path), provider="cpu", library=tmp_path / "library", measured=False
    )


def test_a_call_is_answered_watched_and_told(settings: ServerSettings) -> None:
    with serving(settings) as running, running.watching() as watch:
        snapshot = watch.until("snapshot")
        assert snapshot["calls"] == []
        assert snapshot["labels"] == list(LABELS)
        call_id = asyncio.run(send(running, 6.0, title="Line 7", call="line-7"))
        assert call_id == "line-7"
        ended = watch.until("call_ended", call="line-7")
        info = ended["info"]
        assert info["name"] == "Line 7"
        assert info["state"] == "stopped"
        assert info["elapsed_s"] == pytest.approx(6.0, abs=0.01)
        assert info["audio"]["gaps"] == 0
        assert [one["role"] for one in info["streams"]] == ["agent", "customer"]
        assert [one["emotion"] for one in info["streams"]] == [False, True]
        customer = watch.of("prediction", stream="customer")
        told = next(one for one in watch.of("status")[-1]["streams"] if one["role"] == "customer")
        assert len(customer) == told["windows"]
        assert told["windows"] + told["windows_skipped"] == 7, "a window of 3 s, and six hops"
        assert any(one["label"] == LABELS[-1] for one in customer)
        for one in customer:
            assert {"start_s", "end_s", "state", "probabilities", "speech_ratio", "latency_ms"} <= (
                set(one)
            )
        agent = watch.of("prediction", stream="agent")
        assert agent
        assert not any(one["probabilities"] for one in agent), "nobody permitted it"
        assert {one["call"] for one in customer + agent} == {"line-7"}
        assert watch.of("segment", call="line-7", stream="customer")
        assert {one["state"] for one in watch.of("status")} >= {"running", "stopped"}
        assert info["conversation"]["duration_s"] == pytest.approx(6.0, abs=0.1)
        history = running.get("/v1/calls/line-7/history")
        assert len(history["predictions"]) == len(customer) + len(agent)
        assert running.call("line-7")["latest"]["customer"]["label"] == LABELS[-1]
        assert running.get("/v1/sessions")["total"] == 0, "nothing is kept unless asked for"


def test_one_call_is_watched_with_its_levels_and_its_past(settings: ServerSettings) -> None:
    async def both(running: Running) -> None:
        sending = asyncio.create_task(send(running, 5.0, call="here"))
        other = asyncio.create_task(send(running, 4.0, call="there"))
        while not any(one["id"] == "here" for one in await asyncio.to_thread(running.calls)):
            await asyncio.sleep(0.05)
        with running.watching("/v1/calls/here/watch") as watch:
            first = await asyncio.to_thread(watch.until, "snapshot")
            assert [one["id"] for one in first["calls"]] == ["here"]
            assert first["history"]["call"] == "here"
            await asyncio.gather(sending, other)
            await asyncio.to_thread(watch.until, "call_ended")
            assert {one["call"] for one in watch.messages} <= {"here", None}
            levels = watch.of("levels", stream="customer")
            assert levels
            assert any(level is not None for one in levels for level in one["level_dbfs"])
            assert watch.of("conversation", final=True)

    with serving(settings) as running:
        asyncio.run(both(running))


def test_a_recorded_call_is_in_the_library_whole(settings: ServerSettings, tmp_path: Path) -> None:
    import soundfile

    from emolive.session.library import Library

    kept = replace(settings, keeping=Keeping.SOUND)
    with serving(kept) as running:
        asyncio.run(send(running, 5.0, call="kept", title="A call that is kept", consent=True))
        session = until(lambda: running.call("kept")["session"])
        until(lambda: not running.call("kept")["recording"])
        page = running.get("/v1/sessions?query=kept")
        assert [one["id"] for one in page["sessions"]] == [session]
        assert page["sessions"][0]["duration_s"] == pytest.approx(5.0, abs=0.001)
        document = running.get(f"/v1/sessions/{session}")
        assert document["title"] == "A call that is kept"
        assert document["windows"]
        sound = running.http.get(f"/v1/sessions/{session}/audio/customer")
        assert sound.headers["content-type"] == "audio/flac"
        path = tmp_path / "customer.flac"
        path.write_bytes(sound.content)
        heard, rate = soundfile.read(path, dtype="float32")
        assert rate == RATE
        sent = two_parties(5.0, RATE)[:, 1]
        np.testing.assert_allclose(heard, sent, atol=2 / 32_768)
        assert running.http.delete(f"/v1/sessions/{session}").status_code == 204
        assert running.http.get(f"/v1/sessions/{session}").status_code == 404
    with Library.open(settings.library) as library:
        entries = [one for one in library.audit_log() if one.action == "call.monitored"]
    assert [one.details["call"] for one in entries] == ["kept"]
    assert entries[0].details["kept"] == "sound"
    assert entries[0].details["consent"] is True


def test_a_call_too_many_is_refused_with_a_sentence(settings: ServerSettings) -> None:
    async def two(running: Running) -> None:
        one = CallSender(running.ws, running.token, sampling_rate=RATE, call="one")
        async with one:
            assert running.http.get("/v1/ready?room=true").status_code == 503
            full = running.get("/v1/ready")
            assert (full["status"], full["calls"]) == ("full", 1), "and not out of service"
            assert "carries no more" in full["reason"]
            with pytest.raises(CallRefusedError, match="carries no more"):
                async with CallSender(running.ws, running.token, sampling_rate=RATE):
                    pass
            await one.send(np.zeros(RATE, np.float32))

    limited = replace(settings, max_calls=1)
    with serving(limited) as running:
        assert running.get("/v1/ready")["status"] == "ready"
        asyncio.run(two(running))
        until(lambda: running.http.get("/v1/ready?room=true").status_code == 200)
        assert running.get("/v1/server")["refused"] == 1


def test_of_calls_that_come_at_once_no_more_are_taken_than_there_is_room_for(
    settings: ServerSettings,
) -> None:
    limited = replace(settings, max_calls=3)

    async def one(running: Running, leave: asyncio.Event) -> str | None:
        try:
            async with CallSender(running.ws, running.token, sampling_rate=RATE, call="same"):
                await leave.wait()
        except CallRefusedError as refused:
            return str(refused)
        return None

    async def all_at_once(running: Running) -> list[str | None]:
        leave = asyncio.Event()
        tasks = [asyncio.create_task(one(running, leave)) for _ in range(9)]
        found: set[str] = set()
        while sum(task.done() for task in tasks) < 6 or len(found) < 3:
            found = {call["id"] for call in await asyncio.to_thread(running.calls)}
            await asyncio.sleep(0.02)
        leave.set()
        return await asyncio.gather(*tasks)

    with serving(limited) as running:
        refusals = [one for one in asyncio.run(all_at_once(running)) if one is not None]
    assert len(refusals) == 6
    assert all("carries no more" in one for one in refusals)
