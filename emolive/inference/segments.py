"""Consecutive equal decisions merged into segments that cover the stream without gaps."""

from __future__ import annotations

from emolive.types import Prediction, Segment, SpeechState


class Segmenter:
    """One stream's segments. It holds one open segment; one thread owns it.

    A prediction speaks for the hop around its window's centre. The border between two answers is
    midway between their centres, so that windows left out in between are shared by both sides. Only
    when two windows do not even touch (audio was lost, or the worker fell far behind) the stretch
    that no window heard becomes a segment of its own, `uncertain` with confidence 0. The first
    segment begins at 0, the last ends where the stream does.
    """

    def __init__(self, stream: str, hop_samples: int) -> None:
        """Segments of `stream`, whose windows come every `hop_samples`."""
        self._stream = stream
        self._half_hop = hop_samples // 2
        self._label: str | None = None  # None: no prediction yet
        self._start = 0
        self._confidences: list[float] = []
        self._last: Prediction | None = None

    def accept(self, prediction: Prediction) -> list[Segment]:
        """Add the next prediction; return the segments it closed, in order.

        Raises:
            ValueError: it does not come after the one before.
        """
        label = prediction.label or str(prediction.state)
        last, self._last = self._last, prediction
        if last is None:
            self._open(label, 0)
            self._count(prediction)
            return []
        if prediction.centre_sample <= last.centre_sample:
            self._last = last
            raise ValueError("predictions must come in time order")
        closed: list[Segment] = []
        if prediction.start_sample > last.end_sample:
            hole_start = last.centre_sample + self._half_hop
            hole_end = prediction.centre_sample - self._half_hop
            closed += self._turn(str(SpeechState.UNCERTAIN), hole_start)
            self._confidences.append(0.0)
            closed += self._turn(label, hole_end)
        else:
            closed += self._turn(label, (last.centre_sample + prediction.centre_sample) // 2)
        self._count(prediction)
        return closed

    def finish(self, end_sample: int) -> list[Segment]:
        """Close the open segment at the stream's end; empty when nothing was ever predicted.

        Raises:
            ValueError: the stream would end before its last segment begins.
        """
        if self._label is None:
            return []
        if end_sample <= self._start:
            raise ValueError(f"the stream cannot end at {end_sample}, before {self._start}")
        segment = self._close(end_sample)
        self._label, self._last = None, None
        return [segment]

    def _turn(self, label: str, border: int) -> list[Segment]:
        """Close the open segment at `border` if `label` differs, and open the next."""
        if label == self._label:
            return []
        closed = [self._close(border)]
        self._open(label, border)
        return closed

    def _open(self, label: str, start: int) -> None:
        self._label = label
        self._start = start
        self._confidences = []

    def _count(self, prediction: Prediction) -> None:
        self._confidences.append(prediction.confidence)

    def _close(self, end: int) -> Segment:
        assert self._label is not None
        mean = sum(self._confidences) / len(self._confidences)
        return Segment(self._stream, self._start, end, self._label, mean)
