"""What `sessions tiers` does."""

from __future__ import annotations

import json
from pathlib import Path

from emolive.cli.outcome import DONE, say
from emolive.cli.session_commands import open_library
from emolive.errors import EmoliveError
from emolive.session.library_settings import TierSettings, tier_of, with_tier, without_tier


def run_tiers(
    library: Path | None, name: str | None, labels: str | None, *, remove: bool, as_json: bool
) -> int:
    """Change the library's tiers where one is named, then print them.

    Raises:
        EmoliveError: a name or label that cannot be, or a tier that is not there.
    """
    if remove and labels is not None:
        raise EmoliveError("--remove and --labels contradict each other: give one of them.")
    if name is None and (remove or labels is not None):
        raise EmoliveError("Name the tier: such as `emolive sessions tiers engagement --labels …`.")
    with open_library(library) as opened:
        settings = opened.settings()
        if name is not None and remove:
            settings = without_tier(settings, name)
        elif name is not None and labels is not None:
            settings = with_tier(settings, tier_of(name, labels))
        elif name is not None:
            raise EmoliveError(f"What is labelled in {name!r}? Add --labels, such as --labels a,b.")
        if settings != opened.settings():
            opened.change_settings(settings)
    if as_json:
        say(json.dumps([tier.model_dump() for tier in settings.tiers], indent=1))
    elif settings.tiers:
        for tier in settings.tiers:
            say(_line(tier))
    else:
        say("Only the emotions can be marked: add a tier with `sessions tiers NAME --labels a,b`.")
    return DONE


def _line(tier: TierSettings) -> str:
    return f"{tier.name}: {', '.join(tier.labels)}"
