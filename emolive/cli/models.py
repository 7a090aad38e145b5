"""`models`: which models there are, and what was measured of each."""

from __future__ import annotations

import json

from rich.markdown import Markdown
from rich.table import Table

from emolive.cli.console import Console
from emolive.cli.outcome import DONE, say
from emolive.errors import EmoliveError
from emolive.inference.bundled import BUNDLED, BundledModel, bundled_model
from emolive.inference.model_files import read_metadata


def run_models(*, as_json: bool) -> int:
    """List the bundled models with their scores, side by side, as a table or a JSON array."""
    if as_json:
        say(json.dumps([_facts(model) for model in BUNDLED], indent=1))
        return DONE
    described = [read_metadata(model.path) for model in BUNDLED]
    table = Table("", *(model.name for model in BUNDLED))
    table.add_row("what", *(model.about for model in BUNDLED))
    table.add_row("size", *(f"{model.path.stat().st_size / 1e6:.0f} MB" for model in BUNDLED))
    table.add_row("input", *(one.input_name for one in described))
    for kind in ("clean", "telephone"):
        scores = [
            one.clean_scores if kind == "clean" else one.telephone_scores for one in described
        ]
        for corpus in dict.fromkeys(name for found in scores for name in found):
            cells = (f"{found[corpus]:.1%}" if corpus in found else "" for found in scores)
            table.add_row(f"{corpus}, {kind}", *cells)
    table.add_row("calibration error", *(f"{one.scores['ece']:.3f}" for one in described))
    Console().print(table)
    say(
        f"UAR of one 3-second window of speakers that were never heard. {BUNDLED[0].name} is used "
        "unless --model names another; `emolive models NAME` shows the whole card."
    )
    return DONE


def run_model(name: str) -> int:
    """Show a bundled model's card.

    Raises:
        EmoliveError: there is none of that name.
    """
    model = next((one for one in BUNDLED if one.name == name), None)
    if model is None:
        known = ", ".join(one.name for one in BUNDLED)
        raise EmoliveError(f"There is no bundled model {name}: there are {known}.")
    Console().print(Markdown(model.card.read_text(encoding="utf-8")))
    return DONE


def _facts(model: BundledModel) -> dict[str, object]:
    metadata = read_metadata(model.path)
    return {
        "name": model.name,
        "about": model.about,
        "file": str(model.path),
        "used_by_default": model is bundled_model(None),
        "labels": metadata.labels,
        "scores": metadata.scores,
        "licence": metadata.licence,
    }
