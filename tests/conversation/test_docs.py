from __future__ import annotations

import pytest

from emolive.conversation.definitions import DEFINITIONS, as_markdown
from tests.conftest import REPOSITORY


def test_the_documentation_has_the_definitions_as_they_are() -> None:
    path = REPOSITORY / "docs" / "calls.md"
    if not path.is_file():
        pytest.skip("no documentation beside the tests")
    text = path.read_text(encoding="utf-8")
    assert as_markdown() in text
    assert all(definition.text in text for definition in DEFINITIONS)
