from __future__ import annotations

import os
import sys
from dataclasses import replace
from pathlib import Path

import pytest

from emolive.cli import options
from emolive.errors import EmoliveError
from emolive.session.export import FORMATS, chosen_formats
from tests.session.export.timelines import full


def test_a_list_is_read_as_people_write_it() -> None:
    assert [form.name for form in chosen_formats(" EAF,csv , eaf")] == ["eaf", "csv"]
    assert [form.name for form in chosen_formats("all,csv")] == list(FORMATS)


def test_an_unknown_format_names_all() -> None:
    with pytest.raises(EmoliveError, match=r"'docx' is not a format.*json, csv.*html"):
        chosen_formats("json,docx")


@pytest.mark.parametrize(("name", "module"), [("parquet", "pyarrow"), ("audformat", "audformat")])
def test_what_is_missing_is_told_before_anything_is_done(
    name: str, module: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, module, None)
    with pytest.raises(EmoliveError, match=r"emolive\[export\]"):
        chosen_formats(f"json,{name}")


def test_the_command_line_offers_every_format() -> None:
    assert ", ".join(FORMATS) == options.FORMATS


@pytest.mark.parametrize("name", FORMATS)
def test_every_format_appears_whole_under_its_name(name: str, tmp_path: Path) -> None:
    form = FORMATS[name]
    try:
        form.check()
    except EmoliveError as error:
        pytest.skip(str(error))
    target = tmp_path / f"call.{form.extension}"
    form.write(full(), target)
    form.write(full(), target)  # over the older one
    assert target.exists()
    assert not [path for path in tmp_path.iterdir() if path.name.startswith(".")]


@pytest.mark.parametrize("name", FORMATS)
def test_the_folder_must_be_there(name: str, tmp_path: Path) -> None:
    form = FORMATS[name]
    try:
        form.check()
    except EmoliveError as error:
        pytest.skip(str(error))
    with pytest.raises(OSError, match="No such file"):
        form.write(full(), tmp_path / "none" / "call")


@pytest.mark.skipif(sys.platform != "linux", reason="names of files are text elsewhere")
@pytest.mark.parametrize("name", FORMATS)
def test_names_of_files_need_not_be_text(name: str, tmp_path: Path) -> None:
    form = FORMATS[name]
    try:
        form.check()
    except EmoliveError as error:
        pytest.skip(str(error))
    latin = os.fsdecode("Müller".encode("latin-1"))
    (tmp_path / latin).mkdir()
    target = tmp_path / latin / f"{latin}.{form.extension}"
    form.write(replace(full(), title=latin, source=f"in/{latin}.wav"), target)
    assert target.exists()
