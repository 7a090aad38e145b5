"""A real server on a thread, and clients of it, for tests."""

from __future__ import annotations

import contextlib
import json
import threading
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import httpx
import numpy as np
import soundfile
import soxr
from websockets.sync.client import ClientConnection, connect

from emolive.resources import DEMO_AUDIO, asset
from emolive.server.serving import EmoliveServer
from emolive.server.settings import ServerSettings
from emolive.types import FloatArray
from tests import models
from tests.waiting import PATIENCE_S, until

TOKEN = "a-token-for-all-of-the-tests"


class Running:
    """A server that runs."""

    def __init__(self, server: EmoliveServer, token: str) -> None:
        self.server = server
        self.token = token
        self.http = httpx.Client(
            base_url=server.url,
            headers={"Authorization": f"Bearer {token}"},
            verify=False,
            timeout=PATIENCE_S,
        )

    @property
    def ws(self) -> str:
        """Its address for WebSockets."""
        return self.server.url.replace("http", "ws")

    def get(self, path: str) -> Any:
        """What a GET brings, which has to be right."""
        answer = self.http.get(path)
        assert answer.status_code == 200, answer.text
        return answer.json()

    def calls(self) -> list[dict[str, Any]]:
        """The calls as REST has them."""
        found: list[dict[str, Any]] = self.get("/v1/calls")["calls"]
        return found

    def call(self, call_id: str) -> dict[str, Any]:
        """One of them."""
        found: dict[str, Any] = self.get(f"/v1/calls/{call_id}")
        return found

    def connect(self, path: str, **more: Any) -> ClientConnection:
        """A WebSocket with the token."""
        headers = {"Authorization": f"Bearer {self.token}"} | more.pop("headers", {})
        opened: ClientConnection = connect(
            self.ws + path,
            additional_headers=headers,
            open_timeout=PATIENCE_S,
            max_size=None,
            **more,
        )
        return opened

    @contextlib.contextmanager
    def watching(self, path: str = "/v1/watch") -> Iterator[Watch]:
        """Somebody watches meanwhile."""
        with self.connect(path) as socket:
            watch = Watch(socket)
            try:
                yield watch
            finally:
                watch.close()


class Watch:
    """What a watcher has been told, gathered by a thread."""

    def __init__(self, socket: ClientConnection) -> None:
        self.messages: list[dict[str, Any]] = []
        self._socket = socket
        self._thread = threading.Thread(target=self._listen, name="test watcher")
        self._thread.start()

    def of(self, kind: str, **fields: Any) -> list[dict[str, Any]]:
        """Messages of this type that have these fields."""
        return [
            one
            for one in list(self.messages)
            if one["type"] == kind and all(one.get(k) == v for k, v in fields.items())
        ]

    def until(self, kind: str, **fields: Any) -> dict[str, Any]:
        """Wait for such a message."""
        found: dict[str, Any] = until(lambda: self.of(kind, **fields))[-1]
        return found

    def close(self) -> None:
        """Watch no more."""
        self._socket.close()
        self._thread.join()

    def _listen(self) -> None:
        for message in self._socket:
            self.messages.append(json.loads(message))


@contextlib.contextmanager
def serving(settings: ServerSettings, told: list[str] | None = None) -> Iterator[Running]:
    """A server with these settings, on any port; it is ended in good order."""
    settings = replace(settings, port=0, token=settings.token or TOKEN)
    server = EmoliveServer(settings, (told if told is not None else []).append)
    thread = threading.Thread(target=server.run, name="test server")
    thread.start()
    try:
        assert server.started.wait(PATIENCE_S)
        assert settings.token is not None
        running = Running(server, settings.token)
        with running.http:
            yield running
    finally:
        server.stop()
        thread.join(PATIENCE_S)
        assert not thread.is_alive()


def tiny(folder: Path) -> Path:
    """A model that answers in microseconds and hears the last label in everything."""
    bias = np.zeros(len(models.LABELS), np.float32)
    bias[-1] = 5.0
    path = folder / "tiny.onnx"
    models.tiny_model(path, weights=np.zeros((128, len(models.LABELS)), np.float32), bias=bias)
    return path


def speech(seconds: float, rate: int, *, begin_s: float = 0.0) -> FloatArray:
    """Real speech, ``(n,)``."""
    samples, native = soundfile.read(asset(DEMO_AUDIO), dtype="float32")
    first = round(begin_s * native)
    found: FloatArray = soxr.resample(
        samples[first : first + round(seconds * native)], native, rate
    )
    return found


def two_parties(seconds: float, rate: int) -> FloatArray:
    """Two people who speak, ``(n, 2)``."""
    return np.stack([speech(seconds, rate), speech(seconds, rate, begin_s=seconds)], axis=1)
