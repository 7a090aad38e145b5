"""Names as long as a file system allows."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from emolive.session.export.atomic import (
    beside,
    fitting,
    remove_partials,
    replacing_folder,
    write_text,
)

NAMES = ["a" * 251 + ".csv", "ä" * 125 + ".json", "x" * 255, "😀" * 62 + ".eaf"]


@pytest.mark.parametrize("name", NAMES)
def test_a_name_of_255_bytes_can_be_written(tmp_path: Path, name: str) -> None:
    path = tmp_path / name
    write_text(path, "words")
    assert path.read_text() == "words"
    write_text(beside(path, "segments"), "more")
    with replacing_folder(tmp_path / f"{name[:-1]}"):
        pass
    with replacing_folder(tmp_path / f"{name[:-1]}"):
        pass
    assert len(list(tmp_path.iterdir())) == 3


@pytest.mark.parametrize("name", [*NAMES, "talk.json"])
def test_what_a_killed_program_left_is_removed(tmp_path: Path, name: str) -> None:
    path = tmp_path / name
    with pytest.raises(KeyboardInterrupt):
        _die_while_writing(path)
    assert len(list(tmp_path.iterdir())) == 1
    remove_partials(tmp_path / ("y" + name[1:]))
    assert len(list(tmp_path.iterdir())) == 1
    remove_partials(path)
    assert list(tmp_path.iterdir()) == []


def _die_while_writing(path: Path) -> None:
    from emolive.session.export import atomic

    atomic._partial(path).write_text("half")
    raise KeyboardInterrupt


@given(st.text(st.characters(exclude_categories=["Cs"]), max_size=300), st.integers(0, 40))
def test_shortened_names_fit_and_stay_apart(name: str, more: int) -> None:
    short = fitting(name, more)
    assert len(os.fsencode(short)) + more <= 255
    assert (short == name) == (len(os.fsencode(name)) + more <= 255)
    assert fitting(name + "b", more) != fitting(name + "c", more)
