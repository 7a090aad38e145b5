"""Starting and stopping again and again leaves memory where it was."""

from __future__ import annotations

import json
import os
import subprocess
import sys

import pytest


@pytest.mark.timeout(300)
@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="the heap that grew is glibc's")
def test_a_hundred_starts_within_a_tenth() -> None:
    done = subprocess.run(
        [sys.executable, "-m", "tests.ui.runs_in_a_row", "100"],
        env=os.environ | {"QT_QPA_PLATFORM": "offscreen"},
        capture_output=True,
        text=True,
        timeout=280,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    memory = json.loads(done.stdout)
    assert len(memory) == 100, "every run began and ended"
    assert memory[-1] < 1.1 * memory[0], memory
