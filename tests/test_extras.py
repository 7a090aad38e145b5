"""What is not installed: the sentence says what the one who reads it can do."""

from __future__ import annotations

import ast
import re
import sys

import pytest

from emolive.extras import way_to_get, way_to_mend
from tests.catalogues import SOURCE, nodes


def test_the_bundle_does_not_send_people_to_a_pip_they_do_not_have(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    assert way_to_get("server") == "run `pip install 'emolive[server]'`"
    assert way_to_mend("sounddevice") == "run `pip install --force-reinstall sounddevice`"
    monkeypatch.setattr(sys, "frozen", True, raising=False)
    way = way_to_get("server")
    assert way.startswith("the ready-made program comes without it, emolive installed with Python")
    assert way.endswith("`pip install 'emolive[server]'`")
    assert "pip" not in way_to_mend("sounddevice")


def test_every_extra_is_got_in_one_way() -> None:
    wrong = []
    for path in SOURCE.rglob("*.py"):
        # The app's own words stand for those of the one way, which they name.
        if path.name in ("extras.py", "in_app.py") or "pip" not in path.read_text("utf-8"):
            continue
        for node in nodes(path):
            if isinstance(node, ast.Constant) and isinstance(node.value, str):
                found = re.search(r"pip install", node.value)
                wrong += [f"{path.relative_to(SOURCE)}:{node.lineno}"] if found else []
    assert wrong == []
