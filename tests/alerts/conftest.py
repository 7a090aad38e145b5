from __future__ import annotations

import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from emolive.alerts.outbox import Outbox
from emolive.session.library import Library
from tests.alerts.server import WebhookServer


@pytest.fixture(autouse=True)
def no_thread_is_left() -> Iterator[None]:
    """Fails a test whose threads outlive it."""
    yield
    left = [thread for thread in threading.enumerate() if thread.name.startswith("emolive")]
    for thread in left:
        thread.join(5)
    assert not any(thread.is_alive() for thread in left), left


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
