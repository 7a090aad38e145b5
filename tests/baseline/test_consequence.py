"""What adapting is said to lead to: as measured with the model that is used, or nothing."""

from __future__ import annotations

import pytest

from emolive.baseline import ExpectedMix, Measured
from emolive.baseline.measured import MEASURED
from emolive.inference.bundled import BUNDLED, bundled_by_fingerprint
from emolive.inference.loading import open_model
from emolive.inference.model_files import read_metadata
from emolive.wording import consequence_text


@pytest.mark.parametrize("measured", MEASURED.values(), ids=MEASURED)
def test_more_neutral_means_fewer_false_alarms_and_less_that_is_found(measured: Measured) -> None:
    shares = (0.1, 0.3, 0.45, 0.6, 0.75, 0.9, 0.99)
    found = [measured.consequence(ExpectedMix(share)) for share in shares]
    assert found == sorted(found, reverse=True)
    assert all(0 < alarms < 1 for alarms, _ in found)
    assert measured.consequence(ExpectedMix(None))[0] < 1


def test_shares_are_those_of_the_model_s_own_answers() -> None:
    measured = Measured(0.5, (100.0, 0.4), (60.0, 0.5), ((0.3, 40.0, 0.4), (0.9, 10.0, 0.2)))
    assert measured.consequence(ExpectedMix(0.3)) == pytest.approx((0.4, 1.0))
    assert measured.consequence(ExpectedMix(0.6)) == pytest.approx((0.25, 0.75))
    assert measured.consequence(ExpectedMix(None)) == pytest.approx((0.6, 1.25))


def test_it_was_measured_with_the_files_that_come_along() -> None:
    described = {read_metadata(one.path).name: one for one in BUNDLED}
    for name, measured in MEASURED.items():
        assert described[name].measured is measured
        # With another threshold it is another curve: `python -m training baseline` prints it.
        threshold = read_metadata(described[name].path).abstention_threshold
        assert measured.threshold == pytest.approx(threshold, abs=1e-4)
    assert BUNDLED[0].measured is not None


def test_a_profile_s_model_is_known_by_its_content() -> None:
    (usual, *_) = BUNDLED
    metadata = open_model(usual.path, "cpu").metadata
    assert bundled_by_fingerprint(metadata.fingerprint) is usual
    other = metadata.model_copy(update={"weights": "0" * 64})
    assert bundled_by_fingerprint(other.fingerprint) is None


@pytest.mark.parametrize(
    ("alarms", "found", "said"),
    [
        (0.57, 1.06, "43\u00a0% fewer false alarms, and no less angry speech is found."),
        (0.57, 0.998, "43\u00a0% fewer false alarms, and no less angry speech is found."),
        (0.26, 0.88, "74\u00a0% fewer false alarms, and 12\u00a0% less angry speech is found."),
    ],
)
def test_it_is_said_in_words(alarms: float, found: float, said: str) -> None:
    text = consequence_text("accurate", alarms, found)
    assert text.endswith(said)
    assert "accurate" in text
