"""The registry of formats: what each is called, how its file is named, and who writes it."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from types import MappingProxyType

from emolive.errors import EmoliveError
from emolive.i18n import mark
from emolive.session.export.audacity import write_audacity
from emolive.session.export.audformat_tables import check_audformat, write_audformat
from emolive.session.export.csv_file import SPREADSHEET as FOR_PEOPLE
from emolive.session.export.csv_file import write_csv
from emolive.session.export.eaf import write_eaf
from emolive.session.export.emotionml import write_emotionml
from emolive.session.export.json_document import write_json
from emolive.session.export.report import write_html
from emolive.session.export.rttm import write_rttm
from emolive.session.export.tables import check_parquet, write_parquet
from emolive.session.export.textgrid import write_textgrid
from emolive.session.export.webvtt import write_vtt
from emolive.session.timeline import Timeline

SPREADSHEET = "spreadsheet"


def _always() -> None:
    """Needs nothing that may be missing."""


@dataclass(frozen=True, slots=True)
class Format:
    """One format of the export.

    `name` is what a person types, `title` what it is called, `extension` how its file (or folder)
    ends, without the dot. `write` writes a timeline, whole or not at all, into a folder that is
    there; it raises OSError. `check` raises EmoliveError when something it needs is not installed.
    """

    name: str
    title: str
    extension: str
    write: Callable[[Timeline, Path], None]
    check: Callable[[], None] = _always


ALL = "all"  # of a list of formats: every one
FORMATS: Mapping[str, Format] = MappingProxyType(
    {
        form.name: form
        for form in (
            Format("json", "JSON", "json", write_json),
            Format("csv", mark("CSV tables"), "csv", write_csv),
            Format(
                SPREADSHEET,
                mark("CSV for spreadsheets"),
                f"{SPREADSHEET}.csv",
                partial(write_csv, dialect=FOR_PEOPLE),
            ),
            Format("parquet", mark("Parquet tables"), "parquet", write_parquet, check_parquet),
            Format("eaf", "ELAN", "eaf", write_eaf),
            Format("textgrid", "Praat TextGrid", "TextGrid", write_textgrid),
            Format("audacity", mark("Audacity labels"), "audacity.txt", write_audacity),
            Format("vtt", mark("WebVTT captions"), "vtt", write_vtt),
            Format("rttm", "RTTM", "rttm", write_rttm),
            Format("emotionml", "EmotionML 1.0", "emotionml", write_emotionml),
            Format("audformat", "audformat", "audformat", write_audformat, check_audformat),
            Format("html", mark("HTML report"), "html", write_html),
        )
    }
)


def chosen_names(
    text: str, every: Sequence[str] = tuple(FORMATS), beside: Sequence[str] = ()
) -> tuple[str, ...]:
    """The names in a list such as "csv, eaf", each once, those of formats ready to be written.

    "all" is `every` one; those `beside` have to be named.

    Raises:
        EmoliveError: one is unknown, or needs something that is not installed.
    """
    asked = [name.strip().lower() for name in text.split(",")]
    names = dict.fromkeys(name for one in asked for name in (every if one == ALL else (one,)))
    known = (*every, *beside)
    if unknown := [name for name in names if name not in known]:
        raise EmoliveError(
            "{unknown} is not a format that can be written: use {formats}.",
            unknown=repr(unknown[0]),
            formats=", ".join((*known, ALL)),
        )
    for name in names:
        if name in FORMATS:
            FORMATS[name].check()
    return tuple(names)


def chosen_formats(text: str) -> tuple[Format, ...]:
    """The formats of a list such as "csv, eaf", or "all".

    Raises:
        EmoliveError: one is unknown, or needs something that is not installed.
    """
    return tuple(FORMATS[name] for name in chosen_names(text))
