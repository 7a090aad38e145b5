"""A browser, recordings of calls, and the server that plays them."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, TypeVar

import pytest

pytest.importorskip("selenium")

from selenium.common.exceptions import WebDriverException
from selenium.webdriver import Chrome
from selenium.webdriver.common.by import By
from selenium.webdriver.common.keys import Keys
from selenium.webdriver.remote.webelement import WebElement
from selenium.webdriver.support.ui import WebDriverWait

from emolive.types import Role
from tests.server.web.browser import browser, missing, prefer, resize, speak
from tests.server.web.recorded import Recording, demo_calls
from tests.server.web.recorded_host import TOKEN, Wall, wall
from tests.ui.stored_sessions import Part, store

T = TypeVar("T")


@pytest.fixture(scope="session")
def recordings(tmp_path_factory: pytest.TempPathFactory) -> tuple[Recording, ...]:
    """Two calls put together from the demo clip, heard by the bundled model."""
    return demo_calls(tmp_path_factory.mktemp("rules"))


@dataclass
class Page:
    """A page in the browser."""

    driver: Chrome
    address: str
    token: str

    def open(self, place: str = "") -> None:
        """Go to a part of it."""
        self.driver.get(self.address + place)

    def log_in(self, place: str = "", token: str = "") -> None:
        """As a supervisor does."""
        self.open(place)
        self.wait(lambda: self.seen("#token")).send_keys(token or self.token, Keys.ENTER)
        self.wait_live()

    def wait_live(self) -> None:
        """Until the server tells what happens."""
        self.wait(lambda: self.attribute("#connection", "data-state") == "open")

    def find(self, selector: str) -> list[WebElement]:
        return self.driver.find_elements(By.CSS_SELECTOR, selector)

    def shown(self, selector: str) -> list[WebElement]:
        return [one for one in self.find(selector) if one.is_displayed()]

    def seen(self, selector: str) -> WebElement:
        """The first of these elements that is displayed; an error where there is none."""
        return self.shown(selector)[0]

    def text(self, selector: str) -> str:
        return self.seen(selector).text

    def attribute(self, selector: str, name: str) -> str | None:
        return self.find(selector)[0].get_attribute(name)

    def click(self, selector: str) -> None:
        self.wait(lambda: self.seen(selector)).click()

    def run(self, script: str, *arguments: object) -> Any:
        return self.driver.execute_script(script, *arguments)

    def keys(self, *keys: str) -> None:
        """Type, wherever the focus is."""
        self.driver.switch_to.active_element.send_keys(*keys)

    def focus(self) -> str:
        """What has the focus, as a screen reader would name it."""
        active = self.driver.switch_to.active_element
        return active.accessible_name or active.tag_name

    def wait(self, until: Callable[[], T], seconds: float = 120) -> T:
        """Until it is true, and was no error."""
        waiting = WebDriverWait(
            self.driver, seconds, 0.1, (WebDriverException, IndexError, AttributeError)
        )
        return waiting.until(lambda _: until())

    def painted(self, selector: str) -> int:
        """How many different colours a canvas shows."""
        found = self.run(
            "const c = document.querySelector(arguments[0]);"
            "const p = c.getContext('2d').getImageData(0, 0, c.width, c.height).data;"
            "return new Set(new Uint32Array(p.buffer)).size",
            selector,
        )
        return int(found)

    def complaints(self) -> list[str]:
        """What the console says, without refused log-ins and a server that is gone on purpose."""
        found = [entry["message"] for entry in self.driver.get_log("browser")]  # type: ignore[no-untyped-call]
        expected = ("401 (Unauthorized)", "ERR_CONNECTION_REFUSED", "400 (Bad Request)")
        return [one for one in found if not any(text in one for text in expected)]


@pytest.fixture(scope="session")
def chrome() -> Iterator[Chrome]:
    """One browser for all tests."""
    if reason := missing():
        pytest.skip(reason)
    with browser() as driver:
        yield driver


@pytest.fixture
def server(tmp_path: Path, recordings: tuple[Recording, ...]) -> Iterator[Wall]:
    """No call runs; three past ones are in its library."""
    with wall(tmp_path, recordings[0].model) as made:
        parts = (Part("agent", role=Role.AGENT), Part("customer", role=Role.CUSTOMER))
        for i in range(3):
            begun = datetime.now(UTC) - timedelta(days=i + 0.1)
            store(made.library, parts, title=f"Order {i}", started_at=begun, audio=i == 0)
        yield made


@pytest.fixture
def page(chrome: Chrome, server: Wall) -> Iterator[Page]:
    """A new page, nobody logged in; in the end the console must be empty."""
    resize(chrome, 1280, 800)
    # Cards that slide to their places could not be clicked meanwhile.
    prefer(chrome, prefers_color_scheme="light", prefers_reduced_motion="reduce")
    speak(chrome, "en")
    chrome.delete_all_cookies()
    made = Page(chrome, f"http://127.0.0.1:{server.port}/", TOKEN)
    yield made
    complaints = made.complaints()
    chrome.get("about:blank")
    assert not complaints, complaints
