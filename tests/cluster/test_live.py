"""`emolive serve --cluster` on a real Ray cluster of this machine: calls over real sockets."""

from __future__ import annotations

import asyncio
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from functools import partial
from itertools import pairwise
from pathlib import Path
from threading import Event, Thread
from typing import Any

import httpx
import psutil
import pytest
from typer.testing import CliRunner

from emolive.cli.main import app
from emolive.cluster.ray_runtime import HEADLESS
from tests.cli.conftest import launch
from tests.cluster.live_calls import SentCall, send_call
from tests.conftest import REPOSITORY
from tests.server.running import tiny, two_parties
from tests.waiting import PATIENCE_S, until

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="clusters run on Linux")
TOKEN = "a token for all of the workers"
RATE = 8_000


class Sending(Thread):
    """Calls that go on until they are ended, sent from a thread."""

    def __init__(self, url: str, keys: str) -> None:
        super().__init__(name="test calls")
        self.sent = [SentCall(key) for key in keys]
        self._url = url.replace("http", "ws")
        self._enough = Event()
        self.start()

    def run(self) -> None:
        asyncio.run(self._send())

    async def _send(self) -> None:
        samples, enough = two_parties(10, RATE), self._enough.is_set
        await asyncio.gather(
            *(send_call(self._url, TOKEN, call, samples, RATE, enough) for call in self.sent)
        )

    def end(self) -> list[SentCall]:
        """End them; what became of each."""
        self._enough.set()
        self.join()
        return self.sent


class Front:
    """A front that runs in a process of its own."""

    def __init__(self, process: subprocess.Popen[str], log: Path) -> None:
        self.process = process
        self.sending: list[Sending] = []
        self._log = log
        self.url = until(self._address)
        self.http = httpx.Client(
            base_url=self.url, headers={"Authorization": f"Bearer {TOKEN}"}, timeout=30.0
        )

    @property
    def told(self) -> str:
        return self._log.read_text()

    def get(self, path: str, **parameters: Any) -> Any:
        answer = self.http.get(path, params=parameters)
        assert answer.status_code == 200, answer.text
        return answer.json()

    def send(self, keys: str) -> Sending:
        """Begin calls with these keys; they end with the front at the latest."""
        self.sending.append(Sending(self.url, keys))
        return self.sending[-1]

    def place(self) -> str | None:
        """The worker that is to take the next call; None: a busy machine takes none just now."""
        found: str | None = self.http.get("/v1/taps/placement").json().get("url")
        return found

    def running(self) -> list[dict[str, Any]]:
        return [call for call in self.get("/v1/calls")["calls"] if call["state"] == "running"]

    def workers(self) -> dict[str, int]:
        """Servers that brought calls into the history, and how many."""
        found: dict[str, int] = {}
        for call in self.get("/v1/history/calls")["calls"]:
            for stretch in self.get(f"/v1/history/calls/{call['id']}")["stretches"]:
                worker, _, cluster = stretch["server"].partition("@")
                assert cluster == self.get("/v1/server")["name"]
                found[worker] = found.get(worker, 0) + 1
        return found

    def heard(self, count: int, seconds: float = 4.0) -> bool:
        """Whether so many calls run, and each has for so long."""
        running = self.running()
        return len(running) == count and all(call["elapsed_s"] > seconds for call in running)

    def heard_to_s(self, key: str) -> float:
        """How far the history has what a call's agent said."""
        (found,) = self.get("/v1/history/calls", key=key)["calls"]
        whole = self.get(f"/v1/history/calls/{found['id']}")
        return max(
            (one["end_s"] for one in whole["segments"] if one["stream"] == "agent"), default=0
        )

    def up_to_date(self) -> bool:
        """Whether the history is a few seconds behind at most, as on any machine that keeps up."""
        return all(
            self.heard_to_s(call["name"].removeprefix("Line ")) > call["elapsed_s"] - 4.0
            for call in self.running()
        )

    def ended(self, call: str) -> dict[str, Any] | None:
        """A call as the history has it, once all of its stretches have ended."""
        found: dict[str, Any] = self.get(f"/v1/history/calls/{call}")
        return found if all(one["ended_at"] for one in found["stretches"]) else None

    def _address(self) -> str | None:
        assert self.process.poll() is None, self.told
        told = self.told
        if "The wall is at " not in told:
            return None
        return told.split("The wall is at ")[1].split("/,")[0]


@contextmanager
def front(tmp_path: Path, *more: object) -> Iterator[Front]:
    log = tmp_path / "told"
    with log.open("w") as file:
        arguments = [
            "serve", "--port", 0, "--cluster", "local", "--library", tmp_path / "library",
            "--history", f"sqlite:///{tmp_path}/history.db", "--model", tiny(tmp_path),
            "--token", TOKEN, *more,
        ]  # fmt: skip
        process = subprocess.Popen(
            [sys.executable, "-m", "emolive", *map(str, arguments)],
            env={**os.environ, "PYTHONPATH": str(REPOSITORY)},
            stdin=subprocess.DEVNULL, stdout=file, stderr=file, text=True,
        )  # fmt: skip
    try:
        found = Front(process, log)
        with found.http:
            try:
                yield found
            finally:
                for calls in found.sending:
                    calls.end()
            process.send_signal(signal.SIGTERM)
            assert process.wait(PATIENCE_S) == 0, found.told
            assert "Traceback" not in found.told
    finally:
        process.kill()
        process.wait()


def processes(front: Front, name: str) -> list[psutil.Process]:
    """Those of the front's own cluster whose program is called so."""
    found = []
    for one in psutil.Process(front.process.pid).children(recursive=True):
        with suppress(psutil.NoSuchProcess):
            if name in " ".join(one.cmdline()[:1]):
                found.append(one)
    return found


def head_of(front: Front) -> psutil.Process:
    """The process without which Ray starts nothing."""
    return processes(front, "gcs_server")[0]


def kill_worker(front: Front) -> None:
    """Kill one of its servers, whichever."""
    processes(front, "ray::IngestWorker")[0].kill()


def test_a_worker_is_killed_and_its_calls_go_on_elsewhere_as_one(tmp_path: Path) -> None:
    with front(tmp_path, "--workers", 2) as server:
        calls = server.send("ABCD")
        until(lambda: server.workers() == {"worker-1a": 2, "worker-2a": 2})
        wanted = 'emolive_worker_calls{worker="worker-1a"} 2.0'
        until(lambda: wanted in server.http.get("/metrics").text)
        until(partial(server.heard, 4))
        until(server.up_to_date)
        before = {call.key: server.heard_to_s(call.key) for call in calls.sent}
        kill_worker(server)
        until(lambda: "is lost; another is started in its place" in server.told)
        until(lambda: "runs again" in server.told)
        until(partial(server.heard, 4))
        sent = calls.end()
        assert sorted(call.broken for call in sent) == [0, 0, 1, 1]
        for call in sent:
            found = server.get("/v1/history/calls", key=call.key)
            assert found["total"] == 1
            whole = server.get(f"/v1/history/calls/{found['calls'][0]['id']}")
            assert len(whole["stretches"]) == call.connections
            heard = [one for one in whole["segments"] if one["stream"] == "agent"]
            begun = [one["start_s"] for one in whole["stretches"][1:]]
            # Gapless, but for what the worker that died had not written yet, and the time until
            # another took the call.
            for one, other in pairwise(heard):
                if other["start_s"] > one["end_s"] + 0.01:
                    assert other["start_s"] == pytest.approx(begun.pop(0), abs=0.01)
                    assert one["end_s"] >= before[call.key]
            until(partial(server.ended, whole["id"]))
    assert not list(Path("/tmp").glob(f"emolive-ray-{server.process.pid}-*"))


def test_a_rolling_restart_drops_no_call(tmp_path: Path) -> None:
    with front(tmp_path, "--workers", 1, "--drain", 60) as server:
        first = server.send("AB")
        until(lambda: len(server.running()) == 2)
        server.process.send_signal(signal.SIGHUP)
        until(lambda: "worker-1a is being replaced by worker-1b" in server.told)
        old = until(server.place)
        until(lambda: server.place() not in (None, old))
        second = server.send("CD")
        until(partial(server.heard, 4))
        for call in first.end() + second.end():
            assert (call.connections, call.broken) == (1, 0)
        until(lambda: "All workers have been replaced" in server.told)
        assert server.workers() == {"worker-1a": 2, "worker-1b": 2}


def test_a_call_of_a_worker_is_ended_from_the_front(tmp_path: Path) -> None:
    with front(tmp_path, "--workers", 1) as server:
        calls = server.send("AB")
        until(lambda: len(server.running()) == 2)
        first, second = server.running()
        assert server.http.delete(f"/v1/calls/{first['id']}").status_code == 202
        ended = until(
            lambda: next(
                (c for c in server.get("/v1/calls")["calls"]
                 if c["id"] == first["id"] and c["ended_at"]), None,
            )
        )  # fmt: skip
        assert ended["reason"] == "Ended by command line."
        assert server.http.delete(f"/v1/calls/{first['id']}").status_code == 409
        until(lambda: sorted(call.broken for call in calls.sent) == [0, 1])
        calls.end()
        until(lambda: not server.running())
        assert server.http.delete(f"/v1/calls/{second['id']}").status_code == 409
        assert server.get("/v1/ready")["status"] == "ready"
        kill_worker(server)
        lost = until(lambda: (a := server.http.get("/v1/ready")).status_code == 503 and a.json())
        assert (lost["status"], "No worker runs" in lost["reason"]) == ("unable", True)
        until(lambda: server.http.get("/v1/ready").status_code == 200)


def test_without_the_head_calls_go_on_and_a_restart_finds_them_in_the_history(
    tmp_path: Path,
) -> None:
    with front(tmp_path, "--workers", 2) as server:
        head = head_of(server)
        # Longer than any test: Ray itself gives up after a minute.
        assert int(head.environ()[HEADLESS]) > 24 * 3_600
        calls = server.send("ABCD")
        until(lambda: server.workers() == {"worker-1a": 2, "worker-2a": 2})
        head.kill()
        until(lambda: "The cluster's head is lost" in server.told)
        until(lambda: any("head is lost" in one for one in server.get("/v1/server")["problems"]))
        before = {call["id"]: call["elapsed_s"] for call in server.running()}
        assert len(before) == 4
        until(lambda: all(c["elapsed_s"] > before[c["id"]] + 3 for c in server.running()))
        # The one that is left takes the calls of the other.
        kill_worker(server)
        until(lambda: "is lost, and without a head none takes its place" in server.told)
        # On a busy machine it may have no room for them yet.
        until(lambda: sorted(call.broken for call in calls.sent) == [0, 0, 1, 1])
        calls.end()
    with front(tmp_path, "--workers", 1) as server:
        again = server.send("E")
        until(lambda: len(server.running()) == 1)
        again.end()
        until(lambda: server.get("/v1/history/calls")["total"] == 5)
        for call in server.get("/v1/history/calls")["calls"]:
            whole = until(partial(server.ended, call["id"]))
            reasons = [one["reason"] for one in whole["stretches"]]
            # Its end is told by who saw the worker go, or who saw the call come elsewhere.
            assert len(reasons) <= 2
            assert all("lost" in reason for reason in reasons[:-1]), reasons


def test_workers_share_a_classifier_and_outlive_it(tmp_path: Path) -> None:
    with front(tmp_path, "--workers", 2, "--replicas", "1-2") as server:
        calls = server.send("AB")
        until(lambda: len(server.running()) == 2)
        until(lambda: all(c["latest"].get("customer", {}).get("label") for c in server.running()))
        replicas = processes(server, "ray::Replica")
        assert replicas
        for replica in replicas:
            replica.kill()
        before = {call["id"]: call["latest"]["customer"]["end_s"] for call in server.running()}
        until(
            lambda: all(
                call["latest"]["customer"]["end_s"] > before[call["id"]] + 3
                for call in server.running()
            )
        )
        assert [call.broken for call in calls.end()] == [0, 0]


LOADED = """
import sys, threading, time
from pathlib import Path
import numpy as np
from emolive.cluster.live.fleet import Fleet, FleetSettings, Listener
from emolive.cluster.live.replicas import RemoteClassifier, Replicas
from emolive.cluster.ray_runtime import LOCAL, ray_cluster
from emolive.server.settings import ServerSettings

library, model = map(Path, sys.argv[1:])
settings = ServerSettings(port=0, token="a token for all", library=library, model=model,
                          provider="cpu")
with ray_cluster(LOCAL, 2) as ray:
    fleet = Fleet(ray, settings, library, FleetSettings(1, 1, 2), print)
    fleet.start(Listener())
    counts, done = [len(fleet.replicas.handles)], threading.Event()
    handles = Replicas(fleet.replicas.handles)

    def ask():
        classifier = RemoteClassifier(handles)
        windows = np.zeros((64, *classifier.metadata.window_shape), np.float32)
        while not done.is_set():
            handles.use(list(fleet.replicas.handles))
            classifier.predict(windows)

    def wait(number):
        deadline = time.monotonic() + 60
        while len(fleet.replicas.handles) != number:
            assert time.monotonic() < deadline, number
            time.sleep(0.1)
        counts.append(number)

    threads = [threading.Thread(target=ask) for _ in range(6)]
    for thread in threads:
        thread.start()
    wait(2)
    done.set()
    for thread in threads:
        thread.join()
    wait(1)
    fleet.close()
    print("replicas:", counts)
"""


RESTARTED = """
import sys
from pathlib import Path
from emolive.cluster.live.fleet import Fleet, FleetSettings, Listener
from emolive.cluster.ray_runtime import LOCAL, ray_cluster
from emolive.server.settings import ServerSettings

library, model = map(Path, sys.argv[1:])
settings = ServerSettings(port=0, token="a token for all", library=library, model=model,
                          provider="cpu", name="here")
wish = FleetSettings(1, detached=True)
with ray_cluster(LOCAL, 2) as ray:
    fleet = Fleet(ray, settings, library, wish, print)
    fleet.start(Listener())
    names, urls = [], set()
    for _ in range(3):
        names += [one.name for one in fleet.members]
        urls |= {one.url for one in fleet.members}
        fleet.restart()
    again = Fleet(ray, settings, library, wish, print)
    again.start(Listener())
    names += [one.name for one in again.members]
    fleet.close()
    print("workers:", names, len(urls))
"""


def test_workers_are_renewed_again_and_again_and_found_by_the_next_front(tmp_path: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-c", RESTARTED, str(tmp_path / "library"), str(tiny(tmp_path))],
        env={**os.environ, "PYTHONPATH": str(REPOSITORY)},
        capture_output=True, text=True, timeout=240, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stdout + done.stderr
    names = ["worker-1a", "worker-1b", "worker-1a", "worker-1b"]
    assert f"workers: {names} 3" in done.stdout, done.stdout


def test_replicas_come_and_go_with_the_load(tmp_path: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-c", LOADED, str(tmp_path / "library"), str(tiny(tmp_path))],
        env={**os.environ, "PYTHONPATH": str(REPOSITORY)},
        capture_output=True, text=True, timeout=240, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stdout + done.stderr
    assert "replicas: [1, 2, 1]" in done.stdout


def serving(folder: Path, *more: str) -> list[str]:
    return ["serve", "--port", "0", "--cluster", "local", "--library", str(folder), *more]


@pytest.mark.parametrize(
    ("more", "sentence"),
    [
        (("--token", TOKEN, "--replicas", "4-1"), "--replicas takes a number"),
        (("--token", TOKEN, "--replicas", "0-3"), "--replicas begins with 1"),
        (("--token", TOKEN, "--cluster", "127.0.0.1:1"), "There is no Ray cluster at 127.0.0.1:1"),
        ((), "Workers ask for the token"),
    ],
)
def test_wrong_use_is_one_sentence(
    tmp_path: Path, more: tuple[str, ...], sentence: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("EMOLIVE_TOKEN", raising=False)
    monkeypatch.delenv(HEADLESS, raising=False)  # to be taken back, too
    result = CliRunner().invoke(app, serving(tmp_path, *more))
    assert result.exit_code == 2, result.output
    assert sentence in result.stderr


def test_what_is_found_wrong_once_ray_runs_is_one_sentence(tmp_path: Path) -> None:
    arguments = serving(tmp_path, "--token", TOKEN, "--history", "mysql://x")
    process = launch(arguments, env={"PYTHONPATH": str(REPOSITORY)})
    _, err = process.communicate(timeout=240)
    assert process.returncode == 2, err
    assert "correct --history" in err
    assert "Traceback" not in err
