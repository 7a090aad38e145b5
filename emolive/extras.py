"""How to get what is not installed; one who runs the ready-made program has no pip for it."""

from __future__ import annotations

import sys

from emolive.i18n import tr


def way_to_get(extra: str) -> str:
    """How to get an extra of emolive, as a clause that ends with the command."""
    package = f"'emolive[{extra}]'"
    if ready_made():
        return tr(
            "the ready-made program comes without it, emolive installed with Python can have it: "
            "`pip install {package}`",
            package=package,
        )
    return tr("run `pip install {package}`", package=package)


def way_to_mend(package: str) -> str:
    """How to get a package back that emolive cannot do without, as a clause."""
    if ready_made():
        return tr("unpack or install emolive again")
    return tr("run `pip install --force-reinstall {package}`", package=package)


def ready_made() -> bool:
    """Whether this is the bundle, which brings its own Python."""
    return bool(getattr(sys, "frozen", False))
