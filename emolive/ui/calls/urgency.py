"""In which order calls are shown: the urgent ones first, and calmly. No Qt."""

from __future__ import annotations

from collections.abc import Sequence

from emolive.types import Severity
from emolive.ui.calls.model import CallModel

RESORT_S = 3.0
# Negative emotion counts in steps, and a step is left only when it is clearly left.
_STEP = 0.2
_HOLD = 0.08
_SEVERITIES = list(Severity)


def severity_rank(model: CallModel) -> int:
    """Of the gravest alert nobody has seen to: 3 critical, 2 warning, 1 info, 0 none."""
    ranks = (_SEVERITIES.index(entry.alert.severity) + 1 for entry in model.open_alerts)
    return max(ranks, default=0)


class UrgencyOrder:
    """Sorts calls at most every `RESORT_S` seconds; equals keep their places.

    First those with alerts nobody has seen to, by severity; then by how unpleasant it is, in steps;
    those that are over go last. New calls go to the end until the next sorting.
    """

    def __init__(self) -> None:
        """Nothing sorted yet."""
        self._order: list[str] = []
        self._steps: dict[str, int] = {}
        self._sorted_at = -RESORT_S

    def arrange(self, models: Sequence[CallModel], now: float, *, hold: bool = False) -> list[str]:
        """Ids in the order to show; `now` is a monotonic clock's, `hold` keeps the places."""
        by_id = {model.info.id: model for model in models}
        order = [call_id for call_id in self._order if call_id in by_id]
        order += [call_id for call_id in by_id if call_id not in order]
        if not hold and now - self._sorted_at >= RESORT_S:
            self._sorted_at = now
            self._steps = {call_id: self._step(by_id[call_id]) for call_id in order}
            order.sort(key=lambda call_id: self._key(by_id[call_id]))
        self._order = order
        return list(order)

    def _key(self, model: CallModel) -> tuple[int, bool, int]:
        return (-severity_rank(model), model.over, -self._steps[model.info.id])

    def _step(self, model: CallModel) -> int:
        before = self._steps.get(model.info.id)
        step = int(model.negative / _STEP)
        if before is None or step == before:
            return step
        edge = _STEP * max(step, before)
        return step if abs(model.negative - edge) >= _HOLD or abs(step - before) > 1 else before
