from __future__ import annotations

import pytest

from emolive.conversation.definitions import DEFINITIONS
from tests.conftest import REPOSITORY


def test_the_documentation_has_the_definitions_as_they_are() -> None:
    path = REPOSITORY / "docs" / "calls.md"
    if not path.is_file():
        pytest.skip("no documentation beside the tests")
    text = path.read_text(encoding="utf-8")
    rows = ["| number | unit | meaning | source |", "|---|---|---|---|"]
    rows += [f"| {d.name} | {d.unit} | {d.text} | {d.source} |" for d in DEFINITIONS]
    assert "\n".join(rows) in text
    assert all(definition.text in text for definition in DEFINITIONS)
