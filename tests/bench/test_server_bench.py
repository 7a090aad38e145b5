"""The bench of a server: its process, real sockets, and what it says of them."""

from __future__ import annotations

from pathlib import Path

import pytest

from emolive.bench.server import measure_server
from emolive.errors import EmoliveError
from tests.server.running import speech, tiny


def test_calls_over_sockets_are_timed_packet_by_packet(tmp_path: Path) -> None:
    sound = speech(10.0, 16_000)
    found = measure_server(sound, 16_000, tiny(tmp_path), "cpu", 0.5, calls=2, seconds=4.0)
    assert found.calls == 2
    assert found.windows + found.windows_skipped >= 4
    assert 0 < found.latency_p50_ms <= found.latency_p99_ms
    assert found.monitoring_cores is not None
    assert 0 < found.monitoring_cores < found.cores
    assert found.memory_mb > 50


def test_a_server_that_cannot_start_says_why(tmp_path: Path) -> None:
    with pytest.raises(EmoliveError, match=r"nowhere\.onnx"):
        measure_server(
            speech(1.0, 16_000), 16_000, tmp_path / "nowhere.onnx", "cpu", 0.5, calls=1, seconds=1.0
        )
