"""`emolive bench --teaching`: learning from labels, and what the result costs live."""

from __future__ import annotations

import json
from dataclasses import asdict
from pathlib import Path

from emolive.adapt.head import check_installed
from emolive.adapt.teaching import usual_base
from emolive.bench.teaching import time_teaching
from emolive.cli.loading import load_classifier
from emolive.cli.outcome import DONE, say


def run_teaching_bench(model: Path | None, provider: str, *, as_json: bool) -> int:
    """Measure and print.

    Raises:
        EmoliveError: scikit-learn is missing, or the model cannot be used.
    """
    check_installed()
    classifier = load_classifier(model or usual_base(), provider)
    try:
        timing = time_teaching(classifier)
        name = classifier.metadata.name
    finally:
        classifier.close()
    if as_json:
        say(json.dumps(asdict(timing) | {"model": name, "added": timing.added}, indent=2))
        return DONE
    say(
        f"{timing.labels} labels of {timing.classes} classes on {name} ({timing.features} "
        f"features): learned in {timing.learning_s:.1f} s, judged in {timing.judging_s:.1f} s."
    )
    say(
        f"A window takes {timing.window.median_ms:.2f} ms; an adapted model adds "
        f"{1e3 * timing.layer.median_ms:.0f} µs, {timing.added:.2%}."
    )
    return DONE
