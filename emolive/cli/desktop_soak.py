"""`emolive bench --desktop HOURS`: the window on hours of accelerated input."""

from __future__ import annotations

import json
import os
from dataclasses import asdict
from pathlib import Path

from rich.progress import Progress
from rich.table import Table

from emolive.bench.stages import read_speech
from emolive.cli.console import Console
from emolive.cli.desktop import has_display
from emolive.cli.loading import engine_config, load_classifier
from emolive.cli.outcome import CANNOT, DONE, say, tell
from emolive.resources import DEMO_AUDIO, asset
from emolive.speech.silero import SileroVad

_GROWTH_LIMIT = 0.05


def run_desktop_soak(
    model: Path | None, provider: str, hop_s: float, hours: float, *, as_json: bool
) -> int:
    """Measure and print; 2 when memory grew by more than 5 % after the first eighth.

    Without a display the window is drawn offscreen.
    """
    if not has_display():
        os.environ.setdefault("QT_QPA_PLATFORM", "offscreen")
    from emolive.ui.soak import FRAME_S, soak_desktop

    classifier = load_classifier(model, provider)
    config = engine_config(hop_s, classifier)
    speech = read_speech(asset(DEMO_AUDIO), classifier.metadata.front_end.sampling_rate)
    with Progress(console=Console(stderr=True)) as progress:
        task = progress.add_task(f"{hours:g} h in the window", total=1.0)
        soak = soak_desktop(
            speech,
            classifier,
            SileroVad(),
            config,
            hours,
            lambda share: progress.update(task, completed=share),
        )
    classifier.close()
    if as_json:
        say(json.dumps(asdict(soak), indent=2))
    else:
        title = (
            f"{soak.hours:g} h in {soak.wall_s:.0f} s, {FRAME_S:g} s of speech a frame, window "
            f"{soak.size[0]} x {soak.size[1]} ({soak.platform})"
        )
        table = Table(title=title, title_justify="left")
        columns = ("until hour", "frames", "median ms", "p95 ms", "worst ms", "memory MB")
        for column in columns:
            table.add_column(column, justify="right")
        for part in soak.parts:
            table.add_row(
                f"{part.hours:.2f}",
                str(part.frames),
                f"{part.median_ms:.1f}",
                f"{part.p95_ms:.1f}",
                f"{part.worst_ms:.1f}",
                f"{part.memory_mb:.0f}",
            )
        Console().print(table)
    if soak.growth > _GROWTH_LIMIT:
        tell(f"Memory grew by {soak.growth:.1%} after the first eighth: please report this.")
        return CANNOT
    return DONE
