"""Plays recordings of real calls to watchers, many at once: the server's contract without engines."""

from __future__ import annotations

import asyncio
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import uvicorn
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import FileResponse, JSONResponse, Response
from starlette.routing import Mount, Route, WebSocketRoute
from starlette.staticfiles import StaticFiles
from starlette.websockets import WebSocket, WebSocketDisconnect

from emolive import labels as emotions
from emolive.conversation.definitions import DEFINITIONS
from emolive.types import SpeechState
from emolive.wording import state_name, stream_name
from tests.server.web.recorded import Message, Recording

WEB = Path(__file__).resolve().parents[3] / "emolive" / "server" / "web"
TOKEN = "a-token-for-tests"
_CSP = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; "
    "font-src 'self'; connect-src 'self'; media-src 'self'; base-uri 'none'; form-action 'self'; "
    "frame-ancestors 'none'"
)
_TREND_S = 180.0
_TICK_S = 0.1


@dataclass
class ReplayedCall:
    """A recording that began `ahead_s` ago."""

    id: str
    name: str
    recording: Recording
    ahead_s: float
    recorded: bool = False
    began: float = field(default_factory=time.monotonic)
    at: int = 0
    state: str = "running"
    reason: str | None = None
    latest: dict[str, Message] = field(default_factory=dict)
    alerts: list[Message] = field(default_factory=list)
    conversation: Message | None = None
    negative: float = 0.0

    @property
    def elapsed_s(self) -> float:
        return min(self.recording.length_s, self.ahead_s + time.monotonic() - self.began)

    @property
    def past(self) -> list[Message]:
        return [message for _, message in self.recording.told[: self.at]]

    def step(self) -> list[Message]:
        """What is told since the last step."""
        found = []
        told, until = self.recording.told, self.elapsed_s
        while self.at < len(told) and told[self.at][0] <= until:
            message = dict(told[self.at][1])
            self.at += 1
            self._note(message)
            found.append(message)
        return found

    def _note(self, message: Message) -> None:
        kind = message["type"]
        if kind == "prediction":
            self.latest[message["stream"]] = message
            if message["probabilities"]:
                self.negative += 0.06 * (_negative(message) - self.negative)
        elif kind == "conversation":
            self.conversation = message
        elif kind == "alert":
            message |= {"number": len(self.alerts) + 1, "end_s": None, "acknowledged": False}
            self.alerts.append(message)
        elif kind == "alert_ended":
            for alert in self.alerts:
                if (alert["rule"], alert["stream"]) == (message["rule"], message["stream"]):
                    alert["end_s"] = message["end_s"]

    def info(self) -> Message:
        started = datetime.now(UTC) - timedelta(seconds=self.elapsed_s)
        stream = {"native_rate": 8000, "band": "narrow"}
        return {
            "id": self.id, "name": self.name, "tap": "pcm", "state": self.state,
            "reason": self.reason, "started_at": started.isoformat(), "ended_at": None,
            "elapsed_s": self.elapsed_s,
            "streams": [
                {"stream": "agent", "role": "agent", "emotion": False, **stream},
                {"stream": "customer", "role": "customer", "emotion": True, **stream},
            ],
            "recording": self.recorded, "session": None, "consent": None, "latest": self.latest,
            "alerts": [a for a in self.alerts if a["end_s"] is None or not a["acknowledged"]],
            "alert_count": len(self.alerts), "urgency": self.negative, "negative": self.negative,
            "conversation": self.conversation,
            "audio": {"lost_s": 0.0, "gaps": 0, "late_packets": 0, "held_back_s": 0.0},
        }  # fmt: skip

    def trend(self) -> Message:
        """The last minutes of the customer."""
        windows = [
            one for one in self.past
            if one["type"] == "prediction" and one["stream"] == "customer"
            and one["start_s"] > self.elapsed_s - _TREND_S
        ]  # fmt: skip
        return {
            "at_s": [(one["start_s"] + one["end_s"]) / 2 for one in windows],
            "state": [one["state"] for one in windows],
            "label": [one["label"] for one in windows],
            "negative": [_negative(one) if one["probabilities"] else None for one in windows],
        }

    def history(self) -> Message:
        past = self.past
        kinds = {
            kind: [one for one in past if one["type"] == kind]
            for kind in ("prediction", "segment", "levels")
        }
        return {
            "call": self.id, "hop_s": 0.5, "labels": list(self.recording.labels),
            "predictions": kinds["prediction"], "segments": kinds["segment"],
            "levels": kinds["levels"], "alerts": self.alerts, "truncated": False,
        }  # fmt: skip


def _negative(message: Message) -> float:
    shares = message["probabilities"]
    return float(sum(p for label, p in shares.items() if emotions.is_negative(label)))


class ReplayServer:
    """The wall and what it asks for. Public methods may be called from any thread."""

    def __init__(self, sessions: tuple[Message, ...] = ()) -> None:
        self.calls: dict[str, ReplayedCall] = {}
        self.sessions = sessions
        self.token: str | None = TOKEN
        self.scopes = ["watch"]
        self._watchers: dict[asyncio.Queue[Message | int], str | None] = {}
        self._loop: asyncio.AbstractEventLoop | None = None
        self._lock = threading.RLock()
        self.told = 0
        self.app = Starlette(
            routes=[
                Route("/", self._page),
                Mount("/web", StaticFiles(directory=WEB)),
                Route("/v1/login", self._login, methods=["POST"]),
                Route("/v1/logout", self._logout, methods=["POST"]),
                Route("/v1/me", self._me),
                Route("/v1/appearance", self._appearance),
                Route("/v1/calls/{id}", self._call, methods=["GET", "DELETE"]),
                Route("/v1/calls/{id}/acknowledge", self._acknowledge, methods=["POST"]),
                Route("/v1/sessions", self._sessions),
                Route("/v1/sessions/{id}", self._session),
                WebSocketRoute("/v1/watch", self._watch),
                WebSocketRoute("/v1/calls/{id}/watch", self._watch),
            ]
        )

    def add(self, call: ReplayedCall) -> None:
        """Begin a call."""
        with self._lock:
            call.step()
            self.calls[call.id] = call
            self._tell({"type": "call_started", "call": call.id, "info": {**call.info(), "trend": call.trend()}})

    def end(self, call_id: str) -> None:
        """End a call."""
        with self._lock:
            call = self.calls[call_id]
            call.state = "stopped"
            self._tell({"type": "call_ended", "call": call_id, "info": call.info()})

    def close_watchers(self, code: int) -> None:
        """Close every socket."""
        with self._lock:
            for queue in self._watchers:
                self._put(queue, code)

    async def play(self) -> None:
        """Tell what happens, until cancelled."""
        self._loop = asyncio.get_running_loop()
        n = 0
        while True:
            await asyncio.sleep(_TICK_S)
            n += 1
            with self._lock:
                for i, call in enumerate(self.calls.values()):
                    if call.state != "running":
                        continue
                    for message in call.step():
                        if message["type"] != "conversation":
                            self._tell({**message, "call": call.id})
                    if (n + i) % 10 == 0:
                        self._tell({"type": "call", "call": call.id, "info": call.info()})
                if n % 50 == 0:
                    self._tell({"type": "alive", "call": None})

    def _tell(self, message: Message) -> None:
        for queue, only in self._watchers.items():
            levels = message["type"] == "levels"
            if (only is None and not levels) or only == message["call"] or message["call"] is None:
                self._put(queue, message)
                self.told += 1

    def _put(self, queue: asyncio.Queue[Message | int], message: Message | int) -> None:
        if self._loop is not None:
            self._loop.call_soon_threadsafe(queue.put_nowait, message)

    def _known(self, request: Request | WebSocket) -> bool:
        return self.token is None or request.cookies.get("emolive_session") == self.token

    async def _page(self, _: Request) -> Response:
        return FileResponse(WEB / "index.html", headers={"Content-Security-Policy": _CSP})

    async def _login(self, request: Request) -> Response:
        if (await request.json())["token"] != self.token:
            return _refused(401, "This token is not valid.")
        response = JSONResponse({"name": "supervisor", "scopes": self.scopes})
        response.set_cookie("emolive_session", TOKEN, httponly=True, samesite="strict")
        return response

    async def _logout(self, _: Request) -> Response:
        response = Response(status_code=204)
        response.delete_cookie("emolive_session")
        return response

    async def _me(self, request: Request) -> Response:
        if not self._known(request):
            return _refused(401, "Log in first.")
        name = "supervisor" if self.token else "local"
        return JSONResponse({"name": name, "scopes": self.scopes})

    async def _appearance(self, request: Request) -> Response:
        if not self._known(request):
            return _refused(401, "Log in first.")
        wanted = request.query_params.get("labels")
        return JSONResponse(appearance(wanted.split(",") if wanted else list(emotions.USUAL)))

    async def _call(self, request: Request) -> Response:
        call = self.calls.get(request.path_params["id"])
        if call is None:
            return _refused(404, "There is no such call.")
        if request.method == "DELETE":
            self.end(call.id)
            return Response(status_code=202)
        return JSONResponse(call.info())

    async def _acknowledge(self, request: Request) -> Response:
        numbers = (await request.json())["numbers"]
        with self._lock:
            call = self.calls[request.path_params["id"]]
            for alert in call.alerts:
                alert["acknowledged"] |= numbers is None or alert["number"] in numbers
            seen = [alert["number"] for alert in call.alerts if alert["acknowledged"]]
            self._tell({"type": "acknowledged", "call": call.id, "numbers": seen})
        return Response(status_code=204)

    async def _sessions(self, request: Request) -> Response:
        if not self._known(request):
            return _refused(401, "Log in first.")
        query = request.query_params["query"]
        if "??" in query:
            return _refused(400, "“??” is neither an emotion nor a time.")
        found = [one for one in self.sessions if not query or query == one["row"]["label"]]
        offset, limit = (int(request.query_params[name]) for name in ("offset", "limit"))
        rows = [one["row"] for one in found[offset : offset + limit]]
        total = {"total": len(found), "limit": limit, "offset": offset}
        return JSONResponse({"sessions": rows, **total})

    async def _session(self, request: Request) -> Response:
        wanted = request.path_params["id"]
        found = next((one for one in self.sessions if one["row"]["id"] == wanted), None)
        return _refused(404, "There is no such session.") if found is None else JSONResponse(found)

    async def _watch(self, socket: WebSocket) -> None:
        await socket.accept()
        only = socket.path_params.get("id")
        if not self._known(socket):
            await socket.close(4401)
            return
        queue: asyncio.Queue[Message | int] = asyncio.Queue()
        with self._lock:
            calls = [call for call in self.calls.values() if only in (None, call.id)]
            infos = [{**call.info(), "trend": call.trend()} for call in calls]
            first: Message = {
                "type": "snapshot", "call": None, "calls": infos,
                "labels": list(emotions.USUAL), "model": "emolive-resnet34", "version": "0.1.0",
            }  # fmt: skip
            if only is not None and calls:
                first["history"] = calls[0].history()
            self._watchers[queue] = only
        receiving = asyncio.create_task(_until_gone(socket, queue))
        try:
            await socket.send_json(first)
            while True:
                message = await queue.get()
                if isinstance(message, int):
                    await socket.close(message)
                    break
                await socket.send_json(message)
        except (WebSocketDisconnect, RuntimeError):
            pass
        finally:
            receiving.cancel()
            with self._lock:
                del self._watchers[queue]


async def _until_gone(socket: WebSocket, queue: asyncio.Queue[Message | int]) -> None:
    with suppress(WebSocketDisconnect):
        while True:
            await socket.receive_text()
    queue.put_nowait(1000)


def _refused(status: int, sentence: str) -> Response:
    return JSONResponse({"error": sentence}, status)


def appearance(labels: list[str]) -> Message:
    """What the page is told of names and colours."""
    return {
        "labels": [
            {
                "label": label, "name": emotions.emotion_name(label),
                "light": (swatch := emotions.swatch(label)).light, "dark": swatch.dark,
                "ink_light": swatch.ink(dark=False), "ink_dark": swatch.ink(dark=True),
                "negative": emotions.is_negative(label),
            }
            for label in labels
        ],
        "states": {state.value: state_name(state) for state in SpeechState},
        "streams": {name: stream_name(name) for name in ("agent", "customer", "both", "mono")},
        "familiarity": {"unusual": "unusual"},
        "definitions": [
            {"field": d.field, "name": d.name, "unit": d.unit, "text": d.text, "source": d.source}
            for d in DEFINITIONS
        ],
        "model": "emolive-resnet34", "hop_s": 0.5, "window_s": 3.0, "version": "0.1.0",
        "telephone": {"ravdess": 0.602, "savee": 0.348},
    }  # fmt: skip


@contextmanager
def running(server: ReplayServer, port: int = 0) -> Iterator[int]:
    """Serve on this computer; yields the port."""
    config = uvicorn.Config(
        server.app, "127.0.0.1", port, log_level="error", ws="websockets-sansio", lifespan="off",
        timeout_graceful_shutdown=1,
    )  # fmt: skip
    host = uvicorn.Server(config)

    async def serve() -> None:
        playing = asyncio.create_task(server.play())
        await host.serve()
        playing.cancel()

    thread = threading.Thread(target=lambda: asyncio.run(serve()), name="wall server")
    thread.start()
    try:
        while not host.started:
            time.sleep(0.02)
            assert thread.is_alive()
        yield host.servers[0].sockets[0].getsockname()[1]
    finally:
        server.close_watchers(1012)
        host.should_exit = True
        thread.join(10)


def past_call(recording: Recording, call_id: str, title: str, days_ago: float) -> Message:
    """A recording as the history has it."""
    told = [message for _, message in recording.told]
    windows = [one for one in told if one["type"] == "prediction"]
    spoken = [one["label"] for one in windows if one["label"]]
    label = max(set(spoken), key=spoken.count) if spoken else None
    started = (datetime.now(UTC) - timedelta(days=days_ago)).isoformat()
    streams = [
        {"name": "agent", "role": "agent", "emotion": False, "audio": False},
        {"name": "customer", "role": "customer", "emotion": True, "audio": False},
    ]
    segments = [one for one in told if one["type"] == "segment"]
    alerts = [{**one, "at_s": one["fired_s"], "end_s": None} for one in told if one["type"] == "alert"]
    for one in told:
        if one["type"] == "alert_ended":
            for alert in alerts:
                if alert["rule"] == one["rule"] and alert["fired_s"] == one["fired_s"]:
                    alert["end_s"] = one["end_s"]
    talked = [one for one in told if one["type"] == "conversation"]
    row = {
        "id": call_id, "title": title, "started_at": started, "duration_s": recording.length_s,
        "source": "pcm", "model": recording.model, "state": "complete", "recovered": False,
        "streams": [{**one, "stream": one["name"]} for one in streams], "tags": [], "label": label,
        "shares": {label: spoken.count(label) / len(spoken)} if label else {},
        "hits": [one for one in segments if one["label"] == label][:3],
    }  # fmt: skip
    return {
        "row": row, "id": call_id, "title": title, "file": "pcm", "started_at": started,
        "duration_s": recording.length_s, "model": recording.model,
        "labels": list(recording.labels), "streams": streams, "windows": windows,
        "segments": segments, "alerts": alerts, "notes": [], "gaps": [], "tags": [],
        "conversation": talked[-1] if talked else None,
    }  # fmt: skip
