"""Where a model's operators really run, read from ONNX Runtime's own profile."""

from __future__ import annotations

import json
import tempfile
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from emolive.i18n import tr
from emolive.inference.adapted import AdaptedClassifier
from emolive.inference.classifier import OnnxClassifier
from emolive.inference.execution import BoundExecution, Execution, PlainExecution
from emolive.inference.providers import CPU

_COPIES = ("MemcpyFromHost", "MemcpyToHost")


@dataclass(frozen=True, slots=True)
class Placement:
    """One run of a graph.

    ``operators`` counts what ran, copies left out; ``on_cpu`` names the kinds of those that ran on
    the CPU, sorted; ``copies`` counts copies between host and device inside the graph.
    """

    operators: int
    on_cpu: tuple[str, ...]
    copies: int

    def __str__(self) -> str:
        """One line for people."""
        copies = (
            tr(", {copies} copies to and from the graphics card", copies=self.copies)
            if self.copies
            else ""
        )
        if self.on_cpu:
            return tr(
                "these operators ran on the CPU: {on_cpu}{copies}",
                on_cpu=", ".join(self.on_cpu),
                copies=copies,
            )
        return tr(
            "none of its {operators} operators fell back to the CPU{copies}",
            operators=self.operators,
            copies=copies,
        )

    @classmethod
    def of_profile(cls, events: Iterable[dict[str, Any]]) -> Placement:
        """From the events of a profile that holds one run."""
        kernels = [
            (str(event["args"].get("op_name", "")), str(event["args"].get("provider", "")))
            for event in events
            if event.get("cat") == "Node" and str(event.get("name")).endswith("_kernel_time")
        ]
        operators = [kernel for kernel in kernels if kernel[0] not in _COPIES]
        on_cpu = {name for name, provider in operators if provider == CPU}
        return cls(len(operators), tuple(sorted(on_cpu)), len(kernels) - len(operators))


def placement(classifier: OnnxClassifier | AdaptedClassifier) -> Placement:
    """Load a classifier's file once more, on the same processor, and watch it run one window.

    Raises:
        ModelError: it cannot be loaded again.
    """
    if isinstance(classifier, AdaptedClassifier):
        classifier = classifier.network
    metadata = classifier.metadata
    with tempfile.TemporaryDirectory() as folder:
        session = classifier.profiled_session(Path(folder) / "profile")
        execution: Execution = PlainExecution(session, metadata)
        if classifier.provider != "CPU":
            execution = BoundExecution(session, metadata, (1,), classifier.device, graphs=False)
        else:
            execution.run(np.zeros((1, *metadata.input_shape), np.float32))
        events = json.loads(Path(session.end_profiling()).read_text(encoding="utf-8"))
    return Placement.of_profile(events)
