"""The wall speaks the language of the browser, from the catalogues of the app."""

from __future__ import annotations

import re

import pytest
from selenium.webdriver.common.keys import Keys

from emolive.i18n import languages
from emolive.server.app import WEB
from emolive.server.page_facts import wall_texts
from emolive.types import Prediction, SpeechState
from tests.catalogues import texts_of_page
from tests.server.web.browser import speak
from tests.server.web.conftest import Page
from tests.server.web.recorded import Recording
from tests.server.web.recorded_host import Wall


@pytest.mark.parametrize(
    ("accepted", "language"),
    [
        ("de", "de"),
        ("de-AT,de;q=0.9,en;q=0.8", "de"),
        ("fi,es-MX;q=0.7,de;q=0.4", "es"),
        ("en;q=0.5,es;q=0.9", "es"),
        ("es;q=0,en", "en"),
        ("", "en"),
        ("*", "en"),
        (",;;q=x,=" + "x" * 10_000, "en"),
        ("../../secret", "en"),
    ],
)
def test_the_language_is_the_browsers(accepted: str, language: str) -> None:
    assert wall_texts(accepted)["language"] == language


@pytest.mark.parametrize("language", [code for code in languages() if code != "en"])
def test_every_text_of_the_page_is_there(language: str) -> None:
    found = wall_texts(language)
    for path in WEB.glob("*.*"):
        for text in texts_of_page(path):
            if isinstance(text, str):
                assert found["texts"][text], (path.name, text)
            else:
                assert all(found["plurals"][text[0]]), (path.name, text)


def test_a_page_speaks_german_from_log_in_to_history(
    page: Page, server: Wall, recordings: tuple[Recording, ...]
) -> None:
    speak(page.driver, "de-DE,de;q=0.9")
    page.open()
    page.wait(lambda: page.seen("#token"))
    assert page.driver.execute_script("return document.documentElement.lang") == "de"
    assert page.seen("#log-in h1").text == "Anmelden"
    page.log_in()
    call = server.add(recordings[0], "Line 3", 75, recorded=True)
    page.wait(lambda: page.shown(".tile .word"))
    assert page.seen("#wall-title").text == "Gespräche"
    page.wait(lambda: re.search(r"1 Gespräch läuft · .*höchstens \d,\d s", page.seen("#sum").text))
    page.open(f"#/calls/{call}")
    page.wait(lambda: len(page.shown("#timeline .uplot")) >= 2)
    page.wait(lambda: "wütend" in page.seen("#legend").text)
    assert "Alarme" in page.seen("#alerts-title").text
    page.click("#explain")
    assert page.seen("#meanings-title").text == "Was die Zahlen bedeuten"
    page.keys(Keys.ESCAPE)
    page.open("#/history")
    page.wait(lambda: page.seen("#history-title").text == "Verlauf")
    said = page.driver.execute_script("return document.body.innerText")
    for english in ("Search", "Log out", "Calls", "History", "Acknowledge", "being recorded"):
        assert not re.search(rf"\b{english}\b", said), english


WATCH_REASONS = """
window.reasons = new Set();
const line = document.querySelector("#call-why");
new MutationObserver(() => window.reasons.add(line.textContent)).observe(line, { childList: true });
"""


@pytest.mark.parametrize(
    ("language", "why", "alert"),
    [
        ("de", r"Unsicher: .*\d\xa0%.*\.", r"Dead air: seit \d+,\d s spricht niemand\."),
        ("es", r"Incierto: .*\d\xa0%.*\.", r"Dead air: nadie habla desde hace \d+,\d s\."),
        ("en", r"Uncertain: .*\d\xa0%.*\.", r"Dead air: nobody has spoken for \d+\.\d s\."),
    ],
)
def test_why_an_answer_is_uncertain_and_what_an_alert_says_are_in_it(
    page: Page,
    server: Wall,
    recordings: tuple[Recording, ...],
    language: str,
    why: str,
    alert: str,
) -> None:
    recording = recordings[0]
    begins = next(
        at_s
        for at_s, event in recording.told
        if isinstance(event, Prediction)
        and event.stream == "customer"
        and event.state is SpeechState.UNCERTAIN
    )
    page.log_in(f"?language={language}")
    call = server.add(recording, "Line 3", begins - 5)
    page.open(f"?language={language}#/calls/{call}")
    page.run(WATCH_REASONS)

    def reasons() -> str:
        return "\n".join(page.run("return [...window.reasons]"))

    page.wait(lambda: re.search(why, reasons()), 60)
    call = server.add(recording, "Line 4", 100)
    page.open(f"?language={language}#/calls/{call}")
    page.wait(lambda: page.shown("#alerts .rule"), 60)
    said = [one.get_attribute("title") for one in page.find("#alerts .rule")]
    assert any(re.fullmatch(alert, one) for one in said), said
