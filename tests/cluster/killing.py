"""What `kill -9` of a worker, or of the cluster's head, costs while 20 calls run.

``python -m tests.cluster.killing worker`` (or ``head``) prints a line of JSON for each run.
"""

from __future__ import annotations

import argparse
import json
import string
import tempfile
import time
from itertools import pairwise
from pathlib import Path
from typing import Any

from tests.cluster.test_live import Front, front, head_of, kill_worker
from tests.waiting import until

_CALLS = 20
_SETTLED_S = 10.0


def lost_s(server: Front, key: str) -> float:
    """Seconds of the customer's timeline that are in no segment, the reconnection included."""
    (found,) = server.get("/v1/history/calls", key=key)["calls"]
    whole = server.get(f"/v1/history/calls/{found['id']}")
    heard = [one for one in whole["segments"] if one["stream"] == "customer"]
    return float(sum(max(0.0, b["start_s"] - a["end_s"]) for a, b in pairwise(heard)))


def measure(what: str, seconds: float, model: str) -> dict[str, Any]:
    """Kill it once all calls have run for a while, and see what is left at their end."""
    keys = string.ascii_uppercase[:_CALLS]
    with (
        tempfile.TemporaryDirectory() as folder,
        front(Path(folder), "--workers", 2, "--model", model) as server,
    ):
        calls, until_s = server.send(keys), time.monotonic() + seconds
        until(lambda: len(server.running()) == _CALLS)
        time.sleep(_SETTLED_S)
        if what == "head":
            head_of(server).kill()
        else:
            kill_worker(server)
        time.sleep(max(0.0, until_s - time.monotonic()))
        sent = calls.end()
        broken = [call for call in sent if call.broken]
        back = [gap for call in broken for gap in call.gaps_s]
        lost = [lost_s(server, call.key) for call in (broken or sent)]
        return {
            "killed": what,
            "calls": _CALLS,
            "broken": sum(call.broken for call in sent),
            "back_after_s": [round(min(back), 2), round(max(back), 2)] if back else None,
            "lost_s": [round(min(lost), 2), round(max(lost), 2)],
            "in_the_history": server.get("/v1/history/calls")["total"],
        }


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("what", choices=("worker", "head"))
    parser.add_argument("--seconds", type=float, default=60.0, help="that the calls go on")
    parser.add_argument("--model", default="fast")
    parser.add_argument("--runs", type=int, default=1)
    given = parser.parse_args()
    for _ in range(given.runs):
        found = measure(given.what, given.seconds, given.model)
        print(json.dumps(found), flush=True)  # noqa: T201


if __name__ == "__main__":
    main()
