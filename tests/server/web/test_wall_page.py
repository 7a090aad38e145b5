"""The wall of calls: who may see it, what it shows, and in which order."""

from __future__ import annotations

from selenium.webdriver.common.keys import Keys

from emolive.server.tokens import Scope
from tests.server.web.browser import resize
from tests.server.web.conftest import Page
from tests.server.web.recorded import Recording
from tests.server.web.recorded_host import Wall

ORDER = "return [...document.querySelectorAll('.tile .name')].map(e => e.textContent)"


def seconds(text: str) -> int:
    minutes, rest = text.split(":")
    return 60 * int(minutes) + int(rest)


def test_only_the_right_token_opens_it(page: Page) -> None:
    page.open()
    field = page.wait(lambda: page.seen("#token"))
    assert page.focus() == "Token"
    field.send_keys("wrong", Keys.ENTER)
    page.wait(lambda: "token" in page.text("#log-in-problem").lower())
    assert field.get_attribute("aria-invalid") == "true"
    assert not page.shown("#wall"), "nothing is to be seen before"
    field.send_keys(page.token, Keys.ENTER)
    page.wait(lambda: page.seen("#empty"))
    assert "No call is running" in page.text("#empty")
    cookie = page.driver.get_cookie("emolive_session")
    assert cookie is not None
    assert cookie["httpOnly"], "scripts must not see it"
    kept = page.run("return JSON.stringify([{...localStorage}, {...sessionStorage}])")
    assert page.token not in kept
    page.driver.refresh()
    page.wait_live()
    page.click("#leave")
    page.wait(lambda: page.seen("#token"))
    page.driver.refresh()
    page.wait(lambda: page.seen("#token"))


def test_a_revoked_token_ends_it_at_once(page: Page, server: Wall) -> None:
    secret = server.file.add("desk", frozenset({Scope.WATCH}))
    page.log_in(token=secret)
    server.file.revoke("desk")
    page.wait(lambda: "logged out" in page.text("#log-in-problem"))


def test_a_call_comes_goes_on_and_ends(
    page: Page, server: Wall, recordings: tuple[Recording, ...]
) -> None:
    page.log_in()
    call = server.add(recordings[0], "Line 3 · <b>Meyer</b>", 30, recorded=True)
    page.wait(lambda: page.text(".tile .name") == "Line 3 · <b>Meyer</b>")
    page.seen(".tile .recorded")
    first = page.wait(lambda: seconds(page.text(".tile .time")))
    page.wait(lambda: seconds(page.text(".tile .time")) >= first + 2)
    page.wait(lambda: page.painted(".tile canvas") > 3)
    assert [one.text for one in page.find(".tile .party")] == ["A", "C"]
    page.wait(lambda: page.shown(".tile .party.lit"), 60)
    known = {"silence", "uncertain", *recordings[0].model.labels}
    assert page.text(".tile .word") in known
    page.wait(lambda: "1 call running" in page.text("#sum"))
    server.end(call)
    page.wait(lambda: page.text(".tile .word") == "ended")
    assert not page.shown(".tile .recorded")
    page.click("#clear")
    page.wait(lambda: page.seen("#empty"))


def test_who_opens_it_late_sees_the_last_minutes(
    page: Page, server: Wall, recordings: tuple[Recording, ...]
) -> None:
    for i in range(3):
        server.add(recordings[i % 2], f"Line {i}", 80)
    page.log_in()
    page.wait(lambda: len(page.shown(".tile")) == 3)
    page.wait(lambda: page.painted(".tile canvas") > 3)


def test_the_urgent_ones_come_first_until_somebody_has_seen_to_them(
    page: Page, server: Wall, recordings: tuple[Recording, ...]
) -> None:
    page.log_in()
    quiet = server.add(recordings[0], "Quiet", 2)
    urgent = server.add(recordings[0], "Urgent", 70)
    page.wait(lambda: page.run(ORDER) == ["Urgent", "Quiet"], 60)
    tile = f".tile[data-call='{urgent}']"
    page.wait(lambda: page.attribute(tile, "data-severity"))
    assert "wait" in page.text("#sum")
    assert page.driver.title.startswith("(")
    page.click(f"{tile} .seen")
    page.wait(lambda: page.attribute(tile, "data-severity") is None)
    assert server.board is not None
    call = server.board.call(urgent)
    assert call is not None
    page.wait(lambda: all(alert["acknowledged"] for alert in call.info()["alerts"]))
    assert page.attribute(f".tile[data-call='{quiet}']", "data-severity") is None


def test_a_hundred_calls_are_all_shown_and_go_on(
    page: Page, server: Wall, recordings: tuple[Recording, ...]
) -> None:
    for i in range(100):
        server.add(recordings[i % 2], f"Line {i}", 20 + i % 60)
    page.log_in()
    page.wait(lambda: len(page.find(".tile")) == 100)
    page.wait(lambda: "100 calls running" in page.text("#sum"))
    times = "return [...document.querySelectorAll('.tile .time')].map(e => e.textContent)"
    before = sorted(page.run(times))
    page.wait(lambda: sorted(page.run(times)) != before)
    assert len(set(page.run(ORDER))) == 100
    page.keys("/")
    page.keys("Line 77")
    page.wait(lambda: [one.text for one in page.shown(".tile .name")] == ["Line 77"])


def test_as_a_list_and_again_after_a_reload(
    page: Page, server: Wall, recordings: tuple[Recording, ...]
) -> None:
    server.add(recordings[0], "Line 1", 40)
    page.log_in()
    page.click("#as-list")
    assert page.wait(lambda: page.seen(".tile")).size["height"] < 80
    page.driver.refresh()
    page.wait(lambda: page.seen(".rows .tile"))
    page.click("#as-cards")


def test_a_lost_connection_is_told_and_comes_back(
    page: Page, server: Wall, recordings: tuple[Recording, ...]
) -> None:
    server.add(recordings[0], "Before", 40)
    page.log_in()
    page.wait(lambda: page.text(".tile .name") == "Before")
    server.restart(lambda: page.wait(lambda: "lost" in page.text("#lost")))
    assert page.text(".tile .name") == "Before", "what was known stays to be seen"
    page.wait_live()
    page.wait(lambda: not page.shown("#lost"))
    page.wait(lambda: page.seen("#empty"))
    server.add(recordings[0], "After", 10)
    page.wait(lambda: page.text(".tile .name") == "After")


def test_on_a_narrow_screen_nothing_is_cut_off(
    page: Page, server: Wall, recordings: tuple[Recording, ...]
) -> None:
    resize(page.driver, 360, 740)
    page.open()
    cut = (
        "const wide = document.documentElement.clientWidth;"
        "return [...document.querySelectorAll('body *')].filter(e => e.checkVisibility() && "
        "!e.closest('.unseen, .skip, .tip, details') && e.getBoundingClientRect().right > wide + 1)"
        ".map(e => e.outerHTML.slice(0, 120))"
    )
    page.wait(lambda: page.seen("#token"))
    assert page.run(cut) == []
    call = server.add(recordings[0], "A call with a name that is much too long for it", 70)
    page.log_in()
    for place, there in (
        ("#/", ".tile"),
        (f"#/calls/{call}", "#timeline canvas"),
        ("#/history", ".session"),
    ):
        page.open(place)
        page.wait(lambda there=there: page.seen(there))
        assert page.run(cut) == [], place
    page.open("#/")
    page.click("#as-list")
    assert page.run(cut) == []
    page.click("#as-cards")
