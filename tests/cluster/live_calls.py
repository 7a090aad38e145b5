"""Calls that are sent to a cluster in real time, and sent again where their worker died."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from dataclasses import dataclass, field

from emolive.server.client import CallRefusedError, CallSender
from emolive.types import FloatArray

_BLOCK_S = 0.1
_PAUSE_S = 0.2


@dataclass(slots=True)
class SentCall:
    """What became of one call; times by `time.time`."""

    key: str
    connections: int = 0
    broken: int = 0
    gaps_s: list[float] = field(default_factory=list)
    refused: list[str] = field(default_factory=list)


async def send_call(
    front: str,
    token: str,
    sent: SentCall,
    samples: FloatArray,
    rate: int,
    enough: Callable[[], bool],
) -> None:
    """Send `samples` (n, 2), over and over, until it is enough; reconnect when the call breaks."""
    broke_at: float | None = None
    at = 0
    step = round(_BLOCK_S * rate)
    while not enough():
        try:
            async with CallSender(
                front,
                token,
                sampling_rate=rate,
                channels=2,
                call=sent.key,
                title=f"Line {sent.key}",
            ) as call:
                sent.connections += 1
                begun = time.monotonic()
                count = 0
                if broke_at is not None:
                    sent.gaps_s.append(time.time() - broke_at)
                    broke_at = None
                while not enough():
                    await call.send(samples[at : at + step])
                    at = (at + step) % (len(samples) - step)
                    count += 1
                    await asyncio.sleep(max(0.0, begun + count * _BLOCK_S - time.monotonic()))
        except (CallRefusedError, OSError) as error:
            if broke_at is None and sent.connections:
                sent.broken += 1
                broke_at = time.time()
            sent.refused.append(str(error))
            await asyncio.sleep(_PAUSE_S)
