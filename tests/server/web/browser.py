"""A real headless Chromium, driven by selenium; nothing is downloaded."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from contextlib import contextmanager

from selenium.webdriver import Chrome, ChromeOptions, ChromeService


def missing() -> str | None:
    """Why there is no browser here, or None."""
    for program in ("chromium", "chromedriver"):
        if shutil.which(program) is None:
            return f"no {program}: install Debian's chromium and chromium-driver"
    return None


@contextmanager
def browser(
    width: int = 1280, height: int = 800, scale: float = 1.0, *arguments: str
) -> Iterator[Chrome]:
    """A window of this many CSS pixels."""
    options = ChromeOptions()
    options.binary_location = shutil.which("chromium") or ""
    for argument in (
        "--headless=new", "--no-sandbox", "--disable-dev-shm-usage", "--disable-gpu",
        "--no-first-run", "--disable-background-networking", "--disable-component-update",
        f"--force-device-scale-factor={scale}", f"--window-size={width},{height}", *arguments,
    ):  # fmt: skip
        options.add_argument(argument)
    options.set_capability("goog:loggingPrefs", {"browser": "ALL"})
    driver = Chrome(options, ChromeService(shutil.which("chromedriver")))
    try:
        resize(driver, width, height)
        yield driver
    finally:
        driver.quit()


def resize(driver: Chrome, width: int, height: int, scale: float = 0) -> None:
    """Give the page this size, whatever a window's frame takes."""
    driver.execute_cdp_cmd(
        "Emulation.setDeviceMetricsOverride",
        {"width": width, "height": height, "deviceScaleFactor": scale, "mobile": False},
    )


def prefer(driver: Chrome, **features: str) -> None:
    """What the system prefers, as ``prefers_color_scheme="dark"``."""
    named = [{"name": k.replace("_", "-"), "value": v} for k, v in features.items()]
    driver.execute_cdp_cmd("Emulation.setEmulatedMedia", {"features": named})


def speak(driver: Chrome, language: str) -> None:
    """Which languages the browser asks for, as an ``Accept-Language`` header."""
    driver.execute_cdp_cmd("Network.enable", {})
    headers = {"headers": {"Accept-Language": language}}
    driver.execute_cdp_cmd("Network.setExtraHTTPHeaders", headers)
