"""The models that can be chosen by name, for lists of them."""

from __future__ import annotations

from pathlib import Path

from emolive.i18n import tr
from emolive.inference.adapted_file import adapted_names
from emolive.inference.bundled import BUNDLED


def bundled_choices() -> list[tuple[str, object]]:
    """Texts and values of those that come along; the usual one is None."""
    usual, *others = BUNDLED
    return [
        (tr("{name} (usual)", name=usual.name), None),
        *((tr("{name} (comes along)", name=one.name), Path(one.name)) for one in others),
    ]


def adapted_choices() -> list[tuple[str, object]]:
    """Texts and values of those that were taught here."""
    return [(tr("{name} (yours)", name=name), Path(name)) for name in adapted_names()]
