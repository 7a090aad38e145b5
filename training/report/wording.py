"""How numbers read: percent with one decimal, F1 as a share, differences in points."""

from __future__ import annotations

from training.report.numbers import Difference, Spread

NONE = "–"


def percent(value: float | None) -> str:
    """A share as percent."""
    return NONE if value is None else f"{100 * value:.1f}"


def share(value: float | None, digits: int = 3) -> str:
    """A share as it is."""
    return NONE if value is None else f"{value:.{digits}f}"


def percent_spread(value: Spread | None) -> str:
    """Mean and standard deviation in percent."""
    if value is None:
        return NONE
    return percent(value.mean) + (f" ± {100 * value.sd:.1f}" if value.sd is not None else "")


def share_spread(value: Spread | None) -> str:
    """Mean and standard deviation as shares."""
    if value is None:
        return NONE
    return share(value.mean) + (f" ± {value.sd:.3f}" if value.sd is not None else "")


def points(value: float | None) -> str:
    """A signed difference in percentage points."""
    return NONE if value is None else f"{100 * value:+.1f}".replace("-", "−")


def interval(difference: Difference | None) -> str:
    """A difference with its interval."""
    if difference is None:
        return NONE
    low, high = points(difference.low), points(difference.high)
    return f"{points(difference.value)} [{low}, {high}]"


def signed_interval(value: float, low: float, high: float) -> str:
    """A difference of shares with its interval."""
    return f"{value:+.3f} [{low:+.3f}, {high:+.3f}]".replace("-", "−")


def verdict(difference: Difference) -> str:
    """Whether a difference is decided, with its interval and what that comes from."""
    low, high = points(difference.low), points(difference.high)
    where = f"{difference.folds} folds" if difference.folds > 1 else "one fold"
    if not difference.decided:
        outcome = "not decided: the interval includes zero"
    elif difference.value > 0:
        outcome = "better: the interval leaves out zero"
    else:
        outcome = "worse: the interval leaves out zero"
    return (
        f"{points(difference.value)} points UAR (95 % interval {low} to {high}, {difference.n} "
        f"{difference.units}, {where}, ahead on {difference.folds_better}); {outcome}"
    )


def count(n: int, of: int) -> str:
    """Folds run, and of how many where some are missing."""
    return str(n) if n >= of else f"{n} of {of}"
