"""One call: its timeline, numbers and alerts; while it goes on, and from the history."""

from __future__ import annotations

import pytest
from selenium.webdriver.common.action_chains import ActionChains
from selenium.webdriver.common.keys import Keys

from tests.server.web.conftest import Page
from tests.server.web.recorded import Recording
from tests.server.web.recorded_host import Wall

RULER = "#timeline canvas:last-of-type"


@pytest.fixture
def call(page: Page, server: Wall, recordings: tuple[Recording, ...]) -> str:
    """A call that is open on the page."""
    found = server.add(recordings[0], "Line 3", 75)
    page.log_in()
    page.click(".tile .open")
    page.wait(lambda: page.text("#call-name") == "Line 3")
    return found


@pytest.mark.usefixtures("call")
def test_it_shows_both_parties_over_time(page: Page) -> None:
    page.wait(lambda: len(page.shown("#timeline .uplot")) == 3)  # probabilities, and two levels
    page.wait(lambda: page.painted("#timeline .uplot canvas") > 20)
    lanes = page.shown("#timeline > canvas")
    assert len(lanes) == 7  # alerts, decided, the agent's speech, who talks (3), and the time
    legend = [one.text for one in page.find("#legend li")]
    assert legend[:4] == ["neutral", "calm", "happy", "sad"]
    assert legend[-1] == "not inferred"
    before = page.run(f"return document.querySelector('{RULER}').toDataURL()")
    page.wait(lambda: page.run(f"return document.querySelector('{RULER}').toDataURL()") != before)


def test_its_numbers_are_those_of_the_server(page: Page, server: Wall, call: str) -> None:
    assert server.board is not None
    served = server.board.call(call)
    assert served is not None

    def agree() -> bool:
        metrics = served.info()["conversation"]
        turns = [party["turns"] for party in metrics["parties"]]
        row = page.find("#metrics tbody tr")[1].text.split()
        return row == ["Turns", *map(str, turns)]

    page.wait(agree)
    assert "Overtalk" in page.text("#metrics tbody")
    assert [one.text for one in page.shown(".talk-names b")] == ["agent", "customer"]
    page.click("#explain")
    page.wait(lambda: "Brady (1968)" in page.text("#meanings"))
    page.keys(Keys.ESCAPE)


def test_alerts_lead_to_their_moment_and_are_acknowledged(
    page: Page, server: Wall, call: str
) -> None:
    page.wait(lambda: page.shown("#alerts li"))
    page.click("#alerts .rule")
    page.wait(lambda: page.seen("#to-live"))
    page.click("#to-live")
    page.wait(lambda: not page.shown("#to-live"))
    page.click("#alerts .seen")
    page.wait(lambda: page.seen("#alerts li.done"))
    assert server.board is not None
    served = server.board.call(call)
    assert served is not None
    page.wait(lambda: any(alert["acknowledged"] for alert in served.info()["alerts"]))


@pytest.mark.usefixtures("call")
def test_the_keyboard_and_the_pointer_move_it(page: Page) -> None:
    timeline = page.wait(lambda: page.seen("#timeline"))
    page.wait(lambda: page.find("#spans [aria-pressed=true]")[0].text == "1 min")
    timeline.send_keys(Keys.ARROW_LEFT)
    page.wait(lambda: page.seen("#to-live"))
    timeline.send_keys("l")
    page.wait(lambda: not page.shown("#to-live"))
    timeline.send_keys("+")
    page.wait(lambda: not page.shown("#spans [aria-pressed=true]"))
    page.find("#spans button")[3].click()
    page.wait(lambda: page.find("#spans [aria-pressed=true]")[0].text == "All")
    ActionChains(page.driver).move_to_element_with_offset(timeline, -150, -60).perform()
    page.wait(lambda: "customer" in page.text("#timeline .tip"))


@pytest.mark.usefixtures("call")
def test_it_is_there_in_words(page: Page) -> None:
    page.click("#in-words summary")
    rows = page.wait(lambda: [one.text for one in page.shown("#in-words tbody tr")])
    assert any("customer" in row and "%" in row for row in rows)
    assert any("agent" in row and "not inferred" in row for row in rows)


def test_a_call_that_ends_stays_open_and_says_so(page: Page, server: Wall, call: str) -> None:
    server.end(call)
    page.wait(lambda: page.text("#call .mood .word") == "ended")
    page.keys(Keys.ESCAPE)
    page.wait(lambda: page.seen("#wall"))


def test_a_call_that_is_not_there_leads_back(page: Page) -> None:
    page.log_in()
    page.open("#/calls/nowhere")
    page.wait(lambda: page.seen("#wall"))
    page.wait(lambda: "no call" in page.text("#message"))
    page.driver.get_log("browser")  # 404, as it should be


def test_the_history_is_searched_and_opened(page: Page) -> None:
    page.log_in()
    page.click("nav [data-page=history]")
    titles = page.wait(lambda: [one.text for one in page.shown(".session .whole")])
    assert titles == ["Order 0", "Order 1", "Order 2"]
    query = page.seen("#query")
    query.send_keys("Order 1", Keys.ENTER)
    page.wait(lambda: [one.text for one in page.shown(".session .whole")] == ["Order 1"])
    assert "q=Order" in page.driver.current_url
    query.clear()
    query.send_keys("from:soon", Keys.ENTER)
    page.wait(lambda: "soon" in page.text("#history-problem"))
    query.clear()
    query.send_keys(Keys.ENTER)
    page.wait(lambda: len(page.shown(".session")) == 3)
    page.click(".session .whole")
    page.wait(lambda: page.text("#call-name") == "Order 0")
    page.wait(lambda: page.painted("#timeline .uplot canvas") > 20)
    assert page.find("#spans [aria-pressed=true]")[0].text == "All"


def test_a_past_call_is_heard_where_it_was_kept(page: Page) -> None:
    page.log_in("#/history")
    page.click(".session .whole")
    page.wait(lambda: [one.text for one in page.shown("#sound label")] == ["agent", "customer"])
    for box in page.find("#sound input"):
        box.click()
    page.wait(lambda: page.run("return document.querySelector('audio').play().then(() => true)"))
    page.wait(lambda: page.seen("#timeline .hair.play"))
    page.run("document.querySelector('audio').pause()")
    timeline = page.seen("#timeline")
    ActionChains(page.driver).move_to_element(timeline).click().perform()
    heard = "return document.querySelector('audio').currentTime"
    page.wait(lambda: page.run(heard) == pytest.approx(20, abs=2))
