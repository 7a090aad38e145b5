"""Calls of one tap are one source: what a call brings is known to the next."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from pathlib import Path

import pytest

pytest.importorskip("starlette", reason="needs the server extra")

from emolive.baseline import ExpectedMix, ProfileStore
from emolive.monitoring import BaselineChoice
from emolive.server.settings import ServerSettings
from tests.server.running import serving, tiny
from tests.server.test_calls import send
from tests.waiting import until


def test_the_next_call_is_adapted_by_role(tmp_path: Path) -> None:
    library = tmp_path / "library"
    settings = ServerSettings(model=tiny(tmp_path), provider="cpu", library=library)
    adapting = replace(settings, baseline=BaselineChoice(ExpectedMix(0.7)))
    with serving(adapting) as running, running.watching() as watch:
        asyncio.run(send(running, 6.0, call="first"))
        watch.until("call_ended", call="first")
        (profile,) = until(ProfileStore(library).profiles)
        assert profile.source.role == "customer"
        asyncio.run(send(running, 6.0, call="second"))
        watch.until("call_ended", call="second")
        spoken = [one for one in watch.of("prediction", stream="customer") if one["probabilities"]]
        known = {one["call"]: one["baseline"]["sessions"] for one in spoken}
        assert known == {"first": 0, "second": 1}
        for one in spoken:
            raw, adapted = one["raw_probabilities"]["neutral"], one["probabilities"]["neutral"]
            assert adapted == raw if one["call"] == "first" else adapted > raw
        agent = watch.of("prediction", stream="agent")
        assert all(one["baseline"] is None for one in agent), "nothing is inferred of it"
