"""A browser, recordings of calls, and a server that plays them."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

import numpy as np
import pytest

pytest.importorskip("selenium")

import soundfile as sf
from selenium.webdriver import Chrome
from selenium.webdriver.common.by import By
from selenium.webdriver.common.keys import Keys
from selenium.webdriver.remote.webelement import WebElement
from selenium.webdriver.support.ui import WebDriverWait

from emolive.inference.bundled import model_path
from emolive.inference.classifier import OnnxClassifier
from emolive.resources import DEMO_AUDIO, resource
from tests.conversation.calls import Said, spoken
from tests.server.web.browser import browser, missing, resize
from tests.server.web.recorded import Recording, record
from tests.server.web.replay_server import TOKEN, ReplayedCall, ReplayServer, past_call, running

T = TypeVar("T")
LENGTH_S = 120.0


@pytest.fixture(scope="session")
def recordings(tmp_path_factory: pytest.TempPathFactory) -> tuple[Recording, ...]:
    """Two calls put together from the demo clip, heard by the bundled model."""
    speech, _ = sf.read(resource(DEMO_AUDIO), dtype="float32")
    folder = tmp_path_factory.mktemp("rules")
    found = []
    with closing(OnnxClassifier(model_path(None), "cpu", 1)) as classifier:
        for first, second in (("a", "b"), ("c", "d")):
            said, at = [], 1.0
            while at < LENGTH_S - 6:
                said += [Said(0, first, at), Said(1, second, at + 2.0), Said(1, "f", at + 4.4)]
                at += 6.3 if len(said) % 4 else 24.0
            audio = spoken(speech, said, LENGTH_S)
            found.append(record(np.asarray(audio), classifier, folder / f"{first}.toml"))
    return tuple(found)


@dataclass
class Page:
    """The wall in a browser, and the server behind it."""

    driver: Chrome
    server: ReplayServer
    recordings: tuple[Recording, ...]
    address: str = ""

    def open(self, place: str = "") -> None:
        """Go to a part of the page."""
        self.driver.get(self.address + place)

    def log_in(self, place: str = "") -> None:
        """As a supervisor does."""
        self.open(place)
        field = self.wait(lambda: self.seen("#token"))
        field.send_keys(TOKEN, Keys.ENTER)
        self.wait(lambda: self.text("#connection") == "live" or self.attribute("#connection", "data-state") == "open")

    def call(self, number: int, ahead_s: float = 60.0, **about: object) -> ReplayedCall:
        """Begin a call that has been going on for a while."""
        recording = self.recordings[number % len(self.recordings)]
        made = ReplayedCall(f"call-{number}", f"Line {number}", recording, ahead_s, **about)  # type: ignore[arg-type]
        self.server.add(made)
        return made

    def find(self, selector: str) -> list[WebElement]:
        return self.driver.find_elements(By.CSS_SELECTOR, selector)

    def seen(self, selector: str) -> WebElement | None:
        """The first of these elements that is displayed."""
        return next((one for one in self.find(selector) if one.is_displayed()), None)

    def text(self, selector: str) -> str:
        found = self.seen(selector)
        return found.text if found else ""

    def attribute(self, selector: str, name: str) -> str | None:
        return self.find(selector)[0].get_attribute(name)

    def run(self, script: str, *arguments: object) -> object:
        return self.driver.execute_script(script, *arguments)

    def keys(self, *keys: str) -> None:
        """Type, wherever the focus is."""
        self.driver.switch_to.active_element.send_keys(*keys)

    def wait(self, until: Callable[[], T], seconds: float = 30) -> T:
        return WebDriverWait(self.driver, seconds, 0.1, (Exception,)).until(lambda _: until())

    def complaints(self) -> list[str]:
        """What the console says, without refused log-ins, which are the server's right answers."""
        found = [entry["message"] for entry in self.driver.get_log("browser")]
        return [one for one in found if "401 (Unauthorized)" not in one]


@pytest.fixture(scope="session")
def chrome() -> Iterator[Chrome]:
    """One browser for all tests; a new page for each."""
    if reason := missing():
        pytest.skip(reason)
    with browser() as driver:
        yield driver


@pytest.fixture
def page(chrome: Chrome, recordings: tuple[Recording, ...]) -> Iterator[Page]:
    """A server with two past calls and none that runs."""
    past = tuple(
        past_call(recording, f"past-{i}", f"Order {i}", i + 0.2)
        for i, recording in enumerate(recordings)
    )
    server = ReplayServer(past)
    resize(chrome, 1280, 800)
    with running(server) as port:
        made = Page(chrome, server, recordings, f"http://127.0.0.1:{port}/")
        yield made
        chrome.get("about:blank")
