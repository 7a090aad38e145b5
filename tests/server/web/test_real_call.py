"""A call through the real server and engine, from its sound to the page and into the history."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from pathlib import Path

from selenium.webdriver import Chrome
from selenium.webdriver.common.keys import Keys

from emolive.server.client import CallSender, send_paced
from emolive.server.settings import Keeping, ServerSettings
from tests.models import LABELS
from tests.server.running import serving, tiny, two_parties
from tests.server.web.browser import resize, speak
from tests.server.web.conftest import Page

RATE = 16_000


def test_it_is_seen_while_it_is_heard_and_afterwards(chrome: Chrome, tmp_path: Path) -> None:
    settings = ServerSettings(
        model=tiny(tmp_path), provider="cpu", library=tmp_path / "library", keeping=Keeping.SOUND
    )
    resize(chrome, 1280, 800)
    with serving(replace(settings, port=0)) as running:
        speak(chrome, "en")
        page = Page(chrome, f"{running.server.url}/", running.token)

        async def call() -> None:
            async with CallSender(
                running.ws, running.token, sampling_rate=RATE, channels=2, title="Line 7"
            ) as sender:
                sending = asyncio.create_task(send_paced(sender, two_parties(12.0, RATE), RATE))
                await asyncio.to_thread(watch)
                await sending

        def watch() -> None:
            page.log_in()
            page.wait(lambda: page.text(".tile .name") == "Line 7")
            page.seen(".tile .recorded")
            page.keys(Keys.ENTER)
            page.wait(lambda: page.text("#call-name") == "Line 7")
            page.wait(lambda: page.painted("#timeline .uplot canvas") > 10)
            legend = [one.text for one in page.find("#legend li")]
            assert legend[: len(LABELS)] == list(LABELS)

        asyncio.run(call())
        page.wait(lambda: page.text("#call .mood .word") == "ended")
        # It stays what it was: what is heard last is drawn to the end.
        assert page.text("#call-time") == "0:12"
        page.open("#/history")
        page.wait(lambda: page.text(".session .whole") == "Line 7")
        page.click(".session .whole")
        page.wait(lambda: page.text("#call-name") == "Line 7")
        page.wait(lambda: page.seen("#sound audio"))
        heard = "return document.querySelector('#sound audio').duration"
        assert 11.9 < page.wait(lambda: page.run(heard)) < 12.1
        complaints = page.complaints()
        page.driver.get("about:blank")
        assert not complaints, complaints
