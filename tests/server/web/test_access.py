"""Everybody can use it: a real accessibility engine, the keyboard alone, and what people prefer."""

from __future__ import annotations

from pathlib import Path

import pytest
from selenium.webdriver.common.keys import Keys

from tests.server.web.browser import prefer
from tests.server.web.conftest import Page
from tests.server.web.recorded import Recording
from tests.server.web.recorded_host import Wall

AXE = (Path(__file__).parent / "axe.min.js").read_text(encoding="utf-8")
_CHECK = """
const done = arguments[arguments.length - 1];
axe.run({resultTypes: ['violations']}).then(found => done(found.violations.map(one =>
  `${one.id}: ${one.nodes.map(node => node.target + ' ' + node.failureSummary).join(' | ')}`)));
"""


def violations(page: Page) -> list[str]:
    """What axe-core finds, WCAG 2 and its best practices."""
    page.run(AXE)
    found: list[str] = page.driver.execute_async_script(_CHECK)
    return found


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_no_page_breaks_a_rule(
    page: Page, server: Wall, recordings: tuple[Recording, ...], scheme: str
) -> None:
    prefer(page.driver, prefers_color_scheme=scheme, prefers_reduced_motion="reduce")
    page.open()
    page.wait(lambda: page.seen("#token"))
    assert violations(page) == []
    page.seen("#token").send_keys("wrong", Keys.ENTER)
    page.wait(lambda: page.seen("#log-in-problem"))
    assert violations(page) == []
    page.log_in()
    assert violations(page) == []
    ended = server.add(recordings[1], "Ended", 30)
    call = server.add(recordings[0], "Line 3", 75, recorded=True)
    server.end(ended)
    page.wait(lambda: len(page.shown(".tile .flag")) >= 1)
    page.wait(lambda: page.seen("#clear"))
    assert violations(page) == []
    page.click("#as-list")
    assert violations(page) == []
    page.click("#as-cards")
    page.open(f"#/calls/{call}")
    page.wait(lambda: len(page.shown("#timeline .uplot")) == 3)
    page.click("#in-words summary")
    page.wait(lambda: page.shown("#in-words tbody tr"))
    assert violations(page) == []
    page.click("#explain")
    assert violations(page) == []
    page.keys(Keys.ESCAPE)
    page.open("#/history")
    page.wait(lambda: page.shown(".session"))
    assert violations(page) == []
    page.click("#help")
    assert violations(page) == []


def test_the_keyboard_is_enough(
    page: Page, server: Wall, recordings: tuple[Recording, ...]
) -> None:
    for i in range(3):
        server.add(recordings[0], f"Line {i}", 70)
    page.open()
    page.wait(lambda: page.focus() == "Token")
    page.keys(page.token, Keys.ENTER)
    page.wait_live()
    page.wait(lambda: page.focus().startswith("Call Line"))
    first = page.focus()
    page.keys(Keys.ARROW_RIGHT)
    second = page.focus()
    assert second.startswith("Call Line")
    assert second != first
    page.wait(lambda: page.seen(".tile:focus-within .seen"))
    page.keys("a")
    page.wait(lambda: not page.shown(".tile:focus-within .seen"))
    assert page.focus() == second, "cards that move take the focus along"
    page.keys(Keys.ENTER)
    page.wait(lambda: page.text("#call-name") == second.removeprefix("Call "))
    page.keys(Keys.ESCAPE)
    page.wait(lambda: page.focus() == second)
    page.keys("h")
    page.wait(lambda: page.seen("#history"))
    page.keys("/")
    page.wait(lambda: page.focus() == "Search past calls")
    page.keys("c", "h", "t")
    assert page.seen("#query").get_attribute("value") == "cht", "no key acts while one types"
    page.keys(Keys.ESCAPE, "c")
    page.wait(lambda: page.seen("#wall"))
    page.keys("?")
    page.wait(lambda: page.seen("#keys"))
    page.click("#single-keys")
    page.keys(Keys.ESCAPE)
    page.run("document.activeElement.blur()")
    page.keys("h")
    assert page.seen("#wall"), "keys that were turned off do nothing"
    page.run("localStorage.clear()")


def test_tab_goes_through_all_controls_in_the_order_of_the_page(
    page: Page, server: Wall, recordings: tuple[Recording, ...]
) -> None:
    for i in range(5):
        server.add(recordings[0], f"Line {i}", 70)
    page.log_in()
    page.driver.refresh()
    page.wait(lambda: len(page.shown(".tile .seen")) == 5)
    stops = []
    for _ in range(14):
        page.keys(Keys.TAB)
        stops.append(page.focus())
    assert stops[:7] == [
        "Skip to the calls", "emolive", "Calls", "History", "Light or dark",
        "Keyboard shortcuts", "Log out",
    ]  # fmt: skip
    assert stops[7:10] == ["Find a call by its name or emotion", "Cards", "List"]
    assert stops[10].startswith("Call Line"), "one stop for all cards; arrows go on from there"
    assert stops[11] == "Acknowledge"


def test_light_and_dark_follow_the_system_until_somebody_chooses(page: Page) -> None:
    background = "return getComputedStyle(document.body).backgroundColor"
    prefer(page.driver, prefers_color_scheme="dark")
    page.open()
    dark = page.run(background)
    prefer(page.driver, prefers_color_scheme="light")
    light = page.run(background)
    assert light != dark
    page.click("#theme")
    assert page.run(background) == dark
    page.driver.refresh()
    page.wait(lambda: page.seen("#token"))
    assert page.run(background) == dark
    page.click("#theme")
    assert page.run(background) == light
