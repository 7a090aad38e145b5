"""Renders the wall in the browser: ``python -m tests.server.web.shots FOLDER``."""

from __future__ import annotations

import base64
import os
import sys
import tempfile
import time
from contextlib import closing
from pathlib import Path

os.environ.setdefault("QT_QPA_PLATFORM", "offscreen")

import numpy as np
import soundfile
from selenium.webdriver.common.by import By
from selenium.webdriver.common.keys import Keys

from emolive.inference.bundled import BUNDLED
from emolive.inference.classifier import OnnxClassifier
from emolive.resources import DEMO_AUDIO, asset
from tests.conversation.calls import RATE
from tests.server.web.browser import browser, missing, prefer, resize
from tests.server.web.recorded import Recording, record
from tests.server.web.recorded_host import TOKEN, wall

NAMES = (
    "Line 3 · Meyer", "Line 1 · Okafor", "auto_repairs_40", "Line 7 · Lindqvist",
    "Support, second level", "Line 2 · Castellanos", "Line 5 · Nguyen", "returns_0093",
    "Line 9 · O’Brien",
)  # fmt: skip
_LENGTH_S, _CUSTOMER_S, _AGENT_S = 150, 11.0, 4.0
# So that a frame, and the newest second, is there.
SETTLED_S = 2.5


def conversations(folder: Path) -> list[Recording]:
    """The demo clip, begun at different places: mostly the customer speaks."""
    speech, _ = soundfile.read(asset(DEMO_AUDIO), dtype="float32")
    parts = [round(RATE * s) for s in (_CUSTOMER_S, _AGENT_S)]
    found = []
    fast = next(model.path for model in BUNDLED if model.name == "fast")
    with closing(OnnxClassifier(fast, "cpu", 1)) as classifier:
        for begin_s in (0, 7, 14, 21, 28):
            clip = np.resize(np.roll(speech, -begin_s * RATE), _LENGTH_S * RATE)
            agent = np.arange(len(clip)) % sum(parts) >= parts[0]
            audio = np.stack([clip * agent, clip * ~agent], axis=1)
            found.append(record(audio.astype(np.float32), classifier, folder))
    return found


def main(folder: Path) -> None:
    """Draw all pictures."""
    folder.mkdir(parents=True, exist_ok=True)
    with (
        tempfile.TemporaryDirectory() as scratch,
        browser() as driver,
    ):
        recordings = conversations(Path(scratch))
        with wall(Path(scratch) / "library", recordings[0].model) as server:

            def save(name: str, width: int, height: int) -> None:
                resize(driver, width, height)
                for scheme in ("light", "dark"):
                    prefer(driver, prefers_color_scheme=scheme)
                    time.sleep(SETTLED_S)
                    picture = base64.b64decode(driver.get_screenshot_as_base64())
                    (folder / f"{name}-{scheme}-{width}.png").write_bytes(picture)

            calls = [
                server.add(
                    recordings[i % len(recordings)], name, 40 + 11 * (i % 7), recorded=i % 4 == 0
                )
                for i, name in enumerate(NAMES)
            ]
            address = f"http://127.0.0.1:{server.port}/"
            driver.get(address)
            time.sleep(SETTLED_S)
            driver.find_element(By.ID, "token").send_keys(TOKEN, Keys.ENTER)
            time.sleep(SETTLED_S)
            server.end(calls[7])
            # Somebody has seen to some of them.
            for call in calls[3:]:
                script = "document.querySelector(`[data-call='${arguments[0]}'] .seen`).click()"
                driver.execute_script(script, call)
            driver.execute_script("document.activeElement.blur()")
            save("browser_wall", 1280, 800)
            save("browser_wall", 360, 740)
            driver.get(f"{address}#/calls/{calls[0]}")
            save("browser_call", 1280, 800)
            save("browser_call", 360, 740)


if __name__ == "__main__":
    if reason := missing():
        sys.exit(reason)
    main(Path(sys.argv[1]))
