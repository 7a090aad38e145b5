"""The drawn consequence of an expected mix: where its marks are."""

from __future__ import annotations

import numpy as np
import pytest
from PySide6.QtGui import QImage
from pytestqt.qtbot import QtBot

from emolive.baseline import ExpectedMix, Measured
from emolive.types import FloatArray
from emolive.ui.settings.consequence_curve import ConsequenceCurve
from emolive.ui.theme import DARK, LIGHT, Theme

MEASURED = Measured(
    threshold=0.5,
    own=(100.0, 0.5),
    balanced=(62.0, 0.55),
    neutral=((0.3, 48.0, 0.54), (0.6, 27.0, 0.5), (0.9, 13.0, 0.42)),
)


def places(curve: ConsequenceCurve, colour: str) -> FloatArray:
    """Pixels ``(n, 2)`` of exactly this colour, as x and y."""
    image = curve.grab().toImage().convertToFormat(QImage.Format.Format_RGB32)
    rows = np.frombuffer(image.constBits(), np.uint32).reshape(image.height(), -1)
    wanted = curve.theme.colour(colour).rgb() & 0xFFFFFF
    y, x = np.nonzero((rows[:, : image.width()] & 0xFFFFFF) == wanted)
    return np.stack((x, y), axis=1).astype(np.float32)


@pytest.mark.parametrize("theme", [LIGHT, DARK])
def test_the_marks_follow_the_mix(qtbot: QtBot, theme: Theme) -> None:
    curve = ConsequenceCurve(theme)
    qtbot.addWidget(curve)
    curve.resize(700, curve.height())

    def mark(mix: ExpectedMix, colour: str) -> FloatArray:
        """The middle of what differs from the curve with its mark at the very end."""
        curve.show_mix(MEASURED, ExpectedMix(0.9))
        without = {tuple(one) for one in places(curve, colour)}
        curve.show_mix(MEASURED, mix)
        more = [one for one in places(curve, colour) if tuple(one) not in without]
        left = [one for one in more if one[0] < 400]
        assert len(left) > 20
        found: FloatArray = np.mean(left, axis=0)
        return found

    marks = {n: [mark(ExpectedMix(n), c) for c in ("warning", "accent")] for n in (None, 0.3, 0.6)}
    for alarms, found in marks.values():
        assert alarms[0] == pytest.approx(found[0], abs=5), "one mix, one place along"
        assert alarms[1] > found[1], "fewer false alarms lie lower"
    along = [alarms[0] for alarms, _ in marks.values()]
    assert along == sorted(along)
    assert marks[0.6][0][1] > marks[0.3][0][1]
    heights = [(m[1], MEASURED.consequence(ExpectedMix(n))[i]) for n, two in marks.items()
               for i, m in enumerate(two)]  # fmt: skip
    slope, offset = np.polyfit([s for _, s in heights], [y for y, _ in heights], 1)
    assert [y for y, _ in heights] == pytest.approx([slope * s + offset for _, s in heights], abs=5)


def test_switched_off_it_is_faint(qtbot: QtBot) -> None:
    curve = ConsequenceCurve(LIGHT)
    qtbot.addWidget(curve)
    curve.resize(700, curve.height())
    curve.show_mix(MEASURED, ExpectedMix())
    assert len(places(curve, "accent"))
    curve.setEnabled(False)
    assert not len(places(curve, "accent"))
    assert len(places(curve, "faint"))
