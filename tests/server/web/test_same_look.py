"""The page looks as the app does."""

from __future__ import annotations

import re
from dataclasses import fields
from pathlib import Path

from emolive.resources import ICON, asset
from emolive.server.app import WEB
from emolive.ui.theme import DARK, LIGHT


def test_the_colours_are_the_apps() -> None:
    text = (WEB / "theme.css").read_text(encoding="utf-8")
    found = dict(re.findall(r"--([a-z-]+): light-dark\((#\w{6}, #\w{6})\)", text))
    wanted = {
        field.name.replace("_", "-"): f"{getattr(LIGHT, field.name)}, {getattr(DARK, field.name)}"
        for field in fields(LIGHT)
        if str(getattr(LIGHT, field.name)).startswith("#")
    }
    assert found == wanted


def test_the_icon_is_the_apps() -> None:
    assert (WEB / "icon.svg").read_bytes() == asset(ICON).read_bytes()


def test_nothing_comes_from_elsewhere() -> None:
    for path in WEB.rglob("*"):
        if path.suffix in {".html", ".css", ".js"} and "vendor" not in path.parts:
            text = path.read_text(encoding="utf-8").replace("http://www.w3.org/2000/svg", "")
            assert "//" not in re.sub(r"(?m)(^|\s)//.*$", "", text), path.name


def test_the_plots_library_has_its_licence() -> None:
    folder: Path = WEB / "vendor"
    assert "MIT" in (folder / "uPlot.LICENSE.txt").read_text(encoding="utf-8")
    assert (folder / "uPlot.iife.min.js").is_file()
