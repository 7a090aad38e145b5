"""In which forms sessions can be exported, and what each is for."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType

from emolive.errors import EmoliveError
from emolive.i18n import mark
from emolive.session.bundle import EXTENSION
from emolive.session.export import FORMATS

BUNDLE, MANIFEST = "bundle", "manifest"


@dataclass(frozen=True, slots=True)
class Choice:
    """What a person can choose: a name, what it is called, how its file ends, what it is for."""

    name: str
    title: str
    extension: str
    purpose: str


_PURPOSES = {
    "html": mark("Player and timeline in one file that opens in any browser"),
    "spreadsheet": mark("Rows for Excel or Calc, with decimal commas"),
    "vtt": mark("The emotions as captions below a video or a player"),
    "eaf": mark("Tiers for ELAN"),
    "textgrid": mark("Tiers for Praat"),
    "audacity": mark("A label track for Audacity"),
    "csv": mark("Rows for R, pandas and others"),
    "json": mark("All of it in one file, for programs"),
    "parquet": mark("The same rows, small and quick to read"),
    "audformat": mark("A data set for audEERING's tools"),
    "emotionml": mark("The W3C's form of emotions"),
    "rttm": mark("Who speaks when, for diarization tools"),
    BUNDLE: mark("Everything, its sound included, for emolive on another computer"),
    MANIFEST: mark("What people marked, cut out as sound, to train a model on"),
}
_ALL = (
    *(
        Choice(form.name, form.title, f".{form.extension}", _PURPOSES[form.name])
        for form in FORMATS.values()
    ),
    Choice(BUNDLE, mark("Session bundle"), f".{EXTENSION}", _PURPOSES[BUNDLE]),
    Choice(MANIFEST, mark("Training manifest"), mark("folder"), _PURPOSES[MANIFEST]),
)
CHOICES: Mapping[str, Choice] = MappingProxyType({choice.name: choice for choice in _ALL})
# What they are for, and those that are for that, the usual ones first.
GROUPS: tuple[tuple[str, tuple[str, ...]], ...] = (
    (mark("To read and to show"), ("html", "spreadsheet", "vtt")),
    (mark("To annotate in other programs"), ("eaf", "textgrid", "audacity")),
    (mark("To compute with"), ("csv", "json", "parquet", "audformat")),
    (mark("To hand on"), (BUNDLE, MANIFEST, "emotionml", "rttm")),
)


def unavailable(name: str) -> str | None:
    """Why a format cannot be written here, as one sentence; None: it can."""
    try:
        if name in FORMATS:
            FORMATS[name].check()
    except EmoliveError as error:
        return str(error)
    return None
