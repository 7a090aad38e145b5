from __future__ import annotations

import base64
import html
import io
import json
import re
import shutil
import subprocess
from dataclasses import replace
from html.parser import HTMLParser
from pathlib import Path

import numpy as np
import pytest
import soundfile as sf
from hypothesis import given, settings

from emolive import i18n
from emolive.labels import label_name, swatch, swatches
from emolive.session.export.report import write_html
from emolive.session.export.report.sound import embed_sound
from emolive.session.export.tiers import TierKind, tiers
from emolive.session.records import Annotation, GapKind, gap_name
from emolive.session.timeline import StreamAudio, Timeline
from emolive.types import FloatArray
from tests.models import LABELS
from tests.session.export.reading import written
from tests.session.export.timelines import EMPTY, RATE, full, recording, timelines

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser")


class Page(HTMLParser):
    """What a page holds: its elements with their attributes, and its texts."""

    def __init__(self, path: Path) -> None:
        super().__init__()
        self.elements: list[tuple[str, dict[str, str | None]]] = []
        self.texts: list[str] = []
        self._open: list[str] = []
        self.feed(path.read_text(encoding="utf-8"))
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, dict(attrs)))
        self._open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        while self._open and self._open.pop() != tag:
            pass

    def handle_data(self, data: str) -> None:
        if self._open[-1:] not in (["script"], ["style"]):
            self.texts.append(data)

    def of_class(self, name: str) -> list[dict[str, str | None]]:
        return [a for _, a in self.elements if name in (a.get("class") or "").split()]


def tone(path: Path, seconds: float, rate: int, hz: float) -> FloatArray:
    samples = (0.4 * np.sin(2 * np.pi * hz * np.arange(round(seconds * rate)) / rate)).astype("f4")
    sf.write(path, samples, rate, subtype="PCM_24")
    return samples


def sound(path: Path) -> tuple[str, np.ndarray, int]:
    """Type, samples ``(n, channels)`` and rate of the sound in a page."""
    found = re.search(
        r'<script type="text/plain" id="sound" data-type="([^"]+)">([^<]*)', path.read_text()
    )
    assert found is not None
    samples, rate = sf.read(io.BytesIO(base64.b64decode(found[2])), always_2d=True)
    return found[1], samples, rate


@pytest.fixture
def call(tmp_path: Path) -> Timeline:
    tone(tmp_path / "1-agent.flac", 5.0, 8_000, 300)
    tone(tmp_path / "2-customer.flac", 5.0, 16_000, 1_000)
    return full(tmp_path)


def test_every_stretch_is_in_the_timeline(call: Timeline, tmp_path: Path) -> None:
    write_html(call, tmp_path / "a.html")
    spans = Page(tmp_path / "a.html").of_class("span")
    assert [(float(s["data-s"] or ""), float(s["data-e"] or ""), s["data-l"]) for s in spans] == [
        (
            round(span.start_sample / call.rate, 3),
            round(span.end_sample / call.rate, 3),
            gap_name(GapKind(span.text)) if tier.kind is TierKind.GAPS else label_name(span.text),
        )
        for tier in tiers(call)
        for span in tier.spans
    ]
    for span in spans:
        left, width = re.findall(r"([\d.]+)%", span["style"] or "")
        assert float(left) == pytest.approx(100 * float(span["data-s"] or "") / 5, abs=0.02)
        assert 0 < float(width) <= 100


def test_the_summary_and_what_people_wrote(call: Timeline, tmp_path: Path) -> None:
    write_html(call, tmp_path / "a.html")
    text = " ".join(" ".join(Page(tmp_path / "a.html").texts).split())
    for wanted in (
        "nice call", "turning point", "angry for 3 s", "billing", "Ärger", "anna", "very happy",
        'she said "no"', "People and the model", "2025-03-14",
    ):  # fmt: skip
        assert wanted in text
    # 27 997 of the customer's 80 000 samples.
    assert "happy 1.7 s 35 %" in text


# What people wrote and named, units, and words that are the same in both languages.
WRITTEN = {
    'Call "7" <á & b>', 'she said "no" and hung up', "laughs", "ben", "kappa",
    "Zoom", "emolive", "nice call", "billing", "anna", "turning point", "very happy",
    "name", "system", "Ärger", "angry for 3 s",
}  # fmt: skip


def texts(path: Path) -> set[str]:
    """What a page shows and tells."""
    page = Page(path)
    told = {attrs.get(name) for _, attrs in page.elements for name in ("title", "aria-label")}
    (script,) = (attrs["data-texts"] for tag, attrs in page.elements if tag == "body")
    found = {*page.texts, *(one for one in told if one), *json.loads(script or "").values()}
    found |= {span["data-l"] or "" for span in page.of_class("span")}
    found |= {track.get("data-name") or "" for track in page.of_class("track")}
    return {" ".join(one.split()) for one in found if re.search("[A-Za-z]{3}", one)}


@pytest.mark.parametrize("language", ["de", "es"])
def test_a_report_is_in_one_language(call: Timeline, tmp_path: Path, language: str) -> None:
    write_html(call, tmp_path / "en.html")
    i18n.use_language(language)
    write_html(call, tmp_path / "other.html")
    english, other = texts(tmp_path / "en.html"), texts(tmp_path / "other.html")
    assert len(english) > 40
    assert other & english - WRITTEN == set()
    content = (tmp_path / "other.html").read_text(encoding="utf-8")
    assert f'<html lang="{language}">' in content
    assert "1,7 s" in content
    assert "35\u00a0%" in content
    assert "0,5×" in content
    assert "2025-03-14" not in content


def test_nothing_is_loaded_from_anywhere(call: Timeline, tmp_path: Path) -> None:
    write_html(call, tmp_path / "a.html")
    page = Page(tmp_path / "a.html")
    for _, attributes in page.elements:
        assert not {"src", "href", "srcset", "action"} & set(attributes)
    content = (tmp_path / "a.html").read_text(encoding="utf-8")
    assert "http:" not in content
    assert "https:" not in content
    assert "url(" not in content
    (policy,) = (
        a["content"] for t, a in page.elements if a.get("http-equiv") == "Content-Security-Policy"
    )
    assert (policy or "").startswith("default-src 'none'")


def test_colours_are_the_palettes_in_light_and_dark(tmp_path: Path) -> None:
    write_html(EMPTY, tmp_path / "a.html")
    content = (tmp_path / "a.html").read_text(encoding="utf-8")
    light, dark = content.split("@media (prefers-color-scheme:dark)", 1)
    for number, colours in enumerate(swatches(LABELS)):
        assert f"--c{number}:{colours.light}" in light
        assert f"--c{number}:{colours.dark}" in dark


def test_a_label_of_a_persons_own_has_its_own_colour(tmp_path: Path) -> None:
    mark = Annotation("one", 0, RATE, "hesitant", "", None)
    write_html(replace(EMPTY, duration_s=2.0, annotations=(mark,)), tmp_path / "a.html")
    own = f"k{len(LABELS)}"
    assert f"--c{len(LABELS)}:{swatch('hesitant').light}" in (tmp_path / "a.html").read_text(
        "utf-8"
    )
    assert len(Page(tmp_path / "a.html").of_class(own)) == 3, "legend, row and list"


def test_one_stream_is_heard_as_it_is(tmp_path: Path) -> None:
    wanted = tone(tmp_path / "talk.wav", 2.0, 16_000, 440)
    write_html(recording(tmp_path / "talk.wav"), tmp_path / "a.html")
    kind, samples, rate = sound(tmp_path / "a.html")
    assert (kind, rate, samples.shape) == ("audio/flac", 16_000, (32_000, 1))
    np.testing.assert_allclose(samples[:, 0], wanted, atol=1.1 / 32_768)


def test_two_streams_are_left_and_right(call: Timeline, tmp_path: Path) -> None:
    write_html(call, tmp_path / "a.html")
    kind, samples, rate = sound(tmp_path / "a.html")
    assert (kind, rate) == ("audio/flac", 16_000)
    assert samples.shape == (80_000, 2)
    strongest = np.abs(np.fft.rfft(samples[8_000:72_000], axis=0)).argmax(axis=0) * rate / 64_000
    assert strongest == pytest.approx([300, 1_000], abs=1)


def test_a_channel_of_a_file_and_rates_above_speech(tmp_path: Path) -> None:
    one = tone(tmp_path / "x.wav", 1.0, 44_100, 500)
    sf.write(tmp_path / "both.wav", np.stack((0 * one, one), axis=1), 44_100)
    talk = recording(tmp_path / "both.wav")
    right = replace(talk.streams[0], audio=StreamAudio(tmp_path / "both.wav", 1))
    write_html(replace(talk, streams=(right,)), tmp_path / "a.html")
    _, samples, rate = sound(tmp_path / "a.html")
    assert rate == 24_000
    assert len(samples) == 24_000
    assert np.abs(samples[2_000:-2_000]).max() == pytest.approx(0.4, abs=0.01)


@pytest.mark.parametrize("subtype", ["GSM610", "MS_ADPCM"])
def test_sound_that_cannot_be_sought_in(tmp_path: Path, subtype: str) -> None:
    tone(tmp_path / "1-mono.flac", 3.0, 8_000, 440)
    said, _ = sf.read(tmp_path / "1-mono.flac")
    sf.write(tmp_path / "a.wav", said, 8_000, subtype=subtype)
    one = recording(tmp_path)
    stream = replace(one.streams[0], audio=StreamAudio(tmp_path / "a.wav"))
    write_html(replace(one, streams=(stream,)), tmp_path / "a.html")
    _, samples, rate = sound(tmp_path / "a.html")
    assert len(samples) / rate == pytest.approx(3.0, abs=0.07)  # whole blocks
    assert np.sqrt(np.mean(np.square(samples))) == pytest.approx(0.4 / 2**0.5, rel=0.1)


def test_long_sound_is_vorbis_and_stays_in_time(tmp_path: Path) -> None:
    seconds = 601
    silence = np.zeros(seconds * 8_000, np.float32)
    silence[600 * 8_000 : 600 * 8_000 + 800] = 0.5
    sf.write(tmp_path / "long.flac", silence, 8_000)
    talk = replace(recording(tmp_path / "long.flac"), duration_s=float(seconds))
    write_html(talk, tmp_path / "a.html")
    kind, samples, rate = sound(tmp_path / "a.html")
    assert kind == "audio/ogg; codecs=vorbis"
    loud = np.flatnonzero(np.abs(samples[:, 0]) > 0.1) / rate
    assert loud[0] == pytest.approx(600.0, abs=0.01)
    assert len(samples) / rate == pytest.approx(seconds, abs=0.01)


def test_sound_that_is_too_large_is_linked(tmp_path: Path) -> None:
    tone(tmp_path / "my talk.wav", 2.0, 16_000, 440)
    found = embed_sound(recording(tmp_path / "my talk.wav"), tmp_path, max_bytes=2_000)
    assert (found.base64, found.link) == ("", "my%20talk.wav")
    elsewhere = embed_sound(recording(tmp_path / "my talk.wav"), tmp_path / "b", max_bytes=2_000)
    assert elsewhere.link == (tmp_path / "my talk.wav").as_uri()


def test_without_sound_the_page_says_so(tmp_path: Path) -> None:
    write_html(recording(tmp_path / "gone.wav"), tmp_path / "a.html")
    assert "The sound could not be read" in (tmp_path / "a.html").read_text()
    write_html(EMPTY, tmp_path / "b.html")
    assert "No sound was kept." in (tmp_path / "b.html").read_text()


def test_what_people_type_stays_text(tmp_path: Path) -> None:
    nasty = "</script><script>alert(1)</script>\"'><img src=x onerror=alert(1)>"
    evil = replace(
        full(), title=nasty, source=nasty, tags=(nasty,), model=nasty,
        annotations=tuple(
            replace(a, label=nasty, comment=nasty, annotator=nasty) for a in full().annotations
        ),
        notes=tuple(replace(n, text=nasty) for n in full().notes),
        alerts=tuple(replace(a, message=nasty, severity=nasty) for a in full().alerts),
    )  # fmt: skip
    write_html(evil, tmp_path / "a.html")
    page = Page(tmp_path / "a.html")
    assert "img" not in {tag for tag, _ in page.elements}
    assert len([tag for tag, _ in page.elements if tag == "script"]) == 1
    assert not [a for _, a in page.elements if any(name.startswith("on") for name in a)]


@settings(max_examples=30)
@given(timelines())
def test_any_timeline_is_a_page_with_all_its_stretches(timeline: Timeline) -> None:
    with written(write_html, timeline, "a.html") as path:
        page = Page(path)
    assert len(page.of_class("span")) == sum(len(tier.spans) for tier in tiers(timeline))
    assert len([tag for tag, _ in page.elements if tag == "script"]) == 1


# Lets the test look at the player that the page makes.
SPY = """<script>
const Real = window.Audio;
window.Audio = function () { window.sound = new Real(); return window.sound; };
</script></head>"""
SCRIPT = """<script>
const wait = (ms) => new Promise((done) => setTimeout(done, ms));
const told = [];
const shown = () => document.getElementById("now").textContent;
(async () => {
  await new Promise((done) => {
    if (sound.readyState > 0) done();
    else sound.addEventListener("loadedmetadata", done);
  });
  told.push(["length", sound.duration]);
  const over = document.getElementById("over"), box = over.getBoundingClientRect();
  const at = (share) => (
    { clientX: box.left + box.width * share, clientY: box.top + 5, bubbles: true });
  over.dispatchEvent(new PointerEvent("pointermove", at(0.6)));
  told.push(["tip", document.getElementById("tip").textContent]);
  over.dispatchEvent(new MouseEvent("click", at(0.62)));
  await wait(300);
  told.push(["clicked", shown()]);
  told.push(["sought", sound.currentTime]);
  told.push(["cursor", document.getElementById("cursor").style.left]);
  told.push(["heard", document.getElementById("heard").textContent]);
  [...document.querySelectorAll(".jump")].find((b) => b.dataset.l === "sad").click();
  await wait(300);
  told.push(["sad", shown()]);
  document.querySelector(".notes .seek").click();
  await wait(300);
  told.push(["note", shown()]);
  const before = over.clientWidth, zoom = document.querySelector(".zoom input");
  zoom.value = 2;
  zoom.dispatchEvent(new Event("input"));
  told.push(["zoom", String(Math.round(over.clientWidth / before))]);
  document.getElementById("play").click();
  await new Promise((done) => sound.addEventListener("playing", done));
  told.push(["playing", document.body.className]);
  document.body.dataset.told = JSON.stringify(told);
})();
</script></body>"""


@pytest.mark.skipif(CHROMIUM is None, reason="needs Chromium to run the page")
def test_the_page_works_in_a_browser(call: Timeline, tmp_path: Path) -> None:
    write_html(call, tmp_path / "a.html")
    content = (tmp_path / "a.html").read_text(encoding="utf-8")
    (tmp_path / "b.html").write_text(
        content.replace("</head>", SPY).replace("</body>", SCRIPT), encoding="utf-8"
    )
    done = subprocess.run(
        [str(CHROMIUM), "--headless", "--no-sandbox", "--disable-gpu", "--window-size=1200,900",
         "--autoplay-policy=no-user-gesture-required", "--virtual-time-budget=8000",
         f"--user-data-dir={tmp_path / 'profile'}", "--dump-dom",
         (tmp_path / "b.html").as_uri()],
        capture_output=True, text=True, timeout=240, check=True,
    )  # fmt: skip
    found = re.search(r'data-told="([^"]*)"', done.stdout)
    assert found is not None, done.stderr[-2000:]
    told = dict(json.loads(html.unescape(found[1])))
    assert told["length"] == pytest.approx(5.0, abs=0.001)
    assert told["tip"].startswith("0:03")
    assert "angry 72\u00a0%" in told["tip"]
    assert told["clicked"] == "0:03"
    assert told["sought"] == pytest.approx(3.1, abs=0.02)
    assert float(told["cursor"].rstrip("%")) == pytest.approx(62, abs=0.2)
    assert told["heard"] == "silenceangry 72\u00a0%"
    assert told["sad"] == "0:04"
    assert told["note"] == "0:02"
    assert told["zoom"] == "4"
    assert told["playing"] == "playing"
