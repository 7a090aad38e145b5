"""How many machines many calls take: a discrete-event simulation, fed with what a call costs here.

Calls come and go (Poisson, lengths exponential) and go to the least loaded worker, which takes them
as `emolive serve` does: up to a share of its cores. A worker answers one window after the other;
every call wants an answer each hop, and skips the ones that it has not had when the next is due.
"""

from __future__ import annotations

import heapq
import random
from collections.abc import Generator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from emolive.errors import EmoliveError
from emolive.extras import way_to_get

if TYPE_CHECKING:
    import simpy

# Of a worker's core; the rest takes peaks, as in the server's admission.
USABLE = 0.8
_WARM_UP_CALLS = 2.0  # mean lengths of a call, until as many go as come
_SPREAD = 0.35  # coefficient of variation of an answer's cost
_SEED = 20_260


@dataclass(frozen=True, slots=True)
class Load:
    """What comes, and what there is.

    `calls` at once on average, each `length_s` long on average; a call costs `cost` cores, and
    wants an answer every `hop_s`. Machines have `cores`, one worker on each.
    """

    calls: int
    cost: float
    cores: int = 8
    hop_s: float = 0.5
    length_s: float = 300.0

    @property
    def per_worker(self) -> int:
        """Calls that a worker takes."""
        return max(1, int(USABLE / self.cost))

    @property
    def machines(self) -> int:
        """As few as have room for these calls and their coming and going (three sigma)."""
        wanted = self.calls + 3 * self.calls**0.5
        return -(-int(wanted) // (self.per_worker * self.cores))


@dataclass(frozen=True, slots=True)
class Sizing:
    """What became of it: `offered` calls at once, on `machines`.

    `refused` of all calls, `skipped` of all answers of the fullest worker; its answers came after
    milliseconds `p50_ms` and `p99_ms`. `fullest` is the most calls that one worker had.
    """

    offered: float
    machines: int
    refused: float
    fullest: int
    busiest_cores: float
    p50_ms: float
    p99_ms: float
    skipped: float


def check_simpy() -> None:
    """Make sure that simulations can be run.

    Raises:
        EmoliveError: simpy is not installed.
    """
    try:
        import simpy  # noqa: F401
    except ImportError as error:
        raise EmoliveError(
            "A simulation needs an extra: {way}.", way=way_to_get("cluster")
        ) from error


def simulate(
    load: Load, machines: int, *, share: float = 1.0, admission: bool = True, seconds: float = 60.0
) -> Sizing:
    """Offer `share` of the calls that `machines` carry for; look at the fullest worker.

    `share` is of ``load.calls``: 1.2 is an overload of 20 %. `admission`: whether a call too many
    is refused, or taken all the same. `seconds` of the fullest worker are looked at.
    """
    offered = load.calls * share
    refused, fullest = _calls(load, machines * load.cores, offered, admission=admission)
    latencies, skipped = _answers(load, fullest, seconds)
    p50, p99 = np.percentile(np.array(latencies) * 1_000, (50, 99))
    return Sizing(
        offered, machines, refused, fullest, fullest * load.cost, float(p50), float(p99), skipped
    )


def _calls(load: Load, workers: int, offered: float, *, admission: bool) -> tuple[float, int]:
    """The share of calls that are refused, and the most that one worker had."""
    import simpy

    env = simpy.Environment()
    chance = random.Random(_SEED)
    counts = [0] * workers
    # The least loaded first; entries that are out of date are passed over.
    queue = [(0, worker) for worker in range(workers)]
    told = [0, 0, 0]  # offered, refused, the most
    warm = _WARM_UP_CALLS * load.length_s

    def least() -> int:
        while True:
            count, worker = queue[0]
            if counts[worker] == count:
                return worker
            heapq.heapreplace(queue, (counts[worker], worker))

    def call(worker: int) -> Generator[simpy.Event, Any, None]:
        yield env.timeout(chance.expovariate(1 / load.length_s))
        counts[worker] -= 1
        heapq.heappush(queue, (counts[worker], worker))

    def arrivals() -> Generator[simpy.Event, Any, None]:
        while True:
            yield env.timeout(chance.expovariate(offered / load.length_s))
            worker = least()
            told[0] += env.now > warm
            if admission and counts[worker] >= load.per_worker:
                told[1] += env.now > warm
                continue
            counts[worker] += 1
            heapq.heappush(queue, (counts[worker], worker))
            if env.now > warm:
                told[2] = max(told[2], counts[worker])
            env.process(call(worker))

    env.process(arrivals())
    env.run(until=warm + 2 * load.length_s)
    return told[1] / max(1, told[0]), told[2]


def _answers(load: Load, calls: int, seconds: float) -> tuple[Sequence[float], float]:
    """Latencies (s) of a worker with so many calls, and the share of answers it skipped."""
    import simpy

    env = simpy.Environment()
    core = simpy.Resource(env, capacity=1)
    chance = random.Random(_SEED)
    mean_s = load.cost * load.hop_s
    # A log-normal with this mean and spread.
    sigma = float(np.sqrt(np.log1p(_SPREAD**2)))
    mu = float(np.log(mean_s) - sigma**2 / 2)
    latencies: list[float] = []
    skipped = [0]

    def call(phase_s: float) -> Generator[simpy.Event, Any, None]:
        due = phase_s
        yield env.timeout(phase_s)
        while True:
            with core.request() as turn:
                yield turn
                # The newest answer that is due by now; those before it are skipped.
                late = int((env.now - due) / load.hop_s)
                skipped[0] += late
                due += late * load.hop_s
                yield env.timeout(chance.lognormvariate(mu, sigma))
            latencies.append(env.now - due)
            due += load.hop_s
            yield env.timeout(max(0.0, due - env.now))

    for _ in range(calls):
        env.process(call(chance.uniform(0, load.hop_s)))
    env.run(until=seconds)
    return latencies or [0.0], skipped[0] / max(1, skipped[0] + len(latencies))
