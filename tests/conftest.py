"""Shared fixtures: where the corpora are, real speech, tiny models."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

REPOSITORY = Path(__file__).resolve().parent.parent


@pytest.fixture(scope="session")
def corpora() -> Path:
    """The folder of speech corpora, or a visible skip."""
    folder = Path(os.environ.get("EMOLIVE_CORPORA", REPOSITORY.parent / "shared" / "data"))
    if not folder.is_dir():
        pytest.skip("no corpora: set EMOLIVE_CORPORA to their folder")
    return folder
