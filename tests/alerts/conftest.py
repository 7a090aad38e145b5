from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from emolive.alerts.outbox import Outbox
from emolive.session.library import Library
from tests.alerts.server import WebhookServer


@pytest.fixture
def server() -> Iterator[WebhookServer]:
    with WebhookServer() as server:
        yield server


@pytest.fixture
def library(tmp_path: Path) -> Path:
    """The folder of an empty library."""
    folder = tmp_path / "library"
    Library.open(folder).close()
    return folder


@pytest.fixture
def outbox(library: Path) -> Iterator[Outbox]:
    outbox = Outbox.open(library)
    yield outbox
    outbox.close()
