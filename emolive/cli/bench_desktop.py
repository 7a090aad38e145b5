"""`emolive bench --desktop`: hours in the window, accelerated."""

from __future__ import annotations

import os

from emolive.bench.stages import read_speech
from emolive.cli.bench_command import Asked
from emolive.cli.console import Console, columns, progress_bar
from emolive.cli.desktop import has_display
from emolive.cli.loading import load_model
from emolive.cli.outcome import CANNOT, DONE, print_json, tell
from emolive.i18n import decimal, mark, tr
from emolive.resources import DEMO_AUDIO, asset
from emolive.speech.silero import SileroVad
from emolive.ui.soak import FRAME_S, soak_desktop
from emolive.wording import percent

_GROWTH_LIMIT = 0.05


def run_desktop_soak(asked: Asked, hours: float) -> int:
    """Measure and print; 2 when memory grew by more than 5 % after the first eighth.

    Without a display the window is drawn offscreen.
    """
    if not has_display():
        os.environ.setdefault("QT_QPA_PLATFORM", "offscreen")
    classifier, config = load_model(asked.using)
    speech = read_speech(asset(DEMO_AUDIO), classifier.metadata.front_end.sampling_rate)
    with progress_bar(tr("{hours} h in the window", hours=decimal(hours))) as progress:
        soak = soak_desktop(
            speech, classifier, SileroVad(), config, hours, lambda share: progress(share, 1.0)
        )
    classifier.close()
    if asked.as_json:
        print_json(soak)
    else:
        title = tr(
            "{hours} h in {wall_s} s, {frame_s} s of speech a frame, window {width} x "
            "{height} ({platform})",
            hours=decimal(soak.hours),
            wall_s=decimal(soak.wall_s, 0),
            frame_s=decimal(FRAME_S),
            width=soak.size[0],
            height=soak.size[1],
            platform=soak.platform,
        )
        numbers = (
            mark("until hour"), mark("frames"), mark("median ms"), mark("p95 ms"),
            mark("worst ms"), mark("memory MB"),
        )  # fmt: skip
        table = columns(*numbers, numbers=numbers, title=title, title_justify="left")
        for part in soak.parts:
            table.add_row(
                decimal(part.hours, 2),
                str(part.frames),
                decimal(part.median_ms, 1),
                decimal(part.p95_ms, 1),
                decimal(part.worst_ms, 1),
                decimal(part.memory_mb, 0),
            )
        Console().print(table)
    if soak.growth > _GROWTH_LIMIT:
        tell(
            "Memory grew by {growth} after the first eighth: please report this.",
            growth=percent(soak.growth, 1),
        )
        return CANNOT
    return DONE
