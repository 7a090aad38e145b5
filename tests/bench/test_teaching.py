"""What teaching costs, and what its result costs per window, through the bundled base."""

from __future__ import annotations

import time

from emolive.adapt.teaching import usual_base
from emolive.bench.teaching import time_teaching
from emolive.inference.loading import open_model


def test_a_thousand_labels_are_learned_in_seconds_and_cost_a_window_next_to_nothing() -> None:
    classifier = open_model(usual_base(), "cpu", 1)
    try:
        begin = time.process_time()
        found = time_teaching(classifier, 1_000, repeats=20)
        spent = time.process_time() - begin  # seconds of computing: others at work do not count
    finally:
        classifier.close()
    assert (found.labels, found.classes) == (1_000, len(classifier.metadata.labels))
    assert found.learning_s > 0 < found.judging_s
    assert spent < 10
    # Medians of the same moments: a busy machine slows both.
    assert found.added < 0.02
