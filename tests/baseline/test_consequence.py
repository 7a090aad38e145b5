from __future__ import annotations

import pytest

from emolive.baseline import ExpectedMix, consequence
from emolive.wording import consequence_text


def test_more_neutral_means_fewer_false_alarms_and_less_that_is_found() -> None:
    found = [consequence(ExpectedMix(share)) for share in (0.1, 0.3, 0.45, 0.6, 0.75, 0.9, 0.99)]
    assert found == sorted(found, reverse=True)
    assert all(0 < alarms < 1 for alarms, _ in found)
    assert consequence(ExpectedMix(None))[0] < 1


@pytest.mark.parametrize(
    ("alarms", "found", "said"),
    [
        (0.57, 1.06, "43\u00a0% fewer false alarms, and no less angry speech is found."),
        (0.26, 0.88, "74\u00a0% fewer false alarms, and 12\u00a0% less angry speech is found."),
    ],
)
def test_it_is_said_in_words(alarms: float, found: float, said: str) -> None:
    assert consequence_text(alarms, found).endswith(said)
