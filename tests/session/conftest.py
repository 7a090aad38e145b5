from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from emolive.session.bundle import export_bundle
from emolive.session.library import Library
from tests.session.bundles import full


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path / "library"


@pytest.fixture
def library(folder: Path) -> Iterator[Library]:
    with Library.open(folder) as library:
        yield library


@pytest.fixture
def other(tmp_path: Path) -> Iterator[Library]:
    with Library.open(tmp_path / "other") as library:
        yield library


@pytest.fixture
def bundle(library: Library, tmp_path: Path) -> Path:
    path = tmp_path / "call.emolive.zip"
    export_bundle(library, full(library).id, path)
    return path
